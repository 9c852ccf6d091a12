//! Whether a change was asked for by a page of ours, as the browser says it: `Sec-Fetch-Site` and `Origin`.
//!
//! Browsers send both by themselves and no page can change them. Under `Referrer-Policy: no-referrer` a form is sent with `Origin: null`
//! (Fetch, "append a request Origin header"), so `null` counts as unknown, and only as long as `Sec-Fetch-Site` says what it is.

use axum::http::{HeaderMap, header};

use crate::{client::wire::ASKED_BY, serve::reached::Reached};

/// What a browser says of where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) enum From {
    /// A page of this console.
    OurPage,
    /// Somebody else's page, or one that hides what it is.
    Elsewhere,
    /// Nobody says.
    Unknown,
}

/// Where a request came from.
pub(in crate::serve) fn of(headers: &HeaderMap, reached: &Reached) -> From {
    let site = one(headers, "sec-fetch-site");
    let origin = one(headers, header::ORIGIN.as_str());
    match (site, origin) {
        (Said::Nothing, Said::Nothing) => From::Unknown,
        (Said::Text("same-origin"), Said::Nothing | Said::Text("null")) => From::OurPage,
        (Said::Nothing | Said::Text("same-origin"), Said::Text(origin)) if reached.is_origin(origin) => From::OurPage,
        _ => From::Elsewhere,
    }
}

/// Whether a request that needs no session may change something: a page of ours asks, or a program that says so with a header which no page
/// of somebody else's can send.
pub(in crate::serve) fn may_log_in(headers: &HeaderMap, reached: &Reached) -> bool {
    match of(headers, reached) {
        From::OurPage => true,
        From::Elsewhere => false,
        From::Unknown => headers.contains_key(ASKED_BY),
    }
}

enum Said<'h> {
    Nothing,
    Text(&'h str),
    /// Twice, or not as text.
    Unclear,
}

fn one<'h>(headers: &'h HeaderMap, name: &str) -> Said<'h> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Said::Nothing,
        (Some(value), None) => value.to_str().map_or(Said::Unclear, Said::Text),
        _ => Said::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_page_of_the_same_origin_is_ours() {
        let reached = Reached { is_tls: true, authority: "cameo.example".to_owned() };
        for (site, origin, expected) in [
            (Some("same-origin"), None, From::OurPage),
            (Some("same-origin"), Some("null"), From::OurPage),
            (Some("same-origin"), Some("https://cameo.example"), From::OurPage),
            (None, Some("https://Cameo.Example"), From::OurPage),
            (None, Some("null"), From::Elsewhere),
            (None, Some("http://cameo.example"), From::Elsewhere),
            (None, Some("https://cameo.example:8443"), From::Elsewhere),
            (None, Some("https://cameo.example.evil.example"), From::Elsewhere),
            (None, Some("https://evil.example/cameo.example"), From::Elsewhere),
            (Some("same-origin"), Some("https://evil.example"), From::Elsewhere),
            (Some("same-site"), Some("https://cameo.example"), From::Elsewhere),
            (Some("cross-site"), Some("null"), From::Elsewhere),
            (Some("cross-site"), None, From::Elsewhere),
            (Some("none"), None, From::Elsewhere),
            (None, None, From::Unknown),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(of(&headers, &reached), expected, "{headers:?}");
            assert_eq!(may_log_in(&headers, &reached), expected == From::OurPage);
            headers.insert(ASKED_BY, HeaderValue::from_static("cli"));
            assert_eq!(may_log_in(&headers, &reached), expected != From::Elsewhere, "{headers:?}");
        }
        let twice: HeaderMap = ["https://cameo.example", "https://cameo.example"]
            .map(|origin| (header::ORIGIN, HeaderValue::from_static(origin)))
            .into_iter()
            .collect();
        assert_eq!(of(&twice, &reached), From::Elsewhere);
    }
}
