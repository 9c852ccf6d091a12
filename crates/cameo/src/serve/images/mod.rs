//! The public images: the objects of the image bucket, at their keys.
//!
//! Strong `ETags`, conditional requests and single ranges (RFC 9110, sections 13 and 14). Only GET and HEAD; nothing is
//! listed, nothing is written, and a browser is told not to guess what it gets.

use std::{future::Future, io, ops::Bound, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use headers::{
    AcceptRanges, ContentLength, ContentRange, ETag, HeaderMapExt, IfMatch, IfModifiedSince, IfNoneMatch, IfRange,
    IfUnmodifiedSince, LastModified, Range,
};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;

use crate::{
    error::Subject,
    flow::Settings,
    store::{Object, ObjectInfo, Store},
};

pub mod client;

/// The largest image that is served, bytes: it is held in memory while it is sent.
const IMAGE_MAX_BYTES: u64 = 32 << 20;

/// The public images of one bucket.
#[derive(Debug, Clone)]
pub struct Images {
    store: Arc<dyn Store>,
    bucket: Arc<str>,
    cache_control: HeaderValue,
}

impl Images {
    /// The images of the configured bucket.
    pub fn new(store: Arc<dyn Store>, settings: &Settings) -> Self {
        let cache_control = HeaderValue::from_str(&settings.cache_control);
        Self {
            store,
            bucket: settings.image_bucket.as_str().into(),
            cache_control: cache_control.unwrap_or(HeaderValue::from_static("public, max-age=60")),
        }
    }
}

/// Serves until `shutdown` completes.
pub async fn serve(
    listener: TcpListener,
    images: Images,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    super::http::serve(listener, router(images), shutdown).await
}

/// The routes.
pub fn router(images: Images) -> Router {
    Router::new().fallback(answer).with_state(images)
}

async fn answer(State(images): State<Images>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let mut response = match method {
        Method::GET | Method::HEAD => find(&images, &uri, &headers).await,
        _ => ([(header::ALLOW, "GET, HEAD")], StatusCode::METHOD_NOT_ALLOWED).into_response(),
    };
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn find(images: &Images, uri: &Uri, headers: &HeaderMap) -> Response {
    let Ok(key) = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8() else {
        return plain(StatusCode::BAD_REQUEST, "the address is not UTF-8");
    };
    match images.store.get(&images.bucket, &key, IMAGE_MAX_BYTES).await {
        Ok(Some(object)) if object.info.size <= IMAGE_MAX_BYTES => found(images, object, headers),
        Ok(_) => plain(StatusCode::NOT_FOUND, "no such image"),
        Err(error) if error.subject() == Subject::Corruption => {
            tracing::error!(%error, %key, "an image could not be served: its content is damaged");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the image is damaged; the reason is in the server's log")
        }
        Err(error) => {
            tracing::warn!(%error, %key, "an image could not be served");
            plain(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer; try again")
        }
    }
}

/// An answer without an image, never to be cached.
fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

fn found(images: &Images, object: Object, headers: &HeaderMap) -> Response {
    let mut response = match precondition(&object.info, headers) {
        Some(status) => status.into_response(),
        None => content(&object, headers),
    };
    describe(images, &object.info, response.headers_mut());
    response
}

fn etag(info: &ObjectInfo) -> Option<ETag> {
    format!("\"{}\"", info.etag).parse().ok()
}

/// Evaluates conditions in the order of RFC 9110, section 13.2.2; a status when the content is not to be sent.
fn precondition(info: &ObjectInfo, headers: &HeaderMap) -> Option<StatusCode> {
    let etag = etag(info)?;
    let modified = std::time::SystemTime::from(info.last_modified);
    let matches = match (headers.typed_get::<IfMatch>(), headers.typed_get::<IfUnmodifiedSince>()) {
        (Some(condition), _) => condition.precondition_passes(&etag),
        (None, Some(condition)) => condition.precondition_passes(modified),
        (None, None) => true,
    };
    if !matches {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    let changed = match (headers.typed_get::<IfNoneMatch>(), headers.typed_get::<IfModifiedSince>()) {
        (Some(condition), _) => condition.precondition_passes(&etag),
        (None, Some(condition)) => condition.is_modified(modified),
        (None, None) => true,
    };
    (!changed).then_some(StatusCode::NOT_MODIFIED)
}

fn content(object: &Object, headers: &HeaderMap) -> Response {
    let whole = || with_length(StatusCode::OK, object.body.clone());
    match requested_range(&object.info, headers) {
        None => whole(),
        Some(Err(())) => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            response.headers_mut().typed_insert(ContentRange::unsatisfied_bytes(object.info.size));
            response
        }
        Some(Ok((start, end))) => {
            let Ok(range) = ContentRange::bytes(start..end, object.info.size) else { return whole() };
            let bounds = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
            let mut response = with_length(StatusCode::PARTIAL_CONTENT, object.body.slice(bounds));
            response.headers_mut().typed_insert(range);
            response
        }
    }
}

fn with_length(status: StatusCode, body: Bytes) -> Response {
    let length = ContentLength(body.len() as u64);
    let mut response = (status, Body::from(body)).into_response();
    response.headers_mut().typed_insert(length);
    response
}

/// The one range that is asked for, as start and end (exclusive). Several ranges are answered with the whole, as allowed.
fn requested_range(info: &ObjectInfo, headers: &HeaderMap) -> Option<Result<(u64, u64), ()>> {
    let range = headers.typed_get::<Range>()?;
    let modified = LastModified::from(std::time::SystemTime::from(info.last_modified));
    let stale = |condition: IfRange| condition.is_modified(etag(info).as_ref(), Some(&modified));
    if headers.typed_get::<IfRange>().is_some_and(stale) {
        return None;
    }
    let mut ranges = range.satisfiable_ranges(info.size);
    let Some((start, end)) = ranges.next() else { return Some(Err(())) };
    if ranges.next().is_some() {
        return None;
    }
    let start = match start {
        Bound::Included(start) => start,
        Bound::Excluded(start) => start + 1,
        Bound::Unbounded => 0,
    };
    let end = match end {
        Bound::Included(end) => end.saturating_add(1),
        Bound::Excluded(end) => end,
        Bound::Unbounded => info.size,
    };
    let end = end.min(info.size);
    Some(if start < end { Ok((start, end)) } else { Err(()) })
}

/// The headers of every answer that stands for an image, 304 and 416 included.
fn describe(images: &Images, info: &ObjectInfo, headers: &mut HeaderMap) {
    if let Some(etag) = etag(info) {
        headers.typed_insert(etag);
    }
    headers.typed_insert(LastModified::from(std::time::SystemTime::from(info.last_modified)));
    headers.typed_insert(AcceptRanges::bytes());
    headers.insert(header::CACHE_CONTROL, images.cache_control.clone());
    let content_type = info.content_type.as_deref().and_then(|name| HeaderValue::from_str(name).ok());
    headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
}
