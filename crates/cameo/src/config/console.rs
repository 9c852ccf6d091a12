//! The console.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Oidc, Server, TlsListener, misconfigured};
#[cfg(feature = "embedded")]
use crate::serve::s3_api::Cors;
use crate::{
    admission::{ClientNetwork, ConsoleAccess, fault_of_domain},
    model::error::Result,
};

/// How short a session may be at the least: a page must outlive its reading.
const SESSION_MIN: Duration = Duration::from_mins(1);
/// How long a session may be at most.
const SESSION_MAX: Duration = Duration::from_hours(30 * 24);

/// `[console]`: who may reach it, and how long somebody stays logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// Whether it may listen beyond this machine although there is no TLS.
    pub allow_public: bool,
    /// Open connections of its listener, at most, as far as the process has descriptors for them.
    pub connections_max: usize,
    /// Origins whose web pages may ask the API, as browsers name them (`https://admin.example.com`; `*`: all); empty for none.
    pub cors_origins: Vec<String>,
    /// Its address for people, scheme, host and port alone: `https://cameo.example.com`; empty for what the other settings come to. Links are
    /// made with it, and its host needs no entry in `hosts`.
    pub public_url: String,
    /// Host names under which it is reached, such as `cameo.example.com`; addresses and `localhost` need no entry.
    pub hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed: addresses and networks.
    pub trusted_proxies: Vec<ClientNetwork>,
    /// Whether people may log in from other machines without TLS.
    pub plain_login: bool,
    /// How long a session that nobody uses holds.
    #[serde(with = "humantime_serde")]
    pub session_idle: Duration,
    /// How long a session holds in any case.
    #[serde(with = "humantime_serde")]
    pub session_max: Duration,
    /// Logging in through an `OpenID` provider.
    pub oidc: Oidc,
}

impl Default for Console {
    fn default() -> Self {
        let ConsoleAccess { hosts, trusted_proxies, session_idle, session_max, plain_login, .. } =
            ConsoleAccess::default();
        Self {
            allow_public: false,
            connections_max: 256,
            cors_origins: Vec::new(),
            public_url: String::new(),
            hosts,
            trusted_proxies,
            plain_login,
            session_idle,
            session_max,
            oidc: Oidc::default(),
        }
    }
}

impl Console {
    /// Whose web pages may ask the API.
    #[cfg(feature = "embedded")]
    pub fn cors(&self) -> Result<Cors> {
        Cors::new(&self.cors_origins).map_err(|fault| misconfigured(format!("read console.cors_origins: {fault}")))
    }

    /// The names under which it is reached, in lower case: those that are configured, and that of its address for people.
    pub fn own_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        let public = self
            .public_url
            .split_once("://")
            .map(|(_, host)| host.split(':').next().unwrap_or(host).to_ascii_lowercase());
        names.extend(public.filter(|host| fault_of_domain(host).is_none() && !names.contains(host)));
        names
    }

    fn check_public_url(&self) -> Result<()> {
        let rest = ["http://", "https://"].into_iter().find_map(|scheme| self.public_url.strip_prefix(scheme));
        let is_origin = rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']));
        if self.public_url.is_empty() || is_origin {
            return Ok(());
        }
        Err(misconfigured(format!(
            "read console.public_url = {:?}: it must be scheme, host and port alone, such as https://cameo.example.com",
            self.public_url
        )))
    }

    /// By which names and through which proxies it is reached, and how long sessions hold.
    pub fn access(&self) -> Result<ConsoleAccess> {
        for host in &self.hosts {
            if let Some(fault) = fault_of_domain(host) {
                return Err(misconfigured(format!("read console.hosts: {host:?}: {fault}")));
            }
        }
        self.check_public_url()?;
        if self.session_idle < SESSION_MIN || self.session_max > SESSION_MAX || self.session_idle > self.session_max {
            return Err(misconfigured(
                "read console.session_idle and console.session_max: the first is at least 1m and at most the second, which is at most 30d"
                    .to_owned(),
            ));
        }
        Ok(ConsoleAccess {
            hosts: self.own_names(),
            trusted_proxies: self.trusted_proxies.clone(),
            session_idle: self.session_idle,
            session_max: self.session_max,
            plain_login: self.plain_login,
            oidc: None,
        })
    }

    /// The same with the provider that people may log in through: the file of its secret is read, which only a server may.
    pub fn access_with_oidc(&self) -> Result<ConsoleAccess> {
        Ok(ConsoleAccess { oidc: self.oidc.access(&self.public_url)?, ..self.access()? })
    }

    /// Refuses an address that others can reach without TLS, unless that is wanted.
    pub fn check(&self, server: &Server) -> Result<()> {
        match server.console_listen.beyond_loopback() {
            Some(address) if !self.allow_public && !server.tls.covers(TlsListener::Console) => {
                Err(misconfigured(format!(
                    "start the console on {address} (server.console_listen): there is no TLS, so what people see, tokens and log-ins can be read on the \
                 way; give it a certificate (server.tls), listen on 127.0.0.1 or [::1] and reach it through SSH or a proxy with TLS \
                 (console.hosts, console.trusted_proxies), or set console.allow_public = true (CAMEO_CONSOLE_ALLOW_PUBLIC=true) if something \
                 else keeps others out"
                )))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Tls, *};

    #[test]
    fn names_and_times_that_cannot_be_are_refused() {
        assert_eq!(Console::default().access().unwrap(), ConsoleAccess::default());
        let named = Console { hosts: vec!["Cameo.Example.com".to_owned()], ..Console::default() };
        assert_eq!(named.access().unwrap().hosts, ["cameo.example.com"]);
        for bad in ["https://cameo.example.com", "cameo.example.com:443", "10.0.0.7", ""] {
            let console = Console { hosts: vec![bad.to_owned()], ..Console::default() };
            assert!(console.access().unwrap_err().to_string().contains("console.hosts"), "{bad}");
        }
        let public = |url: &str| Console { public_url: url.to_owned(), ..Console::default() }.access();
        assert_eq!(public("https://Cameo.example.com:8443").unwrap().hosts, ["cameo.example.com"]);
        assert!(public("http://127.0.0.1:9002").unwrap().hosts.is_empty());
        for bad in ["cameo.example.com", "https://", "https://h/path", "https://h/", "ftp://h", "https://u@h"] {
            assert!(public(bad).unwrap_err().to_string().contains("console.public_url"), "{bad}");
        }
        let minutes = Duration::from_mins;
        for (idle, max) in [(0, 60), (61, 60), (60, 31 * 24 * 60)] {
            let console = Console { session_idle: minutes(idle), session_max: minutes(max), ..Console::default() };
            assert!(console.access().is_err(), "{idle} {max}");
        }
    }

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
            let tls = Tls { cert: "c.pem".into(), key: "k.pem".into(), ..Tls::default() };
            let server = |tls| Server { console_listen: public.parse().unwrap(), tls, ..Server::default() };
            assert!(Console::default().check(&server(tls.clone())).is_ok(), "{public}");
            let of_others = Tls { listeners: vec![TlsListener::S3], ..tls };
            assert!(Console::default().check(&server(of_others)).is_err(), "{public}");
        }
    }
}
