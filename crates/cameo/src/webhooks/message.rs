//! Messages: what each says, and its id, which comes from what it is about.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    client::wire::ChangeView,
    clock::to_millis,
    ledger::history::{ChangeKind, HistoryLine},
    model::webhook::{EventType, Message, MessageState, TEST_TYPE, Watch},
};

/// What the id of every message begins with.
pub const ID_PREFIX: &str = "msg_";
/// Bytes of a digest that an id has.
const ID_BYTES: usize = 16;

/// The body of a message.
#[derive(Debug, Serialize)]
struct Body<'b, D> {
    #[serde(rename = "type")]
    kind: &'b str,
    timestamp: Timestamp,
    data: D,
}

/// What is to be sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The message's id.
    pub id: String,
    /// The type of the event.
    pub kind: &'static str,
    /// When the event happened.
    pub at: Timestamp,
    /// The body.
    pub payload: String,
}

impl Draft {
    fn new(id_of: &str, kind: &'static str, at: Timestamp, data: impl Serialize) -> Self {
        let digest = Sha256::digest(format!("{kind}\n{id_of}"));
        let id = format!("{ID_PREFIX}{}", hex::encode(&digest[..ID_BYTES]));
        // Bodies have nothing that cannot be written.
        let payload = serde_json::to_string(&Body { kind, timestamp: at, data }).unwrap_or_default();
        Self { id, kind, at, payload }
    }

    /// What a line of the history says by itself; the delivery is the one that its upload came with.
    pub fn of_line(line: &HistoryLine, delivery: Option<String>) -> Option<(EventType, Self)> {
        let event = event_of(line)?;
        let change = &line.change;
        let id_of = format!("{}\n{}\n{}\n{}", line.position, to_millis(change.at), change.generation, change.key);
        Some((event, Self::new(&id_of, event.as_str(), change.at, ChangeView::of(line, delivery))))
    }

    /// What was found of something that is watched.
    pub fn of_watch(watch: &Watch, event: EventType, outcome: &str, now: Timestamp, data: impl Serialize) -> Self {
        let id_of = format!("{}\n{}\n{}\n{outcome}", watch.subject, watch.position, to_millis(watch.touched));
        Self::new(&id_of, event.as_str(), now, data)
    }

    /// A test, which nobody asked for but the person who looks at the answer.
    pub fn test(webhook: &str, id_of: &str, now: Timestamp) -> Self {
        let text = "This is a test of the webhook. 웹훅 시험입니다.";
        Self::new(id_of, TEST_TYPE, now, serde_json::json!({ "webhook": webhook, "message": text }))
    }

    /// The message to an endpoint.
    pub fn to(self, webhook: &str, now: Timestamp) -> Message {
        Message {
            webhook: webhook.to_owned(),
            id: self.id,
            kind: self.kind.to_owned(),
            payload: self.payload,
            created_at: now,
            state: MessageState::Pending,
            tries: 0,
            first_try: None,
            next: Some(now),
            ended: None,
        }
    }
}

/// The event that a line is by itself.
pub fn event_of(line: &HistoryLine) -> Option<EventType> {
    let change = &line.change;
    match change.change {
        ChangeKind::Rejected => Some(EventType::OriginalRejected),
        ChangeKind::Replaced => Some(EventType::ImageReplaced),
        // What was never served, such as a rejected original that is deleted, takes no image down.
        ChangeKind::Removed if !change.image_sizes.is_empty() => Some(EventType::ImageRemoved),
        ChangeKind::Removed | ChangeKind::Registered | ChangeKind::Repeated => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        ledger::history::HistoryChange,
        model::{generation::Generation, reason::ReasonCode},
    };

    fn line(position: u64, kind: ChangeKind, sizes: &[&str]) -> HistoryLine {
        let change = HistoryChange {
            at: Timestamp::from_second(1_700_000_000).unwrap(),
            key: "origin/eye/1_0.jpg".into(),
            vertical: Some("eye".parse().unwrap()),
            cd_idx: Some(1),
            sequence: Some(0),
            change: kind,
            generation: Generation::new("1".to_owned()),
            etag: "e".into(),
            size: Some(3),
            reason: (kind == ChangeKind::Rejected).then_some(ReasonCode::FileTruncated),
            detail: None,
            actor: None,
            image_sizes: sizes.iter().map(|size| (*size).to_owned()).collect(),
        };
        HistoryLine { position, change }
    }

    #[test]
    fn a_line_is_the_same_message_each_time_and_no_other_line_is_it() {
        let of = |line: &HistoryLine| Draft::of_line(line, None).unwrap().1;
        let rejected = line(7, ChangeKind::Rejected, &[]);
        assert_eq!(of(&rejected), of(&rejected));
        assert_ne!(of(&rejected).id, of(&line(8, ChangeKind::Rejected, &[])).id);
        assert_ne!(of(&rejected).id, of(&line(7, ChangeKind::Replaced, &["sq"])).id);
        // A database that was put back gives the position to something else.
        let mut other = rejected.clone();
        other.change.generation = Generation::new("2".to_owned());
        assert_ne!(of(&rejected).id, of(&other).id);
        assert!(of(&rejected).id.starts_with("msg_") && of(&rejected).id.len() == 36);
    }

    #[test]
    fn the_body_is_as_the_convention_has_it() {
        let (event, draft) = Draft::of_line(&line(7, ChangeKind::Rejected, &[]), Some("20261126-k3f9".into())).unwrap();
        assert_eq!(event, EventType::OriginalRejected);
        assert!(
            draft.payload.starts_with(r#"{"type":"original.rejected","timestamp":"2023-11-14T22:13:20Z","data":{"#)
        );
        let body: Value = serde_json::from_str(&draft.payload).unwrap();
        assert_eq!((&body["data"]["position"], &body["data"]["reason"]), (&7.into(), &"file.truncated".into()));
        assert_eq!((&body["data"]["cd_idx"], &body["data"]["delivery"]), (&1.into(), &"20261126-k3f9".into()));
    }

    #[test]
    fn only_what_takes_images_down_is_a_removal() {
        let event = |kind, sizes: &[&str]| event_of(&line(1, kind, sizes));
        assert_eq!(event(ChangeKind::Removed, &["sq"]), Some(EventType::ImageRemoved));
        assert_eq!(event(ChangeKind::Removed, &[]), None);
        assert_eq!(event(ChangeKind::Registered, &["sq"]), None);
        assert_eq!(event(ChangeKind::Repeated, &["sq"]), None);
        assert_eq!(event(ChangeKind::Replaced, &["sq"]), Some(EventType::ImageReplaced));
    }
}
