//! Dismissing rejected files that are settled: they go to quarantine, and nobody lists them any more until they are restored.
//!
//! Only a file that is rejected as it is now is moved. One beside which an older, good original is being served stays: its removal would
//! take that one down, too; a good file replaces it, or `cameo restore --generation` brings the older one back.

use crate::{
    catalog::LedgerPages,
    flow::Flow,
    ledger::{LedgerEntry, Scope, State},
    model::{
        error::Result,
        key::{Misplaced, ORIGIN_PREFIX},
        reason::ReasonCode,
    },
    proof::{
        repair::Acted,
        verify::{self, OUTSIDE_MAX},
    },
    store::quarantine::{Removal, Why},
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
pub async fn dismissible(flow: &Flow, scope: &Scope, asked: Option<ReasonCode>) -> Result<Vec<Dismissible>> {
    let mut found = Vec::new();
    let mut pages = LedgerPages::new(&*flow.catalog, scope);
    while let Some(page) = pages.next().await? {
        found.extend(page.iter().filter_map(of_entry));
    }
    let outside = verify::misplaced(&*flow.store, &flow.settings.upload_bucket, scope, OUTSIDE_MAX).await?;
    found.extend(outside.into_iter().map(|file| Dismissible {
        key: file.key,
        reason: ReasonCode::NameUnparseable,
        serves_older: false,
    }));
    found.retain(|file| asked.is_none_or(|asked| asked == file.reason));
    Ok(found)
}

/// A ledger entry as a rejected file.
pub fn of_entry(entry: &LedgerEntry) -> Option<Dismissible> {
    let State::Rejected { reason, .. } = &entry.state else { return None };
    Some(Dismissible { key: entry.key.clone(), reason: *reason, serves_older: entry.serving.is_some() })
}

/// Moves rejected files to quarantine, each after another look.
pub async fn dismiss(flow: &Flow, keys: &[String], note: Option<&str>, now: jiff::Timestamp) -> Result<Acted> {
    let removal = Removal { at: now, why: Why::Dismissed, note: note.map(str::to_owned) };
    let mut acted = Acted::default();
    for key in keys {
        acted.count(dismiss_one(flow, key, &removal).await?);
    }
    Ok(acted)
}

async fn dismiss_one(flow: &Flow, key: &str, removal: &Removal) -> Result<bool> {
    let bucket = &flow.settings.upload_bucket;
    // The object is looked at first: what is uploaded after it does not have its validator.
    let Some(info) = flow.store.head(bucket, key).await? else { return Ok(false) };
    let is_settled = if key.starts_with(ORIGIN_PREFIX) {
        let entry = flow.catalog.entry(key).await?;
        entry.is_some_and(|entry| {
            let is_newest = match &info.write_generation {
                Some(written) => *written <= entry.generation,
                None => info.etag == entry.etag,
            };
            is_newest && of_entry(&entry).is_some_and(|file| !file.serves_older)
        })
    } else {
        Misplaced::parse(key).is_some()
    };
    if is_settled { flow.store.set_aside(bucket, key, &info.validator(), removal).await } else { Ok(false) }
}
