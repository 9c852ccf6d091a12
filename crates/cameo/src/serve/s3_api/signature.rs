//! What is refused of a signature before the service checks it.
//!
//! The service takes signatures of version 2 without looking at the time, takes presigned addresses however long they
//! are valid, and does not ask which headers were signed. S3 refuses all three, and so does this.
//!
//! The service compares the signature of a request in constant time, but those of the chunks and the trailer of a signed
//! body byte by byte. They are only looked at once the request's own signature was found right, each request names one
//! body, and a wrong chunk ends it: whoever wants to guess one must replay a request that was caught within its 15
//! minutes, and measures hashes through a network. Nothing in front of the service could compare them instead.

use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use percent_encoding::percent_decode_str;
use s3s::{S3ErrorCode, S3Result, s3_error};

use super::limits::S3Limits;

/// Headers that may come unsigned: of the transfer, or checked against the body itself.
const MAY_BE_UNSIGNED: [&str; 1] = ["x-amz-content-sha256"];

/// Refuses signatures that the service would take and S3 would not.
pub(super) fn check(parts: &Parts, limits: &S3Limits) -> S3Result<()> {
    let query = parts.uri.query().unwrap_or_default();
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_version_2(header, query) {
        let message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
        return Err(s3_error!(InvalidRequest, "{message}"));
    }
    if let Some(expires) = parameter(query, "X-Amz-Expires") {
        check_expiry(&expires, limits)?;
    }
    let in_header = header.split("SignedHeaders=").nth(1).and_then(|rest| rest.split([',', ' ']).next());
    let signed = in_header.map(str::to_owned).or_else(|| parameter(query, "X-Amz-SignedHeaders"));
    signed.map_or(Ok(()), |signed| check_signed(&signed, &parts.headers))
}

fn is_version_2(header: &str, query: &str) -> bool {
    header.starts_with("AWS ")
        || (parameter(query, "Signature").is_some() && parameter(query, "AWSAccessKeyId").is_some())
}

/// A parameter of a query string, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.find(|(key, _)| *key == name)?.1;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn check_expiry(expires: &str, limits: &S3Limits) -> S3Result<()> {
    let max_s = limits.presigned_max.as_secs();
    if expires.parse::<u64>().is_ok_and(|expires_s| (1..=max_s).contains(&expires_s)) {
        return Ok(());
    }
    let code = S3ErrorCode::AuthorizationQueryParametersError;
    let message = format!("X-Amz-Expires must be between 1 and {max_s} seconds.");
    let mut error = s3s::S3Error::with_message(code, message);
    error.set_status_code(http::StatusCode::FORBIDDEN);
    Err(error)
}

fn check_signed(signed: &str, headers: &HeaderMap) -> S3Result<()> {
    let is_signed = |name: &str| signed.split(';').any(|signed| signed.eq_ignore_ascii_case(name));
    let unsigned = headers
        .keys()
        .map(http::HeaderName::as_str)
        .find(|name| name.starts_with("x-amz-") && !is_signed(name) && !MAY_BE_UNSIGNED.contains(name));
    match unsigned {
        Some(name) => Err(s3_error!(AccessDenied, "The header {name} was present in the request and not signed.")),
        None if !is_signed("host") => Err(s3_error!(AccessDenied, "The header host must be signed.")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(uri: &str, headers: &[(&str, &str)]) -> Result<(), String> {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        check(&parts, &S3Limits::default()).map_err(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn version_2_is_refused() {
        assert_eq!(checked("/b/k", &[("authorization", "AWS key:signature")]), Err("InvalidRequest".into()));
        assert_eq!(checked("/b/k?AWSAccessKeyId=a&Signature=b&Expires=1", &[]), Err("InvalidRequest".into()));
    }

    #[test]
    fn presigned_addresses_are_valid_for_a_week_at_most() {
        let of = |expires: &str| {
            checked(&format!("/b/k?X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=s"), &[])
        };
        assert_eq!(of("604800"), Ok(()));
        for refused in ["604801", "0", "-7", "soon"] {
            assert_eq!(of(refused), Err("AuthorizationQueryParametersError".into()), "{refused}");
        }
    }

    #[test]
    fn what_changes_the_meaning_must_be_signed() {
        let of = |signed: &str| {
            let header = format!("AWS4-HMAC-SHA256 Credential=c, SignedHeaders={signed}, Signature=s");
            checked("/b/k", &[("authorization", header.as_str()), ("x-amz-copy-source", "b/other")])
        };
        assert_eq!(of("host;x-amz-copy-source"), Ok(()));
        assert_eq!(of("host"), Err("AccessDenied".into()));
        assert_eq!(of("x-amz-copy-source"), Err("AccessDenied".into()));
    }
}
