//! Files of the upload bucket that are no photos: misnamed ones, and photos that were uploaded outside of `origin/`.
//!
//! They are ordinary objects and never deleted. They are shown under the vertical that they evidently belong to.

use std::collections::BTreeSet;

use super::{
    Places,
    by_number::{self, beginning_with},
    in_work::InWork,
    report::UnexpectedFile,
};
use crate::{
    ledger::{Scope, State},
    model::{
        error::Result,
        key::{DELIVERIES_PREFIX, Misplaced, ORIGIN_PREFIX, QUARANTINE_PREFIX, UploadKey, Vertical, evident},
        reason::ReasonCode,
    },
    store::{ObjectInfo, Store},
};

/// Keys outside of `origin/` that are looked at, at most: the bucket may hold whatever else people keep there.
pub const OUTSIDE_MAX: usize = 100_000;
/// Keys fetched at a time.
const PAGE: usize = 1000;
/// Follows the slash in the order of bytes: with it in the slash's place, a key follows all of the folder.
const AFTER_SLASH: char = '0';
/// Rejected names that are looked at, at most.
const MISNAMED_MAX: usize = 100_000;

/// Every folder directly under a prefix, with the prefix and its slash, by hopping over the objects of each.
pub(in crate::proof) async fn folders(store: &dyn Store, bucket: &str, prefix: &str) -> Result<Vec<String>> {
    let mut folders = Vec::new();
    let mut after = prefix.to_owned();
    loop {
        let next = store.list(bucket, prefix, &after, 1).await?;
        let Some(ObjectInfo { key, .. }) = next.first() else { return Ok(folders) };
        match key[prefix.len()..].split_once('/') {
            Some((folder, _)) => {
                folders.push(format!("{prefix}{folder}/"));
                after = format!("{prefix}{folder}{AFTER_SLASH}");
            }
            None => after.clone_from(key),
        }
    }
}

/// Every vertical that has an object.
pub(super) async fn verticals(places: Places<'_>) -> Result<Vec<Vertical>> {
    let name = |folder: &String| folder[ORIGIN_PREFIX.len()..].trim_end_matches('/').parse().ok();
    let found = folders(places.store, &places.settings.upload_bucket, ORIGIN_PREFIX).await?;
    Ok(found.iter().filter_map(name).collect())
}

/// A file under `origin/` with what became of it; none where it is gone meanwhile, or no file of this kind.
pub(super) async fn judged(places: Places<'_>, in_work: &InWork, key: &str) -> Result<Option<UnexpectedFile>> {
    if matches!(UploadKey::parse(key), UploadKey::Photo(_) | UploadKey::Plain) {
        return Ok(None);
    }
    let state = places.catalog.entry(key).await?.map(|entry| entry.state);
    let state = match state {
        // Removed and uploaded again: it waits for its event.
        Some(State::Removed) | None => in_work.dead_state(key),
        decided => decided,
    };
    Ok(Some(UnexpectedFile { key: key.to_owned(), state, korean: None }))
}

/// Keys of misnamed files whose names begin with one of these numbers, and evidently mean it.
pub(super) async fn with_ids(places: Places<'_>, vertical: &Vertical, ids: &BTreeSet<u64>) -> Result<Vec<String>> {
    let is_misnamed = |key: &str| {
        evident(key).0.is_some_and(|id| ids.contains(&id)) && !matches!(UploadKey::parse(key), UploadKey::Photo(_))
    };
    let ranges = ids.iter().flat_map(|id| beginning_with(*id)).collect();
    by_number::keys(places, vertical, ranges, is_misnamed).await
}

/// Keys of files that are rejected for their names, which evidently mean one of these numbers, and that are there still.
pub(super) async fn rejected_with_ids(
    places: Places<'_>,
    vertical: Option<&Vertical>,
    ids: &BTreeSet<u64>,
) -> Result<BTreeSet<String>> {
    let (mut found, mut after, mut looked_at) = (BTreeSet::new(), String::new(), 0);
    while looked_at < MISNAMED_MAX && !ids.is_empty() {
        let code = ReasonCode::NameUnparseable.code();
        let page = places.catalog.rejected_for(code, vertical, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        looked_at += page.len();
        let keys: Vec<&str> = page.iter().map(|entry| entry.key.as_str()).collect();
        let keys: Vec<&str> =
            keys.into_iter().filter(|key| evident(key).0.is_some_and(|id| ids.contains(&id))).collect();
        let infos = places.store.head_all(&places.settings.upload_bucket, &keys).await?;
        found.extend(keys.iter().zip(infos).filter(|(_, info)| info.is_some()).map(|(key, _)| (*key).to_owned()));
    }
    Ok(found)
}

/// Photos outside of `origin/` that evidently belong to the scope, each with where to upload it. At most `max` keys outside of it are
/// looked at.
pub async fn misplaced(store: &dyn Store, bucket: &str, scope: &Scope, max: usize) -> Result<Vec<UnexpectedFile>> {
    let (mut found, mut after, mut looked_at) = (Vec::new(), String::new(), 0);
    let ids: BTreeSet<u64> = match scope {
        Scope::Ids { cd_idx, .. } => cd_idx.iter().copied().collect(),
        Scope::All | Scope::Vertical(_) => BTreeSet::new(),
    };
    while looked_at < max {
        let page = store.list(bucket, "", &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        if let Some(folder) =
            [ORIGIN_PREFIX, QUARANTINE_PREFIX, DELIVERIES_PREFIX].iter().find(|folder| after.starts_with(**folder))
        {
            after = format!("{}{AFTER_SLASH}", folder.trim_end_matches('/'));
        }
        looked_at += page.len();
        let of_scope = page.into_iter().filter_map(|info| {
            let misplaced = Misplaced::parse(&info.key).filter(|misplaced| is_in(scope, &ids, misplaced, &info.key))?;
            let state = State::Rejected { reason: ReasonCode::NameUnparseable, detail: misplaced.hint };
            Some(UnexpectedFile { key: info.key, state: Some(state), korean: None })
        });
        found.extend(of_scope);
    }
    Ok(found)
}

fn is_in(scope: &Scope, ids: &BTreeSet<u64>, misplaced: &Misplaced, key: &str) -> bool {
    let has_number = || evident(key).0.is_some_and(|id| ids.contains(&id));
    match scope {
        Scope::All => true,
        Scope::Vertical(vertical) => misplaced.vertical.as_ref() == Some(vertical),
        Scope::Ids { vertical, .. } => (vertical.is_none() || misplaced.vertical == *vertical) && has_number(),
    }
}
