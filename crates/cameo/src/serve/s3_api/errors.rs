//! S3's names for what went wrong.

use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::{
    error::{Error, Kind},
    store::embedded::{BodyError, Refusal},
};

/// A key, bytes, at most (S3's own limit).
const KEY_MAX_BYTES: usize = 1024;

/// Whether a terminal that shows the character would obey it (the C1 controls; S3 gateways refuse them too), or nobody
/// could (NUL). Other controls are ordinary bytes of a key.
fn is_refused(character: char) -> bool {
    matches!(character, '\0' | '\u{80}'..='\u{9f}')
}

/// Refuses keys that no client may use: too long, with characters that nothing can show, or climbing out of the bucket.
pub(super) fn check_key(key: &str) -> S3Result<()> {
    if key.len() > KEY_MAX_BYTES {
        return Err(s3_error!(KeyTooLongError, "A key has at most {KEY_MAX_BYTES} bytes."));
    }
    if key.contains(is_refused) || key == ".." || key.starts_with("../") {
        return Err(s3_error!(InvalidURI, "Couldn't parse the specified URI."));
    }
    Ok(())
}

/// A refusal of the store, as S3 says it.
pub(super) fn refused(refusal: Refusal) -> S3Error {
    match refusal {
        Refusal::NoSuchBucket => s3_error!(NoSuchBucket, "The specified bucket does not exist."),
        Refusal::BucketExists => s3_error!(BucketAlreadyOwnedByYou, "The bucket exists, and is yours."),
        Refusal::BucketNotEmpty => s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty."),
        Refusal::BucketNeeded => s3_error!(AccessDenied, "The service needs this bucket; it cannot be deleted."),
        Refusal::NoSuchKey => s3_error!(NoSuchKey, "The specified key does not exist."),
        Refusal::NoSuchUpload => {
            s3_error!(NoSuchUpload, "The multipart upload does not exist; it may have been aborted or completed.")
        }
        Refusal::InvalidPart(_) => with_message(S3ErrorCode::InvalidPart, &refusal),
        Refusal::InvalidPartOrder => with_message(S3ErrorCode::InvalidPartOrder, &refusal),
        Refusal::PartTooSmall { .. } => with_message(S3ErrorCode::EntityTooSmall, &refusal),
        Refusal::ConditionFailed => {
            s3_error!(PreconditionFailed, "At least one of the preconditions you specified did not hold.")
        }
        Refusal::DigestMismatch(_) => with_message(S3ErrorCode::BadDigest, &refusal),
        Refusal::LengthMismatch { .. } => with_message(S3ErrorCode::IncompleteBody, &refusal),
        Refusal::TooLarge(_) => with_message(S3ErrorCode::EntityTooLarge, &refusal),
        Refusal::Body(error) => body(&error),
        Refusal::DiskFull => {
            let code = S3ErrorCode::Custom("InsufficientStorage".into());
            status(code, "The disk of the server is full. Nothing was changed.", http::StatusCode::INSUFFICIENT_STORAGE)
        }
        Refusal::Failed(error) => failed(&error),
    }
}

fn with_message(code: S3ErrorCode, refusal: &Refusal) -> S3Error {
    S3Error::with_message(code, format!("Refused: {refusal}."))
}

fn status(code: S3ErrorCode, message: &'static str, status: http::StatusCode) -> S3Error {
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(status);
    error
}

/// A failure that the client cannot mend. Its cause is for the log, not for the client.
fn failed(error: &Error) -> S3Error {
    tracing::error!(%error, "a request failed");
    match error.kind() {
        Kind::Unavailable | Kind::Denied | Kind::Conflict => {
            s3_error!(ServiceUnavailable, "The store is not available now. Please try again.")
        }
        _ => s3_error!(InternalError, "The store failed; the reason is in the server's log."),
    }
}

/// A body that could not be read. The types of these errors are private to the service; their texts are not.
fn body(error: &BodyError) -> S3Error {
    let text = error.to_string();
    let is = |name: &str| text.contains(name);
    if is("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return status(code, message, http::StatusCode::BAD_REQUEST);
    }
    if is("SignatureMismatch") {
        return s3_error!(SignatureDoesNotMatch, "The signature of a chunk of the body is wrong.");
    }
    if is("FormatError") || is("TooLarge") || is("TooMany") {
        return s3_error!(InvalidRequest, "The body is not proper aws-chunked content.");
    }
    if is("idle") {
        return s3_error!(RequestTimeout, "No byte of the body arrived for too long.");
    }
    s3_error!(IncompleteBody, "The body ended before all of it was received.")
}

/// An access control list that would give somebody else a right.
pub(super) fn acl_not_supported() -> S3Error {
    let code = S3ErrorCode::Custom("AccessControlListNotSupported".into());
    status(code, "Rights are given by access key; the only list is private.", http::StatusCode::BAD_REQUEST)
}

/// What S3 offers and this endpoint does not.
pub(super) fn unsupported(what: &'static str) -> S3Error {
    s3_error!(NotImplemented, "This server does not support {what}.")
}
