//! Which web pages may ask the API (<https://fetch.spec.whatwg.org/#http-cors-protocol>): those of `console.cors_origins`, none by default.
//!
//! It gives nobody a right: a page needs a token as everybody does. Cookies are not allowed: sessions are for the console's own pages.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    client::wire::{ASKED_BY, REQUEST_ID},
    serve::s3_api::Cors,
};

/// How long a browser need not ask again.
const MAX_AGE: Duration = Duration::from_hours(1);

/// The layer that answers browsers.
pub(super) fn layer(origins: &Cors) -> CorsLayer {
    let origins = origins.clone();
    let allowed = move |origin: &HeaderValue, _: &Parts| origins.includes(origin);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static(ASKED_BY),
            HeaderName::from_static(REQUEST_ID),
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER, HeaderName::from_static(REQUEST_ID)])
        .max_age(MAX_AGE)
}
