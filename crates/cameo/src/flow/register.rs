//! Registering: outcomes become ledger entries and rows, in one transaction; then aliases follow and what is no longer
//! referred to is taken down. The caller deletes the messages last, so a crash anywhere repeats the whole.
//!
//! What follows the commit goes by what the catalog remembers of the key, not by what the commit changed: a message that
//! comes again finds the same work, and does what of it was not done.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::take,
};

use futures::{FutureExt, StreamExt, stream};
use tracing::debug;

use super::{
    Flow,
    alias::update_aliases,
    old_version,
    publish::CONFLICTS_MAX,
    put_back::{Kept, keep, put_back},
    rendition_metadata::{earlier_sizes, size_set_of, sizes_of_set},
    went_back::{self, Stale},
};
use crate::{
    failpoint::{Point, reached},
    ledger::{
        Effect, Registered, TakeDown,
        decide::{PUBLISHED_MAX, is_older_size_set},
    },
    model::{
        error::{Error, Kind, Place, Result},
        event::Event,
        key::{EntityId, PhotoId},
        outcome::{Fate, Outcome},
    },
    store::ObjectInfo,
};

/// Entities whose aliases are written side by side, as many as a process may hold at once in a SQL server (`ServerLimits`).
const ENTITIES_AT_ONCE: usize = 8;

/// What registering did.
#[derive(Debug)]
pub struct Registration {
    /// Originals whose events must be [sent again](super::requeue::requeue), before the messages are deleted.
    pub mend: BTreeSet<String>,
    /// Events that must be sent before the messages are deleted: of originals that are still what is served, although an
    /// old version of them was removed.
    pub restore: Vec<Event>,
}

/// Registers outcomes and does what follows from them.
pub async fn register(flow: &Flow, outcomes: &[Outcome]) -> Result<Registration> {
    reached(Point::BeforeRegister);
    // Before the commit: once the removal is registered, its rows and renditions go, and there is a gap until it is rendered again.
    let old_versions = old_version::find(flow, outcomes).await?;
    let is_kept = |at: &usize| !old_versions.contains_key(at);
    let kept: Vec<_> = (0..outcomes.len()).filter(is_kept).map(|at| outcomes[at].clone()).collect();
    let registered = flow.catalog.register(&kept).await?;
    reached(Point::Registered);
    let mut after = AfterCommit::default();
    for (outcome, registered) in kept.iter().zip(&registered) {
        after.follow(flow, outcome, registered).await?;
    }
    let lifted = take(&mut after.lifted);
    if !lifted.is_empty() {
        for (outcome, registered) in lifted.iter().zip(flow.catalog.register(&lifted).await?) {
            after.follow(flow, outcome, &registered).await?;
        }
    }
    // All of them are done before an error of one is told: none is left half done because of another.
    let aliases: Vec<_> =
        after.entities.iter().map(|(entity, changed)| follow(flow, entity, changed).boxed()).collect();
    let mut mend = after.mend;
    for hit in stream::iter(aliases).buffer_unordered(ENTITIES_AT_ONCE).collect::<Vec<_>>().await {
        mend.extend(hit?);
    }
    Ok(Registration { mend, restore: old_versions.into_values().collect() })
}

/// What is left to do after a commit.
#[derive(Debug, Default)]
struct AfterCommit {
    /// Entities whose rows changed, now or before the message came again.
    entities: BTreeMap<EntityId, Changed>,
    /// Originals whose events are sent again.
    mend: BTreeSet<String>,
    /// Outcomes that are registered again, above what was in their way.
    lifted: Vec<Outcome>,
}

/// What changed of an entity.
#[derive(Debug, Default)]
struct Changed {
    /// Image sizes that may have lost their last row.
    sizes: BTreeSet<String>,
    /// Whether these are its first rows.
    first: bool,
}

impl AfterCommit {
    /// Does what follows from one outcome, but for aliases.
    async fn follow(&mut self, flow: &Flow, outcome: &Outcome, registered: &Registered) -> Result<()> {
        let Registered { photo, effect, first, .. } = registered;
        let published_after_removal = *effect == Effect::Unpublished && outcome.fate != Fate::Removed;
        if *effect == Effect::Stale || published_after_removal {
            match went_back::compare(flow, outcome).await? {
                Stale::Rightly => {}
                Stale::Again => drop(self.mend.insert(outcome.key.clone())),
                Stale::Lifted(outcome) => self.lifted.push(*outcome),
            }
        }
        let Some(photo) = photo else { return Ok(()) };
        let taken = take_down(flow, photo, outcome, registered).await?;
        // What was spared is of the size set of today, and may have been registered before this message: then nobody else
        // would come for it. Only a message that replaces another recipe asks for it, so this ends.
        if registered.other_recipe && (taken.spared || !went_back::rows_have_renditions(flow, photo).await?) {
            self.mend.insert(outcome.key.clone());
        }
        // After the deletion, not before it: an upload that came in between is in the bucket by now, and one that comes later
        // publishes after what was deleted.
        let may_hit = taken.of_today || may_have_taken_down(flow, outcome, *effect).await?;
        if may_hit && may_have_been_hit(flow, photo).await? {
            put_back(flow, photo, taken.kept).await?;
            self.mend.insert(photo.origin_key());
        }
        // A rejected original may be beside the last good one, whose aliases `reconcile` can ask for in no other way.
        let is_rejected = matches!(outcome.fate, Fate::Rejected { .. });
        if !matches!(effect, Effect::Noted | Effect::Stale) || (*effect == Effect::Noted && is_rejected) {
            let changed = self.entities.entry(photo.entity.clone()).or_default();
            changed.sizes.extend(taken.sizes);
            changed.first |= first;
        }
        Ok(())
    }
}

/// Brings an entity's aliases in line with its rows; returns the originals that must be rendered once more.
async fn follow(flow: &Flow, entity: &EntityId, Changed { sizes, first }: &Changed) -> Result<Vec<String>> {
    if !flow.settings.publish_alias && *first {
        // Aliases of earlier settings are taken down, but an entity that was never registered has none.
        return Ok(Vec::new());
    }
    reached(Point::BeforeAlias);
    let mut hit = Vec::new();
    for photo in update_aliases(flow, entity, sizes, *first).await? {
        if may_have_been_hit(flow, &photo).await? {
            hit.push(photo.origin_key());
        }
    }
    Ok(hit)
}

/// Whether renditions were taken down for this message: now, or before a crash, after which it is told again and finds that
/// a later upload serves.
async fn may_have_taken_down(flow: &Flow, outcome: &Outcome, effect: Effect) -> Result<bool> {
    match (&outcome.fate, effect) {
        (_, Effect::Unpublished) | (Fate::Removed, _) => Ok(true),
        (Fate::Rendered { .. }, Effect::Stale) => {
            let removed = flow.catalog.entry(&outcome.key).await?.and_then(|entry| entry.removed);
            Ok(removed.is_some_and(|removed| removed > outcome.generation))
        }
        _ => Ok(false),
    }
}

/// Whether a removal may have taken down what a later upload published: there is one, and the store names what it holds
/// by content alone. The same bytes have the same `ETag` then, so a rendition that was looked at before a later upload
/// published it anew cannot be told from the new one when it is deleted.
async fn may_have_been_hit(flow: &Flow, photo: &PhotoId) -> Result<bool> {
    let original = flow.store.head(&flow.settings.upload_bucket, &photo.origin_key()).await?;
    Ok(original.is_some_and(|original| original.write_generation.is_none()))
}

/// What was taken down.
#[derive(Debug, Default)]
struct TakenDown {
    /// All image sizes that were looked at.
    sizes: BTreeSet<String>,
    /// Whether a rendition went that the size set of today has.
    of_today: bool,
    /// Whether one was left since it was made into the size set of today.
    spared: bool,
    /// What a removal took down, until it is known that it was nobody's.
    kept: Kept,
}

/// How taking down a rendition ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    /// It is gone.
    Gone,
    /// It did not exist, or was made from a newer generation.
    Kept,
    /// It was made into the size set of today.
    Spared,
}

/// Removes the renditions that a message leaves without rows.
async fn take_down(flow: &Flow, photo: &PhotoId, outcome: &Outcome, registered: &Registered) -> Result<TakenDown> {
    let Some(down) = &registered.take_down else { return Ok(TakenDown::default()) };
    let today = flow.settings.size_sets.of(&photo.entity.vertical);
    let configured: BTreeSet<_> = today.sizes.sizes().iter().map(|size| size.name.clone()).collect();
    let mut sizes = down.image_sizes.clone();
    // Made of the same original into the size set of today, and still to be registered, while this message is of another
    // set that is not newer.
    let mut spared = None;
    if registered.effect == Effect::Unpublished {
        sizes.extend(configured.iter().cloned());
    } else if let Fate::Rendered { size_set, size_set_digest, .. } = &outcome.fate {
        let is_of_today = size_set_digest.as_deref() == Some(today.digest());
        spared = (!is_of_today && !is_older_size_set(&today.label, size_set)).then(|| today.digest());
    }
    let mut taken = TakenDown::default();
    for (image_size, found) in look(flow, photo, outcome, registered.effect, (&sizes, down)).await? {
        // Before it is deleted, since afterwards nobody has the bytes: S3 names an object by its content, so this may by now be what a
        // later upload of the same original published.
        let kept = match &found {
            Some(info) if registered.effect == Effect::Unpublished => keep(flow, info).await?,
            _ => None,
        };
        reached(Point::BeforeTakeDown);
        let key = photo.rendition_key(&image_size);
        let spared = spared.filter(|_| configured.contains(&image_size));
        let went = take_down_rendition(flow, &key, found, down, spared).await?;
        taken.of_today |= went == Went::Gone && configured.contains(&image_size);
        taken.spared |= went == Went::Spared;
        taken.kept.extend(kept.filter(|_| went == Went::Gone).map(|object| (image_size.clone(), object)));
        reached(Point::TakenDown);
        taken.sizes.insert(image_size);
    }
    Ok(taken)
}

/// Looks for the renditions that are to be taken down, in the order in which they go. Each names the size set that it was made
/// into: an attempt that crashed may have left others of it, which nobody registered. Those go first, since nothing else
/// leads to them.
async fn look(
    flow: &Flow,
    photo: &PhotoId,
    outcome: &Outcome,
    effect: Effect,
    (sizes, down): (&BTreeSet<String>, &TakeDown),
) -> Result<Vec<(String, Option<ObjectInfo>)>> {
    let kept: BTreeSet<&str> = match &outcome.fate {
        Fate::Rendered { renditions, .. } if effect == Effect::Rows => {
            renditions.iter().map(|rendition| rendition.image_size.as_str()).collect()
        }
        _ => BTreeSet::new(),
    };
    let (mut known, mut next, mut found) = (sizes.clone(), sizes.clone(), Vec::new());
    while !next.is_empty() && known.len() <= PUBLISHED_MAX {
        let keys: Vec<_> = next.iter().map(|size| photo.rendition_key(size)).collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let infos = flow.store.head_all(&flow.settings.image_bucket, &keys).await?;
        let goes = |info: &&ObjectInfo| info.made_from().is_some_and(|made_from| made_from <= down.up_to);
        let named = infos.iter().flatten().filter(goes).flat_map(|info| {
            let named = sizes_of_set(info).into_iter().chain(earlier_sizes(info));
            named.collect::<Vec<_>>()
        });
        let more =
            named.filter(|size| effect != Effect::Stale && !kept.contains(size.as_str()) && !known.contains(size));
        let more: BTreeSet<_> = more.collect();
        known.extend(more.iter().cloned());
        found.splice(0..0, std::mem::replace(&mut next, more).into_iter().zip(infos));
    }
    Ok(found)
}

/// Removes a rendition, as it was `found`, unless it was made from a newer generation, or into the size set `spared`.
async fn take_down_rendition(
    flow: &Flow,
    key: &str,
    mut found: Option<ObjectInfo>,
    down: &TakeDown,
    spared: Option<&str>,
) -> Result<Went> {
    let bucket = &flow.settings.image_bucket;
    for _ in 0..CONFLICTS_MAX {
        let Some(current) = found else { return Ok(Went::Kept) };
        if current.made_from().is_some_and(|made_from| made_from > down.up_to) {
            return Ok(Went::Kept);
        }
        let same_original = current.made_from().as_ref() == Some(&down.up_to);
        if spared.is_some() && size_set_of(&current) == spared && same_original {
            debug!(key, "left: it was made into the size set of today");
            return Ok(Went::Spared);
        }
        // On the condition of what was judged. Where it does not hold, somebody published since, and whose that is must be judged again.
        if flow.store.delete(bucket, key, &current.validator()).await? {
            return Ok(Went::Gone);
        }
        found = flow.store.head(bucket, key).await?;
    }
    let doing =
        format!("take down {key}: it changed {CONFLICTS_MAX} times in between, or the store never lets If-Match hold");
    Err(Error::new(Place::Store, Kind::Conflict, doing))
}
