//! Publishing the renditions of an original: conditional, so that an older original never overwrites a newer one.
//!
//! Each rendition carries, as metadata, what it was made from: the generation and the `ETag` of the original, the digest
//! of the size set and the names of its image sizes. So whoever comes after a crash, with other settings, knows what
//! else an earlier attempt may have left.

use std::collections::BTreeSet;

use bytes::Bytes;
use cameo_image::Rendition;

use super::{Flow, NamedSizeSet, Settings, went_back::pass};
use crate::{
    failpoint::{Point, reached},
    model::{
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::PhotoId,
        outcome::{Fate, PublishedRendition},
    },
    store::{Attributes, Condition, GENERATION_METADATA, NewObject, ObjectInfo, Store, Written},
};

/// How often a write is tried again because somebody else wrote in between.
pub const CONFLICTS_MAX: u32 = 10;

/// Media type of originals and renditions.
pub const JPEG: &str = "image/jpeg";

/// Metadata name of a rendition's width and height.
const SIZE_METADATA: &str = "cameo-size";
/// Metadata name of the `ETag` of the original that a rendition was made from.
const ORIGINAL_METADATA: &str = "cameo-original";
/// Metadata name of the digest of the size set that a rendition was made into.
const SIZE_SET_METADATA: &str = "cameo-size-set";
/// Metadata name of all image sizes of that size set, with commas between them: 32 names of 32 bytes, at most.
const SIZES_METADATA: &str = "cameo-sizes";
/// Metadata name of further image sizes of which earlier attempts may have left renditions: handed on from one write to the
/// next, since each may be the last before a crash.
const EARLIER_METADATA: &str = "cameo-earlier-sizes";
/// Length of those names, at most: S3 takes 2 KiB of metadata, and the names of a size set may be half of that.
const EARLIER_MAX_BYTES: usize = 400;

/// What renditions are made from.
#[derive(Debug, Clone, Copy)]
pub struct MadeFrom<'e> {
    /// The generation of the original.
    pub generation: &'e Generation,
    /// Its `ETag`.
    pub etag: &'e str,
    /// The size set.
    pub size_set: &'e NamedSizeSet,
}

impl MadeFrom<'_> {
    fn has(&self, image_size: &str) -> bool {
        self.size_set.sizes.sizes().iter().any(|size| size.name == image_size)
    }
}

/// How publishing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The renditions are in the image bucket.
    Done {
        /// The generation that they carry: the original's, unless it had to be [lifted](Generation::lifted).
        generation: Generation,
        /// The renditions.
        renditions: Vec<PublishedRendition>,
        /// Further image sizes of which earlier attempts may have left renditions.
        earlier_sizes: Vec<String>,
    },
    /// A rendition of a newer original is in the place of one.
    Superseded,
}

/// Publishes the renditions of a photo together. Those whose keys changed in between are looked at again.
pub async fn publish(
    flow: &Flow,
    photo: &PhotoId,
    made_from: MadeFrom<'_>,
    renditions: Vec<Rendition>,
) -> Result<Published> {
    let bucket = &flow.settings.image_bucket;
    let mut generation = made_from.generation.clone();
    let (mut done, mut earlier) = (Vec::with_capacity(renditions.len()), BTreeSet::new());
    let mut waiting: Vec<_> =
        renditions.into_iter().map(|made| Publication::new(flow, photo, made_from, made)).collect();
    for _ in 0..CONFLICTS_MAX {
        let keys: Vec<_> = waiting.iter().map(|publication| publication.object.key.as_str()).collect();
        let found = flow.store.head_all(bucket, &keys).await?;
        let named = |info| sizes_of_set(info).into_iter().chain(earlier_sizes(info));
        earlier.extend(found.iter().flatten().flat_map(named));
        earlier.retain(|name| !made_from.has(name));
        if let Some(newer) = newest(found.iter().flatten()).filter(|(newest, _)| *newest > generation) {
            let Some(lifted) = pass(flow, photo, made_from, newer).await? else { return Ok(Published::Superseded) };
            generation = lifted;
            // What is published already carries the generation before: all of a photo carry one.
            waiting.extend(done.drain(..).map(|(publication, _)| publication));
            continue;
        }
        for (publication, found) in waiting.iter_mut().zip(&found) {
            publication.carry(&generation, &earlier);
            publication.object.condition = condition_on(found.as_ref());
        }
        let objects = waiting.iter().map(|publication| publication.object.clone()).collect();
        let written = flow.store.put_all(bucket, objects).await?;
        let mut changed = Vec::new();
        for (publication, written) in waiting.into_iter().zip(written) {
            match written {
                Written::Done(info) => {
                    reached(Point::RenditionPublished);
                    done.push((publication, info));
                }
                Written::ConditionFailed => changed.push(publication),
            }
        }
        if changed.is_empty() {
            let renditions = done.into_iter().map(|(publication, info)| publication.published(info)).collect();
            return Ok(Published::Done { generation, renditions, earlier_sizes: earlier.into_iter().collect() });
        }
        waiting = changed;
    }
    let keys: Vec<_> = waiting.iter().map(|publication| publication.object.key.as_str()).collect();
    let doing = format!("publish {}: it changed {CONFLICTS_MAX} times in between", keys.join(", "));
    Err(Error::new(Place::Store, Kind::Conflict, doing))
}

/// A rendition that is not at its key yet.
struct Publication {
    image_size: String,
    width: u32,
    height: u32,
    object: NewObject,
}

impl Publication {
    fn new(flow: &Flow, photo: &PhotoId, made_from: MadeFrom<'_>, rendition: Rendition) -> Self {
        let Rendition { image_size, width, height, jpeg } = rendition;
        let object = NewObject {
            key: photo.rendition_key(&image_size),
            body: Bytes::from(jpeg),
            attributes: attributes(flow, made_from, (width, height)),
            condition: Condition::Absent,
        };
        Self { image_size, width, height, object }
    }

    fn carry(&mut self, generation: &Generation, earlier_sizes: &BTreeSet<String>) {
        let metadata = &mut self.object.attributes.metadata;
        metadata.insert(GENERATION_METADATA.to_owned(), generation.as_str().to_owned());
        let mut earlier = String::new();
        for name in earlier_sizes {
            if earlier.len() + name.len() < EARLIER_MAX_BYTES {
                earlier.extend([if earlier.is_empty() { "" } else { "," }, name]);
            }
        }
        if !earlier.is_empty() {
            metadata.insert(EARLIER_METADATA.to_owned(), earlier);
        }
    }

    fn published(self, info: ObjectInfo) -> PublishedRendition {
        let Self { image_size, width, height, .. } = self;
        PublishedRendition { image_size, width, height, bytes: info.size, etag: info.etag }
    }
}

/// What is registered of renditions that were made into a size set.
pub(super) fn rendered(
    size_set: &NamedSizeSet,
    renditions: Vec<PublishedRendition>,
    earlier_sizes: Vec<String>,
) -> Fate {
    Fate::Rendered {
        size_set: size_set.label.clone(),
        size_set_digest: Some(size_set.digest().to_owned()),
        engine: cameo_image::ENGINE_VERSION.to_owned(),
        renditions,
        earlier_sizes,
    }
}

/// That nothing has changed since `current` was looked at.
pub fn condition_on(current: Option<&ObjectInfo>) -> Condition {
    current.map_or(Condition::Absent, |info| Condition::Matches(info.validator()))
}

/// Width and height of a rendition that [`publish`] wrote, pixels.
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

fn attributes(flow: &Flow, made_from: MadeFrom<'_>, (width, height): (u32, u32)) -> Attributes {
    let MadeFrom { generation, etag, size_set } = made_from;
    let names: Vec<_> = size_set.sizes.sizes().iter().map(|size| size.name.as_str()).collect();
    let metadata = [
        (GENERATION_METADATA, generation.as_str().to_owned()),
        (SIZE_METADATA, format!("{width}x{height}")),
        (ORIGINAL_METADATA, etag.to_owned()),
        (SIZE_SET_METADATA, size_set.digest().to_owned()),
        (SIZES_METADATA, names.join(",")),
    ];
    Attributes {
        content_type: Some(JPEG.to_owned()),
        cache_control: Some(flow.settings.cache_control.clone()),
        metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}
