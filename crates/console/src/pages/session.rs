//! Logging in and out, the one-time link, and one's own account.
//!
//! What proves who somebody is passes through here and is kept nowhere: the API checks it, and its cookies are handed on as they come.

use askama::Template;
use axum::{
    body::{Body, to_bytes},
    extract::Path,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use cameo::{
    client::wire::{AccountSession, LinkUse, LogIn, NewPassword, OidcView, Page, ProblemBody, SessionView, Typed},
    model::lang::Lang,
};

use super::oidc;
use crate::{
    address::{part, to},
    ask::{Ask, Sent, refused},
    cookie::with_cookies,
    failure::{Answer, Failure},
    form::{Form, own_path},
    layout::{Chrome, Who, html},
    notice::{self, Done},
    show::Time,
    words::Here,
};

/// Bytes of a problem, at most.
const PROBLEM_MAX_BYTES: usize = 64 << 10;

#[derive(Template)]
#[template(path = "login.html")]
struct LogInPage {
    c: Chrome,
    next: String,
    name: String,
    fault: Option<String>,
    oidc: OidcView,
}

impl LogInPage {
    /// What the link to the provider says.
    fn through(&self) -> String {
        let lang = self.c.lang;
        match (&self.oidc.label, lang) {
            (Some(label), Lang::En) => format!("Log in with {label}"),
            (Some(label), Lang::Ko) => format!("{label} 계정으로 로그인"),
            (None, _) => lang.pick("Log in with your company account", "회사 계정으로 로그인").to_owned(),
        }
    }

    /// Where it leads.
    fn way(&self) -> String {
        format!("/login/oidc?next={}", part(&self.next))
    }
}

/// The page of the log-in. Whoever is let in already is led on.
pub(crate) async fn log_in_page(ask: Ask) -> Answer<Response> {
    let next = own_path(ask.query.get("next"));
    if Who::of(&ask).await.is_ok_and(|who| who.has_session) {
        return Ok(to(&next));
    }
    let (c, oidc) = (Chrome::open(&ask, Here::Nowhere), oidc::view(&ask).await);
    Ok(html(&LogInPage { c, next, name: String::new(), fault: None, oidc }))
}

/// Logs in, and leads to where somebody wanted to go.
pub(crate) async fn log_in(ask: Ask, Form(form): Form) -> Answer<Response> {
    let (name, next) = (form.text("name").to_owned(), own_path(form.get("next")));
    let asked = LogIn { name: name.clone(), password: Typed::new(form.text("password")) };
    let answer = ask.raw(Method::POST, "/api/v1/session", Sent::json(&asked).by(&form)).await?;
    if answer.status().is_success() {
        return Ok(with_cookies(answer.headers(), to(&next)));
    }
    let c = Chrome::open(&ask, Here::Nowhere);
    let fault = match answer.status().as_u16() {
        429 => c.t(
            "Too many attempts. Wait a minute, then try again.",
            "시도가 너무 많습니다. 1분 뒤에 다시 시도해 주세요.",
        ),
        401 => c.t("Name and password do not fit.", "이름 또는 비밀번호가 맞지 않습니다."),
        404 => c.t("This server has no accounts; use a token with `cameo`.", "이 서버에는 계정이 없습니다."),
        _ => c.t("That could not be done. Try again.", "로그인하지 못했습니다. 다시 시도해 주세요."),
    };
    let (fault, status) = (Some(fault.to_owned()), answer.status());
    Ok((status, html(&LogInPage { c, next, name, fault, oidc: oidc::view(&ask).await })).into_response())
}

/// Ends the session.
pub(crate) async fn log_out(ask: Ask, Form(form): Form) -> Answer<Response> {
    let answer = ask.response(Method::DELETE, "/api/v1/session", Sent::default().by(&form)).await?;
    Ok(with_cookies(answer.headers(), to("/login")))
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    c: Chrome,
    /// What was typed of the link, where the page is shown again.
    link: String,
    name: String,
    fault: Option<String>,
    /// Whether the link is of no use any more: then there is no form.
    is_dead: bool,
}

/// The page of a one-time link. Its secret is behind the `#`, which the script puts into the form: no server and no log sees it before.
pub(crate) async fn welcome(ask: Ask) -> Response {
    let c = Chrome::open(&ask, Here::Nowhere);
    html(&WelcomePage { c, link: String::new(), name: String::new(), fault: None, is_dead: false })
}

/// Sets the password by the link, and logs in.
pub(crate) async fn use_link(ask: Ask, Form(form): Form) -> Answer<Response> {
    let c = Chrome::open(&ask, Here::Nowhere);
    let name = form.get("name").map(str::to_owned);
    let again = |status: StatusCode, fault: &str| {
        let (link, name) = (form.text("link").to_owned(), name.clone().unwrap_or_default());
        let is_dead = status == StatusCode::NOT_FOUND;
        let page = WelcomePage { c: c.clone(), link, name, fault: Some(fault.to_owned()), is_dead };
        (status, html(&page)).into_response()
    };
    if form.text("password") != form.text("again") {
        let fault = c.t("The two passwords differ.", "두 비밀번호가 다릅니다.");
        return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, fault));
    }
    let asked = LinkUse {
        link: Typed::new(form.text("link")),
        name: name.clone(),
        password: Typed::new(form.text("password")),
        language: Some(ask.lang),
    };
    let answer = ask.raw(Method::POST, "/api/v1/session/link", Sent::json(&asked).by(&form)).await?;
    if answer.status().is_success() {
        return Ok(with_cookies(answer.headers(), to("/")));
    }
    let status = answer.status();
    let code = code_of(answer).await;
    let fault = match (status.as_u16(), code.as_deref()) {
        // The page says it at more length.
        (404, _) => "",
        (409, _) => c.t("This name is taken.", "이미 있는 이름입니다."),
        (422, Some("password.weak")) => c.t(WEAK.0, WEAK.1),
        (422, _) => c.t(NAME_RULE.0, NAME_RULE.1),
        (429, _) => c.t(
            "Too many attempts. Wait a minute, then try again.",
            "시도가 너무 많습니다. 1분 뒤에 다시 시도해 주세요.",
        ),
        (403, _) => c.t(
            "Passwords are taken over TLS, or on the server's own machine: ask an administrator for the address with https.",
            "비밀번호는 https 주소나 서버 컴퓨터에서만 받습니다. 관리자에게 https 주소를 물어봐 주세요.",
        ),
        _ => c.t("That could not be done. Try again.", "처리하지 못했습니다. 다시 시도해 주세요."),
    };
    Ok(again(status, fault))
}

/// What a password must be, as far as it is not that of an account.
const WEAK: (&str, &str) = (
    "The password needs at least 12 characters, and must be neither the name nor one of the usual ones.",
    "비밀번호는 12자 이상이어야 하고, 이름과 같거나 흔한 비밀번호는 쓸 수 없습니다.",
);
/// What a name must be.
pub(super) const NAME_RULE: (&str, &str) = (
    "The name needs letters of one script (or Hangul and Latin ones), digits 0 to 9 and - _ . @, beginning with a letter or digit.",
    "이름은 한 가지 문자(한글과 영문은 함께 가능)와 숫자 0-9, - _ . @ 로 적고, 글자나 숫자로 시작해 주세요.",
);

/// The code of a problem of the API.
pub(super) async fn code_of(answer: Response) -> Option<String> {
    let bytes = to_bytes(answer.into_body(), PROBLEM_MAX_BYTES).await.ok()?;
    serde_json::from_slice::<ProblemBody>(&bytes).ok().map(|problem| problem.code)
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    c: Chrome,
    session: SessionView,
    sessions: Vec<AccountSession>,
    done: Option<&'static str>,
    fault: Option<&'static str>,
}

/// One's own account.
pub(crate) async fn account(ask: Ask) -> Answer<Response> {
    own(&ask, None).await
}

async fn own(ask: &Ask, fault: Option<&'static str>) -> Answer<Response> {
    let session: SessionView = ask.get("/api/v1/session").await?;
    let sessions = match &session.account {
        Some(id) => ask.get::<Page<AccountSession>>(&format!("/api/v1/accounts/{}/sessions", part(id))).await?.items,
        None => Vec::new(),
    };
    let c = Chrome::of(ask, Here::Nowhere).await?;
    let done = match ask.done() {
        Some(Done::Password) => Some(c.lang.pick(
            "The password is changed; other sessions ended.",
            "비밀번호를 바꿨습니다. 다른 세션은 종료되었습니다.",
        )),
        Some(Done::SessionEnded) => Some(c.lang.pick("The session ended.", "세션을 종료했습니다.")),
        _ => None,
    };
    Ok(html(&AccountPage { c, session, sessions, done, fault }))
}

/// Changes one's own password.
pub(crate) async fn password(ask: Ask, Form(form): Form) -> Answer<Response> {
    let lang = ask.lang;
    if form.text("password") != form.text("again") {
        let fault = lang.pick("The two new passwords differ.", "새 비밀번호 두 개가 서로 다릅니다.");
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, own(&ask, Some(fault)).await?).into_response());
    }
    let typed = |name: &str| Typed::new(form.text(name));
    let asked = NewPassword { current: typed("current"), password: typed("password") };
    let path = "/api/v1/session/password";
    let answer = ask.raw(Method::POST, path, Sent::json(&asked).by(&form)).await?;
    if answer.status().is_success() {
        // What is said belongs to the session that goes on.
        return Ok(with_cookies(
            answer.headers(),
            notice::lead(&renewed(answer.headers()), "/account", Done::Password),
        ));
    }
    let (status, headers) = (answer.status(), answer.headers().clone());
    let answer = to_bytes(answer.into_body(), PROBLEM_MAX_BYTES).await.unwrap_or_default();
    let code = serde_json::from_slice::<ProblemBody>(&answer).ok().map(|problem| problem.code);
    let fault = match code.as_deref() {
        Some("password.wrong") => lang.pick("The password until now is another one.", "지금 비밀번호가 맞지 않습니다."),
        Some("password.weak") => lang.pick(WEAK.0, WEAK.1),
        Some("auth.throttled") => lang.pick(
            "Too many attempts. Wait a minute, then try again.",
            "시도가 너무 많습니다. 1분 뒤에 다시 시도해 주세요.",
        ),
        _ => {
            let mut response = Response::new(Body::from(answer));
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            return Err(refused(path, response).await);
        }
    };
    Ok((status, own(&ask, Some(fault)).await?).into_response())
}

/// The cookies of an answer, as the browser brings them next.
fn renewed(of: &HeaderMap) -> HeaderMap {
    let set = of.get_all(header::SET_COOKIE).iter().filter_map(|set| set.to_str().ok());
    let pairs = set.filter_map(|set| HeaderValue::from_str(set.split(';').next()?).ok());
    pairs.map(|pair| (header::COOKIE, pair)).collect()
}

/// Ends one of one's sessions.
pub(crate) async fn end_one(ask: Ask, Path(id): Path<String>, Form(form): Form) -> Answer<Response> {
    let session: SessionView = ask.get("/api/v1/session").await?;
    let account = session.account.ok_or(Failure::NotFound)?;
    let path = format!("/api/v1/accounts/{}/sessions/{}", part(&account), part(&id));
    ask.response(Method::DELETE, &path, Sent::default().by(&form)).await?;
    Ok(ask.lead("/account", Done::SessionEnded))
}

impl AccountPage {
    fn time(&self, at: &jiff::Timestamp) -> Time {
        Time(*at)
    }
}
