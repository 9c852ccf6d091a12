//! Whose failure an error of SQS is, by its code.

use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::model::error::{Error, Kind, Place};

/// The error of a call.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
pub(super) fn failed<E, R>(doing: &str, error: SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let kind = match &error {
        SdkError::ServiceError(service) => kind_of_code(service.err().code().unwrap_or_default()),
        SdkError::ConstructionFailure(_) => Kind::Misconfigured,
        // No connection, no answer, or no credentials to be had: the last look like a connection that failed.
        _ => Kind::Unavailable,
    };
    let told = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => DisplayErrorContext(&error).to_string(),
    };
    Error::new(Place::Queue, kind, doing).because(told)
}

/// By the code of an error or of one entry of a batch.
pub(super) fn kind_of_code(code: &str) -> Kind {
    match code.rsplit('.').next().unwrap_or(code) {
        "QueueDoesNotExist" | "NonExistentQueue" | "InvalidAddress" | "UnsupportedOperation" => Kind::Misconfigured,
        "AccessDenied"
        | "AccessDeniedException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidAccessKeyId"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "MissingAuthenticationToken"
        | "InvalidSecurity" => Kind::Denied,
        code if code.starts_with("Kms") => Kind::Denied,
        "InvalidMessageContents"
        | "InvalidParameterValue"
        | "InvalidParameterValueException"
        | "BatchRequestTooLong"
        | "ReceiptHandleIsInvalid" => Kind::Refused,
        // Throttled, over a limit, or an error of theirs.
        _ => Kind::Unavailable,
    }
}

/// Whether a receipt is refused because the message has come back or is gone.
pub(super) fn is_stale_receipt<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error.code().unwrap_or_default();
    matches!(
        code.rsplit('.').next().unwrap_or(code),
        "MessageNotInflight" | "ReceiptHandleIsInvalid" | "InvalidParameterValue" | "InvalidParameterValueException"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_whose_failure_it_is() {
        for (code, kind) in [
            ("AWS.SimpleQueueService.NonExistentQueue", Kind::Misconfigured),
            ("AccessDenied", Kind::Denied),
            ("InvalidMessageContents", Kind::Refused),
            ("KmsDisabled", Kind::Denied),
            ("KmsThrottled", Kind::Denied),
            ("RequestThrottled", Kind::Unavailable),
            ("InternalError", Kind::Unavailable),
        ] {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }
}
