//! A list of ids as people have it, and how each entity is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is looked up: `POST /api/v1/lookup`, and `/api/v1/lookup.csv` for the same as a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupRequest {
    /// Ids as they were pasted: separated by anything, a column of Excel, a CSV, a condition of SQL; also names of files. At most
    /// 20,000 ids and 2 MiB.
    pub text: String,
    /// Only entities of this vertical; left out, of all that the caller may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
}

/// How things are with the ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookupAnswer {
    /// The counts.
    pub summary: LookupSummary,
    /// An item an id and vertical that has it, and one an id that none has, in the order of the numbers.
    pub items: Vec<LookedUp>,
    /// Words that are no ids, with their places; the first 1,000. The other words were looked up all the same.
    pub unreadable: Vec<UnreadableId>,
    /// The header line that was passed over, if there was one.
    pub ignored_header: Option<String>,
    /// The column that the ids were taken from, counted from 1, where there were several.
    pub column: Option<usize>,
}

/// How many ids are how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookupSummary {
    /// Different numbers that were read.
    pub ids: u64,
    /// Items that are complete.
    pub complete: u64,
    /// Items that are not.
    pub incomplete: u64,
    /// Items of which something is under way.
    pub pending: u64,
    /// Numbers that nobody knows.
    pub unknown: u64,
    /// Words that are no ids.
    pub unreadable: u64,
}

/// How an entity is, as far as ledger and rows know; `verify` is the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookupState {
    /// Every photo is served in every image size that its vertical has now.
    Complete,
    /// Something is missing or rejected.
    Incomplete,
    /// A message about it is under way.
    Pending,
    /// There is no such entity, or its photos were all deleted.
    Unknown,
}

/// An id, and how its entity is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookedUp {
    /// The number.
    pub cd_idx: u64,
    /// The vertical; null of an unknown one.
    pub vertical: Option<String>,
    /// How it is.
    pub state: LookupState,
    /// Its photos.
    pub photos: u64,
    /// Those of them that are served.
    pub live: u64,
    /// What is not as it should be; the first 100.
    pub problems: Vec<LookupProblem>,
}

/// A cell, or a photo with all its cells, that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookupProblem {
    /// The photo's sequence.
    pub sequence: Option<u16>,
    /// The image size; null where it is about all of the photo.
    pub image_size: Option<String>,
    /// The original's key.
    pub key: String,
    /// Why: a reason code, `cell.missing` (no row), `cell.stale` (made by another version of the size set) or `sequence.gap`.
    pub code: String,
    /// Who must act.
    pub owner: String,
    /// What was found, of a rejection.
    pub detail: Option<String>,
    /// Whether an older, good upload of the photo is served.
    pub serves_older: bool,
}

/// A word that is no id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadableId {
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// The word, cut to 40 characters.
    pub text: String,
}
