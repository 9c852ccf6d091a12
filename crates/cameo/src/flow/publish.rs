//! Publishing the renditions of an original: conditional, so that an older original never overwrites a newer one.
//!
//! Each rendition carries, as metadata, what it was made from: the generation and the `ETag` of the original, the digest
//! of the size set and the names of its image sizes. So whoever comes after a crash, with other settings, knows what
//! else an earlier attempt may have left.

use std::collections::BTreeSet;

use bytes::Bytes;
use cameo_image::Rendition;

use super::{
    Flow, NamedSizeSet,
    rendition_metadata::{
        EARLIER_MAX_BYTES, EARLIER_METADATA, MadeFrom, ORIGINAL_METADATA, SIZE_METADATA, SIZE_SET_METADATA,
        SIZES_METADATA, earlier_sizes, newest, original_of, sizes_of_set,
    },
    went_back::pass,
};
use crate::{
    failpoint::{Point, reached},
    model::{
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::PhotoId,
        outcome::{Fate, PublishedRendition},
    },
    store::{Attributes, Condition, GENERATION_METADATA, NewObject, ObjectInfo, Written},
};

/// How often a write is tried again because somebody else wrote in between.
pub const CONFLICTS_MAX: u32 = 10;

/// Media type of originals and renditions.
pub const JPEG: &str = "image/jpeg";

/// How publishing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The renditions are in the image bucket.
    Done {
        /// The generation that they carry: the original's, unless it had to be [lifted](Generation::lifted).
        generation: Generation,
        /// One for each image size of the set, in its order.
        renditions: Vec<PublishedRendition>,
        /// Further image sizes of which earlier attempts may have left renditions.
        earlier_sizes: Vec<String>,
    },
    /// A rendition of a newer original is in the place of one.
    Superseded,
}

/// Publishes the renditions of a photo together. Those whose keys changed in between are looked at again. Where each look is a request of
/// its own, a first publication is tried without one.
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
    let unseen = if flow.store.writes_first() {
        publish_unseen(flow, &mut waiting, &generation).await?
    } else {
        Unseen::default()
    };
    if unseen.is_all {
        let renditions = waiting.into_iter().zip(unseen.written).map(|(publication, info)| publication.published(info));
        return Ok(Published::Done { generation, renditions: renditions.collect(), earlier_sizes: Vec::new() });
    }
    for _ in 0..CONFLICTS_MAX {
        // Each time round: a condition that did not hold means that somebody wrote since the last look, perhaps of a newer generation.
        let keys: Vec<_> = waiting.iter().map(|publication| publication.object.key.as_str()).collect();
        let found = flow.store.head_all(bucket, &keys).await?;
        let named = |info| sizes_of_set(info).into_iter().chain(earlier_sizes(info));
        earlier.extend(found.iter().flatten().flat_map(named));
        // What this set has too is replaced or named by a row; only the others would be found by nobody.
        earlier.retain(|name| !made_from.has(name));
        if let Some(newer) = newest(found.iter().flatten()).filter(|(newest, _)| *newest > generation) {
            let Some(lifted) = pass(flow, photo, made_from, newer).await? else {
                withdraw(flow, photo, made_from, (&unseen.written, &found)).await?;
                return Ok(Published::Superseded);
            };
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
        // Those that are written stay written. Should the next look find a newer generation, they carry it too, or are its own to replace.
        waiting = changed;
    }
    let keys: Vec<_> = waiting.iter().map(|publication| publication.object.key.as_str()).collect();
    let doing = format!("publish {}: it changed {CONFLICTS_MAX} times in between", keys.join(", "));
    Err(Error::new(Place::Store, Kind::Conflict, doing))
}

/// What came of publishing without a look.
#[derive(Debug, Default)]
struct Unseen {
    /// Whether all of it was written: there was nothing before it. Then `written` is in the order of the renditions.
    is_all: bool,
    /// What was written.
    written: Vec<ObjectInfo>,
}

/// Publishes on the condition that nothing is at any key. One rendition goes first, the shortest: where a photo is replaced, it alone is
/// sent in vain. What was written beside others that were refused is looked at with them, and written again as one with them.
async fn publish_unseen(flow: &Flow, all: &mut [Publication], generation: &Generation) -> Result<Unseen> {
    let bucket = &flow.settings.image_bucket;
    for publication in &mut *all {
        publication.carry(generation, &BTreeSet::new());
    }
    let Some(lead) = (0..all.len()).min_by_key(|at| all[*at].object.body.len()) else { return Ok(Unseen::default()) };
    let mut written = vec![None; all.len()];
    let others = (0..all.len()).filter(|at| *at != lead).collect();
    for round in [vec![lead], others] {
        let objects = round.iter().map(|at| all[*at].object.clone()).collect();
        for (at, done) in round.into_iter().zip(flow.store.put_all(bucket, objects).await?) {
            if let Written::Done(info) = done {
                reached(Point::RenditionPublished);
                written[at] = Some(info);
            }
        }
        if written[lead].is_none() {
            break;
        }
    }
    Ok(Unseen { is_all: written.iter().all(Option::is_some), written: written.into_iter().flatten().collect() })
}

/// Removes what was written without a look although a newer original is published, as far as it is still there: at an image size that the
/// newer one does not have, or no longer, nobody would publish over it and no message would name it.
async fn withdraw(
    flow: &Flow,
    photo: &PhotoId,
    made_from: MadeFrom<'_>,
    (written, found): (&[ObjectInfo], &[Option<ObjectInfo>]),
) -> Result<()> {
    let is_ours = |info: &&ObjectInfo| {
        written.iter().any(|written| written.key == info.key)
            && info.made_from().as_ref() == Some(made_from.generation)
            && original_of(info) == Some(made_from.etag)
    };
    let left: Vec<_> = found.iter().flatten().filter(is_ours).collect();
    if left.is_empty() {
        return Ok(());
    }
    for info in left {
        flow.store.delete(&flow.settings.image_bucket, &info.key, &info.validator()).await?;
    }
    look_again(flow, &photo.origin_key(), made_from.etag).await
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

/// An error where the same bytes were uploaded again meanwhile: what that upload published has the same `ETag`s, so it may
/// have been deleted just now. The event is tried again, finds its bytes, and publishes what is missing.
pub(super) async fn look_again(flow: &Flow, key: &str, etag: &str) -> Result<()> {
    match flow.store.head(&flow.settings.upload_bucket, key).await? {
        Some(original) if original.etag == etag => {
            let doing = format!("take down what is left of {key}: its bytes were uploaded again in the meantime");
            Err(Error::new(Place::Store, Kind::Conflict, doing))
        }
        _ => Ok(()),
    }
}

/// That nothing has changed since `current` was looked at.
pub fn condition_on(current: Option<&ObjectInfo>) -> Condition {
    current.map_or(Condition::Absent, |info| Condition::Matches(info.validator()))
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
