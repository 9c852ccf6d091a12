//! One reading of a request, which authentication, routing, rights and limits share.
//!
//! It is strict: what two readers could take for two things is refused here, with what is wrong about it. That is doubled
//! headers and query names, broken percent-encoding, both kinds of authentication at once, names of signature parameters
//! in another case. What the s3s crate gets to see is written anew from this reading (`handover`), never passed on, so it
//! cannot read more or other things than were looked at here.

use std::{collections::BTreeSet, time::Duration};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{self, Entry},
    request::Parts,
};
use percent_encoding::percent_decode_str;
use s3s::{S3Error, S3ErrorCode, S3Result, path::check_bucket_name, s3_error};

use super::{
    errors::check_key,
    hosts::{Hosts, bad_bucket},
};
use crate::store::embedded::{Algorithm, Digests};

/// The one algorithm of signatures.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Query parameters of a presigned request, as they must be spelled.
const PRESIGNED: [&str; 6] =
    ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"];
/// The token of temporary credentials, which a presigned request carries as a parameter.
const SECURITY_TOKEN: &str = "x-amz-security-token";
/// Query parameters of signatures of version 2.
const VERSION_2: [&str; 2] = ["AWSAccessKeyId", "Signature"];
/// Headers beside `x-amz-*` that are not lists: twice is two meanings.
const SINGLE: [HeaderName; 20] = [
    header::AUTHORIZATION,
    header::CONTENT_DISPOSITION,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::DATE,
    header::EXPECT,
    header::EXPIRES,
    header::HOST,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::ORIGIN,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    header::RANGE,
    header::TRANSFER_ENCODING,
    header::TRAILER,
    HeaderName::from_static("content-md5"),
];
/// Lists that describe an object. An SDK adds `aws-chunked` to what its user said in a field of its own.
const DESCRIPTIONS: [HeaderName; 3] = [header::CACHE_CONTROL, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE];
/// `x-amz-*` headers that are lists.
const LISTS: [&str; 2] = ["x-amz-object-attributes", "x-amz-optional-object-attributes"];
/// User metadata.
pub(super) const METADATA: &str = "x-amz-meta-";

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Service,
    Bucket(String),
    Object(String, String),
}

/// The kind of a [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Service,
    Bucket,
    Object,
}

impl Target {
    pub(super) fn resource(&self) -> Resource {
        match self {
            Self::Service => Resource::Service,
            Self::Bucket(_) => Resource::Bucket,
            Self::Object(..) => Resource::Object,
        }
    }

    pub(super) fn bucket(&self) -> &str {
        match self {
            Self::Service => "",
            Self::Bucket(bucket) | Self::Object(bucket, _) => bucket,
        }
    }

    pub(super) fn key(&self) -> &str {
        if let Self::Object(_, key) = self { key } else { "" }
    }
}

/// What a request says of its signature, in whichever of the two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) key_id: String,
    /// `YYYYMMDD`, of the scope.
    pub(super) date: String,
    pub(super) region: String,
    /// `YYYYMMDDTHHMMSSZ`.
    pub(super) time: String,
    /// Lower case, sorted.
    pub(super) signed: BTreeSet<String>,
    pub(super) signature: [u8; 32],
}

/// How a request is authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    Anonymous,
    Header(Claim),
    Presigned(Claim, Duration),
}

impl Proof {
    pub(super) fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Anonymous => None,
            Self::Header(claim) | Self::Presigned(claim, _) => Some(claim),
        }
    }
}

/// What a request says of its body, by `x-amz-content-sha256`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Payload {
    Unsigned,
    Hashed([u8; 32]),
    /// aws-chunked content.
    Chunked {
        signed: bool,
        trailer: bool,
        /// The content without its framing.
        decoded_bytes: u64,
    },
}

/// A request as everybody here reads it.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) method: Method,
    pub(super) target: Target,
    /// The path as sent, and decoded.
    pub(super) path: (String, String),
    /// All parameters, decoded; each name once.
    pub(super) parameters: Vec<(String, String)>,
    /// The parameters that ask for something: neither the signature nor headers in disguise.
    pub(super) query: Vec<(String, String)>,
    /// The headers, each with one value where two would have two meanings; `x-amz-*` parameters of a presigned request
    /// among them.
    pub(super) headers: HeaderMap,
    pub(super) proof: Proof,
    pub(super) payload: Payload,
    /// Bytes of the body as it is transferred, if it says so.
    pub(super) content_length: Option<u64>,
}

impl Reading {
    pub(super) fn of(parts: &Parts, hosts: &Hosts) -> S3Result<Self> {
        require_single(&parts.headers)?;
        let target = target(parts, hosts)?;
        let parameters = parameters(parts.uri.query().unwrap_or_default())?;
        let proof = proof(parts, &parameters)?;
        let (query, headers) = match &proof {
            Proof::Presigned(..) => as_headers(&parameters, &parts.headers)?,
            Proof::Anonymous | Proof::Header(_) => (parameters.clone(), combined(&parts.headers)?),
        };
        let content_length = content_length(&headers)?;
        let payload = payload(&headers, &proof)?;
        let path = (parts.uri.path().to_owned(), decoded(parts.uri.path())?);
        let method = parts.method.clone();
        Ok(Self { method, target, path, parameters, query, headers, proof, payload, content_length })
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    /// Whether the length of the body is only known at its end.
    pub(super) fn is_unsized(&self) -> bool {
        self.content_length.is_none() && self.headers.contains_key(header::TRANSFER_ENCODING)
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

fn require_single(headers: &HeaderMap) -> S3Result<()> {
    for name in headers.keys() {
        let amz = name.as_str().starts_with("x-amz-");
        let list = LISTS.contains(&name.as_str()) || name.as_str().starts_with(METADATA);
        if (amz && !list || SINGLE.contains(name)) && headers.get_all(name).iter().count() > 1 {
            return Err(s3_error!(InvalidRequest, "The header {name} came more than once; send it once."));
        }
    }
    if headers.contains_key(header::CONTENT_LENGTH) && headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(s3_error!(InvalidRequest, "Content-Length and Transfer-Encoding came together; send one of them."));
    }
    Ok(())
}

/// Decodes strictly: a `%` that begins no byte, and bytes that are no UTF-8, are read by everybody in another way.
fn decoded(text: &str) -> S3Result<String> {
    let bytes = text.as_bytes();
    let is_right = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    let broken = bytes.iter().enumerate().any(|(at, byte)| *byte == b'%' && !is_right(at));
    let decoded = if broken { None } else { percent_decode_str(text).decode_utf8().ok() };
    decoded.map(std::borrow::Cow::into_owned).ok_or_else(|| {
        s3_error!(
            InvalidURI,
            "The address is not properly encoded: % must be followed by two hexadecimal digits, and the bytes must be \
             UTF-8."
        )
    })
}

/// The parameters of a query, decoded as a form is: `+` is a space.
fn parameters(query: &str) -> S3Result<Vec<(String, String)>> {
    let mut names = BTreeSet::new();
    let mut parameters = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?);
        if !names.insert(name.clone()) {
            return Err(s3_error!(InvalidArgument, "The query parameter {name:?} came more than once; send it once."));
        }
        parameters.push((name, value));
    }
    Ok(parameters)
}

fn target(parts: &Parts, hosts: &Hosts) -> S3Result<Target> {
    if parts.uri.authority().is_some() {
        return Err(s3_error!(InvalidURI, "The request line must hold the path alone, and the Host header the name."));
    }
    let host =
        parts.headers.get(header::HOST).ok_or_else(|| s3_error!(InvalidRequest, "The Host header is missing."))?;
    let host = host.to_str().map_err(|_| s3_error!(InvalidRequest, "The Host header is malformed."))?;
    let path = decoded(parts.uri.path())?;
    let rest = path.strip_prefix('/').ok_or_else(|| s3_error!(InvalidURI, "The path must begin with a slash."))?;
    let (bucket, key) = match hosts.bucket(host)? {
        Some(bucket) => (bucket, rest),
        None if rest.is_empty() => return Ok(Target::Service),
        None => {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            (bucket.to_owned(), key)
        }
    };
    if !check_bucket_name(&bucket) {
        return Err(bad_bucket());
    }
    if key.is_empty() {
        return Ok(Target::Bucket(bucket));
    }
    check_key(key)?;
    Ok(Target::Object(bucket, key.to_owned()))
}

fn proof(parts: &Parts, parameters: &[(String, String)]) -> S3Result<Proof> {
    let named = |name: &&str| parameters.iter().any(|(key, _)| key == name);
    let presigned = parameters.iter().find(|(key, _)| PRESIGNED.iter().any(|name| name.eq_ignore_ascii_case(key)));
    let header = parts.headers.get(header::AUTHORIZATION);
    if VERSION_2.iter().any(named) || header.is_some_and(|value| value.as_bytes().starts_with(b"AWS ")) {
        return Err(not_version_4("Signatures of version 2 are not supported."));
    }
    match (presigned, header) {
        (Some(_), Some(_)) => {
            let message = "Only one way of authentication is allowed: send either the Authorization header or the \
                           X-Amz-* query parameters.";
            Err(s3_error!(InvalidArgument, "{message}"))
        }
        (Some((key, _)), None) if !PRESIGNED.contains(&key.as_str()) => {
            Err(bad_query(format!("The query parameter {key:?} is one of {PRESIGNED:?} in another case.")))
        }
        (Some(_), None) => by_query(parameters),
        (None, Some(value)) => by_header(value, &parts.headers),
        (None, None) => Ok(Proof::Anonymous),
    }
}

fn not_version_4(what: &str) -> S3Error {
    s3_error!(
        InvalidRequest,
        "{what} The authorization mechanism you have provided is not supported. Please use {ALGORITHM}."
    )
}

fn bad_query(message: String) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::AuthorizationQueryParametersError, message);
    error.set_status_code(http::StatusCode::BAD_REQUEST);
    error
}

fn bad_header(message: String) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::AuthorizationHeaderMalformed, message);
    error.set_status_code(http::StatusCode::BAD_REQUEST);
    error
}

fn by_query(parameters: &[(String, String)]) -> S3Result<Proof> {
    let value = |name: &str| {
        find(parameters, name)
            .ok_or_else(|| bad_query(format!("The query parameter {name} of a presigned request is missing.")))
    };
    if value("X-Amz-Algorithm")? != ALGORITHM {
        return Err(not_version_4("X-Amz-Algorithm names another algorithm."));
    }
    let fields = Fields {
        credential: value("X-Amz-Credential")?,
        signed: value("X-Amz-SignedHeaders")?,
        signature: value("X-Amz-Signature")?,
        time: value("X-Amz-Date")?,
    };
    let expires = value("X-Amz-Expires")?;
    let digits = !expires.is_empty() && expires.len() <= 10 && expires.bytes().all(|byte| byte.is_ascii_digit());
    // What is no number is refused as the limit is: 0 is no time at all.
    let expires_s = if digits { expires.parse().unwrap_or(u64::MAX) } else { 0 };
    Ok(Proof::Presigned(fields.claim().map_err(bad_query)?, Duration::from_secs(expires_s)))
}

fn by_header(value: &HeaderValue, headers: &HeaderMap) -> S3Result<Proof> {
    let malformed = || {
        let form = "Credential=…/YYYYMMDD/REGION/s3/aws4_request, SignedHeaders=…, Signature=…";
        bad_header(format!("The Authorization header must have the form \"{ALGORITHM} {form}\"."))
    };
    let value = value.to_str().map_err(|_| malformed())?;
    let (algorithm, rest) = value.split_once(' ').unwrap_or((value, ""));
    if algorithm != ALGORITHM {
        return Err(not_version_4("The Authorization header does not begin with that word."));
    }
    let mut fields = Vec::new();
    for field in rest.split(',') {
        fields.push(field.trim().split_once('=').ok_or_else(malformed)?);
    }
    fields.sort_unstable();
    let &[("Credential", credential), ("Signature", signature), ("SignedHeaders", signed)] = fields.as_slice() else {
        return Err(malformed());
    };
    let time = text(headers, "x-amz-date").map(str::to_owned).or_else(|| signed_date(signed, headers));
    let time = time.ok_or_else(|| s3_error!(AccessDenied, "A signed request needs the header x-amz-date."))?;
    Ok(Proof::Header(Fields { credential, signed, signature, time: &time }.claim().map_err(bad_header)?))
}

/// The time of a `Date` that is signed, in the form in which it is signed. Python's clients write its zone as `-0000`.
fn signed_date(signed: &str, headers: &HeaderMap) -> Option<String> {
    let date = text(headers, "date").filter(|_| signed.split(';').any(|name| name == "date"))?;
    let at = jiff::fmt::rfc2822::parse(date.trim()).ok()?.timestamp();
    Some(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// The fields of a signature, not yet looked at.
struct Fields<'a> {
    credential: &'a str,
    signed: &'a str,
    signature: &'a str,
    time: &'a str,
}

impl Fields<'_> {
    fn claim(&self) -> Result<Claim, String> {
        let scope: Vec<&str> = self.credential.split('/').collect();
        let &[key_id, date, region, service, end] = scope.as_slice() else {
            return Err("Credential must have the form KEY/YYYYMMDD/REGION/s3/aws4_request.".to_owned());
        };
        if service != "s3" || end != "aws4_request" {
            return Err("The scope of Credential must end in /s3/aws4_request.".to_owned());
        }
        if !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err("The region of Credential is malformed.".to_owned());
        }
        if !self.time.starts_with(date) || date.len() != 8 {
            return Err("The date of Credential is not that of the request's time.".to_owned());
        }
        let mut signature = [0; 32];
        if hex::decode_to_slice(self.signature, &mut signature).is_err() || hex::encode(signature) != self.signature {
            return Err("Signature must be 64 lower-case hexadecimal digits.".to_owned());
        }
        let mut signed = BTreeSet::new();
        for name in self.signed.split(';') {
            let right = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
            if name.is_empty() || !name.bytes().all(right) || name == "authorization" || !signed.insert(name.to_owned())
            {
                return Err(format!(
                    "SignedHeaders must be names of headers in lower case, each once: {name:?} is not."
                ));
            }
        }
        let [key_id, date, region, time] = [key_id, date, region, self.time].map(str::to_owned);
        Ok(Claim { key_id, date, region, time, signed, signature })
    }
}

/// The values of headers that are lists, one behind the other, as a signature has them.
fn combined(headers: &HeaderMap) -> S3Result<HeaderMap> {
    let mut single = HeaderMap::with_capacity(headers.len());
    for name in headers.keys() {
        let values = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b',');
        let is_read = name.as_str().starts_with("x-amz-") || SINGLE.contains(name) || DESCRIPTIONS.contains(name);
        if is_read && std::str::from_utf8(&values).is_err() {
            return Err(s3_error!(InvalidRequest, "The value of the header {name} is not UTF-8."));
        }
        let value = HeaderValue::from_bytes(&values);
        single.insert(
            name,
            value.map_err(|_| s3_error!(InvalidRequest, "The value of the header {name} is malformed."))?,
        );
    }
    Ok(single)
}

type Pairs = Vec<(String, String)>;

/// The parameters of a presigned request that are none of headers, and its headers together with the parameters that are:
/// SDKs move what they sign of `x-amz-*` into the query.
///
/// The checksum of an empty body is passed over there: SDKs for JavaScript put it into every address that they sign, and who
/// uploads to it chooses the body later. Amazon S3 passes over every checksum there; what says something is verified here.
fn as_headers(parameters: &[(String, String)], headers: &HeaderMap) -> S3Result<(Pairs, HeaderMap)> {
    let (mut query, mut headers) = (Vec::new(), combined(headers)?);
    for (name, value) in parameters.iter().filter(|(name, _)| !PRESIGNED.contains(&name.as_str())) {
        let lower = name.to_ascii_lowercase();
        if !lower.starts_with("x-amz-") {
            query.push((name.clone(), value.clone()));
            continue;
        }
        if is_checksum_of_nothing(&lower, value) {
            continue;
        }
        let malformed =
            || s3_error!(InvalidArgument, "The query parameter {name:?} is not a header that could be sent.");
        let header = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| malformed())?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| malformed())?;
        match headers.entry(header) {
            Entry::Vacant(vacant) => drop(vacant.insert(value)),
            // The same again adds nothing.
            Entry::Occupied(same) if same.get() == value => {}
            Entry::Occupied(other) => {
                let name = other.key();
                return Err(s3_error!(InvalidArgument, "{name} came twice, with two values: send it once."));
            }
        }
    }
    if headers.contains_key("x-amz-date") {
        return Err(s3_error!(
            InvalidArgument,
            "X-Amz-Date and the header x-amz-date came together; send one of them."
        ));
    }
    headers.remove(SECURITY_TOKEN);
    Ok((query, headers))
}

fn is_checksum_of_nothing(header: &str, value: &str) -> bool {
    Algorithm::from_header(header).is_some_and(|algorithm| Digests::of(&[], &[algorithm]).sums[&algorithm] == value)
}

fn content_length(headers: &HeaderMap) -> S3Result<Option<u64>> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let length = digits.and_then(|digits| digits.parse().ok());
    length.map(Some).ok_or_else(|| s3_error!(InvalidRequest, "The Content-Length is not a number of bytes."))
}

fn payload(headers: &HeaderMap, proof: &Proof) -> S3Result<Payload> {
    let declared = match (text(headers, "x-amz-content-sha256"), proof) {
        (Some(declared), _) => declared,
        (None, Proof::Header(_)) => {
            return Err(s3_error!(InvalidRequest, "A signed request needs the header x-amz-content-sha256."));
        }
        (None, _) => "UNSIGNED-PAYLOAD",
    };
    let (signed, trailer) = match declared {
        "UNSIGNED-PAYLOAD" => return whole(headers, Payload::Unsigned),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => (false, true),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => (true, false),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => (true, true),
        streaming if streaming.starts_with("STREAMING-") => {
            return Err(s3_error!(NotImplemented, "The way {streaming:?} of signing a body is not supported."));
        }
        hash => {
            let mut sum = [0; 32];
            if hex::decode_to_slice(hash, &mut sum).is_err() || hex::encode(sum) != hash {
                let message = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-… or a SHA-256 in lower-case hexadecimal.";
                return Err(s3_error!(InvalidArgument, "{message}"));
            }
            return whole(headers, Payload::Hashed(sum));
        }
    };
    if !matches!(proof, Proof::Header(_)) {
        return Err(s3_error!(NotImplemented, "Presigned requests cannot have a body of chunks."));
    }
    if trailer != headers.contains_key("x-amz-trailer") {
        return Err(s3_error!(InvalidRequest, "x-amz-trailer and a payload with a trailer go together."));
    }
    let decoded = text(headers, "x-amz-decoded-content-length")
        .and_then(|text| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None });
    let message = "A body of chunks needs its length without framing in x-amz-decoded-content-length.";
    let decoded_bytes = decoded.ok_or_else(|| s3_error!(MissingContentLength, "{message}"))?;
    Ok(Payload::Chunked { signed, trailer, decoded_bytes })
}

/// A body without framing, of which nothing of the framing may be declared.
fn whole(headers: &HeaderMap, payload: Payload) -> S3Result<Payload> {
    if let Some(name) =
        ["x-amz-decoded-content-length", "x-amz-trailer"].iter().find(|name| headers.contains_key(**name))
    {
        return Err(s3_error!(
            InvalidRequest,
            "{name} belongs to a body of chunks, and x-amz-content-sha256 names none."
        ));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::s3_api::routes;

    fn read(method: &str, target: &str, headers: &[(&str, &str)]) -> S3Result<Reading> {
        let mut request = http::Request::builder().method(method).uri(target).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Reading::of(&parts, &Hosts::default())
    }

    fn refusal(target: &str, headers: &[(&str, &str)]) -> String {
        read("PUT", target, headers).expect_err(target).code().as_str().to_owned()
    }

    fn presigned(change: impl Fn(&str) -> String) -> String {
        let scope = "id%2F20261126%2Fus-east-1%2Fs3%2Faws4_request";
        let signature = "0".repeat(64);
        change(&format!(
            "/uploads/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&X-Amz-Date=20261126T010203Z&X-Amz-Expires=60\
             &X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
        ))
    }

    #[test]
    fn a_presigned_request_is_read_however_its_names_are_encoded() {
        for from in ["X-Amz-SignedHeaders", "X-Amz-Expires", "X-Amz-Signature"] {
            let target = presigned(|target| target.replace(from, &from.replace('A', "%41")));
            let reading = read("PUT", &target, &[]).unwrap();
            let Proof::Presigned(claim, expires) = &reading.proof else { panic!("{target} is not presigned") };
            assert_eq!((claim.key_id.as_str(), *expires), ("id", Duration::from_mins(1)));
            assert!(claim.signed.contains("host") && claim.signed.len() == 1);
            assert!(reading.query.is_empty());
        }
    }

    /// security.md A1, A8: what two readers could take for two things.
    #[test]
    fn what_has_two_readings_is_refused() {
        let decoy = ("authorization", "x SignedHeaders=host;x-amz-copy-source,");
        assert_eq!(refusal(&presigned(str::to_owned), &[decoy]), "InvalidArgument");
        assert_eq!(refusal(&presigned(|target| format!("{target}&X-Amz-%44ate=1")), &[]), "InvalidArgument");
        let lower = presigned(|target| target.replace("X-Amz-Signature", "x-amz-signature"));
        assert_eq!(refusal(&lower, &[]), "AuthorizationQueryParametersError");
        let none = presigned(|target| target.replace("X-Amz-SignedHeaders=host", "a=b"));
        assert_eq!(refusal(&none, &[]), "AuthorizationQueryParametersError");
        assert_eq!(refusal("/uploads/k?%41WSAccessKeyId=a&Signatur%65=b", &[]), "InvalidRequest");
        assert_eq!(refusal("/uploads/k", &[("authorization", "AWS id:signature")]), "InvalidRequest");
        assert_eq!(refusal("/uploads/k?a=1&%61=2", &[]), "InvalidArgument");
        assert_eq!(refusal("/uploads/%zz", &[]), "InvalidURI");
        assert_eq!(refusal("/uploads/%ff", &[]), "InvalidURI");
        assert_eq!(refusal("http://other/uploads/k", &[]), "InvalidURI");
        assert_eq!(refusal("/uploads/k", &[("host", "localhost")]), "InvalidRequest");
        assert_eq!(
            refusal("/uploads/k", &[("content-length", "1"), ("transfer-encoding", "chunked")]),
            "InvalidRequest"
        );
        assert_eq!(refusal("/uploads/k", &[("x-amz-acl", "private"), ("x-amz-acl", "private")]), "InvalidRequest");
    }

    /// s3-endpoint.md F09.
    #[test]
    fn parameters_of_a_presigned_request_that_are_headers_count_as_such() {
        let moved = presigned(|target| format!("{target}&x-amz-meta-a=1&X-Amz-Storage-Class=GLACIER&versionId=null"));
        let reading = read("PUT", &moved, &[("x-amz-meta-a", "1")]).unwrap();
        assert_eq!(
            (reading.header("x-amz-meta-a"), reading.header("x-amz-storage-class")),
            (Some("1"), Some("GLACIER"))
        );
        assert_eq!(reading.query, [("versionId".to_owned(), "null".to_owned())]);
        assert_eq!(refusal(&moved, &[("x-amz-meta-a", "2")]), "InvalidArgument");
    }

    /// s3-endpoint.md F01.
    #[test]
    fn names_that_are_not_listed_run_nothing() {
        let operation = |method: &str, target: &str| {
            routes::find(&read(method, target, &[]).unwrap())
                .map(|route| route.operation)
                .map_err(|error| error.code().as_str().to_owned())
        };
        assert_eq!(operation("PUT", "/uploads/k?x-id=PutObject"), Ok("PutObject"));
        assert_eq!(operation("GET", "/uploads?list-type=2&prefix=a"), Ok("ListObjectsV2"));
        assert_eq!(operation("GET", "/uploads/?policy"), Ok("GetBucketPolicy"));
        assert_eq!(operation("PUT", "/uploads/k?uploadId=a&partNumber=1"), Ok("UploadPart"));
        for method in ["PUT", "DELETE", "POST", "HEAD"] {
            for name in ["annotation", "encryption", "torrent", "legal-hold", "%61nnotation", "prefix=a"] {
                for at in ["/uploads", "/uploads/k", "/uploads/"] {
                    let asked = operation(method, &format!("{at}?{name}"));
                    assert_eq!(asked, Err("NotImplemented".into()), "{method} {at}?{name}");
                }
            }
        }
    }
}
