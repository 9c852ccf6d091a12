//! From an event to an outcome: read the original, render it, publish what came of it.
//!
//! The outcome is returned only after every rendition stands in the image bucket; the caller sends it and then deletes
//! the event. A step that is run twice publishes nothing twice.

use tracing::{debug, info};

use super::{
    Flow,
    publish::{Published, publish},
    receive::{Asked, outcome, receive},
    superseded::fate_of_earlier_attempt,
};
use crate::{
    error::Result,
    event::Event,
    failpoint::{Point, reached},
    key::PhotoId,
    message::{Fate, Outcome, PublishedRendition},
    reason::ReasonCode,
    render::Rejection,
    store::Opened,
};

/// Handles one event. None when there is nothing to register: it is not ours, or a newer change took its place.
pub async fn resize(flow: &Flow, event: &Event) -> Result<Option<Outcome>> {
    match receive(event, &flow.settings.upload_bucket) {
        Asked::Nothing => Ok(None),
        Asked::Decided(outcome) => Ok(Some(outcome)),
        Asked::Render { photo, size, .. } if size > flow.settings.max_original_bytes => {
            debug!(%photo, size, "too large");
            Ok(Some(outcome(event, too_large(size, flow.settings.max_original_bytes))))
        }
        Asked::Render { photo, etag, .. } => render(flow, event, &photo, &etag).await,
    }
}

async fn render(flow: &Flow, event: &Event, photo: &PhotoId, etag: &str) -> Result<Option<Outcome>> {
    let max_bytes = flow.settings.max_original_bytes;
    let original = flow.store.open(&event.bucket, &event.key, max_bytes).await?;
    let Some(original) = original.filter(|original| original.info.etag == etag) else {
        info!(%photo, generation = %event.generation, reason = %ReasonCode::Superseded, "a newer change took its place");
        let earlier = fate_of_earlier_attempt(flow, event, photo).await?;
        return Ok(earlier.map(|fate| outcome(event, fate)));
    };
    reached(Point::OriginalRead);
    if original.info.size > max_bytes {
        return Ok(Some(outcome(event, too_large(original.info.size, max_bytes))));
    }
    let fate = render_and_publish(flow, event, photo, original).await?;
    Ok(fate.map(|fate| outcome(event, fate)))
}

async fn render_and_publish(flow: &Flow, event: &Event, photo: &PhotoId, original: Opened) -> Result<Option<Fate>> {
    let size_set = flow.settings.size_sets.of(&photo.entity.vertical);
    let rendered = match flow.render.render(original.content, &size_set.sizes).await? {
        Ok(rendered) => rendered,
        Err(Rejection { reason, detail, .. }) => return Ok(Some(Fate::Rejected { reason, detail })),
    };
    reached(Point::Rendered);
    match publish(flow, photo, &event.generation, rendered.renditions).await? {
        Published::Stand(renditions) => Ok(Some(rendered_fate(&size_set.label, renditions))),
        Published::Superseded => Ok(None),
    }
}

pub(super) fn rendered_fate(size_set: &str, renditions: Vec<PublishedRendition>) -> Fate {
    Fate::Rendered { size_set: size_set.to_owned(), engine: cameo_image::ENGINE_VERSION.to_owned(), renditions }
}

fn too_large(size: u64, max_bytes: u64) -> Fate {
    let detail = format!("{size} bytes; at most {max_bytes} are allowed");
    Fate::Rejected { reason: ReasonCode::FileTooLarge, detail }
}
