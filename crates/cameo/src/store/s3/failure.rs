//! Whose failure an answer that is no success is, by its status and code
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).

use http::StatusCode;
use serde::Deserialize;

use crate::model::error::{Error, Kind, Place};

/// The body of such an answer. Answers to HEAD have none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refusal {
    code: String,
    message: String,
}

fn refusal(body: &[u8]) -> Refusal {
    std::str::from_utf8(body).ok().and_then(|body| quick_xml::de::from_str(body).ok()).unwrap_or_default()
}

/// Whether it helps to ask again soon.
pub(super) fn is_busy(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

/// Whether the bucket is missing, not the object.
pub(super) fn is_missing_bucket(body: &[u8]) -> bool {
    refusal(body).code == "NoSuchBucket"
}

/// Whether the body of an answer says that something failed, whatever its status says.
pub(super) fn is_error(body: &[u8]) -> bool {
    !refusal(body).code.is_empty()
}

/// The error of an answer.
pub(super) fn refused(what: &str, status: StatusCode, body: &[u8]) -> Error {
    let Refusal { code, message } = refusal(body);
    let error = Error::new(Place::Store, kind_of(status, &code), what);
    let told = [code, message].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    if told.is_empty() { error.because(status.to_string()) } else { error.because(told) }
}

/// Codes that blame the one key or object that was asked for; others may be read and written.
const OF_ONE_KEY: &[&str] = &[
    "BadDigest",
    "EntityTooLarge",
    "EntityTooSmall",
    // Archived: it must be restored before it can be read.
    "InvalidObjectState",
    "InvalidURI",
    "KeyTooLongError",
    "MetadataTooLarge",
];

/// Codes of keys, tokens and clocks that the store does not take, whatever the status.
const OF_ACCESS: &[&str] = &[
    "AccessDenied",
    "AccountProblem",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
];

/// Codes of a store that is busy or full, whatever the status.
const OF_OVERLOAD: &[&str] =
    &["InternalError", "OperationAborted", "QuotaExceeded", "RequestTimeout", "ServiceUnavailable", "SlowDown"];

/// Codes of a bucket, a region or a request that this store does not know.
const OF_SET_UP: &[&str] = &[
    "AuthorizationHeaderMalformed",
    "InvalidBucketName",
    "MethodNotAllowed",
    "NoSuchBucket",
    "NotImplemented",
    "PermanentRedirect",
    "TemporaryRedirect",
];

fn kind_of(status: StatusCode, code: &str) -> Kind {
    if OF_ONE_KEY.contains(&code) {
        Kind::Refused
    // A key of KMS that is disabled, deleted or not ours is answered with 400.
    } else if OF_ACCESS.contains(&code) || code.starts_with("KMS") {
        Kind::Denied
    } else if OF_OVERLOAD.contains(&code) {
        Kind::Unavailable
    } else if OF_SET_UP.contains(&code) {
        Kind::Misconfigured
    } else {
        kind_of_status(status)
    }
}

/// Answers to HEAD have no body, so there the status is all.
fn kind_of_status(status: StatusCode) -> Kind {
    match status {
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Kind::Denied,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Kind::Conflict,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Kind::Refused
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Kind::Misconfigured,
        status if is_busy(status) => Kind::Unavailable,
        status if status.is_client_error() => Kind::Unlisted,
        _ => Kind::Misconfigured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// flow.md 3: a store that answers and refuses is out; only what blames one key is the message's fault.
    #[test]
    fn answers_say_whose_failure_it_is() {
        let told = |status: u16, code: &str| {
            let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>");
            let error = refused("GET b/k", StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!(error.to_string(), format!("failed to GET b/k: {code}: m"));
            error.kind()
        };
        assert_eq!(told(403, "AccessDenied"), Kind::Denied);
        assert_eq!(told(503, "SlowDown"), Kind::Unavailable);
        assert_eq!(told(404, "NoSuchBucket"), Kind::Misconfigured);
        assert_eq!(told(400, "ExpiredToken"), Kind::Denied);
        assert_eq!(told(400, "KMS.DisabledException"), Kind::Denied);
        assert_eq!(told(400, "KMS.KMSInvalidStateException"), Kind::Denied);
        assert_eq!(told(507, "XMinioStorageFull"), Kind::Unavailable);
        assert_eq!(told(400, "KeyTooLongError"), Kind::Refused);
        assert_eq!(told(403, "InvalidObjectState"), Kind::Refused);
        assert_eq!(told(400, "SomethingNew"), Kind::Unlisted);
        assert_eq!(refused("HEAD b/k", StatusCode::FORBIDDEN, b"").to_string(), "failed to HEAD b/k: 403 Forbidden");
    }
}
