//! The first step: what an event asks for, told from its key and change alone.

use crate::model::{
    event::{Change, Event},
    key::{PhotoId, UploadKey},
    outcome::{Fate, Outcome},
    reason::ReasonCode,
};

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Render this original.
    Render {
        /// Which photo its key names.
        photo: PhotoId,
        /// `ETag` of the content that the event tells of.
        etag: String,
        /// Its length in bytes, as the event tells it.
        size: u64,
    },
    /// Nothing is to be rendered: this is what became of it.
    Decided(Outcome),
    /// Not ours: acknowledge it.
    Nothing,
}

/// Tells what an event asks for.
pub fn receive(event: &Event, upload_bucket: &str) -> Intent {
    if event.bucket != upload_bucket {
        return Intent::Nothing;
    }
    let decided = |fate| Intent::Decided(outcome(event, fate));
    match (UploadKey::parse(&event.key), &event.change) {
        (UploadKey::Plain, _) => Intent::Nothing,
        (_, Change::Removed) => decided(Fate::Removed),
        (UploadKey::Photo(photo), Change::Created { etag, size }) => {
            Intent::Render { photo, etag: etag.clone(), size: *size }
        }
        (UploadKey::Ignored, Change::Created { .. }) => decided(Fate::Ignored),
        (UploadKey::Unparseable { hint }, Change::Created { .. }) => {
            decided(Fate::Rejected { reason: ReasonCode::NameUnparseable, detail: hint })
        }
    }
}

/// The outcome of an event.
pub fn outcome(event: &Event, fate: Fate) -> Outcome {
    let (etag, size) = match &event.change {
        Change::Created { etag, size } => (etag.clone(), Some(*size)),
        Change::Removed => (String::new(), None),
    };
    let Event { key, generation, actor, .. } = event;
    Outcome { key: key.clone(), generation: generation.clone(), etag, size, actor: actor.clone(), fate }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{actor::Actor, generation::Generation};

    fn event(bucket: &str, key: &str, change: Change) -> Event {
        Event { bucket: bucket.into(), key: key.into(), generation: Generation::from_counter(1), change, actor: None }
    }

    fn created() -> Change {
        Change::Created { etag: "e".into(), size: 9 }
    }

    #[test]
    fn names_decide_what_is_rendered() {
        let asked = |key| receive(&event("up", key, created()), "up");
        assert!(matches!(asked("origin/v/1_0.jpg"), Intent::Render { size: 9, .. }));
        assert!(matches!(asked("origin/v/.DS_Store"), Intent::Decided(Outcome { fate: Fate::Ignored, .. })));
        let Intent::Decided(Outcome { fate: Fate::Rejected { reason, detail }, .. }) = asked("origin/v/1_0.JPG") else {
            panic!("rejected by name");
        };
        assert_eq!(reason, ReasonCode::NameUnparseable);
        assert!(detail.contains("1_0.jpg"));
        assert_eq!(asked("readme.txt"), Intent::Nothing);
    }

    #[test]
    fn other_buckets_are_not_ours() {
        assert_eq!(receive(&event("images", "origin/v/1_0.jpg", created()), "up"), Intent::Nothing);
    }

    #[test]
    fn a_removal_is_decided_without_a_look_at_the_store() {
        let asked = receive(&event("up", "origin/v/1_0.jpg", Change::Removed), "up");
        assert!(matches!(asked, Intent::Decided(Outcome { fate: Fate::Removed, .. })));
    }

    #[test]
    fn an_outcome_carries_who_made_the_change_and_how_long_the_original_is() {
        let event = Event { actor: Actor::new("AKIA"), ..event("up", "origin/v/1_0.JPG", created()) };
        let Intent::Decided(outcome) = receive(&event, "up") else { panic!("rejected by name") };
        assert_eq!((outcome.size, outcome.actor.as_ref().map(Actor::as_str)), (Some(9), Some("AKIA")));
    }
}
