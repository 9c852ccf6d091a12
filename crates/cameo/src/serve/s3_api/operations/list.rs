//! Listing objects, in both versions, and as versions for the tools that clean up with them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        CommonPrefix, EncodingType, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput,
        ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass, ObjectVersion,
        ObjectVersionStorageClass,
    },
    s3_error,
};

use super::Operations;
use crate::{
    serve::s3_api::{
        errors::refused,
        translate::{checksum_algorithms, checksum_type, count, etag, length, owner, page_size, time},
        xml::{is_in_xml, readable},
    },
    store::embedded::{Entry, Page, Query, StoredObject},
};

/// Bytes that stay as they are in a listing with `encoding-type=url`. A space becomes `%20`, which every client decodes;
/// some take a `+` for itself.
const URL_ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'~');

/// How names are written in a listing.
#[derive(Clone, Copy)]
pub(super) struct Encoding(bool);

impl Encoding {
    pub(super) fn of(asked: Option<&EncodingType>) -> S3Result<Self> {
        match asked.map(EncodingType::as_str) {
            None | Some("") => Ok(Self(false)),
            Some(EncodingType::URL) => Ok(Self(true)),
            Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
        }
    }

    /// How a page with these names is written. Where one has a character that XML does not have, all are encoded although nobody asked:
    /// S3 then sends a text that no reader takes. The page says that its names are encoded, as when it was asked for.
    pub(super) fn fitting<'a>(self, mut names: impl Iterator<Item = &'a str>) -> Self {
        Self(self.0 || names.any(|name| !name.chars().all(is_in_xml)))
    }

    pub(super) fn name(self, text: &str) -> String {
        if self.0 { utf8_percent_encode(text, URL_ENCODED).to_string() } else { text.to_owned() }
    }

    pub(super) fn told(self) -> Option<EncodingType> {
        self.0.then(|| EncodingType::from_static(EncodingType::URL))
    }
}

/// A page as all listings tell it.
struct Told {
    objects: Vec<StoredObject>,
    common_prefixes: Vec<CommonPrefix>,
    truncated: bool,
    last: Option<String>,
    encoding: Encoding,
}

impl Told {
    fn new(page: Page, query: &Query, encoding: Encoding) -> Self {
        let names = page.entries.iter().map(Entry::marker).chain([&*query.prefix, &query.delimiter, &query.after]);
        let encoding = encoding.fitting(names);
        let last = page.entries.last().map(|entry| entry.marker().to_owned());
        let (mut objects, mut common_prefixes) = (Vec::new(), Vec::new());
        for entry in page.entries {
            match entry {
                Entry::Object(object) => objects.push(*object),
                Entry::CommonPrefix(prefix) => {
                    common_prefixes.push(CommonPrefix { prefix: Some(encoding.name(&prefix)) });
                }
            }
        }
        Self { objects, common_prefixes, truncated: page.truncated, last, encoding }
    }

    fn next(&self) -> Option<&String> {
        self.last.as_ref().filter(|_| self.truncated)
    }
}

fn object(object: &StoredObject, encoding: Encoding, with_owner: bool) -> Object {
    Object {
        key: Some(encoding.name(&object.key)),
        e_tag: Some(etag(&object.etag)),
        last_modified: Some(time(object.modified_at)),
        size: Some(length(object.size)),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        checksum_algorithm: checksum_algorithms(&object.checksums),
        checksum_type: checksum_type(&object.checksums),
        owner: with_owner.then(owner),
        ..Object::default()
    }
}

fn version(object: &StoredObject, encoding: Encoding) -> ObjectVersion {
    ObjectVersion {
        key: Some(encoding.name(&object.key)),
        e_tag: Some(etag(&object.etag)),
        is_latest: Some(true),
        last_modified: Some(time(object.modified_at)),
        owner: Some(owner()),
        size: Some(length(object.size)),
        storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
        version_id: Some("null".to_owned()),
        ..ObjectVersion::default()
    }
}

/// A continuation token is opaque to clients; to us it is the last entry of the page before.
fn decode_token(token: &str) -> S3Result<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

fn not_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

impl Operations {
    async fn page(&self, bucket: &str, query: &Query, encoding: Encoding) -> S3Result<Told> {
        self.require_bucket(bucket)?;
        let page = self.store.list_page(bucket, query).await.map_err(refused)?;
        Ok(Told::new(page, query, encoding))
    }

    pub(super) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = page_size(input.max_keys, &self.limits, "max-keys")?;
        let query = Query {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after: input.marker.clone().unwrap_or_default(),
            max,
        };
        let told = self.page(&input.bucket, &query, encoding).await?;
        let encoding = told.encoding;
        let has_delimiter = !query.delimiter.is_empty();
        let output = ListObjectsOutput {
            next_marker: told.next().filter(|_| has_delimiter).map(|last| encoding.name(last)),
            is_truncated: Some(told.truncated),
            contents: Some(told.objects.iter().map(|o| object(o, encoding, true)).collect()),
            common_prefixes: Some(told.common_prefixes),
            name: Some(input.bucket),
            // botocore decodes the prefix in all listings but this one.
            prefix: Some(readable(&query.prefix)),
            marker: Some(encoding.name(&query.after)),
            delimiter: not_empty(input.delimiter).map(|delimiter| encoding.name(&delimiter)),
            max_keys: Some(count(max)),
            encoding_type: encoding.told(),
            request_charged: None,
        };
        Ok(S3Response::new(output))
    }

    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = page_size(input.max_keys, &self.limits, "max-keys")?;
        let after = match input.continuation_token.as_deref() {
            Some(token) if !token.is_empty() => decode_token(token)?,
            _ => input.start_after.clone().unwrap_or_default(),
        };
        let query = Query {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after,
            max,
        };
        let encoding = encoding.fitting(input.start_after.as_deref().into_iter());
        let told = self.page(&input.bucket, &query, encoding).await?;
        let encoding = told.encoding;
        let with_owner = input.fetch_owner.unwrap_or(false);
        let output = ListObjectsV2Output {
            next_continuation_token: told.next().map(|last| BASE64_URL_SAFE_NO_PAD.encode(last)),
            key_count: Some(count(told.objects.len() + told.common_prefixes.len())),
            is_truncated: Some(told.truncated),
            contents: Some(told.objects.iter().map(|o| object(o, encoding, with_owner)).collect()),
            common_prefixes: Some(told.common_prefixes),
            name: Some(input.bucket),
            prefix: Some(encoding.name(&query.prefix)),
            delimiter: not_empty(input.delimiter).map(|delimiter| encoding.name(&delimiter)),
            continuation_token: input.continuation_token.as_deref().map(readable),
            start_after: input.start_after.map(|after| encoding.name(&after)),
            max_keys: Some(count(max)),
            encoding_type: encoding.told(),
            request_charged: None,
        };
        Ok(S3Response::new(output))
    }

    /// Every object is its only version, `null`.
    pub(super) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = page_size(input.max_keys, &self.limits, "max-keys")?;
        let query = Query {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after: input.key_marker.clone().unwrap_or_default(),
            max,
        };
        let told = self.page(&input.bucket, &query, encoding).await?;
        let encoding = told.encoding;
        let next = told.next().map(|last| encoding.name(last));
        let output = ListObjectVersionsOutput {
            next_version_id_marker: next.as_ref().map(|_| "null".to_owned()),
            next_key_marker: next,
            is_truncated: Some(told.truncated),
            versions: Some(told.objects.iter().map(|object| version(object, encoding)).collect()),
            common_prefixes: Some(told.common_prefixes),
            name: Some(input.bucket),
            prefix: Some(encoding.name(&query.prefix)),
            delimiter: not_empty(input.delimiter).map(|delimiter| encoding.name(&delimiter)),
            key_marker: Some(encoding.name(&query.after)),
            version_id_marker: Some(readable(&input.version_id_marker.unwrap_or_default())),
            max_keys: Some(count(max)),
            encoding_type: encoding.told(),
            ..ListObjectVersionsOutput::default()
        };
        Ok(S3Response::new(output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_with_names_that_xml_does_not_have_are_encoded_unasked() {
        let plain = Encoding(false);
        assert!(plain.fitting(["a", "b\u{1}"].into_iter()).told().is_some(), "security.md A17");
        assert!(plain.fitting(["\u{ffff}"].into_iter()).told().is_some());
        assert!(plain.fitting(["가나다", "😀\t\n"].into_iter()).told().is_none());
    }

    #[test]
    fn names_are_encoded_as_clients_decode_them() {
        let encoding = Encoding(true);
        assert_eq!(encoding.name("a b+c%d/가\n"), "a%20b%2Bc%25d/%EA%B0%80%0A");
        assert_eq!(Encoding(false).name("a b"), "a b");
    }
}
