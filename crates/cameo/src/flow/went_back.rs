//! Generations that went back: another store, an older data folder, a restored database, a clock that was set.
//!
//! Order alone would call what was accepted since then stale, and drop it. So whoever is about to drop a change looks
//! at the upload bucket first: what it holds now is the truth, whatever its generation, and what is in the way is passed
//! by a [lifted](Generation::lifted) one. Only what would be dropped costs the look.

use tracing::{debug, warn};

use super::{
    Flow,
    rendition_metadata::{MadeFrom, original_of},
};
use crate::{
    ledger::{LedgerEntry, State},
    model::{
        error::Result,
        generation::Generation,
        key::{PhotoId, UploadKey},
        outcome::{Fate, Outcome},
    },
    store::ObjectInfo,
};

/// Whether an object of the upload bucket is the very content of a change. A store that names its writes tells the same
/// bytes of two uploads apart; a lifted generation is none that a store gave.
pub(super) fn is_content_of(info: &ObjectInfo, etag: &str, generation: &Generation) -> bool {
    let is_other_write = |write: &Generation| generation.counter().is_some() && write != generation;
    info.etag == etag && !info.write_generation.as_ref().is_some_and(is_other_write)
}

/// The generation under which an original may be published over a rendition that was made from a newer one; none where it
/// is superseded.
pub(super) async fn pass(
    flow: &Flow,
    photo: &PhotoId,
    made_from: MadeFrom<'_>,
    (newest, in_the_way): (Generation, &ObjectInfo),
) -> Result<Option<Generation>> {
    let key = photo.origin_key();
    let MadeFrom { generation, etag, .. } = made_from;
    if original_of(in_the_way) == Some(etag) {
        // The same bytes came again, or an earlier attempt lifted this very change and crashed: what it published may
        // have been registered by nobody.
        debug!(key, %generation, under = %newest, "a rendition of the same content carries a newer generation");
        return Ok(Some(newest));
    }
    let original = flow.store.head(&flow.settings.upload_bucket, &key).await?;
    if !original.is_some_and(|info| is_content_of(&info, etag, generation)) {
        debug!(key, %generation, newer = %newest, "superseded: a newer original is published");
        return Ok(None);
    }
    let lifted = newest.lifted();
    warn!(key, %generation, published = %newest, %lifted, "generations went back: the upload bucket's content is published over a newer generation's");
    Ok(Some(lifted))
}

/// What to do about an outcome that the ledger called stale.
#[derive(Debug)]
pub(super) enum Stale {
    /// A newer change is decided, and the store agrees.
    Rightly,
    /// The store holds its content: its event is sent again, above what is in its way.
    Again,
    /// It is a removal, and the store has no object: it is registered under this outcome instead.
    Lifted(Box<Outcome>),
}

/// Compares a stale outcome with the store.
pub(super) async fn compare(flow: &Flow, outcome: &Outcome) -> Result<Stale> {
    let Outcome { key, generation, fate, .. } = outcome;
    let Some(entry) = flow.catalog.entry(key).await? else { return Ok(Stale::Rightly) };
    if entry.generation <= *generation {
        return compare_recipe(flow, outcome, &entry).await;
    }
    let decided = &entry.generation;
    let original = flow.store.head(&flow.settings.upload_bucket, key).await?;
    let stale = match (fate, original) {
        (Fate::Removed, None) if entry.state != State::Removed => {
            let lifted = decided.lifted();
            warn!(key, %generation, %decided, %lifted, "generations went back: the original is gone, although a newer change is decided");
            Stale::Lifted(Box::new(Outcome { generation: lifted, ..outcome.clone() }))
        }
        (Fate::Rendered { .. } | Fate::Rejected { .. } | Fate::Ignored, Some(info))
            if entry.etag != outcome.etag && is_content_of(&info, &outcome.etag, generation) =>
        {
            warn!(key, %generation, %decided, "generations went back: the upload bucket has this content, although a newer change is decided");
            Stale::Again
        }
        // Of an older recipe than what is served beside a later rejection.
        (Fate::Rendered { .. }, _) if entry.serving.as_ref() == Some(generation) => {
            return compare_recipe(flow, outcome, &entry).await;
        }
        _ => {
            debug!(key, %generation, %decided, fate = fate.name(), "stale: a newer change is decided");
            Stale::Rightly
        }
    };
    Ok(stale)
}

/// The message is of an older recipe than the one that is served. Where its worker published over the newer renditions, rows and
/// renditions no longer agree.
async fn compare_recipe(flow: &Flow, outcome: &Outcome, entry: &LedgerEntry) -> Result<Stale> {
    let Outcome { key, generation, .. } = outcome;
    debug!(key, %generation, served = entry.size_set, engine = entry.engine, "stale: a newer recipe of it is served");
    let UploadKey::Photo(photo) = UploadKey::parse(key) else { return Ok(Stale::Rightly) };
    Ok(if rows_have_renditions(flow, &photo).await? { Stale::Rightly } else { Stale::Again })
}

/// Whether every row of a photo has the rendition that it names. After two workers with different settings handled one event,
/// the one that published last need not be the one whose message is registered last.
pub(super) async fn rows_have_renditions(flow: &Flow, photo: &PhotoId) -> Result<bool> {
    let rows = flow.catalog.entity_rows(&photo.entity).await?.rows;
    let rows: Vec<_> = rows.into_iter().filter(|row| row.photo == *photo).collect();
    let keys: Vec<_> = rows.iter().map(|row| photo.rendition_key(&row.image_size)).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let found = flow.store.head_all(&flow.settings.image_bucket, &keys).await?;
    let differs = rows.iter().zip(&found).find(|(row, info)| info.as_ref().is_none_or(|info| info.etag != row.etag));
    if let Some((row, _)) = differs {
        warn!(%photo, image_size = row.image_size, "another recipe was published than is registered: it is rendered again");
    }
    Ok(differs.is_none())
}
