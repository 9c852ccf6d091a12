//! Registering: outcomes become ledger entries and rows, in one transaction; then aliases follow and what is no longer
//! referred to is taken down. The caller deletes the messages last, so a crash anywhere repeats the whole.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, StreamExt, stream};

use super::{Flow, alias::update_aliases};
use crate::{
    catalog::{Effect, Registered},
    error::Result,
    failpoint::{Point, reached},
    generation::Generation,
    key::{EntityId, PhotoId},
    message::{Fate, Outcome},
    store::ObjectInfo,
};

/// Entities whose aliases are written side by side, as many as a process may hold at once in a SQL server (`ServerLimits`).
const ENTITIES_AT_ONCE: usize = 8;

/// What registering did.
#[derive(Debug)]
pub struct Registration {
    /// What each outcome did, in their order.
    pub registered: Vec<Registered>,
    /// Originals whose events must be [sent anew](super::reconcile::requeue), before the messages are deleted.
    pub mend: BTreeSet<String>,
}

/// Registers outcomes and does what follows from them.
pub async fn register(flow: &Flow, outcomes: &[Outcome]) -> Result<Registration> {
    reached(Point::BeforeRegister);
    let registered = flow.catalog.register(outcomes).await?;
    reached(Point::Registered);
    let mut entities = BTreeMap::<EntityId, BTreeSet<String>>::new();
    let mut mend = BTreeSet::new();
    for (outcome, Registered { photo, effect }) in outcomes.iter().zip(&registered) {
        let Some(photo) = photo else { continue };
        let dropped = take_down(flow, photo, effect).await?;
        if may_have_taken_down(flow, outcome, effect).await? && may_have_been_hit(flow, photo).await? {
            mend.insert(photo.origin_key());
        }
        if !matches!(effect, Effect::Noted | Effect::Stale) {
            entities.entry(photo.entity.clone()).or_default().extend(dropped);
        }
    }
    // All of them are done before an error of one is told: none is left half done because of another.
    let aliases: Vec<_> = entities.iter().map(|(entity, sizes)| follow(flow, entity, sizes).boxed()).collect();
    for hit in stream::iter(aliases).buffer_unordered(ENTITIES_AT_ONCE).collect::<Vec<_>>().await {
        mend.extend(hit?);
    }
    Ok(Registration { registered, mend })
}

/// Brings an entity's aliases in line with its rows; returns the originals that must be rendered once more.
async fn follow(flow: &Flow, entity: &EntityId, sizes: &BTreeSet<String>) -> Result<Vec<String>> {
    reached(Point::BeforeAlias);
    let mut hit = Vec::new();
    for photo in update_aliases(flow, entity, sizes).await? {
        if may_have_been_hit(flow, &photo).await? {
            hit.push(photo.origin_key());
        }
    }
    Ok(hit)
}

/// Whether renditions were taken down for this message: now, or before a crash, after which it is told again and finds that
/// a later upload serves.
async fn may_have_taken_down(flow: &Flow, outcome: &Outcome, effect: &Effect) -> Result<bool> {
    match (&outcome.fate, effect) {
        (_, Effect::Unpublished { .. }) | (Fate::Removed, _) => Ok(true),
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

/// Removes the renditions that an effect leaves without rows; returns their image sizes.
async fn take_down(flow: &Flow, photo: &PhotoId, effect: &Effect) -> Result<Vec<String>> {
    let (sizes, up_to) = match effect {
        Effect::Rows { dropped } => (dropped.clone(), None),
        Effect::Unpublished { up_to, dropped } => {
            let set = flow.settings.size_sets.of(&photo.entity.vertical);
            let configured = set.sizes.sizes().iter().map(|size| size.name.clone());
            let all: BTreeSet<_> = dropped.iter().cloned().chain(configured).collect();
            (all.into_iter().collect(), Some(up_to))
        }
        Effect::Noted | Effect::Stale => return Ok(Vec::new()),
    };
    for image_size in &sizes {
        reached(Point::BeforeTakeDown);
        take_down_rendition(flow, &photo.rendition_key(image_size), up_to).await?;
        reached(Point::TakenDown);
    }
    Ok(sizes)
}

/// Removes a rendition unless it was made from a newer generation than `up_to`.
async fn take_down_rendition(flow: &Flow, key: &str, up_to: Option<&Generation>) -> Result<()> {
    let bucket = &flow.settings.image_bucket;
    while let Some(current) = flow.store.head(bucket, key).await? {
        let newer =
            |info: &ObjectInfo| info.made_from().zip(up_to).is_some_and(|(made_from, up_to)| made_from > *up_to);
        if newer(&current) || flow.store.delete(bucket, key, &current.validator()).await? {
            break;
        }
    }
    Ok(())
}
