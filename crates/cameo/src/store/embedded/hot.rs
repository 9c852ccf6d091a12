//! What is asked for most of the image bucket, in memory: from key to file, so that a read needs no database.
//!
//! What a lookup finds here is what is committed. A change announces its keys in the writer, before it touches their rows ([`Changing`]),
//! and holds the announcement until its commit has ended, well or not: as long as a key is announced, nothing is found at it and nothing
//! is kept for it, so everybody reads the database. What was read before a change ended is not kept either (the version that a lookup
//! hands out): it may be from before the commit.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::store::Located;

/// What is kept, bytes in all: about 30,000 images. Half of it is what was asked for since the last turn, half what was before.
const KEPT_MAX_BYTES: usize = 32 << 20;
/// What an entry takes beside its texts, bytes: two tables, the allocations, and the headers that are made of it.
const ENTRY_BYTES: usize = 768;

/// The index. A key of another bucket is never in it.
#[derive(Debug)]
pub(super) struct Hot {
    bucket: Option<String>,
    max_bytes: usize,
    entries: Mutex<Entries>,
    #[cfg(test)]
    planted: std::sync::atomic::AtomicU8,
}

#[derive(Debug, Default)]
struct Entries {
    /// What was asked for since the last turn. When it is half of what may be kept, it takes the place of `old`.
    young: HashMap<Box<str>, Arc<Located>>,
    young_bytes: usize,
    old: HashMap<Box<str>, Arc<Located>>,
    /// Keys that are being changed, and by how many.
    changing: HashMap<Box<str>, usize>,
    /// Counts the beginnings and ends of changes.
    version: u64,
}

/// As of when a lookup found nothing: what is read after it may be kept, unless something has changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(u64);

/// Bugs that tests plant to prove themselves.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    /// A change drops nothing.
    DropNothing = 1,
    /// What was read is kept, whatever has changed since.
    KeepWhateverChanged = 2,
}

impl Hot {
    /// An index for this bucket; for none, nothing is ever kept.
    pub(super) fn new(bucket: Option<String>) -> Arc<Self> {
        Self::of_size(bucket, KEPT_MAX_BYTES)
    }

    fn of_size(bucket: Option<String>, max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            bucket,
            max_bytes,
            entries: Mutex::default(),
            #[cfg(test)]
            planted: std::sync::atomic::AtomicU8::new(0),
        })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether objects of the bucket may be kept.
    pub(super) fn is_for(&self, bucket: &str) -> bool {
        self.bucket.as_deref() == Some(bucket)
    }

    /// What is kept at a key; otherwise the version to [keep](Self::keep) with what is read next.
    pub(super) fn find(&self, key: &str) -> Result<Arc<Located>, Version> {
        let mut entries = self.entries();
        if let Some(found) = entries.young.get(key) {
            return Ok(found.clone());
        }
        let Some((key, found)) = entries.old.remove_entry(key) else { return Err(Version(entries.version)) };
        self.insert(&mut entries, key, found.clone());
        Ok(found)
    }

    /// Keeps what was read after a lookup, unless something has changed since.
    pub(super) fn keep(&self, key: &str, found: Arc<Located>, since: Version) {
        let mut entries = self.entries();
        let is_current = since.0 == entries.version && !entries.changing.contains_key(key);
        if is_current || self.is_planted_keep() {
            self.insert(&mut entries, key.into(), found);
        }
    }

    fn insert(&self, entries: &mut Entries, key: Box<str>, found: Arc<Located>) {
        let bytes = bytes_of(&key, &found);
        if entries.young_bytes + bytes > self.max_bytes / 2 {
            entries.old = std::mem::take(&mut entries.young);
            entries.young_bytes = 0;
        }
        if entries.young.insert(key, found).is_none() {
            entries.young_bytes += bytes;
        }
    }

    /// A change begins that has no keys yet.
    pub(super) fn changing(self: &Arc<Self>) -> Changing {
        Changing { hot: self.clone(), keys: RefCell::default() }
    }

    fn begin(&self, key: &str) {
        if self.is_planted_drop() {
            return;
        }
        let mut entries = self.entries();
        entries.version += 1;
        *entries.changing.entry(key.into()).or_default() += 1;
        if let Some((key, dropped)) = entries.young.remove_entry(key) {
            entries.young_bytes = entries.young_bytes.saturating_sub(bytes_of(&key, &dropped));
        }
        entries.old.remove(key);
    }

    fn end(&self, keys: &[String]) {
        let mut entries = self.entries();
        entries.version += 1;
        for key in keys {
            let Some(count) = entries.changing.get_mut(key.as_str()) else { continue };
            *count -= 1;
            if *count == 0 {
                entries.changing.remove(key.as_str());
            }
        }
    }
}

fn bytes_of(key: &str, found: &Located) -> usize {
    let content_type = found.content_type.as_ref().map_or(0, String::len);
    ENTRY_BYTES + key.len() + found.path.as_os_str().len() + 2 * (found.etag.len() + content_type)
}

#[cfg(test)]
impl Hot {
    pub(super) fn plant(&self, bug: Planted) {
        self.planted.store(bug as u8, std::sync::atomic::Ordering::SeqCst);
    }

    fn is_planted(&self, bug: Planted) -> bool {
        self.planted.load(std::sync::atomic::Ordering::SeqCst) == bug as u8
    }

    fn is_planted_keep(&self) -> bool {
        self.is_planted(Planted::KeepWhateverChanged)
    }

    fn is_planted_drop(&self) -> bool {
        self.is_planted(Planted::DropNothing)
    }
}

#[cfg(not(test))]
#[expect(clippy::unused_self, reason = "what tests ask of the index")]
impl Hot {
    fn is_planted_keep(&self) -> bool {
        false
    }

    fn is_planted_drop(&self) -> bool {
        false
    }
}

/// A change of keys, until its commit has ended: then it is dropped.
#[derive(Debug)]
pub(super) struct Changing {
    hot: Arc<Hot>,
    keys: RefCell<Vec<String>>,
}

impl Changing {
    /// Announces that the row of a key is about to change.
    pub(super) fn announce(&self, bucket: &str, key: &str) {
        if self.hot.is_for(bucket) {
            self.keys.borrow_mut().push(key.to_owned());
            self.hot.begin(key);
        }
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        let keys = self.keys.get_mut();
        if !keys.is_empty() {
            self.hot.end(keys);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::OnceLock};

    use jiff::Timestamp;

    use super::*;

    fn located(etag: &str) -> Arc<Located> {
        Arc::new(Located {
            size: 1,
            etag: etag.to_owned(),
            last_modified: Timestamp::UNIX_EPOCH,
            content_type: None,
            offset: 0,
            path: PathBuf::from("objects/0/1"),
            prepared: OnceLock::new(),
        })
    }

    fn etag_at(hot: &Hot, key: &str) -> Option<String> {
        hot.find(key).ok().map(|found| found.etag.clone())
    }

    fn hot() -> Arc<Hot> {
        Hot::new(Some("images".to_owned()))
    }

    fn keep(hot: &Hot, key: &str, etag: &str) {
        let version = hot.find(key).expect_err("nothing yet");
        hot.keep(key, located(etag), version);
    }

    #[test]
    fn what_was_kept_is_found_until_its_key_changes() {
        let hot = hot();
        keep(&hot, "a", "1");
        keep(&hot, "b", "2");
        let changing = hot.changing();
        changing.announce("uploads", "b");
        changing.announce("images", "a");
        assert_eq!((etag_at(&hot, "a"), etag_at(&hot, "b")), (None, Some("2".to_owned())));
        drop(changing);
        assert_eq!(etag_at(&hot, "a"), None);
        assert_eq!(hot.entries().changing.len(), 0, "nothing is remembered of changes that have ended");
    }

    /// Every moment at which a read can fall into a change: only what was read after its end is kept.
    #[test]
    fn what_was_read_before_a_change_ended_is_not_kept() {
        // The lookup and the keeping, each before, within and after the change.
        for (looks, keeps, is_kept) in
            [(0, 0, false), (0, 1, false), (0, 2, false), (1, 1, false), (1, 2, false), (2, 2, true)]
        {
            let hot = hot();
            let (mut version, mut changing) = (None, None);
            for moment in 0..3 {
                if looks == moment {
                    version = hot.find("a").err();
                }
                if keeps == moment {
                    hot.keep("a", located("read"), version.expect("it looked before"));
                }
                match moment {
                    0 => {
                        let change = hot.changing();
                        change.announce("images", "a");
                        changing = Some(change);
                    }
                    _ => changing = None,
                }
            }
            assert!(changing.is_none());
            assert_eq!(etag_at(&hot, "a").is_some(), is_kept, "looked at {looks}, kept at {keeps}");
        }
    }

    #[test]
    fn a_key_that_two_changes_have_is_announced_until_both_have_ended() {
        let hot = hot();
        let changes = [hot.changing(), hot.changing()];
        for changing in &changes {
            changing.announce("images", "a");
        }
        let [first, second] = changes;
        drop(first);
        keep(&hot, "a", "1");
        assert_eq!(etag_at(&hot, "a"), None);
        drop(second);
        keep(&hot, "a", "1");
        assert_eq!(etag_at(&hot, "a"), Some("1".to_owned()));
    }

    #[test]
    fn it_is_bounded_and_what_is_asked_for_stays() {
        let entry = bytes_of("00000", &located("1"));
        let hot = Hot::of_size(Some("images".to_owned()), 20 * entry);
        for number in 0..1000 {
            keep(&hot, &format!("{number:05}"), "1");
            assert!(etag_at(&hot, "00000").is_some(), "it is asked for all the time, {number}");
            let entries = hot.entries();
            assert!(
                entries.young.len() + entries.old.len() <= 20 && entries.young_bytes == entry * entries.young.len()
            );
        }
        assert_eq!(etag_at(&hot, "00500"), None);
    }
}
