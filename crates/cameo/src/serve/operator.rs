//! The operator's listener: the console's pages and the JSON API, side by side, behind one check of who asks.

use std::{future::Future, io};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::ServiceExt;

use super::{
    api,
    audited::audited,
    console,
    http::{self as base, Accept, ConnectionLimits, Incoming},
    site::Site,
};

/// Serves until `shutdown` completes: on an address, or on the socket in the data folder.
pub async fn serve(
    name: &'static str,
    listener: impl Accept,
    site: Site,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    base::serve(name, listener, limits, Listener(router(site)), shutdown).await
}

#[derive(Clone)]
struct Listener(Router);

impl base::Service for Listener {
    type Body = Body;

    /// Browsers load nothing but images and our style, keep nothing, and tell nobody where they have been.
    const HEADERS: &'static [(&'static str, &'static str)] = &[
        (
            "content-security-policy",
            "default-src 'none'; img-src *; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ];

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response> {
        self.0.clone().oneshot(request.map(Body::new)).await.map_err(io::Error::other)
    }

    fn refuse(&self, status: StatusCode, why: &'static str) -> Response {
        (status, why).into_response()
    }
}

/// The routes of both.
pub fn router(site: Site) -> Router {
    console::routes()
        .merge(api::routes(&site))
        // Browsers ask for it unbidden, and a 404 would stand as an error in their consoles.
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(unknown)
        .layer(middleware::from_fn(harden))
        .layer(middleware::from_fn_with_state(site.clone(), audited))
        .layer(middleware::from_fn(api::finish))
        .with_state(site)
}

async fn unknown(request: Request) -> Response {
    if api::is_of_api(request.uri().path()) {
        return api::unknown();
    }
    (StatusCode::NOT_FOUND, "no such page").into_response()
}

/// Whether a request may name any host: one that brings a token, which no page of somebody else's has, and a browser's question before it.
fn may_name_any_host(request: &Request) -> bool {
    let brings_token = request.headers().contains_key(header::AUTHORIZATION);
    api::is_of_api(request.uri().path()) && (brings_token || request.method() == Method::OPTIONS)
}

/// Refuses foreign host names, through which a web page could reach a loopback listener (DNS rebinding).
async fn harden(request: Request, next: Next) -> Response {
    if !base::is_this_machine(&request) && !may_name_any_host(&request) {
        return (StatusCode::MISDIRECTED_REQUEST, "the console answers at its address or at localhost").into_response();
    }
    next.run(request).await
}
