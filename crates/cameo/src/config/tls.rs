//! `[server.tls]`: TLS on the server's own listeners, without a proxy in front.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Images, misconfigured};
use crate::model::error::Result;

/// The certificate, and who speaks TLS with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that lead from it to a root, as a PEM file; empty for no TLS. Read again when it changes.
    pub cert: PathBuf,
    /// Its key, as a PEM file.
    pub key: PathBuf,
    /// Which listeners speak TLS, and nothing else.
    pub listeners: Vec<TlsListener>,
}

/// A listener that can speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsListener {
    /// Console and API.
    Console,
    /// The S3 endpoint.
    S3,
    /// The public images.
    Images,
}

impl Default for Tls {
    fn default() -> Self {
        Self { cert: PathBuf::new(), key: PathBuf::new(), listeners: vec![TlsListener::Console] }
    }
}

impl Tls {
    /// Whether there is a certificate.
    pub fn is_on(&self) -> bool {
        !self.cert.as_os_str().is_empty()
    }

    /// Whether a listener speaks TLS.
    pub fn covers(&self, listener: TlsListener) -> bool {
        self.is_on() && self.listeners.contains(&listener)
    }

    /// Refuses half a pair, a pair for nobody, and images under a name that is in no certificate.
    pub fn check(&self, images: &Images) -> Result<()> {
        if self.is_on() == self.key.as_os_str().is_empty() {
            return Err(misconfigured("read server.tls: cert and key are set together, or neither is"));
        }
        if self.is_on() && self.listeners.is_empty() {
            return Err(misconfigured(
                "read server.tls.listeners: it is empty; write which of \"console\", \"s3\" and \"images\" speak TLS",
            ));
        }
        if self.covers(TlsListener::Images) && !images.public_url.starts_with("https://") {
            return Err(misconfigured(format!(
                "read images.public_url = {:?}: the images speak TLS (server.tls.listeners), so rows need an address that begins with https:// \
                 and a name of the certificate",
                images.public_url
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_and_a_pair_for_nobody_are_refused() {
        let check = |cert: &str, key: &str, listeners: &[TlsListener], public_url: &str| {
            let tls = Tls { cert: cert.into(), key: key.into(), listeners: listeners.to_vec() };
            let images = Images { public_url: public_url.to_owned(), ..Images::default() };
            tls.check(&images).map_err(|error| error.to_string())
        };
        let console = [TlsListener::Console];
        assert!(Tls::default().check(&Images::default()).is_ok() && !Tls::default().covers(TlsListener::Console));
        assert_eq!(check("c.pem", "k.pem", &console, ""), Ok(()));
        for (cert, key) in [("c.pem", ""), ("", "k.pem")] {
            assert!(check(cert, key, &console, "").unwrap_err().contains("server.tls"), "{cert:?} {key:?}");
        }
        assert!(check("c.pem", "k.pem", &[], "").unwrap_err().contains("server.tls.listeners"));
        let all = [TlsListener::Console, TlsListener::S3, TlsListener::Images];
        for url in ["", "http://images.example"] {
            assert!(check("c.pem", "k.pem", &all, url).unwrap_err().contains("images.public_url"), "{url:?}");
        }
        assert_eq!(check("c.pem", "k.pem", &all, "https://images.example"), Ok(()));
    }
}
