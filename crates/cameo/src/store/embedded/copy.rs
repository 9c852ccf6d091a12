//! Copies within the store: a second key for the same content, or content of its own.

use super::{
    Embedded,
    condition::{ReadConditions, Verdict, WriteConditions},
    kept,
    object::{self, Description, StoredObject},
    refusal::{Refusal, StoreResult},
    run_blocking::run_blocking,
    staging::Staged,
    transaction::{Commit, Transaction},
    write::{NewObject, ReceivedContent},
};
use crate::{
    db::Done,
    failpoint::{Point, reached},
};

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

impl Embedded {
    /// Gives content a second key. In the image bucket nothing is copied: both rows name the same file. Elsewhere each object has a file
    /// of its own, whose record names its key.
    pub async fn copy_object(&self, copy: Copy) -> StoreResult<StoredObject> {
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

    pub(super) async fn copy_content(&self, copy: Copy) -> StoreResult<StoredObject> {
        let Copy { from, source_conditions, to: (bucket, key), description, conditions } = copy;
        let open = self.open_object(&from.0, &from.1)?;
        if source_conditions.judge(&open.object) != Verdict::Send {
            return Err(Refusal::ConditionFailed);
        }
        let StoredObject { etag, checksums, parts, description: described, .. } = open.object.clone();
        let files = self.inner.files.clone();
        let staged = run_blocking(move || Staged::copy_of(&files, open)).await?;
        let new = NewObject { bucket, key, description: description.unwrap_or(described), checksums, conditions };
        self.put_content(ReceivedContent { staged, etag, parts, also: None }, new).await
    }

    async fn commit_copy(&self, copy: Copy) -> StoreResult<StoredObject> {
        let in_flight = self.next_generation().await?;
        let generation = in_flight.number();
        let job = self.change("record a copy of an object", self.now(), Commit::AtOnce, move |transaction| {
            transaction.copy(copy, generation)
        });
        let object = job.await??;
        reached(Point::CopyCommitted);
        self.inner.files.watermark().raise(generation);
        self.wake_events(&object.bucket, &object.key);
        Ok(object)
    }
}

impl Transaction<'_> {
    pub(super) fn copy(&self, copy: Copy, generation: u64) -> Done<StoreResult<StoredObject>> {
        let Copy { from, source_conditions, to, description, conditions } = copy;
        if let (false, Err(refusal)) = (kept::is_hidden(&from.0), self.require_bucket(&from.0)?) {
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
