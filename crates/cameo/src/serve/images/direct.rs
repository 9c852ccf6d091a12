//! Images that are asked for plainly, from what the store has in memory: whole, or not at all where the client has them already.
//!
//! The headers are made once for each write of an image, by the functions that make them for every other answer. Whatever is not served, is
//! not there, or cannot be opened is left to those: they look again, and say why.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;

use super::served::{About, HEADERS, Images, describe};
use crate::{
    serve::{
        conditions::precondition,
        http::{Direct, FileContent, PlainRequest},
    },
    store::Located,
};

/// The answer to a plain request, whose head is written to `head`.
pub(super) fn answer(images: &Images, request: &PlainRequest<'_>, head: &mut Vec<u8>) -> Option<Direct> {
    let key = request.path.trim_start_matches('/');
    let found = images.store.locate(&images.bucket, key).ok()??;
    if !images.serves(key, found.content_type.as_deref(), found.size) {
        return None;
    }
    let status = if request.conditions.is_empty() {
        None
    } else {
        precondition(&request.conditions, &found.etag, found.last_modified.into())
    };
    let has_length = request.head_only || status.is_none();
    head.extend_from_slice(match status {
        None => b"HTTP/1.1 200 OK\r\n",
        Some(StatusCode::NOT_MODIFIED) => b"HTTP/1.1 304 Not Modified\r\n",
        Some(_) => return None,
    });
    if has_length {
        head.extend_from_slice(b"content-length: ");
        head.extend_from_slice(found.size.to_string().as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(found.prepared.get_or_init(|| lines(images, &found)));
    if request.head_only || status.is_some() {
        return Some(Direct::Head);
    }
    let file = found.open().ok()?;
    Some(Direct::Content(FileContent { file, offset: found.offset, length: found.size }))
}

/// The lines of the headers that every answer about an image has.
fn lines(images: &Images, found: &Located) -> Bytes {
    let mut headers = HeaderMap::new();
    describe(images, &About::from(found), &mut headers);
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let mut lines = Vec::new();
    for (name, value) in &headers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    lines.into()
}
