//! Whether the index and `objects/` are of the same moment: both carry a stamp, which is changed in both from time to time.
//!
//! A database that was put back from a copy, one that is new, and an `objects/` that is not mounted all look like a healthy store with a
//! few files too many or too few. A start that believed so would clean up photos. The stamp tells them apart from a crash: it is a number
//! drawn at each start and at each sweep, written to the database first and to `objects/` second, as the name of an empty folder there: a
//! rename changes it at once or not at all.

use std::{fs, io, path::PathBuf, sync::Arc};

use rand::Rng;
use rusqlite::Connection;

use super::{
    files::{Files, names_in},
    meta,
    refusal::io_failed,
    run_blocking::run_blocking,
    sync::sync_folder,
};
use crate::{
    db::{Done, Sqlite},
    model::error::{Place, Result},
};

/// What the name of the folder in `objects/` begins with.
const PREFIX: &str = "session-";
/// A stamp that nothing matches: of a name that is none, and of two that were copied into one folder.
const NO_STAMP: u64 = u64::MAX;
/// The stamp of the database, which `objects/` has too.
pub(super) const STAMP: &str = "stamp";
/// The stamp that `objects/` has already where the process ended in between.
pub(super) const NEXT_STAMP: &str = "next_stamp";

/// What both sides carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamps {
    /// What `objects/` carries.
    pub(super) folder: Option<u64>,
    /// What the database carries.
    pub(super) index: Option<u64>,
    /// What the database is about to carry.
    pub(super) next: Option<u64>,
}

/// Whether both sides belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// They belong together, or both are of a time before stamps.
    Same,
    /// The database is an older copy, or that of another folder, or new.
    OtherIndex,
    /// `objects/` is not the folder that the database was used with.
    OtherFolder,
}

impl Stamps {
    /// Reads both sides.
    pub(super) fn read(files: &Files, connection: &Connection) -> Done<Self> {
        let folder = match read_folder(files) {
            Ok(found) => found,
            Err(error) => return Err(io_failed("read the stamp of objects/", error).into()),
        };
        let of = |name| meta::find(connection, name);
        Ok(Self { folder, index: of(STAMP)?, next: of(NEXT_STAMP)? })
    }

    pub(super) fn compare(self) -> Match {
        match self {
            Self { folder: None, index: None, .. } => Match::Same,
            Self { folder: None, index: Some(_), .. } => Match::OtherFolder,
            Self { folder, index, next } if folder == index || folder == next => Match::Same,
            _ => Match::OtherIndex,
        }
    }
}

/// Gives both sides a new stamp. A crash at any point leaves stamps that match.
pub(super) async fn renew(files: &Arc<Files>, db: &Sqlite) -> Result<()> {
    let stamp = rand::rng().random::<u64>() >> 1;
    let doing = "write a stamp of the store";
    db.write_in_batch(Place::Store, doing, move |connection| meta::set(connection, NEXT_STAMP, stamp)).await?;
    let files = files.clone();
    run_blocking(move || Ok(write_folder(&files, stamp)?)).await?;
    db.write_in_batch(Place::Store, doing, move |connection| meta::set(connection, STAMP, stamp)).await
}

/// [`renew`] for a database that nobody else has open; to be called when all else is done.
pub(super) fn renew_alone(files: &Files, connection: &Connection) -> Done<()> {
    let stamp = rand::rng().random::<u64>() >> 1;
    meta::set(connection, NEXT_STAMP, stamp)?;
    write_folder(files, stamp)?;
    meta::set(connection, STAMP, stamp)
}

fn write_folder(files: &Files, stamp: u64) -> Result<()> {
    let write = || {
        let mut old = stamp_folders(files)?.into_iter().map(|(_, path)| path);
        let new = files.objects().join(format!("{PREFIX}{stamp:016x}"));
        match old.next() {
            Some(first) => fs::rename(first, new)?,
            None => fs::create_dir(new)?,
        }
        old.try_for_each(fs::remove_dir)?;
        sync_folder(&files.objects())
    };
    write().map_err(|error| io_failed("write the stamp of objects/", error))
}

/// The stamp of the folder.
fn read_folder(files: &Files) -> io::Result<Option<u64>> {
    Ok(match stamp_folders(files)?.as_slice() {
        [] => None,
        [(stamp, _)] => Some(*stamp),
        _ => Some(NO_STAMP),
    })
}

fn stamp_folders(files: &Files) -> io::Result<Vec<(u64, PathBuf)>> {
    let stamp = |name: String| {
        let stamp = u64::from_str_radix(name.strip_prefix(PREFIX)?, 16).unwrap_or(NO_STAMP);
        Some((stamp, files.objects().join(name)))
    };
    Ok(names_in(&files.objects())?.into_iter().filter_map(stamp).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_crash_in_between_may_leave_different_stamps() {
        let compare = |folder, index, next| Stamps { folder, index, next }.compare();
        assert_eq!(compare(None, None, None), Match::Same, "new, or of an older version");
        assert_eq!(compare(None, None, Some(1)), Match::Same, "the first stamp is being written");
        assert_eq!(compare(Some(1), None, Some(1)), Match::Same);
        assert_eq!(compare(Some(1), Some(1), Some(1)), Match::Same);
        assert_eq!(compare(Some(1), Some(1), Some(2)), Match::Same);
        assert_eq!(compare(Some(2), Some(1), Some(2)), Match::Same);
        assert_eq!(compare(Some(3), Some(1), Some(2)), Match::OtherIndex);
        assert_eq!(compare(Some(3), Some(1), Some(1)), Match::OtherIndex);
        assert_eq!(compare(Some(3), None, None), Match::OtherIndex);
        assert_eq!(compare(None, Some(1), Some(1)), Match::OtherFolder);
    }
}
