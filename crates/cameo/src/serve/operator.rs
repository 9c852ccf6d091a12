//! The operator's listener: the JSON API, which alone decides who may what, and beside it pages that ask it.

use std::{future::Future, io, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use tower::ServiceExt;

use super::{
    api,
    audited::audited,
    http::{self as base, Accept, ClientAddress, ConnectionLimits, Incoming, OverTls, Peer},
    pages::{Api, Pages},
    plain_page,
    policy::{Policy, SANDBOX},
    reached::{self, Reached},
    request_id::is_of_api,
    site::Site,
};

/// Serves until `shutdown` completes: on an address, or on the socket in the data folder, where there are no pages.
pub async fn serve(
    name: &'static str,
    listener: impl Accept,
    site: Site,
    pages: Option<Pages>,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    base::serve(name, listener, limits, Listener(with_pages(site, pages)), shutdown).await
}

#[derive(Clone)]
struct Listener(Router);

impl base::Service for Listener {
    type Body = Body;

    /// Browsers guess no type, and let no other site hold our windows or load what is ours.
    const HEADERS: &'static [(&'static str, &'static str)] = &[
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
        ("x-frame-options", "DENY"),
    ];

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response> {
        self.0.clone().oneshot(request.map(Body::new)).await.map_err(io::Error::other)
    }

    /// Whoever asks for a page and whoever asks the API: no path is looked at where the host has no reading.
    fn refuse(&self, status: StatusCode, why: &'static str) -> Response {
        let mut response = (status, format!("{why}\n{}\n", plain_page::UNREADABLE_HOST)).into_response();
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
        response
    }

    fn unreadable(status: StatusCode) -> Option<Bytes> {
        Some(plain_page::whole(status, Self::HEADERS))
    }
}

/// The routes of the API.
pub fn router(site: Site) -> Router {
    let policy = Arc::new(Policy::of(&site));
    of_api(site, policy)
}

fn of_api(site: Site, policy: Arc<Policy>) -> Router {
    api::routes(&site)
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(site.clone(), harden))
        .layer(middleware::from_fn_with_state(site.clone(), audited))
        .layer(middleware::from_fn(api::finish))
        .layer(middleware::from_fn_with_state(policy, secure))
        .layer(middleware::from_fn_with_state(site.clone(), reach))
        .with_state(site)
}

/// The routes of the API, and at every other path these pages.
pub fn with_pages(site: Site, pages: Option<Pages>) -> Router {
    let policy = Arc::new(Policy::of(&site));
    let api = of_api(site.clone(), policy.clone());
    let Some(pages) = pages else { return api };
    let pages = pages(Api::new(api.clone()))
        .layer(middleware::from_fn_with_state(site.clone(), harden))
        .layer(middleware::from_fn_with_state(policy, secure))
        .layer(middleware::from_fn_with_state(site, reach));
    Router::new().fallback(move |request: Request| {
        let asked = if is_of_api(request.uri().path()) { api.clone() } else { pages.clone() };
        asked.oneshot(request)
    })
}

/// Finds out how a request reached us, for everything behind it: [`Reached`] and [`ClientAddress`] are as the browser's.
async fn reach(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let (peer, is_tls) = (extensions.get::<Peer>().copied(), extensions.get::<OverTls>().is_some());
    match reached::of(&site.door.0.access, (peer, is_tls), request.uri(), request.headers()) {
        Ok((reached, client)) => {
            if let Some(client) = client {
                request.extensions_mut().insert(ClientAddress(client));
            }
            request.extensions_mut().insert(reached);
            next.run(request).await
        }
        Err(_) if !is_of_api(request.uri().path()) => {
            plain_page::page(StatusCode::BAD_REQUEST, plain_page::UNREADABLE_PROXY)
        }
        Err(what) => {
            let text = format!("the proxy in front sends {what} that cannot be read; see console.trusted_proxies");
            (StatusCode::BAD_REQUEST, text).into_response()
        }
    }
}

/// Adds what an answer does not say itself: what a page may load, that nothing is kept, and that nobody hears where a browser has been.
async fn secure(State(policy): State<Arc<Policy>>, request: Request, next: Next) -> Response {
    let csp = policy.header(request.extensions().get::<Reached>());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(csp);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    response
}

async fn unknown(request: Request) -> Response {
    if is_of_api(request.uri().path()) {
        return api::unknown();
    }
    (StatusCode::NOT_FOUND, "no such page").into_response()
}

/// Whether a request may name any host: one that brings a token, which no page of somebody else's has, and a browser's question before it.
fn may_name_any_host(request: &Request) -> bool {
    let brings_token = request.headers().contains_key(header::AUTHORIZATION);
    is_of_api(request.uri().path()) && (brings_token || request.method() == Method::OPTIONS)
}

/// Refuses foreign host names, through which a web page could reach a loopback listener (DNS rebinding).
async fn harden(State(site): State<Site>, request: Request, next: Next) -> Response {
    let hosts = &site.door.0.access.hosts;
    let names_us = request.extensions().get::<Reached>().is_some_and(|reached| reached.names_us(hosts));
    if !names_us && !may_name_any_host(&request) {
        if !is_of_api(request.uri().path()) {
            return plain_page::page(StatusCode::MISDIRECTED_REQUEST, plain_page::FOREIGN_NAME);
        }
        return (StatusCode::MISDIRECTED_REQUEST, plain_page::FOREIGN_NAME.english).into_response();
    }
    next.run(request).await
}
