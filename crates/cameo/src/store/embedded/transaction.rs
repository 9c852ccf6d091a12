//! A change within the transaction that commits it: the row, the note that replaced content is garbage, and the event.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    Embedded, Inner, buckets,
    condition::WriteConditions,
    garbage,
    hot::Changing,
    kept, meta,
    object::{self, StoredObject},
    refusal::{Refusal, StoreResult},
};
use crate::{
    clock::to_millis,
    db::Done,
    model::{
        actor::Actor,
        error::{Place, Result},
        event::{Change, Event},
        generation::Generation,
        key::ORIGIN_PREFIX,
    },
    queue::{self, Queue},
    store::quarantine::{Removal, Why},
};

/// A change within the transaction that commits it.
pub(super) struct Transaction<'c> {
    pub(super) connection: &'c Connection,
    pub(super) inner: &'c Inner,
    pub(super) now: Timestamp,
    /// Who makes the change.
    pub(super) actor: Option<Actor>,
    /// What is to be told to the index in memory.
    changing: &'c Changing,
}

/// When a change is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    AtOnce,
    /// It may wait a few milliseconds for others, to share their commit.
    InBatch,
}

impl Embedded {
    /// Runs a change in the writer's next transaction, and returns its result once that is durable. The index in memory knows of it from its
    /// beginning until its commit has ended: the announcement travels with the result, so that it ends wherever the result does.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        doing: &'static str,
        now: Timestamp,
        commit: Commit,
        job: impl FnOnce(&Transaction<'_>) -> Done<T> + Send + 'static,
    ) -> Result<T> {
        let (inner, actor) = (self.inner.clone(), self.actor.clone());
        let job = move |connection: &Connection| {
            let changing = inner.hot.changing();
            let transaction = Transaction { connection, inner: &inner, now, actor, changing: &changing };
            let done = job(&transaction)?;
            drop(transaction);
            Ok((done, changing))
        };
        let db = &self.inner.db;
        let (done, changing) = match commit {
            Commit::AtOnce => db.write(Place::Store, doing, job).await?,
            Commit::InBatch => db.write_in_batch(Place::Store, doing, job).await?,
        };
        drop(changing);
        Ok(done)
    }
}

impl Transaction<'_> {
    pub(super) fn require_bucket(&self, bucket: &str) -> Done<StoreResult<()>> {
        Ok(if buckets::exists(self.connection, bucket)? { Ok(()) } else { Err(Refusal::NoSuchBucket) })
    }

    /// Writes the row if the conditions hold, and all that goes with it.
    pub(super) fn write(&self, object: &StoredObject, conditions: &WriteConditions) -> Done<StoreResult<()>> {
        if let Err(refusal) = self.require_bucket(&object.bucket)? {
            return Ok(Err(refusal));
        }
        let current = object::find(self.connection, &object.bucket, &object.key)?;
        if let Err(refusal) = conditions.check(current.as_ref()) {
            return Ok(Err(refusal));
        }
        let etag_before = current.as_ref().map(|current| current.etag.clone());
        self.changing.announce(&object.bucket, &object.key);
        object::upsert(self.connection, object)?;
        if let Some(replaced) = current {
            // Uploading the same again replaces nothing that anybody could want back.
            let removal = self.inner.removal_of(&replaced, Why::Replaced, self.now);
            self.let_go(replaced, removal.filter(|_| etag_before.as_deref() != Some(&object.etag)))?;
        }
        let change = Change::Created { etag: object.etag.clone(), size: object.size };
        self.send_event(&object.bucket, &object.key, object.generation, change)?;
        Ok(Ok(()))
    }

    /// Keeps what a change took out, or notes that its content is garbage.
    fn let_go(&self, removed: StoredObject, removal: Option<Removal>) -> Done<()> {
        match removal {
            Some(removal) => kept::keep(self.connection, removed, &removal),
            None => garbage::add(self.connection, removed.position.file, self.now),
        }
    }

    /// Deletes the row if the conditions hold. It is kept in quarantine where that is asked for, and where it is an original's.
    pub(super) fn delete(
        &self,
        bucket: &str,
        key: &str,
        generation: u64,
        conditions: &WriteConditions,
        removal: Option<Removal>,
    ) -> Done<StoreResult<bool>> {
        if let Err(refusal) = self.require_bucket(bucket)? {
            return Ok(Err(refusal));
        }
        let current = object::find(self.connection, bucket, key)?;
        if let Err(refusal) = conditions.check(current.as_ref()) {
            return Ok(Err(refusal));
        }
        let Some(removed) = current else {
            return Ok(Ok(false));
        };
        self.changing.announce(bucket, key);
        object::delete(self.connection, bucket, key)?;
        let removal = removal.or_else(|| self.inner.removal_of(&removed, Why::Deleted, self.now));
        self.let_go(removed, removal)?;
        self.send_event(bucket, key, generation, Change::Removed)?;
        Ok(Ok(true))
    }

    /// The file of a deletion is garbage once the content that it deleted is gone: that may be kept for `keep_removed`, and is removed
    /// after `keep_old`; this one goes later than both.
    pub(super) fn note_tombstone(&self, generation: u64) -> Done<()> {
        let options = self.inner.options.as_ref();
        let keep = options.map(|options| options.keep_old + options.keep_removed).unwrap_or_default();
        garbage::add(self.connection, generation, self.now.checked_add(keep).unwrap_or(self.now))
    }

    /// Remembers the generation, and sends the event where the key is an original's.
    fn send_event(&self, bucket: &str, key: &str, generation: u64, change: Change) -> Done<()> {
        meta::raise(self.connection, meta::COUNTER, generation)?;
        if !self.inner.is_original(bucket, key) {
            return Ok(());
        }
        let event = Event {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            generation: Generation::from_counter(generation),
            change,
            actor: self.actor.clone(),
        };
        let (queue, body) = (self.inner.events()?.name().to_owned(), event.to_notification(self.now));
        queue::sqlite::insert(self.connection, &queue, &body, to_millis(self.now))
    }
}

impl Inner {
    /// Whether objects of the bucket are originals, in the sense that nothing else could make them again.
    pub(super) fn is_kept(&self, bucket: &str) -> bool {
        self.options.as_ref().is_some_and(|options| options.image_bucket != bucket)
    }

    pub(super) fn is_original(&self, bucket: &str, key: &str) -> bool {
        self.options.as_ref().is_some_and(|options| options.upload_bucket == bucket) && key.starts_with(ORIGIN_PREFIX)
    }
}
