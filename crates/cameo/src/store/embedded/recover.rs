//! Making index and content belong together again, after a database was lost, damaged or put back from a copy.
//!
//! Either way works on a copy of the database beside it, which takes its place in the end: a run that is interrupted has changed nothing
//! but that some unknown content is in `quarantine/`, or back from there, and can be run again. Nothing is deleted: what no index names, and the database
//! that was there, are moved to `quarantine/`. No server may run at the same time.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    buckets,
    files::{Files, is_held},
    kept, meta,
    object::{self, Position},
    quarantine::{self, BY_RECOVERY, Quarantine},
    rebuild::Rebuild,
    recovery::{Recovered, Recovery, Side},
    refusal::io_failed,
    stamp,
    start::known_files,
    sync::{sync_file, sync_folder},
};
use crate::{
    clock::to_millis,
    db::{Done, Sqlite, as_error, unsigned},
    model::error::{Error, Kind, Place, Result},
};

/// Ends the name of the copy that is worked on.
const COPY: &str = ".recovering";
/// Names of rows without content that are reported, at most.
const NAMED_MAX: usize = 20;
/// Rows that are read at a time.
const PAGE: i64 = 1000;

const ROWS: &str = "SELECT bucket, object_key, file, file_offset, size, etag FROM cameo_objects
    WHERE (bucket, object_key) > (?1, ?2) ORDER BY bucket, object_key LIMIT ?3";
const UPLOADS: &str = "SELECT EXISTS (SELECT 1 FROM cameo_uploads WHERE id = ?1 AND completed_etag IS NULL)";

/// Makes index and content of the data folder `data` belong together. `progress` gets the number of files looked at.
pub fn recover(data: &Path, recovery: &Recovery, now: Timestamp, progress: &mut dyn FnMut(u64)) -> Result<Recovered> {
    let files = Files::new(data);
    if !recovery.dry_run {
        files.prepare().map_err(|e| io_failed(&format!("prepare the folder {}", data.display()), e))?;
    }
    let copy = Copy::of(&data.join("cameo.db"))?;
    if recovery.side == Side::Database && !copy.is_of_old {
        remove_database(&copy.path)?;
        let doing = format!(
            "take cameo.db in {} as it is: it is missing, empty or damaged; put a copy back first, or use --rebuild-index",
            data.display()
        );
        return Err(Error::new(Place::Store, Kind::Misconfigured, doing));
    }
    let mut done = Recovered { database_read: copy.is_of_old, ..Recovered::default() };
    if recovery.with_quarantine && recovery.side == Side::Content {
        done.taken_back =
            take_back(&files, recovery.dry_run).map_err(|e| io_failed("move content back from quarantine/", e))?;
    }
    let doing = "write the recovered index";
    let mut run = || -> Done<_> {
        copy.connection.execute_batch("BEGIN IMMEDIATE")?;
        for name in [&recovery.upload_bucket, &recovery.image_bucket] {
            buckets::create_in(&copy.connection, name, to_millis(now), "")?;
        }
        if recovery.side == Side::Content {
            Rebuild::new(&copy.connection, &files, recovery, now)?.run(&mut done, progress)?;
        }
        let unknown = unknown_files(&copy.connection, &files, &mut done, progress)?;
        look_at_content(&copy.connection, &files, &mut done)?;
        Ok(unknown)
    };
    let unknown = run().map_err(|failure| as_error(failure, Place::Store, doing))?;
    done.quarantined = unknown.files.len() as u64 + unknown.uploads.len() as u64;
    if recovery.dry_run {
        drop(copy.connection);
        remove_database(&copy.path)?;
        return Ok(done);
    }
    let mut quarantine = Quarantine::new(&files, now, BY_RECOVERY);
    move_aside(&files, &unknown, &mut quarantine)?;
    let mark = || -> Done<()> {
        let highest = highest_named(&files).map_err(|e| io_failed("list quarantine/", e))?.max(unknown.highest);
        for name in [meta::COUNTER, meta::RESERVED, meta::SWEPT_THROUGH] {
            meta::raise(&copy.connection, name, highest)?;
        }
        stamp::renew_alone(&files, &copy.connection)?;
        copy.connection.execute_batch("COMMIT")?;
        Ok(())
    };
    mark().map_err(|failure| as_error(failure, Place::Store, doing))?;
    copy.take_its_place(&mut quarantine)?;
    let (folder, moved) = quarantine.finish().map_err(|e| io_failed("sync quarantine/", e))?;
    done.quarantine = (moved > 0).then_some(folder);
    Ok(done)
}

/// A copy of the database, to be changed in its place.
struct Copy {
    original: PathBuf,
    path: PathBuf,
    connection: Connection,
    is_of_old: bool,
}

impl Copy {
    /// A copy of a database that can be read to the end, and an empty one in place of any other.
    fn of(original: &Path) -> Result<Self> {
        let path = beside(original, COPY);
        remove_database(&path)?;
        let copied = copy_database(original, &path);
        let is_of_old = copied.map_err(|error| as_error(error.into(), Place::Store, "copy the database"))?;
        let connection = Sqlite::open_alone(&path)?;
        Ok(Self { original: original.to_owned(), path, connection, is_of_old })
    }

    /// Moves the database that was there aside, with its log, and puts this one in its place.
    fn take_its_place(self, quarantine: &mut Quarantine) -> Result<()> {
        let folded = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        folded.map_err(|error| as_error(error.into(), Place::Store, "write the recovered index"))?;
        drop(self.connection);
        let mut replace = || -> io::Result<()> {
            sync_file(&File::open(&self.path)?);
            for suffix in ["-wal", "-shm", ""] {
                let path = beside(&self.original, suffix);
                if path.exists() {
                    quarantine.take(&path)?;
                }
            }
            fs::rename(&self.path, &self.original)?;
            self.original.parent().into_iter().try_for_each(sync_folder)
        };
        replace().map_err(|error| io_failed("put the recovered index in its place", error))
    }
}

/// Copies a database into a new file. False where there is none, and where it is damaged.
fn copy_database(from: &Path, to: &Path) -> rusqlite::Result<bool> {
    if !from.metadata().is_ok_and(|file| file.len() > 0) {
        return Ok(false);
    }
    let copy = || {
        let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let whole = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get::<_, String>(0))? == "ok";
        if whole {
            connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
        }
        Ok(whole)
    };
    match copy() {
        Err(rusqlite::Error::SqliteFailure(error, _))
            if matches!(error.code, ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) =>
        {
            Ok(false)
        }
        other => other,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn remove_database(path: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_failed(&format!("remove {}{suffix}", path.display()), error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What no row names.
#[derive(Debug, Default)]
struct Unknown {
    files: Vec<u64>,
    /// Folders of multipart uploads.
    uploads: Vec<String>,
    /// The highest generation that names a file in `objects/`.
    highest: u64,
}

fn unknown_files(
    connection: &Connection,
    files: &Files,
    done: &mut Recovered,
    progress: &mut dyn FnMut(u64),
) -> Done<Unknown> {
    let mut unknown = Unknown::default();
    done.files = 0;
    for shard in files.shards_from(0).map_err(|e| io_failed("list objects/", e))? {
        let mut present = files.files_of_shard(shard).map_err(|e| io_failed("list a folder of objects/", e))?;
        done.files += present.len() as u64;
        unknown.highest = present.iter().copied().max().unwrap_or(0).max(unknown.highest);
        let known = known_files(connection, Files::bounds_of_shard(shard))?;
        present.retain(|file| !known.contains(file));
        unknown.files.extend(present);
        progress(done.files);
    }
    for upload in files.upload_folders().map_err(|e| io_failed("list parts/", e))? {
        if !connection.query_row(UPLOADS, [&upload], |row| row.get::<_, bool>(0))? {
            unknown.uploads.push(upload);
        }
    }
    Ok(unknown)
}

fn move_aside(files: &Files, unknown: &Unknown, quarantine: &mut Quarantine) -> Result<()> {
    let content = unknown.files.iter().map(|file| files.object_path(*file));
    let uploads = unknown.uploads.iter().map(|upload| files.upload_path(upload));
    content
        .chain(uploads)
        .try_for_each(|path| quarantine.take(&path))
        .map_err(|e| io_failed("move what no row names to quarantine/", e))
}

/// Looks at the content of every row; of notes of old content nothing is asked.
fn look_at_content(connection: &Connection, files: &Files, done: &mut Recovered) -> Done<()> {
    let mut after = (String::new(), String::new());
    loop {
        let mut query = connection.prepare_cached(ROWS)?;
        let rows = query.query_map((&after.0, &after.1, PAGE), |row| {
            let position = Position { file: unsigned(row, "file")?, offset: unsigned(row, "file_offset")? };
            let etag: String = row.get("etag")?;
            Ok(((row.get(0)?, row.get(1)?), position, unsigned(row, "size")?, etag))
        })?;
        let rows: Vec<((String, String), Position, u64, String)> = rows.collect::<Result<_, _>>()?;
        for ((bucket, key), position, size, etag) in &rows {
            let is_there = is_held(files, *position, *size, etag).unwrap_or(false);
            if !is_there && kept::is_hidden(bucket) {
                // Nothing can be restored from it.
                object::delete(connection, bucket, key)?;
            } else if !is_there {
                done.without_content += 1;
                if done.named.len() < NAMED_MAX {
                    done.named.push(format!("{bucket}/{key}"));
                }
            }
        }
        match rows.into_iter().next_back() {
            Some((last, ..)) => after = last,
            None => return Ok(()),
        }
    }
}

/// Numbers that must not be given out again: of files in `quarantine/`, and of what was committed without a file of its own.
fn highest_named(files: &Files) -> io::Result<u64> {
    let named = quarantine::numbered(files)?.into_iter().map(|(number, _)| number).max();
    Ok(named.unwrap_or(0).max(files.watermark().read()?))
}

/// Moves content back from `quarantine/` to where it was, if nothing is there; how many files. What no record explains goes back to
/// quarantine in the end.
fn take_back(files: &Files, dry_run: bool) -> io::Result<u64> {
    let mut taken = 0;
    let mut folders = BTreeSet::new();
    for (number, path) in quarantine::numbered(files)? {
        let place = files.object_path(number);
        if place.exists() || !path.is_file() {
            continue;
        }
        taken += 1;
        if let (false, Some(folder)) = (dry_run, place.parent()) {
            fs::create_dir_all(folder)?;
            fs::rename(path, &place)?;
            folders.insert(folder.to_owned());
        }
    }
    folders.iter().try_for_each(|folder| sync_folder(folder))?;
    if !folders.is_empty() {
        sync_folder(&files.objects())?;
    }
    Ok(taken)
}
