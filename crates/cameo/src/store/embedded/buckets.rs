//! Buckets.

use futures::FutureExt;
use jiff::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::{
    Embedded,
    refusal::{Answer, Refusal},
};
use crate::{
    clock::{from_millis, to_millis},
    error::{Place, Result},
    sqlite::failed,
};

const CREATE: &str =
    "INSERT INTO cameo_buckets (name, created_at, location) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING";
const EXISTS: &str = "SELECT count(*) FROM cameo_buckets WHERE name = ?1";
const LOCATION: &str = "SELECT location FROM cameo_buckets WHERE name = ?1";
const LIST: &str = "SELECT name, created_at FROM cameo_buckets
    WHERE name > ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3";
const IS_USED: &str = "SELECT EXISTS (SELECT 1 FROM cameo_objects WHERE bucket = ?1)";
const DELETE: &str = "DELETE FROM cameo_buckets WHERE name = ?1";
const DELETE_UPLOADS: &str = "DELETE FROM cameo_uploads WHERE bucket = ?1";

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Embedded {
    /// Whether there is such a bucket.
    pub async fn bucket_exists(&self, name: &str) -> Answer<bool> {
        let query = sqlx::query_scalar::<_, i64>(EXISTS).bind(name);
        let count = query.fetch_one(self.inner.db.readers()).await;
        Ok(count.map_err(|e| failed(Place::Store, "look up a bucket", e))? > 0)
    }

    /// Buckets in the order of their names, whose names are after `after` and start with `prefix`; at most `max`.
    pub async fn buckets(&self, prefix: &str, after: &str, max: u32) -> Answer<Vec<Bucket>> {
        let error = |e| failed(Place::Store, "list the buckets", e);
        let query = sqlx::query(LIST).bind(after).bind(prefix).bind(max);
        let rows = query.fetch_all(self.inner.db.readers()).await.map_err(error)?;
        let bucket = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Bucket { name: row.try_get(0)?, created_at: from_millis(row.try_get(1)?) })
        };
        Ok(rows.iter().map(bucket).collect::<Result<_, sqlx::Error>>().map_err(error)?)
    }

    /// The location that a bucket was created with; empty where none was named.
    pub async fn bucket_location(&self, name: &str) -> Answer<String> {
        let query = sqlx::query_scalar::<_, String>(LOCATION).bind(name);
        let location = query.fetch_optional(self.inner.db.readers()).await;
        location.map_err(|e| failed(Place::Store, "look up a bucket", e))?.ok_or(Refusal::NoSuchBucket)
    }

    /// Creates a bucket. The location is kept for those who ask for it, and means nothing.
    pub async fn create_bucket(&self, name: &str, location: &str) -> Answer<()> {
        let location = location.to_owned();
        let (name, now) = (name.to_owned(), to_millis(self.now()));
        let job = self.inner.db.write(Place::Store, "create a bucket", move |connection| {
            async move { create_in(connection, &name, now, &location).await }.boxed()
        });
        if job.await? { Ok(()) } else { Err(Refusal::BucketExists) }
    }

    /// Deletes a bucket that is empty. Unfinished multipart uploads go with it.
    pub async fn delete_bucket(&self, name: &str) -> Answer<()> {
        if self.inner.options.as_ref().is_some_and(|options| options.needs(name)) {
            return Err(Refusal::BucketNeeded);
        }
        let name = name.to_owned();
        let job = self.inner.db.write(Place::Store, "delete a bucket", move |connection| {
            async move { delete_in(connection, &name).await }.boxed()
        });
        job.await?
    }
}

pub(super) async fn create_in(
    connection: &mut SqliteConnection,
    name: &str,
    now_millis: i64,
    location: &str,
) -> Result<bool> {
    let query = sqlx::query(CREATE).bind(name).bind(now_millis).bind(location);
    let done = query.execute(connection).await.map_err(|e| failed(Place::Store, "create a bucket", e))?;
    Ok(done.rows_affected() > 0)
}

async fn delete_in(connection: &mut SqliteConnection, name: &str) -> Result<Answer<()>> {
    let error = |e| failed(Place::Store, "delete a bucket", e);
    let used = sqlx::query_scalar::<_, i64>(IS_USED).bind(name);
    if used.fetch_one(&mut *connection).await.map_err(error)? > 0 {
        return Ok(Err(Refusal::BucketNotEmpty));
    }
    sqlx::query(DELETE_UPLOADS).bind(name).execute(&mut *connection).await.map_err(error)?;
    let done = sqlx::query(DELETE).bind(name).execute(connection).await.map_err(error)?;
    Ok(if done.rows_affected() > 0 { Ok(()) } else { Err(Refusal::NoSuchBucket) })
}
