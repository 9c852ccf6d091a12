//! How the server is, for the page of those who run it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::QueueView;
use crate::model::webhook::{Because, Webhook};

/// How the server is: `GET /api/v1/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthView {
    /// When this was read.
    pub at: Timestamp,
    /// Whether an upload would go all the way now.
    pub ok: bool,
    /// The places, and what they fail at.
    pub checks: Vec<CheckView>,
    /// The queues.
    pub queues: Vec<QueueView>,
    /// How long the oldest message that is not dead has waited, seconds; null where nothing waits, and for those who are limited to verticals.
    pub oldest_seconds: Option<u64>,
    /// The photo that it is about; null where the queues cannot be looked into.
    pub oldest_key: Option<String>,
    /// Photos that were registered within the last 5 minutes; at most 10,000 are counted.
    pub registered_5m: u64,
    /// When registering goes on, where it waits for its window.
    pub registers_at: Option<String>,
    /// Webhooks that fail, or were disabled because they did; of those that the caller may change.
    #[serde(default)]
    pub webhooks: Vec<WebhookTrouble>,
    /// The disk of the data folder; null where this server keeps none.
    pub disk: Option<DiskView>,
    /// The memory of this process; null where the system does not say.
    pub memory: Option<MemoryView>,
    /// How many photos are rendered side by side; null where this server renders none.
    pub workers: Option<u64>,
    /// When the last backup ended: when the file `last-backup` in the data folder was written last. Null where there is none.
    pub last_backup: Option<Timestamp>,
    /// The certificate of the listeners that speak TLS; null where none does (`server.tls`).
    pub certificate: Option<CertificateView>,
    /// When this process started.
    pub started_at: Option<Timestamp>,
    /// The version.
    pub version: String,
}

/// A place, and whether it can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckView {
    /// The place: `store`, `catalog`, `engine`, or `certificate` where listeners speak TLS.
    pub what: String,
    /// Whether it can do its work.
    pub ok: bool,
    /// What it failed at.
    pub error: Option<String>,
}

/// The certificate of the listeners that speak TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// From when on it holds.
    pub begins: Timestamp,
    /// Until when it holds.
    pub ends: Timestamp,
    /// Whether it ends within 14 days, has ended, or does not hold yet.
    pub is_warned_of: bool,
    /// Why the one that is in its files now is not used, and the one before it is kept; null where it is used.
    pub fault: Option<String>,
}

/// The disk of the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskView {
    /// Bytes that are free.
    pub free_bytes: u64,
    /// Bytes in total.
    pub total_bytes: u64,
    /// How much more of it is used each day, by the last 7 days; 0 where it is not more. Null until there is a day of history.
    pub bytes_per_day: Option<u64>,
    /// Days until it is full at that rate; null where that is not known yet or it does not fill.
    pub days_until_full: Option<u64>,
}

/// The memory of this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemoryView {
    /// Bytes that it holds (resident).
    pub resident_bytes: u64,
    /// Bytes that the machine has left.
    pub available_bytes: Option<u64>,
}

/// A webhook that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookTrouble {
    /// Its id.
    pub webhook: String,
    /// What it is, for people.
    pub description: String,
    /// Since when every attempt failed.
    pub failing_since: Option<Timestamp>,
    /// Since when it gets nothing; null where it is still tried.
    pub disabled_at: Option<Timestamp>,
    /// What the last failure was.
    pub last_error: Option<String>,
}

impl WebhookTrouble {
    /// What is wrong with a webhook, if anything is. One that a person disabled is as it should be.
    pub fn of(webhook: &Webhook) -> Option<Self> {
        let is_given_up = webhook.disabled.is_some_and(|(_, because)| because != Because::Person);
        let is_failing = webhook.is_enabled() && webhook.health.failing_since.is_some();
        (is_given_up || is_failing).then(|| Self {
            webhook: webhook.id.clone(),
            description: webhook.description.clone(),
            failing_since: webhook.health.failing_since,
            disabled_at: webhook.disabled.map(|(at, _)| at),
            last_error: webhook.health.last_error.clone(),
        })
    }
}
