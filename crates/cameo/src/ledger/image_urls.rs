//! Where a rendition is served: the public address that stands in a row.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::model::key::PhotoId;

/// Bytes of a path that must be encoded; keys of ours hold none of these but non-ASCII, which is always encoded.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');

/// Makes addresses from the base that `images.public_url` sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUrls {
    base: String,
}

impl ImageUrls {
    /// Addresses under `base`, with or without a slash at its end.
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned() }
    }

    /// The base, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address of an object of the image bucket. Hangul is percent-encoded, so that the address is a URL.
    pub fn of_key(&self, key: &str) -> String {
        format!("{}/{}", self.base, utf8_percent_encode(key, PATH))
    }

    /// The address of a photo at an image size.
    pub fn of(&self, photo: &PhotoId, image_size: &str) -> String {
        self.of_key(&photo.rendition_key(image_size))
    }
}
