//! Removals of an old version: in a bucket with versions, S3 reports the deletion of a version that is not the current one
//! as the removal of its key, although the object is still there.
//!
//! Taken at its word, such a removal would take down a photo that nobody deleted, until its original is rendered again. So
//! before a removal is registered, the store is asked. Where it has the very content that the ledger serves, the original is
//! rendered again under a generation just above the removal's, and nothing goes before that: rows, renditions and aliases
//! never have a gap, and what is late from before the removal is still late.
//!
//! That is safe after a real deletion too. The event came after the deletion, so an object that is there now was uploaded
//! after it. What follows has events of its own, which pass the removal; a deletion that follows leaves no object here, and is
//! registered. Where the contents differ, or what is served is not the newest change, the removal is registered: content that was
//! deleted must not be served beside a bad upload. A store that names its writes has no versions.

use std::collections::BTreeMap;

use tracing::info;

use super::Flow;
use crate::{
    ledger::State,
    model::{
        error::Result,
        event::{Change, Event},
        key::{PhotoId, UploadKey},
        outcome::{Fate, Outcome},
    },
};

/// The removals among outcomes that are not to be registered, by their places, with the events that are sent in their stead.
pub(super) async fn find(flow: &Flow, outcomes: &[Outcome]) -> Result<BTreeMap<usize, Event>> {
    let mut found = BTreeMap::new();
    for (at, outcome) in outcomes.iter().enumerate() {
        if outcome.fate == Fate::Removed
            && let UploadKey::Photo(photo) = UploadKey::parse(&outcome.key)
            && let Some(event) = current_is_served(flow, &photo, outcome).await?
        {
            found.insert(at, event);
        }
    }
    Ok(found)
}

/// The event of the current object, where that is what the ledger serves.
async fn current_is_served(flow: &Flow, photo: &PhotoId, removal: &Outcome) -> Result<Option<Event>> {
    let bucket = &flow.settings.upload_bucket;
    let Some(current) = flow.store.head(bucket, &removal.key).await? else { return Ok(None) };
    if current.write_generation.is_some() {
        return Ok(None);
    }
    let entry = flow.catalog.entry(&removal.key).await?;
    let is_served = entry.is_some_and(|entry| {
        entry.state == State::Serving && entry.etag == current.etag && entry.generation <= removal.generation
    });
    if !is_served {
        return Ok(None);
    }
    info!(%photo, generation = %removal.generation, "an old version was removed: the original is still there, and is rendered again");
    let change = Change::Created { etag: current.etag, size: current.size };
    let generation = removal.generation.lifted();
    Ok(Some(Event { bucket: bucket.clone(), key: removal.key.clone(), generation, change, actor: None }))
}
