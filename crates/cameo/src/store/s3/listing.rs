//! Listings: asked for with encoded keys, since XML cannot carry every key.

use http::Method;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::client::Request;
use crate::{
    model::error::{Error, Kind, Place, Result},
    store::ObjectInfo,
};

/// Keys on a page, at most (S3's limit).
const PAGE_MAX: usize = 1000;

/// A page of a listing.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) objects: Vec<ObjectInfo>,
    pub(super) more: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListBucketResult {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<Contents>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    key: String,
    last_modified: String,
    #[serde(rename = "ETag")]
    etag: String,
    size: u64,
}

/// Asks for keys with the prefix after a key. It resumes after a key and not with a token, so that a page can be asked
/// for again by anybody.
pub(super) fn request(bucket: &str, prefix: &str, after: &str, max: usize) -> Request {
    let request = Request::new(Method::GET, bucket, "")
        .with_query("encoding-type", "url")
        .with_query("list-type", "2")
        .with_query("max-keys", max.min(PAGE_MAX).to_string())
        .with_query("prefix", prefix);
    if after.is_empty() { request } else { request.with_query("start-after", after) }
}

/// Reads a page.
pub(super) fn parse(body: &[u8]) -> Result<Page> {
    let malformed = || Error::new(Place::Store, Kind::Unavailable, "read a listing");
    let body = std::str::from_utf8(body).map_err(|error| malformed().because(error))?;
    let listed: ListBucketResult = quick_xml::de::from_str(body).map_err(|error| malformed().because(error))?;
    let encoded = listed.encoding_type.as_deref() == Some("url");
    let objects = listed.contents.into_iter().map(|contents| object(contents, encoded)).collect::<Result<_>>()?;
    Ok(Page { objects, more: listed.is_truncated })
}

fn object(contents: Contents, encoded: bool) -> Result<ObjectInfo> {
    let malformed = |what: String| Error::new(Place::Store, Kind::Unavailable, format!("read a listing: {what}"));
    let key = if encoded { decode(&contents.key).map_err(malformed)? } else { contents.key };
    let last_modified = contents.last_modified.parse::<Timestamp>();
    let last_modified = last_modified.map_err(|error| malformed(format!("LastModified of {key}")).because(error))?;
    Ok(ObjectInfo {
        key,
        size: contents.size,
        etag: contents.etag.trim_matches('"').to_owned(),
        last_modified,
        content_type: None,
        metadata: std::collections::BTreeMap::new(),
        write_generation: None,
    })
}

/// S3 writes a space as `+` and everything else in percents.
fn decode(key: &str) -> Result<String, String> {
    let spaced = key.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| format!("the key {key:?} is not UTF-8"))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_and_a_page_says_whether_there_is_more() {
        let body = br#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>a</Prefix>
<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<Contents><Key>a+b%2B%EA%B0%80%0A</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>
<ETag>&quot;abc&quot;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>
</ListBucketResult>"#;
        let page = parse(body).unwrap();
        assert!(page.more);
        assert_eq!((page.objects[0].key.as_str(), page.objects[0].etag.as_str()), ("a b+가\n", "abc"));
        assert!(parse(b"<nonsense").is_err());
    }
}
