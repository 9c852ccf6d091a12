//! The door of the API: who asks is found out before a handler, or a byte of a body, is.
//!
//! Whoever comes through the socket in the data folder is its owner. Over TCP a token says who asks. Before there is any token,
//! this machine's own clients are let in without one, as they always were: neither what came through a proxy nor what a web
//! page sent. Wrong tokens are counted by address; a right one is let in however many wrong ones came from beside it.

use std::sync::atomic::Ordering;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::SignedDuration;

use super::{
    problem::{Answer, Problem},
    rights::{Caller, needs_token},
};
use crate::{
    client::wire::ASKED_BY,
    model::token::{Token, TokenFault, TokenSecret},
    serve::{
        audited::Who,
        http::{ClientAddress, Peer},
        site::Site,
    },
};

/// How far apart the notes are of when a token was used.
const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// When somebody whose tokens are wrong may come back.
const RETRY_AFTER: &str = "60";
/// Headers that a proxy adds, and no client of this machine's own.
const OF_PROXIES: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/// Lets a request in with its [`Caller`], or answers it.
pub(super) async fn admit(State(site): State<Site>, request: Request, next: Next) -> Response {
    // A body is not for several threads to look at.
    let (parts, body) = request.into_parts();
    match caller_of(&site, &parts).await {
        Ok(caller) => {
            let mut request = Request::from_parts(parts, body);
            if let Some(who) = request.extensions().get::<Who>() {
                who.is(&caller.name);
            }
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn caller_of(site: &Site, request: &Parts) -> Answer<Caller> {
    let headers = &request.headers;
    let peer = request.extensions.get::<Peer>().copied();
    if headers.contains_key(header::AUTHORIZATION) {
        return with_token(site, request, headers).await;
    }
    match peer {
        Some(Peer::LocalUser) => Ok(Caller::without_token("local")),
        Some(Peer::Tcp(address)) if address.ip().to_canonical().is_loopback() && !site.has_tokens().await? => {
            require_own_client(request)?;
            Ok(Caller::without_token("loopback"))
        }
        _ => Err(needs_token()),
    }
}

/// What a request must be that is let in for where it came from alone: no proxy's, and no web page's of somebody else's.
fn require_own_client(request: &Parts) -> Answer<()> {
    let headers = &request.headers;
    if OF_PROXIES.iter().any(|name| headers.contains_key(*name)) {
        return Err(needs_token());
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let of_site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host = text("host").unwrap_or_default();
    let of_origin = text("origin").is_none_or(|origin| origin.split_once("://").is_some_and(|(_, at)| at == host));
    let only_reads = matches!(request.method, Method::GET | Method::HEAD);
    let is_json = text("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if of_site && of_origin && (only_reads || is_json || headers.contains_key(ASKED_BY)) {
        return Ok(());
    }
    let detail = format!(
        "a change without a token needs the header {ASKED_BY} or a body of JSON, and no other site's page may ask"
    );
    Err(Problem::new(StatusCode::FORBIDDEN, "request.origin", detail))
}

async fn with_token(site: &Site, request: &Parts, headers: &HeaderMap) -> Answer<Caller> {
    let found = match bearer(headers) {
        Some(secret) => site.flow.catalog.token_of(&secret.hash()).await?,
        None => None,
    };
    let now = site.clock.now();
    let Some(token) = found else { return Err(wrong_token(site, request).await) };
    match token.fault(now) {
        None => {}
        Some(TokenFault::Revoked) => {
            return Err(refused("auth.revoked", &format!("the token {} was revoked", token.name)));
        }
        Some(TokenFault::Expired) => {
            return Err(refused("auth.expired", &format!("the token {} has expired", token.name)));
        }
    }
    site.door.0.has_tokens.store(true, Ordering::Relaxed);
    note_use(site, &token).await;
    Ok(Caller::with_token(token))
}

fn bearer(headers: &HeaderMap) -> Option<TokenSecret> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else { return None };
    let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| TokenSecret::parse(secret.trim())).flatten()
}

/// A failure is for the log alone: the note is a help to people, and the request was let in rightly.
async fn note_use(site: &Site, token: &Token) {
    let now = site.clock.now();
    if token.last_used.is_some_and(|last| now.duration_since(last) < NOTE_USE_EVERY) {
        return;
    }
    if let Err(error) = site.flow.catalog.note_token_use(&token.id, now).await {
        tracing::debug!(%error, token = token.name, "the use of a token was not noted");
    }
}

async fn wrong_token(site: &Site, request: &Parts) -> Problem {
    let client = request.extensions.get::<ClientAddress>();
    if let Some(ClientAddress(address)) = client
        && site.door.0.failures.slow_down(address.ip()).await
    {
        let detail = "too many wrong tokens came from this address; a right one is let in at any time";
        return Problem::new(StatusCode::TOO_MANY_REQUESTS, "auth.throttled", detail)
            .with(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    refused(
        "auth.unknown_token",
        "the server knows no such token: look whether all of it was copied, and from which server it is",
    )
}

fn refused(code: &'static str, what: &str) -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        code,
        format!("{what}; an administrator makes one with `cameo token create`"),
    )
    .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"cameo\", error=\"invalid_token\""))
}

impl Site {
    /// Whether there is a token, or ever was one.
    async fn has_tokens(&self) -> Answer<bool> {
        let known = &self.door.0.has_tokens;
        if !known.load(Ordering::Relaxed) && !self.flow.catalog.tokens("", 1).await?.is_empty() {
            known.store(true, Ordering::Relaxed);
        }
        Ok(known.load(Ordering::Relaxed))
    }
}
