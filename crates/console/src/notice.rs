//! What was done a moment ago, said once on the page that a form leads to.
//!
//! An address can be made by anybody, so it says nothing: what is said is kept here, and the browser brings a cookie that names it. It is taken
//! once, on the page that it is for, by the session that did it. Of several processes another one knows nothing of it, and then nothing is said.

use std::{
    collections::VecDeque,
    sync::{LazyLock, Mutex, PoisonError},
};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use cameo::model::account::Secret;

use crate::{
    address::to,
    cookie::{cookie, session_of},
};

/// The cookie.
const COOKIE: &str = "cameo_notice";
/// How long it may take from a form to its page, seconds.
const HOLDS_S: u32 = 60;
/// Notices that nobody took yet; of more the oldest are forgotten.
const KEPT_MAX: usize = 1000;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// So many originals or dead letters go through the flow again.
    Retried(u64),
    /// So many files came back.
    BroughtBack(u64),
    /// An entity goes through the flow again.
    EntityRetried,
    /// An original came back.
    Restored,
    /// Something was left as it is.
    Left,
    /// Photos were taken down.
    Unpublished,
    /// What a delivery lacks was settled.
    Closed,
    /// And that was taken back.
    Reopened,
    /// A password was changed.
    Password,
    /// A session was ended.
    SessionEnded,
    /// People or tokens were changed.
    People,
    /// A webhook was changed or removed.
    Webhook,
    /// So many messages of a webhook are sent again.
    Replayed(u64),
}

/// A notice that waits for its page.
#[derive(Debug)]
struct Waiting {
    name: Secret,
    /// The session that did it; none where nobody logs in.
    session: Option<String>,
    page: String,
    done: Done,
}

static WAITING: LazyLock<Mutex<VecDeque<Waiting>>> = LazyLock::new(Mutex::default);

/// Leads to a page of ours, where this is said. The headers are those of the form.
pub(crate) fn lead(headers: &HeaderMap, page: &str, done: Done) -> Response {
    let (name, session) = (Secret::generate(), session_of(headers).map(str::to_owned));
    let text = format!("{COOKIE}={}; Path=/; Max-Age={HOLDS_S}; HttpOnly; SameSite=Strict", name.expose());
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.push_back(Waiting { name, session, page: page.to_owned(), done });
    let superfluous = waiting.len().saturating_sub(KEPT_MAX);
    waiting.drain(..superfluous);
    drop(waiting);
    let mut response = to(page);
    if let Ok(text) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, text);
    }
    response
}

/// What is to be said on this page, once.
pub(crate) fn take(headers: &HeaderMap, page: &str) -> Option<Done> {
    let name = Secret::parse(cookie(headers, COOKIE)?)?;
    let session = session_of(headers);
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    let is_this = |it: &Waiting| it.name == name && it.page == page && it.session.as_deref() == session;
    let at = waiting.iter().position(is_this)?;
    waiting.remove(at).map(|waiting| waiting.done)
}

/// Whether a request brings the cookie, which is of no use afterwards.
pub(crate) fn is_brought(headers: &HeaderMap) -> bool {
    cookie(headers, COOKIE).is_some()
}

/// `Set-Cookie` that deletes it.
pub(crate) fn forgotten() -> HeaderValue {
    HeaderValue::from_static("cameo_notice=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &str) -> HeaderMap {
        [(header::COOKIE, HeaderValue::from_str(cookies).unwrap())].into_iter().collect()
    }

    fn led(session: &str) -> String {
        let response = lead(&headers(&format!("cameo={session}")), "/attention", Done::Retried(3));
        let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_notice_is_said_once_on_its_page_to_whoever_did_it() {
        let notice = led("kim");
        assert_eq!(take(&headers(&format!("cameo=kim; {notice}")), "/people"), None, "another page");
        assert_eq!(take(&headers(&format!("cameo=lee; {notice}")), "/attention"), None, "somebody else");
        assert_eq!(take(&headers(&notice), "/attention"), None, "nobody");
        assert_eq!(take(&headers(&format!("cameo=kim; {notice}")), "/attention"), Some(Done::Retried(3)));
        assert_eq!(take(&headers(&format!("cameo=kim; {notice}")), "/attention"), None, "once");
        for forged in ["cameo_notice=retry", "cameo_notice=", "done=retry", ""] {
            assert_eq!(take(&headers(forged), "/attention"), None, "{forged}");
        }
    }

    #[test]
    fn notices_that_nobody_takes_are_forgotten() {
        let first = led("forgotten");
        (0..KEPT_MAX).for_each(|_| drop(led("forgotten")));
        assert_eq!(take(&headers(&format!("cameo=forgotten; {first}")), "/attention"), None);
    }
}
