//! Webhooks in the embedded database.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, params_from_iter, types::ToSqlOutput};

use super::{SqliteCatalog, remove};
use crate::{
    catalog::{
        webhook_columns::{
            ATTEMPT, AttemptColumns, MESSAGE, MessageColumns, WATCH, WEBHOOK, WatchColumns, WebhookColumns,
        },
        webhooks::{Before, Past, Replay, Webhooks},
    },
    clock::to_millis,
    db::{Done, integer},
    model::{
        error::{Place, Result},
        webhook::{Attempt, Message, TEST_TYPE, Watch, Webhook, WebhookHealth},
    },
};

const CHANGE: &str =
    "UPDATE cameo_webhooks SET url = ?3, description = ?4, events = ?5, verticals = ?6, secret = ?7, old_secret = ?8,
        old_secret_until = ?9, disabled_at = ?10, disabled_because = ?11, version = version + 1
    WHERE id = ?1 AND version = ?2";
const REMOVE: [&str; 4] = [
    "DELETE FROM cameo_webhook_messages WHERE webhook_id = ?1",
    "DELETE FROM cameo_webhook_attempts WHERE webhook_id = ?1",
    "DELETE FROM cameo_webhook_watches WHERE webhook_id = ?1",
    "DELETE FROM cameo_webhooks WHERE id = ?1",
];
const NOTE_HEALTH: &str =
    "UPDATE cameo_webhooks SET failing_since = ?2, last_success_at = ?3, last_error = ?4 WHERE id = ?1";
const LEASE: &str = "INSERT INTO cameo_webhook_lease (id, owner, held_until) VALUES (1, ?1, ?3)
    ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, held_until = excluded.held_until
    WHERE cameo_webhook_lease.owner = ?1 OR cameo_webhook_lease.held_until < ?2";
const ADVANCE: &str = "UPDATE cameo_webhooks SET position = ?3 WHERE id = ?1 AND position = ?2";
const DUE: &str = "webhook_id = ?1 AND state = 'pending' AND next_at <= ?2 ORDER BY next_at, id LIMIT ?3";
const COUNT_PENDING: &str = "SELECT count(*) FROM cameo_webhook_messages WHERE webhook_id = ?1 AND state = 'pending'";
const NOTE_MESSAGE: &str =
    "UPDATE cameo_webhook_messages SET state = ?3, tries = ?4, first_try_at = ?5, next_at = ?6, ended_at = ?7
    WHERE webhook_id = ?1 AND id = ?2";
const REPLAY: &str =
    "UPDATE cameo_webhook_messages SET state = 'pending', tries = 0, first_try_at = NULL, next_at = ?2, ended_at = NULL
    WHERE webhook_id = ?1 AND ";
const WATCH_DUE: &str = "webhook_id = ?1 AND due_at <= ?2 ORDER BY due_at, subject LIMIT ?3";
const REMOVE_WATCH: &str = "DELETE FROM cameo_webhook_watches WHERE webhook_id = ?1 AND subject = ?2";
/// What ended, or is an attempt, from before a time or beyond a number.
const FORGET: [&str; 2] = [
    "DELETE FROM cameo_webhook_messages WHERE webhook_id = ?1 AND state <> 'pending' AND created_at < max(?2, coalesce(
        (SELECT created_at FROM cameo_webhook_messages WHERE webhook_id = ?1 AND state <> 'pending'
         ORDER BY created_at DESC LIMIT 1 OFFSET ?3), ?2))",
    "DELETE FROM cameo_webhook_attempts WHERE webhook_id = ?1 AND tried_at < max(?2, coalesce(
        (SELECT tried_at FROM cameo_webhook_attempts WHERE webhook_id = ?1 ORDER BY tried_at DESC LIMIT 1 OFFSET ?3), ?2))",
];
const FORGET_WATCHES: &str =
    "DELETE FROM cameo_webhook_watches WHERE webhook_id = ?1 AND due_at IS NULL AND touched_at < ?2";

fn select(columns: &str, table: &str, condition: &str) -> String {
    format!("SELECT {columns} FROM {table} WHERE {condition}")
}

/// `INSERT … (columns) VALUES (?, …)`, for so many of them.
fn insert(verb: &str, table: &str, columns: &str) -> String {
    let places = vec!["?"; columns.split(',').count()].join(", ");
    format!("{verb} INTO {table} ({columns}) VALUES ({places})")
}

fn webhook(row: &Row<'_>) -> rusqlite::Result<WebhookColumns> {
    Ok(WebhookColumns {
        id: row.get(0)?,
        url: row.get(1)?,
        description: row.get(2)?,
        events: row.get(3)?,
        verticals: row.get(4)?,
        secret: row.get(5)?,
        old_secret: row.get(6)?,
        old_secret_until: row.get(7)?,
        version: row.get(8)?,
        created_at: row.get(9)?,
        created_by: row.get(10)?,
        disabled_at: row.get(11)?,
        disabled_because: row.get(12)?,
        position: row.get(13)?,
        failing_since: row.get(14)?,
        last_success_at: row.get(15)?,
        last_error: row.get(16)?,
    })
}

fn message(row: &Row<'_>) -> rusqlite::Result<MessageColumns> {
    Ok(MessageColumns {
        webhook_id: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        payload: row.get(3)?,
        created_at: row.get(4)?,
        state: row.get(5)?,
        tries: row.get(6)?,
        first_try_at: row.get(7)?,
        next_at: row.get(8)?,
        ended_at: row.get(9)?,
    })
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptColumns> {
    Ok(AttemptColumns {
        id: row.get(0)?,
        webhook_id: row.get(1)?,
        message_id: row.get(2)?,
        kind: row.get(3)?,
        tried_at: row.get(4)?,
        duration_ms: row.get(5)?,
        status: row.get(6)?,
        error: row.get(7)?,
        answer: row.get(8)?,
        next_at: row.get(9)?,
    })
}

fn watch(row: &Row<'_>) -> rusqlite::Result<WatchColumns> {
    Ok(WatchColumns {
        webhook_id: row.get(0)?,
        subject: row.get(1)?,
        position: row.get(2)?,
        touched_at: row.get(3)?,
        due_at: row.get(4)?,
        outcome: row.get(5)?,
    })
}

fn add_webhook(connection: &Connection, of: &WebhookColumns) -> Done<()> {
    connection.prepare_cached(&insert("INSERT", "cameo_webhooks", WEBHOOK))?.execute(params![
        of.id,
        of.url,
        of.description,
        of.events,
        of.verticals,
        of.secret,
        of.old_secret,
        of.old_secret_until,
        of.version,
        of.created_at,
        of.created_by,
        of.disabled_at,
        of.disabled_because,
        of.position,
        of.failing_since,
        of.last_success_at,
        of.last_error,
    ])?;
    Ok(())
}

fn change(connection: &Connection, of: &WebhookColumns) -> Done<bool> {
    let changed = connection.prepare_cached(CHANGE)?.execute(params![
        of.id,
        of.version,
        of.url,
        of.description,
        of.events,
        of.verticals,
        of.secret,
        of.old_secret,
        of.old_secret_until,
        of.disabled_at,
        of.disabled_because,
    ])?;
    Ok(changed == 1)
}

fn add_messages(connection: &Connection, messages: &[MessageColumns]) -> Done<()> {
    let mut statement = connection.prepare_cached(&insert("INSERT OR IGNORE", "cameo_webhook_messages", MESSAGE))?;
    for of in messages {
        statement.execute(params![
            of.webhook_id,
            of.id,
            of.kind,
            of.payload,
            of.created_at,
            of.state,
            of.tries,
            of.first_try_at,
            of.next_at,
            of.ended_at,
        ])?;
    }
    Ok(())
}

fn put_watches(connection: &Connection, watches: &[WatchColumns]) -> Done<()> {
    let mut statement = connection.prepare_cached(&insert("INSERT OR REPLACE", "cameo_webhook_watches", WATCH))?;
    for of in watches {
        statement.execute(params![of.webhook_id, of.subject, of.position, of.touched_at, of.due_at, of.outcome])?;
    }
    Ok(())
}

fn note_attempt(connection: &Connection, of: &AttemptColumns, message: &MessageColumns) -> Done<()> {
    connection.prepare_cached(&insert("INSERT OR IGNORE", "cameo_webhook_attempts", ATTEMPT))?.execute(params![
        of.id,
        of.webhook_id,
        of.message_id,
        of.kind,
        of.tried_at,
        of.duration_ms,
        of.status,
        of.error,
        of.answer,
        of.next_at,
    ])?;
    connection.prepare_cached(NOTE_MESSAGE)?.execute(params![
        message.webhook_id,
        message.id,
        message.state,
        message.tries,
        message.first_try_at,
        message.next_at,
        message.ended_at,
    ])?;
    Ok(())
}

fn count(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// A value of a statement.
enum Value {
    Text(String),
    Number(i64),
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn time(at: Timestamp) -> Value {
    Value::Number(to_millis(at))
}

fn limit(max: usize) -> Value {
    Value::Number(count(max))
}

/// The part of an endpoint's list that is newest first.
fn page(webhook: &str, column: &str, before: Before<'_>, max: usize) -> (String, Vec<Value>) {
    let (mut condition, mut values) = ("webhook_id = ?".to_owned(), vec![text(webhook)]);
    if let Some((at, id)) = before {
        condition.extend([" AND (", column, ", id) < (?, ?)"]);
        values.extend([time(at), text(id)]);
    }
    condition.extend([" ORDER BY ", column, " DESC, id DESC LIMIT ?"]);
    values.push(limit(max));
    (condition, values)
}

impl SqliteCatalog {
    /// What a statement finds, read apart: it may be much.
    async fn webhook_rows<C: Send + 'static>(
        &self,
        statement: String,
        values: Vec<Value>,
        read: fn(&Row<'_>) -> rusqlite::Result<C>,
    ) -> Result<Vec<C>> {
        let look = move |connection: &Connection| {
            let mut query = connection.prepare_cached(&statement)?;
            let found = query.query_map(params_from_iter(values.iter()), read)?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        };
        self.db.read(Place::Catalog, "read the webhooks", look).await
    }
}

#[async_trait]
impl Webhooks for SqliteCatalog {
    async fn add_webhook(&self, webhook: &Webhook) -> Result<()> {
        let columns = WebhookColumns::from(webhook);
        let job = move |connection: &Connection| add_webhook(connection, &columns);
        self.db.write(Place::Catalog, "add a webhook", job).await
    }

    async fn webhook(&self, id: &str) -> Result<Option<Webhook>> {
        let found = self.db.look_up(Place::Catalog, "look up a webhook", |connection| {
            let mut query = connection.prepare_cached(&select(WEBHOOK, "cameo_webhooks", "id = ?1"))?;
            Ok(query.query_row([id], webhook).optional()?)
        })?;
        Ok(found.map(Webhook::from))
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>> {
        let found: Vec<_> = self.db.look_up(Place::Catalog, "list the webhooks", |connection| {
            let mut query = connection.prepare_cached(&select(WEBHOOK, "cameo_webhooks", "TRUE ORDER BY id"))?;
            Ok(query.query_map((), webhook)?.collect::<rusqlite::Result<_>>()?)
        })?;
        Ok(found.into_iter().map(Webhook::from).collect())
    }

    async fn change_webhook(&self, webhook: &Webhook) -> Result<bool> {
        let columns = WebhookColumns::from(webhook);
        let job = move |connection: &Connection| change(connection, &columns);
        self.db.write(Place::Catalog, "change a webhook", job).await
    }

    async fn remove_webhook(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        let job = move |connection: &Connection| remove(connection, &REMOVE, &id);
        self.db.write(Place::Catalog, "remove a webhook", job).await
    }

    async fn note_webhook_health(&self, id: &str, health: &WebhookHealth) -> Result<()> {
        let (id, health) = (id.to_owned(), health.clone());
        let job = move |connection: &Connection| {
            let times = [health.failing_since, health.last_success].map(|at| at.map(to_millis));
            connection.prepare_cached(NOTE_HEALTH)?.execute(params![id, times[0], times[1], health.last_error])?;
            Ok(())
        };
        self.db.write_in_batch(Place::Catalog, "note how a webhook answers", job).await
    }

    async fn lease_webhooks(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let owner = owner.to_owned();
        let job = move |connection: &Connection| {
            let taken = connection.prepare_cached(LEASE)?.execute(params![owner, to_millis(now), to_millis(until)])?;
            Ok(taken == 1)
        };
        self.db.write_in_batch(Place::Catalog, "take the lease of webhooks", job).await
    }

    async fn advance_webhook(
        &self,
        id: &str,
        (from, to): (u64, u64),
        messages: &[Message],
        watches: &[Watch],
    ) -> Result<bool> {
        let id = id.to_owned();
        let messages: Vec<_> = messages.iter().map(MessageColumns::from).collect();
        let watches: Vec<_> = watches.iter().map(WatchColumns::from).collect();
        let job = move |connection: &Connection| {
            let moved = connection.prepare_cached(ADVANCE)?.execute(params![id, integer(from), integer(to)])?;
            if moved == 0 {
                return Ok(false);
            }
            add_messages(connection, &messages)?;
            put_watches(connection, &watches)?;
            Ok(true)
        };
        self.db.write_in_batch(Place::Catalog, "add messages of a webhook", job).await
    }

    async fn add_webhook_messages(&self, messages: &[Message]) -> Result<()> {
        let messages: Vec<_> = messages.iter().map(MessageColumns::from).collect();
        let job = move |connection: &Connection| add_messages(connection, &messages);
        self.db.write_in_batch(Place::Catalog, "add messages of a webhook", job).await
    }

    async fn due_webhook_messages(&self, webhook: &str, now: Timestamp, max: usize) -> Result<Vec<Message>> {
        let statement = select(MESSAGE, "cameo_webhook_messages", DUE);
        let values = vec![text(webhook), time(now), limit(max)];
        Ok(self.webhook_rows(statement, values, message).await?.into_iter().map(Message::from).collect())
    }

    async fn count_pending_webhook_messages(&self, webhook: &str) -> Result<u64> {
        let pending: i64 = self.db.look_up(Place::Catalog, "count messages of a webhook", |connection| {
            Ok(connection.prepare_cached(COUNT_PENDING)?.query_row([webhook], |row| row.get(0))?)
        })?;
        Ok(u64::try_from(pending).unwrap_or_default())
    }

    async fn webhook_message(&self, webhook: &str, id: &str) -> Result<Option<Message>> {
        let statement = select(MESSAGE, "cameo_webhook_messages", "webhook_id = ?1 AND id = ?2");
        let found = self.webhook_rows(statement, vec![text(webhook), text(id)], message).await?;
        Ok(found.into_iter().next().map(Message::from))
    }

    async fn webhook_messages(&self, webhook: &str, before: Before<'_>, max: usize) -> Result<Vec<Message>> {
        let (condition, values) = page(webhook, "created_at", before, max);
        let statement = select(MESSAGE, "cameo_webhook_messages", &condition);
        Ok(self.webhook_rows(statement, values, message).await?.into_iter().map(Message::from).collect())
    }

    async fn note_webhook_attempt(&self, attempt: &Attempt, message: &Message) -> Result<()> {
        let (attempt, message) = (AttemptColumns::from(attempt), MessageColumns::from(message));
        let job = move |connection: &Connection| note_attempt(connection, &attempt, &message);
        self.db.write_in_batch(Place::Catalog, "note an attempt of a webhook", job).await
    }

    async fn webhook_attempts(&self, webhook: &str, before: Before<'_>, max: usize) -> Result<Vec<Attempt>> {
        let (condition, values) = page(webhook, "tried_at", before, max);
        let statement = select(ATTEMPT, "cameo_webhook_attempts", &condition);
        Ok(self.webhook_rows(statement, values, attempt).await?.into_iter().map(Attempt::from).collect())
    }

    async fn replay_webhook_messages(&self, webhook: &str, which: Replay<'_>, now: Timestamp) -> Result<u64> {
        let webhook = webhook.to_owned();
        let (condition, value) = match which {
            Replay::Message(id) => ("id = ?3".to_owned(), text(id)),
            Replay::Since(since) => (format!("created_at >= ?3 AND kind <> '{TEST_TYPE}'"), time(since)),
        };
        let job = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(&format!("{REPLAY}{condition}"))?;
            let replayed = statement.execute(params![webhook, to_millis(now), value])?;
            Ok(replayed as u64)
        };
        self.db.write(Place::Catalog, "replay messages of a webhook", job).await
    }

    async fn webhook_watch(&self, webhook: &str, subject: &str) -> Result<Option<Watch>> {
        let found = self.db.look_up(Place::Catalog, "look up what a webhook watches", |connection| {
            let statement = select(WATCH, "cameo_webhook_watches", "webhook_id = ?1 AND subject = ?2");
            Ok(connection.prepare_cached(&statement)?.query_row([webhook, subject], watch).optional()?)
        })?;
        Ok(found.map(Watch::from))
    }

    async fn due_webhook_watches(&self, webhook: &str, now: Timestamp, max: usize) -> Result<Vec<Watch>> {
        let statement = select(WATCH, "cameo_webhook_watches", WATCH_DUE);
        let values = vec![text(webhook), time(now), limit(max)];
        Ok(self.webhook_rows(statement, values, watch).await?.into_iter().map(Watch::from).collect())
    }

    async fn put_webhook_watch(&self, watch: &Watch) -> Result<()> {
        let watches = [WatchColumns::from(watch)];
        let job = move |connection: &Connection| put_watches(connection, &watches);
        self.db.write_in_batch(Place::Catalog, "note what a webhook watches", job).await
    }

    async fn remove_webhook_watch(&self, webhook: &str, subject: &str) -> Result<()> {
        let (webhook, subject) = (webhook.to_owned(), subject.to_owned());
        let job = move |connection: &Connection| {
            connection.prepare_cached(REMOVE_WATCH)?.execute([webhook, subject])?;
            Ok(())
        };
        self.db.write_in_batch(Place::Catalog, "forget what a webhook watches", job).await
    }

    async fn forget_webhook_past(&self, webhook: &str, past: Past) -> Result<u64> {
        let webhook = webhook.to_owned();
        let job = move |connection: &Connection| {
            let kept = count(past.kept_max.saturating_sub(1));
            let mut forgotten = 0;
            for statement in FORGET {
                let values = params![webhook, to_millis(past.before), kept];
                forgotten += connection.prepare_cached(statement)?.execute(values)?;
            }
            let values = params![webhook, to_millis(past.watches_before)];
            forgotten += connection.prepare_cached(FORGET_WATCHES)?.execute(values)?;
            Ok(forgotten as u64)
        };
        self.db.write_in_batch(Place::Catalog, "forget old messages of a webhook", job).await
    }
}
