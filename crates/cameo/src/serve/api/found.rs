//! What one search box finds: entities by their numbers, originals by the beginnings of their names and keys, rejected files by any part of
//! theirs, deliveries and verticals by name. Every look is bounded, and the answer says where it was cut.

use std::collections::BTreeSet;

use super::rights::Caller;
use crate::{
    client::wire::{SearchHit, SearchKind, SearchResults},
    ledger::{LedgerEntry, Scope, State, history::named_by},
    model::{
        key::{DeliveryName, ImageKey, ORIGIN_PREFIX, PhotoId, UploadKey, Vertical},
        reason::ReasonCode,
        token::Verticals,
    },
    proof::deliveries,
    serve::{problem::Answer, site::Site},
};

/// Verticals that are looked into.
const VERTICALS_MAX: usize = 200;
/// Entries of one vertical, or of one number, that are read.
const ENTRIES_MAX: usize = 200;
/// Rejected originals of one reason that are looked through.
const REJECTED_MAX: usize = 2000;

/// What was found so far.
struct Hits {
    items: Vec<SearchHit>,
    known: BTreeSet<(SearchKind, Option<String>, String)>,
    limit: usize,
    truncated: bool,
}

impl Hits {
    /// Adds what is not there yet; what has no room is said to be cut.
    fn add(&mut self, hit: SearchHit) {
        if !self.known.insert((hit.kind, hit.vertical.clone(), hit.title.clone())) {
            return;
        }
        if self.items.len() < self.limit {
            self.items.push(hit);
        } else {
            self.truncated = true;
        }
    }

    fn entry(&mut self, entry: &LedgerEntry) {
        if entry.state != State::Removed {
            self.add(of_entry(entry));
        }
    }

    /// Notes that a look ended at its bound.
    fn bounded(&mut self, found: usize, max: usize) {
        self.truncated |= found >= max;
    }
}

/// Finds what a text names, in one vertical or in all that the caller may see.
pub(super) async fn find(
    site: &Site,
    caller: &Caller,
    vertical: Option<Vertical>,
    text: &str,
    limit: usize,
) -> Answer<SearchResults> {
    let query = plain(text);
    let mut hits = Hits { items: Vec::new(), known: BTreeSet::new(), limit, truncated: false };
    if !query.is_empty() {
        let verticals = verticals(site, caller, vertical.as_ref(), &mut hits).await?;
        numbers(site, &verticals, &query, &mut hits).await?;
        names(site, &verticals, &query, &mut hits).await?;
        rejected(site, caller, vertical.as_ref(), &query, &mut hits).await?;
        delivery(site, caller, &query, &mut hits).await?;
        let needle = query.to_lowercase();
        for vertical in verticals.iter().filter(|vertical| vertical.as_str().to_lowercase().contains(&needle)) {
            hits.add(SearchHit {
                vertical: Some(vertical.to_string()),
                ..hit(SearchKind::Vertical, vertical.as_str())
            });
        }
    }
    Ok(SearchResults { query, items: hits.items, truncated: hits.truncated })
}

/// The text as keys have it: of an address what stands behind the host, digits in ASCII.
fn plain(text: &str) -> String {
    let text = text.trim();
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => text,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let ascii = |c: char| match c {
        '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32).unwrap_or(c),
        c => c,
    };
    path.trim_start_matches('/').chars().filter(|c| !c.is_control()).map(ascii).collect()
}

/// The verticals that are looked into, in the order of their names.
async fn verticals(
    site: &Site,
    caller: &Caller,
    asked: Option<&Vertical>,
    hits: &mut Hits,
) -> Answer<BTreeSet<Vertical>> {
    if let Some(asked) = asked {
        return Ok([asked.clone()].into());
    }
    if let Verticals::Only(own) = &caller.verticals {
        return Ok(own.clone());
    }
    let kept = site.flow.catalog.kept_counts().await?;
    let mut known: BTreeSet<Vertical> = kept.into_iter().filter_map(|count| count.key.vertical?.parse().ok()).collect();
    while known.len() > VERTICALS_MAX {
        known.pop_last();
        hits.truncated = true;
    }
    Ok(known)
}

/// Entities with the number that the text is, or that a name in it begins with.
async fn numbers(site: &Site, verticals: &BTreeSet<Vertical>, query: &str, hits: &mut Hits) -> Answer<()> {
    let name = query.rsplit('/').next().unwrap_or_default();
    let of_photo = match ImageKey::parse(query) {
        ImageKey::Rendition(PhotoId { entity, .. }, _) | ImageKey::Alias(entity, _) => Some(entity.cd_idx),
        _ => None,
    };
    let digits = name.split(['_', '.']).next().unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = of_photo.or_else(|| digits.parse().ok().filter(|_| is_number));
    let Some(cd_idx) = number else { return Ok(()) };
    let scope = Scope::Ids { vertical: None, cd_idx: vec![cd_idx] };
    let entries = site.flow.catalog.ledger(&scope, "", ENTRIES_MAX).await?;
    hits.bounded(entries.len(), ENTRIES_MAX);
    for entry in entries.iter().filter(|entry| entry.state != State::Removed) {
        if let UploadKey::Photo(photo) = UploadKey::parse(&entry.key)
            && verticals.contains(&photo.entity.vertical)
        {
            hits.add(SearchHit {
                vertical: Some(photo.entity.vertical.to_string()),
                cd_idx: Some(cd_idx),
                ..hit(SearchKind::Entity, &cd_idx.to_string())
            });
        }
    }
    Ok(())
}

/// Originals whose names, or whose keys, begin with the text.
async fn names(site: &Site, verticals: &BTreeSet<Vertical>, query: &str, hits: &mut Hits) -> Answer<()> {
    let catalog = &site.flow.catalog;
    let max = hits.limit.min(ENTRIES_MAX) + 1;
    let is_seen = |entry: &LedgerEntry| UploadKey::vertical(&entry.key).is_some_and(|of| verticals.contains(&of));
    for vertical in verticals {
        let prefix = vertical.originals_prefix();
        let prefix = if query.starts_with(&prefix) { query.to_owned() } else { format!("{prefix}{query}") };
        let entries = catalog.ledger_with_prefix(&prefix, "", max).await?;
        hits.bounded(entries.len(), max);
        entries.iter().filter(|entry| is_seen(entry)).for_each(|entry| hits.entry(entry));
    }
    if query.starts_with(ORIGIN_PREFIX)
        && let Some(entry) = catalog.entry(query).await?.filter(is_seen)
    {
        hits.entry(&entry);
    }
    Ok(())
}

/// Rejected files whose keys contain the text.
async fn rejected(site: &Site, caller: &Caller, asked: Option<&Vertical>, query: &str, hits: &mut Hits) -> Answer<()> {
    let needle = query.to_lowercase();
    let kept = site.flow.catalog.kept_counts().await?;
    let codes: BTreeSet<String> = kept.into_iter().filter_map(|count| count.key.reason).collect();
    let of: Vec<Option<Vertical>> = match (asked, &caller.verticals) {
        (Some(asked), _) => vec![Some(asked.clone())],
        (None, Verticals::All) => vec![None],
        (None, Verticals::Only(own)) => own.iter().cloned().map(Some).collect(),
    };
    for code in &codes {
        for vertical in &of {
            let entries = site.flow.catalog.rejected_for(code, vertical.as_ref(), "", REJECTED_MAX).await?;
            hits.bounded(entries.len(), REJECTED_MAX);
            let is_found = |entry: &&LedgerEntry| entry.key.to_lowercase().contains(&needle);
            entries.iter().filter(is_found).for_each(|entry| hits.entry(entry));
        }
    }
    Ok(())
}

async fn delivery(site: &Site, caller: &Caller, query: &str, hits: &mut Hits) -> Answer<()> {
    let Ok(name) = query.parse::<DeliveryName>() else { return Ok(()) };
    let vertical = match &name {
        DeliveryName::Day { vertical, .. } => Some(vertical.clone()),
        DeliveryName::Recorded { .. } => {
            deliveries::record(site.deliveries(), &name).await?.map(|record| record.vertical)
        }
    };
    if let Some(vertical) = vertical.filter(|vertical| caller.verticals.include(vertical)) {
        hits.add(SearchHit {
            vertical: Some(vertical.to_string()),
            delivery: Some(query.to_owned()),
            ..hit(SearchKind::Delivery, query)
        });
    }
    Ok(())
}

fn hit(kind: SearchKind, title: &str) -> SearchHit {
    SearchHit {
        kind,
        title: title.to_owned(),
        vertical: None,
        cd_idx: None,
        sequence: None,
        key: None,
        delivery: None,
        state: None,
        code: None,
    }
}

fn of_entry(entry: &LedgerEntry) -> SearchHit {
    let (vertical, cd_idx, sequence) = named_by(&entry.key);
    let code = match &entry.state {
        State::Rejected { reason, .. } => Some(ReasonCode::code(*reason).to_owned()),
        _ => None,
    };
    let kind = if sequence.is_some() { SearchKind::Photo } else { SearchKind::File };
    SearchHit {
        vertical: vertical.map(String::from),
        cd_idx,
        sequence,
        key: Some(entry.key.clone()),
        state: Some(entry.state.as_str().to_owned()),
        code,
        ..hit(kind, &entry.key)
    }
}
