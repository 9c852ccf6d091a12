//! Whether a read is to send anything (RFC 9110, section 13): what its conditions say of the content as it is.
//!
//! Lists of tags are read whole; a date that cannot be read is as if it were not there.

use std::time::SystemTime;

use axum::http::{HeaderMap, StatusCode};
use headers::{ETag, HeaderMapExt, IfMatch, IfModifiedSince, IfNoneMatch, IfUnmodifiedSince};

/// Evaluates conditions in the order of section 13.2.2, against an `ETag` (without quotes) and a time of change; a status when the content
/// is not to be sent.
pub(super) fn precondition(headers: &HeaderMap, etag: &str, modified: SystemTime) -> Option<StatusCode> {
    let etag: ETag = format!("\"{etag}\"").parse().ok()?;
    let matches = match (headers.typed_get::<IfMatch>(), headers.typed_get::<IfUnmodifiedSince>()) {
        (Some(condition), _) => condition.precondition_passes(&etag),
        (None, Some(condition)) => condition.precondition_passes(modified),
        (None, None) => true,
    };
    if !matches {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    let changed = match (headers.typed_get::<IfNoneMatch>(), headers.typed_get::<IfModifiedSince>()) {
        (Some(condition), _) => condition.precondition_passes(&etag),
        (None, Some(condition)) => condition.is_modified(modified),
        (None, None) => true,
    };
    (!changed).then_some(StatusCode::NOT_MODIFIED)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of(conditions: &[(&'static str, &str)]) -> u16 {
        let headers = conditions.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let modified = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        precondition(&headers.collect(), "e", modified).map_or(200, |status| status.as_u16())
    }

    #[test]
    fn tags_and_dates_are_read_as_rfc_9110_says() {
        let (day, before, after) =
            ("Fri, 02 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 03 Jan 1970 00:00:00 GMT");
        for (conditions, status) in [
            (&[("if-none-match", "\"a\", \"e\"")][..], 304),
            (&[("if-none-match", "W/\"e\"")], 304),
            (&[("if-none-match", "*")], 304),
            (&[("if-none-match", "\"a\"")], 200),
            (&[("if-match", "\"a\", \"e\"")], 200),
            (&[("if-match", "W/\"e\"")], 412),
            (&[("if-match", "\"a\"")], 412),
            (&[("if-modified-since", day)], 304),
            (&[("if-modified-since", before)], 200),
            (&[("if-modified-since", "yesterday")], 200),
            (&[("if-unmodified-since", before)], 412),
            (&[("if-unmodified-since", after)], 200),
            (&[("if-unmodified-since", "yesterday")], 200),
            (&[("if-match", "\"e\""), ("if-unmodified-since", before)], 200),
            (&[("if-none-match", "\"a\""), ("if-modified-since", after)], 200),
        ] {
            assert_eq!(of(conditions), status, "{conditions:?}");
        }
    }
}
