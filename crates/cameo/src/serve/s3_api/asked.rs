//! Headers that ask for something, and what becomes of each: one list for all operations.
//!
//! What is not done is refused, on every operation alike, and never answered 200: a client that asked for a lock, a tag, a key or
//! a grant would believe that it has it. The list is an allow-list too: `x-amz-*` headers that nobody knows here are
//! refused, whatever S3 invents.

use http::{HeaderMap, Method, StatusCode, header};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::{
    errors::acl_not_supported,
    reading::{METADATA, Reading},
    routes::{COPY_SOURCE, Route},
    translate::OWNER,
};
use crate::store::embedded::Algorithm;

/// What becomes of a header.
enum Fate {
    /// It is read where it belongs, or changes nothing.
    Taken,
    /// These values say what is so anyway, or what is done; any other is refused.
    Only(&'static [&'static str], fn(&str) -> S3Error),
    /// It must name the owner of all buckets.
    Owner,
    /// It must name checksums that are verified.
    Checksums,
    Refused(&'static str),
}

const CHECKSUM: &str = "x-amz-checksum-";
const ENCRYPTION: &str = "server-side encryption";
const LOCKS: &str = "object lock";

fn fate(name: &str, is_public: bool) -> Fate {
    match name {
        "x-amz-checksum-mode" | "x-amz-checksum-type" => Fate::Taken,
        "x-amz-checksum-algorithm" | "x-amz-sdk-checksum-algorithm" | "x-amz-trailer" => Fate::Checksums,
        _ if name.starts_with(CHECKSUM) => match Algorithm::from_header(name) {
            Some(_) => Fate::Taken,
            None => Fate::Refused("this kind of checksum, which nobody would verify"),
        },
        // Not what its name says: some servers unpack the archive that it stands beside.
        "x-amz-meta-snowball-auto-extract" => Fate::Only(&["false"], |_| refusal("unpacking archives")),
        _ if name.starts_with(METADATA) => Fate::Taken,
        "x-amz-acl" if is_public => Fate::Only(&["public-read"], |_| acl_not_supported(true)),
        "x-amz-acl" => Fate::Only(&["private", "bucket-owner-full-control"], |_| acl_not_supported(false)),
        _ if name.starts_with("x-amz-grant-") && is_public => Fate::Only(&[], |_| acl_not_supported(true)),
        _ if name.starts_with("x-amz-grant-") => Fate::Only(&[], |_| acl_not_supported(false)),
        "x-amz-object-ownership" => Fate::Only(&["BucketOwnerEnforced"], |_| acl_not_supported(false)),
        "x-amz-storage-class" => Fate::Only(&["STANDARD"], |_| {
            s3_error!(InvalidStorageClass, "The only storage class of this server is STANDARD.")
        }),
        "x-amz-tagging" => Fate::Only(&[""], |_| refusal("tags")),
        "x-amz-tagging-directive" | "x-amz-metadata-directive" => Fate::Only(&["COPY", "REPLACE"], bad_value),
        // Nothing is ever locked, so there is nothing to go past: tools that clean up send it by habit.
        "x-amz-bypass-governance-retention" => Fate::Only(&["true", "false"], bad_value),
        "x-amz-bucket-object-lock-enabled" => Fate::Only(&["false"], |_| refusal(LOCKS)),
        _ if name.starts_with("x-amz-object-lock-") => Fate::Refused(LOCKS),
        _ if name.contains("server-side-encryption") => Fate::Refused(ENCRYPTION),
        "x-amz-website-redirect-location" => Fate::Refused("redirects of websites"),
        "x-amz-mfa" => Fate::Refused("multi-factor authentication"),
        "x-amz-write-offset-bytes" => Fate::Refused("appending to objects"),
        "x-amz-expected-bucket-owner" | "x-amz-source-expected-bucket-owner" => Fate::Owner,
        "x-amz-date"
        | "x-amz-content-sha256"
        | "x-amz-decoded-content-length"
        | "x-amz-security-token"
        | "x-amz-user-agent"
        | "x-amz-te"
        | "x-amz-request-payer"
        | "x-amz-copy-source"
        | "x-amz-copy-source-range"
        | "x-amz-copy-source-if-match"
        | "x-amz-copy-source-if-none-match"
        | "x-amz-copy-source-if-modified-since"
        | "x-amz-copy-source-if-unmodified-since"
        | "x-amz-if-match-last-modified-time"
        | "x-amz-if-match-size"
        | "x-amz-mp-object-size"
        | "x-amz-object-attributes"
        | "x-amz-optional-object-attributes"
        | "x-amz-max-parts"
        | "x-amz-part-number-marker" => Fate::Taken,
        _ => Fate::Refused("this header"),
    }
}

/// Refuses a request whose headers ask for what is not done. `is_public`: everybody may read the bucket.
pub(super) fn check(reading: &Reading, route: &Route, is_public: bool) -> S3Result<()> {
    for name in reading.headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-")) {
        let value = reading.header(name).unwrap_or_default().trim();
        match fate(name, is_public) {
            Fate::Taken => {}
            Fate::Only(values, _) if values.contains(&value) => {}
            Fate::Only(_, refuse) => return Err(with_header(refuse(value), name)),
            Fate::Owner if value == OWNER => {}
            Fate::Owner => {
                return Err(s3_error!(
                    AccessDenied,
                    "The bucket is not of the owner that {name} expects; the owner of all buckets is {OWNER}."
                ));
            }
            Fate::Checksums => checksums(name, value)?,
            Fate::Refused(what) => return Err(with_header(refusal(what), name)),
        }
    }
    only_where_it_is_read(&reading.headers, route)?;
    standard(reading, route)?;
    one_source(reading)
}

/// Operations that look at `If-Match`, and at `If-None-Match`, before they write.
const WRITES_IF: [&str; 3] = ["PutObject", "CopyObject", "CompleteMultipartUpload"];

/// Refuses headers of HTTP that would change what a change does, and that it would pass over.
fn standard(reading: &Reading, route: &Route) -> S3Result<()> {
    if matches!(reading.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let headers = &reading.headers;
    if headers.contains_key(header::CONTENT_RANGE) {
        // RFC 9110, section 14.5: a server that writes no parts must not take a part for the whole.
        return Err(s3_error!(
            InvalidRequest,
            "An object is written whole: Content-Range is not supported. Nothing was changed."
        ));
    }
    let writes_if = WRITES_IF.contains(&route.operation);
    let conditions = [
        (header::IF_MATCH, writes_if || route.operation == "DeleteObject"),
        (header::IF_NONE_MATCH, writes_if),
        (header::IF_MODIFIED_SINCE, false),
        (header::IF_UNMODIFIED_SINCE, false),
    ];
    match conditions.iter().find(|(name, is_done)| !is_done && headers.contains_key(name)) {
        Some((name, _)) => Err(with_header(refusal("this condition here"), name.as_str())),
        // Section 13.1.1: a weak tag matches nothing.
        None if reading.header("if-match").is_some_and(|tag| tag.trim().starts_with("W/")) => {
            Err(s3_error!(PreconditionFailed, "If-Match has a weak ETag, which matches nothing. Nothing was changed."))
        }
        None => Ok(()),
    }
}

/// Refuses a source of a copy that its signature leaves open: signers take runs of spaces for one, and what is looked up does not.
fn one_source(reading: &Reading) -> S3Result<()> {
    let Some(source) = reading.header(COPY_SOURCE) else { return Ok(()) };
    if source.split_whitespace().collect::<Vec<_>>().join(" ") == source {
        return Ok(());
    }
    Err(s3_error!(
        InvalidArgument,
        "{COPY_SOURCE} has white space that its signature does not bind; percent-encode the key. Nothing was changed."
    ))
}

/// Headers of one operation that another would pass over.
fn only_where_it_is_read(headers: &HeaderMap, route: &Route) -> S3Result<()> {
    let read_by = |name: &str| match name {
        "x-amz-copy-source-range" => route.operation == "UploadPartCopy",
        "x-amz-if-match-size" | "x-amz-if-match-last-modified-time" => route.operation == "DeleteObject",
        "x-amz-mp-object-size" => route.operation == "CompleteMultipartUpload",
        // What is written in one piece has checksums of the whole, and nothing else.
        "x-amz-checksum-type" => {
            !matches!(route.operation, "PutObject" | "UploadPart" | "CopyObject")
                || headers.get(name).is_some_and(|kind| kind == "FULL_OBJECT")
        }
        _ if name.starts_with("x-amz-copy-source-if-") => matches!(route.operation, "CopyObject" | "UploadPartCopy"),
        _ => true,
    };
    match headers.keys().map(http::HeaderName::as_str).find(|name| !read_by(name)) {
        Some(name) => Err(with_header(refusal("this header here"), name)),
        None => Ok(()),
    }
}

fn checksums(name: &str, value: &str) -> S3Result<()> {
    let known = |word: &str| {
        if name == "x-amz-trailer" { Algorithm::from_header(word) } else { Algorithm::from_name(word) }
    };
    match value.split(',').map(str::trim).find(|word| known(word).is_none()) {
        Some(word) => {
            let names = Algorithm::ALL.map(Algorithm::name).join(", ");
            Err(s3_error!(
                InvalidRequest,
                "{name} names {word:?}, which is not verified by this server; it verifies {names}."
            ))
        }
        None => Ok(()),
    }
}

fn bad_value(value: &str) -> S3Error {
    s3_error!(InvalidArgument, "{value:?} is none of the values that are known")
}

fn refusal(what: &str) -> S3Error {
    s3_error!(NotImplemented, "This server does not support {what}. Nothing was changed")
}

/// The same error, naming the header.
fn with_header(error: S3Error, name: &str) -> S3Error {
    let message = error.message().unwrap_or_default().trim_end_matches('.').to_owned();
    let status = error.status_code();
    let mut named = S3Error::with_message(error.code().clone(), format!("{message} (header {name})."));
    if let Some(status) = status.filter(|_| matches!(named.code(), S3ErrorCode::Custom(_))) {
        named.set_status_code(StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_REQUEST));
    }
    named
}
