//! What there is: originals from the store, entries from the ledger, rows from the public table.

use std::collections::{BTreeMap, BTreeSet};

use super::{Delivery, EntityFacts, Places, Question, Stray, origin_prefix};
use crate::{
    catalog::{LedgerPages, RowPages, Scope},
    error::Result,
    generation::Generation,
    key::{EntityId, ORIGIN_PREFIX, PhotoId, UploadKey, Vertical},
    store::ObjectInfo,
};

/// Keys fetched at a time.
const PAGE: usize = 1000;

/// An original in the store, as far as judging needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OriginalFacts {
    pub(super) etag: String,
    pub(super) size: u64,
    pub(super) generation: Option<Generation>,
}

/// What a listing of the upload bucket holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) originals: BTreeMap<PhotoId, OriginalFacts>,
    pub(super) strays: Vec<Stray>,
}

/// Lists the originals that the question is about.
pub(super) async fn originals(places: Places<'_>, question: &Question) -> Result<Found> {
    let mut found = Found::default();
    for prefix in prefixes(places, &question.scope).await? {
        list(places, &prefix, &mut found).await?;
    }
    // A delivery is asked about itself: what else stands in the bucket beside it is no fault of it.
    if question.delivery.is_some() {
        found.strays.clear();
    }
    for stray in &mut found.strays {
        stray.state = places.catalog.entry(&stray.key).await?.map(|entry| entry.state);
    }
    Ok(found)
}

async fn prefixes(places: Places<'_>, scope: &Scope) -> Result<Vec<String>> {
    Ok(match scope {
        Scope::All => vec![ORIGIN_PREFIX.to_owned()],
        Scope::Vertical(vertical) => vec![origin_prefix(vertical)],
        Scope::Ids { vertical, cd_idx } => {
            let verticals = match vertical {
                Some(vertical) => vec![vertical.clone()],
                None => verticals(places).await?,
            };
            let of = |vertical: &Vertical| {
                let prefix = origin_prefix(vertical);
                cd_idx.iter().map(move |id| format!("{prefix}{id}_")).collect::<Vec<_>>()
            };
            verticals.iter().flat_map(of).collect()
        }
    })
}

/// Every vertical that has an object, by hopping over the objects of each.
pub(crate) async fn verticals(places: Places<'_>) -> Result<Vec<Vertical>> {
    let mut verticals = Vec::new();
    let mut after = ORIGIN_PREFIX.to_owned();
    loop {
        let next = places.store.list(&places.settings.upload_bucket, ORIGIN_PREFIX, &after, 1).await?;
        let Some(ObjectInfo { key, .. }) = next.first() else { return Ok(verticals) };
        let folder = key[ORIGIN_PREFIX.len()..].split('/').next().unwrap_or("");
        verticals.extend(folder.parse::<Vertical>());
        // '0' is the byte after '/': the first key that can no longer be in this folder.
        after =
            if key[ORIGIN_PREFIX.len()..].contains('/') { format!("{ORIGIN_PREFIX}{folder}0") } else { key.clone() };
        if let Some(vertical) = verticals.last().filter(|vertical| vertical.as_str() == format!("{folder}0")) {
            // A vertical whose name is exactly that key cannot be hopped over: it was just seen.
            after = origin_prefix(vertical);
        }
    }
}

async fn list(places: Places<'_>, prefix: &str, found: &mut Found) -> Result<()> {
    let mut after = String::new();
    loop {
        let page = places.store.list(&places.settings.upload_bucket, prefix, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.key);
        let full = page.len() == PAGE;
        for info in page {
            found.add(info);
        }
        if !full {
            return Ok(());
        }
    }
}

impl Found {
    fn add(&mut self, info: ObjectInfo) {
        match UploadKey::parse(&info.key) {
            UploadKey::Photo(photo) => {
                let facts = OriginalFacts { etag: info.etag, size: info.size, generation: info.write_generation };
                self.originals.insert(photo, facts);
            }
            UploadKey::Ignored | UploadKey::Unparseable { .. } => {
                self.strays.push(Stray { key: info.key, state: None });
            }
            UploadKey::Plain => {}
        }
    }
}

/// Every entity that the question is about: what was handed over, or whatever any place knows.
pub(super) async fn entities(places: Places<'_>, question: &Question, found: &Found) -> Result<BTreeSet<EntityId>> {
    if let Some(delivery) = &question.delivery {
        return Ok(delivery.originals.keys().map(|photo| photo.entity.clone()).collect());
    }
    let mut entities: BTreeSet<_> = found.originals.keys().map(|photo| photo.entity.clone()).collect();
    let mut ledger = LedgerPages::new(places.catalog, &question.scope);
    while let Some(page) = ledger.next().await? {
        entities.extend(page.iter().filter_map(|entry| entity_of(&entry.key)));
    }
    let mut rows = RowPages::new(places.catalog, &question.scope);
    while let Some(page) = rows.next().await? {
        entities.extend(page.into_iter().map(|row| row.photo.entity));
    }
    Ok(entities)
}

fn entity_of(key: &str) -> Option<EntityId> {
    match UploadKey::parse(key) {
        UploadKey::Photo(photo) => Some(photo.entity),
        _ => None,
    }
}

/// What is known of a chunk of entities.
pub(super) async fn facts(
    places: Places<'_>,
    entities: &[EntityId],
    found: &mut Found,
    delivery: Option<&Delivery>,
) -> Result<BTreeMap<EntityId, EntityFacts>> {
    let mut facts: BTreeMap<_, EntityFacts> =
        entities.iter().map(|entity| (entity.clone(), EntityFacts::new())).collect();
    for entity in entities {
        let of_entity = facts.entry(entity.clone()).or_default();
        let first = PhotoId { entity: entity.clone(), sequence: 0 };
        let last = PhotoId { entity: entity.clone(), sequence: u16::MAX };
        for (photo, original) in found.originals.range(first.clone()..=last.clone()) {
            of_entity.entry(photo.sequence).or_default().original = Some(original.clone());
        }
        for (photo, handed_over) in
            delivery.iter().flat_map(|delivery| delivery.originals.range(first.clone()..=last.clone()))
        {
            of_entity.entry(photo.sequence).or_default().handed_over = Some(handed_over.clone());
        }
    }
    let scope = Scope::Ids { vertical: None, cd_idx: entities.iter().map(|entity| entity.cd_idx).collect() };
    add_ledger(places, &scope, &mut facts).await?;
    add_rows(places, &scope, &mut facts).await?;
    Ok(facts)
}

async fn add_ledger(places: Places<'_>, scope: &Scope, facts: &mut BTreeMap<EntityId, EntityFacts>) -> Result<()> {
    let mut pages = LedgerPages::new(places.catalog, scope);
    while let Some(page) = pages.next().await? {
        for entry in page {
            let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) else { continue };
            if let Some(of_entity) = facts.get_mut(&photo.entity) {
                of_entity.entry(photo.sequence).or_default().ledger = Some(entry);
            }
        }
    }
    Ok(())
}

async fn add_rows(places: Places<'_>, scope: &Scope, facts: &mut BTreeMap<EntityId, EntityFacts>) -> Result<()> {
    let mut pages = RowPages::new(places.catalog, scope);
    while let Some(page) = pages.next().await? {
        for row in page {
            if let Some(of_entity) = facts.get_mut(&row.photo.entity) {
                let photo = of_entity.entry(row.photo.sequence).or_default();
                photo.rows.insert(row.image_size.clone(), row);
            }
        }
    }
    Ok(())
}
