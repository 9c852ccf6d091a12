//! A change within the transaction that commits it: the row, the note that replaced content is garbage, and the event.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    Inner, buckets,
    condition::WriteConditions,
    garbage, meta,
    object::{self, StoredObject},
    refusal::{Refusal, StoreResult},
};
use crate::{
    clock::to_millis,
    db::Done,
    model::{
        actor::Actor,
        event::{Change, Event},
        generation::Generation,
        key::ORIGIN_PREFIX,
    },
    queue::{self, Queue},
};

/// A change within the transaction that commits it.
pub(super) struct Transaction<'c> {
    pub(super) connection: &'c Connection,
    pub(super) inner: &'c Inner,
    pub(super) now: Timestamp,
    /// Who makes the change.
    pub(super) actor: Option<Actor>,
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
        object::upsert(self.connection, object)?;
        if let Some(replaced) = current {
            garbage::add(self.connection, replaced.position.file, self.now)?;
        }
        let change = Change::Created { etag: object.etag.clone(), size: object.size };
        self.send_event(&object.bucket, &object.key, object.generation, change)?;
        Ok(Ok(()))
    }

    pub(super) fn delete(
        &self,
        bucket: &str,
        key: &str,
        generation: u64,
        conditions: &WriteConditions,
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
        object::delete(self.connection, bucket, key)?;
        garbage::add(self.connection, removed.position.file, self.now)?;
        self.send_event(bucket, key, generation, Change::Removed)?;
        Ok(Ok(true))
    }

    /// The file of a deletion is garbage once the content that it deleted is gone: that is removed after `keep_old`, this one after twice as
    /// long.
    pub(super) fn note_tombstone(&self, generation: u64) -> Done<()> {
        let keep_old = self.inner.options.as_ref().map(|options| options.keep_old).unwrap_or_default();
        garbage::add(self.connection, generation, self.now.checked_add(keep_old).unwrap_or(self.now))
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
