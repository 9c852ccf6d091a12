//! What every keeper of webhooks must do, whatever its backend.

use jiff::{SignedDuration, Timestamp};

use super::{Catalog, Fixture};
use crate::{
    catalog::webhooks::{Past, Replay},
    model::{
        token::Verticals,
        webhook::{
            Attempt, Because, EventType, Events, Message, MessageState, TEST_TYPE, Watch, Webhook, WebhookHealth,
            WebhookSecret,
        },
    },
};

/// Runs every check.
pub(super) async fn check_all(fixture: &dyn Fixture) {
    an_endpoint_comes_back_as_it_was(fixture).await;
    a_change_is_made_once_and_leaves_the_rest(fixture).await;
    a_step_is_done_once_however_often_it_is_repeated(fixture).await;
    messages_are_due_until_they_end(fixture).await;
    what_is_replayed_is_due_as_if_never_tried(fixture).await;
    lists_are_newest_first_in_pages(fixture).await;
    watches_are_due_and_replaced(fixture).await;
    the_lease_is_one_owners_at_a_time(fixture).await;
    what_ended_is_forgotten_and_what_is_pending_is_not(fixture).await;
    nothing_is_left_of_a_removed_endpoint(fixture).await;
}

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + second)
}

fn webhook(position: u64) -> Webhook {
    Webhook::new("https://receiver.example/in?key=가", "somebody 이름 \\'\"", position, at(0))
}

async fn added(catalog: &dyn Catalog, position: u64) -> Webhook {
    let webhook = webhook(position);
    catalog.add_webhook(&webhook).await.expect("a webhook");
    webhook
}

fn message(webhook: &Webhook, id: &str, second: i64) -> Message {
    Message {
        webhook: webhook.id.clone(),
        id: id.to_owned(),
        kind: EventType::ImageRemoved.as_str().to_owned(),
        payload: format!("{{\"id\":\"{id}\",\"text\":\"김 \\\\ ' \u{1F600}\"}}"),
        created_at: at(second),
        state: MessageState::Pending,
        tries: 0,
        first_try: None,
        next: Some(at(second)),
        ended: None,
    }
}

fn watch(webhook: &Webhook, subject: &str, due: Option<i64>) -> Watch {
    Watch {
        webhook: webhook.id.clone(),
        subject: subject.to_owned(),
        position: 3,
        touched: at(1),
        due: due.map(at),
        outcome: None,
    }
}

fn ids(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.id.as_str()).collect()
}

async fn due(catalog: &dyn Catalog, webhook: &Webhook, second: i64) -> Vec<String> {
    let due = catalog.due_webhook_messages(&webhook.id, at(second), 100).await.expect("messages");
    due.into_iter().map(|message| message.id).collect()
}

async fn an_endpoint_comes_back_as_it_was(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    assert_eq!(catalog.webhooks().await.expect("webhooks"), []);
    let full = Webhook {
        description: "접수 '시스템'".to_owned(),
        events: Events::only_or_all([EventType::DeliveryFailed, EventType::OriginalRejected]),
        verticals: Verticals::only_or_all(["가나", "eye-2"].map(|name| name.parse().expect("a vertical"))),
        old_secret: Some((WebhookSecret::generate(), at(50))),
        version: 7,
        disabled: Some((at(9), Because::Gone)),
        health: WebhookHealth {
            failing_since: Some(at(3)),
            last_success: Some(at(2)),
            last_error: Some("연결 거부 refused".to_owned()),
        },
        ..webhook(41)
    };
    let mut made = vec![full, webhook(0)];
    for webhook in &made {
        catalog.add_webhook(webhook).await.expect("a webhook");
        assert_eq!(catalog.webhook(&webhook.id).await.expect("a look"), Some(webhook.clone()));
    }
    made.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(catalog.webhooks().await.expect("webhooks"), made);
    assert_eq!(catalog.webhook("wh_none").await.expect("a look"), None);
}

async fn a_change_is_made_once_and_leaves_the_rest(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let made = added(&*catalog, 5).await;
    let health = WebhookHealth { failing_since: Some(at(4)), ..WebhookHealth::default() };
    catalog.note_webhook_health(&made.id, &health).await.expect("a note");
    assert!(catalog.advance_webhook(&made.id, (5, 6), &[], &[]).await.expect("a step"));
    let changed = Webhook {
        url: "http://10.0.0.1/".to_owned(),
        description: "new".to_owned(),
        events: Events::only_or_all([EventType::ImageReplaced]),
        verticals: Verticals::only_or_all(["eye".parse().expect("a vertical")]),
        secret: WebhookSecret::generate(),
        old_secret: Some((made.secret.clone(), at(99))),
        disabled: Some((at(8), Because::Failing)),
        // What a change must not touch.
        position: 0,
        created_by: "nobody".to_owned(),
        ..made.clone()
    };
    assert!(catalog.change_webhook(&changed).await.expect("a change"));
    assert!(!catalog.change_webhook(&changed).await.expect("an answer"), "it was read before the change");
    let kept = Webhook { version: 1, position: 6, created_by: made.created_by.clone(), health, ..changed };
    assert_eq!(catalog.webhook(&made.id).await.expect("a look"), Some(kept.clone()));
    let back = Webhook { version: 1, ..made };
    assert!(catalog.change_webhook(&back).await.expect("a change"));
    let expected = Webhook { version: 2, position: 6, health: kept.health, ..back };
    assert_eq!(catalog.webhook(&expected.id).await.expect("a look"), Some(expected));
    assert!(!catalog.change_webhook(&webhook(0)).await.expect("an answer"));
}

async fn a_step_is_done_once_however_often_it_is_repeated(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let (made, other) = (added(&*catalog, 10).await, added(&*catalog, 10).await);
    let messages: Vec<_> = (0..250).map(|n| message(&made, &format!("msg_{n:03}"), n)).collect();
    // Cut off behind its messages, as a server may leave it; and again from the start.
    catalog.add_webhook_messages(&messages[..3]).await.expect("messages");
    let sent =
        Message { state: MessageState::Delivered, tries: 1, next: None, ended: Some(at(9)), ..messages[0].clone() };
    catalog.note_webhook_attempt(&Attempt::begin(&sent, at(9)), &sent).await.expect("a note");
    let watches = [watch(&made, "entity eye 1", Some(7)), watch(&made, "delivery eye 20261126-k3f9", None)];
    assert!(catalog.advance_webhook(&made.id, (10, 14), &messages, &watches).await.expect("a step"));
    assert!(!catalog.advance_webhook(&made.id, (10, 14), &messages, &[]).await.expect("an answer"));
    assert_eq!(catalog.webhook(&made.id).await.expect("a look").map(|webhook| webhook.position), Some(14));
    assert_eq!(catalog.webhook_message(&made.id, "msg_000").await.expect("a look"), Some(sent), "it was sent already");
    assert_eq!(catalog.count_pending_webhook_messages(&made.id).await.expect("a count"), 249);
    assert_eq!(catalog.webhook_watch(&made.id, "entity eye 1").await.expect("a look").as_ref(), Some(&watches[0]));
    // What one endpoint has is not another's, though its messages are called alike.
    assert_eq!(due(&*catalog, &other, 1000).await, Vec::<String>::new());
    let same = message(&other, "msg_001", 2);
    catalog.add_webhook_messages(&[same.clone(), same]).await.expect("messages");
    assert_eq!(due(&*catalog, &other, 1000).await, ["msg_001"]);
    assert!(!catalog.advance_webhook("wh_none", (0, 1), &[], &[]).await.expect("an answer"));
}

async fn messages_are_due_until_they_end(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let made = added(&*catalog, 0).await;
    let (a, b) = (message(&made, "msg_a", 5), message(&made, "msg_b", 3));
    catalog.add_webhook_messages(&[a.clone(), b.clone()]).await.expect("messages");
    assert_eq!(due(&*catalog, &made, 4).await, ["msg_b"]);
    assert_eq!(due(&*catalog, &made, 5).await, ["msg_b", "msg_a"], "what waits longest comes first");
    assert_eq!(catalog.due_webhook_messages(&made.id, at(5), 1).await.expect("messages"), std::slice::from_ref(&b));
    let later = Message { tries: 1, first_try: Some(at(5)), next: Some(at(65)), ..b };
    let attempt = Attempt {
        status: Some(503),
        error: Some("the answer is 503".to_owned()),
        answer: Some("나중에".to_owned()),
        duration_ms: 17,
        next: Some(at(65)),
        ..Attempt::begin(&later, at(5))
    };
    catalog.note_webhook_attempt(&attempt, &later).await.expect("a note");
    assert_eq!(catalog.webhook_message(&made.id, "msg_b").await.expect("a look"), Some(later));
    assert_eq!(catalog.webhook_attempts(&made.id, None, 10).await.expect("attempts"), [attempt]);
    assert_eq!(due(&*catalog, &made, 64).await, ["msg_a"]);
    let gone = Message { state: MessageState::Failed, tries: 1, next: None, ended: Some(at(6)), ..a };
    catalog.note_webhook_attempt(&Attempt::begin(&gone, at(6)), &gone).await.expect("a note");
    assert_eq!(due(&*catalog, &made, 1000).await, ["msg_b"]);
    assert_eq!(catalog.count_pending_webhook_messages(&made.id).await.expect("a count"), 1);
    assert_eq!(catalog.webhook_message(&made.id, "msg_none").await.expect("a look"), None);
}

async fn what_is_replayed_is_due_as_if_never_tried(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let made = added(&*catalog, 0).await;
    let ended = |id: &str, second, state| Message {
        state,
        tries: 4,
        first_try: Some(at(second)),
        next: None,
        ended: Some(at(second + 1)),
        ..message(&made, id, second)
    };
    let messages = [
        ended("msg_a", 1, MessageState::Delivered),
        ended("msg_b", 2, MessageState::Failed),
        ended("msg_c", 3, MessageState::Delivered),
        Message { kind: TEST_TYPE.to_owned(), ..ended("msg_d", 4, MessageState::Delivered) },
    ];
    catalog.add_webhook_messages(&messages).await.expect("messages");
    let replay = async |which| catalog.replay_webhook_messages(&made.id, which, at(50)).await.expect("a replay");
    assert_eq!(replay(Replay::Message("msg_none")).await, 0);
    assert_eq!(replay(Replay::Message("msg_a")).await, 1);
    let again = Message { next: Some(at(50)), ..message(&made, "msg_a", 1) };
    assert_eq!(catalog.webhook_message(&made.id, "msg_a").await.expect("a look"), Some(again));
    assert_eq!(due(&*catalog, &made, 50).await, ["msg_a"]);
    assert_eq!(replay(Replay::Since(at(2))).await, 2, "a test is nobody's event");
    assert_eq!(due(&*catalog, &made, 50).await, ["msg_a", "msg_b", "msg_c"]);
}

async fn lists_are_newest_first_in_pages(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let (made, other) = (added(&*catalog, 0).await, added(&*catalog, 0).await);
    // Several of one moment.
    let messages: Vec<_> = (0..7).map(|n| message(&made, &format!("msg_{n}"), i64::from(n) / 3)).collect();
    catalog.add_webhook_messages(&messages).await.expect("messages");
    catalog.add_webhook_messages(&[message(&other, "msg_x", 1)]).await.expect("messages");
    for message in &messages {
        let attempt = Attempt { id: format!("a_{}", message.id), ..Attempt::begin(message, message.created_at) };
        catalog.note_webhook_attempt(&attempt, message).await.expect("a note");
    }
    let (mut seen, mut tried) = (Vec::<Message>::new(), Vec::<Attempt>::new());
    loop {
        let before = seen.last().map(|last| (last.created_at, last.id.clone()));
        let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
        let page = catalog.webhook_messages(&made.id, before, 2).await.expect("messages");
        if page.is_empty() {
            break;
        }
        seen.extend(page);
        let before = tried.last().map(|last| (last.at, last.id.clone()));
        let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
        tried.extend(catalog.webhook_attempts(&made.id, before, 2).await.expect("attempts"));
    }
    let newest_first = ["msg_6", "msg_5", "msg_4", "msg_3", "msg_2", "msg_1", "msg_0"];
    assert_eq!(ids(&seen), newest_first);
    assert_eq!(tried.iter().map(|attempt| attempt.message.as_str()).collect::<Vec<_>>(), newest_first);
}

async fn watches_are_due_and_replaced(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let made = added(&*catalog, 0).await;
    let due = async |second| catalog.due_webhook_watches(&made.id, at(second), 10).await.expect("watches");
    let (late, early) = (watch(&made, "entity eye 1", Some(9)), watch(&made, "entity 가나 2", Some(7)));
    let idle = Watch { outcome: Some("completed 가".to_owned()), ..watch(&made, "delivery eye 1", None) };
    for watch in [&late, &early, &idle, &early] {
        catalog.put_webhook_watch(watch).await.expect("a watch");
    }
    assert_eq!(due(6).await, []);
    assert_eq!(due(9).await, [early.clone(), late.clone()]);
    assert_eq!(catalog.webhook_watch(&made.id, "delivery eye 1").await.expect("a look"), Some(idle.clone()));
    let later = Watch { position: 9, touched: at(5), due: Some(at(20)), outcome: Some("x".to_owned()), ..early };
    catalog.put_webhook_watch(&later).await.expect("a watch");
    assert_eq!(due(9).await, std::slice::from_ref(&late));
    assert_eq!(catalog.webhook_watch(&made.id, &later.subject).await.expect("a look"), Some(later));
    catalog.remove_webhook_watch(&made.id, &late.subject).await.expect("a change");
    assert_eq!(due(9).await, []);
    assert_eq!(catalog.webhook_watch(&made.id, &late.subject).await.expect("a look"), None);
}

async fn the_lease_is_one_owners_at_a_time(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let lease = async |owner, now, until| catalog.lease_webhooks(owner, at(now), at(until)).await.expect("an answer");
    let at_once = futures::future::join_all(["a", "b", "c", "d"].map(|owner| lease(owner, 0, 10))).await;
    assert_eq!(at_once.iter().filter(|has| **has).count(), 1, "{at_once:?}");
    let holder = ["a", "b", "c", "d"][at_once.iter().position(|has| *has).expect("a holder")];
    assert!(!lease("e", 9, 19).await);
    assert!(lease(holder, 9, 19).await, "whoever has it prolongs it");
    assert!(!lease("e", 18, 28).await);
    assert!(lease("e", 20, 30).await, "it has ended");
    assert!(!lease(holder, 21, 31).await);
}

async fn what_ended_is_forgotten_and_what_is_pending_is_not(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let (made, other) = (added(&*catalog, 0).await, added(&*catalog, 0).await);
    let ended = |webhook: &Webhook, n: i64| Message {
        state: MessageState::Delivered,
        next: None,
        ..message(webhook, &format!("msg_{n}"), n)
    };
    let mut messages: Vec<_> = (0..6).map(|n| ended(&made, n)).collect();
    messages.push(message(&made, "msg_pending", 0));
    messages.push(ended(&other, 0));
    catalog.add_webhook_messages(&messages).await.expect("messages");
    for message in &messages {
        let attempt = Attempt::begin(message, message.created_at);
        catalog.note_webhook_attempt(&attempt, message).await.expect("a note");
    }
    for watch in [watch(&made, "entity eye 1", None), watch(&made, "entity eye 2", Some(1))] {
        catalog.put_webhook_watch(&watch).await.expect("a watch");
    }
    let left = async || {
        let messages = catalog.webhook_messages(&made.id, None, 10).await.expect("messages");
        let attempts = catalog.webhook_attempts(&made.id, None, 10).await.expect("attempts");
        (messages.len(), attempts.len())
    };
    let past = |before, kept_max| Past { before: at(before), kept_max, watches_before: at(1) };
    assert_eq!(catalog.forget_webhook_past(&made.id, past(0, 10)).await.expect("a count"), 0);
    assert_eq!(catalog.forget_webhook_past(&made.id, past(2, 10)).await.expect("a count"), 2 + 3);
    assert_eq!(left().await, (5, 4));
    assert_eq!(catalog.forget_webhook_past(&made.id, past(0, 3)).await.expect("a count"), 1 + 1);
    assert_eq!(left().await, (4, 3));
    assert!(catalog.webhook_message(&made.id, "msg_pending").await.expect("a look").is_some());
    let all = Past { before: at(100), kept_max: 1, watches_before: at(100) };
    assert_eq!(catalog.forget_webhook_past(&made.id, all).await.expect("a count"), 3 + 3 + 1);
    assert!(catalog.webhook_watch(&made.id, "entity eye 2").await.expect("a look").is_some(), "it waits for something");
    assert!(catalog.webhook_message(&other.id, "msg_0").await.expect("a look").is_some());
}

async fn nothing_is_left_of_a_removed_endpoint(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let (made, other) = (added(&*catalog, 0).await, added(&*catalog, 0).await);
    for webhook in [&made, &other] {
        let message = message(webhook, "msg_a", 1);
        catalog.add_webhook_messages(std::slice::from_ref(&message)).await.expect("messages");
        catalog.note_webhook_attempt(&Attempt::begin(&message, at(1)), &message).await.expect("a note");
        catalog.put_webhook_watch(&watch(webhook, "entity eye 1", Some(1))).await.expect("a watch");
    }
    assert!(catalog.remove_webhook(&made.id).await.expect("a change"));
    assert!(!catalog.remove_webhook(&made.id).await.expect("an answer"));
    assert_eq!(catalog.webhook(&made.id).await.expect("a look"), None);
    assert_eq!(catalog.webhook_messages(&made.id, None, 10).await.expect("messages"), []);
    assert_eq!(catalog.webhook_attempts(&made.id, None, 10).await.expect("attempts"), []);
    assert_eq!(catalog.webhook_watch(&made.id, "entity eye 1").await.expect("a look"), None);
    assert_eq!(due(&*catalog, &other, 1).await, ["msg_a"]);
    assert!(catalog.webhook_watch(&other.id, "entity eye 1").await.expect("a look").is_some());
}
