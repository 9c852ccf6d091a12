//! Buckets.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::{
    Embedded,
    refusal::{Refusal, StoreResult},
};
use crate::{
    clock::{from_millis, to_millis},
    db::Done,
    model::error::{Place, Result},
};

const CREATE: &str =
    "INSERT INTO cameo_buckets (name, created_at, location) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING";
const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM cameo_buckets WHERE name = ?1)";
const LOCATION: &str = "SELECT location FROM cameo_buckets WHERE name = ?1";
const LIST: &str = "SELECT name, created_at FROM cameo_buckets
    WHERE name > ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3";
const IS_USED: &str = "SELECT EXISTS (SELECT 1 FROM cameo_objects WHERE bucket = ?1)";
const DELETE: &str = "DELETE FROM cameo_buckets WHERE name = ?1";
const DELETE_UPLOADS: &str = "DELETE FROM cameo_uploads WHERE bucket = ?1 RETURNING id";

/// A bucket of the index, which may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Embedded {
    /// Whether there is such a bucket.
    pub fn bucket_exists(&self, name: &str) -> StoreResult<bool> {
        Ok(self.inner.db.look_up(Place::Store, "look up a bucket", |connection| exists(connection, name))?)
    }

    /// Buckets in the order of their names, whose names are after `after` and start with `prefix`; at most `max`.
    pub async fn buckets(&self, prefix: &str, after: &str, max: u32) -> StoreResult<Vec<Bucket>> {
        let (prefix, after) = (prefix.to_owned(), after.to_owned());
        let job = self.inner.db.read(Place::Store, "list the buckets", move |connection| {
            let mut query = connection.prepare_cached(LIST)?;
            let buckets = query.query_map((after, prefix, max), |row| {
                Ok(Bucket { name: row.get(0)?, created_at: from_millis(row.get(1)?) })
            })?;
            Ok(buckets.collect::<Result<_, _>>()?)
        });
        Ok(job.await?)
    }

    /// The location that a bucket was created with; empty where none was named.
    pub fn bucket_location(&self, name: &str) -> StoreResult<String> {
        let location = self.inner.db.look_up(Place::Store, "look up a bucket", |connection| {
            Ok(connection.prepare_cached(LOCATION)?.query_row([name], |row| row.get(0)).optional()?)
        });
        location?.ok_or(Refusal::NoSuchBucket)
    }

    /// Creates a bucket. The location is kept for those who ask for it, and means nothing.
    pub async fn create_bucket(&self, name: &str, location: &str) -> StoreResult<()> {
        let location = location.to_owned();
        let (name, now) = (name.to_owned(), to_millis(self.now()));
        let job = self
            .inner
            .db
            .write(Place::Store, "create a bucket", move |connection| create_in(connection, &name, now, &location));
        if job.await? { Ok(()) } else { Err(Refusal::BucketExists) }
    }

    /// Deletes a bucket that is empty. Unfinished multipart uploads go with it, and their parts from the disk.
    pub async fn delete_bucket(&self, name: &str) -> StoreResult<()> {
        if self.inner.options.as_ref().is_some_and(|options| options.needs(name)) {
            return Err(Refusal::BucketNeeded);
        }
        let name = name.to_owned();
        let job = self.inner.db.write(Place::Store, "delete a bucket", move |connection| delete_in(connection, &name));
        let uploads = job.await??;
        self.remove_upload_folders(uploads).await;
        Ok(())
    }
}

/// Whether there is such a bucket, as far as the connection sees.
pub(super) fn exists(connection: &Connection, name: &str) -> Done<bool> {
    Ok(connection.prepare_cached(EXISTS)?.query_row([name], |row| row.get(0))?)
}

pub(super) fn create_in(connection: &Connection, name: &str, now_millis: i64, location: &str) -> Done<bool> {
    Ok(connection.prepare_cached(CREATE)?.execute((name, now_millis, location))? > 0)
}

/// Deletes a bucket; the uploads that went with it.
fn delete_in(connection: &Connection, name: &str) -> Done<StoreResult<Vec<String>>> {
    if connection.prepare_cached(IS_USED)?.query_row([name], |row| row.get(0))? {
        return Ok(Err(Refusal::BucketNotEmpty));
    }
    let mut delete = connection.prepare_cached(DELETE_UPLOADS)?;
    let uploads = delete.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let deleted = connection.prepare_cached(DELETE)?.execute([name])?;
    Ok(if deleted > 0 { Ok(uploads) } else { Err(Refusal::NoSuchBucket) })
}
