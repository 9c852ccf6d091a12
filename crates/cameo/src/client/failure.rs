//! What a server's refusal, or its silence, is to whoever asked: an error of the kind that the caller acts by.

use http::StatusCode;
use rustls::CertificateError;

use super::{
    problems::meaning,
    wire::{ForeignVertical, NO_SUCH_IMAGE, PROBLEM_JSON, ProblemBody, REQUEST_ID},
};
use crate::model::{
    cause::Cause,
    error::{Error, Kind, Place},
};

/// Bytes of an error that are read.
const TEXT_MAX_BYTES: usize = 64 << 10;
/// Characters of one that is no problem document that are shown.
const SHOWN_MAX_CHARS: usize = 300;

/// Codes whose meaning is told by the server's own text alone.
const SPECIFIC: [&str; 3] = ["request.invalid", "request.malformed", "request.refused"];

/// What is said of an address at which something else answers.
const NOT_CAMEO: &str =
    "what answers at this address is not a Cameo server: check the address, or ask your engineers for it";
const NOT_CAMEO_KOREAN: &str =
    "Cameo 서버의 응답이 아닙니다. 서버 주소를 확인해 주세요. 모르시면 엔지니어에게 문의해 주세요";

/// Nobody answered, or not to the end.
pub(super) fn unreachable(what: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    if is_denied(&error) {
        let why = "the socket in the data folder is for the server's own user: run the command as that user, or use --server and a token";
        let korean = "데이터 폴더의 소켓은 서버를 실행하는 사용자만 쓸 수 있습니다. 그 사용자로 실행하거나, 토큰과 함께 --server 를 쓰세요";
        return Error::new(Place::System, Kind::Denied, what)
            .in_korean(korean)
            .because(Cause::new(why, "소켓에 접근할 권한이 없음"));
    }
    if let Some((why, korean)) = tls_fault(&error).as_ref().and_then(told_of_tls) {
        let korean = format!("{korean} [{what}]");
        return Error::new(Place::System, Kind::Misconfigured, what).in_korean(korean).because(why);
    }
    let causes = with_causes(&error);
    let korean = format!(
        "서버에 연결할 수 없습니다. 서버 주소와 인터넷 연결을 확인하고 잠시 후 다시 실행해 주세요. 계속되면 엔지니어에게 알려 주세요 [{}]",
        asked(what)
    );
    Error::new(Place::System, Kind::Unavailable, what).in_korean(korean).because(causes)
}

/// Whether the system refused to open the connection, as it does with a socket of another user's.
fn is_denied(error: &reqwest::Error) -> bool {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    let mut causes = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied)
}

/// What TLS says against a server, if that is why it was not reached. Errors of I/O, one in another, hide what they hold from the causes.
fn tls_fault(error: &(dyn std::error::Error + 'static)) -> Option<rustls::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(fault) = cause.downcast_ref::<rustls::Error>() {
            return Some(fault.clone());
        }
        let held = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => cause.source(),
        };
    }
    None
}

/// What to do about it, in English and in Korean.
fn told_of_tls(fault: &rustls::Error) -> Option<(String, String)> {
    let told = |why: &str, korean: &str| Some((format!("{why} ({fault})"), korean.to_owned()));
    match fault {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => told(
            "the server's certificate comes from nobody that this computer knows, so it may be somebody else's: ask your engineers for the \
             certificate of your own CA and give it with --ca FILE or CAMEO_CA",
            "서버 인증서를 이 컴퓨터가 알지 못하는 기관이 발급했습니다. 다른 서버일 수 있어 접속하지 않았습니다. 사내 인증기관을 쓴다면 엔지니어에게 CA 인증서 파일을 \
             받아 --ca 파일 또는 CAMEO_CA 로 지정해 주세요",
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => told(
            "the server's certificate is for other names: use the name that it is for",
            "서버 인증서가 다른 이름의 것입니다. 인증서에 적힌 이름으로 접속해 주세요",
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => told(
            "the server's certificate does not hold now: it must be renewed, or this computer's clock is wrong",
            "서버 인증서의 유효 기간이 아닙니다. 이 컴퓨터의 시계를 확인하고, 맞다면 엔지니어에게 인증서 갱신을 요청해 주세요",
        ),
        rustls::Error::InvalidCertificate(_) => told(
            "the server's certificate is refused",
            "서버 인증서가 올바르지 않아 접속하지 않았습니다. 엔지니어에게 알려 주세요",
        ),
        rustls::Error::InvalidMessage(_) => told(
            "the server does not speak TLS there: is the address http://, or another port?",
            "그 주소의 서버는 https 로 응답하지 않습니다. 주소가 http:// 인지, 포트가 맞는지 확인해 주세요",
        ),
        _ => None,
    }
}

/// An answer that is not what was asked for: another program's, or that of a newer server.
pub(super) fn not_understood(what: &str, error: serde_json::Error) -> Error {
    let doing = format!("{what}: the answer is not Cameo's");
    let korean = format!("Cameo 서버의 응답이 아닙니다. 서버 주소를 확인해 주세요 [{}]", asked(what));
    Error::new(Place::System, Kind::Unlisted, doing).in_korean(korean).because(error)
}

/// The error of an answer that is none of success.
pub(super) async fn refused(what: &str, response: reqwest::Response) -> Error {
    let status = response.status();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let kind = header("content-type").unwrap_or_default();
    let is_problem = kind.starts_with(PROBLEM_JSON);
    let id = header(REQUEST_ID);
    let text = beginning(response).await;
    let problem = is_problem.then(|| serde_json::from_slice::<ProblemBody>(&text).ok()).flatten();
    if let Some(foreign) = problem.as_ref().and_then(|problem| problem.foreign.as_ref()) {
        return not_yours(what, foreign);
    }
    if let Some(error) = problem.is_none().then(|| other_listener(what, &kind, &text)).flatten() {
        return error;
    }
    // Every 404 of the API is a problem document: whatever else answers so is no server of Cameo's.
    let is_elsewhere = problem.is_none() && status == StatusCode::NOT_FOUND;
    let meant = problem.as_ref().and_then(|problem| meaning(&problem.code));
    let korean = meant.unwrap_or_else(|| if is_elsewhere { NOT_CAMEO_KOREAN } else { korean_of(status) });
    let code = problem.as_ref().map_or_else(|| status.as_u16().to_string(), |problem| problem.code.clone());
    let is_said =
        problem.as_ref().is_some_and(|problem| meaning(&problem.code).is_some() && !SPECIFIC.contains(&&*problem.code));
    let why = problem.map_or_else(|| format!("{status}: {}", shown(&text)), |problem| problem.detail);
    let why = if is_elsewhere { format!("{NOT_CAMEO}: {why}") } else { why };
    let request = id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
    let in_korean = id.map(|id| format!(", 요청 {id}")).unwrap_or_default();
    // What the code says is said in Korean; what only the server knows of this very request stays as it put it.
    let korean_why = if is_said { code } else { why.clone() };
    let cause = Cause::new(format!("{why}{request}"), format!("{korean_why}{in_korean}"));
    Error::new(Place::System, kind_of(status), what).in_korean(korean).because(cause)
}

/// A vertical that whoever asks has no rights to: which, those that they have, and whom to ask. Or one of theirs has to be named.
pub fn not_yours(what: &str, foreign: &ForeignVertical) -> Error {
    let ForeignVertical { vertical, own } = foreign;
    let own = own.join(", ");
    let Some(vertical) = vertical else {
        let why = format!("this token is of several verticals: name one of them with --vertical ({own})");
        let korean = format!("이 토큰은 버티컬이 여러 개입니다. --vertical 로 하나를 적어 주세요: {own}");
        return Error::new(Place::System, Kind::Denied, what).in_korean(korean).because(Cause::new(why, ""));
    };
    let why = format!(
        "the vertical \"{vertical}\" is none of this token's, which are: {own}; check the name, and if it is right ask your engineers for the rights"
    );
    let korean = format!(
        "이 토큰으로는 버티컬 \"{vertical}\" 을(를) 쓸 수 없습니다. 이 토큰으로 쓸 수 있는 버티컬: {own}. 버티컬 이름을 확인하고, 맞으면 엔지니어에게 \
         그 버티컬의 권한을 요청해 주세요"
    );
    Error::new(Place::System, Kind::Denied, what).in_korean(korean).because(Cause::new(why, ""))
}

/// Another listener of Cameo's, or another program's with the same answers: what it is for, by what it answers to a path that it does not
/// know. Each is at an address of its own, and people are given several.
fn other_listener(what: &str, kind: &str, text: &[u8]) -> Option<Error> {
    let text = String::from_utf8_lossy(text);
    let (english, korean) = if kind.contains("xml") && text.contains("<Error>") && text.contains("<Code>") {
        ("of an S3 endpoint, to which aws-cli uploads", "aws-cli 로 올리는 S3 주소")
    } else if kind.starts_with("text/plain") && text.trim() == NO_SUCH_IMAGE {
        ("under which the images are served", "이미지가 표시되는 주소")
    } else {
        return None;
    };
    let why = format!(
        "this address is the one {english}; commands need the address of the console, which shows a log-in page in a browser: ask your \
         engineers for it"
    );
    let korean = format!(
        "이 주소는 {korean}입니다. 명령에는 웹 콘솔의 주소가 필요합니다. 브라우저에서 열면 로그인 화면이 나오는 주소이며, 모르시면 엔지니어에게 \
         문의해 주세요 [{}]",
        asked(what)
    );
    Some(Error::new(Place::System, Kind::Misconfigured, what).in_korean(korean).because(Cause::new(why, "")))
}

/// What was asked, as it is shown beside Korean: the address without the words before it.
fn asked(what: &str) -> &str {
    what.find("http").map_or(what, |at| &what[at..])
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

    /// As the HTTP client has them: an error of TLS in an error of I/O in another one.
    #[test]
    fn what_tls_says_against_a_server_is_found_and_told() {
        use std::io::Error;
        for (fault, words, korean) in [
            (rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer), "--ca FILE", "--ca 파일"),
            (rustls::Error::InvalidCertificate(CertificateError::NotValidForName), "other names", "다른 이름"),
            (rustls::Error::InvalidCertificate(CertificateError::Expired), "clock", "유효 기간"),
            (rustls::Error::InvalidCertificate(CertificateError::BadSignature), "refused", "올바르지 않아"),
            (
                rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                "does not speak TLS",
                "https 로 응답하지",
            ),
        ] {
            let nested = Error::other(Error::other(fault.clone()));
            let found = tls_fault(&nested).expect("it is found");
            assert_eq!(found, fault);
            let (told, in_korean) = told_of_tls(&found).expect("it is told");
            assert!(
                told.contains(words) && told.contains(&fault.to_string()) && in_korean.contains(korean),
                "{told} {in_korean}"
            );
        }
        assert_eq!(tls_fault(&Error::other("reset")), None);
    }

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
