//! What is known of given entities: originals from the store, entries from the ledger, rows from the public table.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};

use super::{Delivery, EntityFacts, Places, origin_prefix};
use crate::{
    catalog::{LedgerPages, RowPages},
    ledger::{LedgerEntry, Scope, State},
    model::{
        error::Result,
        generation::Generation,
        key::{EntityId, PhotoId, UploadKey, Vertical},
    },
    store::{ContentState, ObjectInfo},
};

/// Keys fetched at a time.
pub(super) const PAGE: usize = 1000;
/// Listings side by side.
const LISTINGS_AT_ONCE: usize = 8;

/// An original in the store, as far as judging needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OriginalFacts {
    pub(super) etag: String,
    pub(super) size: u64,
    pub(super) generation: Option<Generation>,
    pub(super) content: ContentState,
}

impl From<ObjectInfo> for OriginalFacts {
    fn from(info: ObjectInfo) -> Self {
        let ObjectInfo { etag, size, write_generation, .. } = info;
        Self { etag, size, generation: write_generation, content: ContentState::Present }
    }
}

/// Facts by entity.
pub(super) type Facts = BTreeMap<EntityId, EntityFacts>;

/// Everything that is known of entities now.
pub(super) async fn of_entities(
    places: Places<'_>,
    entities: &[EntityId],
    delivery: Option<&Delivery>,
) -> Result<Facts> {
    let mut facts: Facts = entities.iter().map(|entity| (entity.clone(), EntityFacts::new())).collect();
    let prefixes: Vec<String> =
        entities.iter().map(|entity| format!("{}{}_", origin_prefix(&entity.vertical), entity.cd_idx)).collect();
    let mut listings =
        stream::iter(prefixes.into_iter().map(|prefix| list_all(places, prefix))).buffer_unordered(LISTINGS_AT_ONCE);
    while let Some(found) = listings.try_next().await? {
        for info in found {
            if let UploadKey::Photo(photo) = UploadKey::parse(&info.key)
                && let Some(of_entity) = facts.get_mut(&photo.entity)
            {
                of_entity.entry(photo.sequence).or_default().original = Some(info.into());
            }
        }
    }
    drop(listings);
    add_ledger(places, &mut facts).await?;
    complete(places, &mut facts, delivery).await?;
    Ok(facts)
}

/// Adds what is not known yet where originals and ledger are: rows, content and what was handed over.
pub(super) async fn complete(places: Places<'_>, facts: &mut Facts, delivery: Option<&Delivery>) -> Result<()> {
    add_rows(places, facts).await?;
    add_content(places, facts).await?;
    for (entity, of_entity) in facts.iter_mut() {
        let first = PhotoId { entity: entity.clone(), sequence: 0 };
        let last = PhotoId { entity: entity.clone(), sequence: u16::MAX };
        for (photo, handed_over) in
            delivery.iter().flat_map(|delivery| delivery.originals.range(first.clone()..=last.clone()))
        {
            of_entity.entry(photo.sequence).or_default().handed_over = Some(handed_over.clone());
        }
    }
    Ok(())
}

async fn list_all(places: Places<'_>, prefix: String) -> Result<Vec<ObjectInfo>> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = places.store.list(&places.settings.upload_bucket, &prefix, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after.clone_from(&last.key);
        let full = page.len() == PAGE;
        all.extend(page);
        if !full {
            return Ok(all);
        }
    }
}

/// Numbers of a scope of which an original, a row or anything else but a deletion is left.
pub(super) async fn left(places: Places<'_>, scope: &Scope, entities: &BTreeSet<EntityId>) -> Result<BTreeSet<u64>> {
    let mut left = BTreeSet::new();
    let mut ledger = LedgerPages::new(places.catalog, scope);
    while let Some(page) = ledger.next().await? {
        let is_left = |entry: &LedgerEntry| entry.state != State::Removed || entry.serving.is_some();
        let photos = page.iter().filter(|entry| is_left(entry)).filter_map(|entry| UploadKey::photo_of(&entry.key));
        left.extend(photos.map(|photo| photo.entity.cd_idx));
    }
    let mut rows = RowPages::new(places.catalog, scope);
    while let Some(page) = rows.next().await? {
        left.extend(page.into_iter().map(|row| row.photo.entity.cd_idx));
    }
    for entity in entities.iter().filter(|entity| !left.contains(&entity.cd_idx)).collect::<Vec<_>>() {
        let found = list_all(places, format!("{}{}_", origin_prefix(&entity.vertical), entity.cd_idx)).await?;
        if found.iter().any(|info| matches!(UploadKey::parse(&info.key), UploadKey::Photo(_))) {
            left.insert(entity.cd_idx);
        }
    }
    Ok(left)
}

/// The scopes that are exactly these entities, one a vertical.
pub(super) fn scopes<'e>(entities: impl Iterator<Item = &'e EntityId>) -> Vec<Scope> {
    let mut by_vertical = BTreeMap::<Vertical, BTreeSet<u64>>::new();
    for entity in entities {
        by_vertical.entry(entity.vertical.clone()).or_default().insert(entity.cd_idx);
    }
    let scope = |(vertical, ids): (_, BTreeSet<u64>)| Scope::Ids {
        vertical: Some(vertical),
        cd_idx: ids.into_iter().collect(),
    };
    by_vertical.into_iter().map(scope).collect()
}

async fn add_ledger(places: Places<'_>, facts: &mut Facts) -> Result<()> {
    for scope in scopes(facts.keys()) {
        let mut pages = LedgerPages::new(places.catalog, &scope);
        while let Some(page) = pages.next().await? {
            for entry in page {
                let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) else { continue };
                if let Some(of_entity) = facts.get_mut(&photo.entity) {
                    of_entity.entry(photo.sequence).or_default().ledger = Some(entry);
                }
            }
        }
    }
    Ok(())
}

async fn add_rows(places: Places<'_>, facts: &mut Facts) -> Result<()> {
    for scope in scopes(facts.keys()) {
        let mut pages = RowPages::new(places.catalog, &scope);
        while let Some(page) = pages.next().await? {
            for row in page {
                if let Some(of_entity) = facts.get_mut(&row.photo.entity) {
                    let photo = of_entity.entry(row.photo.sequence).or_default();
                    photo.rows.insert(row.image_size.clone(), row);
                }
            }
        }
    }
    Ok(())
}

async fn add_content(places: Places<'_>, facts: &mut Facts) -> Result<()> {
    let mut originals: Vec<(String, &mut OriginalFacts)> = Vec::new();
    for (entity, of_entity) in facts.iter_mut() {
        for (sequence, photo) in of_entity.iter_mut() {
            let id = PhotoId { entity: entity.clone(), sequence: *sequence };
            originals.extend(photo.original.as_mut().map(|original| (id.origin_key(), original)));
        }
    }
    for some in originals.chunks_mut(PAGE) {
        let keys: Vec<&str> = some.iter().map(|(key, _)| key.as_str()).collect();
        let states = places.store.check_content(&places.settings.upload_bucket, &keys).await?;
        for ((_, original), state) in some.iter_mut().zip(states) {
            original.content = state;
        }
    }
    Ok(())
}
