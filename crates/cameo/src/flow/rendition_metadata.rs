//! What a rendition carries as metadata: what it was made from. So whoever comes after a crash, with other settings, knows what else an
//! earlier attempt may have left.

use super::{NamedSizeSet, Settings};
use crate::{
    model::{error::Result, generation::Generation, key::PhotoId},
    store::{ObjectInfo, Store},
};

/// Metadata name of a rendition's width and height.
pub(super) const SIZE_METADATA: &str = "cameo-size";
/// Metadata name of the `ETag` of the original that a rendition was made from.
pub(super) const ORIGINAL_METADATA: &str = "cameo-original";
/// Metadata name of the digest of the size set that a rendition was made into.
pub(super) const SIZE_SET_METADATA: &str = "cameo-size-set";
/// Metadata name of all image sizes of that size set, with commas between them: 32 names of 32 bytes, at most.
pub(super) const SIZES_METADATA: &str = "cameo-sizes";
/// Metadata name of further image sizes of which earlier attempts may have left renditions: handed on from one write to the
/// next, since each may be the last before a crash.
pub(super) const EARLIER_METADATA: &str = "cameo-earlier-sizes";
/// Length of those names, at most: S3 takes 2 KiB of metadata, and the names of a size set may be half of that.
pub(super) const EARLIER_MAX_BYTES: usize = 400;

/// What renditions are made from.
#[derive(Debug, Clone, Copy)]
pub struct MadeFrom<'e> {
    /// The generation of the original.
    pub generation: &'e Generation,
    /// `ETag` of the original, without quotes.
    pub etag: &'e str,
    /// By which they were made; its label and a digest of it are recorded.
    pub size_set: &'e NamedSizeSet,
}

impl MadeFrom<'_> {
    pub(super) fn has(&self, image_size: &str) -> bool {
        self.size_set.sizes.sizes().iter().any(|size| size.name == image_size)
    }
}

/// Width and height of a rendition that [`publish`](super::publish::publish) wrote, pixels.
pub fn size_of(info: &ObjectInfo) -> Option<(u32, u32)> {
    let (width, height) = info.metadata.get(SIZE_METADATA)?.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// `ETag` of the original that a rendition was made from; none for those of older versions of Cameo.
pub fn original_of(info: &ObjectInfo) -> Option<&str> {
    info.metadata.get(ORIGINAL_METADATA).map(String::as_str)
}

/// Digest of the size set that a rendition was made into; none for those of older versions of Cameo.
pub fn size_set_of(info: &ObjectInfo) -> Option<&str> {
    info.metadata.get(SIZE_SET_METADATA).map(String::as_str)
}

/// All image sizes of the size set that a rendition was made into; none for those of older versions of Cameo.
pub fn sizes_of_set(info: &ObjectInfo) -> Vec<String> {
    names(info, SIZES_METADATA)
}

/// Further image sizes of which attempts before a rendition's may have left renditions.
pub fn earlier_sizes(info: &ObjectInfo) -> Vec<String> {
    names(info, EARLIER_METADATA)
}

fn names(info: &ObjectInfo, metadata: &str) -> Vec<String> {
    let names = info.metadata.get(metadata).map(String::as_str).unwrap_or_default();
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The rendition that was made from the newest generation, and that generation.
pub fn newest<'i>(infos: impl IntoIterator<Item = &'i ObjectInfo>) -> Option<(Generation, &'i ObjectInfo)> {
    let made_from = infos.into_iter().filter_map(|info| Some((info.made_from()?, info)));
    made_from.max_by(|(one, _), (other, _)| one.cmp(other))
}

/// The newest generation that a photo's renditions were made from; none where none of ours exists.
pub async fn newest_made_from(store: &dyn Store, settings: &Settings, photo: &PhotoId) -> Result<Option<Generation>> {
    let size_set = settings.size_sets.of(&photo.entity.vertical);
    let keys: Vec<_> = size_set.sizes.sizes().iter().map(|size| photo.rendition_key(&size.name)).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let found = store.head_all(&settings.image_bucket, &keys).await?;
    Ok(newest(found.iter().flatten()).map(|(generation, _)| generation))
}
