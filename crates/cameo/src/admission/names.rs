//! Names in the configuration of the S3 endpoint: buckets, host names, origins of web pages.

use std::net::{IpAddr, Ipv4Addr};

/// A host name, bytes, at most (RFC 1035, 2.3.4).
const NAME_MAX_BYTES: usize = 253;
/// One label of it, bytes, at most.
const LABEL_MAX_BYTES: usize = 63;
/// Bytes of a bucket's name, at least and at most.
const BUCKET_MIN_BYTES: usize = 3;
const BUCKET_MAX_BYTES: usize = 63;
/// What bucket names may not begin with: of a host name in another script, which a bucket may be part of.
const RESERVED_PREFIX: &str = "xn--";

/// Whether a bucket can have this name, by the rules of S3
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
pub fn is_bucket_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let is_outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    (BUCKET_MIN_BYTES..=BUCKET_MAX_BYTES).contains(&name.len())
        && name.bytes().all(is_inner)
        && is_outer(name.bytes().next())
        && is_outer(name.bytes().last())
        && !name.contains("..")
        && !name.starts_with(RESERVED_PREFIX)
        && name.parse::<Ipv4Addr>().is_err()
}

/// Whether a bucket has this name, in which a `*` at the end is any rest.
pub fn covers(pattern: &str, bucket: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => bucket.starts_with(start),
        None => pattern == bucket,
    }
}

/// The fault of a name that cannot be a domain of buckets; none where it can.
pub fn fault_of_domain(domain: &str) -> Option<&'static str> {
    let label = |label: &str| {
        let right = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= LABEL_MAX_BYTES && label.bytes().all(right)
    };
    if domain.parse::<IpAddr>().is_ok() {
        Some("it is an address, which needs no entry")
    } else if domain.is_empty() || domain.len() > NAME_MAX_BYTES || !domain.split('.').all(label) {
        Some("it is not a host name (write it without scheme, port and path)")
    } else {
        None
    }
}

/// The fault of what no browser sends as an origin; none of `*`, which is all of them, and of one with a `*` for any text in between.
pub fn fault_of_origin(origin: &str) -> Option<String> {
    let is_plain =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"/?#@,\"".contains(&b));
    let place =
        origin.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*'));
    let is_right = origin == "*" || place.is_some_and(|(_, host)| is_plain(host)) && origin.matches('*').count() <= 1;
    (!is_right).then(|| {
        format!(
            "{origin:?} is not an origin; write \"*\", or a scheme and a host without a path, such as \"https://photos.example.com\""
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The endpoint takes the names that the s3s crate takes: a bucket that is configured must be one that requests can name.
    #[test]
    fn buckets_that_can_be_configured_are_those_that_can_be_asked_for() {
        let pieces = ["", "a", "Z", "0", "-", ".", "..", "xn--", "photos", "10.0.0.1", "_", "\u{c544}", "*", "-s3"];
        let long = ["x".repeat(61), "x".repeat(62), "x".repeat(63), "x".repeat(64)];
        let pieces: Vec<&str> = pieces.into_iter().chain(long.iter().map(String::as_str)).collect();
        let (mut taken, mut refused) = (0, 0);
        for first in &pieces {
            for second in &pieces {
                for third in &pieces {
                    let name = format!("{first}{second}{third}");
                    assert_eq!(is_bucket_name(&name), s3s::path::check_bucket_name(&name), "{name:?}");
                    if is_bucket_name(&name) { taken += 1 } else { refused += 1 }
                }
            }
        }
        assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
    }

    #[test]
    fn a_star_at_the_end_is_any_rest() {
        assert!(covers("img-*", "img-a") && covers("*", "any") && covers("img", "img"));
        assert!(!covers("img-*", "img") && !covers("img", "img-a") && !covers("i*g", "img"));
    }
}
