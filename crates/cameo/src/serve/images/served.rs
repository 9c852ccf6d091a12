//! Which objects of the image bucket are served, and what the headers of an answer say of one, whichever way it is sent.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use headers::{AcceptRanges, ETag, HeaderMapExt, LastModified};
use jiff::Timestamp;

use crate::{
    flow::Settings,
    serve::http::Sometimes,
    store::{Located, ObjectInfo, Store},
};

/// The largest image that is served, bytes.
const IMAGE_MAX_BYTES: u64 = 32 << 20;
/// The types that are served: those that Cameo makes.
const SERVED_TYPES: [&str; 1] = ["image/jpeg"];
/// Whatever is served, a browser neither guesses its type nor runs it, and every page may show it.
pub(super) const HEADERS: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "sandbox; default-src 'none'"),
    ("cross-origin-resource-policy", "cross-origin"),
];

/// The public images of one bucket.
#[derive(Debug, Clone)]
pub struct Images {
    pub(super) store: Arc<dyn Store>,
    pub(super) bucket: Arc<str>,
    pub(super) cache_control: HeaderValue,
    pub(super) foreign: Arc<Sometimes>,
}

impl Images {
    /// The images of the configured bucket.
    pub fn new(store: Arc<dyn Store>, settings: &Settings) -> Self {
        let cache_control = HeaderValue::from_str(&settings.cache_control);
        Self {
            store,
            bucket: settings.image_bucket.as_str().into(),
            cache_control: cache_control.unwrap_or(HeaderValue::from_static("public, max-age=60")),
            foreign: Arc::default(),
        }
    }

    /// Whether an object is served. One that is not is reported: somebody put it there.
    pub(super) fn serves(&self, key: &str, content_type: Option<&str>, size_bytes: u64) -> bool {
        let content_type = content_type.unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !SERVED_TYPES.iter().any(|served| essence.eq_ignore_ascii_case(served)) {
            if let Some(times) = self.foreign.happened() {
                tracing::warn!(
                    ?key,
                    ?content_type,
                    times,
                    "an object in the image bucket is not an image that Cameo makes, and is not served"
                );
            }
            return false;
        }
        size_bytes <= IMAGE_MAX_BYTES
    }

    /// The same of an object that was looked at.
    pub(super) fn serves_object(&self, info: &ObjectInfo) -> bool {
        self.serves(&info.key, info.content_type.as_deref(), info.size)
    }
}

/// What the headers say of an image.
pub(super) struct About<'o> {
    etag: &'o str,
    last_modified: Timestamp,
    content_type: Option<&'o str>,
}

impl<'o> From<&'o ObjectInfo> for About<'o> {
    fn from(info: &'o ObjectInfo) -> Self {
        Self { etag: &info.etag, last_modified: info.last_modified, content_type: info.content_type.as_deref() }
    }
}

impl<'o> From<&'o Located> for About<'o> {
    fn from(found: &'o Located) -> Self {
        Self { etag: &found.etag, last_modified: found.last_modified, content_type: found.content_type.as_deref() }
    }
}

/// The headers of every answer that stands for an image, 304 and 416 included.
pub(super) fn describe(images: &Images, about: &About<'_>, headers: &mut HeaderMap) {
    if let Ok(etag) = format!("\"{}\"", about.etag).parse::<ETag>() {
        headers.typed_insert(etag);
    }
    headers.typed_insert(LastModified::from(std::time::SystemTime::from(about.last_modified)));
    headers.typed_insert(AcceptRanges::bytes());
    headers.insert(header::CACHE_CONTROL, images.cache_control.clone());
    let content_type = about.content_type.and_then(|name| HeaderValue::from_str(name).ok());
    headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
}
