//! The embedded store: content in files named by generation, everything else in the embedded database.
//!
//! ```text
//! stage (tmp/, hashed, synced) → verify → lock the key → generation → place (rename, sync) → one transaction → answer
//! ```
//!
//! The row, the note of what it replaced and the event of the change are one transaction, so none exists without the
//! others; content without a row is invisible, and moved aside by the next start. Keys never become names of files, and a
//! change is never answered before it is durable.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use tokio_util::task::TaskTracker;

use crate::{
    clock::{Clock, SystemClock},
    db::Sqlite,
    model::{
        actor::Actor,
        error::{Error, Kind, Place, Result},
    },
    queue::sqlite::SqliteQueue,
    store::quarantine::KEEP_REMOVED,
};

mod bring_back;
mod buckets;
mod checksum;
mod condition;
mod copy;
mod describe;
mod files;
mod garbage;
mod generations;
mod hot;
mod kept;
mod key_locks;
mod listing;
mod meta;
mod multipart;
mod object;
mod probe;
mod quarantine;
mod read;
mod rebuild;
mod record;
mod recover;
mod recovery;
mod refusal;
mod run_blocking;
mod staging;
mod stamp;
mod start;
mod store_impl;
mod sweep;
mod sync;
mod transaction;
mod watermark;
mod write;
mod write_batch;

pub use buckets::Bucket;
pub use checksum::{Algorithm, Checksums, Digests, Sums};
pub use condition::{ReadConditions, Tag, Verdict, WriteConditions};
pub use copy::Copy;
pub use listing::{Entry, Page, Query};
pub use multipart::{Completion, NamedPart, NewUpload, Part, Upload};
pub use object::{Description, Headers, ObjectPart, Position, StoredObject};
pub use probe::FREE_MIN_BYTES;
pub use read::{ContentStream, OpenObject};
pub use recover::recover;
pub use recovery::{Recovered, Recovery, Side};
pub use refusal::{BodyError, Refusal, StoreResult};
pub use staging::{BUFFER_BYTES, Staged};
pub use start::{check_belongs_together, check_database_file, way_on};
pub use sweep::MadeRoom;
pub use write::NewObject;
pub use write_batch::SmallObject;

#[cfg(test)]
mod tests;

use files::Files;
use generations::Generations;
use hot::Hot;
#[cfg(test)]
pub(crate) use hot::Planted;
use key_locks::KeyLocks;

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
    /// How long content that a start found without a row is kept in `quarantine/`.
    pub keep_quarantine: Duration,
    /// How long originals that were deleted or replaced are kept, and what was moved to quarantine; zero: not at all.
    pub keep_removed: Duration,
}

impl EmbeddedOptions {
    /// Options with the default times: old content is kept 1 hour, unfinished multipart uploads 24 hours, and 30 days what a start
    /// found without a row and what was removed.
    pub fn new(upload_bucket: &str, image_bucket: &str, events: SqliteQueue) -> Self {
        Self {
            upload_bucket: upload_bucket.to_owned(),
            image_bucket: image_bucket.to_owned(),
            events,
            keep_old: Duration::from_hours(1),
            keep_uploads: Duration::from_hours(24),
            keep_quarantine: Duration::from_hours(30 * 24),
            keep_removed: KEEP_REMOVED,
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
    /// Who makes the changes of this handle, as their events name them.
    actor: Option<Actor>,
}

#[derive(Debug)]
struct Inner {
    files: Arc<Files>,
    db: Sqlite,
    clock: Arc<dyn Clock>,
    locks: KeyLocks,
    /// Locks for multipart uploads that are completed or aborted, beside those of keys: a completion takes one of each.
    completions: KeyLocks,
    /// Changes that go on although their clients went away.
    changes: TaskTracker,
    /// `None` where the store is open for reading only.
    generations: Option<Generations>,
    options: Option<EmbeddedOptions>,
    /// What is asked for most of the image bucket.
    hot: Arc<Hot>,
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
    /// unfinished is moved aside; a database that does not belong to the content is an error that says how to go on.
    pub async fn open(data: &Path, db: Sqlite, clock: Arc<dyn Clock>, options: EmbeddedOptions) -> Result<Self> {
        let files = Arc::new(Files::new(data));
        files.prepare().map_err(|e| refusal::io_failed(&format!("prepare the folder {}", data.display()), e))?;
        let (highest, reserved) = Self::examine(&files, &db, &options, clock.now()).await?;
        let generations = Some(Generations::starting_after(highest, reserved));
        let (locks, completions, changes) = (KeyLocks::default(), KeyLocks::default(), TaskTracker::new());
        let hot = Hot::new(Some(options.image_bucket.clone()));
        let inner = Inner { files, db, clock, locks, completions, changes, generations, options: Some(options), hot };
        let store = Self { inner: Arc::new(inner), actor: None };
        store.remove_strange_upload_folders().await?;
        Ok(store)
    }

    /// Goes on counting above this generation, where the counter has not come so far: what another place has seen must stay older than
    /// what is accepted from now on.
    pub async fn count_above(&self, generation: u64) -> Result<()> {
        self.inner.generations()?.raise(generation);
        self.reserve(generation.saturating_add(1)).await
    }

    /// The store of a server, which may be running, for reading only.
    pub fn read_only(data: &Path, db: Sqlite) -> Self {
        let files = Arc::new(Files::new(data));
        let (locks, completions, changes) = (KeyLocks::default(), KeyLocks::default(), TaskTracker::new());
        let clock = Arc::new(SystemClock);
        // Another process changes the rows: nothing may be kept.
        let hot = Hot::new(None);
        let inner = Inner { files, db, clock, locks, completions, changes, generations: None, options: None, hot };
        Self { inner: Arc::new(inner), actor: None }
    }

    /// The same store for changes that this one makes: their events name them.
    #[must_use]
    pub fn acting_for(&self, actor: Option<Actor>) -> Self {
        Self { inner: self.inner.clone(), actor }
    }

    /// Plants a bug in the index in memory.
    #[cfg(test)]
    pub(crate) fn plant(&self, bug: Planted) {
        self.inner.hot.plant(bug);
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Receives content of at most `max_bytes`, and computes its digests on the way. Verify them before it is put.
    pub async fn stage<S>(&self, body: S, algorithms: &[Algorithm], max_bytes: u64) -> StoreResult<Staged>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Unpin + Send,
    {
        self.inner.generations()?;
        staging::stage(self.inner.files.clone(), body, algorithms, max_bytes).await
    }
}
