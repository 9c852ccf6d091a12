//! Sending events again: what is not as it should be goes through the flow once more, never by a shortcut around it.
//!
//! An original whose renditions, rows or aliases are not as they should be gets its event sent again; every step is safe to
//! repeat and looks again at the moment it acts, so a stale finding does no harm. What else repairs is in `proof/repair.rs`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Flow,
    rendition_metadata::{newest, original_of},
};
use crate::{
    ledger::{
        LedgerEntry, State,
        decide::{is_older_engine, is_older_size_set},
    },
    model::{
        error::Result,
        event::{Change, Event},
        generation::Generation,
        key::UploadKey,
    },
    queue::{BATCH_MAX, Queue},
    store::ObjectInfo,
};

/// What sending events anew came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requeued {
    /// Originals whose events were sent.
    pub requeued: u64,
    /// Keys without an original: nothing can be made from them.
    pub gone: Vec<String>,
}

/// Sends the events of these originals again: each once, however often it is named.
pub async fn requeue(flow: &Flow, events: &dyn Queue, keys: &[String], now: Timestamp) -> Result<Requeued> {
    let (mut found, mut gone) = (Vec::new(), Vec::new());
    for key in keys.iter().collect::<BTreeSet<_>>() {
        match flow.store.head(&flow.settings.upload_bucket, key).await? {
            Some(info) => found.push(event_of(flow, info).await?),
            None => gone.push(key.clone()),
        }
    }
    Ok(Requeued { requeued: send_events(events, &found, now).await?, gone })
}

/// Sends these events; returns how many.
pub async fn send_events(queue: &dyn Queue, events: &[Event], now: Timestamp) -> Result<u64> {
    let bodies: Vec<_> = events.iter().map(|event| event.to_notification(now)).collect();
    let mut sent = 0;
    for batch in bodies.chunks(BATCH_MAX) {
        queue.send(batch).await?;
        sent += batch.len() as u64;
    }
    Ok(sent)
}

/// Sends a removal for each of these keys whose original is gone although the ledger, rows or renditions say otherwise, so
/// that `register` takes them down. What has an original by now is left alone. Where the removal was registered, it is sent
/// once more as it was: its take-down is repeated.
pub async fn requeue_removed(flow: &Flow, events: &dyn Queue, keys: &[String], now: Timestamp) -> Result<Requeued> {
    let mut removals = Vec::new();
    for key in keys.iter().collect::<BTreeSet<_>>() {
        if flow.store.head(&flow.settings.upload_bucket, key).await?.is_some() {
            continue;
        }
        let entry = flow.catalog.entry(key).await?;
        let is_removed = |entry: &LedgerEntry| entry.state == State::Removed && entry.serving.is_none();
        let published = in_the_image_bucket(flow, key, entry.as_ref(), "").await?;
        let generation = match (entry, published) {
            (Some(entry), published)
                if is_removed(&entry) && published.as_ref().is_none_or(|it| it.generation <= entry.generation) =>
            {
                entry.generation
            }
            (Some(entry), published) => {
                published.map_or(entry.generation.clone(), |it| it.generation.max(entry.generation)).lifted()
            }
            (None, Some(published)) => published.generation.lifted(),
            (None, None) => Generation::before_every_event(),
        };
        let bucket = flow.settings.upload_bucket.clone();
        removals.push(Event { bucket, key: key.clone(), generation, change: Change::Removed, actor: None });
    }
    Ok(Requeued { requeued: send_events(events, &removals, now).await?, gone: Vec::new() })
}

async fn event_of(flow: &Flow, info: ObjectInfo) -> Result<Event> {
    let generation = generation_to_send(flow, &info).await?;
    let change = Change::Created { etag: info.etag, size: info.size };
    Ok(Event { bucket: flow.settings.upload_bucket.clone(), key: info.key, generation, change, actor: None })
}

/// A generation that somebody knows a key by.
#[derive(Debug)]
struct Known {
    generation: Generation,
    /// Whether it is of the content that the upload bucket has.
    of_content: bool,
}

/// The store's own generation of the object, where it tells one and nothing newer is in its way: neither the ledger nor a
/// rendition. What is in the way is that of the same content, or it is passed by the next generation above it, which any
/// real event of a later write still passes.
async fn generation_to_send(flow: &Flow, info: &ObjectInfo) -> Result<Generation> {
    let entry = flow.catalog.entry(&info.key).await?;
    let published = in_the_image_bucket(flow, &info.key, entry.as_ref(), &info.etag).await?;
    let decided =
        entry.as_ref().map(|entry| Known { generation: entry.generation.clone(), of_content: entry.etag == info.etag });
    let in_the_way = match (decided, published) {
        (Some(decided), Some(published)) if published.generation > decided.generation => Some(published),
        (Some(decided), _) => Some(decided),
        (None, published) => published,
    };
    let generation = match (info.write_generation.clone(), in_the_way) {
        (Some(own), None) => own,
        (Some(own), Some(known)) if known.generation <= own => own,
        (_, Some(Known { generation, of_content: true })) => generation,
        (_, Some(Known { generation, .. })) => generation.lifted(),
        (None, None) => Generation::before_every_event(),
    };
    let is_undone = entry.is_some_and(|entry| generation <= entry.generation && recipe_goes_back(flow, &entry));
    Ok(if is_undone { generation.lifted() } else { generation })
}

/// Whether what is served was made by a newer recipe than that of today: somebody took a change of the size set, or a release,
/// back. Under the same generation it would be refused as older.
fn recipe_goes_back(flow: &Flow, entry: &LedgerEntry) -> bool {
    let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) else { return false };
    let today = flow.settings.size_sets.of(&photo.entity.vertical);
    entry.size_set.as_deref().is_some_and(|served| is_older_size_set(&today.label, served))
        || entry.engine.as_deref().is_some_and(|served| is_older_engine(cameo_image::ENGINE_VERSION, served))
}

/// The newest generation that a rendition of the photo was made from, at every image size that it may have.
async fn in_the_image_bucket(flow: &Flow, key: &str, entry: Option<&LedgerEntry>, etag: &str) -> Result<Option<Known>> {
    let UploadKey::Photo(photo) = UploadKey::parse(key) else { return Ok(None) };
    let configured = flow.settings.size_sets.of(&photo.entity.vertical).sizes.sizes().iter().map(|size| &size.name);
    let sizes: BTreeSet<&String> = configured.chain(entry.iter().flat_map(|entry| &entry.published)).collect();
    let keys: Vec<_> = sizes.into_iter().map(|size| photo.rendition_key(size)).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let found = flow.store.head_all(&flow.settings.image_bucket, &keys).await?;
    Ok(newest(found.iter().flatten())
        .map(|(generation, info)| Known { generation, of_content: original_of(info) == Some(etag) }))
}
