//! The page that says what went wrong: in the reader's language, with what to do, and a way on.
//!
//! Who must log in is led to the log-in page and comes back from there.

use askama::Template;
use axum::{
    http::{Method, Uri},
    response::{IntoResponse, Response},
};
use cameo::model::lang::{Lang, Text};

use crate::{
    address::{page_of, part, to},
    detail,
    failure::Failure,
    layout::{Chrome, html},
};

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    c: Chrome,
    status: u16,
    what: String,
    to_do: String,
    /// Why, in the language of the page.
    detail: Option<String>,
    request_id: Option<String>,
}

/// The page, or the way to the log-in.
pub(crate) fn page(failure: &Failure, chrome: Chrome, method: &Method, uri: &Uri) -> Response {
    if matches!(failure, Failure::LogIn) {
        // A form is not sent again: whoever logs in comes back to the page that it was on.
        let form = page_of(uri.path());
        let here = uri.path_and_query().map_or("/", |path| path.as_str());
        let here = if matches!(*method, Method::GET | Method::HEAD) { here } else { &form };
        return to(&format!("/login?next={}", part(here)));
    }
    let lang: Lang = chrome.lang;
    let status = failure.status();
    let (what, to_do) = texts(failure);
    let (what, to_do) = (what.of(lang).to_owned(), to_do.of(lang).to_owned());
    let (why, request_id) = match failure {
        Failure::Refused(problem) => (Some(detail::of_problem(problem, lang)), Some(problem.request_id.clone())),
        Failure::Foreign => {
            let text = Text::new(
                "The form came from another site's page, or the browser does not say from where.",
                "다른 사이트의 페이지에서 보낸 요청이거나, 브라우저가 출처를 알리지 않았습니다.",
            );
            (Some(text.of(lang).to_owned()), None)
        }
        Failure::Invalid(text) => (Some(text.of(lang).to_owned()), None),
        Failure::LogIn
        | Failure::NotFound
        | Failure::Garbage
        | Failure::TooLong
        | Failure::Unreadable
        | Failure::Method => (None, None),
    };
    let page = FailurePage { c: chrome, status: status.as_u16(), what, to_do, detail: why, request_id };
    (status, html(&page)).into_response()
}

/// What happened, and what to do.
fn texts(failure: &Failure) -> (Text, Text) {
    let again = Text::new("Try again in a moment.", "잠시 후 다시 시도해 주세요.");
    match failure.status().as_u16() {
        400 => (
            Text::new("The request cannot be read.", "요청을 읽을 수 없습니다."),
            Text::new(
                "Go back, load the page again, and send the form from there.",
                "이전 화면을 새로 고친 뒤 다시 보내 주세요.",
            ),
        ),
        401 => (
            Text::new("You are not logged in.", "로그인이 필요합니다."),
            Text::new("Log in and come back.", "로그인한 뒤 다시 열어 주세요."),
        ),
        403 => (
            Text::new("This is not yours to do.", "이 작업을 할 권한이 없습니다."),
            Text::new(
                "Ask an administrator for the role or the vertical.",
                "관리자에게 역할이나 버티컬 권한을 요청해 주세요.",
            ),
        ),
        404 => (
            Text::new("There is no such page.", "찾는 페이지가 없습니다."),
            Text::new(
                "Look whether the address is right. What belongs to a vertical that is not yours is not shown either.",
                "주소가 맞는지 확인해 주세요. 권한이 없는 버티컬의 내용도 보이지 않습니다.",
            ),
        ),
        405 => (
            Text::new("The page does not take that.", "이 주소로는 보낼 수 없는 요청입니다."),
            Text::new("Open it from the menu.", "메뉴에서 다시 열어 주세요."),
        ),
        413 => (
            Text::new("That is too much at once.", "한 번에 보내기에는 너무 많습니다."),
            Text::new("Send it in parts.", "나누어 보내 주세요."),
        ),
        502 => (
            Text::new("The server's answer could not be understood.", "서버의 응답을 이해하지 못했습니다."),
            Text::new(
                "Reload the page; if it stays, call the engineer.",
                "새로 고쳐 보고, 계속되면 엔지니어에게 알려 주세요.",
            ),
        ),
        503 => (
            Text::new("The server is busy or a part of it is away.", "서버가 바쁘거나 일부가 응답하지 않습니다."),
            again,
        ),
        status if status >= 500 => (
            Text::new("Something failed in the server.", "서버에서 오류가 발생했습니다."),
            Text::new(
                "Try again; if it stays, call the engineer.",
                "다시 시도해 보고, 계속되면 엔지니어에게 알려 주세요.",
            ),
        ),
        _ => (Text::new("That could not be done.", "요청을 처리하지 못했습니다."), again),
    }
}
