//! The home page in one answer: how much is where, and who must act. Everything in it is kept, not counted, so that it costs the same with
//! one entity and with a million.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How things are: `GET /api/v1/overview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// When this was read.
    pub at: Timestamp,
    /// The verticals that the caller may see, in the order of their names; at the end, for those who may see all, what belongs to none.
    pub verticals: Vec<VerticalOverview>,
    /// The sum of the verticals.
    pub total: OverviewCounts,
    /// The queues; of all verticals together.
    pub queues: Vec<QueueView>,
    /// When registering goes on, in the zone of the window; null where it is not waiting for a window.
    pub registers_at: Option<String>,
    /// What waits for somebody.
    pub attention: AttentionCounts,
}

/// A vertical in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerticalOverview {
    /// Its name; null for keys that name none.
    pub name: Option<String>,
    /// The name and version of its size set; null beside a null name.
    pub size_set: Option<String>,
    /// How many originals are in which state.
    pub counts: OverviewCounts,
    /// How many originals are rejected for which reason, by code.
    pub reasons: BTreeMap<String, u64>,
}

/// Originals by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverviewCounts {
    /// Photos that the public sees: `serving`, and `serving_older` of `rejected`.
    pub live: u64,
    /// Their newest upload is what is served.
    pub serving: u64,
    /// Their newest upload was rejected.
    pub rejected: u64,
    /// Those of `rejected` beside which an older, good upload is served.
    pub serving_older: u64,
    /// Left by operating systems.
    pub ignored: u64,
    /// Deleted.
    pub removed: u64,
    /// Originals that a message is about that has not been registered yet; null where the queues cannot be looked into (SQS) or hold
    /// more than 2,000 messages: then the queues' own numbers say how much waits.
    pub pending: Option<u64>,
}

/// How full a queue is. Somebody who is limited to verticals sees what is about those alone: what is worked on counts as waiting, and
/// since when is not said; a queue that cannot be looked into is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    /// Its name.
    pub name: String,
    /// What it leads to: `resize` or `register`.
    pub step: String,
    /// Messages that can be taken.
    pub waiting: u64,
    /// Messages that are being worked on.
    pub in_flight: u64,
    /// Messages that nobody tries any more.
    pub dead: u64,
    /// When the oldest message that is not dead was sent.
    pub oldest: Option<Timestamp>,
}

/// What waits for somebody, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttentionCounts {
    /// All of it; 0 on a good day.
    pub total: u64,
    /// By who must act: `person_in_charge`, `operator`, `engineer`, `nobody`. All four are there.
    pub owners: BTreeMap<String, u64>,
    /// Deliveries that are not looked at yet, or whose records cannot be read: what they lack is not counted. Nobody knows that all is well as
    /// long as there are some.
    #[serde(default)]
    pub unknown_deliveries: u64,
}
