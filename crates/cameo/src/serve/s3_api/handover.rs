//! The request as the s3s crate gets to see it: written anew from the one reading.
//!
//! Path-style, each parameter once and in canonical encoding, nothing of the client's signature. s3s learns who signed from
//! a signature alone, so the request is signed once more, with a secret that this process makes up at its start and that
//! no client can know. s3s verifies it over its own reading of method, path, query and host: would it read them
//! otherwise, it would refuse the request, and not serve another one.

use std::fmt;

use http::{
    HeaderMap, HeaderValue, Uri, Version,
    header::{self, HOST},
    request::Parts,
};
use jiff::Timestamp;
use rand::Rng;
use s3s::{S3Error, S3Result, s3_error};

use super::{
    reading::{ALGORITHM, Payload, Reading, Target},
    signature::{SigningKey, canonical_query, encode_path},
};

/// An address, so that path-style is the only way to read it.
const NAME: &str = "127.0.0.1";
const REGION: &str = "us-east-1";
/// What is told of the connection or of the client's signature, and must not be told twice.
const DROPPED: [header::HeaderName; 6] =
    [header::AUTHORIZATION, header::TRANSFER_ENCODING, header::EXPECT, header::CONNECTION, header::TE, header::UPGRADE];

/// The secret between the front and s3s.
#[derive(Clone)]
pub(super) struct InternalSecret(String);

impl fmt::Debug for InternalSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InternalSecret")
    }
}

impl InternalSecret {
    pub(super) fn random() -> Self {
        Self(hex::encode(rand::rng().random::<[u8; 32]>()))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// The request for s3s, whose body will have `length` bytes.
pub(super) fn parts(
    reading: &Reading,
    key_id: &str,
    length: Option<u64>,
    secret: &InternalSecret,
    now: Timestamp,
) -> S3Result<Parts> {
    let path = match &reading.target {
        Target::Service => "/".to_owned(),
        Target::Bucket(bucket) => format!("/{bucket}"),
        Target::Object(bucket, key) => format!("/{bucket}/{}", encode_path(key)),
    };
    let query = canonical_query(&reading.query);
    let uri = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let uri: Uri = uri.parse().map_err(|_| s3_error!(InvalidURI, "The address is too long."))?;
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let signed = "host;x-amz-content-sha256;x-amz-date";
    let lines = format!("host:{NAME}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{time}\n");
    let canonical = format!("{}\n{path}\n{query}\n{lines}\n{signed}\nUNSIGNED-PAYLOAD", reading.method);
    let signature = SigningKey::new(secret.expose(), &time, REGION).sign(&canonical);
    let date = &time[..8];
    let authorization = format!(
        "{ALGORITHM} Credential={key_id}/{date}/{REGION}/s3/aws4_request, SignedHeaders={signed}, Signature={signature}"
    );
    let mut headers = reading.headers.clone();
    for name in &DROPPED {
        headers.remove(name);
    }
    if matches!(reading.payload, Payload::Chunked { .. }) {
        headers.remove("x-amz-decoded-content-length");
    }
    set(&mut headers, HOST, NAME)?;
    set(&mut headers, header::HeaderName::from_static("x-amz-date"), &time)?;
    set(&mut headers, header::HeaderName::from_static("x-amz-content-sha256"), "UNSIGNED-PAYLOAD")?;
    set(&mut headers, header::AUTHORIZATION, &authorization)?;
    // s3s wants to know a length, even that of nothing.
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length.unwrap_or(0)));
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = reading.method.clone();
    parts.uri = uri;
    parts.version = Version::HTTP_11;
    parts.headers = headers;
    Ok(parts)
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) -> S3Result<()> {
    let value: Result<HeaderValue, _> = value.parse();
    headers
        .insert(name, value.map_err(|_| -> S3Error { s3_error!(InvalidRequest, "The access key id is malformed.") })?);
    Ok(())
}
