//! What comes after an attempt: a pure function of the message, the answer and the time.

use std::time::Duration;

use jiff::Timestamp;

use super::Settings;
use crate::model::webhook::{Message, MessageState};

/// A wait that an endpoint asks for (`Retry-After`) counts up to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);
/// How much a wait may be longer or shorter than it says, so that what failed together does not come again together.
pub const JITTER: f64 = 0.1;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With 2xx.
    Well,
    /// Otherwise; the endpoint may have asked to be left alone for a time.
    Badly {
        /// For how long.
        retry_after: Option<Duration>,
    },
}

/// The message after an attempt that began at a time; `jitter` is from -1 to 1.
pub fn after(message: &Message, ended: Ended, began: Timestamp, settings: &Settings, jitter: f64) -> Message {
    let first = message.first_try.unwrap_or(began);
    let tries = message.tries.saturating_add(1);
    let tried = Message { tries, first_try: Some(first), ..message.clone() };
    let over = |state| Message { state, next: None, ended: Some(began), ..tried.clone() };
    let Ended::Badly { retry_after } = ended else { return over(MessageState::Delivered) };
    let last = first.checked_add(settings.give_up).unwrap_or(Timestamp::MAX);
    let wait = settings.retry.get(tries as usize - 1).map(|wait| wait.mul_f64(1.0 + JITTER * jitter.clamp(-1.0, 1.0)));
    match wait {
        Some(wait) if began < last => {
            let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
            let next = began.checked_add(wait.max(asked)).unwrap_or(last).min(last);
            Message { next: Some(next), ..tried }
        }
        _ => over(MessageState::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::webhook::EventType;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn message() -> Message {
        Message {
            webhook: "wh_a".into(),
            id: "msg_a".into(),
            kind: EventType::ImageRemoved.to_string(),
            payload: "{}".into(),
            created_at: at(0),
            state: MessageState::Pending,
            tries: 0,
            first_try: None,
            next: Some(at(0)),
            ended: None,
        }
    }

    const BADLY: Ended = Ended::Badly { retry_after: None };

    #[test]
    fn an_endpoint_that_is_away_is_tried_ten_times_in_three_days() {
        for jitter in [-1.0, 0.0, 1.0] {
            let (settings, mut message, mut waits) = (Settings::default(), message(), Vec::new());
            while let Some(now) = message.next {
                message = after(&message, BADLY, now, &settings, jitter);
                waits.extend(message.next.map(|next| next.duration_since(now).as_secs()));
            }
            assert_eq!((message.state, message.tries), (MessageState::Failed, 10), "{waits:?}");
            assert!(waits.is_sorted() || jitter > 0.0, "{waits:?}");
            let whole: i64 = waits.iter().sum();
            assert!((64 * 3600..=72 * 3600).contains(&whole), "{whole} s: {waits:?}");
            assert!((4..=6).contains(&waits[0]) && (270..=330).contains(&waits[1]), "{waits:?}");
        }
    }

    #[test]
    fn what_was_answered_well_is_over_and_a_wait_that_is_asked_for_is_kept_to_its_limit() {
        let settings = Settings::default();
        let well = after(&message(), Ended::Well, at(7), &settings, 0.0);
        assert_eq!((well.state, well.next, well.ended, well.tries), (MessageState::Delivered, None, Some(at(7)), 1));
        let asked = |seconds| Ended::Badly { retry_after: Some(Duration::from_secs(seconds)) };
        assert_eq!(after(&message(), asked(90), at(0), &settings, 0.0).next, Some(at(90)));
        assert_eq!(after(&message(), asked(1), at(0), &settings, 0.0).next, Some(at(5)), "never sooner for it");
        assert_eq!(after(&message(), asked(u64::MAX), at(0), &settings, 0.0).next, Some(at(24 * 3600)));
    }

    #[test]
    fn a_replayed_message_has_three_days_again() {
        let settings = Settings::default();
        let replayed = Message { next: Some(at(1_000_000)), ..message() };
        let again = after(&replayed, BADLY, at(1_000_000), &settings, 0.0);
        assert_eq!((again.state, again.next), (MessageState::Pending, Some(at(1_000_005))));
    }
}
