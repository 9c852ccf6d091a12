//! Queues as a table of the embedded database.
//!
//! A message is sent in the same transaction as what it tells of (see [`insert`]), so neither exists without the other.
//! Within this process a consumer is woken when a message becomes visible; nothing polls faster than [`POLL`].

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::FutureExt;
use rand::Rng;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use tokio::sync::Notify;

use super::{DeadLetter, Depth, Message, Queue};
use crate::{
    clock::{Clock, from_millis, to_millis},
    error::{Place, Result},
    sqlite::{Sqlite, failed},
};

/// How long a waiting consumer sleeps before it looks for messages whose visibility timeout ended.
pub const POLL: Duration = Duration::from_secs(1);

const INSERT: &str = "INSERT INTO cameo_messages (queue, body, enqueued_at, visible_at) VALUES (?1, ?2, ?3, ?3)";
const BURY_WORN_OUT: &str = "INSERT INTO cameo_dead_letters (queue, body, enqueued_at, receive_count, dead_at, error)
    SELECT queue, body, enqueued_at, receive_count, ?2, 'received ' || receive_count || ' times without success'
    FROM cameo_messages WHERE queue = ?1 AND visible_at <= ?2 AND receive_count >= ?3";
const DELETE_WORN_OUT: &str =
    "DELETE FROM cameo_messages WHERE queue = ?1 AND visible_at <= ?2 AND receive_count >= ?3";
const RECEIVE: &str =
    "UPDATE cameo_messages SET visible_at = ?3, receive_count = receive_count + 1, receipt = ?4 || '-' || id
    WHERE id IN (SELECT id FROM cameo_messages WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at, id LIMIT ?5)
    RETURNING id, receipt, body, receive_count";
const DELETE: &str = "DELETE FROM cameo_messages WHERE queue = ?1 AND receipt = ?2";
const EXTEND: &str = "UPDATE cameo_messages SET visible_at = ?3 WHERE queue = ?1 AND receipt = ?2";
const RELEASE: &str = "UPDATE cameo_messages SET visible_at = ?3, receipt = NULL, receive_count = receive_count - 1
    WHERE queue = ?1 AND receipt = ?2";
const RELEASE_ALL: &str = "UPDATE cameo_messages SET visible_at = ?2, receipt = NULL, receive_count = receive_count - 1
    WHERE queue = ?1 AND receipt IS NOT NULL AND visible_at > ?2";
const BURY: &str = "INSERT INTO cameo_dead_letters (queue, body, enqueued_at, receive_count, dead_at, error)
    SELECT queue, body, enqueued_at, receive_count, ?3, ?4 FROM cameo_messages WHERE queue = ?1 AND receipt = ?2";
const DEPTH: &str = "SELECT
    (SELECT count(*) FROM cameo_messages WHERE queue = ?1 AND visible_at <= ?2),
    (SELECT count(*) FROM cameo_messages WHERE queue = ?1 AND visible_at > ?2),
    (SELECT count(*) FROM cameo_dead_letters WHERE queue = ?1),
    (SELECT min(enqueued_at) FROM cameo_messages WHERE queue = ?1)";
const DEAD_LETTERS: &str =
    "SELECT body, receive_count, error FROM cameo_dead_letters WHERE queue = ?1 ORDER BY id DESC LIMIT ?2";

/// A queue in the embedded database.
#[derive(Debug, Clone)]
pub struct SqliteQueue {
    db: Sqlite,
    name: Arc<str>,
    max_receives: u32,
    clock: Arc<dyn Clock>,
    sent: Arc<Notify>,
}

/// Sends one message within a transaction of the caller's. Afterwards, call [`SqliteQueue::wake`].
pub async fn insert(connection: &mut SqliteConnection, queue: &str, body: &str, now_millis: i64) -> Result<()> {
    sqlx::query(INSERT)
        .bind(queue)
        .bind(body)
        .bind(now_millis)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(|e| failed(Place::Queue, "send a message", e))
}

impl SqliteQueue {
    /// The queue `name`; a message received `max_receives` times without success becomes a dead letter.
    pub fn new(db: Sqlite, name: &str, max_receives: u32, clock: Arc<dyn Clock>) -> Self {
        Self { db, name: name.into(), max_receives, clock, sent: Arc::new(Notify::new()) }
    }

    /// Wakes a waiting consumer, after a message was sent by [`insert`].
    pub fn wake(&self) {
        self.sent.notify_one();
    }

    /// Makes every held message visible again; returns how many there were. For the start of the one process that owns
    /// the database: whoever held them is gone. Their receives are not counted: originals are rendered in child processes, so
    /// no message can be what ended the process that held it.
    pub async fn release_all(&self) -> Result<u64> {
        let (name, now) = (self.name.clone(), self.now_millis());
        self.db
            .write(Place::Queue, "give held messages back", move |connection| {
                async move {
                    let done = sqlx::query(RELEASE_ALL).bind(&*name).bind(now).execute(connection).await;
                    Ok(done.map_err(|e| failed(Place::Queue, "give held messages back", e))?.rows_affected())
                }
                .boxed()
            })
            .await
    }

    fn now_millis(&self) -> i64 {
        to_millis(self.clock.now())
    }

    async fn try_receive(&self, max: usize, visibility: Duration) -> Result<Vec<Message>> {
        // Looking costs no write, so an idle queue costs no fsync.
        if self.depth().await?.visible == 0 {
            return Ok(Vec::new());
        }
        let (name, max_receives, now) = (self.name.clone(), self.max_receives, self.now_millis());
        let hidden_until = now.saturating_add(millis(visibility));
        let token = format!("{:016x}", rand::rng().random::<u64>());
        self.db
            .write(Place::Queue, "receive messages", move |connection| {
                async move { receive_in(connection, &name, max_receives, now, hidden_until, &token, max).await }.boxed()
            })
            .await
    }
}

async fn receive_in(
    connection: &mut SqliteConnection,
    name: &str,
    max_receives: u32,
    now: i64,
    hidden_until: i64,
    token: &str,
    max: usize,
) -> Result<Vec<Message>> {
    let error = |e| failed(Place::Queue, "receive messages", e);
    for statement in [BURY_WORN_OUT, DELETE_WORN_OUT] {
        sqlx::query(statement)
            .bind(name)
            .bind(now)
            .bind(max_receives)
            .execute(&mut *connection)
            .await
            .map_err(error)?;
    }
    let rows = sqlx::query(RECEIVE)
        .bind(name)
        .bind(now)
        .bind(hidden_until)
        .bind(token)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .map_err(error)?;
    rows.iter().map(message).collect::<Result<_, sqlx::Error>>().map_err(error)
}

fn message(row: &SqliteRow) -> Result<Message, sqlx::Error> {
    Ok(Message {
        id: row.try_get::<i64, _>(0)?.to_string(),
        receipt: row.try_get(1)?,
        body: row.try_get(2)?,
        receive_count: row.try_get(3)?,
    })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Queue for SqliteQueue {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, bodies: &[String]) -> Result<()> {
        let (name, bodies, now) = (self.name.clone(), bodies.to_vec(), self.now_millis());
        self.db
            .write(Place::Queue, "send messages", move |connection| {
                async move {
                    for body in &bodies {
                        insert(connection, &name, body, now).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await?;
        self.wake();
        Ok(())
    }

    async fn receive(&self, max: usize, visibility: Duration, wait: Duration) -> Result<Vec<Message>> {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let sent = self.sent.notified();
            let messages = self.try_receive(max, visibility).await?;
            if !messages.is_empty() {
                // One wake-up may stand for many messages: pass it on to the next consumer.
                self.wake();
                return Ok(messages);
            }
            let now = tokio::time::Instant::now();
            if now >= deadline {
                return Ok(messages);
            }
            // The outcome does not matter: either way it is time to look again.
            let _ = tokio::time::timeout_at(deadline.min(now + POLL), sent).await;
        }
    }

    async fn delete(&self, receipts: &[String]) -> Result<()> {
        let (name, receipts) = (self.name.clone(), receipts.to_vec());
        self.db
            .write(Place::Queue, "delete messages", move |connection| {
                async move {
                    for receipt in &receipts {
                        let query = sqlx::query(DELETE).bind(&*name).bind(receipt);
                        query
                            .execute(&mut *connection)
                            .await
                            .map_err(|e| failed(Place::Queue, "delete a message", e))?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        let hidden_until = self.now_millis().saturating_add(millis(visibility));
        let (name, receipt) = (self.name.clone(), receipt.to_owned());
        self.db
            .write(Place::Queue, "extend a message's visibility timeout", move |connection| {
                async move {
                    let query = sqlx::query(EXTEND).bind(&*name).bind(receipt).bind(hidden_until);
                    let done =
                        query.execute(connection).await.map_err(|e| failed(Place::Queue, "extend a lease", e))?;
                    Ok(done.rows_affected() > 0)
                }
                .boxed()
            })
            .await
    }

    async fn release(&self, receipt: &str) -> Result<()> {
        let (name, receipt, now) = (self.name.clone(), receipt.to_owned(), self.now_millis());
        self.db
            .write(Place::Queue, "give a message back", move |connection| {
                async move {
                    let query = sqlx::query(RELEASE).bind(&*name).bind(receipt).bind(now);
                    query.execute(connection).await.map_err(|e| failed(Place::Queue, "give a message back", e))?;
                    Ok(())
                }
                .boxed()
            })
            .await?;
        self.wake();
        Ok(())
    }

    async fn bury(&self, receipt: &str, error: &str) -> Result<()> {
        let (name, receipt, error, now) = (self.name.clone(), receipt.to_owned(), error.to_owned(), self.now_millis());
        self.db
            .write(Place::Queue, "set a message aside", move |connection| {
                async move {
                    let failed = |e| failed(Place::Queue, "set a message aside", e);
                    let query = sqlx::query(BURY).bind(&*name).bind(&receipt).bind(now).bind(error);
                    query.execute(&mut *connection).await.map_err(failed)?;
                    sqlx::query(DELETE).bind(&*name).bind(&receipt).execute(connection).await.map_err(failed)?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    async fn depth(&self) -> Result<Depth> {
        let error = |e| failed(Place::Queue, "look how full a queue is", e);
        let query = sqlx::query(DEPTH).bind(&*self.name).bind(self.now_millis());
        let row = query.fetch_one(self.db.readers()).await.map_err(error)?;
        let count = |i: usize| row.try_get::<i64, _>(i).map(|n| u64::try_from(n).unwrap_or(0)).map_err(error);
        let oldest = row.try_get::<Option<i64>, _>(3).map_err(error)?.map(from_millis);
        Ok(Depth { visible: count(0)?, in_flight: count(1)?, dead: count(2)?, oldest })
    }

    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        let error = |e| failed(Place::Queue, "list dead letters", e);
        let query = sqlx::query(DEAD_LETTERS).bind(&*self.name).bind(i64::try_from(max).unwrap_or(i64::MAX));
        let rows = query.fetch_all(self.db.readers()).await.map_err(error)?;
        let letter = |row: &SqliteRow| {
            Ok(DeadLetter { body: row.try_get(0)?, receive_count: row.try_get(1)?, error: row.try_get(2)? })
        };
        rows.iter().map(letter).collect::<Result<_, sqlx::Error>>().map_err(error)
    }
}
