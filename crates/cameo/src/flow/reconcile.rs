//! Reconciling: what verifying found is mended by going through the flow again, never by a shortcut around it.
//!
//! An original whose renditions, rows or aliases are not as they should be gets its event sent again; every step is safe to
//! repeat and looks again at the moment it acts, so a stale finding does no harm. What else repairs is in `repair`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Flow, publish::newest_made_from};
use crate::{
    catalog::{RowPages, Scope, image_urls::ImageUrls},
    error::Result,
    event::{Change, Event},
    generation::Generation,
    key::{PhotoId, UploadKey},
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

/// Sends the events of these originals anew.
pub async fn requeue(flow: &Flow, events: &dyn Queue, keys: &[String], now: Timestamp) -> Result<Requeued> {
    let mut done = Requeued::default();
    let mut bodies = Vec::new();
    for key in keys {
        match flow.store.head(&flow.settings.upload_bucket, key).await? {
            Some(info) => bodies.push(event_of(flow, info).await?.to_notification(now)),
            None => done.gone.push(key.clone()),
        }
    }
    for batch in bodies.chunks(BATCH_MAX) {
        events.send(batch).await?;
        done.requeued += batch.len() as u64;
    }
    Ok(done)
}

async fn event_of(flow: &Flow, info: ObjectInfo) -> Result<Event> {
    let generation = match &info.write_generation {
        Some(generation) => generation.clone(),
        None => generation_from_ledger(flow, &info).await?,
    };
    let change = Change::Created { etag: info.etag, size: info.size };
    Ok(Event { bucket: flow.settings.upload_bucket.clone(), key: info.key, generation, change })
}

/// Where the store does not tell an object's generation: that of the ledger when it is the same content, else the next
/// one after it, which any real event of a later write still passes. Where the ledger does not know the key: that of the
/// renditions, which an older one could not replace.
async fn generation_from_ledger(flow: &Flow, info: &ObjectInfo) -> Result<Generation> {
    Ok(match flow.catalog.entry(&info.key).await? {
        Some(entry) if entry.etag == info.etag => entry.generation,
        Some(entry) => Generation::new(format!("{}01", entry.generation)),
        None => unknown_generation(flow, &info.key).await?,
    })
}

async fn unknown_generation(flow: &Flow, key: &str) -> Result<Generation> {
    let UploadKey::Photo(photo) = UploadKey::parse(key) else { return Ok(Generation::before_every_event()) };
    let standing = newest_made_from(&*flow.store, &flow.settings, &photo).await?;
    Ok(standing.unwrap_or_else(Generation::before_every_event))
}

/// How many rows of photos that the ledger serves have an address that is not under the configured base. Rows of other systems are not
/// counted.
pub async fn count_rows_elsewhere(flow: &Flow, urls: &ImageUrls) -> Result<u64> {
    let mut count = 0;
    let mut pages = RowPages::new(&*flow.catalog, &Scope::All);
    while let Some(page) = pages.next().await? {
        let moved = page.into_iter().filter(|row| row.image_url != urls.of(&row.photo, &row.image_size));
        let mut photos = BTreeMap::<PhotoId, u64>::new();
        for row in moved {
            *photos.entry(row.photo).or_default() += 1;
        }
        for (photo, rows) in photos {
            let entry = flow.catalog.entry(&photo.origin_key()).await?;
            count += if entry.is_some_and(|entry| entry.serving.is_some()) { rows } else { 0 };
        }
    }
    Ok(count)
}
