//! Accepting a change: a lock for its key, a generation, the content in its place, and one transaction.
//!
//! The transaction holds the row, the note that the replaced content is garbage, and the event. A change is accepted
//! once it is committed, whether or not the client still waits; nothing is answered before.

use rusqlite::Connection;
use tokio::sync::OwnedMutexGuard;

use super::{
    Embedded,
    checksum::Checksums,
    condition::WriteConditions,
    files::Placed,
    generations::InFlight,
    meta,
    object::{Description, ObjectPart, Position, StoredObject},
    record::Record,
    refusal::StoreResult,
    run_blocking::run_blocking,
    staging::Staged,
    transaction::Commit,
};
use crate::{
    db::Done,
    failpoint::{Bug, Point, planted, reached},
    model::error::{Error, Kind, Place, Result},
    store::quarantine::Removal,
};

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

/// What else happens in the transaction that writes an object, before it is written: with the object and what must hold for it.
pub(super) type Also = Box<dyn FnOnce(&Connection, &StoredObject, &WriteConditions) -> Done<StoreResult<()>> + Send>;

/// Content that is about to become an object.
pub(super) struct ReceivedContent {
    pub(super) staged: Staged,
    pub(super) etag: String,
    pub(super) parts: Vec<ObjectPart>,
    pub(super) also: Option<Also>,
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
    pub async fn put(&self, staged: Staged, object: NewObject) -> StoreResult<StoredObject> {
        let etag = hex::encode(staged.digests().md5);
        self.put_content(ReceivedContent { staged, etag, parts: Vec::new(), also: None }, object).await
    }

    pub(super) async fn put_content(&self, content: ReceivedContent, object: NewObject) -> StoreResult<StoredObject> {
        // Before the generation is taken, so that the order of a key's generations is the order of its commits. The task takes the lock
        // along: a client that goes away must not let the next change of the key begin in the middle of this one.
        let lock = self.inner.locks.lock(&object.bucket, &object.key).await;
        let store = self.clone();
        self.detached(async move { store.place_and_commit(lock, content, object).await }).await
    }

    async fn place_and_commit(
        &self,
        lock: OwnedMutexGuard<()>,
        content: ReceivedContent,
        new: NewObject,
    ) -> StoreResult<StoredObject> {
        let ReceivedContent { staged, etag, parts, also } = content;
        let in_flight = self.next_generation().await?;
        let (generation, size) = (in_flight.number(), staged.digests().size);
        let NewObject { bucket, key, description, checksums, conditions } = new;
        let modified_at = self.now();
        let position = Position { file: generation, offset: 0 };
        let object =
            StoredObject { bucket, key, generation, position, size, etag, modified_at, description, checksums, parts };
        let (files, record) = (self.inner.files.clone(), Record::of([&object]));
        // The file is durable before the row that names it. A crash in between leaves a file without a row, which the next start moves
        // to the quarantine; the other way round an acknowledged row would have no content.
        let placed = run_blocking(move || files.place(staged.temp, &record, in_flight)).await?;
        if planted(Bug::AcknowledgeBeforeCommit) && self.inner.is_original(&object.bucket, &object.key) {
            let (store, answer) = (self.clone(), object.clone());
            tokio::spawn(async move { store.commit_placed(placed, object, conditions, also).await });
            return Ok(answer);
        }
        let result = self.commit_placed(placed, object, conditions, also).await;
        drop(lock);
        result
    }

    async fn commit_placed(
        &self,
        mut placed: Placed,
        object: StoredObject,
        conditions: WriteConditions,
        also: Option<Also>,
    ) -> StoreResult<StoredObject> {
        let (now, row) = (object.modified_at, object.clone());
        let written = self.change("record an object", now, Commit::AtOnce, move |transaction| {
            if let Some(also) = also
                && let Err(refusal) = also(transaction.connection, &row, &conditions)?
            {
                return Ok(Err(refusal));
            }
            transaction.write(&row, &conditions)
        });
        match written.await {
            Ok(Ok(())) => {
                placed.keep();
                reached(Point::ObjectCommitted);
                self.inner.files.watermark().raise(object.generation);
            }
            // The file is removed as the guard is dropped.
            Ok(Err(refusal)) => return Err(refusal),
            Err(error) => {
                // The commit may have happened all the same, as when the disk was full at its end: a file that is removed now could be an
                // object's. The sweep asks the writer.
                placed.doubt();
                return Err(error.into());
            }
        }
        // After the commit: a consumer that looked before it would find nothing and sleep again.
        self.wake_events(&object.bucket, &object.key);
        Ok(object)
    }

    /// Deletes an object; true when there was one.
    pub async fn delete_object(&self, bucket: &str, key: &str, conditions: WriteConditions) -> StoreResult<bool> {
        self.delete_for(bucket, key, conditions, None).await
    }

    /// [`delete_object`](Self::delete_object), which keeps the object in quarantine where a removal is named.
    pub(super) async fn delete_for(
        &self,
        bucket: &str,
        key: &str,
        conditions: WriteConditions,
        removal: Option<Removal>,
    ) -> StoreResult<bool> {
        let lock = self.inner.locks.lock(bucket, key).await;
        let (store, bucket, key) = (self.clone(), bucket.to_owned(), key.to_owned());
        self.detached(async move {
            let result = store.commit_delete(bucket, key, conditions, removal).await;
            drop(lock);
            result
        })
        .await
    }

    async fn commit_delete(
        &self,
        bucket: String,
        key: String,
        conditions: WriteConditions,
        removal: Option<Removal>,
    ) -> StoreResult<bool> {
        let in_flight = self.next_generation().await?;
        let generation = in_flight.number();
        let now = self.now();
        let mut tombstone = self.place_tombstone(&bucket, &key, in_flight).await?;
        let is_marked = tombstone.is_some();
        let (in_bucket, at_key) = (bucket.clone(), key.clone());
        let job = self.change("record that an object was deleted", now, Commit::AtOnce, move |transaction| {
            let deleted = transaction.delete(&in_bucket, &at_key, generation, &conditions, removal)?;
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
    async fn place_tombstone(&self, bucket: &str, key: &str, in_flight: InFlight) -> StoreResult<Option<Placed>> {
        if !self.inner.is_kept(bucket) || self.find(bucket, key)?.is_none() {
            return Ok(None);
        }
        let (files, record) = (self.inner.files.clone(), Record::of_removal(bucket, key, in_flight.number()));
        run_blocking(move || files.place_record(&record, in_flight)).await.map(Some)
    }

    pub(super) fn wake_events(&self, bucket: &str, key: &str) {
        if let (true, Ok(events)) = (self.inner.is_original(bucket, key), self.inner.events()) {
            events.wake();
        }
    }
}

impl Embedded {
    /// Runs a change to its end even when the caller goes away: half of it must not stay.
    pub(super) async fn detached<T: Send + 'static>(
        &self,
        change: impl Future<Output = StoreResult<T>> + Send + 'static,
    ) -> StoreResult<T> {
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
