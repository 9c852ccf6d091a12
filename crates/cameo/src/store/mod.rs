//! The buckets, as the flow needs them: whole objects, conditions, and listings in the order of keys.
//!
//! A backend is one file or folder behind [`Store`], chosen by a URL in the configuration. Each passes `contract`.
//! The S3 endpoint needs more than this (streams, parts, checksums) and talks to [`embedded`] directly.

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    future::try_join_all,
    stream::{self, BoxStream, StreamExt},
};
use jiff::Timestamp;

use crate::{
    model::{
        actor::Actor,
        content::Content,
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::QUARANTINE_PREFIX,
    },
    presign::SignedPut,
};
use quarantine::{KeptId, Removal};

mod check;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(feature = "embedded")]
pub mod embedded;
mod located;
pub mod memory;
mod open;
pub mod quarantine;
#[cfg(feature = "s3")]
pub mod s3;

pub use check::{ContentDigest, ContentState};
pub use located::Located;
pub use open::open;

/// What the names of metadata begin with that Cameo writes itself, about originals.
pub const OWN_METADATA: &str = "cameo-";
/// Metadata name (sent as `x-amz-meta-…`) of the generation that an object was made from.
pub const GENERATION_METADATA: &str = "cameo-generation";

/// Stands between `ETag` and generation in a validator; in no `ETag`.
const VALIDATOR_SEPARATOR: char = '#';

/// What is known of an object without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The key, byte for byte.
    pub key: String,
    /// Length of the content in bytes.
    pub size: u64,
    /// The strong validator, without quotes.
    pub etag: String,
    /// When the object was written.
    pub last_modified: Timestamp,
    /// The media type that it was written with.
    pub content_type: Option<String>,
    /// User metadata, names in lower case without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The store's own generation of this write, where it has one (embedded: the counter).
    pub write_generation: Option<Generation>,
}

impl ObjectInfo {
    /// The generation of the original that this object was made from, where it is one of ours.
    pub fn made_from(&self) -> Option<Generation> {
        self.metadata.get(GENERATION_METADATA).map(Generation::new)
    }

    /// What a condition names to mean this very write: the same bytes, deleted and uploaded again, have the same `ETag`.
    /// A store without generations of its own is named by the `ETag` alone.
    pub fn validator(&self) -> String {
        match &self.write_generation {
            Some(generation) => format!("{}{VALIDATOR_SEPARATOR}{}", self.etag, generation.as_str()),
            None => self.etag.clone(),
        }
    }

    /// Whether a validator, or an `ETag`, names this.
    pub fn is_named_by(&self, validator: &str) -> bool {
        self.etag == validator || (validator.contains(VALIDATOR_SEPARATOR) && self.validator() == validator)
    }
}

/// An object with its content.
#[derive(Debug, Clone)]
pub struct Object {
    /// What is known of it.
    pub info: ObjectInfo,
    /// All of its content, held in memory.
    pub body: Bytes,
}

/// An object whose content is read when it is needed.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What is known of it.
    pub info: ObjectInfo,
    /// Its content, which stays readable when the object is replaced or deleted.
    pub content: Content,
}

/// An object whose content, or a range of it, comes piece by piece: to be passed on without being held.
pub struct Reading {
    /// What is known of it.
    pub info: ObjectInfo,
    /// The pieces. Each is read when it is asked for, and none is larger than 512 KiB where the store can read in pieces.
    pub pieces: BoxStream<'static, Result<Bytes>>,
}

/// What an object is written with beside its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Content-Type`; where it is none, the store chooses one.
    pub content_type: Option<String>,
    /// `Cache-Control`; where it is none, nothing is sent.
    pub cache_control: Option<String>,
    /// User metadata, names in lower case without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// What must hold for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: what is there is replaced.
    Always,
    /// There is no object at the key (`If-None-Match: *`).
    Absent,
    /// The object at the key has this `ETag` (`If-Match`), or is the very write that this validator names.
    Matches(String),
}

/// How a conditional write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It happened; the object now is as told.
    Done(ObjectInfo),
    /// The condition did not hold (412): look again.
    ConditionFailed,
}

/// An object to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObject {
    /// The key.
    pub key: String,
    /// The content.
    pub body: Bytes,
    /// What it is written with beside the content.
    pub attributes: Attributes,
    /// What must hold for its key.
    pub condition: Condition,
}

/// How giving an object a second key ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The second key has the content.
    Done,
    /// The condition did not hold (412): look again.
    ConditionFailed,
    /// There is no object at the first key.
    NoSource,
}

impl From<Option<Written>> for Copied {
    fn from(written: Option<Written>) -> Self {
        match written {
            Some(Written::Done(_)) => Self::Done,
            Some(Written::ConditionFailed) => Self::ConditionFailed,
            None => Self::NoSource,
        }
    }
}

/// A second key to be given to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Key of the object, in the same bucket.
    pub from: String,
    /// `ETag` that the caller knows the object by. A store that has those very bytes at hand need not read them again; every
    /// other copies what is there.
    pub etag: String,
    /// The second key.
    pub to: String,
    /// What it is written with.
    pub attributes: Attributes,
    /// What must hold for the second key.
    pub condition: Condition,
}

/// The part of `size` bytes that a range means.
fn bounds(range: Option<Range<u64>>, size: u64) -> Range<u64> {
    let Range { start, end } = range.unwrap_or(0..size);
    start.min(end).min(size)..end.min(size)
}

/// The buckets of a deployment, named in each call.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The object with its content; `None` where there is none. An object of more than `max_bytes` is returned with
    /// an empty body: look at `info.size` first.
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>>;

    /// [`get`](Self::get) for those who pass the content on. Embedded, it is an open file.
    async fn open(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Opened>> {
        let object = self.get(bucket, key, max_bytes).await?;
        Ok(object.map(|Object { info, body }| Opened { info, content: body.into() }))
    }

    /// The content piece by piece: a range that ends at the object's end at the latest, or all of it; `None` where there is no
    /// object. Nothing beyond the range is read. The object may have changed since somebody looked: compare `info.etag`.
    async fn read(&self, bucket: &str, key: &str, range: Option<Range<u64>>) -> Result<Option<Reading>> {
        let Some(Object { info, body }) = self.get(bucket, key, u64::MAX).await? else { return Ok(None) };
        let bounds = bounds(range, body.len() as u64);
        let at = |position: u64| usize::try_from(position).unwrap_or(body.len());
        let piece = body.slice(at(bounds.start)..at(bounds.end));
        Ok(Some(Reading { info, pieces: stream::iter([Ok(piece)]).boxed() }))
    }

    /// Where the content is in a file, and what is known of the object, as of now: from memory where it is asked for often. `None` where there is
    /// no object, and from a store that keeps no files: then [`read`](Self::read) has the answer.
    fn locate(&self, _bucket: &str, _key: &str) -> Result<Option<Arc<Located>>> {
        Ok(None)
    }

    /// The same store for changes that somebody asked for: their events name them. `None` of a store whose events name whoever signed.
    fn acting_as(&self, _actor: &Actor) -> Option<Arc<dyn Store>> {
        None
    }

    /// What is known of the object; `None` where there is none.
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>>;

    /// [`head`](Self::head) for several objects, in their order.
    async fn head_all(&self, bucket: &str, keys: &[&str]) -> Result<Vec<Option<ObjectInfo>>> {
        try_join_all(keys.iter().map(|key| self.head(bucket, key))).await
    }

    /// The state of the content of each key, in their order, without reading it. Of a store that holds an object and its content as
    /// one thing, the object is the answer; embedded, the files are looked at.
    async fn check_content(&self, bucket: &str, keys: &[&str]) -> Result<Vec<ContentState>> {
        let state = |info: &Option<ObjectInfo>| match info {
            Some(_) => ContentState::Present,
            None => ContentState::NoObject,
        };
        Ok(self.head_all(bucket, keys).await?.iter().map(state).collect())
    }

    /// Reads all of an object and computes its digests; `None` where there is no object. [`Corrupt`](Kind::Corrupt) where its content cannot be
    /// read to the end.
    async fn hash(&self, bucket: &str, key: &str) -> Result<Option<ContentDigest>> {
        let max_bytes = check::HASHED_IN_MEMORY_MAX_BYTES;
        match self.get(bucket, key, max_bytes).await? {
            None => Ok(None),
            Some(object) if object.info.size > max_bytes => {
                let doing = format!("hash {bucket}/{key}: {} bytes are more than {max_bytes}", object.info.size);
                Err(Error::new(Place::Store, Kind::Refused, doing))
            }
            Some(object) => Ok(Some(ContentDigest::of(&object))),
        }
    }

    /// Writes an object as a whole, durably, if the condition holds.
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written>;

    /// Gives the object at `from` a second key with attributes of its own, if the condition holds for `to`.
    /// Embedded, this is a reference and copies nothing. `None` where there is nothing at `from`.
    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>>;

    /// [`put`](Self::put) for several objects with different keys: what became of each, in their order. An error may leave some of
    /// them written. Embedded, they share a file and a commit.
    async fn put_all(&self, bucket: &str, objects: Vec<NewObject>) -> Result<Vec<Written>> {
        let puts = objects.iter().map(|NewObject { key, body, attributes, condition }| {
            self.put(bucket, key, body.clone(), attributes, condition.clone())
        });
        try_join_all(puts).await
    }

    /// [`copy`](Self::copy) for several objects to different keys: what became of each, in their order. An error may leave some
    /// of them written. Embedded, they share a commit.
    async fn copy_all(&self, bucket: &str, copies: Vec<NewKey>) -> Result<Vec<Copied>> {
        let copies = copies.iter().map(|NewKey { from, to, attributes, condition, .. }| {
            self.copy(bucket, from, to, attributes, condition.clone())
        });
        Ok(try_join_all(copies).await?.into_iter().map(Copied::from).collect())
    }

    /// Whether who expects nothing at a key should write under that condition, and look only where it does not hold: each look is a
    /// request of its own, and the store keeps conditions. Embedded, a look costs next to nothing and a commit that is refused does not.
    fn writes_first(&self) -> bool {
        false
    }

    /// Removes an object if `etag`, or a validator in its place, still names it; true when it is gone afterwards (also when
    /// it was before).
    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool>;

    /// Gives what was seen of an object a second key that nobody else writes to; false where it is another by now.
    async fn duplicate(&self, bucket: &str, info: &ObjectInfo, to: &str, attributes: &Attributes) -> Result<bool> {
        let written = self.copy(bucket, &info.key, to, attributes, Condition::Always).await?;
        // The ETag of an upload in parts is that of no copy.
        let is_same = |copy: &ObjectInfo| copy.size == info.size && (copy.etag == info.etag || info.etag.contains('-'));
        Ok(matches!(written, Some(Written::Done(copy)) if is_same(&copy)))
    }

    /// Bucket and prefix where what was removed from a bucket is kept.
    fn quarantine_of(&self, bucket: &str) -> (String, String) {
        (bucket.to_owned(), QUARANTINE_PREFIX.to_owned())
    }

    /// Moves an object to quarantine if the validator still names it; true when it was moved.
    async fn set_aside(&self, bucket: &str, key: &str, validator: &str, removal: &Removal) -> Result<bool> {
        quarantine::set_aside(self, bucket, key, validator, removal).await
    }

    /// Gives what is in quarantine its key back, if the condition holds for the key, as a new write of it; `None` where it is not there.
    async fn bring_back(&self, bucket: &str, id: &KeptId, condition: Condition) -> Result<Option<Written>> {
        quarantine::bring_back(self, bucket, id, condition).await
    }

    /// Removes what is in quarantine under these ids; how much there was.
    async fn expire(&self, bucket: &str, ids: &[String]) -> Result<u64> {
        quarantine::expire(self, bucket, ids).await
    }

    /// Objects whose keys start with `prefix`, after the key `after`, in the order of their keys' bytes, at most `max`.
    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>>;

    /// Addresses to which content may be sent as these objects, each with its MD5, for as long as `holds` says, signed with this process's own keys;
    /// `public` is the store's address for its clients where they know it by another. `None` where the store has none of its own.
    async fn presigned_put(
        &self,
        _bucket: &str,
        _keys: &[(&str, &[u8])],
        _holds: Duration,
        _public: Option<&str>,
    ) -> Result<Option<Vec<SignedPut>>> {
        Ok(None)
    }

    /// Succeeds when the store answers and lets us in.
    async fn ping(&self) -> Result<()>;

    /// Succeeds when the store would take an upload now, as far as it can find out at little cost. Embedded, it takes a little one. Those
    /// that are others' are asked whether they answer.
    async fn probe(&self) -> Result<()> {
        self.ping().await
    }
}
