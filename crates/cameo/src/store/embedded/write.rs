//! Accepting a change: a lock for its key, a generation, the content in its place, and one transaction.
//!
//! The transaction holds the row, the note that the replaced content is garbage, and the event. A change is accepted
//! once it is committed, whether or not the client still waits; nothing is answered before.

use std::{
    collections::{BTreeSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::Arc,
};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    Embedded, Inner, buckets,
    checksum::Checksums,
    condition::{ReadConditions, Verdict, WriteConditions},
    files::Placed,
    garbage,
    generations::InFlight,
    meta,
    multipart::{self, Completes},
    object::{self, Description, ObjectPart, Position, StoredObject},
    record::Record,
    refusal::{Answer, Refusal},
    staging::{Staged, blocking},
};
use crate::{
    clock::to_millis,
    db::Done,
    failpoint::{Bug, Point, planted, reached},
    model::{
        error::{Error, Kind, Place, Result},
        event::{Change, Event},
        generation::Generation,
        key::ORIGIN_PREFIX,
    },
    queue::{self, Queue},
};

/// Locks for keys: a fixed number, so that they cost no more with more keys. Two keys may share one.
const LOCKS: usize = 1024;

/// Generations that are reserved in the database at once: one commit in a thousand changes, and as many numbers lost by each start.
pub(super) const RESERVED_AT_ONCE: u64 = 1024;

/// An object to be written.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What the client says of it.
    pub description: Description,
    /// Additional checksums, verified.
    pub checksums: Checksums,
    /// What must hold.
    pub conditions: WriteConditions,
}

/// Content that is about to become an object.
pub(super) struct Content {
    pub(super) staged: Staged,
    pub(super) etag: String,
    pub(super) parts: Vec<ObjectPart>,
    pub(super) completes: Option<Completes>,
}

/// An object to be copied.
#[derive(Debug, Clone)]
pub struct Copy {
    /// Bucket and key of the source.
    pub from: (String, String),
    /// What must hold for the source.
    pub source_conditions: ReadConditions,
    /// Bucket and key of the copy.
    pub to: (String, String),
    /// What the client says of the copy; `None` keeps what it said of the source.
    pub description: Option<Description>,
    /// What must hold for the copy's key.
    pub conditions: WriteConditions,
}

/// Locks that keep the changes of a key in the order of their generations.
#[derive(Debug)]
pub(super) struct KeyLocks {
    hasher: RandomState,
    locks: Vec<Arc<Mutex<()>>>,
}

impl Default for KeyLocks {
    fn default() -> Self {
        Self { hasher: RandomState::new(), locks: (0..LOCKS).map(|_| Arc::default()).collect() }
    }
}

impl KeyLocks {
    #[expect(clippy::cast_possible_truncation, reason = "any index will do")]
    fn index(&self, bucket: &str, key: &str) -> usize {
        self.hasher.hash_one((bucket, key)) as usize % self.locks.len()
    }

    pub(super) async fn lock(&self, bucket: &str, key: &str) -> OwnedMutexGuard<()> {
        self.locks[self.index(bucket, key)].clone().lock_owned().await
    }

    /// Locks several keys, in an order that all who do so share: nobody waits for somebody who waits for him.
    pub(super) async fn lock_all(&self, bucket: &str, keys: impl Iterator<Item = &str>) -> Vec<OwnedMutexGuard<()>> {
        let indices: BTreeSet<usize> = keys.map(|key| self.index(bucket, key)).collect();
        let mut held = Vec::with_capacity(indices.len());
        for index in indices {
            held.push(self.locks[index].clone().lock_owned().await);
        }
        held
    }
}

/// A change within the transaction that commits it.
pub(super) struct Transaction<'c> {
    pub(super) connection: &'c Connection,
    pub(super) inner: &'c Inner,
    pub(super) now: Timestamp,
}

impl Transaction<'_> {
    fn require_bucket(&self, bucket: &str) -> Done<Answer<()>> {
        Ok(if buckets::exists(self.connection, bucket)? { Ok(()) } else { Err(Refusal::NoSuchBucket) })
    }

    /// Writes the row if the conditions hold, and all that goes with it.
    pub(super) fn write(&self, object: &StoredObject, conditions: &WriteConditions) -> Done<Answer<()>> {
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
        self.tell(&object.bucket, &object.key, object.generation, change)?;
        Ok(Ok(()))
    }

    fn delete(&self, bucket: &str, key: &str, generation: u64, conditions: &WriteConditions) -> Done<Answer<bool>> {
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
        self.tell(bucket, key, generation, Change::Removed)?;
        Ok(Ok(true))
    }

    /// The file of a deletion is garbage once the content that it deleted is gone: that is removed after `keep_old`, this one after twice as
    /// long.
    fn note_tombstone(&self, generation: u64) -> Done<()> {
        let keep_old = self.inner.options.as_ref().map(|options| options.keep_old).unwrap_or_default();
        garbage::add(self.connection, generation, self.now.checked_add(keep_old).unwrap_or(self.now))
    }

    /// Remembers the generation, and sends the event where the key is an original's.
    fn tell(&self, bucket: &str, key: &str, generation: u64, change: Change) -> Done<()> {
        meta::raise(self.connection, meta::COUNTER, generation)?;
        if !self.inner.is_original(bucket, key) {
            return Ok(());
        }
        let event = Event {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            generation: Generation::from_counter(generation),
            change,
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

    fn is_original(&self, bucket: &str, key: &str) -> bool {
        self.options.as_ref().is_some_and(|options| options.upload_bucket == bucket) && key.starts_with(ORIGIN_PREFIX)
    }
}

impl Embedded {
    /// The next generation, below the mark that the database has reserved.
    pub(super) async fn next_generation(&self) -> Result<InFlight> {
        self.bound_doubts().await?;
        let in_flight = self.inner.generations()?.next();
        self.reserve(in_flight.number()).await?;
        Ok(in_flight)
    }

    /// Raises the mark in the database where `generation` lies above it: before anything durable may have that number.
    pub(super) async fn reserve(&self, generation: u64) -> Result<()> {
        let generations = self.inner.generations()?;
        if generation <= generations.reserved() {
            return Ok(());
        }
        let mark = generation + RESERVED_AT_ONCE;
        let job = self.inner.db.write(Place::Store, "reserve generations", move |connection| {
            meta::raise(connection, meta::RESERVED, mark)
        });
        job.await?;
        generations.set_reserved(mark);
        Ok(())
    }

    /// Writes an object of content that was received. What it replaces stays readable to those who have opened it.
    pub async fn put(&self, staged: Staged, object: NewObject) -> Answer<StoredObject> {
        let etag = hex::encode(staged.digests().md5);
        self.put_content(Content { staged, etag, parts: Vec::new(), completes: None }, object).await
    }

    pub(super) async fn put_content(&self, content: Content, object: NewObject) -> Answer<StoredObject> {
        let lock = self.inner.locks.lock(&object.bucket, &object.key).await;
        let store = self.clone();
        self.detached(async move { store.place_and_commit(lock, content, object).await }).await
    }

    async fn place_and_commit(
        &self,
        lock: OwnedMutexGuard<()>,
        content: Content,
        new: NewObject,
    ) -> Answer<StoredObject> {
        let Content { staged, etag, parts, completes } = content;
        let in_flight = self.next_generation().await?;
        let (generation, size) = (in_flight.number(), staged.digests().size);
        let NewObject { bucket, key, description, checksums, conditions } = new;
        let modified_at = self.now();
        let position = Position { file: generation, offset: 0 };
        let object =
            StoredObject { bucket, key, generation, position, size, etag, modified_at, description, checksums, parts };
        let (files, record) = (self.inner.files.clone(), Record::of([&object]));
        let placed = blocking(move || files.place(staged.temp, &record, in_flight)).await?;
        if planted(Bug::AcknowledgeBeforeCommit) && self.inner.is_original(&object.bucket, &object.key) {
            let (store, answer) = (self.clone(), object.clone());
            tokio::spawn(async move { store.commit_placed(placed, object, conditions, completes).await });
            return Ok(answer);
        }
        let result = self.commit_placed(placed, object, conditions, completes).await;
        drop(lock);
        result
    }

    async fn commit_placed(
        &self,
        mut placed: Placed,
        object: StoredObject,
        conditions: WriteConditions,
        completes: Option<Completes>,
    ) -> Answer<StoredObject> {
        let (inner, now, row) = (self.inner.clone(), object.modified_at, object.clone());
        let written = self
            .inner
            .db
            .write(Place::Store, "record an object", move |connection| {
                if let Some(completes) = completes
                    && let Err(refusal) = multipart::complete_in(connection, &completes, &row, &conditions)?
                {
                    return Ok(Err(refusal));
                }
                Transaction { connection, inner: &inner, now }.write(&row, &conditions)
            })
            .await;
        match written {
            Ok(Ok(())) => {
                placed.keep();
                reached(Point::ObjectCommitted);
                self.inner.files.watermark().raise(object.generation);
            }
            // The file is removed as the guard is dropped.
            Ok(Err(refusal)) => return Err(refusal),
            Err(error) => {
                placed.doubt();
                return Err(error.into());
            }
        }
        self.wake_events(&object.bucket, &object.key);
        Ok(object)
    }

    /// Gives content a second key. In the image bucket nothing is copied: both rows name the same file. Elsewhere each object has a file
    /// of its own, whose record names its key.
    pub async fn copy_object(&self, copy: Copy) -> Answer<StoredObject> {
        if self.inner.is_kept(&copy.to.0) {
            return self.copy_content(copy).await;
        }
        let lock = self.inner.locks.lock(&copy.to.0, &copy.to.1).await;
        let store = self.clone();
        self.detached(async move {
            let result = store.commit_copy(copy).await;
            drop(lock);
            result
        })
        .await
    }

    pub(super) async fn copy_content(&self, copy: Copy) -> Answer<StoredObject> {
        let Copy { from, source_conditions, to: (bucket, key), description, conditions } = copy;
        let open = self.open_object(&from.0, &from.1)?;
        if source_conditions.judge(&open.object) != Verdict::Send {
            return Err(Refusal::ConditionFailed);
        }
        let StoredObject { etag, checksums, parts, description: described, .. } = open.object.clone();
        let files = self.inner.files.clone();
        let staged = blocking(move || Staged::copy_of(&files, open)).await?;
        let new = NewObject { bucket, key, description: description.unwrap_or(described), checksums, conditions };
        self.put_content(Content { staged, etag, parts, completes: None }, new).await
    }

    async fn commit_copy(&self, copy: Copy) -> Answer<StoredObject> {
        let in_flight = self.next_generation().await?;
        let (inner, now, generation) = (self.inner.clone(), self.now(), in_flight.number());
        let object = self
            .inner
            .db
            .write(Place::Store, "record a copy of an object", move |connection| {
                Transaction { connection, inner: &inner, now }.copy(copy, generation)
            })
            .await??;
        reached(Point::CopyCommitted);
        self.inner.files.watermark().raise(generation);
        self.wake_events(&object.bucket, &object.key);
        Ok(object)
    }

    /// Deletes an object; true when there was one.
    pub async fn delete_object(&self, bucket: &str, key: &str, conditions: WriteConditions) -> Answer<bool> {
        let lock = self.inner.locks.lock(bucket, key).await;
        let (store, bucket, key) = (self.clone(), bucket.to_owned(), key.to_owned());
        self.detached(async move {
            let result = store.commit_delete(bucket, key, conditions).await;
            drop(lock);
            result
        })
        .await
    }

    async fn commit_delete(&self, bucket: String, key: String, conditions: WriteConditions) -> Answer<bool> {
        let in_flight = self.next_generation().await?;
        let (inner, now, generation) = (self.inner.clone(), self.now(), in_flight.number());
        let mut tombstone = self.place_tombstone(&bucket, &key, in_flight).await?;
        let is_marked = tombstone.is_some();
        let (in_bucket, at_key) = (bucket.clone(), key.clone());
        let job = self.inner.db.write(Place::Store, "record that an object was deleted", move |connection| {
            let transaction = Transaction { connection, inner: &inner, now };
            let deleted = transaction.delete(&in_bucket, &at_key, generation, &conditions)?;
            if is_marked && matches!(deleted, Ok(true)) {
                transaction.note_tombstone(generation)?;
            }
            Ok(deleted)
        });
        let deleted = match job.await {
            Ok(answer) => answer?,
            Err(error) => {
                tombstone.into_iter().for_each(Placed::doubt);
                return Err(error.into());
            }
        };
        if deleted {
            tombstone.iter_mut().for_each(Placed::keep);
        }
        reached(Point::DeleteCommitted);
        if deleted {
            self.inner.files.watermark().raise(generation);
        }
        self.wake_events(&bucket, &key);
        Ok(deleted)
    }

    /// A file that says of a key that it was deleted: as long as its content may still be in `objects/`, an index that is written again
    /// from there must not bring it back. None where there is nothing to delete, and in the image bucket, which is made from the others.
    async fn place_tombstone(&self, bucket: &str, key: &str, in_flight: InFlight) -> Answer<Option<Placed>> {
        if !self.inner.is_kept(bucket) || self.find(bucket, key)?.is_none() {
            return Ok(None);
        }
        let (files, record) = (self.inner.files.clone(), Record::of_removal(bucket, key, in_flight.number()));
        blocking(move || files.place_record(&record, in_flight)).await.map(Some)
    }

    pub(super) fn wake_events(&self, bucket: &str, key: &str) {
        if let (true, Ok(events)) = (self.inner.is_original(bucket, key), self.inner.events()) {
            events.wake();
        }
    }
}

impl Transaction<'_> {
    pub(super) fn copy(&self, copy: Copy, generation: u64) -> Done<Answer<StoredObject>> {
        let Copy { from, source_conditions, to, description, conditions } = copy;
        if let Err(refusal) = self.require_bucket(&from.0)? {
            return Ok(Err(refusal));
        }
        let Some(source) = object::find(self.connection, &from.0, &from.1)? else {
            return Ok(Err(Refusal::NoSuchKey));
        };
        if source_conditions.judge(&source) != Verdict::Send {
            return Ok(Err(Refusal::ConditionFailed));
        }
        let description = description.unwrap_or_else(|| source.description.clone());
        let object = StoredObject { bucket: to.0, key: to.1, generation, modified_at: self.now, description, ..source };
        let written = self.write(&object, &conditions)?;
        Ok(written.map(|()| object))
    }
}

impl Embedded {
    /// Runs a change to its end even when the caller goes away: half of it must not stay.
    pub(super) async fn detached<T: Send + 'static>(
        &self,
        change: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        self.inner.changes.spawn(change).await.unwrap_or_else(|error| {
            Err(Error::new(Place::Store, Kind::Unavailable, "finish a change of the store").because(error).into())
        })
    }

    /// Completes when no change is under way any more, those included whose clients have gone away. For the end, when nothing new comes.
    pub async fn changes_ended(&self) {
        self.inner.changes.close();
        self.inner.changes.wait().await;
    }
}
