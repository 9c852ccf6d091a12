//! The cookie of a session: `__Host-cameo` over TLS, plain `cameo` over HTTP.
//!
//! `SameSite=Lax`, not `Strict`: a link to a delivery that somebody sends in a chat must not end at the log-in page. Nothing is changed by
//! a GET, and every change needs the CSRF token and an origin of ours beside the cookie.

use axum::http::{HeaderMap, HeaderValue, header};

use super::oidc::{PENDING_HOLDS, Pending};
use crate::{
    client::wire::{COOKIE_IN_THE_CLEAR, COOKIE_OVER_TLS},
    model::account::Secret,
};

/// The cookie of a log-in at the provider that is under way, over TLS and over plain HTTP.
const PENDING_OVER_TLS: &str = "__Host-cameo-oidc";
const PENDING_IN_THE_CLEAR: &str = "cameo-oidc";
/// Bytes of all cookies of a request that are looked at.
const COOKIES_MAX_BYTES: usize = 16 << 10;

/// The cookie of a session in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) enum Sent {
    /// There is none.
    Nothing,
    /// One, with what cannot be a secret of ours.
    Unreadable,
    /// This one.
    Secret(Secret),
    /// Several: one of them is somebody else's doing, and which one is not for us to guess.
    Several,
}

/// Beside that of a session: logging in is no end of the one before.
fn pending_name(is_tls: bool) -> &'static str {
    if is_tls { PENDING_OVER_TLS } else { PENDING_IN_THE_CLEAR }
}

fn name(is_tls: bool) -> &'static str {
    if is_tls { COOKIE_OVER_TLS } else { COOKIE_IN_THE_CLEAR }
}

/// The cookie of a log-in at the provider that is under way; none where there is none, or more than one.
pub(in crate::serve) fn pending(headers: &HeaderMap, is_tls: bool) -> Option<Pending> {
    let mut ours = named(headers, pending_name(is_tls));
    match (ours.next(), ours.next()) {
        (Some(value), None) => Pending::parse(value),
        _ => None,
    }
}

/// `Set-Cookie` for such a log-in.
pub(in crate::serve) fn set_pending(pending: &Pending, is_tls: bool) -> HeaderValue {
    written(pending_name(is_tls), &pending.written(), is_tls, PENDING_HOLDS.as_secs().unsigned_abs())
}

/// `Set-Cookie` that deletes it.
pub(in crate::serve) fn delete_pending(is_tls: bool) -> HeaderValue {
    written(pending_name(is_tls), "", is_tls, 0)
}

/// The values of the cookies of a name.
fn named<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter(|value| value.len() <= COOKIES_MAX_BYTES);
    let pairs = cookies.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).filter(move |(key, _)| *key == name).map(|(_, value)| value)
}

/// What a request brings. The cookie of the other scheme is not looked at: over TLS one that was set in the clear says nothing.
pub(in crate::serve) fn sent(headers: &HeaderMap, is_tls: bool) -> Sent {
    let mut ours = named(headers, name(is_tls));
    match (ours.next(), ours.next()) {
        (None, _) => Sent::Nothing,
        (Some(value), None) => Secret::parse(value).map_or(Sent::Unreadable, Sent::Secret),
        _ => Sent::Several,
    }
}

/// `Set-Cookie` for a session.
pub(in crate::serve) fn set(secret: &Secret, is_tls: bool, max_age_s: u64) -> HeaderValue {
    written(name(is_tls), secret.expose(), is_tls, max_age_s)
}

/// `Set-Cookie` that deletes it.
pub(in crate::serve) fn delete(is_tls: bool) -> HeaderValue {
    written(name(is_tls), "", is_tls, 0)
}

fn written(name: &str, value: &str, is_tls: bool, max_age_s: u64) -> HeaderValue {
    let secure = if is_tls { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}");
    // Base64 and words of ours.
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (header::COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
    }

    #[test]
    fn one_cookie_of_the_scheme_counts_and_two_count_as_neither() {
        let (one, other) = (Secret::generate(), Secret::generate());
        let (a, b) = (one.expose(), other.expose());
        let secret = || Sent::Secret(one.clone());
        for (cookies, is_tls, expected) in [
            (vec![format!("cameo={a}")], false, secret()),
            (vec![format!("x=1; cameo={a};y")], false, secret()),
            (vec![format!("__Host-cameo={a}; cameo={b}")], true, secret()),
            (vec![format!("__Host-cameo={b}; cameo={a}")], false, secret()),
            (vec![format!("cameo={a}; cameo={b}")], false, Sent::Several),
            (vec![format!("cameo={a}; cameo={a}")], false, Sent::Several),
            (vec![format!("cameo={a}"), format!("cameo={b}")], false, Sent::Several),
            (vec![format!("cameo={a}")], true, Sent::Nothing),
            (vec!["cameo=x".to_owned()], false, Sent::Unreadable),
            (vec![format!("Cameo={a}; __host-cameo={a}")], true, Sent::Nothing),
            (vec![], false, Sent::Nothing),
        ] {
            let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
            assert_eq!(sent(&headers(&cookies), is_tls), expected, "{cookies:?}");
        }
    }

    #[test]
    fn the_cookie_is_for_this_host_and_no_script() {
        let (secret, now) = (Secret::generate(), jiff::Timestamp::UNIX_EPOCH);
        let begun = Pending::begin("/upload", now);
        let value = set_pending(&begun, true);
        let text = value.to_str().unwrap();
        assert!(
            text.starts_with("__Host-cameo-oidc=") && text.contains("; HttpOnly; SameSite=Lax; Max-Age=600; Secure")
        );
        assert!(!format!("{value:?}").contains(&begun.written()));
        let sent = format!("__Host-cameo-oidc={}", begun.written());
        assert_eq!(pending(&headers(&[&sent, "x=1"]), true), Some(begun));
        assert_eq!((pending(&headers(&[&sent, &sent]), true), pending(&headers(&[&sent]), false)), (None, None));
        let over_tls = set(&secret, true, 60);
        let text = over_tls.to_str().unwrap();
        assert_eq!(
            text,
            format!("__Host-cameo={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure", secret.expose())
        );
        assert!(!format!("{over_tls:?}").contains(secret.expose()));
        assert_eq!(delete(false), "cameo=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }
}
