//! Which web pages may use the endpoint: S3's answers to browsers (<https://fetch.spec.whatwg.org/#http-cors-protocol>).
//!
//! One rule for all buckets, from `s3.cors_origins`; off where that is empty. It gives nobody a right: requests must be signed all the
//! same. It only says whose scripts may see the answers.

use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};
use s3s::{Body, S3Error, S3ErrorCode, dto::CORSRule};

use super::errors::status;
use crate::admission::fault_of_origin;

/// The methods that an allowed page may use: all that S3 has.
const METHODS: [&str; 5] = ["GET", "HEAD", "PUT", "POST", "DELETE"];
/// How long a browser need not ask again, seconds.
const MAX_AGE_S: i32 = 3600;
/// Headers of an answer that scripts may read beside those that they always may.
const EXPOSED: [&str; 21] = [
    "ETag",
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Date",
    "Last-Modified",
    "Location",
    "Retry-After",
    "x-amz-bucket-region",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-checksum-type",
    "x-amz-mp-parts-count",
    "x-amz-request-id",
    "x-amz-storage-class",
    "x-amz-version-id",
];

/// The origins whose pages may use the endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<String>,
    /// Those of this server's own console, whose page of uploads sends files here. They are no rule that S3's clients see.
    own: Vec<String>,
}

impl Cors {
    /// These origins: each `*`, or as browsers send them (`https://photos.example.com`), with one `*` for any text in between at most.
    pub fn new(origins: &[String]) -> Result<Self, String> {
        if let Some(fault) = origins.iter().find_map(|origin| fault_of_origin(origin)) {
            return Err(fault);
        }
        Ok(Self { origins: origins.iter().map(|origin| origin.to_ascii_lowercase()).collect(), own: Vec::new() })
    }

    /// The same, and the pages of this server's console at its address (`http://127.0.0.1:9002`), on this machine under each of its names,
    /// and at that port under each of `names`.
    #[must_use]
    pub fn with_console(mut self, url: Option<&str>, names: &[String]) -> Self {
        let parts = url.and_then(|url| {
            let (scheme, authority) = url.split_once("://")?;
            let (host, port) = authority.rsplit_once(':')?;
            Some((scheme, host, port))
        });
        let Some((scheme, host, port)) = parts else { return self };
        // Browsers leave it out where it is the scheme's own.
        let port = if matches!((scheme, port), ("http", "80") | ("https", "443")) {
            String::new()
        } else {
            format!(":{port}")
        };
        let is_loopback = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let hosts = if is_loopback { &["127.0.0.1", "localhost", "[::1]"][..] } else { &[host][..] };
        let hosts = hosts.iter().copied().chain(names.iter().map(String::as_str));
        self.own = hosts.map(|host| format!("{scheme}://{host}{port}")).collect();
        self
    }

    /// As a rule of S3, where there is one.
    pub(super) fn rule(&self) -> Option<CORSRule> {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        (!self.origins.is_empty()).then(|| CORSRule {
            allowed_headers: Some(texts(&["*"])),
            allowed_methods: texts(&METHODS),
            allowed_origins: self.origins.clone(),
            expose_headers: Some(texts(&EXPOSED)),
            id: None,
            max_age_seconds: Some(MAX_AGE_S),
        })
    }

    /// Whether no page may.
    pub(in crate::serve) fn is_off(&self) -> bool {
        self.origins.is_empty()
    }

    /// Whether the pages of an origin may.
    pub(in crate::serve) fn includes(&self, origin: &HeaderValue) -> bool {
        self.allowed(origin).is_some()
    }

    /// What is answered as the allowed origin: `*` where everybody may.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.origins.iter().any(|allowed| allowed == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        if self.own.contains(&text) {
            return Some(origin.clone());
        }
        self.origins.iter().any(|allowed| matches(allowed, &text)).then(|| origin.clone())
    }

    /// Answers a browser that asks before it sends a script's request.
    pub(super) fn preflight(&self, headers: &HeaderMap) -> Result<Response<Body>, S3Error> {
        let Some(origin) = headers.get(ORIGIN) else { return Err(incomplete("Origin")) };
        let Some(method) = headers.get(ACCESS_CONTROL_REQUEST_METHOD) else {
            return Err(incomplete("Access-Control-Request-Method"));
        };
        let is_known = METHODS.iter().any(|known| known.as_bytes() == method.as_bytes());
        let allowed = self.allowed(origin).filter(|_| is_known).ok_or_else(|| self.forbidden())?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::OK;
        let answered = response.headers_mut();
        allow(answered, allowed);
        if let Some(asked) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            answered.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        answered.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_S));
        Ok(response)
    }

    /// Lets the scripts of an allowed page read an answer, an error too.
    pub(super) fn expose(&self, origin: Option<&HeaderValue>, method: &Method, headers: &mut HeaderMap) {
        let is_own = |origin: &&HeaderValue| self.own.iter().any(|own| own.as_bytes() == origin.as_bytes());
        if self.origins.is_empty() && origin.as_ref().is_none_or(|origin| !is_own(origin)) {
            return;
        }
        // Caches must keep the answers of several origins apart, those without one included.
        if !headers.contains_key(VARY) {
            headers.insert(VARY, HeaderValue::from_static(VARIES));
        }
        if let Some(allowed) = origin.and_then(|origin| self.allowed(origin)).filter(|_| method != Method::OPTIONS) {
            allow(headers, allowed);
        }
    }

    fn forbidden(&self) -> S3Error {
        let code = S3ErrorCode::Custom("AccessForbidden".into());
        let message = if self.origins.is_empty() {
            "CORSResponse: CORS is not enabled for this bucket. The server's operator can name the page's origin in s3.cors_origins."
        } else {
            "CORSResponse: This CORS request is not allowed: its origin or method is not in the server's s3.cors_origins."
        };
        status(code, message, StatusCode::FORBIDDEN)
    }
}

const VARIES: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    let text = |texts: &[&str]| HeaderValue::from_str(&texts.join(", ")).unwrap_or(HeaderValue::from_static("ETag"));
    if origin != "*" {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, text(&METHODS));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, text(&EXPOSED));
    headers.insert(VARY, HeaderValue::from_static(VARIES));
}

fn incomplete(header: &str) -> S3Error {
    let code = S3ErrorCode::Custom("BadRequest".into());
    let message = format!("Insufficient information. {header} request header needed.");
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(StatusCode::BAD_REQUEST);
    error
}

/// Whether an origin is the allowed one, in which a `*` is any text.
fn matches(allowed: &str, origin: &str) -> bool {
    match allowed.split_once('*') {
        None => allowed == origin,
        Some((start, end)) => {
            origin.len() >= start.len() + end.len() && origin.starts_with(start) && origin.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str]) -> Cors {
        Cors::new(&origins.iter().map(|&origin| origin.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn asked(cors: &Cors, headers: &[(&'static str, &str)]) -> Result<HeaderMap, (u16, String)> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let refused = |error: S3Error| (error.status_code().unwrap().as_u16(), error.code().as_str().to_owned());
        cors.preflight(&headers).map(|response| response.headers().clone()).map_err(refused)
    }

    #[test]
    fn pages_of_the_configured_origins_are_let_in_and_no_others() {
        let cors = cors(&["https://photos.example.com", "https://*.example.org"]);
        let of = |origin| asked(&cors, &[("origin", origin), ("access-control-request-method", "PUT")]);
        for origin in ["https://photos.example.com", "https://a.b.example.org", "https://Photos.Example.Com"] {
            assert_eq!(of(origin).unwrap()[ACCESS_CONTROL_ALLOW_ORIGIN], origin);
        }
        for origin in
            ["https://photos.example.com.evil.net", "http://photos.example.com", "null", "https://example.org"]
        {
            assert_eq!(of(origin).unwrap_err(), (403, "AccessForbidden".to_owned()), "{origin}");
        }
    }

    #[test]
    fn the_console_of_this_server_is_let_in_and_is_no_rule() {
        let of = |url: &str, origin: &'static str| {
            let cors = Cors::default().with_console(Some(url), &["cameo.example".to_owned()]);
            assert!(cors.is_off() && cors.rule().is_none());
            let mut headers = HeaderMap::new();
            cors.expose(Some(&HeaderValue::from_static(origin)), &Method::PUT, &mut headers);
            let asked = asked(&cors, &[("origin", origin), ("access-control-request-method", "PUT")]);
            assert_eq!(asked.is_ok(), headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{url} {origin}");
            asked.is_ok()
        };
        for origin in ["http://127.0.0.1:9002", "http://localhost:9002", "http://[::1]:9002"] {
            assert!(of("http://127.0.0.1:9002", origin), "{origin}");
        }
        assert!(of("http://10.0.0.7:9002", "http://10.0.0.7:9002"));
        for origin in ["http://127.0.0.1:9003", "https://127.0.0.1:9002", "http://evil.example:9002", "null"] {
            assert!(!of("http://127.0.0.1:9002", origin), "{origin}");
        }
        assert!(!of("http://10.0.0.7:9002", "http://localhost:9002"));
        assert!(
            of("https://127.0.0.1:9002", "https://cameo.example:9002")
                && of("https://0.0.0.0:443", "https://cameo.example")
        );
        assert!(!of("https://127.0.0.1:9002", "http://cameo.example:9002"));
    }

    #[test]
    fn what_a_page_asks_for_is_answered_as_s3_does() {
        let everybody = cors(&["*"]);
        let asks = [
            ("origin", "https://a"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "x-amz-date,content-type"),
        ];
        let headers = asked(&everybody, &asks).unwrap();
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_HEADERS], "x-amz-date,content-type");
        assert!(headers[ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap().contains("ETag"));
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS), "browsers refuse both together");
        let refused = |headers: &[(&'static str, &str)]| asked(&everybody, headers).unwrap_err();
        assert_eq!(refused(&[("origin", "https://a"), ("access-control-request-method", "TRACE")]).0, 403);
        assert_eq!(refused(&[("origin", "https://a")]), (400, "BadRequest".to_owned()));
        assert_eq!(refused(&[]), (400, "BadRequest".to_owned()));
        assert_eq!(asked(&Cors::default(), &asks).unwrap_err().0, 403, "off unless configured");
    }

    #[test]
    fn answers_can_be_read_by_allowed_pages_alone() {
        let exposed = |cors: &Cors, origin: &'static str| {
            let mut headers = HeaderMap::new();
            cors.expose(Some(&HeaderValue::from_static(origin)), &Method::GET, &mut headers);
            headers
        };
        let cors = cors(&["https://a"]);
        assert_eq!(exposed(&cors, "https://a")[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a");
        let other = exposed(&cors, "https://b");
        assert!(!other.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) && other.contains_key(VARY));
        assert!(exposed(&Cors::default(), "https://a").is_empty());
    }

    #[test]
    fn what_no_browser_sends_is_refused_as_an_origin() {
        for wrong in
            ["", "photos.example.com", "https://a/", "https://a/path", "https://", "https://*.*", "https://a,https://b"]
        {
            assert!(Cors::new(&[wrong.to_owned()]).unwrap_err().contains("not an origin"), "{wrong}");
        }
        assert!(Cors::new(&["http://localhost:5173".to_owned(), "http://[::1]:80".to_owned()]).is_ok());
    }
}
