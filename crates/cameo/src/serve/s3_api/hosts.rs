//! Which bucket a `Host` names, if any.
//!
//! A bucket in the host name (virtual-host style) is known by the configured domains alone and never guessed: a request for a
//! bucket that is read as one for the service lists buckets where objects were asked for, and a `sync --delete` then
//! deletes everything at the other end. So a name that could hold a bucket, and that nobody configured, is refused.

use std::net::Ipv6Addr;

use s3s::{S3Result, path::check_bucket_name, s3_error};

use crate::admission::fault_of_domain;

/// The domains below which buckets stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts {
    domains: Vec<String>,
}

impl Hosts {
    pub(super) fn new(domains: &[String]) -> Self {
        Self { domains: domains.iter().map(|domain| domain.to_ascii_lowercase()).collect() }
    }

    /// The bucket in a `Host` header; none where the path names it.
    pub(super) fn bucket(&self, host: &str) -> S3Result<Option<String>> {
        let name = without_port(host).ok_or_else(|| s3_error!(InvalidRequest, "The Host header is malformed."))?;
        if is_address(name) {
            return Ok(None);
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if fault_of_domain(&name).is_some() {
            return Err(s3_error!(InvalidRequest, "The Host header is not a host name."));
        }
        // A name of one label has no place for a bucket: containers and machines of a local network are reached by one.
        if !name.contains('.') || self.domains.contains(&name) {
            return Ok(None);
        }
        let below = |domain: &&String| name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
        let Some(domain) = self.domains.iter().filter(below).max_by_key(|domain| domain.len()) else {
            return Err(unknown(&name));
        };
        let bucket = &name[..name.len() - domain.len() - 1];
        if !check_bucket_name(bucket) {
            return Err(bad_bucket());
        }
        Ok(Some(bucket.to_owned()))
    }
}

fn unknown(name: &str) -> s3s::S3Error {
    s3_error!(
        InvalidRequest,
        "This server does not know the host name {name}. Whoever runs it can add the name to s3.domains, which also \
         serves buckets as BUCKET.{name}; clients can use an address, or a name that is listed there, with path-style requests."
    )
}

/// The refusal of a bucket that cannot exist.
pub(super) fn bad_bucket() -> s3s::S3Error {
    s3_error!(
        InvalidBucketName,
        "The bucket name is not valid: 3 to 63 lower-case letters, digits, dots and hyphens, beginning and ending with a \
         letter or digit."
    )
}

/// The name or address of a host, without its port. `None` where it is neither `name`, `name:port` nor `[address]:port`.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            (&host[..end + 2], &rest[end + 1..])
        }
        None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let port_is_right = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.is_empty() || digits.parse::<u16>().is_ok())
        }
        None => port.is_empty(),
    };
    (port_is_right && !name.is_empty()).then_some(name)
}

fn is_address(name: &str) -> bool {
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(inner) => inner.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => name.parse::<std::net::Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(host: &str) -> Result<Option<String>, String> {
        let hosts = Hosts::new(&["s3.example.com".into(), "Example.com".into(), "lan".into()]);
        hosts.bucket(host).map_err(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn addresses_and_configured_names_are_path_style() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9000",
            "[::1]",
            "[::1]:9000",
            "localhost",
            "localhost:9000",
            "cameo",
            "s3.example.com",
            "S3.EXAMPLE.COM:443",
            "example.com",
            "example.com.",
            "lan",
        ] {
            assert_eq!(read(host), Ok(None), "{host}");
        }
    }

    #[test]
    fn a_bucket_stands_before_a_configured_name() {
        for (host, bucket) in [
            ("photos.s3.example.com", "photos"),
            ("photos.s3.example.com:9000", "photos"),
            ("PHOTOS.example.com", "photos"),
            ("a.b.s3.example.com", "a.b"),
            ("box.lan", "box"),
        ] {
            assert_eq!(read(host), Ok(Some(bucket.to_owned())), "{host}");
        }
    }

    /// s3-endpoint.md F02: a bucket in a name that nobody configured was read as a request for the service.
    #[test]
    fn any_other_name_is_refused() {
        for host in [
            "photos.localhost",
            "photos.s3.amazonaws.com",
            "evilexample.com",
            "127.0.0.1.nip.io",
            "",
            ":9000",
            "[::1",
            "a b",
            "u@h",
            "127.0.0.1:port",
            "127.0.0.1:99999",
            "..",
            "h/x",
            "[cameo]",
            "photos..example.com",
        ] {
            let refused = read(host).expect_err(host);
            assert!(matches!(refused.as_str(), "InvalidRequest" | "InvalidBucketName"), "{host}: {refused}");
        }
        assert_eq!(read("A_B.example.com"), Err("InvalidBucketName".into()));
    }
}
