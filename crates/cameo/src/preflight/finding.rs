//! What a check finds: one fault of one file, or of what was promised, with whose photo it is and what it should be called.
//!
//! The field names and their order are those of `cameo check --json`, which people script against.

use serde::Serialize;

use crate::model::{lang::Text, reason::ReasonCode};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It keeps the file from being uploaded, or the delivery from being complete.
    Error,
    /// It can be uploaded; somebody should look.
    Warning,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, from the folder with slashes; none where an entity that a list names has no file.
    pub file: Option<String>,
    /// The reason code.
    pub code: ReasonCode,
    /// How much it matters.
    pub severity: Severity,
    /// The entity, where it can be read.
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where it can be read.
    pub sequence: Option<u16>,
    /// What was found.
    pub detail: Text,
    /// Other files that it is about.
    pub related: Vec<String>,
    /// The file's right name, where there is only one that it can be.
    pub fix: Option<String>,
}

/// How severe a reason is when a check finds it.
pub(super) fn severity(code: ReasonCode) -> Severity {
    match code {
        ReasonCode::ListUnclear
        | ReasonCode::FileDuplicateContent
        | ReasonCode::FileSmallerThanSize
        | ReasonCode::FileExtremeShape
        | ReasonCode::FileCmyk => Severity::Warning,
        _ => Severity::Error,
    }
}

/// The counts of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files, without those that are ignored.
    pub files: u64,
    /// Files that can be uploaded as they are.
    pub ready: u64,
    /// Findings that are errors.
    pub errors: u64,
    /// Findings that are warnings.
    pub warnings: u64,
    /// Files that operating systems leave.
    pub ignored: u64,
    /// Entities that files belong to, near-misses included.
    pub entities: u64,
}
