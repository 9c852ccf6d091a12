//! Webhooks on a database server of either kind. There is no transaction over several tables here: what must come first does, and a step
//! that was cut off is done again.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::{
    dialect::{Dialect, Fetch},
    reads::{OnServer, ServerReader},
};
use crate::{
    catalog::{
        columns::{limit, signed},
        webhook_columns::{
            ATTEMPT, AttemptColumns, MESSAGE, MessageColumns, WATCH, WEBHOOK, WatchColumns, WebhookColumns,
        },
        webhooks::{Before, Past, Replay, Webhooks},
    },
    clock::to_millis,
    model::{
        error::Result,
        webhook::{Attempt, Message, TEST_TYPE, Watch, Webhook, WebhookHealth},
    },
};

/// Messages that are inserted by one statement: ten values each.
const INSERTED_AT_ONCE: usize = 100;

/// A value of a statement.
enum Value<'v> {
    Text(&'v str),
    Number(i64),
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(text)
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// Adds a value; a literal where there is none, since what has no type cannot be bound alike everywhere.
fn push<'v, D: Fetch>(query: &mut QueryBuilder<D>, value: Option<impl Into<Value<'v>>>) {
    match value.map(Into::into) {
        Some(Value::Text(text)) => D::push_text(query, text),
        Some(Value::Number(number)) => D::push_number(query, number),
        None => {
            query.push("NULL");
        }
    }
}

/// A statement in the making.
struct Statement<D: Dialect>(QueryBuilder<D>);

impl<D: Fetch> Statement<D> {
    fn new(text: impl Into<String>) -> Self {
        Self(QueryBuilder::new(text.into()))
    }

    /// A piece of text, and a value behind it.
    fn with<'v>(self, text: &str, value: impl Into<Value<'v>>) -> Self {
        self.with_optional(text, Some(value))
    }

    fn with_optional<'v>(mut self, text: &str, value: Option<impl Into<Value<'v>>>) -> Self {
        self.0.push(text);
        push(&mut self.0, value);
        self
    }

    fn then(mut self, text: &str) -> Self {
        self.0.push(text);
        self
    }

    /// The part of a list that is newest first.
    fn page(mut self, time: &str, before: Before<'_>, max: usize) -> Self {
        if let Some((at, id)) = before {
            // Spelt out: not every server takes a comparison of pairs to its index.
            let at = to_millis(at);
            self = self
                .with(&format!(" AND {time} <= "), at)
                .with(&format!(" AND ({time} < "), at)
                .with(" OR id < ", id)
                .then(")");
        }
        self.with(&format!(" ORDER BY {time} DESC, id DESC LIMIT "), limit(max))
    }
}

fn select<D: Fetch>(columns: &str, table: &str) -> Statement<D> {
    Statement::new(format!("SELECT {columns} FROM {table} WHERE "))
}

fn insert_webhook<D: Fetch>(of: &WebhookColumns) -> Statement<D> {
    Statement::new(format!("INSERT INTO cameo_webhooks ({WEBHOOK}) VALUES ("))
        .with("", &of.id)
        .with(", ", &of.url)
        .with(", ", &of.description)
        .with_optional(", ", of.events.as_ref())
        .with_optional(", ", of.verticals.as_ref())
        .with(", ", &of.secret)
        .with_optional(", ", of.old_secret.as_ref())
        .with_optional(", ", of.old_secret_until)
        .with(", ", of.version)
        .with(", ", of.created_at)
        .with(", ", &of.created_by)
        .with_optional(", ", of.disabled_at)
        .with_optional(", ", of.disabled_because.as_ref())
        .with(", ", of.position)
        .with_optional(", ", of.failing_since)
        .with_optional(", ", of.last_success_at)
        .with_optional(", ", of.last_error.as_ref())
        .then(")")
}

fn change<D: Fetch>(of: &WebhookColumns) -> Statement<D> {
    Statement::new("UPDATE cameo_webhooks SET ")
        .with("url = ", &of.url)
        .with(", description = ", &of.description)
        .with_optional(", events = ", of.events.as_ref())
        .with_optional(", verticals = ", of.verticals.as_ref())
        .with(", secret = ", &of.secret)
        .with_optional(", old_secret = ", of.old_secret.as_ref())
        .with_optional(", old_secret_until = ", of.old_secret_until)
        .with_optional(", disabled_at = ", of.disabled_at)
        .with_optional(", disabled_because = ", of.disabled_because.as_ref())
        .with(", version = ", of.version + 1)
        .with(" WHERE id = ", &of.id)
        .with(" AND version = ", of.version)
}

fn insert_messages<D: Fetch>(messages: &[MessageColumns]) -> Statement<D> {
    let (verb, ending) = D::INSERT_NEW;
    let mut statement = Statement::new(format!("{verb}cameo_webhook_messages ({MESSAGE}) VALUES "));
    for (at, of) in messages.iter().enumerate() {
        statement = statement
            .with(if at == 0 { "(" } else { ", (" }, &of.webhook_id)
            .with(", ", &of.id)
            .with(", ", &of.kind)
            .with(", ", &of.payload)
            .with(", ", of.created_at)
            .with(", ", &of.state)
            .with(", ", of.tries)
            .with_optional(", ", of.first_try_at)
            .with_optional(", ", of.next_at)
            .with_optional(", ", of.ended_at)
            .then(")");
    }
    statement.then(ending)
}

fn insert_attempt<D: Fetch>(of: &AttemptColumns) -> Statement<D> {
    let (verb, ending) = D::INSERT_NEW;
    Statement::new(format!("{verb}cameo_webhook_attempts ({ATTEMPT}) VALUES ("))
        .with("", &of.id)
        .with(", ", &of.webhook_id)
        .with(", ", &of.message_id)
        .with(", ", &of.kind)
        .with(", ", of.tried_at)
        .with(", ", of.duration_ms)
        .with_optional(", ", of.status)
        .with_optional(", ", of.error.as_ref())
        .with_optional(", ", of.answer.as_ref())
        .with_optional(", ", of.next_at)
        .then(")")
        .then(ending)
}

fn update_message<D: Fetch>(of: &MessageColumns) -> Statement<D> {
    Statement::new("UPDATE cameo_webhook_messages SET ")
        .with("state = ", &of.state)
        .with(", tries = ", of.tries)
        .with_optional(", first_try_at = ", of.first_try_at)
        .with_optional(", next_at = ", of.next_at)
        .with_optional(", ended_at = ", of.ended_at)
        .with(" WHERE webhook_id = ", &of.webhook_id)
        .with(" AND id = ", &of.id)
}

fn update_watch<D: Fetch>(of: &WatchColumns) -> Statement<D> {
    Statement::new("UPDATE cameo_webhook_watches SET ")
        .with("position = ", of.position)
        .with(", touched_at = ", of.touched_at)
        .with_optional(", due_at = ", of.due_at)
        .with_optional(", outcome = ", of.outcome.as_ref())
        .with(" WHERE webhook_id = ", &of.webhook_id)
        .with(" AND subject = ", &of.subject)
}

fn insert_watch<D: Fetch>(of: &WatchColumns) -> Statement<D> {
    let (verb, ending) = D::INSERT_NEW;
    Statement::new(format!("{verb}cameo_webhook_watches ({WATCH}) VALUES ("))
        .with("", &of.webhook_id)
        .with(", ", &of.subject)
        .with(", ", of.position)
        .with(", ", of.touched_at)
        .with_optional(", ", of.due_at)
        .with_optional(", ", of.outcome.as_ref())
        .then(")")
        .then(ending)
}

impl<D: Fetch> ServerReader<D> {
    async fn select_webhooks(&self, statement: Statement<D>) -> Result<Vec<Webhook>> {
        let doing = "read the webhooks";
        let mut connection = self.connection(doing).await?;
        let found = D::webhooks(&mut connection, statement.0).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(found.into_iter().map(Webhook::from).collect())
    }

    async fn select_messages(&self, statement: Statement<D>) -> Result<Vec<Message>> {
        let doing = "read messages of a webhook";
        let mut connection = self.connection(doing).await?;
        let found = D::messages(&mut connection, statement.0).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(found.into_iter().map(Message::from).collect())
    }

    async fn select_attempts(&self, statement: Statement<D>) -> Result<Vec<Attempt>> {
        let doing = "read attempts of a webhook";
        let mut connection = self.connection(doing).await?;
        let found = D::attempts(&mut connection, statement.0).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(found.into_iter().map(Attempt::from).collect())
    }

    async fn select_watches(&self, statement: Statement<D>) -> Result<Vec<Watch>> {
        let doing = "read what a webhook watches";
        let mut connection = self.connection(doing).await?;
        let found = D::watches(&mut connection, statement.0).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(found.into_iter().map(Watch::from).collect())
    }

    async fn webhook_number(&self, statement: Statement<D>) -> Result<i64> {
        let doing = "count messages of a webhook";
        let mut connection = self.connection(doing).await?;
        let found = D::number(&mut connection, statement.0).await;
        connection.settle(found.map_err(|error| D::failed(doing, error)))
    }

    async fn change_webhooks(&self, doing: &str, statement: Statement<D>) -> Result<u64> {
        let mut connection = self.connection(doing).await?;
        let done = D::execute(&mut connection, statement.0).await;
        connection.settle(done.map_err(|error| D::failed(doing, error)))
    }

    async fn insert_webhook_messages(&self, messages: &[Message]) -> Result<()> {
        for some in messages.chunks(INSERTED_AT_ONCE) {
            let columns: Vec<_> = some.iter().map(MessageColumns::from).collect();
            self.change_webhooks("add messages of a webhook", insert_messages(&columns)).await?;
        }
        Ok(())
    }

    async fn put_watch(&self, watch: &Watch) -> Result<()> {
        let (doing, columns) = ("note what a webhook watches", WatchColumns::from(watch));
        if self.change_webhooks(doing, update_watch(&columns)).await? == 0 {
            self.change_webhooks(doing, insert_watch(&columns)).await?;
        }
        Ok(())
    }

    /// The time from which on everything is kept: neither older nor beyond the number.
    async fn oldest_kept(&self, (table, time, ended): (&str, &str, &str), webhook: &str, past: Past) -> Result<i64> {
        let statement = Statement::new(format!("SELECT COALESCE((SELECT {time} FROM {table}"))
            .with(" WHERE webhook_id = ", webhook)
            .with(&format!("{ended} ORDER BY {time} DESC LIMIT 1 OFFSET "), limit(past.kept_max.saturating_sub(1)))
            .then("), 0)");
        Ok(self.webhook_number(statement).await?.max(to_millis(past.before)))
    }
}

#[async_trait]
impl<C: OnServer> Webhooks for C {
    async fn add_webhook(&self, webhook: &Webhook) -> Result<()> {
        let columns = WebhookColumns::from(webhook);
        self.reader().change_webhooks("add a webhook", insert_webhook(&columns)).await.map(drop)
    }

    async fn webhook(&self, id: &str) -> Result<Option<Webhook>> {
        let statement = select(WEBHOOK, "cameo_webhooks").with("id = ", id);
        Ok(self.reader().select_webhooks(statement).await?.pop())
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>> {
        let statement = Statement::new(format!("SELECT {WEBHOOK} FROM cameo_webhooks ORDER BY id"));
        self.reader().select_webhooks(statement).await
    }

    async fn change_webhook(&self, webhook: &Webhook) -> Result<bool> {
        let columns = WebhookColumns::from(webhook);
        Ok(self.reader().change_webhooks("change a webhook", change(&columns)).await? == 1)
    }

    async fn remove_webhook(&self, id: &str) -> Result<bool> {
        let mut removed = Vec::new();
        // The endpoint first: without it nothing of it is looked at.
        for from in [
            "DELETE FROM cameo_webhooks WHERE id = ",
            "DELETE FROM cameo_webhook_messages WHERE webhook_id = ",
            "DELETE FROM cameo_webhook_attempts WHERE webhook_id = ",
            "DELETE FROM cameo_webhook_watches WHERE webhook_id = ",
        ] {
            let statement = Statement::new("").with(from, id);
            removed.push(self.reader().change_webhooks("remove a webhook", statement).await?);
        }
        Ok(removed[0] == 1)
    }

    async fn note_webhook_health(&self, id: &str, health: &WebhookHealth) -> Result<()> {
        let note = Statement::new("UPDATE cameo_webhooks SET ")
            .with_optional("failing_since = ", health.failing_since.map(to_millis))
            .with_optional(", last_success_at = ", health.last_success.map(to_millis))
            .with_optional(", last_error = ", health.last_error.as_ref())
            .with(" WHERE id = ", id);
        self.reader().change_webhooks("note how a webhook answers", note).await.map(drop)
    }

    async fn lease_webhooks(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let doing = "take the lease of webhooks";
        let take = Statement::new("UPDATE cameo_webhook_lease SET ")
            .with("owner = ", owner)
            .with(", held_until = ", to_millis(until))
            .with(" WHERE id = 1 AND (owner = ", owner)
            .with(" OR held_until < ", to_millis(now))
            .then(")");
        if self.reader().change_webhooks(doing, take).await? == 1 {
            return Ok(true);
        }
        let (verb, ending) = C::Server::INSERT_NEW;
        let first = Statement::new(format!("{verb}cameo_webhook_lease (id, owner, held_until) VALUES (1"))
            .with(", ", owner)
            .with(", ", to_millis(until))
            .then(")")
            .then(ending);
        Ok(self.reader().change_webhooks(doing, first).await? == 1)
    }

    async fn advance_webhook(
        &self,
        id: &str,
        (from, to): (u64, u64),
        messages: &[Message],
        watches: &[Watch],
    ) -> Result<bool> {
        let doing = "add messages of a webhook";
        let is_there = select(WEBHOOK, "cameo_webhooks").with("id = ", id).with(" AND position = ", signed(from));
        if self.reader().select_webhooks(is_there).await?.is_empty() {
            return Ok(false);
        }
        // The position last: whoever is cut off before it does all of it again, and what is there already stays.
        self.reader().insert_webhook_messages(messages).await?;
        for watch in watches {
            self.reader().put_watch(watch).await?;
        }
        let advance = Statement::new("UPDATE cameo_webhooks SET ")
            .with("position = ", signed(to))
            .with(" WHERE id = ", id)
            .with(" AND position = ", signed(from));
        Ok(self.reader().change_webhooks(doing, advance).await? == 1)
    }

    async fn add_webhook_messages(&self, messages: &[Message]) -> Result<()> {
        self.reader().insert_webhook_messages(messages).await
    }

    async fn due_webhook_messages(&self, webhook: &str, now: Timestamp, max: usize) -> Result<Vec<Message>> {
        let statement = select(MESSAGE, "cameo_webhook_messages")
            .with("webhook_id = ", webhook)
            .with(" AND state = 'pending' AND next_at <= ", to_millis(now))
            .with(" ORDER BY next_at, id LIMIT ", limit(max));
        self.reader().select_messages(statement).await
    }

    async fn count_pending_webhook_messages(&self, webhook: &str) -> Result<u64> {
        let statement = Statement::new("SELECT COUNT(*) FROM cameo_webhook_messages")
            .with(" WHERE state = 'pending' AND webhook_id = ", webhook);
        Ok(u64::try_from(self.reader().webhook_number(statement).await?).unwrap_or_default())
    }

    async fn webhook_message(&self, webhook: &str, id: &str) -> Result<Option<Message>> {
        let statement = select(MESSAGE, "cameo_webhook_messages").with("webhook_id = ", webhook).with(" AND id = ", id);
        Ok(self.reader().select_messages(statement).await?.pop())
    }

    async fn webhook_messages(&self, webhook: &str, before: Before<'_>, max: usize) -> Result<Vec<Message>> {
        let statement = select(MESSAGE, "cameo_webhook_messages").with("webhook_id = ", webhook);
        self.reader().select_messages(statement.page("created_at", before, max)).await
    }

    async fn note_webhook_attempt(&self, attempt: &Attempt, message: &Message) -> Result<()> {
        let doing = "note an attempt of a webhook";
        // What became of the message first: an attempt that nobody noted is tried once more at worst.
        self.reader().change_webhooks(doing, update_message(&MessageColumns::from(message))).await?;
        self.reader().change_webhooks(doing, insert_attempt(&AttemptColumns::from(attempt))).await.map(drop)
    }

    async fn webhook_attempts(&self, webhook: &str, before: Before<'_>, max: usize) -> Result<Vec<Attempt>> {
        let statement = select(ATTEMPT, "cameo_webhook_attempts").with("webhook_id = ", webhook);
        self.reader().select_attempts(statement.page("tried_at", before, max)).await
    }

    async fn replay_webhook_messages(&self, webhook: &str, which: Replay<'_>, now: Timestamp) -> Result<u64> {
        let replay = Statement::new("UPDATE cameo_webhook_messages SET state = 'pending', tries = 0, ")
            .then("first_try_at = NULL, ended_at = NULL")
            .with(", next_at = ", to_millis(now))
            .with(" WHERE webhook_id = ", webhook);
        let replay = match which {
            Replay::Message(id) => replay.with(" AND id = ", id),
            Replay::Since(since) => {
                replay.with(" AND created_at >= ", to_millis(since)).with(" AND kind <> ", TEST_TYPE)
            }
        };
        self.reader().change_webhooks("replay messages of a webhook", replay).await
    }

    async fn webhook_watch(&self, webhook: &str, subject: &str) -> Result<Option<Watch>> {
        let statement =
            select(WATCH, "cameo_webhook_watches").with("webhook_id = ", webhook).with(" AND subject = ", subject);
        Ok(self.reader().select_watches(statement).await?.pop())
    }

    async fn due_webhook_watches(&self, webhook: &str, now: Timestamp, max: usize) -> Result<Vec<Watch>> {
        let statement = select(WATCH, "cameo_webhook_watches")
            .with("webhook_id = ", webhook)
            .with(" AND due_at <= ", to_millis(now))
            .with(" ORDER BY due_at, subject LIMIT ", limit(max));
        self.reader().select_watches(statement).await
    }

    async fn put_webhook_watch(&self, watch: &Watch) -> Result<()> {
        self.reader().put_watch(watch).await
    }

    async fn remove_webhook_watch(&self, webhook: &str, subject: &str) -> Result<()> {
        let remove = Statement::new("DELETE FROM cameo_webhook_watches")
            .with(" WHERE webhook_id = ", webhook)
            .with(" AND subject = ", subject);
        self.reader().change_webhooks("forget what a webhook watches", remove).await.map(drop)
    }

    async fn forget_webhook_past(&self, webhook: &str, past: Past) -> Result<u64> {
        let doing = "forget old messages of a webhook";
        let mut forgotten = 0;
        for (table, time, ended) in [
            ("cameo_webhook_messages", "created_at", " AND state <> 'pending'"),
            ("cameo_webhook_attempts", "tried_at", ""),
        ] {
            let oldest = self.reader().oldest_kept((table, time, ended), webhook, past).await?;
            let forget = Statement::new(format!("DELETE FROM {table}"))
                .with(" WHERE webhook_id = ", webhook)
                .with(&format!("{ended} AND {time} < "), oldest);
            forgotten += self.reader().change_webhooks(doing, forget).await?;
        }
        let forget = Statement::new("DELETE FROM cameo_webhook_watches")
            .with(" WHERE webhook_id = ", webhook)
            .with(" AND due_at IS NULL AND touched_at < ", to_millis(past.watches_before));
        Ok(forgotten + self.reader().change_webhooks(doing, forget).await?)
    }
}
