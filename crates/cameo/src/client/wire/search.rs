//! One box that finds entities, photos, misnamed files and deliveries.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was found: `GET /api/v1/search`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchResults {
    /// What was looked for, as it was understood.
    pub query: String,
    /// What was found: entities with that very number first.
    pub items: Vec<SearchHit>,
    /// Whether there is more than is listed, or than was looked at.
    pub truncated: bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchKind {
    /// An entity.
    Entity,
    /// An original with the name of a photo.
    Photo,
    /// Another file under `origin/`.
    File,
    /// A delivery.
    Delivery,
    /// A vertical.
    Vertical,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchHit {
    /// What it is.
    pub kind: SearchKind,
    /// What to show: a number, a key, the name of a delivery or vertical.
    pub title: String,
    /// The vertical.
    pub vertical: Option<String>,
    /// The entity's number, or the one that a misnamed file begins with.
    pub cd_idx: Option<u64>,
    /// The photo's sequence.
    pub sequence: Option<u16>,
    /// The original's key.
    pub key: Option<String>,
    /// The delivery's name.
    pub delivery: Option<String>,
    /// Of photos and files: `serving`, `rejected`, `ignored`, `removed`.
    pub state: Option<String>,
    /// The reason code of a rejected one.
    pub code: Option<String>,
}
