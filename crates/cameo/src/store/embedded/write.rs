//! Accepting a change: a lock for its key, a generation, the content in its place, and one transaction.
//!
//! The transaction holds the row, the note that the replaced content is garbage, and the event. A change is accepted
//! once it is committed, whether or not the client still waits; nothing is answered before.

use std::{collections::hash_map::RandomState, hash::BuildHasher, sync::Arc};

use futures::FutureExt;
use jiff::Timestamp;
use sqlx::SqliteConnection;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    Embedded, Inner,
    checksum::Checksums,
    condition::{ReadConditions, Verdict, WriteConditions},
    files::Placed,
    garbage, meta,
    multipart::{self, Completes},
    object::{self, Description, ObjectPart, StoredObject},
    refusal::{Answer, Refusal},
    staging::{Staged, blocking},
};
use crate::{
    clock::to_millis,
    error::{Error, Kind, Place, Result},
    event::{Change, Event},
    failpoint::{Bug, Point, planted, reached},
    generation::Generation,
    key::ORIGIN_PREFIX,
    queue::{self, Queue},
    sqlite::failed,
};

/// Locks for keys: a fixed number, so that they cost no more with more keys. Two keys may share one.
const LOCKS: usize = 1024;

const BUCKET_EXISTS: &str = "SELECT count(*) FROM cameo_buckets WHERE name = ?1";

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
    pub(super) async fn lock(&self, bucket: &str, key: &str) -> OwnedMutexGuard<()> {
        let index = self.hasher.hash_one((bucket, key)) as usize % self.locks.len();
        self.locks[index].clone().lock_owned().await
    }
}

/// A change within the transaction that commits it.
pub(super) struct Transaction<'c> {
    pub(super) connection: &'c mut SqliteConnection,
    pub(super) inner: Arc<Inner>,
    pub(super) now: Timestamp,
}

impl Transaction<'_> {
    pub(super) async fn require_bucket(&mut self, bucket: &str) -> Result<Answer<()>> {
        let query = sqlx::query_scalar::<_, i64>(BUCKET_EXISTS).bind(bucket);
        let count =
            query.fetch_one(&mut *self.connection).await.map_err(|e| failed(Place::Store, "look up a bucket", e))?;
        Ok(if count > 0 { Ok(()) } else { Err(Refusal::NoSuchBucket) })
    }

    /// Writes the row if the conditions hold, and all that goes with it.
    pub(super) async fn write(&mut self, object: &StoredObject, conditions: &WriteConditions) -> Result<Answer<()>> {
        if let Err(refusal) = self.require_bucket(&object.bucket).await? {
            return Ok(Err(refusal));
        }
        let current = object::find_in(self.connection, &object.bucket, &object.key).await?;
        if let Err(refusal) = conditions.check(current.as_ref()) {
            return Ok(Err(refusal));
        }
        object::upsert(self.connection, object).await?;
        if let Some(replaced) = current {
            garbage::add(self.connection, replaced.file, self.now).await?;
        }
        let change = Change::Created { etag: object.etag.clone(), size: object.size };
        self.tell(&object.bucket, &object.key, object.generation, change).await?;
        Ok(Ok(()))
    }

    async fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        generation: u64,
        conditions: &WriteConditions,
    ) -> Result<Answer<bool>> {
        if let Err(refusal) = self.require_bucket(bucket).await? {
            return Ok(Err(refusal));
        }
        let current = object::find_in(self.connection, bucket, key).await?;
        if let Err(refusal) = conditions.check(current.as_ref()) {
            return Ok(Err(refusal));
        }
        let Some(removed) = current else {
            return Ok(Ok(false));
        };
        object::delete(self.connection, bucket, key).await?;
        garbage::add(self.connection, removed.file, self.now).await?;
        self.tell(bucket, key, generation, Change::Removed).await?;
        Ok(Ok(true))
    }

    /// Remembers the generation, and sends the event where the key is an original's.
    async fn tell(&mut self, bucket: &str, key: &str, generation: u64, change: Change) -> Result<()> {
        meta::raise(self.connection, meta::COUNTER, generation).await?;
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
        queue::sqlite::insert(self.connection, &queue, &body, to_millis(self.now)).await
    }
}

impl Inner {
    fn is_original(&self, bucket: &str, key: &str) -> bool {
        self.options.as_ref().is_some_and(|options| options.upload_bucket == bucket) && key.starts_with(ORIGIN_PREFIX)
    }
}

impl Embedded {
    /// Writes an object of content that was received. What it replaces stays readable to those who have opened it.
    pub async fn put(&self, staged: Staged, object: NewObject) -> Answer<StoredObject> {
        let etag = hex::encode(staged.digests().md5);
        self.put_content(Content { staged, etag, parts: Vec::new(), completes: None }, object).await
    }

    pub(super) async fn put_content(&self, content: Content, object: NewObject) -> Answer<StoredObject> {
        let lock = self.inner.locks.lock(&object.bucket, &object.key).await;
        let store = self.clone();
        detached(async move { store.place_and_commit(lock, content, object).await }).await
    }

    async fn place_and_commit(
        &self,
        lock: OwnedMutexGuard<()>,
        content: Content,
        new: NewObject,
    ) -> Answer<StoredObject> {
        let Content { staged, etag, parts, completes } = content;
        let in_flight = self.inner.generations()?.next();
        let (generation, size) = (in_flight.number(), staged.digests().size);
        let files = self.inner.files.clone();
        let placed = blocking(move || files.place(staged.temp, in_flight)).await?;
        let NewObject { bucket, key, description, checksums, conditions } = new;
        let modified_at = self.now();
        let file = generation;
        let object =
            StoredObject { bucket, key, generation, file, size, etag, modified_at, description, checksums, parts };
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
                async move {
                    if let Some(completes) = completes
                        && let Err(refusal) = multipart::complete_in(connection, &completes, &row, &conditions).await?
                    {
                        return Ok(Err(refusal));
                    }
                    Transaction { connection, inner, now }.write(&row, &conditions).await
                }
                .boxed()
            })
            .await;
        match written {
            Ok(Ok(())) => {
                placed.keep();
                reached(Point::ObjectCommitted);
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

    /// Gives content a second key. Nothing is copied: both rows name the same file.
    pub async fn copy_object(&self, copy: Copy) -> Answer<StoredObject> {
        let lock = self.inner.locks.lock(&copy.to.0, &copy.to.1).await;
        let store = self.clone();
        detached(async move {
            let result = store.commit_copy(copy).await;
            drop(lock);
            result
        })
        .await
    }

    async fn commit_copy(&self, copy: Copy) -> Answer<StoredObject> {
        let in_flight = self.inner.generations()?.next();
        let (inner, now, generation) = (self.inner.clone(), self.now(), in_flight.number());
        let object = self
            .inner
            .db
            .write(Place::Store, "record a copy of an object", move |connection| {
                async move { Transaction { connection, inner, now }.copy(copy, generation).await }.boxed()
            })
            .await??;
        reached(Point::CopyCommitted);
        self.wake_events(&object.bucket, &object.key);
        Ok(object)
    }

    /// Deletes an object; true when there was one.
    pub async fn delete_object(&self, bucket: &str, key: &str, conditions: WriteConditions) -> Answer<bool> {
        let lock = self.inner.locks.lock(bucket, key).await;
        let (store, bucket, key) = (self.clone(), bucket.to_owned(), key.to_owned());
        detached(async move {
            let result = store.commit_delete(bucket, key, conditions).await;
            drop(lock);
            result
        })
        .await
    }

    async fn commit_delete(&self, bucket: String, key: String, conditions: WriteConditions) -> Answer<bool> {
        let in_flight = self.inner.generations()?.next();
        let (inner, now, generation) = (self.inner.clone(), self.now(), in_flight.number());
        let (in_bucket, at_key) = (bucket.clone(), key.clone());
        let deleted = self
            .inner
            .db
            .write(Place::Store, "record that an object was deleted", move |connection| {
                async move {
                    let mut transaction = Transaction { connection, inner, now };
                    transaction.delete(&in_bucket, &at_key, generation, &conditions).await
                }
                .boxed()
            })
            .await??;
        reached(Point::DeleteCommitted);
        self.wake_events(&bucket, &key);
        Ok(deleted)
    }

    fn wake_events(&self, bucket: &str, key: &str) {
        if let (true, Ok(events)) = (self.inner.is_original(bucket, key), self.inner.events()) {
            events.wake();
        }
    }
}

impl Transaction<'_> {
    async fn copy(&mut self, copy: Copy, generation: u64) -> Result<Answer<StoredObject>> {
        let Copy { from, source_conditions, to, description, conditions } = copy;
        if let Err(refusal) = self.require_bucket(&from.0).await? {
            return Ok(Err(refusal));
        }
        let Some(source) = object::find_in(self.connection, &from.0, &from.1).await? else {
            return Ok(Err(Refusal::NoSuchKey));
        };
        if source_conditions.judge(&source) != Verdict::Send {
            return Ok(Err(Refusal::ConditionFailed));
        }
        let description = description.unwrap_or_else(|| source.description.clone());
        let object = StoredObject { bucket: to.0, key: to.1, generation, modified_at: self.now, description, ..source };
        let written = self.write(&object, &conditions).await?;
        Ok(written.map(|()| object))
    }
}

/// Runs a change to its end even when the caller goes away: half of it must not stay.
pub(super) async fn detached<T: Send + 'static>(change: impl Future<Output = Answer<T>> + Send + 'static) -> Answer<T> {
    tokio::spawn(change).await.unwrap_or_else(|error| {
        Err(Error::new(Place::Store, Kind::Unavailable, "finish a change of the store").because(error).into())
    })
}
