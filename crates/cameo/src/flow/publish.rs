//! Publishing the renditions of an original: conditional, so that an older original never overwrites a newer one.

use bytes::Bytes;
use cameo_image::Rendition;

use super::{Flow, Settings};
use crate::{
    error::{Error, Kind, Place, Result},
    failpoint::{Point, reached},
    generation::Generation,
    key::PhotoId,
    message::PublishedRendition,
    store::{Attributes, Condition, GENERATION_METADATA, NewObject, ObjectInfo, Store, Written},
};

/// How often a write is tried again because somebody else wrote in between.
pub const CONFLICTS_MAX: u32 = 10;

/// Media type of originals and renditions.
pub const JPEG: &str = "image/jpeg";

/// Metadata name of a rendition's width and height.
const SIZE_METADATA: &str = "cameo-size";

/// How publishing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The renditions stand.
    Stand(Vec<PublishedRendition>),
    /// A rendition of a newer original stands in the place of one.
    Superseded,
}

/// Publishes renditions that were made from the given generation of a photo, together. Those whose keys changed meanwhile are
/// looked at again.
pub async fn publish(
    flow: &Flow,
    photo: &PhotoId,
    generation: &Generation,
    renditions: Vec<Rendition>,
) -> Result<Published> {
    let bucket = &flow.settings.image_bucket;
    let mut published = Vec::with_capacity(renditions.len());
    let mut waiting: Vec<_> =
        renditions.into_iter().map(|made| Publication::new(flow, photo, generation, made)).collect();
    for _ in 0..CONFLICTS_MAX {
        let keys: Vec<_> = waiting.iter().map(|publication| publication.object.key.as_str()).collect();
        let standing = flow.store.head_all(bucket, &keys).await?;
        for (publication, standing) in waiting.iter_mut().zip(standing) {
            if standing.as_ref().and_then(ObjectInfo::made_from).is_some_and(|made_from| made_from > *generation) {
                return Ok(Published::Superseded);
            }
            publication.object.condition = condition_on(standing.as_ref());
        }
        let objects = waiting.iter().map(|publication| publication.object.clone()).collect();
        let written = flow.store.put_all(bucket, objects).await?;
        let mut changed = Vec::new();
        for (publication, written) in waiting.into_iter().zip(written) {
            match written {
                Written::Done(info) => {
                    reached(Point::RenditionPublished);
                    published.push(publication.published(info));
                }
                Written::ConditionFailed => changed.push(publication),
            }
        }
        if changed.is_empty() {
            return Ok(Published::Stand(published));
        }
        waiting = changed;
    }
    let keys: Vec<_> = waiting.iter().map(|publication| publication.object.key.as_str()).collect();
    let doing = format!("publish {}: it changed {CONFLICTS_MAX} times meanwhile", keys.join(", "));
    Err(Error::new(Place::Store, Kind::Conflict, doing))
}

/// A rendition on its way to its key.
struct Publication {
    image_size: String,
    width: u32,
    height: u32,
    object: NewObject,
}

impl Publication {
    fn new(flow: &Flow, photo: &PhotoId, generation: &Generation, rendition: Rendition) -> Self {
        let Rendition { image_size, width, height, jpeg } = rendition;
        let object = NewObject {
            key: photo.rendition_key(&image_size),
            body: Bytes::from(jpeg),
            attributes: attributes(flow, generation, (width, height)),
            condition: Condition::Absent,
        };
        Self { image_size, width, height, object }
    }

    fn published(self, info: ObjectInfo) -> PublishedRendition {
        let Self { image_size, width, height, .. } = self;
        PublishedRendition { image_size, width, height, bytes: info.size, etag: info.etag }
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

/// The newest generation that a photo's renditions were made from; none where none of ours stands.
pub async fn newest_made_from(store: &dyn Store, settings: &Settings, photo: &PhotoId) -> Result<Option<Generation>> {
    let mut newest = None;
    for size in settings.size_sets.of(&photo.entity.vertical).sizes.sizes() {
        let info = store.head(&settings.image_bucket, &photo.rendition_key(&size.name)).await?;
        newest = newest.max(info.as_ref().and_then(ObjectInfo::made_from));
    }
    Ok(newest)
}

fn attributes(flow: &Flow, generation: &Generation, (width, height): (u32, u32)) -> Attributes {
    Attributes {
        content_type: Some(JPEG.to_owned()),
        cache_control: Some(flow.settings.cache_control.clone()),
        metadata: [
            (GENERATION_METADATA.to_owned(), generation.as_str().to_owned()),
            (SIZE_METADATA.to_owned(), format!("{width}x{height}")),
        ]
        .into(),
    }
}
