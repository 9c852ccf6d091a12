//! Repairing what verifying found: the plan, and the acts that are not sending an original through the flow again.
//!
//! The plan is made from reports that may be stale, so every act looks again at the moment it acts, and does nothing where it finds
//! anything else than was reported. Nothing in the upload bucket is ever touched; of the image bucket only what Cameo wrote and
//! nobody owns is moved to quarantine, under a condition on what was seen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::verify::{EntityReport, Repair, Unowned, why_unowned};
use crate::{
    catalog::RowPages,
    flow::{Flow, publish::JPEG, requeue::requeue_removed},
    ledger::{Row, Scope, State, image_urls::ImageUrls},
    model::{
        error::Result,
        key::{EntityId, ImageKey, PhotoId, UploadKey},
        lang::Text,
    },
    queue::Queue,
    store::{
        ContentState,
        quarantine::{Removal, Why},
    },
};

/// What a person has to do, listed at most.
const LEFT_LISTED_MAX: usize = 1000;

/// What repairs a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Keys of originals that go through the flow again.
    pub render: BTreeSet<String>,
    /// Entities whose aliases are written again on that occasion.
    pub aliases: BTreeSet<EntityId>,
    /// Keys of originals that are gone: their rows and renditions are taken down.
    pub remove: BTreeSet<String>,
    /// Rows whose address is rewritten, by the key of their original.
    pub addresses: BTreeMap<String, u64>,
    /// One of them: the address that it has, and the one that it gets.
    pub example: Option<(String, String)>,
    /// Objects of the image bucket that are moved to quarantine.
    pub take_down: BTreeSet<String>,
    /// What is not Cameo's to repair, with who must act: the first 1,000.
    pub left: Vec<Text>,
    /// How much of that there is.
    pub left_total: u64,
    /// Photos that are in work.
    pub waiting: u64,
}

impl Plan {
    /// Adds what repairs an entity.
    pub fn add(&mut self, report: &EntityReport) {
        for repair in &report.repairs {
            match repair {
                Repair::Render(photo) => drop(self.render.insert(photo.origin_key())),
                Repair::Remove(photo) => drop(self.remove.insert(photo.origin_key())),
                Repair::Alias(photo) => {
                    self.render.insert(photo.origin_key());
                    self.aliases.insert(photo.entity.clone());
                }
                Repair::DamagedAlias(key) => drop(self.take_down.insert(key.clone())),
                Repair::RewriteUrl { photo, from, to } => {
                    *self.addresses.entry(photo.origin_key()).or_default() += 1;
                    self.example.get_or_insert_with(|| (from.clone(), to.clone()));
                }
                Repair::Person(who) => {
                    let entity = report.entity();
                    self.leave(Text::each(|lang| format!("{entity}: {}", who.of(lang))));
                }
                Repair::Wait => self.waiting += 1,
            }
        }
    }

    /// Adds an object that nobody owns.
    pub fn add_unowned(&mut self, unowned: &Unowned) {
        if unowned.removable {
            self.take_down.insert(unowned.key.clone());
        } else {
            let Unowned { key, why, .. } = unowned;
            self.leave(Text::new(
                format!("{key}: {}: whoever put it into the image bucket: delete it, or leave it", why.english),
                format!("{key}: {}: 이미지 버킷에 넣은 사람: 지우거나 그대로 두세요", why.korean),
            ));
        }
    }

    fn leave(&mut self, what: Text) {
        self.left_total += 1;
        if self.left.len() < LEFT_LISTED_MAX {
            self.left.push(what);
        }
    }

    /// How many addresses are to be rewritten.
    pub fn addresses_total(&self) -> u64 {
        self.addresses.values().sum()
    }

    /// Whether there is nothing to do for Cameo.
    pub fn is_empty(&self) -> bool {
        self.render.is_empty() && self.remove.is_empty() && self.addresses.is_empty() && self.take_down.is_empty()
    }
}

/// What an act came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// How much was done.
    pub done: u64,
    /// How much was found in order, or changed, when it was looked at again.
    pub passed_over: u64,
}

impl Acted {
    /// Adds what another request came to.
    pub fn add(&mut self, other: Self) {
        self.done += other.done;
        self.passed_over += other.passed_over;
    }

    /// Counts one.
    pub(super) fn count(&mut self, done: bool) {
        *(if done { &mut self.done } else { &mut self.passed_over }) += 1;
    }
}

/// Tells the flow that these originals are gone, where the store answers that they are and the ledger has not heard of it, or there
/// are rows: their rows, renditions and aliases go by the road of every deletion.
pub async fn remove_absent(flow: &Flow, events: &dyn Queue, keys: &[String], now: Timestamp) -> Result<Acted> {
    let (mut acted, mut absent) = (Acted::default(), Vec::new());
    for key in keys {
        let is_left = is_absent_and_left(flow, key).await?;
        acted.count(is_left);
        absent.extend(is_left.then(|| key.clone()));
    }
    requeue_removed(flow, events, &absent, now).await?;
    Ok(acted)
}

/// Whether an original is gone while something of it is left: the ledger has not heard of it, or there are rows.
async fn is_absent_and_left(flow: &Flow, key: &str) -> Result<bool> {
    let UploadKey::Photo(photo) = UploadKey::parse(key) else { return Ok(false) };
    if flow.store.head(&flow.settings.upload_bucket, key).await?.is_some() {
        return Ok(false);
    }
    let is_removed = flow.catalog.entry(key).await?.is_some_and(|entry| entry.state == State::Removed);
    Ok(!is_removed || !rows_of(flow, &photo).await?.is_empty())
}

async fn rows_of(flow: &Flow, photo: &PhotoId) -> Result<Vec<Row>> {
    let EntityId { vertical, cd_idx } = photo.entity.clone();
    let scope = Scope::Ids { vertical: Some(vertical), cd_idx: vec![cd_idx] };
    let (mut rows, mut pages) = (Vec::new(), RowPages::new(&*flow.catalog, &scope));
    while let Some(page) = pages.next().await? {
        rows.extend(page.into_iter().filter(|row| row.photo == *photo));
    }
    Ok(rows)
}

/// Moves objects of the image bucket to quarantine that Cameo wrote and that nobody owns; aliases without their content are deleted.
pub async fn take_down(flow: &Flow, keys: &[String], now: Timestamp) -> Result<Acted> {
    let mut acted = Acted::default();
    for key in keys {
        acted.count(take_down_one(flow, key, now).await?);
    }
    Ok(acted)
}

async fn take_down_one(flow: &Flow, key: &str, now: Timestamp) -> Result<bool> {
    let Flow { store, catalog, settings, .. } = flow;
    let bucket = &settings.image_bucket;
    // The object is looked at first: what is written after it does not have its validator.
    let Some(info) = store.head(bucket, key).await? else { return Ok(false) };
    let unowned = why_unowned(&**store, &**catalog, settings, key).await?;
    if unowned.is_some_and(|unowned| unowned.removable) {
        let removal = Removal { at: now, why: Why::Superfluous, note: None };
        return store.set_aside(bucket, key, &info.validator(), &removal).await;
    }
    // What is left of a damaged one is worth nothing.
    if is_damaged_alias(flow, key).await? { store.delete(bucket, key, &info.validator()).await } else { Ok(false) }
}

/// An alias shares the content of the rendition that it shows, and has its `ETag` still when the content is lost: then it must go
/// before it can be written again.
async fn is_damaged_alias(flow: &Flow, key: &str) -> Result<bool> {
    if !matches!(ImageKey::parse(key), ImageKey::Alias(..)) {
        return Ok(false);
    }
    let bucket = &flow.settings.image_bucket;
    let states = flow.store.check_content(bucket, &[key]).await?;
    if states.first().copied().is_some_and(ContentState::is_damaged) {
        return Ok(true);
    }
    let Some(info) = flow.store.head(bucket, key).await? else { return Ok(false) };
    if info.content_type.as_deref().is_some_and(|kind| kind != JPEG) {
        return Ok(true);
    }
    match flow.store.hash(bucket, key).await {
        Ok(digest) => Ok(digest.is_some_and(|digest| digest.agrees_with(&info) == Some(false))),
        Err(error) if error.kind() == crate::model::error::Kind::Corrupt => Ok(true),
        Err(error) => Err(error),
    }
}

/// Gives rows of these originals the address under the base, where they have another; returns how many. Only rows of photos that the
/// ledger serves are ours: all others are left alone.
pub async fn rewrite_urls(flow: &Flow, urls: &ImageUrls, keys: &[String]) -> Result<u64> {
    let mut count = 0;
    for key in keys {
        let UploadKey::Photo(photo) = UploadKey::parse(key) else { continue };
        let is_served = flow.catalog.entry(key).await?.is_some_and(|entry| entry.serving.is_some());
        if !is_served {
            continue;
        }
        let moved = |row: Row| {
            let image_url = urls.of(&row.photo, &row.image_size);
            (row.image_url != image_url).then_some(Row { image_url, ..row })
        };
        let moved: Vec<_> = rows_of(flow, &photo).await?.into_iter().filter_map(moved).collect();
        count += flow.catalog.rewrite_urls(&moved).await?;
    }
    Ok(count)
}
