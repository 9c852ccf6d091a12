//! What recovering is asked for, and what it did.

use std::{path::PathBuf, time::Duration};

/// Which side counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The content: what its records say is written to the index.
    Content,
    /// The database: content that it does not name is moved aside.
    Database,
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// What is believed where index and content differ.
    pub side: Side,
    /// Whether content in `quarantine/` is moved back first, where it is the content that counts.
    pub with_quarantine: bool,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// The bucket of originals.
    pub upload_bucket: String,
    /// The bucket of renditions.
    pub image_bucket: String,
    /// The queue that the events of originals go to.
    pub events: String,
    /// How long replaced content is kept.
    pub keep_old: Duration,
    /// How long originals that were deleted or replaced are kept.
    pub keep_removed: Duration,
}

/// What was done, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Files that were moved back from `quarantine/` to `objects/`; a dry run looks no further at them.
    pub taken_back: u64,
    /// Files in `objects/`.
    pub files: u64,
    /// Whether the database could be read; otherwise the index begins empty.
    pub database_read: bool,
    /// Originals that were written to the index.
    pub originals: u64,
    /// Other objects that were written to the index.
    pub others: u64,
    /// Objects that were removed from the index, since they had been deleted.
    pub deletions: u64,
    /// Renditions that were taken out of the index, since their photo has another original by now. Where that one is rejected they
    /// were what was served.
    pub images_of_replaced: u64,
    /// Events that were sent, so that ledger, rows and renditions follow.
    pub events: u64,
    /// Files that the index does not name and that do not say what they hold: moved to `quarantine/`.
    pub quarantined: u64,
    /// Objects of the index whose content is missing or short.
    pub without_content: u64,
    /// Some of them, bucket and key.
    pub named: Vec<String>,
    /// Where files were moved to.
    pub quarantine: Option<PathBuf>,
}
