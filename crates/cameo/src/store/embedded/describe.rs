//! Giving records to files of older versions, which have none: behind the content, a few at a time, while the server runs.
//!
//! Until a file has its record, `cameo recover --rebuild-index` cannot know what it holds. What is behind the content of a file is read by
//! nobody else, so an append does not disturb who reads it, and one that a crash cut off is no record and is written again.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, Write},
};

use rusqlite::Connection;

use super::{
    Embedded,
    files::Files,
    meta,
    object::StoredObject,
    record::Record,
    refusal::{Refusal, StoreResult},
    run_blocking::run_blocking,
    sync::sync_file,
};
use crate::{
    db::{Done, integer},
    model::error::{Place, Result},
};

/// Rows that are looked at at a time.
const BATCH: i64 = 500;
/// Batches in one sweep: each file costs an fsync, beside which uploads go on.
const BATCHES_MAX: usize = 40;

/// Objects of the buckets that nothing else could make again, from a file on.
const ROWS: &str = "SELECT bucket, object_key, generation, file, file_offset, size, etag, modified_at, content_type,
    headers, metadata, checksums, parts FROM cameo_objects WHERE file > ?1 AND file <= ?2 AND bucket <> ?3
    AND bucket NOT LIKE '.quarantine/%' ORDER BY file LIMIT ?4";

impl Embedded {
    /// Gives records to some files that have none. Does nothing once all have one.
    pub(super) async fn describe_old_content(&self, image_bucket: &str) -> Result<()> {
        for _ in 0..BATCHES_MAX {
            let image_bucket = image_bucket.to_owned();
            let look = self.inner.db.read(Place::Store, "look for content without a record", move |connection| {
                let (after, until) = (meta::DESCRIBED_THROUGH, meta::DESCRIBED_UNTIL);
                let (after, until) = (meta::read(connection, after)?, meta::read(connection, until)?);
                Ok((after, rows_within(connection, after, until, &image_bucket)?))
            });
            let (after, rows) = look.await?;
            let is_last = i64::try_from(rows.len()).is_ok_and(|rows| rows < BATCH);
            // Of a file that goes on in the next batch all rows are needed: it is left to that one.
            let (mut through, mut by_file) = (after, BTreeMap::<u64, Vec<StoredObject>>::new());
            for row in rows {
                by_file.entry(row.position.file).or_default().push(row);
            }
            if !is_last && by_file.len() > 1 {
                by_file.pop_last();
            }
            through = by_file.last_key_value().map_or(through, |(file, _)| *file);
            if through == after {
                return Ok(());
            }
            let files = self.inner.files.clone();
            run_blocking(move || by_file.iter().try_for_each(|(file, objects)| describe(&files, *file, objects)))
                .await?;
            let job =
                self.inner.db.write_in_batch(Place::Store, "remember which content has records", move |connection| {
                    meta::raise(connection, meta::DESCRIBED_THROUGH, through)
                });
            job.await?;
        }
        Ok(())
    }
}

fn rows_within(connection: &Connection, after: u64, until: u64, image_bucket: &str) -> Done<Vec<StoredObject>> {
    let mut query = connection.prepare_cached(ROWS)?;
    let rows = query.query_map((integer(after), integer(until), image_bucket, BATCH), StoredObject::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes the record of a file that has none. One that is gone or damaged is the business of those who verify.
fn describe(files: &Files, number: u64, objects: &[StoredObject]) -> StoreResult<()> {
    let failed = |error| Refusal::io("write a record behind old content", error);
    let mut file = match OpenOptions::new().read(true).append(true).open(files.object_path(number)) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
            return Ok(());
        }
        Err(error) => return Err(failed(error)),
    };
    let length = file.metadata().map_err(failed)?.len();
    let is_whole = objects.iter().all(|object| object.position.offset + object.size <= length);
    if !is_whole || Record::read(&file, number).map_err(failed)?.is_some() {
        return Ok(());
    }
    // A file is named after the first of its objects; of one whose first object is gone nothing can be said that would be believed.
    let Some(first) = objects.iter().position(|object| object.generation == number) else { return Ok(()) };
    let (before, from) = objects.split_at(first);
    file.write_all(&Record::of(from.iter().chain(before)).to_bytes()?).map_err(failed)?;
    sync_file(&file);
    Ok(())
}
