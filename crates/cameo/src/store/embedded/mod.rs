//! The embedded store: content in files named by generation, everything else in the embedded database.
//!
//! ```text
//! stage (tmp/, hashed, synced) → verify → lock the key → generation → place (rename, sync) → one transaction → answer
//! ```
//!
//! The row, the note of what it replaced and the event of the change are one transaction, so none exists without the
//! others; content without a row is invisible, and removed by the next start. Keys never become names of files, and a
//! change is never answered before it is durable.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;

use crate::{
    clock::{Clock, SystemClock, to_millis},
    error::{Error, Kind, Place, Result},
    queue::sqlite::SqliteQueue,
    sqlite::Sqlite,
};

mod as_store;
mod buckets;
mod checksum;
mod condition;
mod files;
mod garbage;
mod generations;
mod listing;
mod meta;
mod multipart;
mod object;
mod read;
mod refusal;
mod staging;
mod sweep;
mod sync;
mod together;
mod write;

pub use buckets::Bucket;
pub use checksum::{Algorithm, Checksums, Digests, Sums};
pub use condition::{ReadConditions, Tag, Verdict, WriteConditions};
pub use listing::{Entry, Page, Query};
pub use multipart::{Completion, NamedPart, NewUpload, Part, Upload};
pub use object::{Description, Headers, ObjectPart, Position, StoredObject};
pub use read::{ContentStream, OpenObject};
pub use refusal::{Answer, BodyError, Refusal};
pub use staging::{BUFFER_BYTES, Staged};
pub use together::SmallObject;
pub use write::{Copy, NewObject};

#[cfg(test)]
mod tests;

use files::Files;
use generations::Generations;
use write::KeyLocks;

/// How an embedded store is set up.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The bucket that originals are uploaded to. Created when it is absent.
    pub upload_bucket: String,
    /// The bucket that renditions are published to. Created when it is absent.
    pub image_bucket: String,
    /// Where accepted changes of keys under `origin/` in the upload bucket are told, in the transaction of the change.
    pub events: SqliteQueue,
    /// How long content that nothing refers to any more is kept.
    pub keep_old: Duration,
    /// How long a multipart upload may stay unfinished.
    pub keep_uploads: Duration,
}

impl EmbeddedOptions {
    /// Options with the default times: old content is kept 1 hour, unfinished multipart uploads 24 hours.
    pub fn new(upload_bucket: &str, image_bucket: &str, events: SqliteQueue) -> Self {
        Self {
            upload_bucket: upload_bucket.to_owned(),
            image_bucket: image_bucket.to_owned(),
            events,
            keep_old: Duration::from_hours(1),
            keep_uploads: Duration::from_hours(24),
        }
    }

    fn needs(&self, bucket: &str) -> bool {
        self.upload_bucket == bucket || self.image_bucket == bucket
    }
}

/// The embedded store. Clones share it.
#[derive(Debug, Clone)]
pub struct Embedded {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    files: Arc<Files>,
    db: Sqlite,
    clock: Arc<dyn Clock>,
    locks: KeyLocks,
    /// `None` where the store is open for reading only.
    generations: Option<Generations>,
    options: Option<EmbeddedOptions>,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Files of content that nothing referred to.
    pub files: u64,
    /// Multipart uploads that were left unfinished, or finished long ago.
    pub uploads: u64,
}

impl Inner {
    fn generations(&self) -> Result<&Generations> {
        self.generations.as_ref().ok_or_else(read_only)
    }

    fn events(&self) -> Result<&SqliteQueue> {
        self.options.as_ref().map(|options| &options.events).ok_or_else(read_only)
    }
}

fn read_only() -> Error {
    Error::new(Place::Store, Kind::Misconfigured, "change the store: it is open for reading only")
}

impl Embedded {
    /// Opens, or creates, the store in the folder `data`, for this process alone. What an earlier process left
    /// unfinished is removed.
    pub async fn open(data: &Path, db: Sqlite, clock: Arc<dyn Clock>, options: EmbeddedOptions) -> Result<Self> {
        let files = Arc::new(Files::new(data));
        files.prepare().map_err(|e| refusal::io_failed(&format!("prepare the folder {}", data.display()), e))?;
        create_buckets(&db, &options, to_millis(clock.now())).await?;
        let doing = "find the highest generation";
        let known = db.read(Place::Store, doing, meta::highest_generation).await?;
        let highest = Self::remove_unknown_files(&files, &db).await?.max(known);
        let generations = Some(Generations::starting_after(highest));
        let inner = Inner { files, db, clock, locks: KeyLocks::default(), generations, options: Some(options) };
        let store = Self { inner: Arc::new(inner) };
        store.remove_strange_upload_folders().await?;
        Ok(store)
    }

    /// The store of a server, which may be running, for reading only.
    pub fn read_only(data: &Path, db: Sqlite) -> Self {
        let files = Arc::new(Files::new(data));
        let locks = KeyLocks::default();
        let inner = Inner { files, db, clock: Arc::new(SystemClock), locks, generations: None, options: None };
        Self { inner: Arc::new(inner) }
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Receives content of at most `max_bytes`, and computes its digests on the way. Verify them before it is put.
    pub async fn stage<S>(&self, body: S, algorithms: &[Algorithm], max_bytes: u64) -> Answer<Staged>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Unpin + Send,
    {
        self.inner.generations()?;
        staging::stage(self.inner.files.clone(), body, algorithms, max_bytes).await
    }
}

async fn create_buckets(db: &Sqlite, options: &EmbeddedOptions, now_millis: i64) -> Result<()> {
    let names = [options.upload_bucket.clone(), options.image_bucket.clone()];
    db.write(Place::Store, "create the buckets", move |connection| {
        for name in &names {
            buckets::create_in(connection, name, now_millis, "")?;
        }
        Ok(())
    })
    .await
}
