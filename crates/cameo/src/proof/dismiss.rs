//! Dismissing rejected files that are settled: they go to quarantine, and nobody lists them any more until they are restored.
//!
//! Only a file that is rejected as it is now is moved. One beside which an older, good original is being served stays: its removal would
//! take that one down, too; a good file replaces it, or `cameo restore --generation` brings the older one back. That it is settled, by whom
//! and why, is noted for the deliveries that name it (`proof/deliveries/dismissed.rs`).

use jiff::Timestamp;

use crate::{
    catalog::{Catalog, LedgerPages},
    flow::Flow,
    ledger::{LedgerEntry, Scope, State},
    model::{
        actor::Actor,
        error::Result,
        key::{Misplaced, ORIGIN_PREFIX},
        reason::ReasonCode,
    },
    proof::{
        deliveries::dismissed::{self, Dismissal},
        repair::Acted,
        verify::{self, OUTSIDE_MAX},
    },
    store::{
        ObjectInfo, Store,
        quarantine::{Removal, Why},
    },
};

/// A rejected file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Dismissible {
    /// Its key.
    pub key: String,
    /// Why it is rejected.
    pub reason: ReasonCode,
    /// Whether an older original of it is being served: then it stays.
    pub serves_older: bool,
}

/// The rejected files of a scope: of one reason, if one is named. Photos outside of `origin/` are among them.
pub async fn dismissible(
    (store, bucket): (&dyn Store, &str),
    catalog: &dyn Catalog,
    scope: &Scope,
    asked: Option<ReasonCode>,
) -> Result<Vec<Dismissible>> {
    let mut found = Vec::new();
    let mut pages = LedgerPages::new(catalog, scope);
    while let Some(page) = pages.next().await? {
        found.extend(page.iter().filter_map(of_entry));
    }
    let outside = verify::misplaced(store, bucket, scope, OUTSIDE_MAX).await?;
    found.extend(outside.into_iter().map(|file| Dismissible {
        key: file.key,
        reason: ReasonCode::NameUnparseable,
        serves_older: false,
    }));
    found.retain(|file| asked.is_none_or(|asked| asked == file.reason));
    Ok(found)
}

/// Misnamed files that begin with a number of the scope, and that are rejected: the ledger knows them by their keys alone.
pub async fn misnamed_with_ids(
    places: verify::Places<'_>,
    scope: &Scope,
    asked: Option<ReasonCode>,
) -> Result<Vec<Dismissible>> {
    let files = verify::misnamed_with_ids(places, scope).await?;
    let rejected = files.into_iter().filter_map(|file| match file.state {
        // A dead letter is tried again, not settled.
        Some(State::Rejected { reason, .. }) if reason != ReasonCode::SystemDeadLetter => {
            Some(Dismissible { key: file.key, reason, serves_older: false })
        }
        _ => None,
    });
    Ok(rejected.filter(|file| asked.is_none_or(|asked| asked == file.reason)).collect())
}

/// A ledger entry as a rejected file.
pub fn of_entry(entry: &LedgerEntry) -> Option<Dismissible> {
    let State::Rejected { reason, .. } = &entry.state else { return None };
    Some(Dismissible { key: entry.key.clone(), reason: *reason, serves_older: entry.serving.is_some() })
}

/// Who settles files, and what they note.
#[derive(Debug, Clone)]
pub struct Settling<'s> {
    /// Who, where that is known.
    pub by: Option<Actor>,
    /// What they note.
    pub note: Option<&'s str>,
    /// When.
    pub at: Timestamp,
}

/// Moves rejected files to quarantine, each after another look.
pub async fn dismiss(flow: &Flow, keys: &[String], settling: &Settling<'_>) -> Result<Acted> {
    let mut acted = Acted::default();
    for key in keys {
        acted.count(dismiss_one(flow, key, settling).await?);
    }
    Ok(acted)
}

/// Moves a rejected file to quarantine, as it is at this moment; false where it is gone, other, or no more to be dismissed.
pub async fn dismiss_one(flow: &Flow, key: &str, settling: &Settling<'_>) -> Result<bool> {
    let (store, bucket) = (&*flow.store, &flow.settings.upload_bucket);
    let removal = Removal { at: settling.at, why: Why::Dismissed, note: settling.note.map(str::to_owned) };
    // The object is looked at first: what is uploaded after it does not have its validator.
    let Some(info) = store.head(bucket, key).await? else { return Ok(false) };
    if !key.starts_with(ORIGIN_PREFIX) {
        return if Misplaced::parse(key).is_some() {
            store.set_aside(bucket, key, &info.validator(), &removal).await
        } else {
            Ok(false)
        };
    }
    let Some(file) = rejected_as_it_is(flow, &info).await? else { return Ok(false) };
    let file = Dismissal::new((key, &info.etag, info.size), file.reason, settling.by.clone(), settling.at);
    dismissed::set_aside(store, bucket, &info, (&file.with_note(settling.note), &removal)).await
}

/// The file, where the ledger has rejected just this content, and serves no older one.
async fn rejected_as_it_is(flow: &Flow, info: &ObjectInfo) -> Result<Option<Dismissible>> {
    let Some(entry) = flow.catalog.entry(&info.key).await? else { return Ok(None) };
    let is_newest = match &info.write_generation {
        Some(written) => *written <= entry.generation,
        None => info.etag == entry.etag,
    };
    Ok(of_entry(&entry).filter(|file| is_newest && !file.serves_older))
}
