//! From an event to an outcome: read the original, render it, publish what came of it.
//!
//! The outcome is returned only after every rendition is in the image bucket; the caller sends it and then deletes
//! the event. A step that is run twice publishes nothing twice.

use tracing::{debug, info};

use super::{
    Flow,
    publish::{Published, publish, rendered},
    receive::{Intent, outcome, receive},
    rendition_metadata::MadeFrom,
    superseded::outcome_of_earlier_attempt,
};
use crate::{
    failpoint::{Point, reached},
    model::{
        error::Result,
        event::Event,
        key::PhotoId,
        outcome::{Fate, Outcome},
        reason::ReasonCode,
    },
    render::Rejection,
    store::Opened,
};

/// Handles one event. None when there is nothing to register: it is not ours, or a newer change took its place.
pub async fn resize(flow: &Flow, event: &Event) -> Result<Option<Outcome>> {
    match receive(event, &flow.settings.upload_bucket) {
        Intent::Nothing => Ok(None),
        Intent::Decided(outcome) => Ok(Some(outcome)),
        Intent::Render { photo, size, .. } if size > flow.settings.max_original_bytes => {
            debug!(%photo, size, "too large");
            Ok(Some(outcome(event, too_large(size, flow.settings.max_original_bytes))))
        }
        Intent::Render { photo, etag, .. } => render(flow, event, &photo, &etag).await,
    }
}

async fn render(flow: &Flow, event: &Event, photo: &PhotoId, etag: &str) -> Result<Option<Outcome>> {
    let max_bytes = flow.settings.max_original_bytes;
    let original = flow.store.open(&event.bucket, &event.key, max_bytes).await?;
    let Some(original) = original.filter(|original| original.info.etag == etag) else {
        info!(%photo, generation = %event.generation, reason = %ReasonCode::Superseded, "a newer change took its place");
        return outcome_of_earlier_attempt(flow, event, photo).await;
    };
    reached(Point::OriginalRead);
    if original.info.size > max_bytes {
        return Ok(Some(outcome(event, too_large(original.info.size, max_bytes))));
    }
    render_and_publish(flow, event, photo, original).await
}

async fn render_and_publish(flow: &Flow, event: &Event, photo: &PhotoId, original: Opened) -> Result<Option<Outcome>> {
    let size_set = flow.settings.size_sets.of(&photo.entity.vertical);
    let made = match flow.render.render(original.content, &size_set.sizes).await? {
        Ok(made) => made,
        Err(Rejection { reason, detail, .. }) => return Ok(Some(outcome(event, Fate::Rejected { reason, detail }))),
    };
    reached(Point::Rendered);
    let made_from = MadeFrom { generation: &event.generation, etag: &original.info.etag, size_set };
    match publish(flow, photo, made_from, made.renditions).await? {
        Published::Done { generation, renditions, earlier_sizes } => {
            let fate = rendered(size_set, renditions, earlier_sizes);
            Ok(Some(Outcome { generation, ..outcome(event, fate) }))
        }
        Published::Superseded => {
            info!(%photo, generation = %event.generation, reason = %ReasonCode::Superseded, "a newer original is published");
            Ok(None)
        }
    }
}

fn too_large(size: u64, max_bytes: u64) -> Fate {
    let detail = format!("{size} bytes; at most {max_bytes} are allowed");
    Fate::Rejected { reason: ReasonCode::FileTooLarge, detail }
}
