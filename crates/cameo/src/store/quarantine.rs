//! Quarantine: what was removed or replaced is kept until it expires, under a key that says when, why and what it was.
//!
//! The id of what is kept is `{milliseconds}-{number}-{why}/{key}`, so ids are in the order of time, and expiring and "since" are ranges.
//! Where it is kept is the store's affair (`quarantine_of` in `store/mod.rs`): a folder of the same bucket that nothing else looks into,
//! or, embedded, a bucket that no client can name. Nothing here decides what may be removed.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Attributes, Condition, ObjectInfo, Store, Written};
use crate::{
    clock::to_millis,
    model::{error::Result, generation::Generation},
};

/// How long what was removed is kept, unless configured.
pub const KEEP_REMOVED: Duration = Duration::from_hours(30 * 24);
/// Metadata of what is kept: what somebody noted about it, percent-encoded.
const NOTE: &str = "cameo-quarantine-note";
/// Length of a note as metadata, percent-encoded, bytes: S3 takes 2 KiB of metadata in all. What is longer is cut.
const NOTE_MAX_BYTES: usize = 1024;
/// Length of a note, characters.
pub const NOTE_MAX_CHARS: usize = 500;
/// Ids that expire in one go.
const EXPIRED_AT_ONCE: usize = 500;
/// Objects that are asked for their notes at once.
const HEADS_AT_ONCE: usize = 32;
/// Digits of the time in an id, milliseconds since 1970.
const TIME_DIGITS: usize = 13;

/// Why something is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A client deleted it.
    Deleted,
    /// A client uploaded other content over it.
    Replaced,
    /// Nobody owned it: `cameo reconcile`.
    Superfluous,
    /// It is under another key now: `cameo move`.
    Moved,
    /// It was rejected, and somebody said that this is settled: `cameo dismiss`.
    Dismissed,
    /// Somebody took the photo down.
    Unpublished,
}

impl Why {
    const ALL: [Self; 6] =
        [Self::Deleted, Self::Replaced, Self::Superfluous, Self::Moved, Self::Dismissed, Self::Unpublished];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Replaced => "replaced",
            Self::Superfluous => "superfluous",
            Self::Moved => "moved",
            Self::Dismissed => "dismissed",
            Self::Unpublished => "unpublished",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A removal: when, why, and what somebody noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: Why,
    /// What somebody noted.
    pub note: Option<String>,
}

/// The id of something in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptId {
    /// When it was removed.
    pub removed_at: Timestamp,
    /// Tells it from others of the same moment: embedded, the generation that it was written with.
    pub number: String,
    /// Why.
    pub why: Why,
    /// The key that it had.
    pub key: String,
}

impl KeptId {
    /// Of a removal now. Where the store numbers its writes, by that number.
    pub fn new(removal: &Removal, key: &str, generation: Option<&Generation>) -> Self {
        let number = match generation {
            Some(generation) => generation.as_str().to_owned(),
            None => format!("{:016x}", rand::rng().random::<u64>()),
        };
        Self { removed_at: removal.at, number, why: removal.why, key: key.to_owned() }
    }

    /// The least id of a moment.
    pub fn least_of(moment: Timestamp) -> String {
        format!("{:0TIME_DIGITS$}", to_millis(moment).max(0))
    }
}

impl fmt::Display for KeptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { removed_at, number, why, key } = self;
        write!(f, "{}-{number}-{why}/{key}", Self::least_of(*removed_at))
    }
}

/// A text is not the id of anything in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of anything in quarantine; `cameo restore --list` shows them")]
pub struct NoKeptId(String);

impl FromStr for KeptId {
    type Err = NoKeptId;

    fn from_str(text: &str) -> Result<Self, NoKeptId> {
        let parse = || {
            let (head, key) = text.split_once('/')?;
            let (time, rest) = head.split_once('-')?;
            let (number, why) = rest.rsplit_once('-')?;
            let is_time = time.len() == TIME_DIGITS && time.bytes().all(|byte| byte.is_ascii_digit());
            let removed_at = Timestamp::from_millisecond(time.parse().ok()?).ok().filter(|_| is_time)?;
            let why = Why::ALL.into_iter().find(|known| known.as_str() == why)?;
            let is_named = !number.is_empty() && !key.is_empty();
            is_named.then(|| Self { removed_at, number: number.to_owned(), why, key: key.to_owned() })
        };
        parse().ok_or_else(|| NoKeptId(text.to_owned()))
    }
}

/// Something in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// The key that it had.
    pub key: String,
    /// Which of several of the same key it is: embedded, its generation.
    pub generation: String,
    /// Its `ETag`.
    pub etag: String,
    /// Length of its content in bytes.
    pub size: u64,
    /// When it was removed.
    pub removed_at: Timestamp,
    /// Why.
    pub why: Why,
    /// What somebody noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is in quarantine of a bucket, after an id, in the order of time; at most `max`. Where listings of the store hold no metadata (S3),
/// notes are not among it: see [`add_notes`].
pub async fn kept<S: Store + ?Sized>(store: &S, bucket: &str, after: &str, max: usize) -> Result<Vec<Kept>> {
    let (place, prefix) = store.quarantine_of(bucket);
    let after = if after.is_empty() { String::new() } else { format!("{prefix}{after}") };
    let page = store.list(&place, &prefix, &after, max).await?;
    Ok(page.iter().filter_map(|info| kept_of(info, &prefix)).collect())
}

/// Adds the notes that a listing did not have.
pub async fn add_notes<'k, S: Store + ?Sized>(
    store: &S,
    bucket: &str,
    kept: impl Iterator<Item = &'k mut Kept>,
) -> Result<()> {
    let (place, prefix) = store.quarantine_of(bucket);
    let may_have_note =
        |kept: &&mut Kept| kept.note.is_none() && matches!(kept.why, Why::Moved | Why::Dismissed | Why::Unpublished);
    let mut without: Vec<&mut Kept> = kept.filter(may_have_note).collect();
    for some in without.chunks_mut(HEADS_AT_ONCE) {
        let keys: Vec<String> = some.iter().map(|kept| format!("{prefix}{}", kept.id)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        for (kept, info) in some.iter_mut().zip(store.head_all(&place, &keys).await?) {
            kept.note = info.and_then(|info| note_of(&info));
        }
    }
    Ok(())
}

fn note_of(info: &ObjectInfo) -> Option<String> {
    info.metadata.get(NOTE).map(|note| percent_decode_str(note).decode_utf8_lossy().into_owned())
}

fn kept_of(info: &ObjectInfo, prefix: &str) -> Option<Kept> {
    let id = info.key.strip_prefix(prefix)?;
    let KeptId { removed_at, number, why, key } = id.parse().ok()?;
    let note = note_of(info);
    let (id, etag) = (id.to_owned(), info.etag.clone());
    Some(Kept { id, key, generation: number, etag, size: info.size, removed_at, why, note })
}

/// Removes what has been in a bucket's quarantine since before `until`; how much there was.
pub async fn expire_until<S: Store + ?Sized>(store: &S, bucket: &str, until: Timestamp) -> Result<u64> {
    let mut expired = 0;
    loop {
        let page = kept(store, bucket, "", EXPIRED_AT_ONCE).await?;
        let ids: Vec<String> = page.iter().filter(|kept| kept.removed_at < until).map(|kept| kept.id.clone()).collect();
        if ids.is_empty() {
            return Ok(expired);
        }
        let removed = store.expire(bucket, &ids).await?;
        expired += removed;
        // Another process is at it, too.
        if removed == 0 {
            return Ok(expired);
        }
    }
}

/// Metadata with a note.
pub(super) fn with_note(mut metadata: BTreeMap<String, String>, note: Option<&str>) -> BTreeMap<String, String> {
    if let Some(note) = note {
        let mut encoded = String::new();
        for c in note.chars() {
            let c = utf8_percent_encode(c.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC).to_string();
            if encoded.len() + c.len() > NOTE_MAX_BYTES {
                break;
            }
            encoded.push_str(&c);
        }
        metadata.insert(NOTE.to_owned(), encoded);
    }
    metadata
}

/// Metadata as it was before it was kept.
pub(super) fn without_note(mut metadata: BTreeMap<String, String>) -> BTreeMap<String, String> {
    metadata.remove(NOTE);
    metadata
}

/// [`Store::set_aside`] by copying and deleting. What was copied before the deletion failed its condition is taken back.
pub(super) async fn set_aside<S: Store + ?Sized>(
    store: &S,
    bucket: &str,
    key: &str,
    validator: &str,
    removal: &Removal,
) -> Result<bool> {
    let Some(info) = store.head(bucket, key).await?.filter(|info| info.is_named_by(validator)) else {
        return Ok(false);
    };
    let (place, prefix) = store.quarantine_of(bucket);
    debug_assert_eq!(place, bucket, "a store that keeps it elsewhere moves it there itself");
    let to = format!("{prefix}{}", KeptId::new(removal, key, info.write_generation.as_ref()));
    let metadata = with_note(info.metadata.clone(), removal.note.as_deref());
    let attributes = Attributes { content_type: info.content_type.clone(), cache_control: None, metadata };
    if !store.duplicate(bucket, &info, &to, &attributes).await? {
        return Ok(false);
    }
    if store.delete(bucket, key, validator).await? {
        return Ok(true);
    }
    remove(store, &place, &to).await?;
    Ok(false)
}

/// [`Store::bring_back`] by copying and deleting.
pub(super) async fn bring_back<S: Store + ?Sized>(
    store: &S,
    bucket: &str,
    id: &KeptId,
    condition: Condition,
) -> Result<Option<Written>> {
    let (place, prefix) = store.quarantine_of(bucket);
    debug_assert_eq!(place, bucket, "a store that keeps it elsewhere brings it back itself");
    let from = format!("{prefix}{id}");
    let Some(info) = store.head(bucket, &from).await? else { return Ok(None) };
    let metadata = without_note(info.metadata);
    let attributes = Attributes { content_type: info.content_type, cache_control: None, metadata };
    let written = store.copy(bucket, &from, &id.key, &attributes, condition).await?;
    if matches!(written, Some(Written::Done(_))) {
        remove(store, &place, &from).await?;
    }
    Ok(written)
}

/// [`Store::expire`] one by one.
pub(super) async fn expire<S: Store + ?Sized>(store: &S, bucket: &str, ids: &[String]) -> Result<u64> {
    let (place, prefix) = store.quarantine_of(bucket);
    let mut expired = 0;
    for id in ids {
        expired += u64::from(remove(store, &place, &format!("{prefix}{id}")).await?);
    }
    Ok(expired)
}

async fn remove<S: Store + ?Sized>(store: &S, bucket: &str, key: &str) -> Result<bool> {
    match store.head(bucket, key).await? {
        Some(info) => store.delete(bucket, key, &info.validator()).await,
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_is_in_the_order_of_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let id = |second, why| {
            let removal = Removal { at: at(second), why, note: None };
            KeptId::new(&removal, "origin/v/1_0.jpg", Some(&Generation::new("00ff~00000001")))
        };
        for why in Why::ALL {
            let id = id(1_700_000_000, why);
            assert_eq!(id.to_string().parse(), Ok(id.clone()), "{id}");
        }
        assert!(id(999_999_999, Why::Moved).to_string() < id(1_000_000_000, Why::Deleted).to_string());
        assert!(KeptId::least_of(at(1_700_000_000)) < id(1_700_000_000, Why::Deleted).to_string());
        for text in ["", "origin/v/1_0.jpg", "1700000000000-1-lost/k", "170-1-moved/k", "1700000000000-1-moved/"] {
            assert!(text.parse::<KeptId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_note_survives_headers() {
        let metadata = with_note([("a".to_owned(), "b".to_owned())].into(), Some("합의함: 50% \n"));
        assert!(metadata[NOTE].is_ascii());
        let info = ObjectInfo {
            key: ".quarantine/1700000000000-1-dismissed/origin/v/1_0.jpg".into(),
            size: 1,
            etag: "e".into(),
            last_modified: Timestamp::UNIX_EPOCH,
            content_type: None,
            metadata: metadata.clone(),
            write_generation: None,
        };
        let kept = kept_of(&info, ".quarantine/").unwrap();
        assert_eq!((kept.note.as_deref(), kept.why), (Some("합의함: 50% \n"), Why::Dismissed));
        assert_eq!(without_note(metadata), [("a".to_owned(), "b".to_owned())].into());
        // S3 refuses longer metadata; a syllable is never cut in two.
        let long = with_note(BTreeMap::new(), Some(&"가".repeat(1000)));
        let read = note_of(&ObjectInfo { metadata: long, ..info }).unwrap();
        assert_eq!(read, "가".repeat(NOTE_MAX_BYTES / "%EA%B0%80".len()));
    }
}
