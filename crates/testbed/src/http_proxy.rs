//! A proxy in front of an HTTP server that answers in its place: an error, a success that did nothing, or the truth, late.
//!
//! What no [`Rule`] names passes. Each connection carries one request, which is all the HTTP that it knows. It counts them by method,
//! so that a test can say what a step costs at a service that is paid by the request.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

/// The longest head of a request, bytes.
const HEAD_MAX_BYTES: usize = 64 * 1024;

/// What a PUT within S3 is counted as, whose content is that of another key.
pub const COPY: &str = "COPY";

/// What a request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This status, with this body; the server does not hear of the request.
    Status(u16, String),
    /// The server's own answer, after this time.
    Late(Duration),
}

/// Requests that are answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Methods; none: all.
    pub methods: &'static [&'static str],
    /// What the head must contain, in small letters; empty: whatever.
    pub contains: String,
    /// What it must not contain; empty: whatever.
    pub lacks: String,
    /// The answer.
    pub answer: Answer,
}

impl Rule {
    fn names(&self, head: &str) -> bool {
        let method = head.split(' ').next().unwrap_or_default();
        let is_one = self.methods.is_empty() || self.methods.contains(&method);
        let small = head.to_ascii_lowercase();
        let lacks = self.lacks.is_empty() || !small.contains(&self.lacks);
        is_one && lacks && small.contains(&self.contains)
    }
}

#[derive(Debug, Default)]
struct State {
    server: Mutex<String>,
    rules: Mutex<Vec<Rule>>,
    struck: AtomicU64,
    requests: Mutex<BTreeMap<String, u64>>,
}

impl State {
    fn count(&self, head: &str) {
        let is_copy = head.to_ascii_lowercase().contains("\r\nx-amz-copy-source:");
        let method = if is_copy { COPY } else { head.split(' ').next().unwrap_or_default() };
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(method.to_owned()).or_default() += 1;
    }

    fn answer(&self, head: &str) -> Option<Answer> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = rules.iter().find(|rule| rule.names(head))?.answer.clone();
        self.struck.fetch_add(1, Ordering::SeqCst);
        Some(answer)
    }
}

/// The proxy.
#[derive(Debug)]
pub struct HttpProxy {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub url: String,
    state: Arc<State>,
}

impl HttpProxy {
    /// A proxy on a free port, in front of the server at this address: `http://127.0.0.1:PORT`.
    /// Runs in tokio's runtime.
    pub fn start(server: &str) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let listener = TcpListener::from_std(listener).expect("a listener");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(State { server: Mutex::new(address(server)), ..State::default() });
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, shared.clone()));
            }
        });
        Self { url, state }
    }

    /// From here on it is in front of this server.
    pub fn lead_to(&self, server: &str) {
        *self.state.server.lock().unwrap_or_else(PoisonError::into_inner) = address(server);
    }

    /// From here on these rules hold, the first that names a request.
    pub fn answer(&self, rules: Vec<Rule>) {
        *self.state.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// How many requests came since the last call, by method; [`COPY`] is a method of its own.
    pub fn take_requests(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.state.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many requests were answered otherwise.
    pub fn struck(&self) -> u64 {
        self.state.struck.load(Ordering::SeqCst)
    }
}

fn address(url: &str) -> String {
    url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

async fn serve(mut client: TcpStream, state: Arc<State>) {
    let Some((head, begun)) = head_of(&mut client).await else { return };
    state.count(&head);
    match state.answer(&head) {
        Some(Answer::Status(status, body)) => {
            swallow(&mut client, &head, begun.len()).await;
            let _ = client.write_all(answer(status, &body).as_bytes()).await;
            let _ = client.shutdown().await;
            return;
        }
        Some(Answer::Late(time)) => tokio::time::sleep(time).await,
        None => {}
    }
    let server = state.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    if server.write_all(one_request(&head).as_bytes()).await.is_err() || server.write_all(&begun).await.is_err() {
        return;
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    tokio::select! {
        _ = copy(&mut from_server, &mut to_client) => {}
        () = async {
            let _ = copy(&mut from_client, &mut to_server).await;
            // The client says no more; what the server answers still passes.
            std::future::pending::<()>().await;
        } => {}
    }
}

/// The head of a request, its empty line included, and what of the body came with it.
async fn head_of(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = read.split_off(at + 4);
            return Some((String::from_utf8_lossy(&read).into_owned(), body));
        }
        let length = client.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        read.extend_from_slice(&buffer[..length]);
        if read.len() > HEAD_MAX_BYTES {
            return None;
        }
    }
}

/// The head, with the wish that the connection ends with the answer.
fn one_request(head: &str) -> String {
    let is_kept = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
    let mut lines: Vec<_> = head.trim_end().split("\r\n").filter(is_kept).collect();
    lines.push("Connection: close");
    format!("{}\r\n\r\n", lines.join("\r\n"))
}

fn answer(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Refused\r\nContent-Length: {}\r\nContent-Type: {}\r\nETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n\
        Connection: close\r\n\r\n{body}",
        body.len(),
        if body.starts_with('{') { "application/x-amz-json-1.0" } else { "application/xml" },
    )
}

/// Reads what is left of the body, as long as the head says: a client that still sends might not read the answer.
async fn swallow(client: &mut TcpStream, head: &str, begun: usize) {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut left = length.unwrap_or(0).saturating_sub(begun);
    let mut buffer = [0; 8192];
    while left > 0 {
        match client.read(&mut buffer).await {
            Ok(read) if read > 0 => left = left.saturating_sub(read),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_rule_names_is_answered_otherwise() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = server.accept().await.unwrap();
                let (head, _) = head_of(&mut client).await.unwrap();
                assert!(head.contains("Connection: close"), "{head}");
                client.write_all(b"HTTP/1.1 204 Fine\r\nConnection: close\r\n\r\n").await.unwrap();
            }
        });
        let proxy = HttpProxy::start(&format!("http://{address}"));
        let answer = Answer::Status(503, "<Error><Code>SlowDown</Code></Error>".to_owned());
        proxy.answer(vec![Rule { methods: &["PUT"], contains: "/images/".into(), lacks: String::new(), answer }]);
        let ask = async |method: &str, path: &str| {
            let mut stream = TcpStream::connect(proxy.url.trim_start_matches("http://")).await.unwrap();
            let head =
                format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nab");
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        assert!(ask("PUT", "/images/1").await.starts_with("HTTP/1.1 503"));
        assert!(ask("GET", "/images/1").await.starts_with("HTTP/1.1 204"));
        assert!(ask("PUT", "/originals/1").await.starts_with("HTTP/1.1 204"));
        assert_eq!(proxy.struck(), 1);
        assert_eq!(proxy.take_requests(), [("GET".to_owned(), 1), ("PUT".to_owned(), 2)].into());
        ask("PUT", "/images/2 HTTP/1.1\r\nX-Amz-Copy-Source: /images/1\r\nx-rest:").await;
        assert_eq!(proxy.take_requests(), [(COPY.to_owned(), 1)].into());
    }
}
