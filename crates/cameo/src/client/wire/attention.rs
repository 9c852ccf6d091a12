//! What waits for somebody: rejected originals, misplaced files, dead letters, what deliveries lack, webhooks that fail. Nothing is left out
//! without saying so.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Texts;

/// A part of the work list: `GET /api/v1/attention`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attention {
    /// How much there is, by who must act and by reason, in the order of the list: of everything that the filters `vertical`, `owner`
    /// and `reason` let through (`q` and pages do not change it).
    pub groups: Vec<AttentionGroup>,
    /// The sum of the groups.
    pub total: u64,
    /// The items, in the order of the groups; within a group of one kind by key, dead letters newest first.
    pub items: Vec<AttentionItem>,
    /// What to give as `after` for the next part; null where there is none. With `q` a part may be empty and have a next one.
    pub next: Option<String>,
    /// Whether something is neither in this list nor behind `next`: more dead letters or misplaced files than are looked at.
    pub truncated: bool,
    /// Deliveries that are not looked at yet (they are after a moment) or whose records cannot be read: what they lack is not in this list.
    #[serde(default)]
    pub unknown_deliveries: u64,
}

/// How much there is of a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttentionGroup {
    /// Who must act: `person_in_charge`, `operator`, `engineer` or `nobody`.
    pub owner: String,
    /// For people: who that is.
    pub owner_name: Texts,
    /// The reason code.
    pub code: String,
    /// What it means.
    pub meaning: Texts,
    /// What to do.
    pub action: Texts,
    /// How many items there are.
    pub items: u64,
}

/// What kind of item it is, which decides what can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// An original under `origin/` that was rejected.
    Rejected,
    /// A file outside of `origin/` that was evidently meant to be an original.
    Misplaced,
    /// A message that nobody tries any more: retry it by `queue` and `letter` at `/api/v1/dead-letters/retry`.
    DeadLetter,
    /// Something that a delivery lacks and that is no original: a file that a check left out, a photo that was promised or recorded and is not
    /// there, or one that nobody promised. `delivery` names it.
    Delivery,
    /// A webhook that fails.
    Webhook,
}

/// Something that waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttentionItem {
    /// What it is.
    pub kind: AttentionKind,
    /// Names it among all items: what a selection or a row of a page is called.
    pub id: String,
    /// Its key in the upload bucket; null for what has none, such as a dead letter whose photo cannot be read.
    pub key: Option<String>,
    /// The name of the file: the end of its key.
    pub file: Option<String>,
    /// The vertical; null where the key names none.
    pub vertical: Option<String>,
    /// The entity's number; of a misnamed file the number that its name begins with.
    pub cd_idx: Option<u64>,
    /// The photo's sequence; null where the name is not a photo's.
    pub sequence: Option<u16>,
    /// The reason code.
    pub code: String,
    /// Who must act.
    pub owner: String,
    /// What the reason means.
    pub meaning: Texts,
    /// What to do.
    pub action: Texts,
    /// What was found in this very file, in plain words.
    pub found: Texts,
    /// The same as the program wrote it, in English.
    pub detail: String,
    /// When it came to be so; null where nobody knows.
    pub at: Option<Timestamp>,
    /// Who uploaded it, where the history knows.
    pub actor: Option<String>,
    /// The delivery that lacks it; of an original the one that named it, where the history knows.
    pub delivery: Option<String>,
    /// Whether an older, good upload of it is served.
    pub serves_older: bool,
    /// Whether `POST /api/v1/originals/dismiss` would take its key: not while an older one is served.
    pub dismissable: bool,
    /// Whether it can be tried again: `POST /api/v1/originals/retry` with its key, of a dead letter `POST /api/v1/dead-letters/retry`.
    pub retryable: bool,
    /// Of a dead letter: the queue that it failed in.
    pub queue: Option<String>,
    /// Of a dead letter: its id.
    pub letter: Option<String>,
    /// The webhook that fails, by its id.
    #[serde(default)]
    pub webhook: Option<String>,
    /// Where one row is for what is not listed one by one: how many more of this delivery wait for the same reason. 0 of every other.
    #[serde(default)]
    pub more: u64,
}
