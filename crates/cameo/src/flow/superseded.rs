//! An event whose original is gone: a newer change took its place before the event was done with.
//!
//! Mostly nothing is to be done. But an earlier attempt at the same event may have published renditions and crashed
//! before it told of them. If the newer change is a good original it publishes over them, if it is a deletion it takes
//! them down; if it is a bad original nobody would ever touch them again, and rows of an older original would tell of
//! renditions that no longer stand. So what stands is told now: whole, or taken down.
//!
//! The earlier attempt may have had other settings: what is whole goes by the size set that the renditions name.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Flow,
    publish::{look_again, rendered},
    receive::outcome,
    rendition_metadata::{earlier_sizes, newest, original_of, size_of, size_set_of, sizes_of_set},
};
use crate::{
    model::{
        error::Result,
        event::{Change, Event},
        generation::Generation,
        key::PhotoId,
        outcome::{Fate, Outcome, PublishedRendition},
    },
    store::ObjectInfo,
};

/// Renditions of a photo, by image size.
type Found = BTreeMap<String, ObjectInfo>;

/// What an earlier attempt at the event left to be registered; none where nothing of it is left.
pub async fn outcome_of_earlier_attempt(flow: &Flow, event: &Event, photo: &PhotoId) -> Result<Option<Outcome>> {
    let size_set = flow.settings.size_sets.of(&photo.entity.vertical);
    let configured: Vec<_> = size_set.sizes.sizes().iter().map(|size| size.name.clone()).collect();
    let mut found = Found::new();
    find(flow, photo, &configured, &mut found).await?;
    let Some((generation, one)) = newest(found.values().filter(|info| is_of(event, info))) else { return Ok(None) };
    if found.values().any(|info| is_newer(event, info)) {
        return Ok(None);
    }
    let (named, digest) = (sizes_of_set(one), size_set_of(one).map(str::to_owned));
    let earlier = earlier_sizes(one);
    let made = if named.is_empty() { configured } else { named };
    find(flow, photo, &made, &mut found).await?;
    let renditions: Option<Vec<_>> =
        made.iter().map(|size| found.get(size).and_then(|info| as_published(size, info))).collect();
    // Where one is missing the photo was never published as a whole, so it has no rows that could miss the others.
    let Some(renditions) = renditions else { return take_down(flow, event, &found).await.map(|()| None) };
    let others: BTreeSet<_> = found.into_keys().chain(earlier).filter(|size| !made.contains(size)).collect();
    let mut fate = rendered(size_set, renditions, others.into_iter().collect());
    if let Fate::Rendered { size_set_digest, .. } = &mut fate {
        *size_set_digest = digest;
    }
    Ok(Some(Outcome { generation, ..outcome(event, fate) }))
}

/// Looks for renditions that were not looked for before.
async fn find(flow: &Flow, photo: &PhotoId, sizes: &[String], found: &mut Found) -> Result<()> {
    for size in sizes {
        if !found.contains_key(size)
            && let Some(info) = flow.store.head(&flow.settings.image_bucket, &photo.rendition_key(size)).await?
        {
            found.insert(size.clone(), info);
        }
    }
    Ok(())
}

/// Whether a rendition was made of the event's original: under its generation, or under one that it was lifted to.
fn is_of(event: &Event, info: &ObjectInfo) -> bool {
    info.made_from()
        .is_some_and(|from| from == event.generation || (from > event.generation && is_content(event, info)))
}

fn is_newer(event: &Event, info: &ObjectInfo) -> bool {
    let newer = |from: Generation| from > event.generation;
    info.made_from().is_some_and(newer) && !is_of(event, info)
}

fn is_content(event: &Event, info: &ObjectInfo) -> bool {
    matches!(&event.change, Change::Created { etag, .. } if original_of(info) == Some(etag))
}

async fn take_down(flow: &Flow, event: &Event, found: &Found) -> Result<()> {
    for info in found.values().filter(|info| is_of(event, info)) {
        flow.store.delete(&flow.settings.image_bucket, &info.key, &info.validator()).await?;
    }
    match &event.change {
        Change::Created { etag, .. } => look_again(flow, &event.key, etag).await,
        Change::Removed => Ok(()),
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
        model::error::Kind,
        render::unused::UnusedEngine,
        store::{Attributes, Condition, GENERATION_METADATA, Store, memory::MemoryStore},
    };

    /// One rendition of the event stands, the others do not; the original was found gone. Returns how the event ends when
    /// `uploaded` came meanwhile.
    async fn ends(uploaded: Option<&'static str>) -> Result<Option<Outcome>> {
        let (store, settings) = (MemoryStore::new(Arc::new(SystemClock)), Config::default().settings().unwrap());
        let photo =
            PhotoId { entity: crate::model::key::EntityId { vertical: "v".parse().unwrap(), cd_idx: 1 }, sequence: 0 };
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
        let event = Event { bucket, key, generation: Generation::from_counter(1), change, actor: None };
        let (catalog, render) = (Arc::new(UnusedCatalog), Arc::new(UnusedEngine));
        let flow = Flow { store: Arc::new(store), catalog, render, settings: Arc::new(settings) };
        let ended = outcome_of_earlier_attempt(&flow, &event, &photo).await;
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
