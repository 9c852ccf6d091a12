//! Between the signature of a request and its operation.
//!
//! The service checks the signature over what was sent, and then reads less than S3 does: headers in ASCII, ranges in one form, XML in
//! part. Changing a request before its signature is checked would break the signature, so there are two services: the outer one
//! checks who signed, and hands the request over; what the inner one would misread is put into forms that it understands, or beside it.
//!
//! The inner service sees no signature. Who signed goes with the request, in its extensions, which nothing from outside can set.

use std::{borrow::Cow, collections::HashMap, net::IpAddr};

use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
    header::{self, CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use s3s::{
    Body, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, TrailingHeaders, access::S3AccessContext,
    auth::Credentials, region::Region, route::S3Route, s3_error, service::S3Service,
};

use super::{errors, operations::body_matches, xml};

/// Names of a query that belong to the signature.
const OF_THE_SIGNATURE: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
];
/// Headers that describe an object in the uploader's own words, which need not be ASCII.
const TEXTS: [HeaderName; 5] = [
    header::CONTENT_DISPOSITION,
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
];
/// What a PUT names in its query where its body is XML.
const PUT_XML: [&str; 4] = ["acl", "tagging", "retention", "legal-hold"];
/// Bytes of the source of a copy that are not to be in a header as they are.
const NOT_IN_A_HEADER: &AsciiSet = &CONTROLS.add(b' ');

/// Who signed a request, and what else the outer service found out.
#[derive(Debug, Clone)]
struct Signer {
    credentials: Credentials,
    region: Option<Region>,
    service: Option<String>,
    trailing_headers: Option<TrailingHeaders>,
}

/// `Range` and `If-Range` of a request, which the operations read themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct AskedRange(pub(super) HeaderMap);

/// Descriptions that are not ASCII.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts(HashMap<HeaderName, String>);

/// Marks an answer that has a part of an object: the service leaves out that status where only headers are sent.
#[derive(Debug, Clone)]
pub(super) struct PartialContent;

impl Texts {
    /// The description that a header gives, where it is not ASCII.
    pub(super) fn take(extensions: &Extensions, name: &HeaderName) -> Option<String> {
        extensions.get::<Self>()?.0.get(name).cloned()
    }
}

/// The credentials that signed, told to either service.
pub(super) fn credentials(cx: &mut S3AccessContext<'_>) -> Option<Credentials> {
    let own = cx.credentials().cloned();
    own.or_else(|| cx.extensions_mut().get::<Signer>().map(|signer| signer.credentials.clone()))
}

/// A request with its signer where operations look for him.
pub(super) fn with_signer<T>(mut request: S3Request<T>) -> S3Request<T> {
    if let Some(signer) = request.extensions.remove::<Signer>() {
        request.credentials = Some(signer.credentials);
        request.region = signer.region;
        request.service = signer.service;
        request.trailing_headers = signer.trailing_headers;
    }
    request
}

/// The way from the outer service to the inner one.
pub(super) struct Verified {
    /// The service that reads and answers.
    pub(super) inner: S3Service,
    /// A text in XML, bytes, at most.
    pub(super) xml_max_bytes: usize,
}

#[async_trait::async_trait]
impl S3Route for Verified {
    /// Everything but forms, which the outer service has taken apart.
    fn is_match(&self, method: &Method, _: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        let is_multipart = |kind: &HeaderValue| kind.as_bytes().to_ascii_lowercase().starts_with(b"multipart/");
        method != Method::POST || !headers.get_all(CONTENT_TYPE).iter().any(is_multipart)
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        match request.credentials {
            Some(_) => Ok(()),
            None => Err(s3_error!(AccessDenied, "Requests must be signed with an access key, by AWS4-HMAC-SHA256.")),
        }
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let S3Request {
            input,
            method,
            uri,
            mut headers,
            mut extensions,
            credentials,
            region,
            service,
            trailing_headers,
        } = request;
        let credentials = credentials.ok_or_else(|| s3_error!(AccessDenied, "Requests must be signed."))?;
        let body = if is_xml(&method, &uri, &headers) {
            let text = self.text(input).await?;
            let trailers = trailing_headers.as_ref().and_then(TrailingHeaders::take).unwrap_or_default();
            verify(&method, &uri, &headers, &trailers, &text)?;
            let text = if text.is_empty() { text } else { xml::plain(&text)?.into() };
            headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
            Body::from(text)
        } else {
            input
        };
        put_beside(&method, &mut headers, &mut extensions);
        headers.remove(header::AUTHORIZATION);
        extensions.insert(Signer { credentials, region, service, trailing_headers });
        let mut inner = http::Request::new(body);
        *inner.method_mut() = method;
        *inner.uri_mut() = without_signature(&uri)?;
        *inner.headers_mut() = headers;
        *inner.extensions_mut() = extensions;
        let answered = self.inner.call(inner).await;
        let answered = answered.map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, error.into()))?;
        let (parts, output) = answered.into_parts();
        let partial = parts.extensions.get::<PartialContent>().map(|_| StatusCode::PARTIAL_CONTENT);
        let status = Some(partial.unwrap_or(parts.status));
        Ok(S3Response { output, status, headers: parts.headers, extensions: parts.extensions })
    }
}

impl Verified {
    async fn text(&self, body: Body) -> S3Result<Bytes> {
        let max = self.xml_max_bytes;
        match Limited::new(body, max).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(s3_error!(MaxMessageLengthExceeded, "A text has at most {max} bytes; send several smaller ones."))
            }
            Err(error) => Err(errors::body(&error)),
        }
    }
}

/// The names of a query, decoded.
fn names(uri: &Uri) -> impl Iterator<Item = Cow<'_, str>> {
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| percent_decode_str(pair.split('=').next().unwrap_or_default()).decode_utf8_lossy())
}

/// Whether the body is XML. Never of an object's content, which must not be read so.
fn is_xml(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    if method == Method::POST {
        return true;
    }
    method == Method::PUT
        && (names(uri).any(|name| PUT_XML.contains(&&*name)) || (is_bucket(uri) && names_a_place(headers)))
}

/// Whether a path-style address is that of a bucket.
fn is_bucket(uri: &Uri) -> bool {
    !uri.path().trim_matches('/').contains('/') && !uri.path().to_ascii_lowercase().contains("%2f")
}

/// Whether the host cannot name a bucket: only then is a path of one word a bucket's.
fn names_a_place(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

/// Checks what is declared of a text against the text as it came. The checksums of a completion are those of the object.
fn verify(method: &Method, uri: &Uri, headers: &HeaderMap, trailers: &HeaderMap, text: &Bytes) -> S3Result<()> {
    let of_object = method == Method::POST && names(uri).any(|name| name == "uploadId");
    body_matches(headers, trailers, text, !of_object)
}

/// Takes out of the headers what the service would refuse or misread, for the operations to find.
pub(super) fn put_beside(method: &Method, headers: &mut HeaderMap, extensions: &mut Extensions) {
    if matches!(*method, Method::GET | Method::HEAD) {
        let mut asked = HeaderMap::new();
        for name in [header::RANGE, header::IF_RANGE] {
            if let Some(value) = headers.remove(&name) {
                asked.insert(name, value);
            }
        }
        extensions.insert(AskedRange(asked));
    }
    let mut texts = Texts::default();
    for name in TEXTS {
        let Some(value) = headers.get(&name).filter(|value| value.to_str().is_err()) else { continue };
        texts.0.insert(name.clone(), decode(value));
        headers.remove(&name);
    }
    extensions.insert(texts);
    if let Some(source) = headers.get_mut("x-amz-copy-source").filter(|source| source.to_str().is_err())
        && let Ok(encoded) = percent_encode(source.as_bytes(), NOT_IN_A_HEADER).to_string().parse()
    {
        *source = encoded;
    }
}

/// The text of a header: UTF-8, or ISO 8859-1 where it is not.
fn decode(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

/// The address without what signed it.
fn without_signature(uri: &Uri) -> S3Result<Uri> {
    let Some(query) = uri.query() else { return Ok(uri.clone()) };
    let is_kept = |pair: &&str| {
        let name = percent_decode_str(pair.split('=').next().unwrap_or_default()).decode_utf8_lossy();
        !OF_THE_SIGNATURE.iter().any(|of| name.eq_ignore_ascii_case(of))
    };
    let kept = query.split('&').filter(is_kept).collect::<Vec<_>>().join("&");
    let path_and_query = if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{kept}", uri.path()) };
    let mut parts = uri.clone().into_parts();
    let invalid = |_| s3_error!(InvalidURI, "The query of the address cannot be read; encode it by RFC 3986.");
    parts.path_and_query = Some(path_and_query.parse().map_err(invalid)?);
    Uri::from_parts(parts).map_err(|_| s3_error!(InvalidURI, "The address cannot be read; encode it by RFC 3986."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn the_inner_service_sees_no_signature() {
        let of = |text: &str| without_signature(&uri(text)).unwrap().to_string();
        assert_eq!(of("/b/k?X-Amz-Signature=s&versionId=null&X-Amz-Date=d"), "/b/k?versionId=null");
        assert_eq!(of("/b/k?x-amz-%53ignature=s"), "/b/k");
        assert_eq!(of("/b/k?uploads"), "/b/k?uploads");
        assert_eq!(of("/b/k"), "/b/k");
    }

    #[test]
    fn the_content_of_an_object_is_never_read_as_xml() {
        let is = |method: Method, address: &str, host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
            is_xml(&method, &uri(address), &headers)
        };
        assert!(is(Method::POST, "/b?delete", "127.0.0.1:9000") && is(Method::PUT, "/b", "[::1]:9000"));
        assert!(is(Method::PUT, "/b/k?acl", "h") && is(Method::PUT, "/b/", "localhost"));
        for (address, host) in
            [("/b/k", "127.0.0.1"), ("/k.xml", "b.s3.example.com"), ("/b%2Fk", "127.0.0.1"), ("/k", "s3")]
        {
            assert!(!is(Method::PUT, address, host), "{address} at {host}");
        }
        assert!(!is(Method::PUT, "/b/k?uploadId=u&partNumber=1", "127.0.0.1"));
    }

    #[test]
    fn texts_are_utf_8_or_iso_8859_1() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_bytes("attachment; filename=사진".as_bytes()).unwrap(),
        );
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_bytes(b"fran\xe7ais").unwrap());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("x-amz-copy-source", HeaderValue::from_bytes("b/사 진".as_bytes()).unwrap());
        let mut extensions = Extensions::new();
        put_beside(&Method::PUT, &mut headers, &mut extensions);
        let text = |name| Texts::take(&extensions, &name);
        assert_eq!(text(header::CONTENT_DISPOSITION).as_deref(), Some("attachment; filename=사진"));
        assert_eq!(text(header::CONTENT_LANGUAGE).as_deref(), Some("français"));
        assert_eq!(text(header::CACHE_CONTROL), None);
        assert_eq!(headers.get("x-amz-copy-source").unwrap(), "b/%EC%82%AC%20%EC%A7%84");
        assert!(headers.contains_key(header::CACHE_CONTROL) && !headers.contains_key(header::CONTENT_DISPOSITION));
    }
}
