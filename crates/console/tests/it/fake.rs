//! An API that answers what a test says, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use cameo::serve::{
    Api,
    http::{ClientAddress, Peer},
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Where the browser of the tests is.
pub(crate) const ADDRESS: &str = "192.0.2.7:4711";

/// A question that the API was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) what: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) peer: Option<Peer>,
    pub(crate) address: Option<ClientAddress>,
}

/// The fake.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fake {
    answers: BTreeMap<String, (u16, String)>,
    cookies: Vec<String>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A page as the browser gets it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    /// The content, without what is around it.
    pub(crate) fn main(&self) -> &str {
        let from = self.text.find("<main").unwrap_or_else(|| panic!("the page has no main part: {self:?}"));
        &self.text[from..self.text.find("</main>").expect("it ends")]
    }

    pub(crate) fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }
}

/// The answer of `/api/v1/overview`, with a vertical.
pub(crate) fn overview(live: u64, attention: u64, pending: u64) -> Value {
    let counts = json!({
        "live": live, "serving": live, "rejected": attention, "serving_older": 0, "ignored": 0, "removed": 0, "pending": pending
    });
    json!({
        "at": "2026-11-26T00:00:00Z", "total": counts, "registers_at": null,
        "verticals": [{"name": "패션", "size_set": "default/2", "counts": counts, "reasons": {"file.empty": attention}}],
        "queues": [{"name": "events", "step": "resize", "waiting": pending, "in_flight": 0, "dead": 0, "oldest": null}],
        "attention": {"total": attention, "owners": {"person_in_charge": attention}}
    })
}

/// An administrator, in a session.
pub(crate) fn session(role: &str) -> Value {
    json!({
        "name": "kim", "account": "acc1", "role": role, "verticals": null, "language": "ko", "session": "ses1",
        "csrf": "token-of-forms", "expires": null, "idle_expires": null, "has_accounts": true
    })
}

pub(crate) fn problem(status: u16, code: &str, detail: &str) -> String {
    json!({
        "type": format!("urn:cameo:{code}"), "title": "t", "status": status, "detail": detail, "code": code, "request_id": "REQ7"
    })
    .to_string()
}

impl Fake {
    /// An API with somebody who looks, and nothing to look at.
    pub(crate) fn new(role: &str) -> Self {
        Self::default().with("/api/v1/session", session(role))
    }

    /// The same with an answer to every question for this path, whatever its query; or to those of one method (`POST /path`).
    pub(crate) fn with(self, path: &str, answer: Value) -> Self {
        self.raw(path, 200, &answer.to_string())
    }

    pub(crate) fn raw(mut self, path: &str, status: u16, text: &str) -> Self {
        self.answers.insert(path.to_owned(), (status, text.to_owned()));
        self
    }

    /// With lines as long answers have them.
    pub(crate) fn lines(self, path: &str, lines: &[Value]) -> Self {
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        self.raw(path, 200, &text)
    }

    pub(crate) fn cookie(mut self, cookie: &str) -> Self {
        self.cookies.push(cookie.to_owned());
        self
    }

    fn router(&self) -> Router {
        let fake = self.clone();
        let fake = Router::new().fallback(move |request: Request| {
            let fake = fake.clone();
            async move { fake.answer(request).await }
        });
        cameo_console::routes(Api::new(fake))
    }

    async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let path = parts.uri.path().to_owned();
        self.asked.lock().unwrap().push(Asked {
            what: format!("{} {}", parts.method, parts.uri),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            peer: parts.extensions.get().copied(),
            address: parts.extensions.get().copied(),
        });
        let none = || (404, problem(404, "not_found", "there is none"));
        let of_method = self.answers.get(&format!("{} {path}", parts.method));
        let (status, text) = of_method.or_else(|| self.answers.get(&path)).cloned().unwrap_or_else(none);
        let mut response = (StatusCode::from_u16(status).unwrap(), text).into_response();
        for cookie in &self.cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie.parse().unwrap());
        }
        response
    }

    /// What it was asked, of which `what` is a part.
    pub(crate) fn asked(&self, what: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.what.contains(what)).cloned().collect()
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path).header("cookie", "cameo=s3cret"), Body::empty()).await
    }

    /// The page that an answer leads to, as the browser asks for it that got the answer.
    pub(crate) async fn follow(&self, page: &Page) -> Page {
        let set =
            page.headers.get_all(header::SET_COOKIE).iter().filter_map(|set| set.to_str().ok()?.split(';').next());
        let cookies: Vec<&str> = std::iter::once("cameo=s3cret").chain(set).collect();
        self.send(Request::get(page.location()).header("cookie", cookies.join("; ")), Body::empty()).await
    }

    /// A form of a page of this host.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Page {
        let request = Request::post(path).header("cookie", "cameo=s3cret").header("origin", "http://127.0.0.1:9002");
        self.send(request.header("content-type", "application/x-www-form-urlencoded"), Body::from(form.to_owned()))
            .await
    }

    pub(crate) async fn send(&self, request: axum::http::request::Builder, body: Body) -> Page {
        let mut request = request.header(header::HOST, "127.0.0.1:9002").body(body).unwrap();
        let address = ADDRESS.parse().unwrap();
        request.extensions_mut().insert(ClientAddress(address));
        request.extensions_mut().insert(Peer::Tcp(address));
        let response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, 8 << 20).await.unwrap().to_vec()).unwrap();
        Page { status: parts.status, headers: parts.headers, text }
    }
}
