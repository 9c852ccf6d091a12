//! Publishing one rendition: conditional, so that an older original never overwrites a newer one.

use bytes::Bytes;
use cameo_image::Rendition;

use super::{Flow, Settings};
use crate::{
    error::{Error, Kind, Place, Result},
    failpoint::{Point, reached},
    generation::Generation,
    key::PhotoId,
    message::PublishedRendition,
    store::{Attributes, Condition, GENERATION_METADATA, ObjectInfo, Store, Written},
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
    /// The rendition stands, written now or by an earlier attempt.
    Stands(PublishedRendition),
    /// A rendition of a newer original stands there.
    Superseded,
}

/// Publishes a rendition that was made from the given generation of a photo.
pub async fn publish(flow: &Flow, photo: &PhotoId, generation: &Generation, rendition: Rendition) -> Result<Published> {
    let key = photo.rendition_key(&rendition.image_size);
    let bucket = &flow.settings.image_bucket;
    let body = Bytes::from(rendition.jpeg);
    let attributes = attributes(flow, generation, (rendition.width, rendition.height));
    let stands = |info: &ObjectInfo| {
        Published::Stands(PublishedRendition {
            image_size: rendition.image_size.clone(),
            width: rendition.width,
            height: rendition.height,
            bytes: info.size,
            etag: info.etag.clone(),
        })
    };
    for _ in 0..CONFLICTS_MAX {
        let current = flow.store.head(bucket, &key).await?;
        if current.as_ref().and_then(ObjectInfo::made_from).is_some_and(|made_from| made_from > *generation) {
            return Ok(Published::Superseded);
        }
        let condition = condition_on(current.as_ref());
        let written = flow.store.put(bucket, &key, body.clone(), &attributes, condition).await?;
        if let Written::Done(info) = written {
            reached(Point::RenditionPublished);
            return Ok(stands(&info));
        }
    }
    Err(Error::new(Place::Store, Kind::Conflict, format!("publish {key}: it changed {CONFLICTS_MAX} times meanwhile")))
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
