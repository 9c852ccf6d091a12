//! What is noted of each request while it is answered, and what follows from it: the audit trail, the quota, and patience with wrong signatures.
//!
//! The notes are taken where something is decided (whose secret was asked for, which right was needed), in the task of the
//! request. Nothing here decides whether a signature or a right is good.

use std::{cell::RefCell, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use s3s::{Body, S3Error, S3ErrorCode, S3Result};

use super::{
    key_ring::KeyRing,
    keys::AccessKey,
    quota::{Amount, Charge},
    reading::METADATA,
};
use crate::{
    clock::Clock,
    serve::{
        audit::{AuditTrail, Event, Line, client_of, cut, only_reads},
        failures::Failures,
        http::ClientAddress,
    },
};

/// Keys of one request that are noted one by one: as many as can be deleted at once.
const TOUCHED_MAX: usize = 1000;
/// Keys that one request was refused, which have lines of their own: of the others, one says how many.
const REFUSED_MAX: usize = 10;
/// Characters of an id that nobody has.
const UNKNOWN_ID_SHOWN: usize = 4;
/// What somebody is answered who guesses at keys.
const GUESSES: [&str; 2] = ["SignatureDoesNotMatch", "InvalidAccessKeyId"];
/// When somebody whose signatures are wrong may come back, in seconds.
const RETRY_AFTER_SECONDS: u64 = 60;

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// Where the line of a request goes that nobody waits for any more.
#[derive(Debug)]
struct Unanswered {
    watch: Watch,
    peer: Option<SocketAddr>,
}

/// What is known of a request so far.
#[derive(Debug, Default)]
struct Notes {
    unanswered: Option<Unanswered>,
    /// The id of which the secret was asked for. Of one that nobody has, its beginning: people mistake a secret for it.
    claimed: Option<String>,
    /// Whether the signature held.
    signed: bool,
    operation: Option<String>,
    bucket: String,
    key: String,
    /// What is copied.
    source: Option<String>,
    /// Keys that its body names, and S3's code of what each was refused with.
    touched: Vec<(String, Option<String>)>,
    /// When it came.
    now: Timestamp,
    charges: Vec<Charge>,
}

impl Notes {
    fn new(now: Timestamp, unanswered: Unanswered) -> Self {
        Self {
            unanswered: Some(unanswered),
            claimed: None,
            signed: false,
            operation: None,
            bucket: String::new(),
            key: String::new(),
            source: None,
            touched: Vec::new(),
            now,
            charges: Vec::new(),
        }
    }
}

/// A client that goes away takes its request with it; an upload that was already whole is finished all the same, and belongs in the trail.
impl Drop for Notes {
    fn drop(&mut self) {
        if let Some(Unanswered { watch, peer }) = self.unanswered.take() {
            watch.write_broken_off(self, peer);
        }
    }
}

fn note(change: impl FnOnce(&mut Notes)) {
    // Outside of a request there is nothing to note.
    let _ = NOTES.try_with(|notes| change(&mut notes.borrow_mut()));
}

/// A signature claims to be of this key, which is one of ours or not.
pub(super) fn claims(id: &str, is_known: bool) {
    let beginning = || format!("{}…", id.chars().take(UNKNOWN_ID_SHOWN).collect::<String>());
    note(|notes| notes.claimed = Some(if is_known { id.to_owned() } else { beginning() }));
}

/// This is what the request asks for, whoever sent it. `source` is what its header names, if it is to be a copy.
pub(super) fn asks(operation: &str, bucket: &str, key: &str, source: Option<&str>) {
    note(|notes| {
        notes.operation = Some(operation.to_owned());
        bucket.clone_into(&mut notes.bucket);
        key.clone_into(&mut notes.key);
        notes.source = source.map(|source| {
            let named = source.split_once('?').map_or(source, |(named, _)| named);
            percent_decode_str(named.trim_start_matches('/')).decode_utf8_lossy().into_owned()
        });
    });
}

/// The signature holds.
pub(super) fn signs(id: &str) {
    note(|notes| {
        notes.claimed = Some(id.to_owned());
        notes.signed = true;
    });
}

/// The request copies from here.
pub(super) fn copies(bucket: &str, key: &str) {
    note(|notes| notes.source = Some(format!("{bucket}/{key}")));
}

/// What became of a key that the body of the request names.
pub(super) fn touched<T>(key: &str, result: &S3Result<T>) {
    let code = result.as_ref().err().map(|error| error.code().as_str().to_owned());
    note(|notes| {
        if notes.touched.len() < TOUCHED_MAX {
            notes.touched.push((key.to_owned(), code));
        }
    });
}

/// Counts what an operation uploads against the quota of its key, before any of it is received.
pub(super) fn charge(keys: &KeyRing, key: &AccessKey, operation: &str, headers: &HeaderMap) -> S3Result<()> {
    amount_of(operation, headers).map_or(Ok(()), |amount| charge_amount(keys, key, amount))
}

/// Counts bytes that are known only while a request is answered.
pub(super) fn charge_bytes(keys: &KeyRing, key: &AccessKey, bytes: u64) -> S3Result<()> {
    charge_amount(keys, key, Amount { bytes, objects: 0 })
}

fn charge_amount(keys: &KeyRing, key: &AccessKey, amount: Amount) -> S3Result<()> {
    let now = NOTES.try_with(|notes| notes.borrow().now).unwrap_or_default();
    match keys.usage().charge(key, amount, now) {
        Ok(charge) => {
            note(|notes| notes.charges.extend(charge));
            Ok(())
        }
        Err(why) => {
            let code = S3ErrorCode::Custom("QuotaExceeded".into());
            let mut error = S3Error::with_message(code, format!("{why}."));
            error.set_status_code(StatusCode::FORBIDDEN);
            Err(error)
        }
    }
}

/// Looks over requests. Clones share everything.
#[derive(Debug, Clone)]
pub struct Watch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    trail: AuditTrail,
    failures: Failures,
}

impl Watch {
    /// Writes what it sees to a trail.
    pub fn new(clock: Arc<dyn Clock>, trail: AuditTrail) -> Self {
        let failures = Failures::default();
        Self(Arc::new(Shared { clock, trail, failures }))
    }

    /// Answers a request, and does what its answer asks for.
    pub(super) async fn over<B, E, F: Future<Output = Result<Response<Body>, E>>>(
        &self,
        keys: &KeyRing,
        request: Request<B>,
        answer: impl FnOnce(Request<B>) -> F,
    ) -> Result<Response<Body>, E> {
        let peer = request.extensions().get::<ClientAddress>().map(|client| client.0);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let begun = Notes::new(self.0.clock.now(), Unanswered { watch: self.clone(), peer });
        let answered = async {
            let answered = answer(request).await;
            let mut notes = NOTES.with(RefCell::take);
            notes.unanswered = None;
            (answered, notes)
        };
        let (answered, mut notes) = NOTES.scope(RefCell::new(begun), answered).await;
        let mut response = answered?;
        let status = response.status();
        let failed = status.is_client_error() || status.is_server_error();
        if failed {
            for charge in std::mem::take(&mut notes.charges) {
                keys.usage().give_back(charge);
            }
        }
        let body = response.body().bytes().unwrap_or_default();
        // An address that has expired, or a header that is not signed, is no guess at a secret.
        let wrongly_signed = failed && !notes.signed && code_in(&body).is_some_and(|code| GUESSES.contains(&code));
        if let Some(peer) = peer.filter(|_| wrongly_signed)
            && self.0.failures.slow_down(peer.ip()).await
        {
            response = too_many_failures(&response, &method);
        }
        self.write(&notes, peer, &method, &path, &response);
        Ok(response)
    }

    fn write_broken_off(&self, notes: &Notes, peer: Option<SocketAddr>) {
        let Some(operation) = notes.operation.as_deref().filter(|name| !reads(name)) else { return };
        let line = Line { bucket: some(&notes.bucket), ..self.line(Event::BrokenOff, notes, peer, operation) };
        self.0.trail.write(&Line { key: some(&notes.key), ..line.clone() });
        self.write_touched(notes, &line);
    }

    fn write(&self, notes: &Notes, peer: Option<SocketAddr>, method: &Method, path: &str, response: &Response<Body>) {
        let status = response.status();
        let Some(event) = event_of(notes.operation.as_deref(), method, status) else { return };
        let (bucket, key) = match &notes.operation {
            Some(_) => (notes.bucket.clone(), notes.key.clone()),
            None => named_by(path),
        };
        let body = response.body().bytes().unwrap_or_default();
        let operation = notes.operation.as_deref().unwrap_or(method.as_str());
        let line = Line {
            bucket: some(&bucket),
            status: status.as_u16(),
            request_id: response.headers().get("x-amz-request-id").and_then(|id| id.to_str().ok()).unwrap_or(""),
            ..self.line(event, notes, peer, operation)
        };
        // The answer to several keys may hold an error of one of them.
        if event == Event::Refusal || notes.touched.is_empty() {
            return self.0.trail.write(&Line { key: some(&key), error: code_in(&body), ..line });
        }
        self.write_touched(notes, &line);
    }

    fn line<'l>(&self, event: Event, notes: &'l Notes, peer: Option<SocketAddr>, operation: &'l str) -> Line<'l> {
        Line {
            access_key: notes.claimed.as_deref(),
            signed: notes.signed,
            client: peer.map(client_of),
            source: notes.source.as_deref().map(cut),
            ..Line::new(self.0.clock.now(), event, operation)
        }
    }

    /// A line for each key that a body named and that was changed, and for the first of those that were refused.
    fn write_touched(&self, notes: &Notes, line: &Line<'_>) {
        let mut refused = 0;
        for (key, error) in &notes.touched {
            let event = if error.is_some() { Event::Refusal } else { line.event };
            refused += usize::from(error.is_some());
            if error.is_none() || refused <= REFUSED_MAX {
                self.0.trail.write(&Line { event, key: some(key), error: error.as_deref(), ..line.clone() });
            }
        }
        if refused > REFUSED_MAX {
            self.0.trail.write(&Line { event: Event::Refusal, more: Some(refused - REFUSED_MAX), ..line.clone() });
        }
    }
}

fn some(text: &str) -> Option<&str> {
    Some(cut(text)).filter(|text| !text.is_empty())
}

fn reads(operation: &str) -> bool {
    ["Get", "Head", "List"].iter().any(|verb| operation.starts_with(verb))
}

/// What an answer is to the trail. How a request reads before anybody knows what it asks for, its method says.
fn event_of(operation: Option<&str>, method: &Method, status: StatusCode) -> Option<Event> {
    Event::of(operation.map_or_else(|| only_reads(method), reads), status)
}

/// Bucket and key of a path that nobody has read yet.
fn named_by(path: &str) -> (String, String) {
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let path = cut(path.trim_start_matches('/'));
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (decoded(bucket), decoded(key))
}

/// S3's code in the text of an error.
fn code_in(body: &Bytes) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| cut(code))
}

/// What an operation adds, as far as its headers say; nothing where it adds nothing.
///
/// An upload in parts counts as an object when it begins, since it takes room whether or not it is completed. A copy shares the content
/// of its source; a part that is copied does not, and is counted where its length is known.
fn amount_of(operation: &str, headers: &HeaderMap) -> Option<Amount> {
    let objects = match operation {
        "PutObject" | "CopyObject" | "CreateMultipartUpload" => 1,
        "UploadPart" => 0,
        _ => return None,
    };
    let content = if matches!(operation, "PutObject" | "UploadPart") { announced(headers) } else { 0 };
    Some(Amount { bytes: content.saturating_add(metadata_bytes(headers)), objects })
}

fn metadata_bytes(headers: &HeaderMap) -> u64 {
    let metadata = headers.iter().filter(|(name, _)| name.as_str().starts_with(METADATA));
    metadata.map(|(name, value)| (name.as_str().len() + value.len()) as u64).sum()
}

/// Bytes that will come. A body of unknown length is of any length: it fits into no quota.
fn announced(headers: &HeaderMap) -> u64 {
    let of = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    let framed = headers.contains_key(header::TRANSFER_ENCODING);
    of("x-amz-decoded-content-length").or_else(|| of("content-length")).unwrap_or(if framed { u64::MAX } else { 0 })
}

fn too_many_failures(response: &Response<Body>, method: &Method) -> Response<Body> {
    let id = response.headers().get("x-amz-request-id").cloned().unwrap_or(HeaderValue::from_static(""));
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code><Message>Too many requests from this address had a \
         wrong signature. Check the access key id and the secret, and try again in a minute.</Message>\
         <RequestId>{}</RequestId></Error>",
        id.to_str().unwrap_or_default()
    );
    let mut slow = Response::new(if *method == Method::HEAD { Body::empty() } else { Body::from(Bytes::from(text)) });
    *slow.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = slow.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::SERVER, HeaderValue::from_static("Cameo"));
    headers.insert("x-amz-request-id", id);
    slow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_and_finding_nothing_is_not_for_the_trail() {
        let event = |operation, method, status| event_of(operation, &method, StatusCode::from_u16(status).unwrap());
        assert_eq!(event(Some("GetObject"), Method::GET, 200), None);
        assert_eq!(event(Some("GetObject"), Method::GET, 404), None);
        assert_eq!(event(Some("GetObject"), Method::GET, 403), Some(Event::Refusal));
        assert_eq!(event(Some("PutObject"), Method::PUT, 200), Some(Event::Change));
        assert_eq!(event(Some("PutObject"), Method::PUT, 412), Some(Event::Refusal));
        assert_eq!(event(Some("DeleteObjects"), Method::POST, 200), Some(Event::Change));
        assert_eq!(event(None, Method::GET, 403), Some(Event::Refusal));
        assert_eq!(event(None, Method::PUT, 403), Some(Event::Refusal));
    }

    /// A change that its client did not wait for is in the trail all the same.
    #[tokio::test]
    async fn a_request_that_is_dropped_leaves_a_line() {
        let (trail, lines) = AuditTrail::new();
        let watch = Watch::new(Arc::new(crate::clock::SystemClock), trail);
        let keys = KeyRing::fixed(Vec::new());
        for operation in ["PutObject", "GetObject"] {
            let answer = watch.over(&keys, Request::new(()), |_| async move {
                claims("id", true);
                asks(operation, "uploads", "key", None);
                signs("id");
                std::future::pending::<Result<Response<Body>, ()>>().await
            });
            assert!(futures::FutureExt::now_or_never(answer).is_none());
        }
        drop(watch);
        let line = lines.next().unwrap();
        assert!(
            line.text.contains(r#""event":"broken_off""#) && line.text.contains(r#""operation":"PutObject""#),
            "{line:?}"
        );
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn what_is_announced_counts_and_what_is_not_fits_nowhere() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
        };
        assert_eq!(announced(&headers(&[("content-length", "70"), ("x-amz-decoded-content-length", "10")])), 10);
        assert_eq!(announced(&headers(&[("content-length", "70")])), 70);
        assert_eq!(announced(&headers(&[("transfer-encoding", "chunked")])), u64::MAX);
        assert_eq!(announced(&headers(&[])), 0);
    }

    #[test]
    fn a_path_that_nobody_read_names_bucket_and_key() {
        assert_eq!(named_by("/b/origin/%EC%84%9C%0A/1.jpg"), ("b".to_owned(), "origin/서\n/1.jpg".to_owned()));
        assert_eq!(named_by("/"), (String::new(), String::new()));
    }
}
