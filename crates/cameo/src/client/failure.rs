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
        let korean = "데이터 폴더의 소켓은 서버를 실행하는 사용자만 쓸 수 있습니다. 그 사용자로 실행하거나, 토큰과 함께 --server 를 쓰세요";
        return Error::new(Place::System, Kind::Denied, what).in_korean(korean).because(why);
    }
    let causes = with_causes(&error);
    let korean = format!(
        "서버에 연결할 수 없습니다. 서버 주소와 인터넷 연결을 확인하고 잠시 후 다시 실행해 주세요. 계속되면 엔지니어에게 알려 주세요 [{what}]"
    );
    Error::new(Place::System, Kind::Unavailable, what).in_korean(korean).because(causes)
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
    let korean = format!("Cameo 서버의 응답이 아닙니다. 서버 주소를 확인해 주세요 [{what}]");
    Error::new(Place::System, Kind::Unlisted, doing).in_korean(korean).because(error)
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
    Error::new(Place::System, kind_of(status), what).in_korean(korean_of(status)).because(format!("{why}{id}"))
}

/// What a refusal means and what to do, in Korean.
fn korean_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => {
            "서버가 토큰을 받아들이지 않습니다. 토큰이 없거나, 틀렸거나, 만료되었습니다. `cameo login` 으로 다시 로그인하거나 엔지니어에게 새 토큰을 \
             요청해 주세요"
        }
        StatusCode::FORBIDDEN => {
            "이 토큰으로는 할 수 없는 일입니다. 버티컬 이름이 맞는지 확인하고, 맞으면 엔지니어에게 권한을 요청해 주세요"
        }
        StatusCode::NOT_FOUND => "서버에 없거나 이 토큰으로 볼 수 없습니다. 이름이나 번호를 확인해 주세요",
        StatusCode::TOO_MANY_REQUESTS => "서버가 바쁩니다. 잠시 후 다시 실행해 주세요",
        status if status.is_server_error() => {
            "서버에 문제가 있습니다. 잠시 후 다시 실행하고, 계속되면 엔지니어에게 알려 주세요"
        }
        status if status.is_client_error() => "서버가 요청을 받아들이지 않았습니다",
        _ => "Cameo 서버의 응답이 아닙니다. 서버 주소를 확인해 주세요",
    }
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
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(kind_of(status), kind, "{status}");
            assert!(korean_of(status).chars().any(|c| ('가'..='힣').contains(&c)), "{status}");
        }
    }
}
