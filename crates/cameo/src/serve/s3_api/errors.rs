//! S3's names for what went wrong.

use bytes::Bytes;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::{
    model::error::{Error, Kind},
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
        Refusal::DiskFull => disk_full(),
        Refusal::Failed(error) => failed(&error),
    }
}

fn with_message(code: S3ErrorCode, refusal: &Refusal) -> S3Error {
    S3Error::with_message(code, format!("Refused: {refusal}."))
}

pub(super) fn status(code: S3ErrorCode, message: &'static str, status: http::StatusCode) -> S3Error {
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(status);
    error
}

/// Not a failure that repeating would pass: a deletion needs space too, for it must be recorded before it is answered.
fn disk_full() -> S3Error {
    let code = S3ErrorCode::Custom("InsufficientStorage".into());
    let message = "The disk of the server is full. Nothing was changed. The operator must make space on it; even deletions need some.";
    status(code, message, http::StatusCode::INSUFFICIENT_STORAGE)
}

/// A failure that the client cannot mend. Its cause is for the log, not for the client.
fn failed(error: &Error) -> S3Error {
    tracing::error!(%error, "a request failed");
    if error.is_disk_full() {
        return disk_full();
    }
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
        let message = "The signature of a chunk of the body is wrong. Check the secret key, and that nothing on the way changes bodies.";
        return s3_error!(SignatureDoesNotMatch, "{message}");
    }
    if is("FormatError") || is("TooLarge") || is("TooMany") {
        return s3_error!(InvalidRequest, "The body is not proper aws-chunked content.");
    }
    if is("idle") {
        return s3_error!(RequestTimeout, "No byte of the body arrived for too long.");
    }
    s3_error!(IncompleteBody, "The body ended before all of it was received.")
}

/// An access control list that says something else than what is so: a bucket is its owner's, or open to everybody's reading.
pub(super) fn acl_not_supported(is_public: bool) -> S3Error {
    let code = S3ErrorCode::Custom("AccessControlListNotSupported".into());
    let message = if is_public {
        "Everybody may read this bucket (s3.public_read in the server's configuration); the only access control list taken here is public-read."
    } else {
        "Rights are given by access key; the only access control list taken is private. Buckets that everybody may read are named in s3.public_read of the \
         server's configuration."
    };
    status(code, message, http::StatusCode::BAD_REQUEST)
}

/// What S3 offers and this endpoint does not.
pub(super) fn unsupported(what: &'static str) -> S3Error {
    s3_error!(NotImplemented, "This server does not support {what}.")
}

/// What S3 says with a code, where the service says nothing: in front of an answer to a person who reads it.
const SENTENCES: &[(&str, &str)] = &[
    (
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your secret access key and signing method, \
         and that no proxy changes the request or its Host.",
    ),
    (
        "InvalidBucketName",
        "The specified bucket is not valid. A name has 3 to 63 small letters, digits, dots and hyphens, and begins and ends with a letter \
         or digit.",
    ),
    ("KeyTooLongError", "Your key is too long. A key has at most 1024 bytes in UTF-8."),
    ("InvalidURI", "Couldn't parse the specified URI. Encode the key and the query by RFC 3986, in UTF-8."),
    (
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema. Send the elements that S3 documents \
         for this operation.",
    ),
    ("MissingRequestBodyError", "Request body is empty. Send the XML that S3 documents for this operation."),
    ("MissingContentLength", "You must provide the Content-Length HTTP header."),
    (
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header. Send the request again.",
    ),
    ("MaxMessageLengthExceeded", "Your request was too big. Send several smaller ones."),
    ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size. Upload it in parts."),
    ("MethodNotAllowed", "The specified method is not allowed against this resource."),
    (
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data. Send the fields that the policy names, and the file last.",
    ),
    (
        "InvalidPolicyDocument",
        "The content of the form does not meet the conditions specified in the policy document. Sign a policy that does.",
    ),
    (
        "InternalError",
        "We encountered an internal error. Please try again; the reason is in the server's log, under the request id.",
    ),
    ("NotImplemented", "This server does not support what the request asks for."),
    ("InvalidRange", "The requested range is not satisfiable."),
    ("NoSuchKey", "The specified key does not exist."),
    ("NoSuchBucket", "The specified bucket does not exist."),
    (
        "NoSuchUpload",
        "The specified multipart upload does not exist. It may have been aborted or completed; begin a new one.",
    ),
    ("AccessDenied", "Access Denied. Sign the request with an access key that has the right to do this."),
    ("InvalidAccessKeyId", "The access key id you provided does not exist in our records."),
    ("PreconditionFailed", "At least one of the preconditions you specified did not hold."),
    ("ServiceUnavailable", "The service is not available now. Please try again."),
    ("SlowDown", "Please reduce your request rate."),
    ("RequestTimeout", "Your connection was idle for too long. Send the request again."),
    ("BadDigest", "What was declared of the content does not match what was received. Send the request again."),
    ("InvalidDigest", "The Content-MD5 or checksum you specified is not valid. Send it in base64."),
    ("AuthorizationHeaderMalformed", "The authorization header you provided is not valid. Sign with AWS4-HMAC-SHA256."),
    (
        "InvalidArgument",
        "An argument of the request is not valid. Compare it with what S3 documents for this operation.",
    ),
    ("InvalidRequest", "The request is not valid. Compare it with what S3 documents for this operation."),
];

/// Where no sentence of ours fits.
const ANY: &str = "The request was refused with this code. S3's list of error codes says what it means; the server's log names the request id.";

/// What the service says too shortly to act on: by code and beginning, what is said behind it.
const ADVICE: &[(&str, &str, &str)] = &[
    (
        "RequestTimeTooSkewed",
        "",
        "The difference between the request time and the server's time is too large; set the clocks of both right.",
    ),
    ("AccessDenied", "Request has expired", "Sign a new one, and set the clock right."),
    ("AccessDenied", "Signature is required", "Sign the request with an access key, by AWS4-HMAC-SHA256."),
    ("", "missing header", "Send this header with the request."),
    ("", "missing query", "Send this parameter in the query."),
    ("", "missing ", "Send it with the request."),
    ("", "duplicate ", "Send it once."),
    ("", "invalid header", "Send a value that S3 documents for this header, or leave it out."),
    ("", "invalid query", "Send a value that S3 documents for this parameter, or leave it out."),
    ("", "invalid ", "Send a value that S3 documents."),
    ("", "credential scope date", "Sign with the date of x-amz-date, in UTC."),
    ("", "Unknown operation", "This server does not support this operation."),
];

/// The text of an error, with a sentence that says what to do.
pub(super) fn explained(text: &Bytes) -> Bytes {
    let as_it_is = || text.clone();
    let Ok(xml) = std::str::from_utf8(text) else { return as_it_is() };
    let Some(code) = between(xml, "<Code>", "</Code>") else { return as_it_is() };
    let message = between(xml, "<Message>", "</Message>").unwrap_or_default();
    if message.is_empty() {
        let sentence = SENTENCES.iter().find(|(of, _)| *of == code).map_or(ANY, |(_, sentence)| sentence);
        let bare = xml.replacen("<Message></Message>", "", 1);
        return bare.replacen("</Code>", &format!("</Code><Message>{sentence}</Message>"), 1).into();
    }
    let fits =
        |(of, beginning, _): &&(&str, &str, &str)| (of.is_empty() || *of == code) && message.starts_with(beginning);
    match ADVICE.iter().find(fits) {
        Some((.., advice)) if !message.contains(advice) => {
            xml.replacen("</Message>", &format!(". {advice}</Message>"), 1).into()
        }
        _ => as_it_is(),
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(error: S3Error) -> String {
        let text = format!(
            "<Error><Code>{}</Code>{}</Error>",
            error.code().as_str(),
            error.message().map(|message| format!("<Message>{message}</Message>")).unwrap_or_default()
        );
        let explained = String::from_utf8(explained(&text.into()).to_vec()).unwrap();
        assert_eq!(explained.matches("<Message>").count(), 1, "{explained}");
        between(&explained, "<Message>", "</Message>").unwrap().to_owned()
    }

    #[test]
    fn no_code_comes_without_a_sentence() {
        let silent = [
            "SignatureDoesNotMatch",
            "InvalidBucketName",
            "KeyTooLongError",
            "InvalidURI",
            "MalformedXML",
            "MissingRequestBodyError",
            "MissingContentLength",
            "IncompleteBody",
            "MaxMessageLengthExceeded",
            "MethodNotAllowed",
            "MalformedPOSTRequest",
            "InvalidPolicyDocument",
            "InternalError",
        ];
        for code in silent {
            let told = message(S3Error::new(S3ErrorCode::from_bytes(code.as_bytes()).unwrap()));
            assert!(told.len() > 20 && told != ANY, "{code}: {told}");
        }
        assert_eq!(message(S3Error::new(S3ErrorCode::Custom("NobodyKnows".into()))), ANY);
    }

    #[test]
    fn short_words_of_the_service_are_followed_by_what_to_do() {
        let skewed = message(s3_error!(RequestTimeTooSkewed, "request time is too far from server time"));
        assert!(skewed.contains("clocks"), "{skewed}");
        assert!(
            message(s3_error!(InvalidRequest, "missing header: x-amz-date"))
                .ends_with("Send this header with the request.")
        );
        assert!(message(s3_error!(AccessDenied, "Request has expired")).contains("Sign a new one"));
        assert_eq!(message(s3_error!(NoSuchKey, "Full sentences stay.")), "Full sentences stay.");
    }

    #[test]
    fn a_full_disk_is_named_wherever_it_is_met() {
        use crate::model::error::Place;
        let full = rusqlite::ffi::Error { code: rusqlite::ErrorCode::DiskFull, extended_code: 13 };
        let by_sqlite = Error::new(Place::Store, Kind::Unavailable, "record that an object was deleted")
            .because(rusqlite::Error::SqliteFailure(full, None));
        let by_file = Error::new(Place::Store, Kind::Unavailable, "write")
            .because(std::io::Error::from(std::io::ErrorKind::StorageFull));
        for error in [by_sqlite.for_another(), by_sqlite, by_file] {
            let refused = refused(Refusal::Failed(error));
            assert_eq!(
                (refused.status_code().unwrap().as_u16(), refused.code().as_str()),
                (507, "InsufficientStorage")
            );
        }
        let other = Error::new(Place::Store, Kind::Unavailable, "write")
            .because(std::io::Error::from(std::io::ErrorKind::TimedOut));
        assert_eq!(refused(Refusal::Failed(other)).code().as_str(), "ServiceUnavailable");
    }
}
