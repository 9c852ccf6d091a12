//! Webhooks as they are asked for and shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::{
    token::Verticals,
    webhook::{Attempt, Because, Events, Message, MessageState, Webhook},
};

/// An endpoint to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where messages are sent: `https://…`, without a user or a fragment.
    #[schema(max_length = 2048)]
    pub url: String,
    /// What it is, for people.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: String,
    /// The types of events that it gets; all of them where this is left out or null.
    #[serde(default)]
    #[schema(value_type = Option<Vec<crate::model::webhook::EventType>>)]
    pub events: Events,
    /// The verticals that it gets events of; all of them where this is left out or null.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Verticals,
    /// Whether it gets nothing yet.
    #[serde(default)]
    pub disabled: bool,
}

/// What is to be changed of an endpoint; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// Where messages are sent from now on, those that wait already included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2048)]
    pub url: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// The types of events that it gets; null for all of them.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<crate::model::webhook::EventType>>)]
    pub events: Option<Events>,
    /// The verticals that it gets events of; null for all of them.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Option<Verticals>,
    /// Whether it gets nothing. One that is enabled again gets what it missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// What is there, also where it is null.
fn some<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Its id.
    pub id: String,
    /// Where messages are sent.
    pub url: String,
    /// What it is, for people.
    pub description: String,
    /// The types of events that it gets; null for all of them.
    #[schema(value_type = Option<Vec<crate::model::webhook::EventType>>)]
    pub events: Events,
    /// The verticals that it gets events of; null for all of them.
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Verticals,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Since when it gets nothing; null where it does.
    pub disabled_at: Option<Timestamp>,
    /// Why it gets nothing: a person disabled it, it answered 410 (`gone`), or it failed for too long (`failing`).
    pub disabled_because: Option<Because>,
    /// Since when every attempt failed.
    pub failing_since: Option<Timestamp>,
    /// When an attempt succeeded last, to the minute while it is well.
    pub last_success: Option<Timestamp>,
    /// What the last failure was; null once an attempt succeeded.
    pub last_error: Option<String>,
    /// Messages that are yet to be sent.
    pub pending: u64,
    /// Until when the secret before the last rotation signs too.
    pub old_secret_until: Option<Timestamp>,
    /// The last position of the feed of changes that was looked at for it.
    pub position: u64,
}

impl WebhookView {
    /// An endpoint, with how much waits for it.
    pub fn of(webhook: &Webhook, pending: u64) -> Self {
        Self {
            id: webhook.id.clone(),
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            events: webhook.events.clone(),
            verticals: webhook.verticals.clone(),
            created_at: webhook.created_at,
            created_by: webhook.created_by.clone(),
            disabled_at: webhook.disabled.map(|(at, _)| at),
            disabled_because: webhook.disabled.map(|(_, because)| because),
            failing_since: webhook.health.failing_since,
            last_success: webhook.health.last_success,
            last_error: webhook.health.last_error.clone(),
            pending,
            old_secret_until: webhook.old_secret.as_ref().map(|(_, until)| *until),
            position: webhook.position,
        }
    }
}

/// An endpoint that was just made, with its secret, which is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedWebhook {
    /// What messages are signed with: `whsec_…`.
    pub secret: String,
    /// What it is.
    #[serde(flatten)]
    pub of: WebhookView,
}

/// How a secret is to be replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRotation {
    /// Whether the old secret signs no more from now on, as where it has become known; else it signs too for 24 hours.
    #[serde(default)]
    pub at_once: bool,
}

/// A secret that was just replaced; the new one is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotatedWebhook {
    /// The endpoint's id.
    pub webhook: String,
    /// The new secret.
    pub secret: String,
    /// Until when the old one signs too; null where it does no more.
    pub old_secret_until: Option<Timestamp>,
}

/// An endpoint that was just removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedWebhook {
    /// Its id.
    pub removed: String,
}

/// An attempt to send a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookAttempt {
    /// The message's id: its header `webhook-id`.
    pub message: String,
    /// The type of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Whether the endpoint took it: the answer is 2xx.
    pub ok: bool,
    /// The HTTP status; null where there was no answer.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
    /// The beginning of an answer that is not 2xx.
    pub answer: Option<String>,
    /// When the message is tried again.
    pub next: Option<Timestamp>,
}

impl From<Attempt> for WebhookAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            message: attempt.message,
            kind: attempt.kind,
            at: attempt.at,
            duration_ms: attempt.duration_ms,
            ok: attempt.error.is_none(),
            status: attempt.status,
            error: attempt.error,
            answer: attempt.answer,
            next: attempt.next,
        }
    }
}

/// A message, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WebhookMessage {
    /// Its id: its header `webhook-id`.
    pub id: String,
    /// The type of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How far it came.
    pub state: MessageState,
    /// How often it was tried since it was made or replayed.
    pub tries: u32,
    /// When it is tried next.
    pub next: Option<Timestamp>,
    /// When it was delivered or given up.
    pub ended: Option<Timestamp>,
    /// Its body.
    #[schema(value_type = Object)]
    pub body: Value,
}

impl From<Message> for WebhookMessage {
    fn from(message: Message) -> Self {
        let body = serde_json::from_str(&message.payload).unwrap_or(Value::String(message.payload));
        Self {
            id: message.id,
            kind: message.kind,
            created_at: message.created_at,
            state: message.state,
            tries: message.tries,
            next: message.next,
            ended: message.ended,
            body,
        }
    }
}

/// What is to be sent again: one message, or all that were made since a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookReplay {
    /// The message of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// All that were made since, and are still kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// What is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// How many messages.
    pub messages: u64,
}
