//! Who is let in at the embedded S3 endpoint, and what clients may ask for. What each limit does stands at [`S3Limits`].

use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::{Server, misconfigured};
use crate::{
    admission::{S3Limits, covers, fault_of_domain, fault_of_origin, is_bucket_name},
    model::error::Result,
};

/// The shortest time that a client gets.
const TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// Access keys and limits of the S3 endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    /// A file of further access keys with their rights, read again whenever it changes; empty for `keys.toml` in the data folder, which
    /// need not exist. Only its owner may be able to read it.
    pub key_file: PathBuf,
    /// Host names of this server. Buckets are served as `BUCKET.NAME` below each (virtual-host style) beside path-style
    /// addresses under the name itself; addresses, `localhost` and names without a dot need no entry.
    pub domains: Vec<String>,
    /// Base address under which clients reach the S3 endpoint, or the store in its place (`https://s3.example.com`): upload addresses of the
    /// API are made for it; empty for the host by which the API was asked, with the endpoint's port.
    pub public_url: String,
    /// Origins whose web pages may use the endpoint, as browsers name them (`https://photos.example.com`; `*`: all); empty for none.
    pub cors_origins: Vec<String>,
    /// Buckets that everybody may read and list without an access key; a `*` at the end of a name stands for any rest; empty for none. Not
    /// that of the originals. The images listener is the public's usual way to renditions, and lists nothing.
    pub public_read: Vec<String>,
    /// Content of one object.
    pub object_max: ByteSize,
    /// Open connections of the endpoint, at most, as far as the process has descriptors for them.
    pub connections_max: usize,
    /// Request bodies held in memory together.
    pub in_flight_max: ByteSize,
    /// Time for the headers of a request to arrive; also how long an idle connection is kept.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// How far a client may fall behind `server.min_rate` while a body is received or sent.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
}

impl Default for S3 {
    fn default() -> Self {
        let limits = S3Limits::default();
        Self {
            key_file: PathBuf::new(),
            domains: Vec::new(),
            public_url: String::new(),
            cors_origins: Vec::new(),
            public_read: Vec::new(),
            object_max: ByteSize::b(limits.object_max_bytes),
            connections_max: limits.connections_max,
            in_flight_max: ByteSize::b(limits.in_flight_max_bytes),
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
        }
    }
}

impl S3 {
    /// Refuses domains that no host name can be below, origins that are none, and a public bucket of originals, which are `upload_bucket`'s.
    pub fn check(&self, upload_bucket: &str) -> Result<()> {
        for bucket in &self.public_read {
            if !is_bucket_name(&bucket.replacen('*', "xxx", usize::from(bucket.ends_with('*')))) {
                return Err(misconfigured(format!(
                    "read s3.public_read: {bucket:?} is not a bucket name; write names such as \"celebtide\", or their beginning and a *"
                )));
            }
            if covers(bucket, upload_bucket) {
                return Err(misconfigured(format!(
                    "read s3.public_read: {bucket:?} covers {upload_bucket:?}, and originals would be public with all that cameras write into \
                     them; name other buckets"
                )));
            }
        }
        if let Some((domain, fault)) = self.domains.iter().find_map(|domain| Some((domain, fault_of_domain(domain)?))) {
            let doing =
                format!("read s3.domains: {domain:?} is wrong: {fault}; write names such as \"s3.example.com\"");
            return Err(misconfigured(doing));
        }
        for (name, time) in [("header_timeout", self.header_timeout), ("idle_timeout", self.idle_timeout)] {
            if time < TIMEOUT_MIN {
                return Err(misconfigured(format!(
                    "read s3.{name} = {time:?}: it must be {TIMEOUT_MIN:?} or more, or no client would be in time"
                )));
            }
        }
        self.check_public_url()?;
        match self.cors_origins.iter().find_map(|origin| fault_of_origin(origin)) {
            Some(fault) => Err(misconfigured(format!("read s3.cors_origins: {fault}"))),
            None => Ok(()),
        }
    }

    /// A signature covers the host and the whole path, so nothing may stand between them.
    fn check_public_url(&self) -> Result<()> {
        let rest = ["http://", "https://"].into_iter().find_map(|scheme| self.public_url.strip_prefix(scheme));
        let is_origin = rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']));
        if self.public_url.is_empty() || is_origin {
            return Ok(());
        }
        Err(misconfigured(format!(
            "read s3.public_url = {:?}: it must be scheme, host and port alone, such as https://s3.example.com",
            self.public_url
        )))
    }

    /// The host names below which the endpoint is: the configured ones, and that of its public address, where it is a name.
    pub fn all_domains(&self) -> Vec<String> {
        let host = self.public_url.split_once("://").map(|(_, host)| host.split(':').next().unwrap_or(host).to_owned());
        let is_new = |host: &String| fault_of_domain(host).is_none() && !self.domains.contains(host);
        self.domains.iter().cloned().chain(host.filter(is_new)).collect()
    }

    /// The base address under which clients upload, where one is set.
    pub fn public_url(&self) -> Option<String> {
        (!self.public_url.is_empty()).then(|| self.public_url.clone())
    }

    /// The limits, with those that all listeners share.
    pub fn limits(&self, server: &Server) -> S3Limits {
        S3Limits {
            object_max_bytes: self.object_max.as_u64(),
            connections_max: self.connections_max,
            in_flight_max_bytes: self.in_flight_max.as_u64(),
            header_timeout: self.header_timeout,
            idle_timeout: self.idle_timeout,
            connections_per_client: server.connections_per_client,
            trusted_clients: server.trusted_clients.clone(),
            min_bytes_per_s: server.min_rate.as_u64(),
            shutdown_timeout: server.shutdown_timeout,
            ..S3Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_host_names() {
        let check = |domain: &str| S3 { domains: vec![domain.to_owned()], ..S3::default() }.check("uploads");
        for good in ["s3.example.com", "localhost", "cameo.lan"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in
            ["", "https://s3.example.com", "s3.example.com:9000", "*.example.com", ".example.com", "10.0.0.7", "a b"]
        {
            let error = check(bad).expect_err(bad).to_string();
            assert!(error.contains("s3.domains"), "{error}");
        }
    }

    #[test]
    fn the_public_address_is_an_origin_and_its_name_a_domain() {
        let s3 = |url: &str| S3 { public_url: url.to_owned(), domains: vec!["s3.lan".to_owned()], ..S3::default() };
        for (good, domains) in [
            ("", &["s3.lan"][..]),
            ("https://s3.example.com", &["s3.lan", "s3.example.com"]),
            ("https://s3.example.com:9443", &["s3.lan", "s3.example.com"]),
            ("http://s3.lan", &["s3.lan"]),
            ("http://10.0.0.7:9000", &["s3.lan"]),
        ] {
            assert!(s3(good).check("uploads").is_ok(), "{good}");
            assert_eq!(s3(good).all_domains(), domains, "{good}");
        }
        for bad in ["s3.example.com", "https://", "https://h/path", "https://h/", "ftp://h", "https://u@h"] {
            assert!(s3(bad).check("uploads").unwrap_err().to_string().contains("s3.public_url"), "{bad}");
        }
    }

    #[test]
    fn originals_are_never_public() {
        let check =
            |bucket: &str| S3 { public_read: vec![bucket.to_owned()], ..S3::default() }.check("uploads-of-ours");
        for good in ["celebtide", "img-*", "uploads-of-ours-2"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "*", "uploads-of-ours", "uploads-*", "u*", "a*b", "Images", "img-**"] {
            let error = check(bad).expect_err(bad).to_string();
            assert!(error.contains("s3.public_read"), "{error}");
        }
    }
}
