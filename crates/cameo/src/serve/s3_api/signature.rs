//! Signatures of version 4, checked before a byte of a body is read.
//!
//! This is done here and not by the s3s crate, which checks them too late and too loosely for us: it takes version 2 and any
//! algorithm's word, ignores signed headers that are absent and headers that nobody signed, and reads forms before it
//! knows who sends them. Canonicalisation is small, and held against s3s and against the AWS SDK's own signer by
//! tests and a fuzz target. AWS: "Create a signed AWS API request", IAM User Guide; chunks: "Signature calculations
//! for the Authorization header: transferring payload in multiple chunks", S3 API Reference.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::HeaderMap;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{digest, hmac};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::{
    S3Limits,
    keys::AccessKey,
    reading::{ALGORITHM, Claim, Payload, Proof, Reading},
};

/// How far the clocks of client and server may differ (S3's own figure).
const SKEW_MAX: Duration = Duration::from_mins(15);
/// RFC 3986's unreserved characters stay; all else is encoded.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same in a path, whose slashes separate.
const PATH: &AsciiSet = &QUERY.remove(b'/');
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// SHA-256 of nothing.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// The key of a day, region and service, with the scope that it is for.
#[derive(Clone)]
pub(super) struct SigningKey {
    key: hmac::Key,
    time: String,
    scope: String,
}

impl SigningKey {
    pub(super) fn new(secret: &str, time: &str, region: &str) -> Self {
        let date = time.get(..8).unwrap_or_default();
        let sign = |key: &[u8], part: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), part.as_bytes());
        let mut key = sign(format!("AWS4{secret}").as_bytes(), date);
        for part in [region, "s3", "aws4_request"] {
            key = sign(key.as_ref(), part);
        }
        let scope = format!("{date}/{region}/s3/aws4_request");
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), time: time.to_owned(), scope }
    }

    fn string_to_sign(&self, algorithm: &str, rest: &str) -> String {
        format!("{algorithm}\n{}\n{}\n{rest}", self.time, self.scope)
    }

    fn of_request(&self, canonical: &str) -> String {
        self.string_to_sign(ALGORITHM, &sha256_hex(canonical.as_bytes()))
    }

    /// The signature of a canonical request, hexadecimal.
    pub(super) fn sign(&self, canonical: &str) -> String {
        hex::encode(hmac::sign(&self.key, self.of_request(canonical).as_bytes()))
    }

    /// In constant time.
    fn is_right(&self, text: &str, signature: &[u8]) -> bool {
        hmac::verify(&self.key, text.as_bytes(), signature).is_ok()
    }
}

/// The chain of signatures of a body of chunks: each signs the one before it.
pub(super) struct Chain {
    key: SigningKey,
    previous: String,
}

impl Chain {
    /// The chain that begins with the signature of the request.
    pub(super) fn new(key: SigningKey, seed: &[u8]) -> Self {
        Self { key, previous: hex::encode(seed) }
    }

    /// Whether a chunk, by its SHA-256, is signed.
    pub(super) fn chunk(&mut self, sha256: &[u8], signature: &[u8]) -> bool {
        let rest = format!("{}\n{EMPTY_SHA256}\n{}", self.previous, hex::encode(sha256));
        self.next("AWS4-HMAC-SHA256-PAYLOAD", &rest, signature)
    }

    /// Whether the trailer, in canonical form, is signed.
    pub(super) fn trailer(&mut self, canonical: &str, signature: &[u8]) -> bool {
        let rest = format!("{}\n{}", self.previous, sha256_hex(canonical.as_bytes()));
        self.next("AWS4-HMAC-SHA256-TRAILER", &rest, signature)
    }

    fn next(&mut self, algorithm: &str, rest: &str, signature: &[u8]) -> bool {
        let right = self.key.is_right(&self.key.string_to_sign(algorithm, rest), signature);
        self.previous = hex::encode(signature);
        right
    }
}

/// Who signed a request.
pub(super) struct Signer {
    pub(super) key: Arc<AccessKey>,
    /// How to check the chunks of its body, where they are signed.
    pub(super) chain: Option<Chain>,
}

/// The signer of a request, all of whose headers that change its meaning are signed.
pub(super) fn verify(
    reading: &Reading,
    received: &HeaderMap,
    key: Option<Arc<AccessKey>>,
    now: Timestamp,
    limits: &S3Limits,
) -> S3Result<Signer> {
    let Some(claim) = reading.proof.claim() else {
        return Err(s3_error!(AccessDenied, "Requests must be signed with an access key."));
    };
    require_signed(&claim.signed, received)?;
    check_time(&reading.proof, claim, now, limits)?;
    let Some(key) = key else {
        return Err(s3_error!(
            InvalidAccessKeyId,
            "The access key id you provided does not exist in the records of this server."
        ));
    };
    let signing = SigningKey::new(&key.secret, &claim.time, &claim.region);
    let is_right = |canonical: &String| signing.is_right(&signing.of_request(canonical), &claim.signature);
    if !candidates(reading, received, claim).iter().any(is_right) {
        let message = "The request signature does not match. Check the secret access key, the clock, and that nothing \
                       between client and server changes the request (a proxy must pass on the Host header).";
        return Err(s3_error!(SignatureDoesNotMatch, "{message}"));
    }
    let chained = matches!(reading.payload, Payload::Chunked { signed: true, .. });
    Ok(Signer { key, chain: chained.then(|| Chain::new(signing, &claim.signature)) })
}

/// Refuses headers that change the meaning of a request and are not bound by its signature: whoever holds a presigned
/// address could add them.
fn require_signed(signed: &BTreeSet<String>, received: &HeaderMap) -> S3Result<()> {
    if !signed.contains("host") {
        return Err(s3_error!(AccessDenied, "The header host must be signed: name it in SignedHeaders."));
    }
    if let Some(absent) = signed.iter().find(|name| !received.contains_key(name.as_str())) {
        return Err(s3_error!(AccessDenied, "SignedHeaders names {absent}, which the request does not have."));
    }
    // The hash is in the canonical request of its own, or is verified against the body.
    let changes =
        |name: &&str| (name.starts_with("x-amz-") || *name == "content-md5") && *name != "x-amz-content-sha256";
    let mut names = received.keys().map(http::HeaderName::as_str).filter(changes);
    match names.find(|name| !signed.contains(*name)) {
        Some(name) => Err(s3_error!(
            AccessDenied,
            "The header {name} was present in the request and not signed: name it in SignedHeaders."
        )),
        None => Ok(()),
    }
}

fn check_time(proof: &Proof, claim: &Claim, now: Timestamp, limits: &S3Limits) -> S3Result<()> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", &claim.time).ok();
    let time = time.filter(|_| claim.time.len() == 16).and_then(|time| TimeZone::UTC.to_timestamp(time).ok());
    let time =
        time.ok_or_else(|| s3_error!(AccessDenied, "The time of the signature must have the form YYYYMMDDTHHMMSSZ."))?;
    let age = now.duration_since(time);
    let skewed = || {
        s3_error!(
            RequestTimeTooSkewed,
            "The time of the request and that of the server differ by more than 15 minutes."
        )
    };
    let skew = jiff::SignedDuration::try_from(SKEW_MAX).unwrap_or_default();
    match proof {
        Proof::Presigned(_, expires) => {
            check_expiry(*expires, limits)?;
            if age < -skew {
                return Err(skewed());
            }
            if age > jiff::SignedDuration::try_from(*expires).unwrap_or_default() {
                return Err(s3_error!(AccessDenied, "Request has expired"));
            }
            Ok(())
        }
        Proof::Header(_) | Proof::Anonymous if age.abs() > skew => Err(skewed()),
        Proof::Header(_) | Proof::Anonymous => Ok(()),
    }
}

fn check_expiry(expires: Duration, limits: &S3Limits) -> S3Result<()> {
    let max = limits.presigned_max;
    if (Duration::from_secs(1)..=max).contains(&expires) {
        return Ok(());
    }
    let message = format!("X-Amz-Expires must be between 1 and {} seconds.", max.as_secs());
    let mut error = S3Error::with_message(S3ErrorCode::AuthorizationQueryParametersError, message);
    error.set_status_code(http::StatusCode::FORBIDDEN);
    Err(error)
}

/// The canonical requests that a signature may be of. Signers differ where the rules are silent: whether a path is encoded
/// that was sent without, what counts as a space in a header, and whether a presigned request signs its hash. What is
/// signed has one meaning in each of them.
fn candidates(reading: &Reading, received: &HeaderMap, claim: &Claim) -> Vec<String> {
    let mut paths = vec![encode_path(&reading.path.1)];
    if reading.path.0 != paths[0] {
        paths.push(reading.path.0.clone());
    }
    let mut headers = vec![canonical_headers(&claim.signed, received, char::is_whitespace)];
    let ascii = canonical_headers(&claim.signed, received, |c| c == ' ');
    if ascii != headers[0] {
        headers.push(ascii);
    }
    let declared = reading.header("x-amz-content-sha256");
    let payloads = match reading.proof {
        Proof::Presigned(..) => {
            vec![Some(UNSIGNED), declared.filter(|declared| *declared != UNSIGNED && bound(reading, claim))]
        }
        Proof::Header(_) | Proof::Anonymous => vec![declared],
    };
    let query = canonical_query(&reading.parameters);
    let signed = claim.signed.iter().map(String::as_str).collect::<Vec<_>>().join(";");
    let mut candidates = Vec::new();
    for payload in payloads.into_iter().flatten() {
        for path in &paths {
            for headers in &headers {
                let method = &reading.method;
                candidates.push(format!("{method}\n{path}\n{query}\n{headers}\n{signed}\n{payload}"));
            }
        }
    }
    candidates
}

/// Whether the hash that a presigned request declares is signed with it.
fn bound(reading: &Reading, claim: &Claim) -> bool {
    let is_hash = |name: &str| name.eq_ignore_ascii_case("x-amz-content-sha256");
    claim.signed.iter().any(|name| is_hash(name)) || reading.parameters.iter().any(|(name, _)| is_hash(name))
}

/// The parameters but for the signature, encoded and sorted.
pub(super) fn canonical_query(parameters: &[(String, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, QUERY).to_string();
    let signed = parameters.iter().filter(|(name, _)| name != "X-Amz-Signature");
    let mut pairs: Vec<_> = signed.map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn canonical_headers(signed: &BTreeSet<String>, received: &HeaderMap, is_space: fn(char) -> bool) -> String {
    let trimmed = |value: &http::HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        text.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let line = |name: &String| {
        let values = received.get_all(name.as_str()).iter().map(trimmed).collect::<Vec<_>>().join(",");
        format!("{name}:{values}\n")
    };
    signed.iter().map(line).collect()
}
