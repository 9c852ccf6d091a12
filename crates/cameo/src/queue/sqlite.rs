//! Queues as a table of the embedded database.
//!
//! A message is sent in the same transaction as what it tells of (see [`insert`]), so neither exists without the other.
//! Within this process a consumer is woken when a message becomes visible; nothing polls faster than [`POLL`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use rand::Rng;
use rusqlite::{Connection, Row};
use tokio::sync::Notify;

use super::{DeadLetter, Depth, Message, Queue};
use crate::{
    clock::{Clock, from_millis, to_millis},
    db::{Done, Sqlite},
    model::error::{Place, Result},
};

/// How long a waiting consumer sleeps before it looks for messages whose visibility timeout ended.
pub const POLL: Duration = Duration::from_secs(1);

/// Milliseconds by which the clock must have been set back for anything to be done about it: smaller steps are usual.
const SET_BACK_MS: i64 = 1000;

const INSERT: &str = "INSERT INTO cameo_messages (queue, body, enqueued_at, visible_at) VALUES (?1, ?2, ?3, ?3)";
// What nobody has received has no receipt, and is never hidden, wherever the clock was set to since.
const IS_ANY_VISIBLE: &str = "SELECT EXISTS (SELECT 1 FROM cameo_messages WHERE queue = ?1 AND visible_at <= ?2)
    OR EXISTS (SELECT 1 FROM cameo_messages WHERE queue = ?1 AND visible_at > ?2 AND receipt IS NULL)";
const BURY_WORN_OUT: &str = "INSERT INTO cameo_dead_letters (queue, body, enqueued_at, receive_count, dead_at, error)
    SELECT queue, body, enqueued_at, receive_count, ?2,
        coalesce(last_error, 'received ' || receive_count || ' times without success')
    FROM cameo_messages WHERE queue = ?1 AND (visible_at <= ?2 OR receipt IS NULL) AND receive_count >= ?3";
const DELETE_WORN_OUT: &str = "DELETE FROM cameo_messages
    WHERE queue = ?1 AND (visible_at <= ?2 OR receipt IS NULL) AND receive_count >= ?3";
const RECEIVE: &str =
    "UPDATE cameo_messages SET visible_at = ?3, receive_count = receive_count + 1, receipt = ?4 || '-' || id
    WHERE id IN (SELECT id FROM cameo_messages WHERE queue = ?1 AND (visible_at <= ?2 OR receipt IS NULL)
        ORDER BY visible_at, id LIMIT ?5)
    RETURNING id, receipt, body, receive_count";
const RETRY_LATER: &str =
    "UPDATE cameo_messages SET visible_at = ?3, last_error = ?4 WHERE queue = ?1 AND receipt = ?2";
// After the clock was set back by ?3: what is hidden stays so for as long as it was to be, and no longer.
const SET_BACK: &str = "UPDATE cameo_messages SET visible_at = visible_at - ?3
    WHERE queue = ?1 AND visible_at > ?2 AND receipt IS NOT NULL";
const DELETE: &str = "DELETE FROM cameo_messages WHERE queue = ?1 AND receipt = ?2";
const EXTEND: &str = "UPDATE cameo_messages SET visible_at = ?3 WHERE queue = ?1 AND receipt = ?2";
const RELEASE: &str = "UPDATE cameo_messages SET visible_at = ?3, receipt = NULL, receive_count = receive_count - 1
    WHERE queue = ?1 AND receipt = ?2";
const RELEASE_ALL: &str = "UPDATE cameo_messages SET visible_at = ?2, receipt = NULL, receive_count = receive_count - 1
    WHERE queue = ?1 AND receipt IS NOT NULL AND visible_at > ?2";
const BURY: &str = "INSERT INTO cameo_dead_letters (queue, body, enqueued_at, receive_count, dead_at, error)
    SELECT queue, body, enqueued_at, receive_count, ?3, ?4 FROM cameo_messages WHERE queue = ?1 AND receipt = ?2";
const DEPTH: &str = "SELECT
    (SELECT count(*) FROM cameo_messages WHERE queue = ?1 AND (visible_at <= ?2 OR receipt IS NULL)),
    (SELECT count(*) FROM cameo_messages WHERE queue = ?1 AND visible_at > ?2 AND receipt IS NOT NULL),
    (SELECT count(*) FROM cameo_dead_letters WHERE queue = ?1),
    (SELECT min(enqueued_at) FROM cameo_messages WHERE queue = ?1)";
const DEAD_LETTERS: &str = "SELECT id, body, receive_count, error, dead_at FROM cameo_dead_letters
    WHERE queue = ?1 ORDER BY id DESC LIMIT ?2";
const SEND_AGAIN: &str = "INSERT INTO cameo_messages (queue, body, enqueued_at, visible_at)
    SELECT queue, body, ?3, ?3 FROM cameo_dead_letters WHERE queue = ?1 AND id = ?2";
const FORGET_DEAD: &str = "DELETE FROM cameo_dead_letters WHERE queue = ?1 AND id = ?2";
const BODIES: &str = "SELECT body FROM cameo_messages WHERE queue = ?1 LIMIT ?2";

/// A queue in the embedded database.
#[derive(Debug, Clone)]
pub struct SqliteQueue {
    db: Sqlite,
    name: Arc<str>,
    max_receives: u32,
    clock: Arc<dyn Clock>,
    /// The latest time that this process has seen, in milliseconds since 1970.
    latest: Arc<AtomicI64>,
    sent: Arc<Notify>,
}

/// Sends one message within a transaction of the caller's. Afterwards, call [`SqliteQueue::wake`].
pub fn insert(connection: &Connection, queue: &str, body: &str, now_millis: i64) -> Done<()> {
    connection.prepare_cached(INSERT)?.execute((queue, body, now_millis))?;
    Ok(())
}

impl SqliteQueue {
    /// The queue `name`; a message received `max_receives` times without success becomes a dead letter.
    pub fn new(db: Sqlite, name: &str, max_receives: u32, clock: Arc<dyn Clock>) -> Self {
        let latest = Arc::new(AtomicI64::new(i64::MIN));
        Self { db, name: name.into(), max_receives, clock, latest, sent: Arc::new(Notify::new()) }
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
        let job = self.db.write(Place::Queue, "give held messages back", move |connection| {
            Ok(connection.prepare_cached(RELEASE_ALL)?.execute((&*name, now))? as u64)
        });
        job.await
    }

    fn now_millis(&self) -> i64 {
        to_millis(self.clock.now())
    }

    /// Brings what is hidden in line with a clock that was set back, as it shows nowhere but in the time itself.
    async fn follow_the_clock(&self) -> Result<()> {
        let now = self.now_millis();
        let latest = self.latest.fetch_max(now, Ordering::Relaxed);
        let back = latest.saturating_sub(now);
        if latest == i64::MIN || back < SET_BACK_MS {
            return Ok(());
        }
        // One of those who notice it does it.
        if self.latest.compare_exchange(latest, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return Ok(());
        }
        tracing::warn!(queue = &*self.name, back_ms = back, "the clock was set back; hidden messages follow it");
        let name = self.name.clone();
        let job = self.db.write(Place::Queue, "follow the clock", move |connection| {
            connection.prepare_cached(SET_BACK)?.execute((&*name, now, back))?;
            Ok(())
        });
        job.await
    }

    async fn try_receive(&self, max: usize, visibility: Duration) -> Result<Vec<Message>> {
        self.follow_the_clock().await?;
        // Looking costs no write, so an idle queue costs no fsync.
        let is_any_visible = self.db.look_up(Place::Queue, "look for messages", |connection| {
            let mut query = connection.prepare_cached(IS_ANY_VISIBLE)?;
            Ok(query.query_row((&*self.name, self.now_millis()), |row| row.get(0))?)
        });
        if !is_any_visible? {
            return Ok(Vec::new());
        }
        let now = self.now_millis();
        let receive = Receive {
            name: self.name.clone(),
            max_receives: self.max_receives,
            now,
            hidden_until: now.saturating_add(millis(visibility)),
            token: format!("{:016x}", rand::rng().random::<u64>()),
            max: i64::try_from(max).unwrap_or(i64::MAX),
        };
        self.db.write_in_batch(Place::Queue, "receive messages", move |connection| receive.run(connection)).await
    }
}

/// What a receive asks for.
struct Receive {
    name: Arc<str>,
    max_receives: u32,
    now: i64,
    hidden_until: i64,
    token: String,
    max: i64,
}

impl Receive {
    fn run(self, connection: &Connection) -> Done<Vec<Message>> {
        let Self { name, max_receives, now, hidden_until, token, max } = self;
        let buried = connection.prepare_cached(BURY_WORN_OUT)?.execute((&*name, now, max_receives))?;
        if buried > 0 {
            connection.prepare_cached(DELETE_WORN_OUT)?.execute((&*name, now, max_receives))?;
        }
        let mut query = connection.prepare_cached(RECEIVE)?;
        let messages = query.query_map((&*name, now, hidden_until, token, max), message)?.collect::<Result<_, _>>()?;
        Ok(messages)
    }
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get::<_, i64>(0)?.to_string(),
        receipt: row.get(1)?,
        body: row.get(2)?,
        receive_count: row.get(3)?,
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
        let job = self.db.write_in_batch(Place::Queue, "send messages", move |connection| {
            bodies.iter().try_for_each(|body| insert(connection, &name, body, now))
        });
        job.await?;
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
        let job = self.db.write_in_batch(Place::Queue, "delete messages", move |connection| {
            let mut delete = connection.prepare_cached(DELETE)?;
            for receipt in &receipts {
                delete.execute((&*name, receipt))?;
            }
            Ok(())
        });
        job.await
    }

    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        let hidden_until = self.now_millis().saturating_add(millis(visibility));
        let (name, receipt) = (self.name.clone(), receipt.to_owned());
        let job = self.db.write(Place::Queue, "extend a message's visibility timeout", move |connection| {
            Ok(connection.prepare_cached(EXTEND)?.execute((&*name, receipt, hidden_until))? > 0)
        });
        job.await
    }

    async fn release(&self, receipt: &str) -> Result<()> {
        let (name, receipt, now) = (self.name.clone(), receipt.to_owned(), self.now_millis());
        let job = self.db.write(Place::Queue, "give a message back", move |connection| {
            connection.prepare_cached(RELEASE)?.execute((&*name, receipt, now))?;
            Ok(())
        });
        job.await?;
        self.wake();
        Ok(())
    }

    async fn retry_later(&self, receipt: &str, pause: Duration, error: &str) -> Result<()> {
        let hidden_until = self.now_millis().saturating_add(millis(pause));
        let (name, receipt, error) = (self.name.clone(), receipt.to_owned(), error.to_owned());
        let job = self.db.write(Place::Queue, "put a message off", move |connection| {
            connection.prepare_cached(RETRY_LATER)?.execute((&*name, receipt, hidden_until, error))?;
            Ok(())
        });
        job.await
    }

    async fn dead_letter(&self, receipt: &str, error: &str) -> Result<()> {
        let (name, receipt, error, now) = (self.name.clone(), receipt.to_owned(), error.to_owned(), self.now_millis());
        let job = self.db.write(Place::Queue, "move a message to the dead letters", move |connection| {
            connection.prepare_cached(BURY)?.execute((&*name, &receipt, now, error))?;
            connection.prepare_cached(DELETE)?.execute((&*name, &receipt))?;
            Ok(())
        });
        job.await
    }

    fn max_receives(&self) -> Option<u32> {
        Some(self.max_receives)
    }

    fn adopt(&self, _: &Message) {}

    async fn redrive(&self, ids: &[String]) -> Result<u64> {
        let (name, now) = (self.name.clone(), self.now_millis());
        let ids: Vec<i64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let job = self.db.write(Place::Queue, "send dead letters again", move |connection| {
            let mut sent = 0;
            for id in ids {
                sent += connection.prepare_cached(SEND_AGAIN)?.execute((&*name, id, now))? as u64;
                connection.prepare_cached(FORGET_DEAD)?.execute((&*name, id))?;
            }
            Ok(sent)
        });
        let sent = job.await?;
        self.wake();
        Ok(sent)
    }

    async fn depth(&self) -> Result<Depth> {
        let (name, now) = (self.name.clone(), self.now_millis());
        let job = self.db.read(Place::Queue, "look how full a queue is", move |connection| {
            Ok(connection.prepare_cached(DEPTH)?.query_row((&*name, now), depth)?)
        });
        job.await
    }

    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        let (name, max) = (self.name.clone(), i64::try_from(max).unwrap_or(i64::MAX));
        let job = self.db.read(Place::Queue, "list dead letters", move |connection| {
            let mut query = connection.prepare_cached(DEAD_LETTERS)?;
            let letters = query.query_map((&*name, max), |row| {
                let dead_at = from_millis(row.get(4)?);
                let id = row.get::<_, i64>(0)?.to_string();
                Ok(DeadLetter::new(id, row.get(1)?, row.get(2)?, row.get(3)?, Some(dead_at)))
            })?;
            Ok(letters.collect::<Result<_, _>>()?)
        });
        job.await
    }

    async fn bodies(&self, max: usize) -> Result<Option<Vec<String>>> {
        let (name, limit) = (self.name.clone(), i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1));
        let job = self.db.read(Place::Queue, "look at the messages", move |connection| {
            let mut query = connection.prepare_cached(BODIES)?;
            Ok(query.query_map((&*name, limit), |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?)
        });
        Ok(Some(job.await?).filter(|bodies| bodies.len() <= max))
    }
}

fn depth(row: &Row<'_>) -> rusqlite::Result<Depth> {
    let count = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
    let oldest = row.get::<_, Option<i64>>(3)?.map(from_millis);
    Ok(Depth { visible: count(0)?, in_flight: count(1)?, dead: count(2)?, oldest })
}
