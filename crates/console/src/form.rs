//! Fields of queries and forms: pairs of texts, in order, names more than once.
//!
//! A form is taken from pages of this console alone: a browser says with every POST where its page is from, and one that says nothing, or
//! somebody else, is refused before anything is asked of the API.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use percent_encoding::percent_decode_str;

use crate::{address::part, failure::Failure};

/// Bytes of a form, at most: 1,000 keys of 1 KiB, and a list of ids that was pasted.
const FORM_MAX_BYTES: usize = 3 << 20;

/// Fields by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL, section 5.1), which reads anything.
    pub(crate) fn parse(text: &str) -> Self {
        let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(a, b)| (decode(a), decode(b))).collect(),
        )
    }

    /// The first of this name, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    }

    /// The first of this name as it was typed; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether there is a field of this name, be it empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// All of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Names of files in a field of this name, as [`named`](crate::show::named) writes them; none where one of them is empty or none is there.
    pub(crate) fn names(&self, name: &str) -> Option<Vec<String>> {
        let names: Option<Vec<String>> = self.all(name).iter().map(|text| unnamed(text)).collect();
        names.filter(|names| !names.is_empty())
    }

    /// The fields as a query, those of `without` left out.
    pub(crate) fn query_without(&self, without: &[&str]) -> String {
        let kept = self.0.iter().filter(|(key, value)| !without.contains(&key.as_str()) && !value.is_empty());
        kept.map(|(key, value)| format!("{}={}", part(key), part(value))).collect::<Vec<_>>().join("&")
    }
}

/// A name as a form of ours has it, which is [`named`](crate::show::named) the other way round; none of an empty one, or of what is no text.
pub(crate) fn unnamed(text: &str) -> Option<String> {
    let name = percent_decode_str(text).decode_utf8().ok()?;
    (!name.is_empty()).then(|| name.into_owned())
}

/// A form of a page of ours.
#[derive(Debug)]
pub(crate) struct Form(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if !is_of_our_page(request.headers()) {
            return Err(Failure::Foreign);
        }
        let bytes = to_bytes(request.into_body(), FORM_MAX_BYTES).await.map_err(|_| Failure::TooLong)?;
        Ok(Self(Fields::parse(&String::from_utf8_lossy(&bytes))))
    }
}

/// Whether the page that a form is from is one of this host. Browsers say so (Fetch, section 3.2; Fetch Metadata), and no page can say it for
/// them.
fn is_of_our_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = text(header::HOST.as_str());
    let origin = text("origin").and_then(|origin| origin.split_once("://")).map(|(_, at)| at);
    origin.is_some() && origin == host
}

/// A path of this console to go to next: nothing that a browser would take for another host's (`//host`, `/\host`, `https:`).
pub(crate) fn own_path(asked: Option<&str>) -> String {
    let is_own = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains(['\\', '\t', '\n', '\r'])
            && path.bytes().all(|byte| byte.is_ascii_graphic())
            // Browsers take such steps out, and what is left may begin with two slashes.
            && !path.split(['/', '?', '#']).any(|step| matches!(step, "." | ".."))
    };
    asked.filter(is_own).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let fields = Fields::parse("a=1&b=%ED%8C%A8+%2B&a=2&empty=&c");
        assert_eq!((fields.get("a"), fields.get("b")), (Some("1"), Some("패 +")));
        assert_eq!((fields.get("empty"), fields.get("c"), fields.text("nothing")), (None, None, ""));
        assert_eq!(fields.all("a"), ["1", "2"]);
        assert_eq!(fields.query_without(&["a", "c"]), "b=%ED%8C%A8%20%2B");
        assert_eq!(Fields::parse("%FF=%zz").0, [("\u{fffd}".to_owned(), "%zz".to_owned())]);
    }

    #[test]
    fn the_next_page_is_one_of_ours() {
        for own in ["/", "/attention?owner=engineer", "/verticals/%ED%8C%A8"] {
            assert_eq!(own_path(Some(own)), own);
        }
        for foreign in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "",
            "/\t/evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//../evil.example",
            "evil",
        ] {
            assert_eq!(own_path(Some(foreign)), "/", "{foreign:?}");
        }
        assert_eq!(own_path(None), "/");
    }

    #[test]
    fn a_form_of_another_page_is_refused() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), (*value).parse().unwrap()));
            is_of_our_page(&pairs.collect())
        };
        assert!(of(&[("host", "127.0.0.1:9002"), ("sec-fetch-site", "same-origin")]));
        assert!(of(&[("host", "127.0.0.1:9002"), ("origin", "http://127.0.0.1:9002")]));
        for foreign in [
            &[("host", "127.0.0.1:9002")][..],
            &[("host", "127.0.0.1:9002"), ("origin", "null")],
            &[("host", "127.0.0.1:9002"), ("origin", "http://evil.example")],
            &[("host", "127.0.0.1:9002"), ("origin", "http://127.0.0.1:9003")],
            &[("host", "127.0.0.1:9002"), ("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:9002")],
            &[("host", "127.0.0.1:9002"), ("sec-fetch-site", "cross-site")],
            &[("origin", "http://")],
        ] {
            assert!(!of(foreign), "{foreign:?}");
        }
    }
}
