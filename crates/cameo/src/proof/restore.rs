//! Bringing back what is in quarantine: originals that were deleted, replaced, moved or dismissed, and objects that nobody owned.
//!
//! An original comes back as a new upload, so it goes through the flow like any other. Nothing is ever written over: where a key has an
//! object again, that one stays, unless a generation was asked for by name, and then it goes to quarantine itself. What is listed may be
//! stale by the time that it is restored, so each act looks again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{deliveries::dismissed, repair::Acted};
use crate::{
    flow::{Flow, Settings},
    ledger::Scope,
    model::{
        error::Result,
        key::{ImageKey, ORIGIN_PREFIX, UploadKey, Vertical, evident},
    },
    store::{
        Condition, Store, Written,
        quarantine::{self, Kept, KeptId, Why},
    },
};

/// What is in quarantine that is listed or restored at once, at most.
pub const KEPT_MAX: usize = 100_000;
/// Ids fetched at a time.
const PAGE: usize = 1000;

/// The bucket that something was removed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The upload bucket.
    Originals,
    /// The image bucket.
    Images,
}

impl Side {
    fn bucket(self, settings: &Settings) -> &str {
        match self {
            Self::Originals => &settings.upload_bucket,
            Self::Images => &settings.image_bucket,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Of which entities.
    pub scope: Scope,
    /// Only these keys; all where none is named.
    pub keys: BTreeSet<String>,
    /// Only what was removed then or later.
    pub since: Option<jiff::Timestamp>,
    /// Only this one of several of a key, and over whatever has the key now.
    pub generation: Option<String>,
}

/// Something in quarantine, and what would become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The bucket that it was removed from.
    pub bucket: Side,
    /// What is kept.
    #[serde(flatten)]
    pub kept: Kept,
    /// What restoring does with it.
    pub verdict: Verdict,
}

/// What restoring does with something in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It comes back.
    Restore,
    /// Its key has an object again, which stays.
    Occupied,
    /// A newer one of its key comes back.
    Newer,
    /// It was replaced, so it comes back only by its generation.
    OnDemand,
}

/// What is to be brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The bucket that it was removed from.
    pub bucket: Side,
    /// Its id.
    pub id: String,
    /// Whether it replaces what has its key now.
    pub over: bool,
}

/// What is in quarantine of what was asked for.
#[derive(Debug, Default)]
pub struct Everything {
    /// In the order of time of each bucket, with what restoring would do; at most [`KEPT_MAX`].
    pub found: Vec<Found>,
    /// Whether there is more.
    pub more: bool,
    /// How much fits what was asked for, but that its key names no vertical, where one was asked for.
    pub without_vertical: u64,
}

/// As [`find_all`], for whoever asks for no vertical: what was found, and whether there is more.
pub async fn find(store: &dyn Store, settings: &Settings, asked: &Asked) -> Result<(Vec<Found>, bool)> {
    let Everything { found, more, .. } = find_all(store, settings, asked).await?;
    Ok((found, more))
}

/// Everything in quarantine that was asked for.
pub async fn find_all(store: &dyn Store, settings: &Settings, asked: &Asked) -> Result<Everything> {
    let (mut found, mut without_vertical) = (Vec::new(), 0);
    for bucket in [Side::Originals, Side::Images] {
        let mut after = asked.since.map(KeptId::least_of).unwrap_or_default();
        loop {
            let page = quarantine::kept(store, bucket.bucket(settings), &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.id);
            for kept in page {
                if !asked.is_for(bucket, &kept) {
                    without_vertical += u64::from(asked.would_be_for(bucket, &kept));
                    continue;
                }
                if found.len() == KEPT_MAX {
                    judge(store, settings, asked, &mut found).await?;
                    return Ok(Everything { found, more: true, without_vertical });
                }
                found.push(Found { bucket, kept, verdict: Verdict::OnDemand });
            }
        }
    }
    judge(store, settings, asked, &mut found).await?;
    Ok(Everything { found, more: false, without_vertical })
}

impl Asked {
    fn is_for(&self, bucket: Side, kept: &Kept) -> bool {
        let is_named = self.keys.is_empty() || self.keys.contains(&kept.key);
        is_named
            && self.generation.as_ref().is_none_or(|generation| *generation == kept.generation)
            && is_in(&self.scope, bucket, &kept.key)
    }

    /// Whether something is left out for its vertical alone, which nobody can tell from its key.
    fn would_be_for(&self, bucket: Side, kept: &Kept) -> bool {
        let scope = match &self.scope {
            Scope::Vertical(_) => Scope::All,
            Scope::Ids { vertical: Some(_), cd_idx } => Scope::Ids { vertical: None, cd_idx: cd_idx.clone() },
            Scope::All | Scope::Ids { vertical: None, .. } => return false,
        };
        vertical_of(bucket, &kept.key).is_none()
            && Self { scope, keys: self.keys.clone(), generation: self.generation.clone(), ..*self }
                .is_for(bucket, kept)
    }
}

/// What was named and of which nothing is in quarantine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// Numbers of entities.
    pub unknown_ids: Vec<u64>,
    /// Keys.
    pub unknown_keys: Vec<String>,
}

impl Unmatched {
    /// Whether something is there of all that was named.
    pub fn is_empty(&self) -> bool {
        self.unknown_ids.is_empty() && self.unknown_keys.is_empty()
    }
}

/// What was named and is not among all that was found.
pub fn unmatched(asked: &Asked, found: &[Found]) -> Unmatched {
    let keys: BTreeSet<&String> = found.iter().map(|found| &found.kept.key).collect();
    let unknown_keys = asked.keys.iter().filter(|key| !keys.contains(key)).cloned().collect();
    let Scope::Ids { cd_idx, .. } = &asked.scope else { return Unmatched { unknown_ids: Vec::new(), unknown_keys } };
    let ids: BTreeSet<u64> = found.iter().filter_map(|found| cd_idx_of(found.bucket, &found.kept.key)).collect();
    Unmatched { unknown_ids: cd_idx.iter().copied().filter(|id| !ids.contains(id)).collect(), unknown_keys }
}

/// The number of the entity that a key of a bucket is of.
fn cd_idx_of(bucket: Side, key: &str) -> Option<u64> {
    match bucket {
        Side::Originals => evident(key).0,
        Side::Images => ImageKey::parse(key).entity().map(|entity| entity.cd_idx),
    }
}

/// The vertical that a key of a bucket evidently belongs to.
fn vertical_of(bucket: Side, key: &str) -> Option<Vertical> {
    match bucket {
        Side::Originals => UploadKey::evident_vertical(key),
        Side::Images => key.split('/').next().and_then(|name| name.parse().ok()),
    }
}

/// Whether a key of a bucket belongs to a scope.
fn is_in(scope: &Scope, bucket: Side, key: &str) -> bool {
    let vertical = || vertical_of(bucket, key);
    match scope {
        Scope::All => true,
        Scope::Vertical(asked) => vertical().as_ref() == Some(asked),
        Scope::Ids { vertical: asked, cd_idx: ids } => {
            asked.as_ref().is_none_or(|asked| vertical().as_ref() == Some(asked))
                && cd_idx_of(bucket, key).is_some_and(|id| ids.contains(&id))
        }
    }
}

/// Says of each what would become of it: of each key the newest that was removed comes back, where the key is free.
async fn judge(store: &dyn Store, settings: &Settings, asked: &Asked, found: &mut [Found]) -> Result<()> {
    for side in [Side::Originals, Side::Images] {
        let of_side = found.iter_mut().filter(|found| found.bucket == side).map(|found| &mut found.kept);
        quarantine::add_notes(store, side.bucket(settings), of_side).await?;
    }
    let mut newest = BTreeMap::<(Side, String), String>::new();
    let is_wanted = |kept: &Kept| asked.generation.is_some() || kept.why != Why::Replaced;
    for Found { bucket, kept, .. } in found.iter().filter(|found| is_wanted(&found.kept)) {
        let id = newest.entry((*bucket, kept.key.clone())).or_default();
        if *id < kept.id {
            id.clone_from(&kept.id);
        }
    }
    for Found { bucket, kept, verdict } in found.iter_mut().filter(|found| is_wanted(&found.kept)) {
        *verdict = if newest.get(&(*bucket, kept.key.clone())) != Some(&kept.id) {
            Verdict::Newer
        } else if asked.generation.is_none() && store.head(bucket.bucket(settings), &kept.key).await?.is_some() {
            Verdict::Occupied
        } else {
            Verdict::Restore
        };
    }
    Ok(())
}

/// Brings things back, each after another look. The store sends the event of an original that came back, as of every upload.
pub async fn restore(flow: &Flow, asked: &[Restore]) -> Result<Acted> {
    let mut acted = Acted::default();
    for restore in asked {
        acted.count(restore_one(flow, restore).await?);
    }
    Ok(acted)
}

/// Brings one thing back; false where it is there no more, or its key has another object.
pub async fn restore_one(flow: &Flow, Restore { bucket, id, over }: &Restore) -> Result<bool> {
    let Ok(id) = id.parse::<KeptId>() else { return Ok(false) };
    if *bucket == Side::Images && id.key.starts_with(ORIGIN_PREFIX) {
        return Ok(false);
    }
    let bucket = bucket.bucket(&flow.settings);
    let condition = match flow.store.head(bucket, &id.key).await? {
        None => Condition::Absent,
        Some(current) if *over => Condition::Matches(current.validator()),
        Some(_) => return Ok(false),
    };
    let written = flow.store.bring_back(bucket, &id, condition).await?;
    let is_back = matches!(written, Some(Written::Done(_)));
    if is_back && matches!(id.why, Why::Dismissed | Why::Moved | Why::Unpublished) {
        // It is open again.
        dismissed::reopen(&*flow.store, bucket, &id.key).await?;
    }
    Ok(is_back)
}
