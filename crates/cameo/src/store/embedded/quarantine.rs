//! What no index names is moved aside, into a folder with a date, and never deleted at once: it may be somebody's photo.
//!
//! ```text
//! quarantine/20261125-070012-start/0000000000000c04       moved by a start; removed after `store.keep_quarantine`
//! quarantine/20261125-070012-recover/…                    moved by `cameo recover`; kept until a person removes it
//! ```
//!
//! A move is a rename within the data folder, so it needs no space and cannot damage what it moves.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{Timestamp, Unit, civil::DateTime, tz::TimeZone};

use super::{
    files::{Files, names_in},
    sync::sync_folder,
};

/// Ends the names of folders that a start made.
pub(super) const BY_START: &str = "start";
/// Ends the names of folders that `cameo recover` made.
pub(super) const BY_RECOVERY: &str = "recover";
/// The date in the names.
const DATE: &str = "%Y%m%d-%H%M%S";
/// Folders of one second, at most.
const SAME_SECOND_MAX: u32 = 1000;

/// A folder that things are moved to; made when the first one comes.
#[derive(Debug)]
pub(super) struct Quarantine {
    folder: PathBuf,
    made: bool,
    moved: u64,
}

impl Quarantine {
    /// A folder of this moment.
    pub(super) fn new(files: &Files, now: Timestamp, by: &str) -> Self {
        let date = now.round(Unit::Second).unwrap_or(now).to_zoned(TimeZone::UTC).strftime(DATE).to_string();
        let parent = files.quarantine();
        let names =
            std::iter::once(format!("{date}-{by}")).chain((2..SAME_SECOND_MAX).map(|n| format!("{date}-{n}-{by}")));
        let folder = names.map(|name| parent.join(name)).find(|path| !path.exists());
        Self { folder: folder.unwrap_or(parent), made: false, moved: 0 }
    }

    /// Moves something here, under its own name.
    pub(super) fn take(&mut self, path: &Path) -> io::Result<()> {
        if !self.made {
            fs::create_dir_all(&self.folder)?;
            self.made = true;
        }
        let name = path.file_name().unwrap_or_default();
        fs::rename(path, self.folder.join(name))?;
        self.moved += 1;
        Ok(())
    }

    /// Makes the moves durable; where to, and how many there were.
    pub(super) fn finish(self) -> io::Result<(PathBuf, u64)> {
        if self.made {
            self.folder.ancestors().take(3).try_for_each(sync_folder)?;
        }
        Ok((self.folder, self.moved))
    }
}

/// Removes folders that a start made longer ago than `keep`; how many.
pub(super) fn expire(files: &Files, now: Timestamp, keep: Duration) -> io::Result<u64> {
    let mut removed = 0;
    let until = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
    for name in names_in(&files.quarantine())? {
        if made_by_start_at(&name).is_some_and(|made_at| made_at < until) {
            fs::remove_dir_all(files.quarantine().join(name))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// How many folders there are, and how many files and bytes are in them.
pub(super) fn held(files: &Files) -> io::Result<(u64, u64, u64)> {
    let mut held = (0, 0, 0);
    for folder in names_in(&files.quarantine())? {
        let folder = files.quarantine().join(folder);
        if !folder.is_dir() {
            continue;
        }
        held.0 += 1;
        for name in names_in(&folder)? {
            held.1 += 1;
            held.2 += folder.join(name).symlink_metadata()?.len();
        }
    }
    Ok(held)
}

/// What is in quarantine under the name of a generation: the number, and where. What a person put there may have any name.
pub(super) fn numbered(files: &Files) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut numbered = Vec::new();
    for folder in names_in(&files.quarantine())? {
        let folder = files.quarantine().join(folder);
        if !folder.is_dir() {
            continue;
        }
        for name in names_in(&folder)? {
            let number = u64::from_str_radix(&name, 16).ok().filter(|_| name.len() == 16);
            let number = number.filter(|number| i64::try_from(*number).is_ok_and(|number| number != i64::MAX));
            numbered.extend(number.map(|number| (number, folder.join(&name))));
        }
    }
    Ok(numbered)
}

/// When a start made the folder of this name; none where it is not one of those.
fn made_by_start_at(name: &str) -> Option<Timestamp> {
    let date = name.strip_suffix(BY_START)?.strip_suffix('-')?;
    let date = date.get(..15)?;
    Some(DateTime::strptime(DATE, date).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_start_moved_goes_after_its_time_and_nothing_else_does() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::new(data.path());
        let now: Timestamp = "2026-11-25T07:00:12Z".parse().unwrap();
        let mut folders = Vec::new();
        for by in [BY_START, BY_START, BY_RECOVERY] {
            fs::write(data.path().join("file"), "content").unwrap();
            let mut quarantine = Quarantine::new(&files, now, by);
            quarantine.take(&data.path().join("file")).unwrap();
            folders.push(quarantine.finish().unwrap());
        }
        assert!(folders.iter().all(|(folder, moved)| *moved == 1 && folder.join("file").exists()), "{folders:?}");
        assert!(folders[0].0.ends_with("quarantine/20261125-070012-start"), "{folders:?}");
        fs::create_dir(files.quarantine().join("of a person")).unwrap();
        let after = |hours| now.checked_add(Duration::from_hours(hours)).unwrap();
        assert_eq!(held(&files).unwrap(), (4, 3, 21), "folders, files, bytes");
        assert_eq!(expire(&files, after(1), Duration::from_hours(2)).unwrap(), 0);
        assert_eq!(expire(&files, after(3), Duration::from_hours(2)).unwrap(), 2);
        assert!(folders[2].0.join("file").exists() && files.quarantine().join("of a person").exists());
    }
}
