//! Verticals, entities and their photos, as the ledger and the rows know them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A vertical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerticalView {
    /// Its name.
    pub name: String,
    /// The name and version of its size set.
    pub size_set: String,
    /// The image sizes that every original of it is made into.
    pub image_sizes: Vec<ImageSizeView>,
    /// How many originals are in which state.
    pub counts: VerticalCounts,
    /// How many originals were rejected for which reason.
    pub reasons: BTreeMap<String, u64>,
}

/// An image size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImageSizeView {
    /// Its name, as in addresses and rows.
    pub name: String,
    /// Width of the box, pixels.
    pub width: u32,
    /// Height of the box, pixels.
    pub height: u32,
    /// How an original is laid into the box: `cover` or `inside`.
    pub fit: String,
}

/// Originals by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerticalCounts {
    /// Rendered, registered and served.
    pub serving: u64,
    /// Rejected.
    pub rejected: u64,
    /// Left by operating systems.
    pub ignored: u64,
    /// Deleted.
    pub removed: u64,
}

/// An entity in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntitySummary {
    /// Its number.
    pub cd_idx: u64,
    /// Its photos, whatever became of them; deleted ones are none.
    pub photos: u64,
    /// Those of them that are served.
    pub serving: u64,
    /// Those of them whose newest upload was rejected.
    pub rejected: u64,
    /// Those of `rejected` beside which an older, good upload is served.
    #[serde(default)]
    pub serving_older: u64,
    /// Those that are served as another version of the size set made them.
    #[serde(default)]
    pub stale: u64,
    /// When the newest change of a photo was registered.
    pub updated_at: Timestamp,
}

/// A part of a list of entities, which can be left in both directions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntitiesPage {
    /// The entities, in the order of their originals' keys.
    pub items: Vec<EntitySummary>,
    /// What to give as `after` for the next part; null where there is none. A part may have fewer than `limit`, and still a next one.
    pub next: Option<String>,
    /// What to give as `before` for the part before; null where there is none.
    #[serde(default)]
    pub previous: Option<String>,
}

/// The last line of a stream of entities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntitiesSummary {
    /// How many entities there were.
    pub entities: u64,
    /// How many photos they have.
    pub photos: u64,
}

/// An entity with its photos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntityView {
    /// The vertical.
    pub vertical: String,
    /// Its number.
    pub cd_idx: u64,
    /// Rises with every change of its rows.
    pub version: u64,
    /// Its photos by sequence; the first 1,000.
    pub photos: Vec<PhotoView>,
}

/// A photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PhotoView {
    /// Its place among the entity's photos.
    pub sequence: u16,
    /// Its key in the upload bucket.
    pub key: String,
    /// What became of its newest upload: `serving`, `rejected`, `removed`; `unknown` where there are rows and nothing else.
    pub state: String,
    /// Why it was rejected; null where it was not.
    pub reason: Option<ReasonView>,
    /// The generation of its newest upload.
    pub generation: String,
    /// The generation that is served, also beside a newer one that was rejected; null where none is.
    pub serving_generation: Option<String>,
    /// The `ETag` of its newest upload.
    pub etag: String,
    /// Name and version of the size set of what is served.
    pub size_set: Option<String>,
    /// When this was registered.
    pub updated_at: Option<Timestamp>,
    /// Its rows, by image size.
    pub cells: Vec<CellView>,
    /// Whether an older, good upload is served beside a newest one that was rejected.
    #[serde(default)]
    pub serves_older: bool,
    /// Whether what is served was made by another version of the size set than the vertical has now.
    #[serde(default)]
    pub stale: bool,
    /// Image sizes that the vertical has now and the photo has no row of.
    #[serde(default)]
    pub missing: Vec<String>,
    /// The original as it is in the upload bucket now; null where there is none.
    #[serde(default)]
    pub original: Option<OriginalView>,
}

/// An original as it is in the upload bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OriginalView {
    /// Its length, bytes.
    pub bytes: u64,
    /// Its `ETag`; another one than the photo's has not been registered yet.
    pub etag: String,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
    /// Whether it is newer than what is registered of it.
    pub pending: bool,
}

/// A row of the public table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellView {
    /// The image size.
    pub image_size: String,
    /// Where the rendition is served.
    pub image_url: String,
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// Length, bytes.
    pub bytes: u64,
    /// Its `ETag`.
    pub etag: String,
}

/// Why a photo was rejected, and who must do what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonView {
    /// The reason code.
    pub code: String,
    /// Who must act.
    pub owner: String,
    /// What it means.
    pub meaning: Texts,
    /// What to do.
    pub action: Texts,
    /// What was found and where.
    pub detail: String,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// Korean.
    pub ko: String,
    /// English.
    pub en: String,
}

impl Texts {
    /// A text of these two.
    pub fn new(ko: &str, en: &str) -> Self {
        Self { ko: ko.to_owned(), en: en.to_owned() }
    }
}
