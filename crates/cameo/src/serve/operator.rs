//! The operator's listener: the console's pages and the JSON API, side by side, behind one check of who asks.

use std::{future::Future, io};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::{
    api,
    audited::audited,
    console,
    http::{self as base, ConnectionLimits, Incoming},
    site::Site,
};

/// Serves until `shutdown` completes.
pub async fn serve(
    listener: TcpListener,
    site: Site,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    base::serve("console", listener, limits, Listener(router(site)), shutdown).await
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
        .merge(api::routes())
        // Browsers ask for it unbidden, and a 404 would stand as an error in their consoles.
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such page") })
        .layer(middleware::from_fn(harden))
        .layer(middleware::from_fn_with_state(site.clone(), audited))
        .with_state(site)
}

/// Refuses foreign host names, through which a web page could reach a loopback listener (DNS rebinding).
async fn harden(request: Request, next: Next) -> Response {
    if !base::is_this_machine(&request) {
        return (StatusCode::MISDIRECTED_REQUEST, "the console answers at its address or at localhost").into_response();
    }
    next.run(request).await
}
