//! The data folder, the listeners and the log.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::{Tls, misconfigured};
use crate::{
    admission::{ClientNetwork, ConnectionLimits},
    model::error::Result,
};

/// The levels of log lines; `off` is none.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Data folder and listeners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The folder that holds everything embedded.
    pub data: PathBuf,
    /// Where the S3 endpoint listens; only in a server that keeps objects itself.
    pub s3_listen: Listen,
    /// Where renditions and aliases are served to the public.
    pub images_listen: Listen,
    /// Console and JSON API.
    pub console_listen: Listen,
    /// Open connections of one client of a listener.
    pub connections_per_client: usize,
    /// Addresses and networks whose clients are many behind one address, such as a proxy: they may have all connections.
    pub trusted_clients: Vec<ClientNetwork>,
    /// What a client must send of a body, and take of an answer, while it is waited for, a second.
    pub min_rate: ByteSize,
    /// How long a server that is told to end may take to finish what it holds.
    #[serde(with = "humantime_serde")]
    pub shutdown_timeout: Duration,
    /// TLS on these listeners.
    pub tls: Tls,
}

impl Default for Server {
    fn default() -> Self {
        let local = |port| Listen::On(SocketAddr::from(([127, 0, 0, 1], port)));
        let limits = ConnectionLimits::default();
        Self {
            data: PathBuf::from("./cameo-data"),
            s3_listen: local(9000),
            images_listen: local(9001),
            console_listen: local(9002),
            connections_per_client: limits.connections_per_client,
            trusted_clients: limits.trusted_clients,
            min_rate: ByteSize::b(limits.min_bytes_per_s),
            shutdown_timeout: limits.shutdown_timeout,
            tls: Tls::default(),
        }
    }
}

impl Server {
    /// Turns every listener off.
    pub fn turn_off(&mut self) {
        for listen in [&mut self.s3_listen, &mut self.images_listen, &mut self.console_listen] {
            *listen = Listen::Off;
        }
    }

    /// What the images and the console take of connections; the S3 endpoint has limits of its own beside these.
    pub fn connection_limits(&self, connections_max: usize) -> ConnectionLimits {
        ConnectionLimits {
            connections_max,
            connections_per_client: self.connections_per_client,
            trusted_clients: self.trusted_clients.clone(),
            min_bytes_per_s: self.min_rate.as_u64(),
            shutdown_timeout: self.shutdown_timeout,
            ..ConnectionLimits::default()
        }
    }
}

/// Where to listen: `ADDR:PORT` (port 0: a free one), or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// On this address.
    On(SocketAddr),
    /// Not at all.
    Off,
}

impl Listen {
    /// The address, if others than this machine can reach it.
    pub fn beyond_loopback(self) -> Option<SocketAddr> {
        self.address().filter(|address| !address.ip().to_canonical().is_loopback())
    }

    /// The address, unless it is off.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::On(address) => Some(address),
            Self::Off => None,
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::On)
            .map_err(|_| format!("{text:?} is neither ADDR:PORT, such as 127.0.0.1:9000, nor off"))
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(address) => address.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

/// Log lines, on standard error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What is logged: `error`, `warn`, `info`, `debug`, or filters such as `info,cameo::flow=debug`.
    pub level: String,
    /// How it is written.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

impl Log {
    /// Refuses a level that would silence Cameo by a slip of the pen.
    pub fn check(&self) -> Result<()> {
        Self::check_level("log.level", &self.level)
    }

    /// [`check`](Self::check) for a level from elsewhere, under `name`. A word that is no level is a module to whoever reads such
    /// filters: `inof` would log everything of a module of that name, and nothing else.
    pub fn check_level(name: &str, level: &str) -> Result<()> {
        let fault = |what: String| {
            let levels = LEVELS.join(", ");
            Err(misconfigured(format!(
                "read {name} = {level:?}: {what}; write one of {levels}, or filters such as info,cameo::flow=debug"
            )))
        };
        let mut reaches_cameo = false;
        for filter in level.split(',').map(str::trim) {
            let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
            let (module, word) = filter.rsplit_once('=').unwrap_or(("", filter));
            if !is_level(word) {
                return fault(format!("{word:?} is not a log level"));
            }
            let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
            if !module.chars().all(is_path) {
                return fault(format!("{module:?} is not a module"));
            }
            reaches_cameo |= module.is_empty() || module == "cameo" || module.starts_with("cameo::");
        }
        if reaches_cameo { Ok(()) } else { fault("nothing in it is a level for all of Cameo".to_owned()) }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Text.
    Text,
    /// JSON, an object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// users.md 15.
    #[test]
    fn a_slip_of_the_pen_does_not_make_the_log_deaf() {
        for good in
            ["info", "WARN", "off", "info,cameo::flow=debug", "warn, cameo=info", "cameo=debug", "hyper=warn,info"]
        {
            assert!(Log::check_level("log.level", good).is_ok(), "{good}");
        }
        for bad in
            ["inof", "", "information", "info,", "cameo", "info,cameo=debgu", "camoe=debug", "info;debug", "hyper=warn"]
        {
            let error = Log::check_level("log.level", bad).expect_err(bad).to_string();
            assert!(error.contains("log.level"), "{error}");
        }
    }
}
