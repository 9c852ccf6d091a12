//! Sends one message once, and says what came of it. Clones share their connections.
//!
//! Redirects are not followed and no proxy of the environment is used: either would lead to an address that nobody checked.

use std::{
    error::Error as _,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Client, Response, StatusCode, header, redirect::Policy};
use tokio::sync::Notify;

use super::{
    Settings,
    address::CheckedNames,
    schedule::Ended,
    signature::{ID, SIGNATURE, TIMESTAMP, sign},
};
use crate::{
    escape::visible,
    model::webhook::{Attempt, Message, Webhook},
};

/// Bytes of an answer that are read, at most.
const ANSWER_MAX_BYTES: usize = 16 << 10;
/// Characters of an answer that are kept, at most.
const KEPT_MAX_CHARS: usize = 500;
/// How long the rest of an answer is waited for, which nobody needs.
const REST_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a connection that is idle is kept.
const IDLE: Duration = Duration::from_secs(30);

/// What sends.
#[derive(Debug, Clone, Default)]
pub struct Courier(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    settings: Settings,
    /// One for TLS and one without, made when they are first needed.
    clients: [OnceLock<Option<Client>>; 2],
    /// A delivery was recorded in this process.
    recorded: AtomicBool,
    /// Something may have to be looked at.
    changed: Notify,
    /// Something may have to be sent.
    to_send: Notify,
}

impl Courier {
    /// One with these settings.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner { settings, ..Inner::default() }))
    }

    /// How it sends.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Whoever waits for changes looks now: endpoints were changed, or messages are to be sent again.
    pub fn wake(&self) {
        self.0.changed.notify_one();
        self.0.to_send.notify_one();
    }

    /// A delivery was recorded: whoever looks for records looks now.
    pub fn recorded(&self) {
        self.0.recorded.store(true, Ordering::Relaxed);
        self.0.changed.notify_one();
    }

    /// Whether one was since it was asked last.
    pub(super) fn take_recorded(&self) -> bool {
        self.0.recorded.swap(false, Ordering::Relaxed)
    }

    pub(super) fn wake_sending(&self) {
        self.0.to_send.notify_one();
    }

    /// Until something changed.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Until something is to be sent.
    pub(super) async fn to_send(&self) {
        self.0.to_send.notified().await;
    }

    fn client(&self, is_tls: bool) -> Option<&Client> {
        let made = self.0.clients[usize::from(is_tls)].get_or_init(|| {
            let names = CheckedNames { reach: self.settings().reach.clone(), is_tls };
            let builder = crate::tls::client()
                .dns_resolver(Arc::new(names))
                .redirect(Policy::none())
                .no_proxy()
                .pool_idle_timeout(IDLE)
                .user_agent(concat!("cameo/", env!("CARGO_PKG_VERSION")));
            builder.build().inspect_err(|error| tracing::error!(%error, "the HTTP client of webhooks failed")).ok()
        });
        made.as_ref()
    }

    /// Sends a message.
    pub async fn send(&self, webhook: &Webhook, message: &Message, now: Timestamp) -> (Attempt, Ended) {
        let (attempt, begun) = (Attempt::begin(message, now), Instant::now());
        let answered = tokio::time::timeout(self.settings().timeout, self.ask(webhook, message, now)).await;
        let timeout = self.settings().timeout;
        let answered = answered.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")));
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let attempt = Attempt { duration_ms, ..attempt };
        match answered {
            Err(error) => (Attempt { error: Some(cut(&error)), ..attempt }, Ended::Badly { retry_after: None }),
            Ok(response) => read(response, attempt, now).await,
        }
    }

    /// The head of the answer.
    async fn ask(&self, webhook: &Webhook, message: &Message, now: Timestamp) -> Result<Response, String> {
        let reach = &self.settings().reach;
        // Again: the settings may be others than those it was made under.
        let url = reach.check_url(&webhook.url)?;
        let client = self.client(url.scheme() == "https").ok_or("the HTTP client could not be set up")?;
        let signature = sign(&webhook.secrets(now), &message.id, now, &message.payload)
            .ok_or("the endpoint's secret cannot be read: give it a new one")?;
        let request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(ID, &message.id)
            .header(TIMESTAMP, now.as_second().to_string())
            .header(SIGNATURE, signature)
            .body(message.payload.clone());
        request.send().await.map_err(|error| with_causes(&error))
    }
}

async fn read(response: Response, attempt: Attempt, now: Timestamp) -> (Attempt, Ended) {
    let status = response.status();
    let attempt = Attempt { status: Some(status.as_u16()), ..attempt };
    let retry_after = retry_after(&response, now);
    // Whatever the rest of the answer does, it was given.
    let text = tokio::time::timeout(REST_TIMEOUT, beginning(response)).await.unwrap_or_default();
    if status.is_success() {
        return (attempt, Ended::Well);
    }
    let why = match status {
        status if status.is_redirection() => {
            format!("the answer is {status}; redirects are not followed: give the URL that it leads to")
        }
        status => format!("the answer is {status}"),
    };
    let answer = Some(cut(&text)).filter(|text| !text.is_empty());
    (Attempt { error: Some(why), answer, ..attempt }, Ended::Badly { retry_after })
}

/// How long an endpoint that is busy asks to be left alone: seconds, or until a date.
fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let asks = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    if !asks.contains(&response.status()) {
        return None;
    }
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Duration::try_from(until.duration_since(now)).ok()
}

async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ANSWER_MAX_BYTES - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if bytes.len() >= ANSWER_MAX_BYTES {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The beginning of a text of others, as it can be shown.
fn cut(text: &str) -> String {
    let short: String = text.trim().chars().take(KEPT_MAX_CHARS).collect();
    visible(&short).to_string()
}

/// An error with its causes: what was wrong with a connection is in them.
fn with_causes(error: &reqwest::Error) -> String {
    // The URL may have a key in it, which lists of attempts need not show.
    let mut texts = Vec::new();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
        cause = next.source();
    }
    if texts.is_empty() { "the request failed".to_owned() } else { texts.join(": ") }
}
