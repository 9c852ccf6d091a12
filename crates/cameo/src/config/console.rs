//! The console.

use serde::{Deserialize, Serialize};

use super::{Server, misconfigured};
use crate::model::error::Result;
#[cfg(feature = "embedded")]
use crate::serve::s3_api::Cors;

/// `[console]`: who may reach it, since it has no log-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// Whether it may listen beyond this machine although it has no log-in.
    pub allow_public: bool,
    /// Open connections of its listener, at most, as far as the process has descriptors for them.
    pub connections_max: usize,
    /// Origins whose web pages may ask the API, as browsers name them (`https://admin.example.com`; `*`: all); empty for none.
    pub cors_origins: Vec<String>,
}

impl Default for Console {
    fn default() -> Self {
        Self { allow_public: false, connections_max: 256, cors_origins: Vec::new() }
    }
}

impl Console {
    /// Whose web pages may ask the API.
    #[cfg(feature = "embedded")]
    pub fn cors(&self) -> Result<Cors> {
        Cors::new(&self.cors_origins).map_err(|fault| misconfigured(format!("read console.cors_origins: {fault}")))
    }

    /// Refuses an address that others can reach: the pages of the console have no log-in. The API has its tokens.
    pub fn check(&self, server: &Server) -> Result<()> {
        match server.console_listen.beyond_loopback() {
            Some(address) if !self.allow_public => Err(misconfigured(format!(
                "start the console on {address} (server.console_listen): its pages have no log-in, and whoever reaches them sees \
                 every photo and name; listen on 127.0.0.1 or [::1] and reach it through SSH or a proxy with a log-in, or set console.allow_public = true \
                 (CAMEO_CONSOLE_ALLOW_PUBLIC=true) if something else keeps others out"
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security.md, last paragraph: the console without a log-in on 0.0.0.0.
    #[test]
    fn a_console_that_others_can_reach_is_refused_unless_that_is_wanted() {
        let check = |listen: &str, allow_public| {
            let server = Server { console_listen: listen.parse().unwrap(), ..Server::default() };
            Console { allow_public, ..Console::default() }.check(&server)
        };
        for local in ["127.0.0.1:9002", "127.8.0.1:9002", "[::1]:9002", "[::ffff:127.0.0.1]:9002", "off"] {
            assert!(check(local, false).is_ok(), "{local}");
        }
        for public in ["0.0.0.0:9002", "[::]:9002", "10.0.0.7:9002", "[::ffff:10.0.0.7]:9002", "[fe80::1]:9002"] {
            let error = check(public, false).expect_err(public).to_string();
            assert!(error.contains("console.allow_public") && error.contains("127.0.0.1"), "{error}");
            assert!(check(public, true).is_ok(), "{public}");
        }
    }
}
