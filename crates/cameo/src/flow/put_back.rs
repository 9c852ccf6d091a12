//! Renditions that a removal took down although a later upload had published them anew.
//!
//! A store that names what it holds by content alone cannot tell them from the old ones: same bytes, same `ETag`. Where the later
//! original still stands it is rendered once more. Where a bad file has replaced it since, nobody could, and the rows of the good one
//! would lead nowhere: so the removal keeps what it takes down until it knows, and puts it back.

use tracing::warn;

use super::Flow;
use crate::{
    model::{error::Result, key::PhotoId},
    store::{Attributes, Condition, GENERATION_METADATA, Object, ObjectInfo},
};

/// Longer renditions are not kept: none is made that long.
const KEPT_MAX_BYTES: u64 = 16 << 20;

/// What was taken down of one photo: image size and object.
pub(super) type Kept = Vec<(String, Object)>;

/// The content of a rendition that is about to be taken down; none where its write can be told from a later one.
pub(super) async fn keep(flow: &Flow, info: &ObjectInfo) -> Result<Option<Object>> {
    if info.write_generation.is_some() || info.size > KEPT_MAX_BYTES {
        return Ok(None);
    }
    let object = flow.store.get(&flow.settings.image_bucket, &info.key, KEPT_MAX_BYTES).await?;
    Ok(object.filter(|object| object.info.etag == info.etag))
}

/// Puts back what rows name.
pub(super) async fn put_back(flow: &Flow, photo: &PhotoId, kept: Kept) -> Result<()> {
    if kept.is_empty() {
        return Ok(());
    }
    let rows = flow.catalog.entity_rows(&photo.entity).await?.rows;
    let serving = flow.catalog.entry(&photo.origin_key()).await?.and_then(|entry| entry.serving);
    let Some(serving) = serving else { return Ok(()) };
    for (image_size, Object { info, body }) in kept {
        let is_named =
            rows.iter().any(|row| row.photo == *photo && row.image_size == image_size && row.etag == info.etag);
        if !is_named {
            continue;
        }
        warn!(key = info.key, "a removal met what a later upload had published: it is put back");
        // Kept as it was before the later upload: of the same content, and of an older generation.
        let made_from = (GENERATION_METADATA.to_owned(), serving.as_str().to_owned());
        let attributes = Attributes {
            content_type: info.content_type,
            cache_control: Some(flow.settings.cache_control.clone()),
            metadata: info.metadata.into_iter().chain([made_from]).collect(),
        };
        // Where something stands there again it was published since, and is newer.
        flow.store.put(&flow.settings.image_bucket, &info.key, body, &attributes, Condition::Absent).await?;
    }
    Ok(())
}
