//! Between the service's types and the store's.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use s3s::{
    HttpError, S3Result,
    dto::{self, ETag, ETagCondition, TimestampFormat},
    s3_error,
};

use super::S3Limits;
use crate::store::embedded::{Algorithm, Checksums, Description, Headers, StoredObject, Sums, Tag};

/// Reads the five checksum fields of a request.
macro_rules! sums_of {
    ($input:expr) => {{
        use $crate::store::embedded::Algorithm;
        let fields = [
            (Algorithm::Crc32, &$input.checksum_crc32),
            (Algorithm::Crc32c, &$input.checksum_crc32c),
            (Algorithm::Crc64nvme, &$input.checksum_crc64nvme),
            (Algorithm::Sha1, &$input.checksum_sha1),
            (Algorithm::Sha256, &$input.checksum_sha256),
        ];
        let sums: $crate::store::embedded::Sums =
            fields.into_iter().filter_map(|(algorithm, sum)| Some((algorithm, sum.clone()?))).collect();
        sums
    }};
}

/// Writes the five checksum fields of an answer.
macro_rules! set_sums {
    ($output:expr, $sums:expr) => {{
        use $crate::store::embedded::Algorithm;
        $output.checksum_crc32 = $sums.get(&Algorithm::Crc32).cloned();
        $output.checksum_crc32c = $sums.get(&Algorithm::Crc32c).cloned();
        $output.checksum_crc64nvme = $sums.get(&Algorithm::Crc64nvme).cloned();
        $output.checksum_sha1 = $sums.get(&Algorithm::Sha1).cloned();
        $output.checksum_sha256 = $sums.get(&Algorithm::Sha256).cloned();
    }};
}

pub(super) use {set_sums, sums_of};

/// The owner of everything. Accounts are not distinguished.
pub(super) const OWNER: &str = "cameo";

pub(super) fn owner() -> dto::Owner {
    dto::Owner { display_name: Some(OWNER.to_owned()), id: Some(OWNER.to_owned()) }
}

pub(super) fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

pub(super) fn tag(condition: ETagCondition) -> Tag {
    match condition {
        ETagCondition::Any => Tag::Any,
        ETagCondition::ETag(etag) => Tag::Is(etag.into_value()),
    }
}

pub(super) fn time(at: Timestamp) -> dto::Timestamp {
    SystemTime::from(at).into()
}

pub(super) fn from_time(at: &dto::Timestamp) -> S3Result<Timestamp> {
    let mut text = Vec::new();
    let formatted = at.format(TimestampFormat::DateTime, &mut text).ok().and_then(|()| String::from_utf8(text).ok());
    formatted.and_then(|text| text.parse().ok()).ok_or_else(|| s3_error!(InvalidArgument, "A time is out of range."))
}

/// A number that must not be negative.
pub(super) fn unsigned<T: TryInto<u64>>(value: T, name: &str) -> S3Result<u64> {
    value.try_into().map_err(|_| s3_error!(InvalidArgument, "{name} must not be negative."))
}

/// A length as the service has it.
pub(super) fn length(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// How many entries a page may have: what was asked for, within the limit.
pub(super) fn page_size(asked: Option<i32>, limits: &S3Limits, name: &str) -> S3Result<usize> {
    let asked = asked.map_or(Ok(u64::from(limits.page_max)), |asked| unsigned(asked, name))?;
    Ok(usize::try_from(asked.min(u64::from(limits.page_max))).unwrap_or(usize::MAX))
}

pub(super) fn count(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

pub(super) fn checksum_type(checksums: &Checksums) -> Option<dto::ChecksumType> {
    let name = if checksums.composite { dto::ChecksumType::COMPOSITE } else { dto::ChecksumType::FULL_OBJECT };
    (!checksums.sums.is_empty()).then(|| dto::ChecksumType::from_static(name))
}

pub(super) fn checksum_algorithms(checksums: &Checksums) -> Option<Vec<dto::ChecksumAlgorithm>> {
    let names = checksums.sums.keys().map(|algorithm| dto::ChecksumAlgorithm::from_static(algorithm.name()));
    (!checksums.sums.is_empty()).then(|| names.collect())
}

/// The algorithm that a client named.
pub(super) fn algorithm(name: &str) -> S3Result<Algorithm> {
    Algorithm::from_name(name).ok_or_else(|| s3_error!(InvalidRequest, "The checksum algorithm is not one of S3's."))
}

/// The checksums in a body's trailer.
pub(super) fn trailer_sums(trailers: &HeaderMap) -> Sums {
    let sum = |algorithm: Algorithm| Some((algorithm, trailers.get(algorithm.header())?.to_str().ok()?.to_owned()));
    Algorithm::ALL.into_iter().filter_map(sum).collect()
}

/// `Content-Encoding` without `aws-chunked`, which tells of the transfer, not of the content.
fn content_encoding(value: Option<String>) -> Option<String> {
    let value = value?;
    let kept: Vec<&str> = value.split(',').map(str::trim).filter(|token| *token != "aws-chunked").collect();
    let kept = kept.join(", ");
    (!kept.is_empty()).then_some(kept)
}

/// The headers of a request that describe its object.
pub(super) struct Described {
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) expires: Option<dto::Timestamp>,
    pub(super) metadata: Option<dto::Metadata>,
}

/// Moves the describing fields out of a request. Those that are not ASCII are beside it.
macro_rules! described {
    ($input:expr, $extensions:expr) => {{
        use $crate::serve::s3_api::plain::Texts;
        let beside = |name| Texts::take(&$extensions, &name);
        $crate::serve::s3_api::translate::Described {
            content_type: $input.content_type.take().or_else(|| beside(http::header::CONTENT_TYPE)),
            cache_control: $input.cache_control.take().or_else(|| beside(http::header::CACHE_CONTROL)),
            content_disposition: $input
                .content_disposition
                .take()
                .or_else(|| beside(http::header::CONTENT_DISPOSITION)),
            content_encoding: $input.content_encoding.take().or_else(|| beside(http::header::CONTENT_ENCODING)),
            content_language: $input.content_language.take().or_else(|| beside(http::header::CONTENT_LANGUAGE)),
            expires: $input.expires.take(),
            metadata: $input.metadata.take(),
        }
    }};
}

pub(super) use described;

impl Described {
    pub(super) fn check(self, limits: &S3Limits) -> S3Result<Description> {
        let metadata = self.metadata.unwrap_or_default();
        let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > limits.metadata_max_bytes {
            let max = limits.metadata_max_bytes;
            return Err(s3_error!(MetadataTooLarge, "The user metadata has {bytes} bytes; {max} are allowed."));
        }
        let headers = Headers {
            cache_control: self.cache_control,
            content_disposition: self.content_disposition,
            content_encoding: content_encoding(self.content_encoding),
            content_language: self.content_language,
            expires: self.expires.as_ref().and_then(http_date),
        };
        Ok(Description { content_type: self.content_type, headers, metadata: metadata.into_iter().collect() })
    }
}

fn http_date(at: &dto::Timestamp) -> Option<String> {
    let mut text = Vec::new();
    at.format(TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

/// Fills the describing fields of an answer, which `GET` and `HEAD` share.
macro_rules! describe {
    ($output:expr, $object:expr) => {{
        let description = &$object.description;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_type = description.content_type.clone().or_else(|| Some("binary/octet-stream".to_owned()));
        $output.cache_control = description.headers.cache_control.clone();
        $output.content_disposition = description.headers.content_disposition.clone();
        $output.content_encoding = description.headers.content_encoding.clone();
        $output.content_language = description.headers.content_language.clone();
        $output.expires = $crate::serve::s3_api::translate::expires(&$object);
        $output.metadata = $crate::serve::s3_api::translate::metadata(&$object);
        $output.e_tag = Some($crate::serve::s3_api::translate::etag(&$object.etag));
        $output.last_modified = Some($crate::serve::s3_api::translate::time($object.modified_at));
    }};
}

pub(super) use describe;

pub(super) fn expires(object: &StoredObject) -> Option<dto::Timestamp> {
    let text = object.description.headers.expires.as_ref()?;
    dto::Timestamp::parse(TimestampFormat::HttpDate, text).ok()
}

/// A value as a header of ISO 8859-1, where it is not ASCII and fits.
fn latin_1(value: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.filter(|_| !value.is_ascii()).and_then(|bytes| HeaderValue::from_bytes(&bytes).ok())
}

/// User metadata that the service sends: as it is, or encoded by RFC 2047.
pub(super) fn metadata(object: &StoredObject) -> Option<dto::Metadata> {
    let sent = object.description.metadata.iter().filter(|(_, value)| latin_1(value).is_none());
    let metadata: dto::Metadata = sent.map(|(name, value)| (name.clone(), value.clone())).collect();
    (!metadata.is_empty()).then_some(metadata)
}

/// User metadata that goes as ISO 8859-1, the charset of headers; only the rest needs an encoding (RFC 2616, 2.2).
pub(super) fn latin_1_metadata(object: &StoredObject) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        Some((HeaderName::try_from(format!("x-amz-meta-{name}")).ok()?, latin_1(value)?))
    };
    object.description.metadata.iter().filter_map(header).collect()
}

/// An error that ends the connection without an answer.
pub(super) fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HttpError {
    HttpError::new(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_chunked_is_no_encoding_of_the_content() {
        let stripped = |value: &str| content_encoding(Some(value.to_owned()));
        assert_eq!(stripped("aws-chunked, gzip").as_deref(), Some("gzip"));
        assert_eq!(stripped("deflate, gzip").as_deref(), Some("deflate, gzip"));
        assert_eq!(stripped("aws-chunked,aws-chunked"), None);
    }

    #[test]
    fn times_go_both_ways() {
        let at: Timestamp = "2026-11-22T19:00:00.123Z".parse().unwrap();
        assert_eq!(from_time(&time(at)).unwrap(), at);
    }
}
