//! Content that this process has just written, for the aliases that are made of it soon: then it need not be read again.
//!
//! It is found by bucket, key and `ETag`, so it is always what the caller asks for. It is bounded, what is oldest goes first, and what was
//! taken is gone: a rendition becomes one alias, if any. Only used where the store cannot copy by itself.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

/// All content that is held, at most. Renditions of an original are a third of a megabyte.
const HELD_MAX_BYTES: usize = 16 << 20;
/// One content that is held, at most.
const CONTENT_MAX_BYTES: usize = 1 << 20;

/// The content that was written last.
#[derive(Default)]
pub(super) struct Recent {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    contents: VecDeque<Content>,
}

struct Content {
    bucket: String,
    key: String,
    etag: String,
    body: Bytes,
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds what was written at a key.
    pub(super) fn keep(&self, bucket: &str, key: &str, etag: &str, body: &Bytes) {
        if body.is_empty() || body.len() > CONTENT_MAX_BYTES {
            return;
        }
        let mut held = self.lock();
        held.bytes += body.len();
        let (bucket, key, etag) = (bucket.to_owned(), key.to_owned(), etag.to_owned());
        held.contents.push_back(Content { bucket, key, etag, body: body.clone() });
        while held.bytes > HELD_MAX_BYTES {
            let Some(oldest) = held.contents.pop_front() else { break };
            held.bytes -= oldest.body.len();
        }
    }

    /// The content of this `ETag` that was written at a key, if it is still held; it no longer is.
    pub(super) fn take(&self, bucket: &str, key: &str, etag: &str) -> Option<Bytes> {
        let mut held = self.lock();
        let is_it = |one: &Content| one.key == key && one.bucket == bucket && one.etag == etag;
        let at = held.contents.iter().rposition(is_it)?;
        let found = held.contents.remove(at)?;
        held.bytes -= found.body.len();
        Some(found.body)
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("bytes", &self.lock().bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found_once_by_all_its_names() {
        let recent = Recent::default();
        recent.keep("b", "k", "1", &Bytes::from_static(b"one"));
        recent.keep("b", "k", "2", &Bytes::from_static(b"two"));
        for (bucket, key, etag) in [("other", "k", "1"), ("b", "other", "1"), ("b", "k", "3")] {
            assert_eq!(recent.take(bucket, key, etag), None);
        }
        assert_eq!(recent.take("b", "k", "1").as_deref(), Some(&b"one"[..]));
        assert_eq!(recent.take("b", "k", "1"), None);
        assert_eq!(recent.take("b", "k", "2").as_deref(), Some(&b"two"[..]));
        assert_eq!(recent.lock().bytes, 0);
    }

    #[test]
    fn the_oldest_goes_and_the_long_is_not_held() {
        let recent = Recent::default();
        let body = Bytes::from(vec![0; CONTENT_MAX_BYTES]);
        let all = HELD_MAX_BYTES / CONTENT_MAX_BYTES + 3;
        for n in 0..all {
            recent.keep("b", &n.to_string(), "e", &body);
        }
        assert_eq!(recent.lock().bytes, HELD_MAX_BYTES);
        let held = (0..all).filter(|n| recent.take("b", &n.to_string(), "e").is_some());
        assert_eq!(held.collect::<Vec<_>>(), (3..all).collect::<Vec<_>>());
        recent.keep("b", "long", "e", &Bytes::from(vec![0; CONTENT_MAX_BYTES + 1]));
        assert_eq!(recent.take("b", "long", "e"), None);
    }
}
