//! What only shows later: whether an entity has all its images, and whether a delivery came to its end. Looked at as of now, like
//! everything else that is asked about them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{
    flow::Flow,
    ledger::{LedgerEntry, State},
    model::{
        error::Result,
        key::{DeliveryName, EntityId, PhotoId, UploadKey},
    },
    proof::deliveries::{
        self, Standing, Summary,
        state::{ItemState, Places},
    },
    store::ObjectInfo,
};

/// Keys fetched at a time.
const PAGE: usize = 1000;

/// How an entity is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OfEntity {
    /// Every original of it is served, at every image size.
    Complete(EntityData),
    /// Something of it goes on by itself.
    Pending,
    /// Something of it is rejected, or lacks an image.
    Incomplete,
    /// Nothing of it is served.
    Gone,
}

/// What is said of an entity that is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct EntityData {
    vertical: String,
    cd_idx: u64,
    /// The sequences of its photos.
    sequences: BTreeSet<u16>,
    /// The image sizes that each is served at.
    image_sizes: Vec<String>,
}

/// Looks at an entity: its originals in the upload bucket, the ledger, and its rows.
pub(super) async fn entity(flow: &Flow, entity: &EntityId) -> Result<OfEntity> {
    let first = PhotoId { entity: entity.clone(), sequence: 0 }.origin_key();
    let prefix = &first[..first.len() - "0.jpg".len()];
    let originals = originals(flow, prefix).await?;
    let entries = entries(flow, prefix).await?;
    let rows: BTreeSet<(u16, String)> = {
        let found = flow.catalog.entity_rows(entity).await?.rows;
        found.into_iter().map(|row| (row.photo.sequence, row.image_size)).collect()
    };
    let set = flow.settings.size_sets.of(&entity.vertical);
    let image_sizes: Vec<String> = set.sizes.sizes().iter().map(|size| size.name.clone()).collect();
    let (mut sequences, mut is_whole) = (BTreeSet::new(), true);
    for original in &originals {
        let Some(entry) = entries.get(&original.key).filter(|entry| entry.etag == original.etag) else {
            return Ok(OfEntity::Pending);
        };
        match (&entry.state, UploadKey::photo_of(&original.key)) {
            (State::Ignored, _) => {}
            (State::Serving, Some(photo)) => {
                is_whole &= image_sizes.iter().all(|size| rows.contains(&(photo.sequence, size.clone())));
                sequences.insert(photo.sequence);
            }
            (State::Removed, _) => return Ok(OfEntity::Pending),
            _ => is_whole = false,
        }
    }
    Ok(match (sequences.is_empty(), is_whole) {
        (_, false) => OfEntity::Incomplete,
        (true, true) => OfEntity::Gone,
        (false, true) => {
            let (vertical, cd_idx) = (entity.vertical.to_string(), entity.cd_idx);
            OfEntity::Complete(EntityData { vertical, cd_idx, sequences, image_sizes })
        }
    })
}

async fn originals(flow: &Flow, prefix: &str) -> Result<Vec<ObjectInfo>> {
    let (mut all, mut after) = (Vec::<ObjectInfo>::new(), String::new());
    loop {
        let page = flow.store.list(&flow.settings.upload_bucket, prefix, &after, PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        match all.last().filter(|_| !is_last) {
            Some(last) => after.clone_from(&last.key),
            None => return Ok(all),
        }
    }
}

async fn entries(flow: &Flow, prefix: &str) -> Result<BTreeMap<String, LedgerEntry>> {
    let (mut all, mut after) = (BTreeMap::<String, LedgerEntry>::new(), String::new());
    loop {
        let page = flow.catalog.ledger_with_prefix(prefix, &after, PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page.into_iter().map(|entry| (entry.key.clone(), entry)));
        match all.keys().next_back().filter(|_| !is_last) {
            Some(last) => after.clone_from(last),
            None => return Ok(all),
        }
    }
}

/// How a delivery is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OfDelivery {
    /// Nothing of it goes on by itself.
    Ended(Summary),
    /// The same, but files of it never arrived, and may yet: since its record was written.
    Arriving(Timestamp, Summary),
    /// Something of it goes on by itself.
    Pending,
    /// There is none.
    Gone,
}

/// Looks at a delivery.
pub(super) async fn delivery(places: Places<'_>, name: &DeliveryName, zone: &TimeZone) -> Result<OfDelivery> {
    let (standing, created) = match name {
        DeliveryName::Day { .. } => (deliveries::standing(places, name, zone).await?, None),
        DeliveryName::Recorded { .. } => match deliveries::record(places, name).await? {
            Some(record) => (Some(Standing::of_record(places, &record).await?), Some(record.created)),
            None => (None, None),
        },
    };
    let Some(standing) = standing else { return Ok(OfDelivery::Gone) };
    let summary = standing.summary();
    if !summary.is_final() {
        return Ok(OfDelivery::Pending);
    }
    let is_missing = standing.items.iter().any(|item| item.state == ItemState::Missing);
    Ok(match created.filter(|_| is_missing) {
        Some(created) => OfDelivery::Arriving(created, summary),
        None => OfDelivery::Ended(summary),
    })
}
