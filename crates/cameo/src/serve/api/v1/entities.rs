//! Entities: in pages, as one stream, and each with its photos, their reasons and their rows.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::{
    super::{
        etag,
        input::{Paging, Path, Query},
        lines,
        problem::{Answer, Problem},
        request::RequestId,
        rights::Viewer,
    },
    Problems,
};
use crate::{
    client::wire::{CellView, EntitiesSummary, EntitySummary, EntityView, Page, PhotoView, ReasonView, Texts},
    ledger::{LedgerEntry, Row, Scope, State as OriginalState},
    model::{
        generation::Generation,
        key::{CD_IDX_MAX, EntityId, PhotoId, UploadKey, Vertical},
        reason::ReasonCode,
    },
    serve::site::Site,
};

/// Entries of the ledger that are read at a time.
const AT_ONCE: usize = 1000;
/// Entries that one page looks at, at most; then it ends early.
const LOOKED_AT_MAX: usize = 20_000;
/// Photos of one entity that are shown.
const PHOTOS_MAX: usize = 1000;
/// Entities of a part of the stream.
const STREAMED_AT_ONCE: usize = 500;

/// Whose entities are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InVertical {
    /// The vertical.
    vertical: String,
}

/// The entities of a vertical, in the order of their originals' keys. A page may have fewer than `limit`, and still a `next`.
#[utoipa::path(
    get,
    path = "/api/v1/entities",
    operation_id = "list_entities",
    tag = "photos",
    params(InVertical, Paging),
    responses((status = 200, description = "Entities.", body = Page<EntitySummary>), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(InVertical { vertical }): Query<InVertical>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<EntitySummary>>> {
    let vertical = caller.vertical(&vertical)?;
    Ok(Json(page(&site, &vertical, paging.after()?, paging.limit()?).await?))
}

/// All entities of a vertical, one a line, with `{"progress":…}` now and then and `{"summary":…}` at the end.
#[utoipa::path(
    get,
    path = "/api/v1/verticals/{vertical}/entities",
    operation_id = "stream_entities",
    tag = "photos",
    params(("vertical" = String, Path, description = "The vertical.")),
    responses(
        (status = 200, description = "A line an entity, then the summary.", body = String, content_type = "application/x-ndjson"),
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
            let Page { items, next } = page(&site, &vertical, &after, STREAMED_AT_ONCE).await?;
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
    let view = EntityView {
        vertical: entity.vertical.as_str().to_owned(),
        cd_idx,
        version: rows.version,
        photos: photos(&entity, entries, rows.rows),
    };
    Ok(etag::json(&headers, &view)?.into_response())
}

/// A page of entities after a key, which is what `next` of the page before is.
async fn page(site: &Site, vertical: &Vertical, after: &str, limit: usize) -> Answer<Page<EntitySummary>> {
    let scope = Scope::Vertical(vertical.clone());
    let mut found = Found::new(limit);
    let (mut position, mut looked_at) = (after.to_owned(), 0);
    loop {
        let entries = site.flow.catalog.ledger(&scope, &position, AT_ONCE).await?;
        let is_last = entries.len() < AT_ONCE;
        looked_at += entries.len();
        for entry in entries {
            if let Some(next) = found.take(&entry) {
                return Ok(found.page(Some(next)));
            }
            position = entry.key;
        }
        if is_last {
            return Ok(found.page(None));
        }
        // Within a flood of what is no photo; the entity that is being counted is counted again.
        if looked_at >= LOOKED_AT_MAX
            && let Some(next) = found.resume(&position)
        {
            return Ok(found.page(Some(next)));
        }
    }
}

/// Entities as they come out of the ledger, photo by photo.
struct Found {
    limit: usize,
    items: Vec<EntitySummary>,
    /// The entity whose photos come now.
    current: Option<EntityId>,
    /// Where the one before it ended.
    ended: Option<String>,
}

impl Found {
    fn new(limit: usize) -> Self {
        Self { limit, items: Vec::new(), current: None, ended: None }
    }

    /// Counts an entry. Where it begins an entity beyond the limit, the key to go on after.
    fn take(&mut self, entry: &LedgerEntry) -> Option<String> {
        let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) else { return None };
        if self.current.as_ref() != Some(&photo.entity) {
            self.ended = self.current.as_ref().map(EntityId::behind_originals);
            self.drop_empty();
            if self.items.len() >= self.limit {
                return self.ended.clone();
            }
            self.items.push(EntitySummary {
                cd_idx: photo.entity.cd_idx,
                photos: 0,
                serving: 0,
                rejected: 0,
                updated_at: entry.updated_at,
            });
            self.current = Some(photo.entity);
        }
        if let Some(item) = self.items.last_mut() {
            let (serving, rejected) = (entry.serving.is_some(), matches!(entry.state, OriginalState::Rejected { .. }));
            item.photos += u64::from(serving || rejected);
            item.serving += u64::from(serving);
            item.rejected += u64::from(rejected);
            item.updated_at = item.updated_at.max(entry.updated_at);
        }
        None
    }

    /// An entity whose photos were all deleted is none.
    fn drop_empty(&mut self) {
        if self.items.last().is_some_and(|last| last.photos == 0) {
            self.items.pop();
        }
    }

    /// Ends a page in the middle: the key to go on after, if anything was passed for good.
    fn resume(&mut self, position: &str) -> Option<String> {
        let Some(current) = self.current.take() else { return Some(position.to_owned()) };
        if current.behind_originals().as_str() <= position {
            return Some(position.to_owned());
        }
        let Some(ended) = self.ended.clone() else {
            self.current = Some(current);
            return None;
        };
        if self.items.last().is_some_and(|last| last.cd_idx == current.cd_idx) {
            self.items.pop();
        }
        Some(ended)
    }

    fn page(mut self, next: Option<String>) -> Page<EntitySummary> {
        self.drop_empty();
        Page { items: self.items, next }
    }
}

/// Photos by sequence, each with its rows.
fn photos(entity: &EntityId, entries: Vec<LedgerEntry>, rows: Vec<Row>) -> Vec<PhotoView> {
    let mut photos = BTreeMap::<u16, PhotoView>::new();
    for entry in entries {
        if let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) {
            photos.insert(photo.sequence, photo_view(entry, photo.sequence));
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
    }
}

fn photo_view(entry: LedgerEntry, sequence: u16) -> PhotoView {
    let state = entry.state.as_str().to_owned();
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
    }
}

fn reason_view(reason: ReasonCode, detail: String) -> ReasonView {
    let texts = |ko: &str, en: &str| Texts { ko: ko.to_owned(), en: en.to_owned() };
    ReasonView {
        code: reason.code().to_owned(),
        owner: reason.owner().code().to_owned(),
        meaning: texts(reason.korean(), reason.english()),
        action: texts(reason.action_korean(), reason.action_english()),
        detail,
    }
}
