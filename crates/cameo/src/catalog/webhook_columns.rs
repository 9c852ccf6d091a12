//! Webhooks as databases hold them, the same columns in each.

use crate::{
    clock::{from_millis, to_millis},
    model::{
        token::Verticals,
        webhook::{Attempt, Because, Events, Message, MessageState, Watch, Webhook, WebhookHealth, WebhookSecret},
    },
};

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Columns of `cameo_webhooks`, in the order of [`WebhookColumns`].
pub(super) const WEBHOOK: &str =
    "id, url, description, events, verticals, secret, old_secret, old_secret_until, version, created_at,
    created_by, disabled_at, disabled_because, position, failing_since, last_success_at, last_error";
/// Columns of `cameo_webhook_messages`, in the order of [`MessageColumns`].
pub(super) const MESSAGE: &str =
    "webhook_id, id, kind, payload, created_at, state, tries, first_try_at, next_at, ended_at";
/// Columns of `cameo_webhook_attempts`, in the order of [`AttemptColumns`].
pub(super) const ATTEMPT: &str =
    "id, webhook_id, message_id, kind, tried_at, duration_ms, status, error, answer, next_at";
/// Columns of `cameo_webhook_watches`, in the order of [`WatchColumns`].
pub(super) const WATCH: &str = "webhook_id, subject, position, touched_at, due_at, outcome";

/// A row of `cameo_webhooks`.
#[derive(Debug)]
#[cfg_attr(any(feature = "mysql", feature = "postgres"), derive(sqlx::FromRow))]
pub(super) struct WebhookColumns {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) description: String,
    pub(super) events: Option<String>,
    pub(super) verticals: Option<String>,
    pub(super) secret: String,
    pub(super) old_secret: Option<String>,
    pub(super) old_secret_until: Option<i64>,
    pub(super) version: i64,
    pub(super) created_at: i64,
    pub(super) created_by: String,
    pub(super) disabled_at: Option<i64>,
    pub(super) disabled_because: Option<String>,
    pub(super) position: i64,
    pub(super) failing_since: Option<i64>,
    pub(super) last_success_at: Option<i64>,
    pub(super) last_error: Option<String>,
}

impl From<&Webhook> for WebhookColumns {
    fn from(webhook: &Webhook) -> Self {
        let old = webhook.old_secret.as_ref();
        Self {
            id: webhook.id.clone(),
            url: webhook.url.clone(),
            description: webhook.description.clone(),
            events: webhook.events.to_column(),
            verticals: webhook.verticals.to_column(),
            secret: webhook.secret.expose().to_owned(),
            old_secret: old.map(|(secret, _)| secret.expose().to_owned()),
            old_secret_until: old.map(|(_, until)| to_millis(*until)),
            version: signed(webhook.version),
            created_at: to_millis(webhook.created_at),
            created_by: webhook.created_by.clone(),
            disabled_at: webhook.disabled.map(|(at, _)| to_millis(at)),
            disabled_because: webhook.disabled.map(|(_, because)| because.as_str().to_owned()),
            position: signed(webhook.position),
            failing_since: webhook.health.failing_since.map(to_millis),
            last_success_at: webhook.health.last_success.map(to_millis),
            last_error: webhook.health.last_error.clone(),
        }
    }
}

impl From<WebhookColumns> for Webhook {
    fn from(columns: WebhookColumns) -> Self {
        let old_secret = columns.old_secret.map(WebhookSecret::stored).zip(columns.old_secret_until.map(from_millis));
        let because = columns.disabled_because.as_deref().map_or(Because::Person, Because::from_code);
        Self {
            id: columns.id,
            url: columns.url,
            description: columns.description,
            events: Events::from_column(columns.events.as_deref()),
            verticals: Verticals::from_column(columns.verticals.as_deref()),
            secret: WebhookSecret::stored(columns.secret),
            old_secret,
            version: unsigned(columns.version),
            created_at: from_millis(columns.created_at),
            created_by: columns.created_by,
            disabled: columns.disabled_at.map(|at| (from_millis(at), because)),
            position: unsigned(columns.position),
            health: WebhookHealth {
                failing_since: columns.failing_since.map(from_millis),
                last_success: columns.last_success_at.map(from_millis),
                last_error: columns.last_error,
            },
        }
    }
}

/// A row of `cameo_webhook_messages`.
#[derive(Debug)]
#[cfg_attr(any(feature = "mysql", feature = "postgres"), derive(sqlx::FromRow))]
pub(super) struct MessageColumns {
    pub(super) webhook_id: String,
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) payload: String,
    pub(super) created_at: i64,
    pub(super) state: String,
    pub(super) tries: i64,
    pub(super) first_try_at: Option<i64>,
    pub(super) next_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
}

impl From<&Message> for MessageColumns {
    fn from(message: &Message) -> Self {
        Self {
            webhook_id: message.webhook.clone(),
            id: message.id.clone(),
            kind: message.kind.clone(),
            payload: message.payload.clone(),
            created_at: to_millis(message.created_at),
            state: message.state.as_str().to_owned(),
            tries: message.tries.into(),
            first_try_at: message.first_try.map(to_millis),
            next_at: message.next.map(to_millis),
            ended_at: message.ended.map(to_millis),
        }
    }
}

impl From<MessageColumns> for Message {
    fn from(columns: MessageColumns) -> Self {
        Self {
            webhook: columns.webhook_id,
            id: columns.id,
            kind: columns.kind,
            payload: columns.payload,
            created_at: from_millis(columns.created_at),
            state: MessageState::from_code(&columns.state),
            tries: u32::try_from(columns.tries).unwrap_or_default(),
            first_try: columns.first_try_at.map(from_millis),
            next: columns.next_at.map(from_millis),
            ended: columns.ended_at.map(from_millis),
        }
    }
}

/// A row of `cameo_webhook_attempts`.
#[derive(Debug)]
#[cfg_attr(any(feature = "mysql", feature = "postgres"), derive(sqlx::FromRow))]
pub(super) struct AttemptColumns {
    pub(super) id: String,
    pub(super) webhook_id: String,
    pub(super) message_id: String,
    pub(super) kind: String,
    pub(super) tried_at: i64,
    pub(super) duration_ms: i64,
    pub(super) status: Option<i64>,
    pub(super) error: Option<String>,
    pub(super) answer: Option<String>,
    pub(super) next_at: Option<i64>,
}

impl From<&Attempt> for AttemptColumns {
    fn from(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id.clone(),
            webhook_id: attempt.webhook.clone(),
            message_id: attempt.message.clone(),
            kind: attempt.kind.clone(),
            tried_at: to_millis(attempt.at),
            duration_ms: signed(attempt.duration_ms),
            status: attempt.status.map(i64::from),
            error: attempt.error.clone(),
            answer: attempt.answer.clone(),
            next_at: attempt.next.map(to_millis),
        }
    }
}

impl From<AttemptColumns> for Attempt {
    fn from(columns: AttemptColumns) -> Self {
        Self {
            id: columns.id,
            webhook: columns.webhook_id,
            message: columns.message_id,
            kind: columns.kind,
            at: from_millis(columns.tried_at),
            duration_ms: unsigned(columns.duration_ms),
            status: columns.status.and_then(|status| u16::try_from(status).ok()),
            error: columns.error,
            answer: columns.answer,
            next: columns.next_at.map(from_millis),
        }
    }
}

/// A row of `cameo_webhook_watches`.
#[derive(Debug)]
#[cfg_attr(any(feature = "mysql", feature = "postgres"), derive(sqlx::FromRow))]
pub(super) struct WatchColumns {
    pub(super) webhook_id: String,
    pub(super) subject: String,
    pub(super) position: i64,
    pub(super) touched_at: i64,
    pub(super) due_at: Option<i64>,
    pub(super) outcome: Option<String>,
}

impl From<&Watch> for WatchColumns {
    fn from(watch: &Watch) -> Self {
        Self {
            webhook_id: watch.webhook.clone(),
            subject: watch.subject.clone(),
            position: signed(watch.position),
            touched_at: to_millis(watch.touched),
            due_at: watch.due.map(to_millis),
            outcome: watch.outcome.clone(),
        }
    }
}

impl From<WatchColumns> for Watch {
    fn from(columns: WatchColumns) -> Self {
        Self {
            webhook: columns.webhook_id,
            subject: columns.subject,
            position: unsigned(columns.position),
            touched: from_millis(columns.touched_at),
            due: columns.due_at.map(from_millis),
            outcome: columns.outcome,
        }
    }
}

/// SQL integers are signed; what we store is far below 2⁶³.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
