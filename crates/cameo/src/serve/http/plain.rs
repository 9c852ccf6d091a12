//! Requests that are plain enough to be answered without hyper: GET and HEAD of a path without an escape, on a connection that is kept.
//!
//! Read by httparse, as hyper does, and with the same rule for the host. Whatever decides where a request ends, or what becomes of the
//! connection (a body, an expectation, an upgrade, another version), is not plain; nor is what the grammar refuses. Those are hyper's,
//! which gets them byte for byte: so no request has a second reading, and a refusal has one text.

use std::mem::MaybeUninit;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::host;
use crate::admission::ConnectionLimits;

/// Headers of a plain request, at most.
const HEADERS_MAX: usize = 64;
/// Bytes of the head of a plain request, at most.
pub(super) const HEAD_MAX_BYTES: usize = 8 * 1024;
/// The conditions of a plain request: of the others, and of ranges, there are few, and their answers have more forms.
const CONDITIONS: [&str; 2] = ["if-none-match", "if-modified-since"];
/// Names, and beginnings of names, of headers that make a request hyper's.
const NOT_PLAIN: [&str; 10] = [
    "content-",
    "expect",
    "http2-settings",
    "if-",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A plain request.
#[derive(Debug)]
pub(crate) struct PlainRequest<'b> {
    /// HEAD rather than GET.
    pub(crate) head_only: bool,
    /// The path: a slash, and behind it letters, digits, `.`, `_`, `-`, `~` and slashes alone.
    pub(crate) path: &'b str,
    /// `If-None-Match` and `If-Modified-Since`, where they were sent.
    pub(crate) conditions: HeaderMap,
}

/// What the bytes that came begin with.
#[derive(Debug)]
pub(super) enum Read<'b> {
    /// A head that is not whole yet.
    Partial,
    /// A plain request, and the length of its head.
    Plain(PlainRequest<'b>, usize),
    /// Anything else.
    Other,
}

/// Reads the head of the next request.
pub(super) fn read<'b>(bytes: &'b [u8], limits: &ConnectionLimits) -> Read<'b> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_MAX_BYTES.min(limits.headers_max_bytes) => {
            return Read::Partial;
        }
        _ => return Read::Other,
    };
    let is_small = length < limits.headers_max_bytes && request.headers.len() < limits.headers_max;
    match plain(&request).filter(|_| is_small) {
        Some(plain) => Read::Plain(plain, length),
        None => Read::Other,
    }
}

fn plain<'b>(request: &httparse::Request<'_, 'b>) -> Option<PlainRequest<'b>> {
    let head_only = match request.method? {
        "GET" => false,
        "HEAD" => true,
        _ => return None,
    };
    let path = request.path.filter(|path| is_plain_path(path))?;
    if request.version? != 1 {
        return None;
    }
    let (mut conditions, mut hosts) = (HeaderMap::new(), 0);
    for header in request.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("host") {
            hosts += 1;
            host::authority(std::str::from_utf8(header.value).ok()?)?;
        } else if is("connection") {
            header.value.eq_ignore_ascii_case(b"keep-alive").then_some(())?;
        } else if CONDITIONS.iter().any(|name| is(name)) {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            conditions.append(name, HeaderValue::from_bytes(header.value).ok()?);
        } else if NOT_PLAIN.iter().any(|name| begins(header.name, name)) {
            return None;
        }
    }
    (hosts == 1).then_some(PlainRequest { head_only, path, conditions })
}

fn begins(name: &str, with: &str) -> bool {
    name.len() >= with.len() && name.as_bytes()[..with.len()].eq_ignore_ascii_case(with.as_bytes())
}

fn is_plain_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~' | b'/');
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(head: &str) -> &'static str {
        match read(head.as_bytes(), &ConnectionLimits::default()) {
            Read::Partial => "partial",
            Read::Plain(..) => "plain",
            Read::Other => "other",
        }
    }

    fn with(header: &str) -> &'static str {
        kind(&format!("GET /v/sq/1_sq_0.jpg HTTP/1.1\r\nHost: h:80\r\n{header}\r\n\r\n"))
    }

    #[test]
    fn what_browsers_and_caches_send_is_plain() {
        for header in [
            "Accept: image/avif,*/*;q=0.8\r\nReferer: https://example.com/?q=%20",
            "User-Agent: curl/8",
            "connection: Keep-Alive",
            "If-None-Match: \"e\"\r\nif-modified-since: Fri, 02 Jan 1970 00:00:00 GMT",
            "X-Forwarded-For: 10.0.0.7\r\nVia: 1.1 cache",
            "Cookie: a=b",
        ] {
            assert_eq!(with(header), "plain", "{header}");
        }
        assert_eq!(kind("HEAD /a HTTP/1.1\r\nhost: h\r\n\r\n"), "plain");
    }

    #[test]
    fn what_decides_about_ends_bodies_or_the_connection_is_not() {
        for header in [
            "Content-Length: 0",
            "content-length: 5",
            "Transfer-Encoding: chunked",
            "Expect: 100-continue",
            "Upgrade: h2c",
            "TE: trailers",
            "Connection: close",
            "Connection: keep-alive, upgrade",
            "Connection: keep-alive\r\nConnection: close",
            "Range: bytes=0-9",
            "If-Range: \"e\"",
            "If-Match: \"e\"",
            "Host: h",
            "Content-Length : 5",
            "X: a\r\n Content-Length: 5",
            "X: a\rContent-Length: 5",
            "X\u{0}: a",
        ] {
            assert_eq!(with(header), "other", "{header:?}");
        }
        for head in [
            "POST /a HTTP/1.1\r\nhost: h\r\n\r\n",
            "get /a HTTP/1.1\r\nhost: h\r\n\r\n",
            "GET /a HTTP/1.0\r\nhost: h\r\n\r\n",
            "GET /a HTTP/1.1\r\n\r\n",
            "GET /a HTTP/1.1\r\nhost: a,b\r\n\r\n",
            "GET http://h/a HTTP/1.1\r\nhost: h\r\n\r\n",
            "GET //a HTTP/1.1\r\nhost: h\r\n\r\n",
            "GET /a%20b HTTP/1.1\r\nhost: h\r\n\r\n",
            "GET /a?b HTTP/1.1\r\nhost: h\r\n\r\n",
            "GET  /a HTTP/1.1\r\nhost: h\r\n\r\n",
            "GET * HTTP/1.1\r\nhost: h\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(kind(head), "other", "{head:?}");
        }
    }

    #[test]
    fn a_head_is_read_when_it_is_whole_and_no_further() {
        let head = "GET /a HTTP/1.1\r\nhost: h\r\n\r\n";
        for length in 0..head.len() {
            assert_eq!(kind(&head[..length]), "partial", "{length}");
        }
        let two = format!("{head}GET /b HTTP/1.1\r\nho");
        let Read::Plain(request, length) = read(two.as_bytes(), &ConnectionLimits::default()) else {
            panic!("it is plain")
        };
        assert_eq!((request.path, length), ("/a", head.len()));
    }

    #[test]
    fn what_is_large_is_left_to_hyper() {
        let long = format!("X: {}", "a".repeat(HEAD_MAX_BYTES));
        assert_eq!(with(&long), "plain", "it came whole, and hyper's limit is larger");
        assert_eq!(kind(&format!("GET /a HTTP/1.1\r\nhost: h\r\n{long}")), "other", "it is not waited for");
        assert_eq!(with(&vec!["X: a"; HEADERS_MAX].join("\r\n")), "other");
        let limits = ConnectionLimits { headers_max: 2, ..ConnectionLimits::default() };
        assert!(matches!(read(b"GET /a HTTP/1.1\r\nhost: h\r\nx: y\r\n\r\n", &limits), Read::Other));
        let limits = ConnectionLimits { headers_max_bytes: 20, ..ConnectionLimits::default() };
        assert!(matches!(read(b"GET /a HTTP/1.1\r\nhost: h\r\n\r\n", &limits), Read::Other));
    }
}
