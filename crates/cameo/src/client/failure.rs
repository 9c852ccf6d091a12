//! What a server's refusal, or its silence, is to whoever asked: an error of the kind that the caller acts by.

use http::StatusCode;

use super::wire::{PROBLEM_JSON, ProblemBody, REQUEST_ID};
use crate::model::error::{Error, Kind, Place};

/// Bytes of an error that are read.
const TEXT_MAX_BYTES: usize = 64 << 10;
/// Characters of one that is no problem document that are shown.
const SHOWN_MAX_CHARS: usize = 300;

/// Nobody answered, or not to the end.
pub(super) fn unreachable(what: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    if is_denied(&error) {
        let why = "the socket in the data folder is for the server's own user: run the command as that user, or use --server and a token";
        return Error::new(Place::System, Kind::Denied, what).because(why);
    }
    Error::new(Place::System, Kind::Unavailable, what).because(with_causes(&error))
}

/// Whether the system refused to open the connection, as it does with a socket of another user's.
fn is_denied(error: &reqwest::Error) -> bool {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    let mut causes = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied)
}

/// An answer that is not what was asked for: another program's, or that of a newer server.
pub(super) fn not_understood(what: &str, error: serde_json::Error) -> Error {
    let doing = format!("{what}: the answer is not Cameo's");
    Error::new(Place::System, Kind::Unlisted, doing).because(error)
}

/// The error of an answer that is none of success.
pub(super) async fn refused(what: &str, response: reqwest::Response) -> Error {
    let status = response.status();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let is_problem = header("content-type").is_some_and(|kind| kind.starts_with(PROBLEM_JSON));
    let id = header(REQUEST_ID);
    let text = beginning(response).await;
    let problem = is_problem.then(|| serde_json::from_slice::<ProblemBody>(&text).ok()).flatten();
    let why = problem.map_or_else(|| format!("{status}: {}", shown(&text)), |problem| problem.detail);
    let id = id.map(|id| format!(" (request {id})")).unwrap_or_default();
    Error::new(Place::System, kind_of(status), what).because(format!("{why}{id}"))
}

/// The beginning of a text of somebody else's, in one line.
fn shown(text: &[u8]) -> String {
    let shown: String = String::from_utf8_lossy(text).chars().take(SHOWN_MAX_CHARS).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn beginning(mut response: reqwest::Response) -> Vec<u8> {
    let mut text = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        text.extend_from_slice(&piece);
        if text.len() >= TEXT_MAX_BYTES {
            break;
        }
    }
    text.truncate(TEXT_MAX_BYTES);
    text
}

/// What the caller does next: get other rights, mend what was asked for, look again, or wait.
pub(super) fn kind_of(status: StatusCode) -> Kind {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Kind::Denied,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Kind::Conflict,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Kind::Unavailable,
        status if status.is_server_error() => Kind::Unavailable,
        status if status.is_client_error() => Kind::Misconfigured,
        // Redirections: a proxy, or an address that is not the server's.
        _ => Kind::Misconfigured,
    }
}

/// The error with what caused it: the outermost one alone says only that something failed.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_to_do_next() {
        for (status, kind) in [
            (401, Kind::Denied),
            (403, Kind::Denied),
            (404, Kind::Misconfigured),
            (409, Kind::Conflict),
            (422, Kind::Misconfigured),
            (429, Kind::Unavailable),
            (302, Kind::Misconfigured),
            (503, Kind::Unavailable),
        ] {
            assert_eq!(kind_of(StatusCode::from_u16(status).unwrap()), kind, "{status}");
        }
    }
}
