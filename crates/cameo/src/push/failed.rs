//! A try to send a file that failed: why, and whether another may go better.

use http::StatusCode;

use crate::model::error::Error;

/// Why a try failed, and whether another may go better.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: String,
    pub(super) may_pass: bool,
    /// What the push ends with where no further try is made: a fault of all files.
    pub(super) then: Option<Error>,
}

impl Failed {
    /// A fault that every other file has too, and that no wait helps against.
    pub(super) fn for_all(error: Error) -> Self {
        Self { why: error.to_string(), may_pass: false, then: Some(error) }
    }

    /// What an answer says of the try.
    pub(super) fn of(status: StatusCode) -> Self {
        let (why, may_pass) = match status {
            StatusCode::FORBIDDEN => ("the address is not taken any more (403)", true),
            StatusCode::BAD_REQUEST => ("it arrived with other bytes than announced (400)", true),
            StatusCode::INSUFFICIENT_STORAGE => ("the server's disk is full (507)", false),
            StatusCode::PAYLOAD_TOO_LARGE => ("the server takes no file of this length (413)", false),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                ("the server could not take it", true)
            }
            _ => ("the server refused it", false),
        };
        Self { why: format!("{why}: {status}"), may_pass, then: None }
    }
}
