//! The public images: the objects of the image bucket, at their keys.
//!
//! Strong `ETags`, conditional requests and single ranges (RFC 9110, sections 13 and 14). Only GET and HEAD; nothing is
//! listed, nothing is written, and what is not an image of a type that Cameo makes is not served, whoever put it into the
//! bucket: a page or a drawing with a script would run under the name that images have. Content is read as it is sent, and
//! no more of it than is sent.

use std::{future::Future, io, ops::Range, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use headers::{AcceptRanges, ContentLength, ContentRange, ETag, HeaderMapExt, LastModified};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use tokio::runtime::Handle;
use tower::ServiceExt;

use super::{
    conditions::precondition,
    http::{self as base, Accept, ConnectionLimits, Direct, Incoming, PlainRequest, Sometimes},
    range::{self, Selection},
};
use crate::{
    client::wire::NO_SUCH_IMAGE,
    flow::Settings,
    model::error::{Error, Result, Subject},
    store::{Located, ObjectInfo, Reading, Store},
};

pub mod client;
mod direct;
#[cfg(test)]
mod tests;

/// The largest image that is served, bytes.
const IMAGE_MAX_BYTES: u64 = 32 << 20;
/// The types that are served: those that Cameo makes.
const SERVED_TYPES: [&str; 1] = ["image/jpeg"];
/// How often an image that changes while it is looked at is looked at again.
const ATTEMPTS: usize = 3;

/// The public images of one bucket.
#[derive(Debug, Clone)]
pub struct Images {
    store: Arc<dyn Store>,
    bucket: Arc<str>,
    cache_control: HeaderValue,
    foreign: Arc<Sometimes>,
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
    fn serves(&self, key: &str, content_type: Option<&str>, size_bytes: u64) -> bool {
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
}

impl Images {
    fn serves_object(&self, info: &ObjectInfo) -> bool {
        self.serves(&info.key, info.content_type.as_deref(), info.size)
    }
}

/// Serves until `shutdown` completes, connections in turn on these runtimes; on the caller's where there are none.
pub async fn serve(
    listener: impl Accept,
    images: Images,
    limits: ConnectionLimits,
    runtimes: Vec<Handle>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    base::serve_on("images", listener, limits, runtimes, Listener(router(images.clone()), images), shutdown).await
}

#[derive(Clone)]
struct Listener(Router, Images);

impl base::Service for Listener {
    type Body = Body;

    /// Whatever is served, a browser neither guesses its type nor runs it, and every page may show it.
    const HEADERS: &'static [(&'static str, &'static str)] = &[
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "cross-origin"),
    ];

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response> {
        self.0.clone().oneshot(request.map(Body::new)).await.map_err(io::Error::other)
    }

    const IS_DIRECT: bool = true;

    fn direct(&self, request: &PlainRequest<'_>, head: &mut Vec<u8>) -> Option<Direct> {
        direct::answer(&self.1, request, head)
    }

    fn refuse(&self, status: StatusCode, why: &'static str) -> Response {
        plain(status, why)
    }
}

/// The routes.
pub fn router(images: Images) -> Router {
    Router::new().fallback(answer).with_state(images)
}

async fn answer(State(images): State<Images>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let mut response = match method {
        Method::GET | Method::HEAD => find(&images, &uri, &headers, method == Method::HEAD).await,
        _ => ([(header::ALLOW, "GET, HEAD")], StatusCode::METHOD_NOT_ALLOWED).into_response(),
    };
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn find(images: &Images, uri: &Uri, headers: &HeaderMap, head_only: bool) -> Response {
    let Ok(key) = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8() else {
        return plain(StatusCode::BAD_REQUEST, "the address is not UTF-8");
    };
    match try_find(images, &key, headers, head_only).await {
        Ok(Some(response)) => response,
        Ok(None) => plain(StatusCode::NOT_FOUND, NO_SUCH_IMAGE),
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

/// The answer for a key; none where nothing is served at it.
async fn try_find(images: &Images, key: &str, headers: &HeaderMap, head_only: bool) -> Result<Option<Response>> {
    // What is known of an object says whether any of it is sent; only where that is plain, it is asked for together with its content.
    let asks_for_all =
        !head_only && !headers.keys().any(|name| name == header::RANGE || name.as_str().starts_with("if-"));
    if asks_for_all {
        let Some(reading) = images.store.read(&images.bucket, key, None).await? else { return Ok(None) };
        if !images.serves_object(&reading.info) {
            return Ok(None);
        }
        return whole(images, reading).await.map(Some);
    }
    for _ in 0..ATTEMPTS {
        let Some(info) = images.store.head(&images.bucket, key).await? else { return Ok(None) };
        if !images.serves_object(&info) {
            return Ok(None);
        }
        if let Some(response) = of_known(images, &info, headers, head_only).await? {
            return Ok(Some(response));
        }
    }
    Ok(Some(plain(StatusCode::SERVICE_UNAVAILABLE, "the image is being replaced; try again")))
}

/// The answer about an object of which it is known what it is; none where it has changed since.
async fn of_known(
    images: &Images,
    info: &ObjectInfo,
    headers: &HeaderMap,
    head_only: bool,
) -> Result<Option<Response>> {
    let asked = range::asked(headers, info.size, &info.etag, info.last_modified.into());
    let mut response = match (precondition(headers, &info.etag, info.last_modified.into()), asked) {
        // A length beside a 304 is that of the image (RFC 9110, section 8.6); without one, 0 would be sent to a HEAD.
        (Some(StatusCode::NOT_MODIFIED), _) if head_only => {
            with_length(StatusCode::NOT_MODIFIED, info.size, Body::empty())
        }
        (Some(status), _) => status.into_response(),
        // RFC 9110, section 14.2: a range means something for GET alone.
        (None, _) if head_only => with_length(StatusCode::OK, info.size, Body::empty()),
        (None, Selection::Unsatisfiable) => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            response.headers_mut().typed_insert(ContentRange::unsatisfied_bytes(info.size));
            response
        }
        (None, Selection::Whole) => match unchanged(images, info, None).await? {
            Some(reading) => return whole(images, reading).await.map(Some),
            None => return Ok(None),
        },
        (None, Selection::Part(range)) => match unchanged(images, info, Some(range.clone())).await? {
            Some(reading) => partial(info, range, reading).await?,
            None => return Ok(None),
        },
    };
    describe(images, &About::from(info), response.headers_mut());
    Ok(Some(response))
}

/// The object or a part of it, if it still is what was looked at.
async fn unchanged(images: &Images, info: &ObjectInfo, range: Option<Range<u64>>) -> Result<Option<Reading>> {
    let reading = images.store.read(&images.bucket, &info.key, range).await?;
    Ok(reading.filter(|reading| reading.info.etag == info.etag))
}

async fn whole(images: &Images, reading: Reading) -> Result<Response> {
    let (info, size) = (reading.info.clone(), reading.info.size);
    let mut response = with_length(StatusCode::OK, size, body(reading).await?);
    describe(images, &About::from(&info), response.headers_mut());
    Ok(response)
}

async fn partial(info: &ObjectInfo, range: Range<u64>, reading: Reading) -> Result<Response> {
    let mut response = with_length(StatusCode::PARTIAL_CONTENT, range.end - range.start, body(reading).await?);
    if let Ok(range) = ContentRange::bytes(range, info.size) {
        response.headers_mut().typed_insert(range);
    }
    Ok(response)
}

/// The content, of which the first piece was read: damage that shows at once is answered as such, and not in the middle of an
/// answer that began well.
async fn body(mut reading: Reading) -> Result<Body> {
    let Some(first) = reading.pieces.next().await else { return Ok(Body::empty()) };
    let first = stream::iter([Ok::<_, Error>(first?)]);
    let key = reading.info.key;
    let rest = reading.pieces.inspect(move |piece| {
        if let Err(error) = piece {
            tracing::error!(%error, ?key, "an image was cut off while it was sent");
        }
    });
    Ok(Body::from_stream(first.chain(rest)))
}

/// An answer without an image, never to be cached.
fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// What the headers say of an image.
struct About<'o> {
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

fn with_length(status: StatusCode, length_bytes: u64, body: Body) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().typed_insert(ContentLength(length_bytes));
    response
}

/// The headers of every answer that stands for an image, 304 and 416 included.
fn describe(images: &Images, about: &About<'_>, headers: &mut HeaderMap) {
    if let Ok(etag) = format!("\"{}\"", about.etag).parse::<ETag>() {
        headers.typed_insert(etag);
    }
    headers.typed_insert(LastModified::from(std::time::SystemTime::from(about.last_modified)));
    headers.typed_insert(AcceptRanges::bytes());
    headers.insert(header::CACHE_CONTROL, images.cache_control.clone());
    let content_type = about.content_type.and_then(|name| HeaderValue::from_str(name).ok());
    headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
}
