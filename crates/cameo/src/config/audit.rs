//! The audit trail of the S3 endpoint.

use std::path::PathBuf;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::misconfigured;
use crate::model::error::Result;

/// Bytes of a file, at least: smaller ones would be begun again with nearly every line.
const FILE_MIN: ByteSize = ByteSize::kib(64);
/// Files, at most.
const FILES_MAX: usize = 1000;

/// Who changed what, and who was refused: one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Whether it is written.
    pub enabled: bool,
    /// The folder of its files; empty for `audit/` in the data folder.
    pub folder: PathBuf,
    /// A file that would become larger is closed, and another begun.
    pub file_max: ByteSize,
    /// Files that are kept, that which is written included.
    pub files_max: usize,
}

impl Default for Audit {
    fn default() -> Self {
        Self { enabled: true, folder: PathBuf::new(), file_max: ByteSize::mib(16), files_max: 8 }
    }
}

impl Audit {
    /// Refuses limits under which nothing would be kept, or everything.
    pub(super) fn check(&self) -> Result<()> {
        if self.file_max < FILE_MIN {
            return Err(misconfigured(format!(
                "read audit.file_max = {}: it must be {FILE_MIN} or more",
                self.file_max
            )));
        }
        if !(1..=FILES_MAX).contains(&self.files_max) {
            return Err(misconfigured(format!(
                "read audit.files_max = {}: it must be from 1 to {FILES_MAX}",
                self.files_max
            )));
        }
        Ok(())
    }
}
