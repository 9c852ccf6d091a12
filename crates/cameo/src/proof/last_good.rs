//! Whether a photo is served on although a later upload of it was rejected, and by whose bytes: the last good ones.
//!
//! It only reads, the ledger and a bounded part of the photo's history.

use crate::{
    catalog::Catalog,
    ledger::{
        LedgerEntry, State,
        history::{ChangeKind, HistoryLine},
    },
    model::{error::Result, generation::Generation, key::PhotoId},
};

/// Lines of a photo's history that are fetched at a time.
pub(super) const LINES: usize = 50;
/// Times that more of them are fetched to find the one that is being served.
const PAGES_MAX: usize = 20;

/// The change whose bytes are served beside a rejection.
pub(super) fn beside(entry: &LedgerEntry) -> Option<&Generation> {
    entry.serving.as_ref().filter(|_| matches!(entry.state, State::Rejected { .. }))
}

/// Whether these bytes (their length and MD5) are what is served of a photo of which a later upload was rejected. The ledger knows only the
/// generation, so the history says it; a photo from before the history is served on, and nobody can say whose bytes it shows.
pub async fn is_served_still(
    catalog: &dyn Catalog,
    photo: &PhotoId,
    entry: &LedgerEntry,
    (size, md5): (Option<u64>, &str),
) -> Result<bool> {
    let Some(serving) = beside(entry) else { return Ok(false) };
    let mut before = None;
    for _ in 0..PAGES_MAX {
        let lines = catalog.history_of(&photo.entity, Some(photo.sequence), before, LINES).await?;
        let Some(last) = lines.last() else { return Ok(false) };
        before = Some(last.position);
        let of_served = |line: &&HistoryLine| {
            let change = &line.change;
            change.generation == *serving && !matches!(change.change, ChangeKind::Rejected | ChangeKind::Removed)
        };
        if let Some(HistoryLine { change, .. }) = lines.iter().find(of_served) {
            // An upload in parts has no MD5.
            let same_length = size.is_some() && change.size == size;
            return Ok(change.etag == md5 || (change.etag.contains('-') && same_length));
        }
    }
    Ok(false)
}
