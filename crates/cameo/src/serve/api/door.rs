//! The door of the API: who asks is found out before a handler, or a byte of a body, is.
//!
//! Whoever comes through the socket in the data folder is its owner. Over TCP a token says who asks, or the cookie of a session: then a change
//! must also bring the session's CSRF token and come from a page of ours. Before there is any token or account, this machine's own clients are
//! let in without one, as they always were: neither what came through a proxy nor what a web page sent. Wrong tokens are counted by address; a
//! right one is let in however many wrong ones came from beside it. Logging in itself is in front of the door ([`OPEN`]).

use std::sync::atomic::Ordering;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::{
    rights::{Caller, LoggedIn, needs_token},
    sessions::idle,
};
use crate::{
    client::wire::{ASKED_BY, CSRF},
    model::{
        account::{Secret, Session},
        token::{Token, TokenFault, TokenSecret},
    },
    serve::{
        audited::Who,
        http::{ClientAddress, Peer},
        login::{cookie, origin},
        problem::{Answer, Problem},
        reached::Reached,
        site::Site,
    },
};

/// What is asked by POST before anybody is known: it must come from a page of ours, or from a program that says so.
pub(super) const OPEN: [&str; 4] =
    ["/api/v1/session", "/api/v1/session/link", "/api/v1/session/link/check", "/api/v1/session/oidc"];
/// What is asked by a browser that somebody else's page sends, the provider's: it proves by its cookie that it began what it ends here.
const RETURNS: &str = "/api/v1/session/oidc/callback";
/// What the log-in page shows of it.
const SHOWN: &str = "/api/v1/session/oidc";

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
    let is_post = parts.method == Method::POST;
    let returns = is_post && parts.uri.path() == RETURNS;
    if returns || is_open(&parts) || (parts.method == Method::GET && parts.uri.path() == SHOWN) {
        let admitted = if is_open(&parts) { require_own_page(&site, &parts) } else { require_own_name(&site, &parts) };
        return match admitted {
            Ok(()) => next.run(Request::from_parts(parts, body)).await,
            Err(problem) => problem.into_response(),
        };
    }
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

fn is_open(request: &Parts) -> bool {
    request.method == Method::POST && OPEN.contains(&request.uri.path())
}

/// Also under a name of ours: what brings a token may name any host, and here no token is looked at.
fn require_own_page(site: &Site, request: &Parts) -> Answer<()> {
    let reached = request.extensions.get::<Reached>();
    let may = reached.is_some_and(|reached| {
        reached.names_us(&site.door.0.access.hosts) && origin::may_log_in(&request.headers, reached)
    });
    if may { Ok(()) } else { Err(foreign_page()) }
}

/// Under a name of ours: what brings a token may name any host, and here no token is looked at.
fn require_own_name(site: &Site, request: &Parts) -> Answer<()> {
    let reached = request.extensions.get::<Reached>();
    let may = reached.is_some_and(|reached| reached.names_us(&site.door.0.access.hosts));
    if may { Ok(()) } else { Err(foreign_page()) }
}

async fn caller_of(site: &Site, request: &Parts) -> Answer<Caller> {
    let headers = &request.headers;
    let peer = request.extensions.get::<Peer>().copied();
    let reached = request.extensions.get::<Reached>();
    let cookie = reached.map_or(cookie::Sent::Nothing, |reached| cookie::sent(headers, reached.is_tls));
    if headers.contains_key(header::AUTHORIZATION) {
        return match cookie {
            cookie::Sent::Nothing => with_token(site, request, headers).await,
            _ => Err(ambiguous("a token and the cookie of a session")),
        };
    }
    let has_cookie = match &cookie {
        cookie::Sent::Nothing => false,
        cookie::Sent::Unreadable => true,
        cookie::Sent::Several => return Err(ambiguous("the cookie of a session twice")),
        cookie::Sent::Secret(secret) => match with_session(site, request, secret).await? {
            Some(caller) => return Ok(caller),
            None => true,
        },
    };
    match peer {
        Some(Peer::LocalUser) => Ok(Caller::owner()),
        Some(Peer::Tcp(address)) if address.ip().to_canonical().is_loopback() && !site.is_closed().await? => {
            require_own_client(request)?;
            Ok(Caller::without_token("loopback"))
        }
        _ if has_cookie => Err(ended(reached)),
        _ => Err(needs_token()),
    }
}

/// Whose session it is; nobody's where it has ended.
async fn with_session(site: &Site, request: &Parts, secret: &Secret) -> Answer<Option<Caller>> {
    let Some((session, account)) = site.flow.catalog.session_of(&secret.hash()).await? else { return Ok(None) };
    let now = site.clock.now();
    if !session.holds(&account, now, idle(site)) {
        return Ok(None);
    }
    if !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        require_own_change(request, secret)?;
    }
    site.door.0.is_closed.store(true, Ordering::Relaxed);
    note_session_use(site, &session).await;
    Ok(Some(Caller::with_session(LoggedIn { account, session, secret: secret.clone() })))
}

/// A change with a cookie, which browsers send whoever asks, must be a page's of ours, twice over.
fn require_own_change(request: &Parts, secret: &Secret) -> Answer<()> {
    let reached = request.extensions.get::<Reached>();
    if reached.is_none_or(|reached| origin::of(&request.headers, reached) != origin::From::OurPage) {
        return Err(foreign_page());
    }
    let mut sent = request.headers.get_all(CSRF).iter();
    let is_right = match (sent.next(), sent.next()) {
        // Their digests are compared: how long that takes says nothing about the token.
        (Some(token), None) => Sha256::digest(token.as_bytes()) == Sha256::digest(secret.csrf()),
        _ => false,
    };
    if is_right {
        return Ok(());
    }
    let detail = "a change needs the header X-Cameo-CSRF with the csrf token of its session: load the page again";
    Err(Problem::new(StatusCode::FORBIDDEN, "request.csrf", detail))
}

fn foreign_page() -> Problem {
    let detail = format!(
        "only a page of this console may ask for this: a browser says so by Sec-Fetch-Site or Origin; a program that logs in sends {ASKED_BY}"
    );
    Problem::new(StatusCode::FORBIDDEN, "request.origin", detail)
}

fn ambiguous(what: &str) -> Problem {
    let detail = format!("the request brings {what}, and which of the two counts is not for the server to guess");
    Problem::new(StatusCode::BAD_REQUEST, "auth.ambiguous", detail)
}

/// The session has ended; its cookie goes too.
fn ended(reached: Option<&Reached>) -> Problem {
    let detail = "the session has ended: log in again";
    Problem::new(StatusCode::UNAUTHORIZED, "auth.session", detail)
        .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"cameo\""))
        .with(header::SET_COOKIE, cookie::delete(reached.is_some_and(|reached| reached.is_tls)))
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
    site.door.0.is_closed.store(true, Ordering::Relaxed);
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

/// A failure is for the log alone, as with tokens: the session ends the earlier for it.
async fn note_session_use(site: &Site, session: &Session) {
    let now = site.clock.now();
    if now.duration_since(session.last_used) < NOTE_USE_EVERY {
        return;
    }
    if let Err(error) = site.flow.catalog.note_session_use(&session.id, now).await {
        tracing::debug!(%error, session = session.id, "the use of a session was not noted");
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
    /// Whether everybody needs a token or a log-in: there is one, or ever was a token.
    pub(in crate::serve) async fn is_closed(&self) -> Answer<bool> {
        let known = &self.door.0.is_closed;
        if !known.load(Ordering::Relaxed)
            && (!self.flow.catalog.tokens("", 1).await?.is_empty() || self.flow.catalog.count_accounts().await? > 0)
        {
            known.store(true, Ordering::Relaxed);
        }
        Ok(known.load(Ordering::Relaxed))
    }
}
