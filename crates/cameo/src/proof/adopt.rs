//! Adopting: photos that were published and registered by somebody else become known to the ledger, as they stand.
//!
//! Nothing of them is rewritten. A photo is adopted when every image size of its size set has its rendition and its row, the
//! two agree, and the row's address is the one that Cameo would write; then registering the very same rows again
//! changes the ledger alone. All others are told, with what keeps them, and left as they are.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

pub use crate::model::outcome::ADOPTED;

use super::verify::{self, Cell, EntityReport, Fetched, Look, PlaceState, Question, Served};
use crate::{
    catalog::{Catalog, RowPages},
    clock::Clock,
    flow::{Settings, frame::frame_size, receive::outcome, rendition_metadata::newest_made_from},
    ledger::{Row, Scope, image_urls::ImageUrls},
    model::{
        error::Result,
        event::{Change, Event},
        generation::Generation,
        key::{EntityId, PhotoId},
        outcome::{Fate, Outcome, PublishedRendition},
    },
    store::{ObjectInfo, Store},
};

/// Length of a rendition, at most, bytes.
const RENDITION_MAX_BYTES: u64 = 32 << 20;
/// Photos in one transaction.
const BATCH: usize = 100;
/// Entities whose rows are fetched at a time.
const CHUNK: usize = 200;

/// A photo that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It is known now, or would be.
    Adopted,
    /// It was known before.
    Known,
    /// It cannot be adopted as it stands.
    Left(String),
}

/// What is to be adopted.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Of which entities.
    pub scope: Scope,
    /// Whether it is only to be told.
    pub dry_run: bool,
}

/// Looks at every photo of the scope and adopts those that stand whole; `tell` hears of each.
pub async fn adopt(
    store: &dyn Store,
    catalog: &dyn Catalog,
    settings: &Settings,
    urls: &ImageUrls,
    clock: &dyn Clock,
    asked: Asked,
    mut tell: impl FnMut(&PhotoId, &Looked),
) -> Result<()> {
    let places =
        verify::Places { store, catalog, served: &NotLookedAt, queues: None, urls: Some(urls), settings, clock };
    let mut reports = Vec::new();
    let question = Question { look: Look::Entities, ..Question::of(asked.scope) };
    verify::verify(places, &question, &mut |report: &EntityReport| reports.push(report.clone())).await?;
    for chunk in reports.chunks(CHUNK) {
        let mut rows = rows_of(places.catalog, chunk).await?;
        let mut outcomes = Vec::new();
        for (photo, cells) in chunk.iter().flat_map(photos_of) {
            let of_photo = rows.remove(&photo).unwrap_or_default();
            let looked = match look(places, urls, &photo, &cells, of_photo).await? {
                Ok(outcome) => {
                    outcomes.push(outcome);
                    Looked::Adopted
                }
                Err(looked) => looked,
            };
            tell(&photo, &looked);
        }
        for batch in outcomes.chunks(BATCH).filter(|_| !asked.dry_run) {
            places.catalog.register(batch).await?;
        }
    }
    Ok(())
}

/// Renditions and rows are what adopting goes by: fetching every image would take long and tell nothing more.
#[derive(Debug)]
struct NotLookedAt;

#[async_trait]
impl Served for NotLookedAt {
    async fn fetch(&self, _: &str) -> Result<Fetched> {
        Ok(Fetched::NotAsked)
    }
}

/// The photos of a report, each with its cells.
fn photos_of(report: &EntityReport) -> BTreeMap<PhotoId, Vec<Cell>> {
    let entity = EntityId { vertical: report.vertical.clone(), cd_idx: report.cd_idx };
    let mut photos = BTreeMap::<_, Vec<Cell>>::new();
    for cell in &report.cells {
        photos.entry(PhotoId { entity: entity.clone(), sequence: cell.sequence }).or_default().push(cell.clone());
    }
    photos
}

async fn rows_of(catalog: &dyn Catalog, reports: &[EntityReport]) -> Result<BTreeMap<PhotoId, Vec<Row>>> {
    let ids: BTreeSet<u64> = reports.iter().map(|report| report.cd_idx).collect();
    let scope = Scope::Ids { vertical: None, cd_idx: ids.into_iter().collect() };
    let mut rows = BTreeMap::<_, Vec<Row>>::new();
    let mut pages = RowPages::new(catalog, &scope);
    while let Some(page) = pages.next().await? {
        for row in page {
            rows.entry(row.photo.clone()).or_default().push(row);
        }
    }
    Ok(rows)
}

/// What registers the photo as it stands; or why it is not adopted.
async fn look(
    places: verify::Places<'_>,
    urls: &ImageUrls,
    photo: &PhotoId,
    cells: &[Cell],
    rows: Vec<Row>,
) -> Result<Result<Outcome, Looked>> {
    let key = photo.origin_key();
    if places.catalog.entry(&key).await?.is_some() {
        return Ok(Err(Looked::Known));
    }
    let left = |why: String| Ok(Err(Looked::Left(why)));
    let Some(original) = places.store.head(&places.settings.upload_bucket, &key).await? else {
        return left("there is no original in the upload bucket".to_owned());
    };
    if let Some(why) = cells.iter().find_map(what_is_wrong) {
        return left(why);
    }
    if let Some(row) = rows.iter().find(|row| row.image_url != urls.of(&row.photo, &row.image_size)) {
        return left(format!(
            "the row of {} has the address {}, not one under images.public_url",
            row.image_size, row.image_url
        ));
    }
    for row in &rows {
        if let Some(why) = what_is_not_its_rendition(places, photo, &original, row).await? {
            return left(why);
        }
    }
    // Renditions of ours, after the ledger was lost, carry theirs.
    let made_from = newest_made_from(places.store, places.settings, photo).await?;
    let generation = original.write_generation.clone().or(made_from).unwrap_or_else(Generation::before_every_event);
    Ok(Ok(as_it_stands(places, photo, original, generation, rows)))
}

fn what_is_wrong(cell: &Cell) -> Option<String> {
    let size = &cell.image_size;
    match (cell.row, cell.rendition) {
        (PlaceState::Present, PlaceState::Present) => None,
        (PlaceState::Present, _) => Some(format!("the rendition of {size} is missing, or is not that of its row")),
        (_, _) => Some(format!("the row of {size} is missing, or names another object")),
    }
}

/// What tells that a row's rendition is not of the original that is there now, or not as the row says: the store says when both were
/// written, and the picture its own width and height.
async fn what_is_not_its_rendition(
    places: verify::Places<'_>,
    photo: &PhotoId,
    original: &ObjectInfo,
    row: &Row,
) -> Result<Option<String>> {
    let (bucket, key) = (&places.settings.image_bucket, photo.rendition_key(&row.image_size));
    let Some(rendition) = places.store.get(bucket, &key, RENDITION_MAX_BYTES).await? else {
        return Ok(Some(format!("the rendition of {} is not found", row.image_size)));
    };
    let size = &row.image_size;
    if rendition.info.last_modified < original.last_modified {
        return Ok(Some(format!("the rendition of {size} is older than its original")));
    }
    if rendition.body.len() as u64 != row.bytes || rendition.info.etag != row.etag {
        return Ok(Some(format!("the row of {size} has the bytes or the etag of another rendition")));
    }
    match frame_size(&rendition.body) {
        Some(found) if found == (row.width, row.height) => Ok(None),
        Some((width, height)) => Ok(Some(format!(
            "the row of {size} says {}x{}, and the rendition is {width}x{height}",
            row.width, row.height
        ))),
        None => Ok(Some(format!("the rendition of {size} is not a JPEG"))),
    }
}

fn as_it_stands(
    places: verify::Places<'_>,
    photo: &PhotoId,
    original: ObjectInfo,
    generation: Generation,
    rows: Vec<Row>,
) -> Outcome {
    let published = |row: Row| PublishedRendition {
        image_size: row.image_size,
        width: row.width,
        height: row.height,
        bytes: row.bytes,
        etag: row.etag,
    };
    let event = Event {
        bucket: places.settings.upload_bucket.clone(),
        key: photo.origin_key(),
        generation,
        change: Change::Created { etag: original.etag, size: original.size },
        actor: None,
    };
    let size_set = places.settings.size_sets.of(&photo.entity.vertical).label.clone();
    let renditions = rows.into_iter().map(published).collect();
    outcome(&event, adopted(size_set, renditions))
}

/// Nobody knows what size set the renditions were made into, but that its image sizes have these names.
fn adopted(size_set: String, renditions: Vec<PublishedRendition>) -> Fate {
    let engine = ADOPTED.to_owned();
    Fate::Rendered { size_set, size_set_digest: None, engine, renditions, earlier_sizes: Vec::new() }
}
