//! The embedded store.

use std::{path::Path, sync::Arc, time::Duration};

use crate::{clock::Clock, error::Result, queue::sqlite::SqliteQueue, sqlite::Sqlite};
use jiff::Timestamp;

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
            keep_old: Duration::from_secs(60 * 60),
            keep_uploads: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// The embedded store. Clones share it.
#[derive(Debug, Clone)]
pub struct Embedded {}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Files of content that nothing referred to.
    pub files: u64,
    /// Multipart uploads that were left unfinished.
    pub uploads: u64,
}

impl Embedded {
    /// Opens, or creates, the store in the folder `data`, for this process alone.
    pub async fn open(data: &Path, db: Sqlite, clock: Arc<dyn Clock>, options: EmbeddedOptions) -> Result<Self> {
        let _ = (data, db, clock, options);
        Ok(Self {})
    }

    /// The store of a server, which may be running, for reading only.
    pub fn read_only(data: &Path, db: Sqlite) -> Self {
        let _ = (data, db);
        Self {}
    }

    /// Removes old content that nothing refers to, and multipart uploads left unfinished. To be called from time to time.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept> {
        let _ = now;
        Ok(Swept::default())
    }
}
