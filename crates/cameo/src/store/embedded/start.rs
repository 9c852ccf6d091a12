//! A start: whether index and content belong together, and what becomes of files that no row names.
//!
//! A change puts its content in its place before it commits, so a crash leaves files without a row. But so does a database that was put
//! back from a copy, and then these files are photos. A start therefore deletes nothing: it moves a few unknown files aside, and where
//! there are more than can have been under way, or the stamps differ, it stops, and says how to go on.

use std::{collections::HashSet, path::Path, sync::Arc};

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    Embedded, EmbeddedOptions,
    files::Files,
    meta,
    quarantine::{self, BY_START, Quarantine},
    refusal::io_failed,
    stamp::{self, Match, Stamps},
    write::RESERVED_AT_ONCE,
};
use crate::{
    clock::to_millis,
    db::{Done, Sqlite, integer},
    failpoint::{Point, reached},
    model::error::{Error, Kind, Place, Result},
};

/// Changes that can have been under way at a crash, at most: those of as many connections as the S3 endpoint has, and of the workers.
const UNDER_WAY_MAX: usize = 5000;

const KNOWN_FILES: &str = "SELECT file FROM cameo_objects WHERE file BETWEEN ?1 AND ?2
    UNION SELECT file FROM cameo_garbage WHERE file BETWEEN ?1 AND ?2";
const NEWEST_FILE: &str = "SELECT max(file) FROM cameo_objects";

/// What the index says of itself, and what is in `objects/` that it does not name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// No generation above this one was given out by this database.
    reserved: u64,
    /// Files that neither a row nor the note of old content names, ascending.
    unknown: Vec<u64>,
}

/// Why a start stops.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// There is content, and no database.
    NoDatabase,
    /// The database has another stamp than `objects/`.
    OtherIndex,
    /// `objects/` has no stamp, and lacks what the database names.
    OtherFolder,
    /// `objects/` was noted to hold changes up to the first generation, and the database knows of none above the second.
    Behind(u64, u64),
    /// Files that the database cannot have written.
    Newer(usize),
    /// More unknown files than changes can have been under way.
    TooMany(usize),
}

/// Looks, before a database is opened, which would make an empty one where there is none: whether there is content that one must have
/// been about.
pub fn check_database_file(data: &Path, database: &Path) -> Result<()> {
    let is_there = database.metadata().is_ok_and(|file| file.len() > 0);
    let has_content = Files::new(data).has_content().map_err(|e| io_failed("list objects/", e))?;
    if !is_there && has_content { Err(stopped(data, &Stop::NoDatabase)) } else { Ok(()) }
}

/// Looks, in a database that is open for reading only, whether it is the one of the content: a start would stop at it.
pub fn check_belongs_together(data: &Path, db: &Sqlite) -> Result<()> {
    belong_together(&Files::new(data), db)
}

/// The way on, for an error that says what is wrong.
pub fn way_on(data: &Path) -> String {
    let data = data.display();
    format!(
        "nothing was changed. Go on with `cameo recover --data {data} --rebuild-index`, which writes the index again from \
         the content in objects/, or with `cameo recover --data {data} --accept-restored`, which takes cameo.db as it is and \
         moves content that it does not name to quarantine/; --dry-run shows what either would do"
    )
}

fn stopped(data: &Path, stop: &Stop) -> Error {
    let what = match stop {
        Stop::NoDatabase => "objects/ holds content, and cameo.db is missing or empty".to_owned(),
        Stop::OtherIndex => {
            "cameo.db is not the one that objects/ was last used with: an older copy, or that of another folder".to_owned()
        }
        Stop::OtherFolder => {
            "objects/ is not the folder that cameo.db was last used with, and lacks its newest content: is a disk not mounted?"
                .to_owned()
        }
        Stop::Behind(noted, committed) => format!(
            "objects/ holds changes up to generation {noted:x}, and cameo.db ends with {committed:x}: it is an older copy, or lost the \
             end of its log"
        ),
        Stop::Newer(files) => format!("objects/ holds {files} files that are newer than cameo.db: it is an older copy"),
        Stop::TooMany(files) => {
            format!("objects/ holds {files} files that cameo.db does not name, more than {UNDER_WAY_MAX} that a crash can leave")
        }
    };
    let doing = format!("open the store in {}: {what}; {}", data.display(), way_on(data));
    Error::new(Place::Store, Kind::Misconfigured, doing)
}

/// What the start says to what was found: whether it may go on.
fn judge(found: &Found) -> Result<(), Stop> {
    let newer = found.unknown.iter().filter(|file| **file > found.reserved).count();
    match (newer, found.unknown.len()) {
        (0, unknown) if unknown <= UNDER_WAY_MAX => Ok(()),
        (0, unknown) => Err(Stop::TooMany(unknown)),
        (newer, _) => Err(Stop::Newer(newer)),
    }
}

impl Embedded {
    /// Makes sure that index and content belong together, and moves aside what no row names. For the start, while nothing else runs.
    /// Returns the highest generation that was ever given out, and the mark up to which generations are reserved.
    pub(super) async fn examine(
        files: &Arc<Files>,
        db: &Sqlite,
        options: &EmbeddedOptions,
        now: Timestamp,
    ) -> Result<(u64, u64)> {
        belong_together(files, db)?;
        let found = look_around(files, db).await?;
        judge(&found).map_err(|stop| stopped(files.data(), &stop))?;
        move_aside(files, &found.unknown, now)?;
        report_quarantine(files)?;
        let names = [options.upload_bucket.clone(), options.image_bucket.clone()];
        let job = db.write(Place::Store, "open the store", move |connection| {
            for name in &names {
                super::buckets::create_in(connection, name, to_millis(now), "")?;
            }
            if meta::find(connection, meta::RESERVED)?.is_none() {
                // The first start of a version that writes records, which an older one did not.
                let highest = meta::highest_generation(connection)?;
                meta::raise(connection, meta::DESCRIBED_UNTIL, highest)?;
            }
            let highest = meta::highest_generation(connection)?.max(found.reserved);
            meta::raise(connection, meta::RESERVED, highest + RESERVED_AT_ONCE)?;
            Ok((highest, highest + RESERVED_AT_ONCE))
        });
        let marks = job.await?;
        stamp::renew(files, db).await?;
        Ok(marks)
    }
}

fn belong_together(files: &Files, db: &Sqlite) -> Result<()> {
    // Before the database is looked at: beside a server that works it is the database that is ahead.
    let noted = files.watermark().read().map_err(|e| io_failed("read the highest generation of objects/", e))?;
    let look = |connection: &Connection| {
        let newest: Option<i64> = connection.query_row(NEWEST_FILE, (), |row| row.get(0))?;
        let committed = meta::read(connection, meta::COUNTER)?;
        Ok((Stamps::read(files, connection)?, newest.map(i64::unsigned_abs), committed))
    };
    let (stamps, newest, committed) = db.look_up(Place::Store, "compare cameo.db and objects/", look)?;
    compare_stamps(files, stamps, newest)?;
    if noted > committed { Err(stopped(files.data(), &Stop::Behind(noted, committed))) } else { Ok(()) }
}

fn compare_stamps(files: &Files, stamps: Stamps, newest: Option<u64>) -> Result<()> {
    match stamps.compare() {
        Match::Same => Ok(()),
        // A database of before there were stamps, beside a folder that nothing was written to since: nothing can be lost.
        Match::OtherIndex if !files.has_content().map_err(|e| io_failed("list objects/", e))? && newest.is_none() => {
            Ok(())
        }
        Match::OtherIndex => Err(stopped(files.data(), &Stop::OtherIndex)),
        // Some ways to copy a folder leave out empty ones, such as the stamp.
        Match::OtherFolder if newest.is_none_or(|file| files.object_path(file).exists()) => Ok(()),
        Match::OtherFolder => Err(stopped(files.data(), &Stop::OtherFolder)),
    }
}

/// Looks where the last sweep says that unknown files may be.
async fn look_around(files: &Files, db: &Sqlite) -> Result<Found> {
    let (swept_through, reserved) = db.look_up(Place::Store, "look what is reserved", |connection| {
        let reserved = match meta::find(connection, meta::RESERVED)? {
            Some(reserved) => reserved,
            // Of before generations were reserved: a number of them may have been given out above what was committed.
            None => match meta::highest_generation(connection)? {
                0 => 0,
                highest => highest + RESERVED_AT_ONCE,
            },
        };
        Ok((meta::read(connection, meta::SWEPT_THROUGH)?, reserved))
    })?;
    let mut unknown = Vec::new();
    for shard in files.shards_from(swept_through).map_err(|e| io_failed("list objects/", e))? {
        unknown.extend(unknown_in_shard(files, db, shard).await?);
    }
    unknown.sort_unstable();
    Ok(Found { reserved, unknown })
}

async fn unknown_in_shard(files: &Files, db: &Sqlite, shard: u64) -> Result<Vec<u64>> {
    let mut present = files.files_of_shard(shard).map_err(|e| io_failed("list a folder of objects/", e))?;
    let bounds = Files::bounds_of_shard(shard);
    let look = move |connection: &Connection| known_files(connection, bounds);
    let known = db.read(Place::Store, "look for known content", look).await?;
    present.retain(|file| !known.contains(file));
    Ok(present)
}

pub(super) fn known_files(connection: &Connection, (first, last): (u64, u64)) -> Done<HashSet<u64>> {
    let mut query = connection.prepare_cached(KNOWN_FILES)?;
    let files = query.query_map((integer(first), integer(last)), |row| row.get(0).map(i64::unsigned_abs))?;
    Ok(files.collect::<Result<_, _>>()?)
}

/// Whether a row or the note of old content names a file.
pub(super) fn is_known(connection: &Connection, file: u64) -> Done<bool> {
    Ok(known_files(connection, (file, file))?.contains(&file))
}

fn move_aside(files: &Files, unknown: &[u64], now: Timestamp) -> Result<()> {
    let mut quarantine = Quarantine::new(files, now, BY_START);
    for &file in unknown {
        quarantine
            .take(&files.object_path(file))
            .map_err(|e| io_failed("move content that no row names to quarantine/", e))?;
        reached(Point::UnknownRemoved);
    }
    let (folder, moved) = quarantine.finish().map_err(|e| io_failed("sync quarantine/", e))?;
    if moved > 0 {
        tracing::warn!(
            files = moved,
            folder = %folder.display(),
            "moved files that the index does not name to quarantine: after a crash they are uploads that were never acknowledged, and \
             nothing is to be done; if cameo.db was put back from a copy they may be photos: upload these again. They are removed after \
             store.keep_quarantine"
        );
    }
    Ok(())
}

/// Logs at each start what is in quarantine: nobody else would look there.
fn report_quarantine(files: &Files) -> Result<()> {
    let (folders, held, bytes) = quarantine::held(files).map_err(|e| io_failed("list quarantine/", e))?;
    if folders > 0 {
        tracing::info!(folders, files = held, bytes, "quarantine/ in the data folder holds what no index names");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(reserved: u64, unknown: impl IntoIterator<Item = u64>) -> Found {
        Found { reserved, unknown: unknown.into_iter().collect() }
    }

    #[test]
    fn only_what_can_have_been_under_way_is_moved_aside() {
        assert_eq!(judge(&found(0, [])), Ok(()));
        assert_eq!(judge(&found(100, [99, 100])), Ok(()));
        assert_eq!(judge(&found(100, [99, 101, 102])), Err(Stop::Newer(2)));
        assert_eq!(judge(&found(0, [1])), Err(Stop::Newer(1)), "a database that knows of nothing");
        let many = UNDER_WAY_MAX as u64 + 1;
        assert_eq!(judge(&found(many, 1..=many)), Err(Stop::TooMany(UNDER_WAY_MAX + 1)));
    }

    #[test]
    fn every_stop_says_what_is_wrong_and_how_to_go_on() {
        let stops = [
            Stop::NoDatabase,
            Stop::OtherIndex,
            Stop::OtherFolder,
            Stop::Behind(9, 7),
            Stop::Newer(3),
            Stop::TooMany(6000),
        ];
        for stop in stops {
            let error = stopped(Path::new("/data"), &stop);
            let text = error.to_string();
            assert_eq!((error.kind(), text.lines().count()), (Kind::Misconfigured, 1), "{text}");
            assert!(text.contains("cameo recover --data /data --rebuild-index"), "{text}");
            assert!(text.contains("--accept-restored") && text.contains("nothing was changed"), "{text}");
        }
    }
}
