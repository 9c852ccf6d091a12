//! The request of a browser, and questions to the API on its behalf.
//!
//! What the door looks at is handed on as it came: cookie, host, origin, and from where the connection is. Nothing is added that would say
//! more for the browser than it said itself. Every answer is bounded.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header, request::Parts},
    response::Response,
};
use cameo::{
    client::wire::{CSRF, CSRF_FIELD, Frame, ProblemBody},
    model::lang::Lang,
    serve::Api,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    failure::{Answer, Failure},
    form::Fields,
    notice::{self, Done},
    preferences::{Theme, lang_of},
};

/// Bytes of an answer that a page is made from, at most.
const ANSWER_MAX_BYTES: usize = 64 << 20;
/// Headers of the browser that the door looks at, or that the log and the audit trail have.
const HANDED_ON: [HeaderName; 6] =
    [header::COOKIE, header::HOST, header::ORIGIN, header::AUTHORIZATION, header::USER_AGENT, header::FORWARDED];
/// The same, which have no constants.
const HANDED_ON_TOO: [&str; 8] = [
    "sec-fetch-site",
    "sec-fetch-mode",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "via",
    "x-request-id",
];
/// A browser's request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    api: Api,
    headers: HeaderMap,
    connection: Extensions,
    /// What it asked for.
    pub(crate) uri: Uri,
    /// The language of the page.
    pub(crate) lang: Lang,
    /// Its colours.
    pub(crate) theme: Theme,
    /// What its query says.
    pub(crate) query: Fields,
}

impl FromRequestParts<Api> for Ask {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        let names = HANDED_ON.into_iter().chain(HANDED_ON_TOO.map(HeaderName::from_static));
        let mut headers = HeaderMap::new();
        for name in names {
            for value in parts.headers.get_all(&name) {
                headers.append(name.clone(), value.clone());
            }
        }
        let query = Fields::parse(parts.uri.query().unwrap_or_default());
        Ok(Self {
            api: api.clone(),
            headers,
            connection: Api::connection_of(&parts.extensions),
            lang: lang_of(&query, &parts.headers),
            theme: Theme::of(&query, &parts.headers),
            uri: parts.uri.clone(),
            query,
        })
    }
}

/// What is sent with a question.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// JSON.
    body: Option<Vec<u8>>,
    /// What proves that a page of ours asked.
    csrf: Option<String>,
}

impl Sent {
    /// JSON.
    pub(crate) fn json(body: &impl Serialize) -> Self {
        // Types of the wire have string keys alone, so that writing them cannot fail.
        Self { body: Some(serde_json::to_vec(body).unwrap_or_default()), csrf: None }
    }

    /// The same, from a form of ours.
    pub(crate) fn by(mut self, form: &Fields) -> Self {
        self.csrf = form.get(CSRF_FIELD).map(str::to_owned);
        self
    }
}

impl Ask {
    /// What the API answers, whatever it is.
    pub(crate) async fn raw(&self, method: Method, path: &str, sent: Sent) -> Answer<Response> {
        let mut request =
            Request::builder().method(method).uri(path).body(Body::empty()).map_err(|_| Failure::NotFound)?;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        if let Some(csrf) = sent.csrf.and_then(|csrf| HeaderValue::from_str(&csrf).ok()) {
            headers.insert(CSRF, csrf);
        }
        if let Some(body) = sent.body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
            *request.body_mut() = Body::from(body);
        }
        *request.extensions_mut() = self.connection.clone();
        Ok(self.api.ask(request).await)
    }

    /// What the API answers where it does what was asked.
    pub(crate) async fn response(&self, method: Method, path: &str, sent: Sent) -> Answer<Response> {
        let response = self.raw(method, path, sent).await?;
        if response.status().is_success() { Ok(response) } else { Err(refused(path, response).await) }
    }

    async fn bytes(&self, method: Method, path: &str, sent: Sent) -> Answer<Bytes> {
        let response = self.response(method, path, sent).await?;
        to_bytes(response.into_body(), ANSWER_MAX_BYTES).await.map_err(|error| Failure::garbage(path, error))
    }

    /// What the API answers to a path.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        read(path, &self.bytes(Method::GET, path, Sent::default()).await?)
    }

    /// The same of something that may be missing.
    pub(crate) async fn find<T: DeserializeOwned>(&self, path: &str) -> Answer<Option<T>> {
        match self.get(path).await {
            Err(Failure::NotFound) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Sends JSON and reads the answer.
    pub(crate) async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, sent: Sent) -> Answer<T> {
        read(path, &self.bytes(method, path, sent).await?)
    }

    /// A long answer of lines: its items, without the summary. Cut off is an error.
    pub(crate) async fn lines<T: DeserializeOwned>(&self, path: &str) -> Answer<Vec<T>> {
        let bytes = self.bytes(Method::GET, path, Sent::default()).await?;
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let is = |line: &[u8], name: &str| line.starts_with(format!("{{\"{name}\":").as_bytes());
        match lines.pop() {
            Some(last) if is(last, "summary") => {}
            Some(last) if is(last, "error") => return Err(in_stream(path, last)),
            _ => return Err(Failure::garbage(path, "the answer ended before its last line")),
        }
        lines.into_iter().filter(|line| !is(line, "progress")).map(|line| read(path, line)).collect()
    }

    /// The answer to a question in frames, the last of them included.
    pub(crate) async fn frames(&self, path: &str, sent: Sent) -> Answer<Vec<Frame>> {
        let bytes = self.bytes(Method::POST, path, sent).await?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let frames: Vec<Frame> = lines.map(|line| read(path, line)).collect::<Answer<_>>()?;
        match frames.last() {
            Some(Frame { error: Some(problem), .. }) => Err(Failure::Refused(Box::new(problem.clone()))),
            Some(Frame { summary: Some(_), .. }) => Ok(frames),
            _ => Err(Failure::garbage(path, "the answer ended before its last line")),
        }
    }

    /// Leads to a page of ours, where it is said what was done.
    pub(crate) fn lead(&self, page: &str, done: Done) -> Response {
        notice::lead(&self.headers, page, done)
    }

    /// What is to be said on this page of what was done a moment ago.
    pub(crate) fn done(&self) -> Option<Done> {
        notice::take(&self.headers, self.uri.path())
    }

    /// An answer that is handed on to the browser as it comes.
    pub(crate) async fn pass(&self, path: &str) -> Answer<Response> {
        self.response(Method::GET, path, Sent::default()).await
    }
}

fn read<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Answer<T> {
    serde_json::from_slice(bytes).map_err(|error| Failure::garbage(path, error))
}

/// The error that ended a stream.
fn in_stream(path: &str, line: &[u8]) -> Failure {
    #[derive(serde::Deserialize)]
    struct Ended {
        error: ProblemBody,
    }
    read::<Ended>(path, line).map_or_else(|failure| failure, |ended| Failure::Refused(Box::new(ended.error)))
}

/// Why the API did not do what was asked.
pub(crate) async fn refused(path: &str, response: Response) -> Failure {
    let status = response.status();
    let bytes = to_bytes(response.into_body(), ANSWER_MAX_BYTES).await.unwrap_or_default();
    let problem = serde_json::from_slice::<ProblemBody>(&bytes);
    match (status, problem) {
        (StatusCode::UNAUTHORIZED, _) => Failure::LogIn,
        (StatusCode::NOT_FOUND, _) => Failure::NotFound,
        (_, Ok(problem)) => Failure::Refused(Box::new(problem)),
        (status, Err(_)) => Failure::garbage(path, format!("status {status} without a problem document")),
    }
}
