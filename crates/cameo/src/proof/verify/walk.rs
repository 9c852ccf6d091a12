//! The entities of a scope, chunk by chunk, without holding more of them than a chunk.
//!
//! Upload bucket and ledger are both in the order of their keys, so they are walked side by side. Rows are in another order:
//! those of entities that neither has are found by a walk of their own. Numbers that are asked for are looked up.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, VecDeque},
};

use super::{
    Places,
    by_number::{self, photos_of},
    collect::{Facts, PAGE, scopes},
    files::folders,
    origin_prefix,
};
use crate::{
    catalog::{LedgerPages, RowPages},
    ledger::{LedgerEntry, Scope},
    model::{
        error::Result,
        key::{EntityId, ORIGIN_PREFIX, PhotoId, UploadKey},
    },
    store::ObjectInfo,
};

/// Entities whose facts are held at a time.
pub(super) const CHUNK: usize = 200;

/// Photos of the upload bucket and of the ledger, side by side.
pub(super) struct Walk<'w> {
    places: Places<'w>,
    prefixes: VecDeque<String>,
    after: String,
    objects: VecDeque<ObjectInfo>,
    ledger: LedgerPages<'w>,
    entries: VecDeque<LedgerEntry>,
    ledger_ended: bool,
    /// Files of the upload bucket that are no photos, since they were last taken.
    pub(super) files: Vec<String>,
}

impl<'w> Walk<'w> {
    /// Of everything, or of a vertical.
    pub(super) async fn new(places: Places<'w>, scope: &'w Scope) -> Result<Self> {
        let prefixes = match scope {
            Scope::Vertical(vertical) => {
                // Folders of the same name, composed or not: their files are rejected, and shown.
                let of_vertical =
                    |folder: &String| UploadKey::vertical(&format!("{folder}x")).as_ref() == Some(vertical);
                let bucket = &places.settings.upload_bucket;
                let found = folders(places.store, bucket, ORIGIN_PREFIX).await?;
                let mut found: BTreeSet<String> = found.into_iter().filter(of_vertical).collect();
                found.insert(origin_prefix(vertical));
                found.into_iter().collect()
            }
            _ => [ORIGIN_PREFIX.to_owned()].into(),
        };
        let ledger = LedgerPages::new(places.catalog, scope);
        Ok(Self {
            places,
            prefixes,
            after: String::new(),
            objects: VecDeque::new(),
            ledger,
            entries: VecDeque::new(),
            ledger_ended: false,
            files: Vec::new(),
        })
    }

    /// The next entities, with what upload bucket and ledger hold of them; none after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Facts>> {
        let mut facts = Facts::new();
        while let Some((photo, _)) = self.peek().await? {
            let is_new = !facts.contains_key(&photo.entity);
            let other_vertical = facts.keys().next().is_some_and(|first| first.vertical != photo.entity.vertical);
            if is_new && (facts.len() == CHUNK || other_vertical) {
                break;
            }
            self.take(&photo, &mut facts);
        }
        Ok((!facts.is_empty()).then_some(facts))
    }

    /// The photo that comes first in the order of keys, in either place.
    async fn peek(&mut self) -> Result<Option<(PhotoId, String)>> {
        let object = self.peek_object().await?;
        let entry = self.peek_entry().await?;
        Ok(match (object, entry) {
            (Some(object), Some(entry)) if object.1.cmp(&entry.1) == Ordering::Greater => Some(entry),
            (Some(object), _) => Some(object),
            (None, entry) => entry,
        })
    }

    async fn peek_object(&mut self) -> Result<Option<(PhotoId, String)>> {
        loop {
            let Some(info) = self.objects.front() else {
                if self.fetch_objects().await? {
                    continue;
                }
                return Ok(None);
            };
            if let UploadKey::Photo(photo) = UploadKey::parse(&info.key) {
                return Ok(Some((photo, info.key.clone())));
            }
            self.files.extend(self.objects.pop_front().map(|info| info.key));
        }
    }

    async fn fetch_objects(&mut self) -> Result<bool> {
        let Some(prefix) = self.prefixes.front() else { return Ok(false) };
        let page = self.places.store.list(&self.places.settings.upload_bucket, prefix, &self.after, PAGE).await?;
        if let Some(last) = page.last() {
            self.after.clone_from(&last.key);
        } else {
            self.prefixes.pop_front();
            self.after.clear();
        }
        self.objects.extend(page);
        Ok(true)
    }

    async fn peek_entry(&mut self) -> Result<Option<(PhotoId, String)>> {
        loop {
            let Some(entry) = self.entries.front() else {
                if self.ledger_ended {
                    return Ok(None);
                }
                match self.ledger.next().await? {
                    Some(page) => self.entries.extend(page),
                    None => self.ledger_ended = true,
                }
                continue;
            };
            if let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) {
                return Ok(Some((photo, entry.key.clone())));
            }
            self.entries.pop_front();
        }
    }

    /// Takes what both places hold of a photo that was peeked at.
    fn take(&mut self, photo: &PhotoId, facts: &mut Facts) {
        let key = photo.origin_key();
        let of_photo = facts.entry(photo.entity.clone()).or_default().entry(photo.sequence).or_default();
        if self.objects.front().is_some_and(|info| info.key == key) {
            of_photo.original = self.objects.pop_front().map(Into::into);
        }
        if self.entries.front().is_some_and(|entry| entry.key == key) {
            of_photo.ledger = self.entries.pop_front();
        }
    }
}

/// Entities of a page of rows that the ledger does not know: they were not met in the ledger.
pub(super) async fn next_of_rows_alone(places: Places<'_>, rows: &mut RowPages<'_>) -> Result<Option<Vec<EntityId>>> {
    let Some(page) = rows.next().await? else { return Ok(None) };
    let mut entities: BTreeSet<EntityId> = page.into_iter().map(|row| row.photo.entity).collect();
    for scope in scopes(entities.clone().iter()) {
        let mut ledger = LedgerPages::new(places.catalog, &scope);
        while let Some(page) = ledger.next().await? {
            for entry in page {
                if let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) {
                    entities.remove(&photo.entity);
                }
            }
        }
    }
    Ok(Some(entities.into_iter().collect()))
}

/// Every entity with one of these numbers, in any place, of one vertical or of all.
pub(super) async fn with_ids(places: Places<'_>, scope: &Scope) -> Result<BTreeSet<EntityId>> {
    let Scope::Ids { vertical, cd_idx } = scope else { return Ok(BTreeSet::new()) };
    let mut entities = BTreeSet::new();
    let mut ledger = LedgerPages::new(places.catalog, scope);
    while let Some(page) = ledger.next().await? {
        for entry in page {
            if let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) {
                entities.insert(photo.entity);
            }
        }
    }
    let mut rows = RowPages::new(places.catalog, scope);
    while let Some(page) = rows.next().await? {
        entities.extend(page.into_iter().map(|row| row.photo.entity));
    }
    let verticals = match vertical {
        Some(vertical) => vec![vertical.clone()],
        None => super::files::verticals(places).await?,
    };
    for vertical in verticals {
        let of_vertical = |id: &&u64| !entities.contains(&EntityId { vertical: vertical.clone(), cd_idx: **id });
        let ranges = cd_idx.iter().filter(of_vertical).map(|id| photos_of(*id)).collect();
        let found = by_number::keys(places, &vertical, ranges, |key| UploadKey::photo_of(key).is_some()).await?;
        entities.extend(found.iter().filter_map(|key| Some(UploadKey::photo_of(key)?.entity)));
    }
    Ok(entities)
}
