//! What to do about an answer that is no success, told from its status and code
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).

use http::StatusCode;
use serde::Deserialize;

use super::client::Answer;
use crate::error::{Error, Kind, Place};

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
pub(super) fn is_missing_bucket(answer: &Answer) -> bool {
    refusal(&answer.body).code == "NoSuchBucket"
}

/// The error of an answer.
pub(super) fn refused(what: &str, status: StatusCode, body: &[u8]) -> Error {
    let Refusal { code, message } = refusal(body);
    let error = Error::new(Place::Store, kind_of(status, &code), what);
    let told = [code, message].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    if told.is_empty() { error.because(status.to_string()) } else { error.because(told) }
}

fn kind_of(status: StatusCode, code: &str) -> Kind {
    match (status, code) {
        (_, "KeyTooLongError" | "InvalidURI" | "EntityTooLarge" | "MetadataTooLarge") => Kind::Malformed,
        (StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED, _)
        | (_, "ExpiredToken" | "InvalidToken" | "RequestTimeTooSkewed") => Kind::Denied,
        (status, code) if is_busy(status) || matches!(code, "RequestTimeout" | "OperationAborted") => Kind::Unavailable,
        (StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED, _) => Kind::Conflict,
        // No such bucket, another region's bucket, a header that the store does not know.
        _ => Kind::Misconfigured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_what_to_do() {
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
        assert_eq!(refused("HEAD b/k", StatusCode::FORBIDDEN, b"").to_string(), "failed to HEAD b/k: 403 Forbidden");
    }
}
