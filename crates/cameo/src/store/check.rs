//! Whether the content of an object is what the store says of it: a cheap look, and a deep one.
//!
//! What a store says of an object and its content are two things, and only the content can be lost or damaged alone. Both looks
//! only read, and neither holds more than a bounded piece of an object in memory where the store can stream it.

use super::{Object, ObjectInfo};

/// Content that is hashed in memory, at most, by a store that cannot stream it.
pub(super) const HASHED_IN_MEMORY_MAX_BYTES: u64 = 256 << 20;

/// How the content of a key stands, as far as can be said without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentState {
    /// As long as the store says. Its bytes were not read.
    Present,
    /// The store knows no object at the key.
    NoObject,
    /// The store knows the object, and its content is gone.
    Missing,
    /// The content ends before its length.
    Short {
        /// The length that the store says, bytes.
        expected_bytes: u64,
        /// What is left of it, bytes.
        found_bytes: u64,
    },
}

impl ContentState {
    /// Whether the store knows the object and cannot give all of its content.
    pub fn is_damaged(self) -> bool {
        matches!(self, Self::Missing | Self::Short { .. })
    }
}

/// What was computed of the content of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDigest {
    /// Its length, bytes.
    pub size_bytes: u64,
    /// The MD5 of all of it, in hexadecimal digits.
    pub md5: String,
    /// The `ETag` that this content has, written as the object was: of an upload in parts, by the sizes of its parts. None where
    /// the store does not know them.
    pub etag: Option<String>,
}

impl ContentDigest {
    /// The digest of an object at hand, whose parts nobody knows.
    pub(super) fn of(object: &Object) -> Self {
        let md5 = hex::encode(fast_md5::digest(&object.body));
        let etag = is_md5(&object.info.etag).then(|| md5.clone());
        Self { size_bytes: object.body.len() as u64, md5, etag }
    }

    /// Whether this is the content that the store says it has; none where the `ETag` says nothing of the bytes.
    pub fn agrees_with(&self, info: &ObjectInfo) -> Option<bool> {
        if self.size_bytes != info.size {
            return Some(false);
        }
        self.etag.as_ref().map(|etag| *etag == info.etag)
    }
}

/// Whether an `ETag` can be the MD5 of content: an upload in parts and encrypted objects have another.
fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}
