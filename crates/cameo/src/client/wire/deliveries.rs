//! Deliveries: what is recorded of them, and how far they came.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::proof::deliveries::{Listed, NewRecord, Summary, dismissed::Dismissed};

/// A delivery that is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewDelivery {
    /// The vertical.
    pub vertical: String,
    /// What is handed over. `by` is set by the server.
    #[serde(flatten)]
    pub content: NewRecord,
}

/// A recorded delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// The id.
    pub delivery: String,
    /// The vertical.
    pub vertical: String,
    /// When it was recorded.
    pub created: Timestamp,
    /// Who delivered.
    pub by: String,
    /// How many files were handed over.
    pub files: u64,
    /// How many a check refused.
    pub skipped: u64,
    /// Bytes of the files together.
    pub bytes: u64,
    /// The same for the same files in any order.
    pub digest: String,
}

impl From<Listed> for DeliveryView {
    fn from(listed: Listed) -> Self {
        let Listed { delivery, vertical, created, by, files, skipped, bytes, digest } = listed;
        Self {
            delivery: delivery.to_string(),
            vertical: vertical.to_string(),
            created,
            by,
            files,
            skipped,
            bytes,
            digest,
        }
    }
}

/// How far a delivery came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryState {
    /// Its record; null of an implicit delivery.
    pub record: Option<DeliveryView>,
    /// The counts.
    pub summary: Summary,
    /// Who settled what it lacks, when and why; null where nobody did.
    #[serde(default)]
    pub closed: Option<Dismissed>,
    /// Whether it lacks something that `POST /api/v1/deliveries/{delivery}/dismiss` would settle.
    #[serde(default)]
    pub lacks: bool,
}

/// What a delivery lacks is settled: `POST /api/v1/deliveries/{delivery}/dismiss`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LackToDismiss {
    /// Why, for whoever looks later: 500 characters at most.
    #[schema(max_length = 500)]
    pub note: String,
}

/// Implicit deliveries of a vertical: days on which something was registered that no delivery names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayView {
    /// The name, such as `20261126-day-ssgdfm_eye`.
    pub delivery: String,
    /// The vertical.
    pub vertical: String,
    /// The day, in the zone of deliveries.
    pub date: String,
}
