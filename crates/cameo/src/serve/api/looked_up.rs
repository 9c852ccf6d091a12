//! How entities are, as ledger and rows know them: which cells are missing or stale, and why. Many at once, for a list that somebody pasted.
//!
//! `verify` is the proof; this reads no object and fetches nothing, so that thousands are answered at once.

use std::collections::{BTreeMap, BTreeSet};

use super::rights::Caller;
use crate::{
    catalog::{Catalog, LedgerPages, RowPages},
    client::wire::{LookedUp, LookupProblem, LookupState, LookupSummary},
    flow::NamedSizeSet,
    ledger::{LedgerEntry, Scope, State},
    model::{
        error::Error,
        key::{EntityId, PhotoId, UploadKey, Vertical, evident},
        reason::{Owner, ReasonCode},
    },
    queue::dead_letter::keys_of_body,
    serve::{problem::Answer, site::Site},
};

/// Entries, and rows, that are read at a time: those of a thousand numbers with a few photos each.
const AT_ONCE: usize = 10_000;
/// Problems of an entity that are listed.
const PROBLEMS_MAX: usize = 100;
/// Messages of a queue that are looked into for what is under way; beyond them nothing counts as under way.
const LOOKED_INTO_MAX: usize = 20_000;
/// Misnamed files that are looked through for the numbers that they begin with.
const MISNAMED_MAX: usize = 20_000;
/// Misnamed files that are read at a time.
const MISNAMED_AT_ONCE: usize = 1000;

/// A cell without a row.
pub(super) const MISSING: &str = "cell.missing";
/// A cell that another version of the size set made.
pub(super) const STALE: &str = "cell.stale";

/// What is known of an entity.
#[derive(Debug, Default)]
struct Known {
    entries: Vec<(u16, LedgerEntry)>,
    misnamed: Vec<LedgerEntry>,
    /// Image sizes that there are rows of, by sequence.
    rows: BTreeMap<u16, BTreeSet<String>>,
    is_pending: bool,
}

/// Looks up numbers, ascending and each once, in one vertical or in all that the caller may see.
pub(super) async fn look_up(
    site: &Site,
    caller: &Caller,
    vertical: Option<Vertical>,
    ids: &[u64],
) -> Answer<(Vec<LookedUp>, LookupSummary)> {
    let mut known = BTreeMap::<(u64, Vertical), Known>::new();
    let is_seen = |of: &Vertical| caller.verticals.include(of) && vertical.as_ref().is_none_or(|asked| asked == of);
    let scope = Scope::Ids { vertical: vertical.clone(), cd_idx: ids.to_vec() };
    of_catalog(&*site.flow.catalog, &scope, &is_seen, &mut known).await?;
    of_misnamed(site, ids, &is_seen, &mut known).await?;
    of_messages(site, ids, &is_seen, &mut known).await?;
    let mut items = Vec::with_capacity(ids.len());
    let mut summary = LookupSummary { ids: ids.len() as u64, ..LookupSummary::default() };
    let mut known = known.into_iter().peekable();
    for id in ids {
        let first = items.len();
        while let Some(((cd_idx, vertical), it)) = known.next_if(|((cd_idx, _), _)| cd_idx <= id) {
            let entity = EntityId { vertical, cd_idx };
            items.extend(judge(&entity, site.flow.settings.size_sets.of(&entity.vertical), it));
        }
        if items.len() == first {
            items.push(unknown(*id));
        }
    }
    for item in &items {
        *(match item.state {
            LookupState::Complete => &mut summary.complete,
            LookupState::Incomplete => &mut summary.incomplete,
            LookupState::Pending => &mut summary.pending,
            LookupState::Unknown => &mut summary.unknown,
        }) += 1;
    }
    Ok((items, summary))
}

fn unknown(cd_idx: u64) -> LookedUp {
    LookedUp { cd_idx, vertical: None, state: LookupState::Unknown, photos: 0, live: 0, problems: Vec::new() }
}

type Seen<'s> = dyn Fn(&Vertical) -> bool + Sync + 's;
type AllKnown = BTreeMap<(u64, Vertical), Known>;

/// The ledger and the rows are read side by side, in few questions: each sorts anew what its numbers have.
async fn of_catalog(catalog: &dyn Catalog, scope: &Scope, is_seen: &Seen<'_>, known: &mut AllKnown) -> Answer<()> {
    let entries = async {
        let (mut entries, mut pages) = (Vec::new(), LedgerPages::new(catalog, scope).by(AT_ONCE));
        while let Some(page) = pages.next().await? {
            entries.extend(page);
        }
        Ok::<_, Error>(entries)
    };
    let rows = async {
        let (mut rows, mut pages) = (Vec::new(), RowPages::new(catalog, scope).by(AT_ONCE));
        while let Some(page) = pages.next().await? {
            rows.extend(page.into_iter().map(|row| (row.photo, row.image_size)));
        }
        Ok::<_, Error>(rows)
    };
    let (entries, rows) = futures::try_join!(entries, rows)?;
    for entry in entries {
        let UploadKey::Photo(PhotoId { entity, sequence }) = UploadKey::parse(&entry.key) else { continue };
        if is_seen(&entity.vertical) {
            known.entry((entity.cd_idx, entity.vertical)).or_default().entries.push((sequence, entry));
        }
    }
    for (PhotoId { entity, sequence }, image_size) in rows {
        if is_seen(&entity.vertical) {
            let known = known.entry((entity.cd_idx, entity.vertical)).or_default();
            known.rows.entry(sequence).or_default().insert(image_size);
        }
    }
    Ok(())
}

/// Misnamed files are known by their keys alone; there are few, or somebody has to act on all of them anyway.
async fn of_misnamed(site: &Site, ids: &[u64], is_seen: &Seen<'_>, known: &mut AllKnown) -> Answer<()> {
    let (mut after, mut looked_at) = (String::new(), 0);
    while looked_at < MISNAMED_MAX {
        let code = ReasonCode::NameUnparseable.code();
        let page = site.flow.catalog.rejected_for(code, None, &after, MISNAMED_AT_ONCE).await?;
        looked_at += MISNAMED_AT_ONCE;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        let is_last = page.len() < MISNAMED_AT_ONCE;
        for entry in page {
            let of = (evident(&entry.key).0, UploadKey::vertical(&entry.key));
            if let (Some(cd_idx), Some(vertical)) = of
                && ids.binary_search(&cd_idx).is_ok()
                && is_seen(&vertical)
            {
                known.entry((cd_idx, vertical)).or_default().misnamed.push(entry);
            }
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

async fn of_messages(site: &Site, ids: &[u64], is_seen: &Seen<'_>, known: &mut AllKnown) -> Answer<()> {
    for queue in [&*site.events, &*site.registrations] {
        let Some(bodies) = queue.bodies(LOOKED_INTO_MAX).await? else { continue };
        for key in bodies.iter().flat_map(|body| keys_of_body(body)) {
            if let UploadKey::Photo(PhotoId { entity, .. }) = UploadKey::parse(&key)
                && ids.binary_search(&entity.cd_idx).is_ok()
                && is_seen(&entity.vertical)
            {
                known.entry((entity.cd_idx, entity.vertical)).or_default().is_pending = true;
            }
        }
    }
    Ok(())
}

/// How an entity is; none where all that is known of it was deleted.
fn judge(entity: &EntityId, set: &NamedSizeSet, known: Known) -> Option<LookedUp> {
    let Known { entries, misnamed, rows, is_pending } = known;
    let mut problems: Vec<LookupProblem> = misnamed.iter().filter_map(|entry| rejected(None, entry)).collect();
    let (mut photos, mut live) = (0, 0);
    for (sequence, entry) in &entries {
        let serves = entry.serving.is_some();
        let is_rejected = matches!(entry.state, State::Rejected { .. });
        photos += u64::from(serves || is_rejected);
        live += u64::from(serves);
        problems.extend(rejected(Some(*sequence), entry));
        if serves {
            let none = BTreeSet::new();
            cells(*sequence, entry, set, rows.get(sequence).unwrap_or(&none), &mut problems);
        }
    }
    if photos == 0 && problems.is_empty() && !is_pending {
        return None;
    }
    let state = match (is_pending, problems.is_empty()) {
        (true, _) => LookupState::Pending,
        (false, true) => LookupState::Complete,
        (false, false) => LookupState::Incomplete,
    };
    problems.sort_by(|a, b| (a.sequence, &a.image_size).cmp(&(b.sequence, &b.image_size)));
    problems.truncate(PROBLEMS_MAX);
    let vertical = Some(entity.vertical.as_str().to_owned());
    Some(LookedUp { cd_idx: entity.cd_idx, vertical, state, photos, live, problems })
}

fn rejected(sequence: Option<u16>, entry: &LedgerEntry) -> Option<LookupProblem> {
    let State::Rejected { reason, detail } = &entry.state else { return None };
    Some(LookupProblem {
        sequence,
        image_size: None,
        key: entry.key.clone(),
        code: reason.code().to_owned(),
        owner: reason.owner().code().to_owned(),
        detail: Some(detail.clone()),
        serves_older: entry.serving.is_some(),
    })
}

/// Cells of a photo that is served which are not as its vertical has them now.
fn cells(
    sequence: u16,
    entry: &LedgerEntry,
    set: &NamedSizeSet,
    rows: &BTreeSet<String>,
    problems: &mut Vec<LookupProblem>,
) {
    let is_stale = !set.made(entry);
    let serves_older = matches!(entry.state, State::Rejected { .. });
    for image_size in set.sizes.sizes().iter().map(|size| &size.name) {
        let code = if !rows.contains(image_size) {
            MISSING
        } else if is_stale {
            STALE
        } else {
            continue;
        };
        problems.push(LookupProblem {
            sequence: Some(sequence),
            image_size: Some(image_size.clone()),
            key: entry.key.clone(),
            code: code.to_owned(),
            owner: Owner::Engineer.code().to_owned(),
            detail: None,
            serves_older,
        });
    }
}
