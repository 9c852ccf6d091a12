//! Writing the index again from the records of the content.
//!
//! Files are read in the order of their generations, so what is applied is what happened, in its order: of each key the newest counts, a
//! deletion is a file too, and what was replaced is noted as old content. Renditions come back where the original that they were made from
//! is there; aliases are not recorded, and the flow makes them again. Then the event of each original that changed is sent, so that ledger,
//! rows and renditions follow.

use std::{fs::File, io};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    buckets,
    files::{Files, is_held},
    garbage, kept,
    object::{self, StoredObject},
    record::{Record, Removed},
    recovery::{Recovered, Recovery},
    refusal::io_failed,
};
use crate::{
    clock::to_millis,
    db::{Done, integer},
    model::{
        error::Result,
        event::{Change, Event},
        generation::Generation,
        key::{ImageKey, ORIGIN_PREFIX},
    },
    queue,
    store::{
        GENERATION_METADATA,
        quarantine::{Removal, Why},
    },
};

const PREPARE: &str = "CREATE TEMP TABLE changed (bucket TEXT, object_key TEXT, removed INTEGER,
    PRIMARY KEY (bucket, object_key)) WITHOUT ROWID";
const NOTE_CHANGE: &str = "INSERT INTO temp.changed VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET removed = excluded.removed";
const CHANGED: &str = "SELECT object_key, removed FROM temp.changed WHERE bucket = ?1 AND object_key > ?2
    ORDER BY object_key LIMIT 1000";
const LIVE: &str = "CREATE TEMP TABLE live AS SELECT generation FROM cameo_objects WHERE bucket = ?1";
const INDEX_LIVE: &str = "CREATE INDEX temp.live_by_generation ON live (generation)";
const IS_LIVE: &str = "SELECT EXISTS (SELECT 1 FROM temp.live WHERE generation = ?1)";

/// The index that is written.
pub(super) struct Rebuild<'r> {
    connection: &'r Connection,
    files: &'r Files,
    recovery: &'r Recovery,
    now: Timestamp,
}

impl<'r> Rebuild<'r> {
    pub(super) fn new(
        connection: &'r Connection,
        files: &'r Files,
        recovery: &'r Recovery,
        now: Timestamp,
    ) -> Done<Self> {
        connection.execute_batch(PREPARE)?;
        Ok(Self { connection, files, recovery, now })
    }

    pub(super) fn run(&self, done: &mut Recovered, progress: &mut dyn FnMut(u64)) -> Done<()> {
        let mut looked_at = 0;
        for shard in self.files.shards_from(0).map_err(|e| io_failed("list objects/", e))? {
            let mut present =
                self.files.files_of_shard(shard).map_err(|e| io_failed("list a folder of objects/", e))?;
            present.sort_unstable();
            for &file in &present {
                self.apply(file)?;
            }
            // A transaction a folder: nobody reads the copy, and a log as long as the index would need its space once more.
            self.connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
            looked_at += present.len() as u64;
            progress(looked_at);
        }
        self.drop_renditions_of_nothing(done)?;
        self.send_events(done)?;
        self.count_others(done)
    }

    fn apply(&self, number: u64) -> Done<()> {
        let read = File::open(self.files.object_path(number)).and_then(|file| Record::read(&file, number));
        let record = match read {
            Ok(Some(record)) => record,
            // It does not say what it holds; a row may name it, and what none names is moved aside.
            Ok(None) => return Ok(()),
            Err(error) if is_of_one_file(&error) => {
                tracing::warn!(file = format!("{number:016x}"), %error, "a file of objects/ could not be read");
                return Ok(());
            }
            Err(error) => return Err(io_failed("read a file of objects/", error).into()),
        };
        let (objects, removed) = record.into_parts(number);
        self.drop_rows_of_other_content(number)?;
        for object in objects {
            self.write(&object)?;
        }
        if let Some(removed) = removed {
            return self.remove(number, &removed);
        }
        // What lost against a newer one, or was refused: nothing names it, and it is old content.
        if !super::start::is_known(self.connection, number)? {
            garbage::add(self.connection, number, self.now)?;
        }
        Ok(())
    }

    /// Rows that name the file for content that it does not hold: they are of the index of another folder, which counts from one too.
    fn drop_rows_of_other_content(&self, number: u64) -> Done<()> {
        for row in object::of_file(self.connection, number)? {
            if !self.is_held(&row)? {
                object::delete(self.connection, &row.bucket, &row.key)?;
                self.note(&row.bucket, &row.key, Some(row.generation.saturating_add(1)))?;
            }
        }
        Ok(())
    }

    fn is_held(&self, row: &StoredObject) -> Done<bool> {
        match is_held(self.files, row.position, row.size, &row.etag) {
            Err(error) if is_of_one_file(&error) => Ok(false),
            held => Ok(held.map_err(|error| io_failed("read a file of objects/", error))?),
        }
    }

    /// Writes what a record says, where nothing newer is in its place. A row without its content is not newer, whatever it says: what is
    /// there may be the last copy.
    fn write(&self, object: &StoredObject) -> Done<()> {
        let current = object::find(self.connection, &object.bucket, &object.key)?;
        let current = match current {
            Some(current) if self.is_held(&current)? => Some(current),
            _ => None,
        };
        if current.as_ref().is_some_and(|current| current.generation >= object.generation) {
            return Ok(());
        }
        buckets::create_in(self.connection, &object.bucket, to_millis(object.modified_at), "")?;
        object::upsert(self.connection, object)?;
        if let Some(replaced) = current {
            let is_same = replaced.etag == object.etag;
            self.let_go(replaced, if is_same { None } else { Some(Why::Replaced) })?;
        }
        self.note(&object.bucket, &object.key, None)
    }

    fn remove(&self, number: u64, removed: &Removed) -> Done<()> {
        let Removed { bucket, key, generation } = removed;
        let keep = self.recovery.keep_old + self.recovery.keep_removed;
        let until = self.now.checked_add(keep).unwrap_or(self.now);
        garbage::add(self.connection, number, until)?;
        match object::find(self.connection, bucket, key)? {
            Some(current) if current.generation < *generation => {
                object::delete(self.connection, bucket, key)?;
                self.let_go(current, Some(Why::Deleted))?;
                self.note(bucket, key, Some(*generation))
            }
            _ => Ok(()),
        }
    }

    /// Keeps an original that the records say was deleted or replaced, as the index did that is lost; what else there was is old content.
    fn let_go(&self, removed: StoredObject, why: Option<Why>) -> Done<()> {
        let is_original = removed.bucket == self.recovery.upload_bucket && removed.key.starts_with(ORIGIN_PREFIX);
        match why.filter(|_| is_original && !self.recovery.keep_removed.is_zero()) {
            Some(why) => kept::keep(self.connection, removed, &Removal { at: self.now, why, note: None }),
            None => garbage::add(self.connection, removed.position.file, self.now),
        }
    }

    fn note(&self, bucket: &str, key: &str, removed: Option<u64>) -> Done<()> {
        self.connection.prepare_cached(NOTE_CHANGE)?.execute(params![bucket, key, removed.map(integer)])?;
        Ok(())
    }

    /// Takes renditions out again whose original is not there any more: deleted ones leave no tombstone, since originals do.
    fn drop_renditions_of_nothing(&self, done: &mut Recovered) -> Done<()> {
        self.connection.execute(LIVE, [&self.recovery.upload_bucket])?;
        self.connection.execute_batch(INDEX_LIVE)?;
        self.each_changed(&self.recovery.image_bucket, |key, _| {
            let Some(object) = object::find(self.connection, &self.recovery.image_bucket, key)? else { return Ok(()) };
            let Some(made_from) = object.description.metadata.get(GENERATION_METADATA) else { return Ok(()) };
            // A counter has sixteen digits; what was put behind them says how often it was sent again.
            let counter = made_from.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
            if !self.connection.prepare_cached(IS_LIVE)?.query_row([integer(counter)], |row| row.get(0))? {
                done.images_of_replaced += u64::from(self.has_newer_original(key)?);
                object::delete(self.connection, &object.bucket, &object.key)?;
                garbage::add(self.connection, object.position.file, self.now)?;
            }
            Ok(())
        })
    }

    /// Whether the photo of a rendition has another original than the one it was made from: one that was not rendered, and mostly
    /// rejected, or the rendition would have followed it.
    fn has_newer_original(&self, key: &str) -> Done<bool> {
        let ImageKey::Rendition(photo, _) = ImageKey::parse(key) else { return Ok(false) };
        Ok(object::find(self.connection, &self.recovery.upload_bucket, &photo.origin_key())?.is_some())
    }

    fn send_events(&self, done: &mut Recovered) -> Done<()> {
        let bucket = &self.recovery.upload_bucket;
        self.each_changed(bucket, |key, removed| {
            let (generation, change) = match (object::find(self.connection, bucket, key)?, removed) {
                (Some(object), _) => {
                    done.originals += 1;
                    (object.generation, Change::Created { etag: object.etag, size: object.size })
                }
                (None, Some(removed)) => {
                    done.deletions += 1;
                    (removed, Change::Removed)
                }
                (None, None) => return Ok(()),
            };
            if !key.starts_with(ORIGIN_PREFIX) {
                return Ok(());
            }
            done.events += 1;
            let generation = Generation::from_counter(generation);
            let event = Event { bucket: bucket.clone(), key: key.to_owned(), generation, change, actor: None };
            let body = event.to_notification(self.now);
            queue::sqlite::insert(self.connection, &self.recovery.events, &body, to_millis(self.now))
        })
    }

    fn count_others(&self, done: &mut Recovered) -> Done<()> {
        let mut after = Some(String::new());
        while let Some(bucket) = after {
            let next = "SELECT min(bucket) FROM temp.changed WHERE bucket > ?1";
            after = self.connection.query_row(next, [&bucket], |row| row.get(0)).optional()?.flatten();
            match &after {
                Some(bucket) if *bucket != self.recovery.upload_bucket => self.each_changed(bucket, |key, _| {
                    let is_there = object::find(self.connection, bucket, key)?.is_some();
                    done.others += u64::from(is_there);
                    Ok(())
                })?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Every key of a bucket that was changed, and the generation of its deletion where that was the last that happened to it.
    fn each_changed(&self, bucket: &str, mut what: impl FnMut(&str, Option<u64>) -> Done<()>) -> Done<()> {
        let mut after = String::new();
        loop {
            let mut query = self.connection.prepare_cached(CHANGED)?;
            let rows = query.query_map((bucket, &after), |row| {
                Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(i64::unsigned_abs)))
            })?;
            let rows: Vec<(String, Option<u64>)> = rows.collect::<Result<_, _>>()?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            after.clone_from(last);
            for (key, removed) in &rows {
                what(key, *removed)?;
            }
        }
    }
}

/// Whether an error of reading is that of one file, beside which the others can be read.
fn is_of_one_file(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
        || matches!(error.raw_os_error(), Some(5 | 74 | 117))
}
