//! Who may reach the console and its API, by which names and through which proxies, and how long somebody stays logged in.

use std::time::Duration;

use super::{ClientNetwork, OidcAccess};

/// What `[console]` says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleAccess {
    /// Host names that requests may name, in lower case; addresses and `localhost` they always may.
    pub hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<ClientNetwork>,
    /// How long a session that nobody uses holds.
    pub session_idle: Duration,
    /// How long a session holds in any case.
    pub session_max: Duration,
    /// Whether browsers of other machines may log in without TLS.
    pub plain_login: bool,
    /// The provider that people may log in through beside a password.
    pub oidc: Option<OidcAccess>,
}

impl Default for ConsoleAccess {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            session_idle: Duration::from_hours(12),
            session_max: Duration::from_hours(7 * 24),
            plain_login: false,
            oidc: None,
        }
    }
}
