//! Store, queues, catalog and workers.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::misconfigured;
use crate::{
    admission::is_bucket_name, catalog::table::DEFAULT_NAME, model::error::Result,
    render::children::ORIGINALS_PER_CHILD, store::quarantine::KEEP_REMOVED,
};

/// Address of the store in the data folder.
const EMBEDDED_STORE: &str = "embedded:";
/// Address of the queues and of the catalog in the data folder.
const EMBEDDED_DATABASE: &str = "sqlite:";

/// `[store]`: the two buckets, and how long the embedded store keeps what it no longer needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Which store: `embedded:` keeps objects in the data folder, `s3:` in Amazon S3 or what speaks like it.
    pub url: String,
    /// The bucket that originals are uploaded to.
    pub upload_bucket: String,
    /// The bucket that renditions are published in.
    pub image_bucket: String,
    /// How long content that nothing refers to any more is kept.
    #[serde(with = "humantime_serde")]
    pub keep_old: Duration,
    /// How long a multipart upload may stay unfinished.
    #[serde(with = "humantime_serde")]
    pub keep_uploads: Duration,
    /// How long content that a start found without a row is kept in `quarantine/`.
    #[serde(with = "humantime_serde")]
    pub keep_quarantine: Duration,
    /// How long originals that were deleted or replaced are kept for `cameo restore`, and what reconciling moved to quarantine.
    #[serde(with = "humantime_serde")]
    pub keep_removed: Duration,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: EMBEDDED_STORE.to_owned(),
            upload_bucket: "celebtide-image-upload".to_owned(),
            image_bucket: "celebtide".to_owned(),
            keep_old: Duration::from_hours(1),
            keep_uploads: Duration::from_hours(24),
            keep_quarantine: Duration::from_hours(30 * 24),
            keep_removed: KEEP_REMOVED,
        }
    }
}

impl Store {
    /// Refuses buckets that no store can have, and one bucket for both: originals with all that cameras write into them would be public.
    pub(super) fn check(&self) -> Result<()> {
        for (setting, name) in [("upload_bucket", &self.upload_bucket), ("image_bucket", &self.image_bucket)] {
            if !is_bucket_name(name) {
                return Err(misconfigured(format!(
                    "read store.{setting} = {name:?}: a bucket has 3 to 63 lower-case letters, digits, hyphens and dots"
                )));
            }
        }
        if self.upload_bucket == self.image_bucket {
            return Err(misconfigured(format!(
                "read store.image_bucket = {:?}: it is the upload bucket too, and originals would be public; name another",
                self.image_bucket
            )));
        }
        Ok(())
    }

    /// Whether objects live in the data folder.
    pub fn is_embedded(&self) -> bool {
        self.url == EMBEDDED_STORE
    }
}

/// `[queue]`: the two queues, and how long and how often a message is tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// Which queues: `sqlite:` keeps them in the data folder, `sqs:` in Amazon SQS or what speaks like it.
    pub url: String,
    /// The queue of events, from the store to `resize`.
    pub events: String,
    /// The queue of messages, from `resize` to `register`.
    pub registrations: String,
    /// How long a received message is hidden from others; it is extended while work goes on.
    #[serde(with = "humantime_serde")]
    pub visibility_timeout: Duration,
    /// How often a message is received before it is set aside.
    pub max_receives: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            url: EMBEDDED_DATABASE.to_owned(),
            events: "mycelebs-image-upload-events".to_owned(),
            registrations: "mycelebs-image-upload".to_owned(),
            visibility_timeout: Duration::from_mins(1),
            max_receives: 5,
        }
    }
}

impl Queue {
    /// Whether the queues live in the data folder.
    pub fn is_embedded(&self) -> bool {
        self.url == EMBEDDED_DATABASE
    }
}

/// `[catalog]`: the database of ledger and public table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// Which database: `sqlite:` keeps it in the data folder, `mysql://…` and `postgres://…` in a server.
    pub url: String,
    /// Name of the public table, which applications read.
    pub table: String,
    /// Columns of the public table that have other names there.
    pub columns: BTreeMap<String, String>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self { url: EMBEDDED_DATABASE.to_owned(), table: DEFAULT_NAME.to_owned(), columns: BTreeMap::new() }
    }
}

impl Catalog {
    /// Whether the database is the one in the data folder.
    pub fn is_embedded(&self) -> bool {
        self.url == EMBEDDED_DATABASE
    }
}

/// `[worker]`: how many originals are rendered at a time, and by how many children after one another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Worker {
    /// Originals that are rendered side by side; 0 for one a processor core.
    pub resize_concurrency: usize,
    /// Originals after which a render child is replaced by a fresh one.
    pub originals_per_child: u32,
    /// How often it is looked for originals whose event was lost, where messages are registered; zero: never.
    #[serde(with = "humantime_serde")]
    pub reconcile_every: Duration,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            resize_concurrency: 0,
            originals_per_child: ORIGINALS_PER_CHILD,
            reconcile_every: Duration::from_hours(6),
        }
    }
}
