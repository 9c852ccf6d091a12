//! The public images: the objects of the image bucket, at their keys.
//!
//! Strong `ETags`, conditional requests and single ranges (RFC 9110, sections 13 and 14). Only GET and HEAD; nothing is
//! listed, nothing is written, and what is not an image of a type that Cameo makes is not served, whoever put it into the
//! bucket: a page or a drawing with a script would run under the name that images have. Content is read as it is sent, and
//! no more of it than is sent.

use std::{future::Future, io, ops::Range};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use headers::{ContentLength, ContentRange, HeaderMapExt};
use percent_encoding::percent_decode_str;
use tokio::runtime::Handle;
use tower::ServiceExt;

use super::{
    conditions::precondition,
    http::{self as base, Accept, ConnectionLimits, Direct, Incoming, PlainRequest},
    range::{self, Selection},
};
use crate::{
    client::wire::NO_SUCH_IMAGE,
    model::error::{Error, Result, Subject},
    store::{ObjectInfo, Reading},
};

pub mod client;
mod direct;
mod served;
#[cfg(test)]
mod tests;

pub use served::Images;

use served::{About, HEADERS, describe};

/// How often an image that changes while it is looked at is looked at again.
const ATTEMPTS: usize = 3;

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

    const HEADERS: &'static [(&'static str, &'static str)] = &HEADERS;

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

fn with_length(status: StatusCode, length_bytes: u64, body: Body) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().typed_insert(ContentLength(length_bytes));
    response
}
