//! Addresses: a text as a part of one, the page that a form is on, and leading a browser to a page of ours.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a part of a path or of a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Pairs as the end of a query that has something before them.
pub(crate) fn and<'v>(pairs: impl IntoIterator<Item = (&'v str, &'v str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        query.extend(["&", name, "=", &part(value)]);
    }
    query
}

/// A text as a part of a path, or a value of a query.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// The page that a form is on, by the path that the form is sent to; of other paths themselves.
pub(crate) fn page_of(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["verticals", vertical, cd_idx, _] => format!("/verticals/{vertical}/{cd_idx}"),
        ["deliveries", delivery, "act"] => format!("/deliveries/{delivery}"),
        [page @ ("attention" | "people" | "account" | "lookup"), ..] => format!("/{page}"),
        ["lookup.csv"] => "/lookup".to_owned(),
        ["logout"] => "/".to_owned(),
        _ => path.to_owned(),
    }
}

/// Leads whoever opens the address of a form to its page.
pub(crate) async fn to_its_page(uri: Uri) -> Response {
    to(&page_of(uri.path()))
}

/// Leads to another page of ours (303: with GET, whatever came before).
pub(crate) fn to(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
