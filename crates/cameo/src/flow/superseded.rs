//! An event whose original is gone: a newer change took its place before the event was done with.
//!
//! Mostly nothing is to be done. But an earlier attempt at the same event may have published renditions and crashed
//! before it told of them. If the newer change is a good original it publishes over them, if it is a deletion it takes
//! them down; if it is a bad original nobody would ever touch them again, and rows of an older original would tell of
//! renditions that no longer stand. So what stands is told now: whole, or taken down.

use super::{Flow, publish::size_of};
use crate::{
    error::Result,
    event::Event,
    key::PhotoId,
    message::{Fate, PublishedRendition},
    store::ObjectInfo,
};

/// What an earlier attempt at the event left to be told; none where nothing of it stands.
pub async fn fate_of_earlier_attempt(flow: &Flow, event: &Event, photo: &PhotoId) -> Result<Option<Fate>> {
    let size_set = flow.settings.size_sets.of(&photo.entity.vertical);
    let mut standing = Vec::new();
    for size in size_set.sizes.sizes() {
        let key = photo.rendition_key(&size.name);
        if let Some(info) = flow.store.head(&flow.settings.image_bucket, &key).await? {
            standing.push((size.name.clone(), info));
        }
    }
    let made_from = |info: &ObjectInfo| info.made_from();
    let is_of_event = |(_, info): &(String, ObjectInfo)| made_from(info).as_ref() == Some(&event.generation);
    let is_newer = |(_, info): &(String, ObjectInfo)| made_from(info).is_some_and(|from| from > event.generation);
    if !standing.iter().any(is_of_event) || standing.iter().any(is_newer) {
        return Ok(None);
    }
    let renditions: Option<Vec<_>> = standing.iter().map(|(name, info)| as_published(name, info)).collect();
    // Where one is missing the photo was never published as a whole, so it has no rows that could miss the others.
    if let Some(renditions) = renditions.filter(|renditions| renditions.len() == size_set.sizes.sizes().len()) {
        return Ok(Some(super::resize::rendered_fate(&size_set.label, renditions)));
    }
    for (_, info) in standing.iter().filter(|one| is_of_event(one)) {
        flow.store.delete(&flow.settings.image_bucket, &info.key, &info.validator()).await?;
    }
    Ok(None)
}

fn as_published(image_size: &str, info: &ObjectInfo) -> Option<PublishedRendition> {
    let (width, height) = size_of(info)?;
    Some(PublishedRendition {
        image_size: image_size.to_owned(),
        width,
        height,
        bytes: info.size,
        etag: info.etag.clone(),
    })
}
