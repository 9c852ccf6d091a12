//! What the s3s crate would misread, put into forms that it understands, or beside the request for the operations to find.
//!
//! It reads less than S3 does: headers in ASCII, ranges in one form. XML is made plain in `xml`. All of this comes after the client's signature
//! was checked, over what was sent.

use std::collections::HashMap;

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{self},
    request::Parts,
};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// Headers that describe an object in the uploader's own words, which need not be ASCII.
const TEXTS: [HeaderName; 5] = [
    header::CONTENT_DISPOSITION,
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
];
/// Bytes of the source of a copy that are not to be in a header as they are.
const NOT_IN_A_HEADER: &AsciiSet = &CONTROLS.add(b' ');

/// What a read says of the range that it wants and of its conditions, which the operations read themselves: the service knows one tag a
/// condition, and refuses a date that it cannot read.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadHeaders(pub(super) HeaderMap);

const READ_HEADERS: [HeaderName; 6] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
];

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

/// Gives an answer that has a part of an object its status.
pub(super) fn set_partial<B>(response: &mut Response<B>) {
    if response.extensions_mut().remove::<PartialContent>().is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
}

/// Takes out of the headers what the service would refuse or misread.
pub(super) fn put_beside(request: &mut Parts) {
    let Parts { method, headers, extensions, .. } = request;
    if matches!(*method, Method::GET | Method::HEAD) {
        let mut asked = HeaderMap::new();
        for name in READ_HEADERS {
            if let Some(value) = headers.remove(&name) {
                asked.insert(name, value);
            }
        }
        extensions.insert(ReadHeaders(asked));
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let (mut request, ()) = http::Request::put("/").body(()).unwrap().into_parts();
        request.headers = headers;
        put_beside(&mut request);
        let text = |name| Texts::take(&request.extensions, &name);
        let headers = &request.headers;
        assert_eq!(text(header::CONTENT_DISPOSITION).as_deref(), Some("attachment; filename=사진"));
        assert_eq!(text(header::CONTENT_LANGUAGE).as_deref(), Some("français"));
        assert_eq!(text(header::CACHE_CONTROL), None);
        assert_eq!(headers.get("x-amz-copy-source").unwrap(), "b/%EC%82%AC%20%EC%A7%84");
        assert!(headers.contains_key(header::CACHE_CONTROL) && !headers.contains_key(header::CONTENT_DISPOSITION));
    }
}
