//! An event whose original is gone: a newer change took its place before the event was done with.
//!
//! Mostly nothing is to be done. But an earlier attempt at the same event may have published renditions and crashed
//! before it told of them. If the newer change is a good original it publishes over them, if it is a deletion it takes
//! them down; if it is a bad original nobody would ever touch them again, and rows of an older original would tell of
//! renditions that no longer stand. So what stands is told now: whole, or taken down.

use super::{Flow, publish::size_of};
use crate::{
    error::{Error, Kind, Place, Result},
    event::{Change, Event},
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
    look_again(flow, event).await.map(|()| None)
}

/// An error where the same bytes were uploaded again meanwhile: what that upload published has the same `ETag`s, so it may
/// have been deleted just now. The event is tried again, finds its bytes, and publishes what is missing.
async fn look_again(flow: &Flow, event: &Event) -> Result<()> {
    let Change::Created { etag, .. } = &event.change else { return Ok(()) };
    match flow.store.head(&event.bucket, &event.key).await? {
        Some(original) if original.etag == *etag => {
            let doing = format!("take down what is left of {}: its bytes were uploaded again meanwhile", event.key);
            Err(Error::new(Place::Store, Kind::Conflict, doing))
        }
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::{
        catalog::unused::UnusedCatalog,
        clock::SystemClock,
        config::Config,
        generation::Generation,
        render::unused::UnusedEngine,
        store::{Attributes, Condition, GENERATION_METADATA, Store, memory::MemoryStore},
    };

    /// One rendition of the event stands, the others do not; the original was found gone. Returns how the event ends when
    /// `uploaded` came meanwhile.
    async fn ends(uploaded: Option<&'static str>) -> Result<Option<Fate>> {
        let (store, settings) = (MemoryStore::new(Arc::new(SystemClock)), Config::default().settings().unwrap());
        let photo = PhotoId { entity: crate::key::EntityId { vertical: "v".parse().unwrap(), cd_idx: 1 }, sequence: 0 };
        let (bucket, key) = (settings.upload_bucket.clone(), photo.origin_key());
        let put = async |bucket: &str, key: &str, body: &'static str, attributes: &Attributes| {
            let body = Bytes::from_static(body.as_bytes());
            store.put(bucket, key, body, attributes, Condition::Always).await.unwrap();
        };
        put(&bucket, &key, "bytes", &Attributes::default()).await;
        let info = store.head(&bucket, &key).await.unwrap().unwrap();
        store.delete(&bucket, &key, &info.etag).await.unwrap();
        let made_from = [(GENERATION_METADATA.to_owned(), Generation::from_counter(1).to_string())].into();
        let attributes = Attributes { metadata: made_from, ..Attributes::default() };
        put(&settings.image_bucket, &photo.rendition_key("sq"), "sq", &attributes).await;
        if let Some(body) = uploaded {
            put(&bucket, &key, body, &Attributes::default()).await;
        }
        let change = Change::Created { etag: info.etag, size: info.size };
        let event = Event { bucket, key, generation: Generation::from_counter(1), change };
        let (catalog, render) = (Arc::new(UnusedCatalog), Arc::new(UnusedEngine));
        let flow = Flow { store: Arc::new(store), catalog, render, settings: Arc::new(settings) };
        let ended = fate_of_earlier_attempt(&flow, &event, &photo).await;
        let left = flow.store.list(&flow.settings.image_bucket, "", "", 10).await.unwrap();
        assert_eq!(left, [], "what was published in part is taken down");
        ended
    }

    #[tokio::test]
    async fn the_event_is_tried_again_when_its_bytes_were_uploaded_again_meanwhile() {
        assert_eq!(ends(None).await.unwrap(), None);
        assert_eq!(ends(Some("others")).await.unwrap(), None);
        assert_eq!(ends(Some("bytes")).await.unwrap_err().kind(), Kind::Conflict);
    }
}
