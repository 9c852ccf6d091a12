//! The client of the API: how commands, here and on other computers, ask a running server.
//!
//! A server is reached at a URL with a token, or through the Unix socket in its data folder without one. What it answers to an
//! error becomes an [`Error`] of the kind that the caller acts by. It needs nothing of what serves.

use std::time::Duration;

use http::Method;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    local_socket::SocketPath,
    model::error::{Error, Kind, Place, Result},
};

mod changes;
mod failure;
mod lines;
pub mod login;
mod problems;
mod sender;
pub mod wire;

pub use failure::not_yours;
pub use lines::{Line, Lines};
pub use sender::{Answer, Sender};

use wire::ASKED_BY;

/// How long one request may take, its answer included. Streams have none: they show progress.
const TIMEOUT: Duration = Duration::from_mins(10);
/// How long it may take to be connected.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What the socket is addressed as: the server wants a host in every request.
const OVER_SOCKET: &str = "http://localhost";

/// Where a server is.
#[derive(Clone, PartialEq, Eq)]
pub enum Server {
    /// At a URL, asked with a token; none where it answers without.
    At {
        /// Its base address: `https://cameo.example.com`.
        url: String,
        /// The token.
        token: Option<String>,
    },
    /// Behind the socket in this data folder.
    InFolder(std::path::PathBuf),
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({self})")
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At { url, .. } => f.write_str(url),
            Self::InFolder(folder) => write!(f, "the server of {}", folder.display()),
        }
    }
}

/// A running server's API.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    _socket: Option<SocketPath>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

/// The base address of a server as somebody wrote it, or what is wrong with it.
pub fn base_of(url: &str) -> Result<String> {
    let wrong = |(why, in_korean): (&str, &str)| {
        let doing = format!("read the server's address {url:?}: {why}; write one such as https://cameo.example.com");
        let korean =
            format!("서버 주소 {url:?} 를 읽을 수 없습니다. https://cameo.example.com 처럼 적어 주세요 ({in_korean})");
        Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean))
    };
    let Ok(mut parsed) = reqwest::Url::parse(url) else { return wrong(("it is not a URL", "주소가 아님")) };
    // The console's own page, as a browser shows its address.
    if let Some(base) = parsed.path().strip_suffix("/login").map(str::to_owned) {
        parsed.set_path(&base);
        parsed.set_query(None);
        parsed.set_fragment(None);
    }
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return wrong(("it must begin with http:// or https://", "http:// 나 https:// 로 시작해야 함"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() {
        return wrong(("it has a user or a query in it", "사용자 이름이나 ? 뒤의 내용이 있음"));
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

/// Whether a token would cross a network in the clear on its way to this address.
pub fn is_in_the_clear(base: &str) -> bool {
    let Ok(parsed) = reqwest::Url::parse(base) else { return false };
    parsed.scheme() == "http" && !is_loopback(&parsed)
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Client {
    /// The API of a server. Nothing is asked yet.
    pub fn new(server: &Server) -> Result<Self> {
        match server {
            Server::At { url, token } => Self::at(url, token.clone()),
            Server::InFolder(folder) => Self::in_folder(folder),
        }
    }

    /// The API under a base address, asked with a token where there is one.
    pub fn at(url: &str, token: Option<String>) -> Result<Self> {
        let base = base_of(url)?;
        let mut builder = builder();
        if reqwest::Url::parse(&base).is_ok_and(|url| is_loopback(&url)) {
            builder = builder.no_proxy();
        }
        Ok(Self { http: build(builder)?, base, token, _socket: None })
    }

    /// The API of the server that runs on a data folder, through the socket in it: no token is needed.
    pub fn in_folder(folder: &std::path::Path) -> Result<Self> {
        let socket = SocketPath::in_folder(folder)?;
        let http = build(builder().unix_socket(socket.as_path()))?;
        Ok(Self { http, base: OVER_SOCKET.to_owned(), token: None, _socket: Some(socket) })
    }

    /// What the server answers to a path below its base, such as `/api/v1/whoami`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.ask::<(), T>(Method::GET, path, None).await
    }

    /// What the server answers to a path, as text.
    pub async fn get_text(&self, path: &str) -> Result<String> {
        let what = self.what(&Method::GET, path);
        let response = self.send(self.request(Method::GET, path, None::<&()>).timeout(TIMEOUT), &what).await?;
        response.text().await.map_err(|error| failure::unreachable(&what, error))
    }

    /// Sends JSON and returns what is answered.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Changes what is at a path by JSON.
    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    /// Deletes what is at a path.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.ask::<(), T>(Method::DELETE, path, None).await
    }

    /// A long answer, line by line. The request has JSON where it has a body.
    pub async fn stream(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Lines> {
        let what = self.what(&method, path);
        let response = self.send(self.request(method, path, body), &what).await?;
        Ok(Lines::new(what, response))
    }

    /// The answer to a question in frames: [`Lines::next_frame`].
    pub async fn frames(&self, path: &str, question: &impl Serialize) -> Result<Lines> {
        self.stream(Method::POST, path, Some(question)).await
    }

    async fn ask<B: Serialize, T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&B>) -> Result<T> {
        let what = self.what(&method, path);
        let response = self.send(self.request(method, path, body).timeout(TIMEOUT), &what).await?;
        let bytes = response.bytes().await.map_err(|error| failure::unreachable(&what, error))?;
        serde_json::from_slice(&bytes).map_err(|error| failure::not_understood(&what, error))
    }

    fn what(&self, method: &Method, path: &str) -> String {
        format!("ask the server: {method} {}{path}", self.base)
    }

    fn request(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base)).header(ASKED_BY, "cameo");
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder, what: &str) -> Result<reqwest::Response> {
        let response = request.send().await.map_err(|error| failure::unreachable(what, error))?;
        if response.status().is_success() { Ok(response) } else { Err(failure::refused(what, response).await) }
    }
}

fn builder() -> reqwest::ClientBuilder {
    // A token is for the server that was named, and for no other that this one leads to.
    crate::tls::client().connect_timeout(CONNECT_TIMEOUT).redirect(reqwest::redirect::Policy::none())
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    builder
        .build()
        .map_err(|error| Error::new(Place::System, Kind::Misconfigured, "set up the HTTP client").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (written, base) in [
            ("https://cameo.example.com/", "https://cameo.example.com"),
            ("http://127.0.0.1:9002", "http://127.0.0.1:9002"),
            ("https://example.com/cameo/", "https://example.com/cameo"),
            ("https://cameo.example.com/login?next=%2F", "https://cameo.example.com"),
            ("https://example.com/cameo/login", "https://example.com/cameo"),
        ] {
            assert_eq!(base_of(written).unwrap(), base);
        }
        for wrong in ["cameo.example.com", "localhost:9002", "ftp://h", "http://u:p@h", "https://h/?a=b", ""] {
            let error = base_of(wrong).unwrap_err();
            assert_eq!(error.kind(), Kind::Misconfigured, "{wrong}");
        }
        assert!(is_in_the_clear("http://cameo.example.com") && is_in_the_clear("http://10.0.0.7:9002"));
        assert!(!is_in_the_clear("http://127.0.0.1:9002") && !is_in_the_clear("https://cameo.example.com"));
    }

    #[test]
    fn tokens_are_not_printed() {
        let client = Client::at("https://h", Some("hidden".to_owned())).unwrap();
        assert!(!format!("{client:?}").contains("hidden"));
    }
}
