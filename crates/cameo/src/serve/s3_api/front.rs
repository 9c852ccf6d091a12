//! In front of the service: what must be right of every request and every answer.
//!
//! Requests get an id, and are read once: what they ask for, whether that is done here, and who signed them are decided
//! before a byte of a body is read or room is taken for it. Answers carry the id, in error texts too, and close the
//! connection where the client would otherwise wait for what never comes: aws-cli stalls for a minute when it sent
//! `Expect: 100-continue` and is answered without a `100` on a connection that stays open.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rand::Rng;
use s3s::{Body, HttpError, S3Error, S3Result, StdError, s3_error, service::S3Service};
use tokio::sync::Semaphore;

use super::{
    S3Limits, access, asked,
    body::{DrainRate, InFlight, RequestBody},
    cors::Cors,
    declared,
    errors::{self, refused},
    handover::{self, InternalSecret},
    hosts::Hosts,
    key_ring::KeyRing,
    keys::ANONYMOUS,
    payload::{SentContent, Trailers},
    plain,
    reading::{METADATA, Reading},
    routes::{self, Admitted, BodyKind, Route},
    signature::{self, Signer},
    translate::{broken, trailer_sums},
    watch::{self, Watch},
    xml,
};
use crate::{
    clock::{Clock, SystemClock},
    serve::http::Incoming,
    store::{
        OWN_METADATA,
        embedded::{Algorithm, BUFFER_BYTES, Digests, Refusal, Sums},
    },
};

/// What a streamed body holds in memory at most: one buffer fills while one is written.
const STREAMED_BYTES: u64 = 2 * BUFFER_BYTES as u64;
/// What a streamed body counts for before any of it came. The rest counts as it comes.
const STREAM_BEGIN_BYTES: u64 = 16 * 1024;
/// Bodies that are held whole have one part of so many of the bytes in flight.
const GATHERED_SHARE: u64 = 4;
/// When a client that was told to slow down may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Time that the rest of a refused body has in any case.
const DRAIN_GRACE: Duration = Duration::from_secs(2);

/// What the front works with.
pub(super) struct FrontSettings {
    pub(super) hosts: Hosts,
    pub(super) keys: Arc<KeyRing>,
    pub(super) watch: Watch,
    pub(super) cors: Cors,
    pub(super) internal: InternalSecret,
    pub(super) limits: Arc<S3Limits>,
}

/// The service with its front. Clones share it.
#[derive(Clone)]
pub(super) struct Front {
    service: S3Service,
    settings: Arc<FrontSettings>,
    /// Bytes of bodies that stream.
    in_flight: InFlight,
    /// Bytes of bodies that are held whole until their end is known. They have room of their own: their clients decide how long they
    /// are held, and must not keep out those that stream.
    gathered: InFlight,
    drains: Arc<Semaphore>,
}

/// Reads a request, and decides whether it is let in: all that can be known before its body.
pub(super) fn admit(parts: &Parts, settings: &FrontSettings, clock: &dyn Clock) -> S3Result<(Admitted, Signer)> {
    let reading = Reading::of(parts, &settings.hosts)?;
    // Looked up once: the key file is read again for it.
    let key = reading.proof.claim().and_then(|claim| settings.keys.find(&claim.key_id));
    if let Some(claim) = reading.proof.claim() {
        watch::claims(&claim.key_id, key.is_some());
    }
    let route = routes::find(&reading)?;
    let source = reading.header(routes::COPY_SOURCE);
    watch::asks(route.operation, reading.target.bucket(), reading.target.key(), source);
    let signer = match reading.proof.claim() {
        Some(_) => signature::verify(&reading, &parts.headers, key, clock.now(), &settings.limits)?,
        None => Signer { key: access::admit_unsigned(&settings.keys, &reading, route)?, chain: None },
    };
    watch::signs(&signer.key.id);
    asked::check(&reading, route, settings.keys.is_public(reading.target.bucket()))?;
    check_length(&reading, route, &settings.limits)?;
    access::require_right(&settings.keys, &signer.key, &reading, route)?;
    watch::charge(&settings.keys, &signer.key, route.operation, &reading.headers)?;
    Ok((Admitted { reading, route }, signer))
}

/// Refuses bodies that are too long, or that nobody would read.
fn check_length(reading: &Reading, route: &Route, limits: &S3Limits) -> S3Result<()> {
    let length = reading.content_length.unwrap_or(0);
    match route.body {
        BodyKind::None if length > 0 => Err(has_body(route)),
        BodyKind::Text | BodyKind::None if length > limits.xml_max_bytes as u64 => Err(too_long(limits)),
        BodyKind::Content | BodyKind::Text | BodyKind::None => Ok(()),
    }
}

fn has_body(route: &Route) -> S3Error {
    s3_error!(InvalidRequest, "{} takes no body, and one was sent.", route.operation)
}

fn too_long(limits: &S3Limits) -> S3Error {
    s3_error!(MaxMessageLengthExceeded, "A text has at most {} bytes.", limits.xml_max_bytes)
}

impl Front {
    pub(super) fn new(service: S3Service, settings: FrontSettings) -> Self {
        let max = settings.limits.in_flight_max_bytes;
        let gathered_max = max / GATHERED_SHARE;
        let (in_flight, gathered) = (InFlight::new(max - gathered_max), InFlight::new(gathered_max));
        let drains = Arc::new(Semaphore::new(settings.limits.drains_max));
        Self { service, settings: Arc::new(settings), in_flight, gathered, drains }
    }

    /// Answers a request. An error closes the connection.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (watch, keys) = (&self.settings.watch, &self.settings.keys);
        match watch.over(keys, request, |request| self.try_answer(request)).await {
            Ok(response) => Ok(response),
            Err(error) => Err(io::Error::other(StdError::from(error))),
        }
    }

    async fn try_answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
        let id = format!("{:016X}", rand::rng().random::<u64>());
        let (mut parts, incoming) = request.into_parts();
        let (method, path, expects) = (parts.method.clone(), parts.uri.path().to_owned(), expects_continue(&parts));
        let origin = parts.headers.get(header::ORIGIN).cloned();
        let body = RequestBody::new(incoming, self.settings.limits.idle_timeout);
        let empty = body.is_ended();
        to_utf8(&mut parts.headers);
        let mut attributes = false;
        let served = if method == Method::OPTIONS {
            self.settings.cors.preflight(&parts.headers).map(Ok)
        } else {
            match admit(&parts, &self.settings, &SystemClock) {
                Ok((admitted, signer)) => {
                    attributes = admitted.route.operation == "GetObjectAttributes";
                    self.serve(admitted, signer, body.clone()).await
                }
                Err(error) => Err(error),
            }
        };
        let answered = match served {
            Ok(answered) => answered?,
            Err(error) => error.to_http_response().map_err(broken)?,
        };
        let mut response = complete(answered, &id, attributes).await?;
        self.settings.cors.expose(origin.as_ref(), &method, response.headers_mut());
        // The query is left out: it may hold a signature.
        tracing::debug!(%method, path, status = response.status().as_u16(), request_id = id, "S3 request");
        if !self.can_go_on(&body, expects, empty).await {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    async fn serve(
        &self,
        admitted: Admitted,
        signer: Signer,
        body: RequestBody,
    ) -> Result<Result<Response<Body>, HttpError>, S3Error> {
        let Admitted { reading, route } = &admitted;
        let trailers = Trailers::default();
        let length = if reading.is_unsized() { None } else { Some(reading.content_length.unwrap_or(0)) };
        let content = SentContent::new(body.clone(), &reading.payload, length, signer.chain, trailers.clone());
        let (content, length) = if let (BodyKind::Content, Some(length)) = (route.body, content.length()) {
            self.take_room(&body, reading.content_length.unwrap_or(STREAMED_BYTES))?;
            (Body::http_body(content), length)
        } else {
            let bytes = self.collect(content, &body, route).await?;
            let bytes = if route.body == BodyKind::Content {
                bytes
            } else {
                verify_text(reading, route, &bytes, &trailers)?;
                if bytes.is_empty() { bytes } else { xml::plain_for(route.operation, &bytes)?.into() }
            };
            let length = bytes.len() as u64;
            (Body::from(bytes), length)
        };
        let (key, internal) = (&signer.key.id, &self.settings.internal);
        let mut parts = handover::parts(reading, key, Some(length), internal, SystemClock.now())?;
        plain::put_beside(&mut parts);
        parts.extensions.insert(trailers);
        parts.extensions.insert(Arc::new(admitted));
        let mut answered = self.service.call(Request::from_parts(parts, content)).await;
        if let Ok(response) = &mut answered {
            plain::set_partial(response);
            if signer.key.id == ANONYMOUS {
                hide_origin(response.headers_mut());
            }
        }
        body.leave_room();
        if body.is_crowded_out() { Err(slow_down()) } else { Ok(answered) }
    }

    /// Counts the bytes of a body that streams as they come; a place for the first of them must be free.
    fn take_room(&self, body: &RequestBody, declared: u64) -> S3Result<()> {
        if declared == 0 {
            return Ok(());
        }
        let max = self.in_flight.max_bytes();
        let permit = self.in_flight.reserve(declared.min(STREAM_BEGIN_BYTES).min(max)).ok_or_else(slow_down)?;
        body.take_room(self.in_flight.clone(), permit, declared.min(STREAMED_BYTES).min(max));
        Ok(())
    }

    /// All of a body: XML, or content whose length is not known before. Each byte takes room as it comes.
    async fn collect(&self, content: SentContent, body: &RequestBody, route: &Route) -> S3Result<Bytes> {
        let limits = &self.settings.limits;
        let max = match route.body {
            BodyKind::None => 0,
            BodyKind::Text => limits.xml_max_bytes as u64,
            BodyKind::Content => limits.unsized_max_bytes,
        };
        let permit = self.gathered.reserve(0).ok_or_else(slow_down)?;
        // What is refused as too long still comes in frames.
        body.take_room(self.gathered.clone(), permit, max + STREAM_BEGIN_BYTES);
        let limited = Limited::new(content, usize::try_from(max).unwrap_or(usize::MAX));
        let collected = limited.collect().await.map_err(|error| match route.body {
            _ if body.is_crowded_out() => slow_down(),
            _ if !error.is::<LengthLimitError>() => refused(Refusal::Body(error)),
            BodyKind::None => has_body(route),
            BodyKind::Text => too_long(limits),
            BodyKind::Content => {
                s3_error!(MissingContentLength, "A body without Content-Length must be complete within {max} bytes.")
            }
        })?;
        Ok(collected.to_bytes())
    }

    /// Whether another request can follow on this connection.
    async fn can_go_on(&self, body: &RequestBody, expects: bool, empty: bool) -> bool {
        if expects && (empty || !body.is_touched()) {
            return false;
        }
        if body.is_ended() {
            return true;
        }
        // From here on nothing of it is kept.
        body.leave_room();
        let limits = &self.settings.limits;
        let rate =
            DrainRate { grace: DRAIN_GRACE, bytes_per_s: limits.drain_min_bytes_per_s, longest: limits.drain_timeout };
        let Ok(_place) = self.drains.try_acquire() else { return false };
        body.drain(limits.drain_max_bytes, rate).await
    }
}

/// Verifies what was declared of a text: its MD5 and checksums, in headers and trailer.
fn verify_text(reading: &Reading, route: &Route, bytes: &Bytes, trailers: &Trailers) -> S3Result<()> {
    let sent = trailer_sums(&trailers.take().unwrap_or_default());
    declared::came(declared::announced(reading.header("x-amz-trailer").unwrap_or_default()), &sent)?;
    // Those of a completion are of the object, which the store verifies.
    let of_object = route.operation == "CompleteMultipartUpload";
    let in_headers = if of_object { Sums::new() } else { trailer_sums(&reading.headers) };
    let algorithms: Vec<Algorithm> =
        Algorithm::ALL.into_iter().filter(|named| sent.contains_key(named) || in_headers.contains_key(named)).collect();
    let md5 = reading.header("content-md5");
    if algorithms.is_empty() && md5.is_none() {
        return Ok(());
    }
    let digests = Digests::of(bytes, &algorithms);
    md5.map_or(Ok(()), |md5| declared::match_md5(md5, &digests))?;
    declared::match_sums(sent.iter().chain(&in_headers), &digests)
}

/// What Cameo notes with a rendition is about its original, which is not for everybody: not even the MD5, by which a file can be recognised.
fn hide_origin(headers: &mut HeaderMap) {
    let is_own = |name: &HeaderName| {
        name.as_str().strip_prefix(METADATA).is_some_and(|metadata| metadata.starts_with(OWN_METADATA))
    };
    let of_origin: Vec<_> = headers.keys().filter(|name| is_own(name)).cloned().collect();
    for name in of_origin {
        headers.remove(name);
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

fn expects_continue(parts: &Parts) -> bool {
    parts.headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
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
