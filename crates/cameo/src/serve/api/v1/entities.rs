//! Entities: in pages, as one stream, and each with its photos, their reasons and their rows; and what is in quarantine of one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{
    Extension, Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::{
    super::{
        entity_list::{Direction, Wanted, WantedState, page, start_of},
        etag,
        input::{Paging, Path, Query},
        lines,
        rights::Viewer,
    },
    problems::Problems,
};
use crate::{
    client::wire::{
        CellView, EntitiesPage, EntitiesSummary, EntitySummary, EntityView, KeptOriginal, ListLine, OriginalView,
        PhotoView, QuarantineView, ReasonView, Texts,
    },
    flow::NamedSizeSet,
    ledger::{LedgerEntry, Row, Scope, State as OriginalState, history::named_by},
    model::{
        generation::Generation,
        key::{CD_IDX_MAX, DeliveryName, EntityId, PhotoId, UploadKey, Vertical},
        reason::ReasonCode,
    },
    proof::{
        deliveries,
        restore::{self, Asked, Found, Side, Verdict},
    },
    serve::{
        problem::{Answer, Problem},
        request_id::RequestId,
        site::Site,
    },
};

/// Photos of one entity that are shown.
const PHOTOS_MAX: usize = 1000;
/// Photos of one entity whose originals are looked at in the upload bucket.
const ORIGINALS_MAX: usize = 200;
/// Entities of a part of the stream.
const STREAMED_AT_ONCE: usize = 500;

/// Which entities are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EntityFilter {
    /// The vertical.
    vertical: String,
    /// `serving`: every photo is served as it was uploaded last; `rejected`: a photo is rejected; `dark`: nothing is served.
    #[serde(default)]
    #[param(inline)]
    state: Option<WantedState>,
    /// A photo is rejected for this reason.
    #[serde(default)]
    reason: Option<String>,
    /// A photo that is served has no row of this image size.
    #[serde(default)]
    missing: Option<String>,
    /// A photo is served as another version of the size set made it.
    #[serde(default)]
    stale: bool,
    /// A file of this delivery is a photo of it.
    #[serde(default)]
    delivery: Option<String>,
    /// Its newest change was registered then or later.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Its newest change was registered before.
    #[serde(default)]
    until: Option<Timestamp>,
    /// From this number on, in the order of the list (that of keys, so 10 comes before 2).
    #[serde(default)]
    from: Option<u64>,
    /// The `previous` of the part after.
    #[serde(default)]
    before: Option<String>,
}

/// Entities of a vertical, in the order of their originals' keys. A part may have fewer than `limit`, and still a `next`: so it is where
/// few of many are wanted.
#[utoipa::path(
    get,
    path = "/api/v1/entities",
    operation_id = "list_entities",
    tag = "photos",
    params(EntityFilter, Paging),
    responses((status = 200, description = "Entities.", body = EntitiesPage), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(filter): Query<EntityFilter>,
    Query(paging): Query<Paging>,
) -> Answer<Json<EntitiesPage>> {
    let vertical = caller.vertical(&filter.vertical)?;
    let (after, limit) = (paging.after()?, paging.limit()?);
    let from = match (&filter.before, filter.from, after) {
        (None, None, after) => Direction::After(after.to_owned()),
        (None, Some(cd_idx), "") => Direction::After(start_of(&EntityId { vertical: vertical.clone(), cd_idx })),
        (Some(before), None, "") if !before.chars().any(char::is_control) => Direction::Before(before.clone()),
        _ => return Err(Problem::invalid("name one of after, before and from, as a part before named it")),
    };
    let wanted = wanted(&site, &vertical, filter).await?;
    Ok(Json(page(&site, &vertical, &wanted, from, limit).await?))
}

async fn wanted(site: &Site, vertical: &Vertical, filter: EntityFilter) -> Answer<Wanted> {
    let EntityFilter { state, reason, missing, stale, delivery, since, until, .. } = filter;
    let unknown = |code: &String| Problem::invalid(format!("reason: {code:?} is not a reason code"));
    let reason = reason.map(|code| code.parse().map_err(|_| unknown(&code))).transpose()?;
    let among = match delivery {
        Some(name) => Some(of_delivery(site, vertical, &name).await?),
        None => None,
    };
    Ok(Wanted { state, reason, missing, stale, since, until, among })
}

/// The entities of a delivery's files, in the order of keys.
async fn of_delivery(site: &Site, vertical: &Vertical, name: &str) -> Answer<Vec<EntityId>> {
    let none = || Problem::not_found("such delivery");
    let name: DeliveryName = name.parse().map_err(|_| none())?;
    let places = deliveries::state::Places { queues: None, ..site.deliveries() };
    let standing = deliveries::standing(places, &name, &site.zone).await?.ok_or_else(none)?;
    if standing.vertical != *vertical {
        return Err(none());
    }
    let of = |cd_idx| EntityId { vertical: vertical.clone(), cd_idx };
    let mut entities: Vec<EntityId> = standing.items.iter().filter_map(|item| item.cd_idx).map(of).collect();
    entities.sort_by_cached_key(start_of);
    entities.dedup();
    Ok(entities)
}

/// All entities of a vertical, one a line, with `{"progress":…}` now and then and `{"summary":…}` at the end.
#[utoipa::path(
    get,
    path = "/api/v1/verticals/{vertical}/entities",
    operation_id = "stream_entities",
    tag = "photos",
    params(("vertical" = String, Path, description = "The vertical.")),
    responses(
        (status = 200, description = "A line an entity, then the summary. The schema is that of one line.", body = ListLine<EntitySummary, EntitiesSummary>, content_type = "application/x-ndjson"),
        Problems
    ),
    security(("token" = ["viewer"]))
)]
pub(super) async fn stream(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(vertical): Path<String>,
    Extension(id): Extension<RequestId>,
) -> Answer<Response> {
    let vertical = caller.vertical(&vertical)?;
    Ok(lines::respond(&id, |lines| async move {
        let (mut summary, mut after) = (EntitiesSummary { entities: 0, photos: 0 }, String::new());
        loop {
            let from = Direction::After(after);
            let EntitiesPage { items, next, .. } =
                page(&site, &vertical, &Wanted::default(), from, STREAMED_AT_ONCE).await?;
            for entity in &items {
                summary.entities += 1;
                summary.photos += entity.photos;
                lines.item(entity).await?;
            }
            let Some(next) = next else { return Ok(summary) };
            lines.progress(&json!({ "entities": summary.entities })).await?;
            after = next;
        }
    }))
}

/// An entity with its photos: what became of each, why, who must act, and its rows.
#[utoipa::path(
    get,
    path = "/api/v1/verticals/{vertical}/entities/{cd_idx}",
    operation_id = "get_entity",
    tag = "photos",
    params(
        ("vertical" = String, Path, description = "The vertical."),
        ("cd_idx" = u64, Path, description = "The entity's number.", minimum = 1, maximum = 9_007_199_254_740_991_i64),
    ),
    responses(
        (status = 200, description = "The entity.", body = EntityView, headers(("ETag", description = "Of this answer."))),
        (status = 304, description = "It is as If-None-Match has it."),
        Problems
    ),
    security(("token" = ["viewer"]))
)]
pub(super) async fn one(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path((vertical, cd_idx)): Path<(String, u64)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let vertical = caller.vertical(&vertical)?;
    let none = || Problem::not_found("such entity");
    if !(1..=CD_IDX_MAX).contains(&cd_idx) {
        return Err(none());
    }
    let entity = EntityId { vertical, cd_idx };
    let scope = Scope::Ids { vertical: Some(entity.vertical.clone()), cd_idx: vec![cd_idx] };
    let catalog = &site.flow.catalog;
    let (entries, rows) = (catalog.ledger(&scope, "", PHOTOS_MAX).await?, catalog.entity_rows(&entity).await?);
    if entries.is_empty() && rows.rows.is_empty() {
        return Err(none());
    }
    let set = site.flow.settings.size_sets.of(&entity.vertical);
    let mut photos = photos(&entity, entries, rows.rows, set);
    add_originals(&site, &mut photos).await?;
    let view = EntityView { vertical: entity.vertical.as_str().to_owned(), cd_idx, version: rows.version, photos };
    Ok(etag::json(&headers, &view)?.into_response())
}

/// Originals of an entity that were deleted, replaced, moved, dismissed or taken down, for as long as they are kept; newest first.
#[utoipa::path(
    get,
    path = "/api/v1/verticals/{vertical}/entities/{cd_idx}/quarantine",
    operation_id = "get_quarantine",
    tag = "console",
    params(
        ("vertical" = String, Path, description = "The vertical."),
        ("cd_idx" = u64, Path, description = "The entity's number.", minimum = 1, maximum = 9_007_199_254_740_991_i64),
    ),
    responses((status = 200, description = "What is kept.", body = QuarantineView), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn quarantine(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path((vertical, cd_idx)): Path<(String, u64)>,
) -> Answer<Json<QuarantineView>> {
    let vertical = caller.vertical(&vertical)?;
    if !(1..=CD_IDX_MAX).contains(&cd_idx) {
        return Err(Problem::not_found("such entity"));
    }
    let scope = Scope::Ids { vertical: Some(vertical), cd_idx: vec![cd_idx] };
    let asked = Asked { scope, keys: BTreeSet::new(), since: None, generation: None };
    let (found, truncated) = restore::find(&*site.flow.store, &site.flow.settings, &asked).await?;
    let found = found.into_iter().filter(|found| found.bucket == Side::Originals);
    let mut items: Vec<KeptOriginal> = found.map(|found| kept_view(found, site.host.keep_removed)).collect();
    items.reverse();
    Ok(Json(QuarantineView { items, truncated }))
}

fn kept_view(found: Found, keep: Duration) -> KeptOriginal {
    let Found { kept, verdict, .. } = found;
    KeptOriginal {
        sequence: named_by(&kept.key).2,
        expires_at: kept.removed_at.checked_add(keep).unwrap_or(Timestamp::MAX),
        id: kept.id,
        key: kept.key,
        etag: kept.etag,
        size: kept.size,
        removed_at: kept.removed_at,
        why: kept.why.as_str().to_owned(),
        note: kept.note,
        verdict: match verdict {
            Verdict::Restore => "restore",
            Verdict::Occupied => "occupied",
            Verdict::Newer => "newer",
            Verdict::OnDemand => "on_demand",
        }
        .to_owned(),
    }
}

/// Adds what the upload bucket has of each photo.
async fn add_originals(site: &Site, photos: &mut [PhotoView]) -> Answer<()> {
    let keys: Vec<&str> = photos.iter().take(ORIGINALS_MAX).map(|photo| photo.key.as_str()).collect();
    let found = site.flow.store.head_all(&site.flow.settings.upload_bucket, &keys).await?;
    for (photo, info) in photos.iter_mut().zip(found) {
        photo.original = info.map(|info| {
            let is_newer = match &info.write_generation {
                Some(written) => *written > Generation::new(photo.generation.as_str()),
                None => info.etag != photo.etag,
            };
            OriginalView {
                bytes: info.size,
                etag: info.etag,
                uploaded_at: info.last_modified,
                pending: photo.state != "removed" && is_newer,
            }
        });
    }
    Ok(())
}

/// Photos by sequence, each with its rows.
fn photos(entity: &EntityId, entries: Vec<LedgerEntry>, rows: Vec<Row>, set: &NamedSizeSet) -> Vec<PhotoView> {
    let mut photos = BTreeMap::<u16, PhotoView>::new();
    for entry in entries {
        if let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) {
            photos.insert(photo.sequence, photo_view(entry, photo.sequence, set));
        }
    }
    for row in rows {
        let photo = photos.entry(row.photo.sequence).or_insert_with(|| unknown(entity, row.photo.sequence));
        photo.cells.push(CellView {
            image_size: row.image_size,
            image_url: row.image_url,
            width: row.width,
            height: row.height,
            bytes: row.bytes,
            etag: row.etag,
        });
    }
    for photo in photos.values_mut().filter(|photo| photo.serving_generation.is_some()) {
        let has = |name: &String| photo.cells.iter().any(|cell| cell.image_size == *name);
        let sizes = set.sizes.sizes().iter().map(|size| &size.name);
        photo.missing = sizes.filter(|name| !has(name)).cloned().collect();
    }
    photos.into_values().collect()
}

/// A photo with rows of which the ledger knows nothing.
fn unknown(entity: &EntityId, sequence: u16) -> PhotoView {
    PhotoView {
        sequence,
        key: PhotoId { entity: entity.clone(), sequence }.origin_key(),
        state: "unknown".to_owned(),
        reason: None,
        generation: String::new(),
        serving_generation: None,
        etag: String::new(),
        size_set: None,
        updated_at: None,
        cells: Vec::new(),
        serves_older: false,
        stale: false,
        missing: Vec::new(),
        original: None,
    }
}

fn photo_view(entry: LedgerEntry, sequence: u16, set: &NamedSizeSet) -> PhotoView {
    let state = entry.state.as_str().to_owned();
    let serves_older = entry.serving.is_some() && matches!(entry.state, OriginalState::Rejected { .. });
    let stale = entry.serving.is_some() && !set.made(&entry);
    let reason = match entry.state {
        OriginalState::Rejected { reason, detail } => Some(reason_view(reason, detail)),
        _ => None,
    };
    let text = |generation: &Generation| generation.as_str().to_owned();
    PhotoView {
        sequence,
        key: entry.key,
        state,
        reason,
        generation: text(&entry.generation),
        serving_generation: entry.serving.as_ref().map(text),
        etag: entry.etag,
        size_set: entry.size_set,
        updated_at: Some(entry.updated_at),
        cells: Vec::new(),
        serves_older,
        stale,
        missing: Vec::new(),
        original: None,
    }
}

fn reason_view(reason: ReasonCode, detail: String) -> ReasonView {
    ReasonView {
        code: reason.code().to_owned(),
        owner: reason.owner().code().to_owned(),
        meaning: Texts::new(reason.korean(), reason.english()),
        action: Texts::new(reason.action_korean(), reason.action_english()),
        detail,
    }
}
