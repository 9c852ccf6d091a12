//! Logging in through an `OpenID` provider: on to it, and back from it.
//!
//! Both are links that a browser follows; who may what, and whether a log-in is one that this browser began, the API says. What goes wrong
//! there ends on a page that says whose turn it is, and leads back to the log-in with a password.

use askama::Template;
use axum::{
    body::to_bytes,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use cameo::client::wire::{OidcBegin, OidcBegun, OidcReturn, OidcSession, OidcView, ProblemBody};
use serde::de::DeserializeOwned;

use crate::{
    address::{part, to},
    ask::{Ask, Sent},
    cookie::with_cookies,
    failure::{Answer, Failure},
    form::own_path,
    layout::{Chrome, html},
    words::Here,
};

/// Bytes of an answer that are read.
const ANSWER_MAX_BYTES: usize = 64 << 10;
/// The API's own path.
const API: &str = "/api/v1/session/oidc";

/// What the log-in page shows of the provider; nothing where there is none, or where it cannot be said now.
pub(crate) async fn view(ask: &Ask) -> OidcView {
    ask.get(API).await.unwrap_or(OidcView { enabled: false, label: None, contact: None })
}

#[derive(Template)]
#[template(path = "oidc.html")]
struct OidcPage {
    c: Chrome,
    what: &'static str,
    to_do: String,
    /// In the API's words, for engineers.
    detail: String,
    again: String,
}

/// Leads to the provider.
pub(crate) async fn begin(ask: Ask) -> Answer<Response> {
    let next = own_path(ask.query.get("next"));
    let asked = OidcBegin { next: Some(next.clone()) };
    let answer = ask.raw(Method::POST, API, Sent::json(&asked)).await?;
    if !answer.status().is_success() {
        return refused(&ask, answer, &next).await;
    }
    let (parts, body) = answer.into_parts();
    let begun: OidcBegun = read(body).await?;
    Ok(with_cookies(&parts.headers, to(&begun.location)))
}

/// Takes in who comes back from the provider, and leads them to where they wanted to go.
pub(crate) async fn end(ask: Ask) -> Answer<Response> {
    let text = |name: &str| ask.query.get(name).map(str::to_owned);
    let asked = OidcReturn { code: text("code"), state: text("state"), iss: text("iss"), error: text("error") };
    let answer = ask.raw(Method::POST, &format!("{API}/callback"), Sent::json(&asked)).await?;
    if !answer.status().is_success() {
        return refused(&ask, answer, "/").await;
    }
    let (parts, body) = answer.into_parts();
    let done: OidcSession = read(body).await?;
    Ok(with_cookies(&parts.headers, to(&own_path(Some(&done.next)))))
}

async fn read<T: DeserializeOwned>(body: axum::body::Body) -> Answer<T> {
    let bytes = to_bytes(body, ANSWER_MAX_BYTES).await.map_err(|error| Failure::garbage(API, error))?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::garbage(API, error))
}

/// The page of a log-in that did not come to its end. The cookie of it goes, whatever it was.
async fn refused(ask: &Ask, answer: Response, next: &str) -> Answer<Response> {
    let (parts, body) = answer.into_parts();
    let problem: ProblemBody = read(body).await?;
    let c = Chrome::open(ask, Here::Nowhere);
    let (what, to_do) = texts(&c, &problem, &view(ask).await);
    let again = format!("/login?next={}", part(next));
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let page = OidcPage { c, what, to_do, detail: problem.detail, again };
    Ok(with_cookies(&parts.headers, (status, html(&page)).into_response()))
}

/// What happened, and whose turn it is.
fn texts(c: &Chrome, problem: &ProblemBody, view: &OidcView) -> (&'static str, String) {
    let whom = view.contact.as_deref().unwrap_or(c.t("an administrator of the console", "콘솔 관리자"));
    let ask_them = match c.lang {
        cameo::model::lang::Lang::En => format!("Ask {whom}."),
        cameo::model::lang::Lang::Ko => format!("{whom}에게 문의해 주세요."),
    };
    let begin_again = c.t("Begin again.", "처음부터 다시 로그인해 주세요.").to_owned();
    match problem.code.as_str() {
        "oidc.no_role" => (
            c.t(
                "You are known, but nobody has given you a role here.",
                "로그인은 되었지만 이곳에서 쓸 수 있는 권한이 없습니다.",
            ),
            ask_them,
        ),
        "oidc.domain" => (
            c.t(
                "Only people of certain domains with a verified address may come in.",
                "허용된 도메인의 확인된 이메일이 있는 사람만 들어올 수 있습니다.",
            ),
            ask_them,
        ),
        "oidc.disabled" => (c.t("This account is switched off.", "사용이 중지된 계정입니다."), ask_them),
        "oidc.state" => (
            c.t(
                "This log-in was not begun in this browser, took too long, or is over.",
                "이 브라우저에서 시작한 로그인이 아니거나 시간이 지났거나 이미 끝났습니다.",
            ),
            begin_again,
        ),
        "oidc.refused" => {
            (c.t("The provider did not let you log in.", "로그인 제공자가 로그인을 허용하지 않았습니다."), ask_them)
        }
        "oidc.unavailable" | "busy" => (
            c.t("The provider does not answer now.", "로그인 제공자가 지금 응답하지 않습니다."),
            c.t(
                "Log in with a password, or try again in a moment.",
                "비밀번호로 로그인하거나 잠시 후 다시 시도해 주세요.",
            )
            .to_owned(),
        ),
        "oidc.invalid" => (
            c.t(
                "The provider's answer is not right, and was not believed.",
                "로그인 제공자의 응답이 올바르지 않아 로그인하지 않았습니다.",
            ),
            c.t(
                "Log in with a password; if it stays, call the engineer.",
                "비밀번호로 로그인하고, 계속되면 엔지니어에게 알려 주세요.",
            )
            .to_owned(),
        ),
        "session.insecure" => (
            c.t(
                "Nobody logs in over a connection that others can read.",
                "암호화되지 않은 연결로는 로그인할 수 없습니다.",
            ),
            c.t("Use the address that begins with https://.", "https:// 로 시작하는 주소로 접속해 주세요.").to_owned(),
        ),
        _ => (c.t("That could not be done.", "로그인하지 못했습니다."), begin_again),
    }
}
