//! Which bytes a request asks for (RFC 9110, sections 13.1.5 and 14).
//!
//! What is invalid, in another unit, or stale by its `If-Range` is as if it were not there; several ranges are answered with the
//! whole. Only what is valid and lies beyond the end cannot be satisfied.

use std::{ops::Range, time::SystemTime};

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{IF_RANGE, LAST_MODIFIED, RANGE},
};
use headers::{ETag, HeaderMapExt, IfRange, LastModified};

/// The bytes to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selection {
    /// All of them.
    Whole,
    /// These, of a content that is longer than nothing.
    Part(Range<u64>),
    /// None: they lie beyond the end.
    Unsatisfiable,
}

/// What the headers ask of a content of this size, `ETag` (without quotes) and time of change.
pub(super) fn asked(headers: &HeaderMap, size: u64, etag: &str, modified: SystemTime) -> Selection {
    let Some(ranges) = headers.get(RANGE).and_then(|value| parse(value.to_str().ok()?)) else {
        return Selection::Whole;
    };
    let etag: Option<ETag> = format!("\"{etag}\"").parse().ok();
    if headers.get(IF_RANGE).is_some_and(|condition| !is_current(condition, etag.as_ref(), modified)) {
        return Selection::Whole;
    }
    let mut satisfiable = ranges.iter().filter_map(|spec| spec.of(size));
    match (satisfiable.next(), ranges.len()) {
        (None, _) => Selection::Unsatisfiable,
        (Some(range), 1) => Selection::Part(range),
        (Some(_), _) => Selection::Whole,
    }
}

/// Whether an `If-Range` names the content as it is: by a strong `ETag`, or by exactly its time.
fn is_current(condition: &HeaderValue, etag: Option<&ETag>, modified: SystemTime) -> bool {
    let one = |name: HeaderName| HeaderMap::from_iter([(name, condition.clone())]);
    if condition.as_bytes().contains(&b'"') {
        return one(IF_RANGE).typed_get::<IfRange>().is_some_and(|condition| !condition.is_modified(etag, None));
    }
    one(LAST_MODIFIED).typed_get::<LastModified>() == Some(LastModified::from(modified))
}

/// One range as it was asked for.
enum Spec {
    From(u64, Option<u64>),
    Last(u64),
}

impl Spec {
    fn of(&self, size: u64) -> Option<Range<u64>> {
        let (start, end) = match *self {
            Self::From(first, last) => (first, last.map_or(size, |last| last.saturating_add(1).min(size))),
            Self::Last(length) => (size.saturating_sub(length), size),
        };
        (start < end).then_some(start..end)
    }
}

/// All ranges of a valid `bytes=…`; `None` where it is not valid as a whole.
fn parse(text: &str) -> Option<Vec<Spec>> {
    let (unit, specs) = text.trim().split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let specs = specs.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty());
    let specs: Option<Vec<Spec>> = specs.map(parse_one).collect();
    specs.filter(|specs| !specs.is_empty())
}

fn parse_one(spec: &str) -> Option<Spec> {
    let (first, last) = spec.split_once('-')?;
    match (first.is_empty(), last.is_empty()) {
        (true, _) => Some(Spec::Last(number(last)?)),
        (false, true) => Some(Spec::From(number(first)?, None)),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::From(first, Some(last)))
        }
    }
}

/// Digits only. What is too large for a number lies beyond every end.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of(range: &str, if_range: Option<&str>, size: u64) -> Selection {
        let mut headers = HeaderMap::new();
        headers.insert("range", range.parse().unwrap());
        if let Some(condition) = if_range {
            headers.insert("if-range", condition.parse().unwrap());
        }
        asked(&headers, size, "e", SystemTime::UNIX_EPOCH + Duration::from_hours(24))
    }

    #[test]
    fn ranges_are_cut_at_the_end() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("bytes=7-", 7..10),
            ("bytes=8-100", 8..10),
            ("bytes=-3", 7..10),
            ("bytes=-100", 0..10),
            ("Bytes= 2-4 ", 2..5),
            ("bytes=0-99999999999999999999999", 0..10),
        ] {
            assert_eq!(of(range, None, 10), Selection::Part(part), "{range}");
        }
    }

    #[test]
    fn what_is_invalid_or_several_is_answered_with_the_whole() {
        for range in [
            "bytes=5-2",
            "bytes=a-b",
            "bytes=",
            "bytes",
            "items=0-1",
            "bytes=1--2",
            "bytes=+1-2",
            "bytes=-",
            "bytes=0-1,4-5",
        ] {
            assert_eq!(of(range, None, 10), Selection::Whole, "{range}");
        }
    }

    #[test]
    fn what_lies_beyond_the_end_cannot_be_satisfied() {
        for (range, size) in [
            ("bytes=10-", 10),
            ("bytes=10-12,20-", 10),
            ("bytes=-0", 10),
            ("bytes=-5", 0),
            ("bytes=0-", 0),
            ("bytes=99999999999999999999-", 10),
        ] {
            assert_eq!(of(range, None, size), Selection::Unsatisfiable, "{range} of {size}");
        }
    }

    #[test]
    fn a_range_of_what_has_changed_is_answered_with_the_whole() {
        let part = Selection::Part(2..5);
        let fresh = ["\"e\"", "Fri, 02 Jan 1970 00:00:00 GMT"];
        assert!(fresh.into_iter().all(|condition| of("bytes=2-4", Some(condition), 10) == part));
        for stale in
            ["\"other\"", "W/\"e\"", "Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 03 Jan 1970 00:00:00 GMT", "nonsense"]
        {
            assert_eq!(of("bytes=2-4", Some(stale), 10), Selection::Whole, "{stale}");
        }
        assert_eq!(of("bytes=50-", Some("\"other\""), 10), Selection::Whole);
    }
}
