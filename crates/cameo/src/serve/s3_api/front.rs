//! In front of the service: what must be right of every request and every answer.
//!
//! Requests get an id, a place among the bytes in flight, and a first look at their signature. Answers carry the id, in
//! error texts too, and close the connection where the client would otherwise wait for what never comes: aws-cli stalls
//! for a minute when it sent `Expect: 100-continue` and is answered without a `100` on a connection that stays open.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rand::Rng;
use s3s::{Body, HttpError, S3Error, StdError, s3_error, service::S3Service};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    body::{InFlight, RequestBody},
    cors::Cors,
    errors,
    limits::S3Limits,
    signature,
    translate::broken,
};
use crate::store::embedded::BUFFER_BYTES;

/// What a streamed body holds in memory at most: one buffer fills while one is written.
const STREAMED_BYTES: u64 = 2 * BUFFER_BYTES as u64;
/// What a streamed body counts for before any of it came. The rest counts as it comes.
const STREAM_BEGIN_BYTES: u64 = 16 * 1024;
/// When a client that was told to slow down may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The service with its front. Clones share it.
#[derive(Clone)]
pub(super) struct Front {
    service: S3Service,
    limits: Arc<S3Limits>,
    in_flight: InFlight,
    cors: Arc<Cors>,
}

impl Front {
    pub(super) fn new(service: S3Service, limits: Arc<S3Limits>, cors: Arc<Cors>) -> Self {
        let in_flight = InFlight::new(limits.in_flight_max_bytes);
        Self { service, limits, in_flight, cors }
    }

    /// Answers a request. An error closes the connection.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        match self.try_answer(request).await {
            Ok(response) => Ok(response),
            Err(error) => Err(io::Error::other(StdError::from(error))),
        }
    }

    async fn try_answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
        let id = format!("{:016X}", rand::rng().random::<u64>());
        let (mut parts, incoming) = request.into_parts();
        let (method, path, expects) = (parts.method.clone(), parts.uri.path().to_owned(), expects_continue(&parts));
        let attributes = asks_for_attributes(&parts);
        let origin = parts.headers.get(header::ORIGIN).cloned();
        let body = RequestBody::new(incoming, self.limits.idle_timeout);
        let empty = body.is_ended();
        to_utf8(&mut parts.headers);
        let answered = match self.serve(parts, body.clone()).await {
            Ok(answered) => answered?,
            Err(error) => error.to_http_response().map_err(broken)?,
        };
        let mut response = complete(answered, &id, attributes).await?;
        self.cors.expose(origin.as_ref(), &method, response.headers_mut());
        // The query is left out: it may hold a signature.
        tracing::debug!(%method, path, status = response.status().as_u16(), request_id = id, "S3 request");
        if !self.can_go_on(&body, expects, empty).await {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    async fn serve(&self, mut parts: Parts, body: RequestBody) -> Result<Result<Response<Body>, HttpError>, S3Error> {
        if parts.method == Method::OPTIONS {
            return self.cors.preflight(&parts.headers).map(Ok);
        }
        signature::check(&parts, &self.limits)?;
        self.check_text(&parts)?;
        let _permit = self.reserve(&parts, &body)?;
        let sized = self.sized(&mut parts, body.clone()).await?;
        let answered = self.service.call(Request::from_parts(parts, sized)).await;
        body.leave_room();
        if body.is_crowded_out() { Err(slow_down()) } else { Ok(answered) }
    }

    /// Refuses texts that are too long. The service does so too, but calls it a failure of its own.
    fn check_text(&self, parts: &Parts) -> Result<(), S3Error> {
        let form =
            parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
        let max = self.limits.xml_max_bytes;
        let length = content_length(&parts.headers).unwrap_or(0);
        if parts.method == Method::POST && !form && length > max as u64 {
            return Err(s3_error!(MaxMessageLengthExceeded, "A text has at most {max} bytes."));
        }
        Ok(())
    }

    /// Gives a body that does not tell its length one, as the service needs it for the signature.
    async fn sized(&self, parts: &mut Parts, body: RequestBody) -> Result<Body, S3Error> {
        let unsized_body = parts.headers.contains_key(header::TRANSFER_ENCODING)
            && !parts.headers.contains_key(header::CONTENT_LENGTH)
            && !parts.headers.contains_key("x-amz-decoded-content-length");
        if !unsized_body {
            return Ok(Body::http_body(body));
        }
        let max = self.limits.unsized_max_bytes;
        let limited = http_body_util::Limited::new(body, usize::try_from(max).unwrap_or(usize::MAX));
        let bytes = limited.collect().await.map_err(|_| {
            s3_error!(MissingContentLength, "A body without Content-Length must be complete within {max} bytes.")
        })?;
        let bytes = bytes.to_bytes();
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        Ok(Body::from(bytes))
    }

    /// A place for the bytes of the body that will be held in memory. A body that streams takes more as it comes.
    fn reserve(&self, parts: &Parts, body: &RequestBody) -> Result<Option<OwnedSemaphorePermit>, S3Error> {
        let declared = content_length(&parts.headers);
        if declared == Some(0) || (declared.is_none() && !parts.headers.contains_key(header::TRANSFER_ENCODING)) {
            return Ok(None);
        }
        let max = self.limits.in_flight_max_bytes;
        let reserve = |bytes: u64| self.in_flight.reserve(bytes.min(max)).ok_or_else(slow_down);
        match declared {
            // XML and forms are held as a whole; everything else streams.
            Some(declared) if parts.method == Method::POST => reserve(declared).map(Some),
            Some(declared) => {
                let permit = reserve(declared.min(STREAM_BEGIN_BYTES))?;
                body.take_room(self.in_flight.clone(), permit, declared.min(STREAMED_BYTES).min(max));
                Ok(None)
            }
            None => reserve(self.limits.unsized_max_bytes).map(Some),
        }
    }

    /// Whether another request can follow on this connection.
    async fn can_go_on(&self, body: &RequestBody, expects: bool, empty: bool) -> bool {
        if expects && (empty || !body.is_touched()) {
            return false;
        }
        body.drain(self.limits.drain_max_bytes).await
    }
}

fn slow_down() -> S3Error {
    let mut error = s3_error!(SlowDown, "Too many bytes are being received. Please reduce your request rate.");
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    error.set_headers(headers);
    error
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn expects_continue(parts: &Parts) -> bool {
    parts.headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn asks_for_attributes(parts: &Parts) -> bool {
    let names = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
    parts.method == Method::GET && names.into_iter().any(|name| name == "attributes")
}

/// Old clients send metadata in ISO 8859-1 and sign it in UTF-8.
fn to_utf8(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if name.as_str().starts_with("x-amz-meta-") && std::str::from_utf8(value.as_bytes()).is_err() {
            let text: String = value.as_bytes().iter().copied().map(char::from).collect();
            if let Ok(utf8) = HeaderValue::from_bytes(text.as_bytes()) {
                *value = utf8;
            }
        }
    }
}

/// Puts the request's id into an answer, and into the text of an error. Of all texts with an `ETag`, S3 leaves out its
/// quotes in that of `GetObjectAttributes` alone.
async fn complete(response: Response<Body>, id: &str, attributes: bool) -> Result<Response<Body>, HttpError> {
    let (mut parts, mut body) = response.into_parts();
    if let Ok(value) = HeaderValue::from_str(id) {
        parts.headers.insert("x-amz-request-id", value);
    }
    parts.headers.insert(header::SERVER, HeaderValue::from_static("Cameo"));
    if parts.status == StatusCode::NOT_MODIFIED {
        body = Body::empty();
    } else if parts.status.is_client_error() || parts.status.is_server_error() {
        let text = body.collect().await.map_err(broken)?.to_bytes();
        parts.headers.remove(header::CONTENT_LENGTH);
        body = Body::from(with_request_id(&errors::explained(&text), id));
        parts.headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/xml"));
    } else if attributes {
        let text = body.collect().await.map_err(broken)?.to_bytes();
        parts.headers.remove(header::CONTENT_LENGTH);
        body = Body::from(without_quotes(&text));
    }
    Ok(Response::from_parts(parts, body))
}

fn without_quotes(text: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(text).replace("<ETag>&quot;", "<ETag>").replace("&quot;</ETag>", "</ETag>");
    text.replace("<ETag>\"", "<ETag>").replace("\"</ETag>", "</ETag>").into()
}

fn with_request_id(text: &Bytes, id: &str) -> Bytes {
    let text = String::from_utf8_lossy(text);
    text.replacen("</Error>", &format!("<RequestId>{id}</RequestId></Error>"), 1).into()
}
