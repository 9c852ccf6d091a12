//! Taking photos down because somebody says so: their originals go to quarantine, and the flow takes down what was made from them, as after
//! every deletion. Within the time that they are kept they can be restored.

use crate::{
    catalog::LedgerPages,
    flow::Flow,
    ledger::Scope,
    model::{
        error::Result,
        key::{EntityId, PhotoId, UploadKey},
    },
    proof::{
        deliveries::dismissed::{self as settled, Dismissal},
        dismiss::Settling,
    },
    store::quarantine::{Removal, Why},
};

/// Photos of an entity that are taken down at once, at most.
pub const PHOTOS_MAX: usize = 1000;
/// Keys that are listed at a time.
const PAGE: usize = 1000;

/// The keys of the originals of an entity, or of one photo of it, that are in the upload bucket or in the ledger; at most
/// [`PHOTOS_MAX`] and one.
pub async fn originals(flow: &Flow, entity: &EntityId, sequence: Option<u16>) -> Result<Vec<String>> {
    let is_asked = |key: &str| match UploadKey::parse(key) {
        UploadKey::Photo(photo) => photo.entity == *entity && sequence.is_none_or(|asked| asked == photo.sequence),
        _ => false,
    };
    let first = PhotoId { entity: entity.clone(), sequence: 0 }.origin_key();
    let prefix = &first[..first.len() - "0.jpg".len()];
    let mut keys: Vec<String> = flow
        .store
        .list(&flow.settings.upload_bucket, prefix, "", PAGE)
        .await?
        .into_iter()
        .map(|info| info.key)
        .collect();
    // The name of a vertical has other forms in Unicode: the ledger knows the keys as they were uploaded.
    let scope = Scope::Ids { vertical: Some(entity.vertical.clone()), cd_idx: vec![entity.cd_idx] };
    let mut pages = LedgerPages::new(&*flow.catalog, &scope);
    while let Some(page) = pages.next().await? {
        keys.extend(page.into_iter().map(|entry| entry.key));
    }
    keys.retain(|key| is_asked(key));
    keys.sort();
    keys.dedup();
    keys.truncate(PHOTOS_MAX + 1);
    Ok(keys)
}

/// Moves an original to quarantine, as it is at this moment; false where there is none. By whom and why is noted for its delivery.
pub async fn unpublish_one(flow: &Flow, key: &str, settling: &Settling<'_>) -> Result<bool> {
    let bucket = &flow.settings.upload_bucket;
    let Some(info) = flow.store.head(bucket, key).await? else { return Ok(false) };
    let Settling { by, note, at } = settling;
    let removal = Removal { at: *at, why: Why::Unpublished, note: note.map(str::to_owned) };
    let noted = Dismissal::of_original(&info, None, by.clone(), *at).with_note(*note);
    settled::set_aside(&*flow.store, bucket, &info, (&noted, &removal)).await
}
