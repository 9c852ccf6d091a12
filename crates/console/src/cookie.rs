//! Cookies: those that a browser brings, and those of an answer of the API, which are handed on.

use axum::{
    http::{HeaderMap, header},
    response::Response,
};
use cameo::client::wire::{COOKIE_IN_THE_CLEAR, COOKIE_OVER_TLS};

/// The first cookie of this name.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// What a request brings of a session, whether or not it holds: it is compared, and never shown.
pub(crate) fn session_of(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE_OVER_TLS).or_else(|| cookie(headers, COOKIE_IN_THE_CLEAR))
}

/// The cookies of an answer of the API, on one of ours.
pub(crate) fn with_cookies(of: &HeaderMap, mut response: Response) -> Response {
    for cookie in of.get_all(header::SET_COOKIE) {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    response
}
