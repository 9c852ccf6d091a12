//! Lists of entities, in the order of their originals' keys and in both directions, with what they are filtered by.
//!
//! Three sources name the entities: the ledger from a key on, the rejected originals (few, found by their index), and the files of a
//! delivery. What they name is read whole, summarised and held against the filters; a part that has looked at enough ends early.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    catalog::{LedgerPages, RowPages},
    client::wire::{EntitiesPage, EntitySummary},
    flow::NamedSizeSet,
    ledger::{LedgerEntry, Scope, State},
    model::{
        key::{EntityId, PhotoId, UploadKey, Vertical},
        reason::ReasonCode,
    },
    serve::{problem::Answer, site::Site},
};

/// Entries of the ledger that are read at a time.
const AT_ONCE: usize = 1000;
/// Entries that one part looks at, at most; then it ends early.
const LOOKED_AT_MAX: usize = 20_000;
/// The same where their rows are read too.
const LOOKED_AT_WITH_ROWS_MAX: usize = 4000;
/// Entities that are read at a time where something names them.
const NAMED_AT_ONCE: usize = 500;

/// What entities must be to be listed.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) state: Option<WantedState>,
    /// A photo of it is rejected for this reason.
    pub(super) reason: Option<ReasonCode>,
    /// A photo that is served has no row of this image size.
    pub(super) missing: Option<String>,
    /// A photo is served as another version of the size set made it.
    pub(super) stale: bool,
    /// Its newest change was registered then or later.
    pub(super) since: Option<Timestamp>,
    /// Its newest change was registered before.
    pub(super) until: Option<Timestamp>,
    /// It is one of these, in the order of keys.
    pub(super) among: Option<Vec<EntityId>>,
}

/// In which state an entity must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WantedState {
    /// Every photo of it is served as it was uploaded last.
    Serving,
    /// A photo of it is rejected.
    Rejected,
    /// Nothing of it is served.
    Dark,
}

/// From where on, and in which direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Direction {
    /// Behind this key.
    After(String),
    /// Before this key, in the order of keys all the same.
    Before(String),
}

/// An entity with all entries of it.
type Whole = (EntityId, Vec<LedgerEntry>);

/// Some entities, and where to go on.
#[derive(Debug)]
struct Batch {
    entities: Vec<Whole>,
    looked_at: usize,
    /// The key to go on from; none where there is nothing more.
    goes_on: Option<String>,
}

/// Where the keys of an entity's originals begin.
pub(super) fn start_of(entity: &EntityId) -> String {
    let first = PhotoId { entity: entity.clone(), sequence: 0 }.origin_key();
    first[..first.len() - "0.jpg".len()].to_owned()
}

/// A part of the entities of a vertical, at most `limit`.
pub(super) async fn page(
    site: &Site,
    vertical: &Vertical,
    wanted: &Wanted,
    from: Direction,
    limit: usize,
) -> Answer<EntitiesPage> {
    let is_backward = matches!(from, Direction::Before(_));
    let list = List { site, vertical, wanted, set: site.flow.settings.size_sets.of(vertical) };
    let looked_at_max = if wanted.missing.is_some() { LOOKED_AT_WITH_ROWS_MAX } else { LOOKED_AT_MAX };
    let (mut items, mut looked_at, mut from_key) = (Vec::new(), 0, from.key().to_owned());
    // Where there is more in the direction that is gone.
    let more = loop {
        let batch = if is_backward { list.before(&from_key).await? } else { list.after(&from_key, limit).await? };
        looked_at += batch.looked_at.max(1);
        let found = list.matching(batch.entities).await?;
        let mut found: Vec<(EntityId, EntitySummary)> = found;
        if is_backward {
            found.reverse();
        }
        let mut full = None;
        for (entity, summary) in found {
            if items.len() == limit {
                full = items.last().map(|(last, _): &(EntityId, EntitySummary)| end_of(last, is_backward));
                break;
            }
            items.push((entity, summary));
        }
        match (full, batch.goes_on) {
            (Some(full), _) => break Some(full),
            (None, None) => break None,
            (None, Some(goes_on)) if looked_at >= looked_at_max || items.len() == limit => break Some(goes_on),
            (None, Some(goes_on)) => from_key = goes_on,
        }
    };
    if is_backward {
        items.reverse();
    }
    let behind = items.last().map_or_else(|| from.key().to_owned(), |(last, _)| last.behind_originals());
    let before = items.first().map_or_else(|| from.key().to_owned(), |(first, _)| start_of(first));
    let has_before = !from.key().is_empty() && !is_backward;
    let (next, previous) = if is_backward { (Some(behind), more) } else { (more, has_before.then_some(before)) };
    Ok(EntitiesPage { items: items.into_iter().map(|(_, summary)| summary).collect(), next, previous })
}

fn end_of(entity: &EntityId, is_backward: bool) -> String {
    if is_backward { start_of(entity) } else { entity.behind_originals() }
}

impl Direction {
    fn key(&self) -> &str {
        match self {
            Self::After(key) | Self::Before(key) => key,
        }
    }
}

struct List<'l> {
    site: &'l Site,
    vertical: &'l Vertical,
    wanted: &'l Wanted,
    set: &'l NamedSizeSet,
}

impl List<'_> {
    async fn after(&self, after: &str, limit: usize) -> Answer<Batch> {
        if let Some(among) = &self.wanted.among {
            let named = among.iter().filter(|entity| start_of(entity).as_str() > after);
            return self.whole(named.take(NAMED_AT_ONCE + 1).cloned().collect()).await;
        }
        if self.wanted.reason.is_some() || self.wanted.state == Some(WantedState::Rejected) {
            return self.rejected(after, limit).await;
        }
        let entries = self.ledger(after).await?;
        let is_last = entries.len() < AT_ONCE;
        self.grouped(entries, is_last).await
    }

    async fn before(&self, before: &str) -> Answer<Batch> {
        if let Some(among) = &self.wanted.among {
            let mut named: Vec<EntityId> =
                among.iter().filter(|entity| start_of(entity).as_str() < before).cloned().collect();
            let first = named.len().saturating_sub(NAMED_AT_ONCE);
            let named = named.split_off(first);
            let goes_on = named.first().filter(|_| first > 0).map(start_of);
            return Ok(Batch { goes_on, ..self.whole(named).await? });
        }
        let mut entries = self.site.flow.catalog.ledger_before(self.vertical, before, AT_ONCE).await?;
        let (is_last, looked_at) = (entries.len() < AT_ONCE, entries.len());
        entries.reverse();
        let first_key = entries.first().map(|entry| entry.key.clone());
        let mut groups = groups_of(entries);
        // The first one may have more photos before: it is read with the next part, unless it is all there is.
        let goes_on = match (is_last, groups.len()) {
            (true, _) => None,
            (false, 0) => first_key,
            (false, 1) => {
                let only = self.whole(vec![groups[0].0.clone()]).await?;
                let goes_on = only.entities.first().map(|(entity, _)| start_of(entity));
                return Ok(Batch { looked_at, goes_on, ..only });
            }
            (false, _) => {
                groups.remove(0);
                Some(start_of(&groups[0].0))
            }
        };
        Ok(Batch { entities: groups, looked_at, goes_on })
    }

    async fn ledger(&self, after: &str) -> Answer<Vec<LedgerEntry>> {
        let scope = Scope::Vertical(self.vertical.clone());
        Ok(self.site.flow.catalog.ledger(&scope, after, AT_ONCE).await?)
    }

    /// Entries in the order of keys as entities: the last one may have more behind, so it is left for the next part, unless it is all.
    async fn grouped(&self, entries: Vec<LedgerEntry>, is_last: bool) -> Answer<Batch> {
        let looked_at = entries.len();
        let last_key = entries.last().map(|entry| entry.key.clone());
        let mut groups = groups_of(entries);
        let goes_on = match (is_last, groups.len()) {
            (true, _) => None,
            (false, 0) => last_key,
            (false, 1) => {
                let only = self.whole(vec![groups[0].0.clone()]).await?;
                let goes_on = only.entities.first().map(|(entity, _)| entity.behind_originals());
                // What is no photo may lie behind it.
                let goes_on = goes_on.max(last_key);
                return Ok(Batch { looked_at, goes_on, ..only });
            }
            (false, _) => {
                groups.pop();
                groups.last().map(|(entity, _)| entity.behind_originals())
            }
        };
        Ok(Batch { entities: groups, looked_at, goes_on })
    }

    /// Entities that have a rejected photo, after a key.
    async fn rejected(&self, after: &str, limit: usize) -> Answer<Batch> {
        let catalog = &self.site.flow.catalog;
        let codes: BTreeSet<String> = if let Some(reason) = self.wanted.reason {
            [reason.code().to_owned()].into()
        } else {
            let of_vertical = Some(self.vertical.as_str());
            let kept = catalog.kept_counts().await?;
            kept.into_iter()
                .filter(|count| count.key.vertical.as_deref() == of_vertical)
                .filter_map(|count| count.key.reason)
                .collect()
        };
        let at_once = (limit + 1).min(AT_ONCE);
        // Of each reason the first ones: only up to the least of those that are not at their end all are known.
        let (mut keys, mut until) = (BTreeSet::new(), None::<String>);
        for code in codes {
            let found = catalog.rejected_for(&code, Some(self.vertical), after, at_once).await?;
            if let Some(last) = found.last().filter(|_| found.len() == at_once) {
                until = Some(until.map_or(last.key.clone(), |until| until.min(last.key.clone())));
            }
            keys.extend(found.into_iter().map(|entry| entry.key));
        }
        keys.retain(|key| until.as_ref().is_none_or(|until| key <= until));
        let looked_at = keys.len();
        let mut entities: Vec<EntityId> =
            keys.iter().filter_map(|key| UploadKey::photo_of(key)).map(|photo| photo.entity).collect();
        entities.dedup();
        let behind = entities.last().map(EntityId::behind_originals);
        let batch = self.whole(entities).await?;
        // Where not all of them were read, it goes on behind those that were.
        let goes_on = batch.goes_on.or_else(|| until.map(|until| behind.unwrap_or_default().max(until)));
        Ok(Batch { entities: batch.entities, looked_at, goes_on })
    }

    /// Named entities, whole. One more than [`NAMED_AT_ONCE`] says that there are more.
    async fn whole(&self, mut named: Vec<EntityId>) -> Answer<Batch> {
        let is_more = named.len() > NAMED_AT_ONCE;
        if is_more {
            named.truncate(NAMED_AT_ONCE);
        }
        let goes_on = named.last().filter(|_| is_more).map(EntityId::behind_originals);
        let scope = self.of(&named);
        let mut entries = Vec::new();
        let mut pages = LedgerPages::new(&*self.site.flow.catalog, &scope);
        while let Some(page) = pages.next().await? {
            entries.extend(page);
        }
        let looked_at = entries.len();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Batch { entities: groups_of(entries), looked_at, goes_on })
    }

    fn of(&self, entities: &[EntityId]) -> Scope {
        let cd_idx = entities.iter().map(|entity| entity.cd_idx).collect();
        Scope::Ids { vertical: Some(self.vertical.clone()), cd_idx }
    }

    /// Those that are wanted, each with its summary.
    async fn matching(&self, entities: Vec<Whole>) -> Answer<Vec<(EntityId, EntitySummary)>> {
        let mut found = Vec::new();
        for (entity, entries) in entities {
            if let Some(summary) = summary(&entity, &entries, self.set)
                && self.is_wanted(&summary, &entries)
            {
                found.push((entity, summary, entries));
            }
        }
        let lacking = match &self.wanted.missing {
            Some(image_size) => Some(self.lacking(image_size, &found).await?),
            None => None,
        };
        found.retain(|(entity, ..)| lacking.as_ref().is_none_or(|lacking| lacking.contains(&entity.cd_idx)));
        Ok(found.into_iter().map(|(entity, summary, _)| (entity, summary)).collect())
    }

    fn is_wanted(&self, summary: &EntitySummary, entries: &[LedgerEntry]) -> bool {
        let Wanted { state, reason, stale, since, until, .. } = self.wanted;
        let is_in_state = state.is_none_or(|state| match state {
            WantedState::Serving => summary.serving == summary.photos && summary.rejected == 0,
            WantedState::Rejected => summary.rejected > 0,
            WantedState::Dark => summary.serving == 0,
        });
        let is_for = |asked: &ReasonCode| {
            entries.iter().any(|entry| matches!(&entry.state, State::Rejected { reason, .. } if reason == asked))
        };
        is_in_state
            && reason.as_ref().is_none_or(is_for)
            && (!stale || summary.stale > 0)
            && since.is_none_or(|since| summary.updated_at >= since)
            && until.is_none_or(|until| summary.updated_at < until)
    }

    /// The entities that have a photo which is served and has no row of an image size.
    async fn lacking(
        &self,
        image_size: &str,
        found: &[(EntityId, EntitySummary, Vec<LedgerEntry>)],
    ) -> Answer<BTreeSet<u64>> {
        let ids: Vec<EntityId> = found.iter().map(|(entity, ..)| entity.clone()).collect();
        let mut has = BTreeMap::<u64, BTreeSet<u16>>::new();
        if !ids.is_empty() {
            let scope = self.of(&ids);
            let mut pages = RowPages::new(&*self.site.flow.catalog, &scope);
            while let Some(page) = pages.next().await? {
                for row in page.into_iter().filter(|row| row.image_size == image_size) {
                    has.entry(row.photo.entity.cd_idx).or_default().insert(row.photo.sequence);
                }
            }
        }
        let lacks = |entity: &EntityId, entries: &[LedgerEntry]| {
            let has = has.get(&entity.cd_idx);
            let served = entries.iter().filter(|entry| entry.serving.is_some());
            let mut photos = served.filter_map(|entry| UploadKey::photo_of(&entry.key));
            photos.any(|photo| !has.is_some_and(|has| has.contains(&photo.sequence)))
        };
        Ok(found
            .iter()
            .filter(|(entity, _, entries)| lacks(entity, entries))
            .map(|(entity, ..)| entity.cd_idx)
            .collect())
    }
}

/// Entries in the order of keys, by entity; what is no photo is left out.
fn groups_of(entries: Vec<LedgerEntry>) -> Vec<Whole> {
    let mut groups: Vec<Whole> = Vec::new();
    for entry in entries {
        let Some(PhotoId { entity, .. }) = UploadKey::photo_of(&entry.key) else { continue };
        match groups.last_mut() {
            Some((last, of_last)) if *last == entity => of_last.push(entry),
            _ => groups.push((entity, vec![entry])),
        }
    }
    groups
}

/// An entity in a line; none where its photos were all deleted.
fn summary(entity: &EntityId, entries: &[LedgerEntry], set: &NamedSizeSet) -> Option<EntitySummary> {
    let mut summary = EntitySummary {
        cd_idx: entity.cd_idx,
        photos: 0,
        serving: 0,
        rejected: 0,
        serving_older: 0,
        stale: 0,
        updated_at: entries.first()?.updated_at,
    };
    for entry in entries {
        let (serving, rejected) = (entry.serving.is_some(), matches!(entry.state, State::Rejected { .. }));
        summary.photos += u64::from(serving || rejected);
        summary.serving += u64::from(serving);
        summary.rejected += u64::from(rejected);
        summary.serving_older += u64::from(serving && rejected);
        summary.stale += u64::from(serving && !set.made(entry));
        summary.updated_at = summary.updated_at.max(entry.updated_at);
    }
    Some(summary).filter(|summary| summary.photos > 0)
}
