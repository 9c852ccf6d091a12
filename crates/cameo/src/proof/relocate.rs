//! Moving photos to another vertical: a copy of each original under its new key goes through the flow, and only when it is registered
//! the old one goes to quarantine.
//!
//! No step depends on what is remembered of a move: how far a photo is follows from the two keys and the ledger, so a move that was
//! interrupted anywhere goes on when it is run again, and the way back is a move of the same photos. What is noted is for the deliveries of
//! the photos (`proof/deliveries/dismissed.rs`): to where, when, by whom. What is there under the new key with other content is a
//! conflict, and neither of the two is touched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::Catalog,
    flow::Flow,
    ledger::{LedgerEntry, State},
    model::{
        actor::Actor,
        error::Result,
        key::{EntityId, ORIGIN_PREFIX, PhotoId, UploadKey, Vertical},
    },
    proof::deliveries::dismissed::{self as settled, Dismissal},
    store::{
        Attributes, Condition, ObjectInfo, Store, Written,
        quarantine::{Removal, Why},
    },
};

/// Photos of a move, at most.
pub const PHOTOS_MAX: usize = 1_000_000;
/// Keys fetched at a time.
const PAGE: usize = 1000;
/// Metadata of a copy: the `ETag` of what it was copied from, which for an upload in parts is not its own.
const COPIED_FROM: &str = "cameo-copied-from";

/// A photo that moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relocation {
    /// The key that it has.
    pub from: String,
    /// The key that it gets.
    pub to: String,
}

/// How far a photo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is under its old key alone.
    ToCopy,
    /// It is under both keys, and not registered under the new one yet.
    Copied,
    /// It is under both keys, and registered under the new one: the old one can go.
    Registered,
    /// It is under its new key alone.
    Moved,
    /// There is another photo under the new key: whoever knows which is right removes one of them.
    Conflict,
    /// It was rejected under its new key, while it is served under the old one.
    Rejected,
    /// It is under neither key, or the keys are not those of photos.
    Gone,
}

impl Stage {
    /// Whether another step may come of it.
    pub fn goes_on(self) -> bool {
        matches!(self, Self::ToCopy | Self::Copied | Self::Registered)
    }
}

/// A photo, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// The photo.
    #[serde(flatten)]
    pub photo: Relocation,
    /// How far it is.
    pub stage: Stage,
}

/// The photos of a vertical that would move, all of them or those of some entities; at most [`PHOTOS_MAX`].
pub async fn photos(
    store: &dyn Store,
    bucket: &str,
    from: &Vertical,
    to: &Vertical,
    ids: Option<&[u64]>,
) -> Result<Vec<Relocation>> {
    let folder = format!("{ORIGIN_PREFIX}{from}/");
    let prefixes = match ids {
        None => vec![folder],
        Some(ids) => ids.iter().map(|id| format!("{folder}{id}_")).collect(),
    };
    let mut photos = Vec::new();
    for prefix in prefixes {
        let mut after = String::new();
        while photos.len() < PHOTOS_MAX {
            let page = store.list(bucket, &prefix, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.key);
            photos.extend(page.iter().filter_map(|info| relocation(&info.key, to)));
        }
    }
    photos.truncate(PHOTOS_MAX);
    Ok(photos)
}

/// The move of a photo by its key; none where the key is none of a photo.
pub fn relocation(key: &str, to: &Vertical) -> Option<Relocation> {
    let UploadKey::Photo(photo) = UploadKey::parse(key) else { return None };
    let PhotoId { entity, sequence } = photo;
    let moved = PhotoId { entity: EntityId { vertical: to.clone(), cd_idx: entity.cd_idx }, sequence };
    Some(Relocation { from: key.to_owned(), to: moved.origin_key() })
}

/// How far each photo is.
pub async fn stages(
    store: &dyn Store,
    bucket: &str,
    catalog: &dyn Catalog,
    photos: &[Relocation],
) -> Result<Vec<Staged>> {
    let at = At { store, catalog, bucket };
    let mut staged = Vec::with_capacity(photos.len());
    for photo in photos {
        staged.push(Staged { photo: photo.clone(), stage: at.look(photo).await?.stage });
    }
    Ok(staged)
}

/// Takes one step with each photo, after another look, and returns how far each is then. Where the name of who moves them is known, it is
/// noted for the deliveries of the photos.
pub async fn advance(by: Option<&Actor>, flow: &Flow, photos: &[Relocation], now: Timestamp) -> Result<Vec<Staged>> {
    let mut staged = Vec::with_capacity(photos.len());
    for photo in photos {
        staged.push(Staged { photo: photo.clone(), stage: step(by, flow, photo, now).await? });
    }
    Ok(staged)
}

async fn step(by: Option<&Actor>, flow: &Flow, photo: &Relocation, now: Timestamp) -> Result<Stage> {
    let bucket = &flow.settings.upload_bucket;
    let at = At { store: &*flow.store, catalog: &*flow.catalog, bucket };
    let look = at.look(photo).await?;
    match (look.stage, look.source) {
        (Stage::ToCopy, Some(source)) => {
            let mut metadata = source.metadata.clone();
            metadata.insert(COPIED_FROM.to_owned(), source.etag.clone());
            let attributes = Attributes { content_type: source.content_type.clone(), cache_control: None, metadata };
            let copy = flow.store.copy(bucket, &photo.from, &photo.to, &attributes, Condition::Absent).await?;
            // Whatever else it came to is seen by the next look.
            if !matches!(copy, Some(Written::Done(_))) {
                return Ok(at.look(photo).await?.stage);
            }
            // The way back: what was settled once is open again.
            settled::take_back(&*flow.store, bucket, &photo.to).await?;
            Ok(Stage::Copied)
        }
        (Stage::Registered, Some(source)) => {
            let note = Some(format!("moved to {}", photo.to));
            let removal = Removal { at: now, why: Why::Moved, note };
            let noted = Dismissal::of_original(&source, Some(&photo.to), by.cloned(), now);
            let is_moved = settled::set_aside(&*flow.store, bucket, &source, (&noted, &removal)).await?;
            Ok(if is_moved { Stage::Moved } else { at.look(photo).await?.stage })
        }
        (stage, _) => Ok(stage),
    }
}

/// A photo as it is now.
struct Look {
    stage: Stage,
    source: Option<ObjectInfo>,
}

/// Where it is looked at.
struct At<'a> {
    store: &'a dyn Store,
    catalog: &'a dyn Catalog,
    bucket: &'a str,
}

impl At<'_> {
    async fn look(&self, photo: &Relocation) -> Result<Look> {
        let is_photo = |key: &str| matches!(UploadKey::parse(key), UploadKey::Photo(_));
        if !is_photo(&photo.from) || !is_photo(&photo.to) || photo.from == photo.to {
            return Ok(Look { stage: Stage::Gone, source: None });
        }
        // The source first: what is written over it after this look does not have its validator.
        let source = self.store.head(self.bucket, &photo.from).await?;
        let copy = self.store.head(self.bucket, &photo.to).await?;
        let stage = match (&source, &copy) {
            (None, None) => Stage::Gone,
            (None, Some(_)) => Stage::Moved,
            (Some(_), None) => Stage::ToCopy,
            (Some(source), Some(copy)) if !is_copy(source, copy) => Stage::Conflict,
            (Some(_), Some(copy)) => {
                let new = self.catalog.entry(&photo.to).await?.filter(|entry| is_decided(copy, entry));
                let old = self.catalog.entry(&photo.from).await?;
                registered(new.as_ref(), old.as_ref())
            }
        };
        Ok(Look { stage, source })
    }
}

/// Whether what is under the new key is what is under the old one.
fn is_copy(source: &ObjectInfo, copy: &ObjectInfo) -> bool {
    let is_named = copy.metadata.get(COPIED_FROM) == Some(&source.etag);
    source.size == copy.size && (source.etag == copy.etag || is_named)
}

/// Whether the ledger speaks of this very upload.
fn is_decided(copy: &ObjectInfo, entry: &LedgerEntry) -> bool {
    let is_newest = copy.write_generation.as_ref().is_none_or(|written| *written <= entry.generation);
    is_newest && entry.etag == copy.etag
}

fn registered(new: Option<&LedgerEntry>, old: Option<&LedgerEntry>) -> Stage {
    match new.map(|entry| (&entry.state, &entry.serving)) {
        Some((State::Serving, Some(_))) => Stage::Registered,
        // What was rejected there already has lost nothing by it.
        Some((State::Rejected { .. }, _)) if old.is_none_or(|old| old.serving.is_none()) => Stage::Registered,
        Some((State::Rejected { .. }, _)) => Stage::Rejected,
        _ => Stage::Copied,
    }
}
