//! How webhooks are sent.

use std::time::Duration;

use humantime_serde::Serde;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::misconfigured;
use crate::model::{error::Result, webhook::RETRY};
#[cfg(feature = "embedded")]
use crate::webhooks::{Settings, address::Reach};

/// Waits between attempts, at most.
const RETRIES_MAX: usize = 50;
/// Messages that may be pending, at most.
const PENDING_MAX: usize = 1_000_000;
/// A time-out beyond this would hold a connection for nothing.
const TIMEOUT_MAX: Duration = Duration::from_mins(2);

/// How webhooks are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Whether private addresses are reached: those of this machine and of its networks.
    pub allow_private: bool,
    /// Private networks that are reached in any case.
    pub allow_networks: Vec<String>,
    /// Whether plain HTTP may go to public addresses.
    pub allow_http: bool,
    /// How long one attempt may take.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// How long to wait before each further attempt.
    pub retry: Vec<Serde<Duration>>,
    /// How long a message is tried, and how long an endpoint may fail until it is disabled.
    #[serde(with = "humantime_serde")]
    pub give_up: Duration,
    /// How often it is looked for something to send.
    #[serde(with = "humantime_serde")]
    pub poll: Duration,
    /// How long nothing more must happen to an entity or a delivery before it is judged.
    #[serde(with = "humantime_serde")]
    pub settle: Duration,
    /// How long nothing must happen to a delivery until files that never arrived count as failed.
    #[serde(with = "humantime_serde")]
    pub delivery_quiet: Duration,
    /// How long messages that ended, and attempts, are kept.
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
    /// Messages of an endpoint that are pending, at most.
    pub pending_max: usize,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            allow_private: false,
            allow_networks: Vec::new(),
            allow_http: false,
            timeout: Duration::from_secs(15),
            retry: RETRY.map(Serde::from).to_vec(),
            give_up: Duration::from_hours(72),
            poll: Duration::from_secs(1),
            settle: Duration::from_secs(5),
            delivery_quiet: Duration::from_mins(15),
            keep: Duration::from_hours(7 * 24),
            pending_max: 10_000,
        }
    }
}

impl Webhooks {
    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<()> {
        self.networks()?;
        let zero = [
            ("timeout", self.timeout),
            ("give_up", self.give_up),
            ("poll", self.poll),
            ("settle", self.settle),
            ("delivery_quiet", self.delivery_quiet),
            ("keep", self.keep),
        ];
        if let Some((name, _)) = zero.iter().find(|(_, time)| time.is_zero()) {
            return Err(misconfigured(format!("read webhooks.{name} = 0s: it must be longer")));
        }
        if self.timeout > TIMEOUT_MAX {
            return Err(misconfigured(format!("read webhooks.timeout: it must be {TIMEOUT_MAX:?} or less")));
        }
        if self.retry.len() > RETRIES_MAX || self.retry.iter().any(|wait| wait.is_zero()) {
            return Err(misconfigured(format!("read webhooks.retry: up to {RETRIES_MAX} waits, each longer than 0s")));
        }
        if !(1..=PENDING_MAX).contains(&self.pending_max) {
            let pending = self.pending_max;
            return Err(misconfigured(format!(
                "read webhooks.pending_max = {pending}: it must be from 1 to {PENDING_MAX}"
            )));
        }
        Ok(())
    }

    /// The private networks that are reached.
    fn networks(&self) -> Result<Vec<IpNet>> {
        let read = |text: &String| {
            let address = text.parse::<std::net::IpAddr>().map(IpNet::from);
            text.parse::<IpNet>().or(address).map_err(|_| {
                misconfigured(format!("read webhooks.allow_networks: {text:?} is not a network such as 10.1.0.0/16"))
            })
        };
        self.allow_networks.iter().map(read).collect()
    }

    /// As what sends takes them.
    #[cfg(feature = "embedded")]
    pub fn settings(&self) -> Result<Settings> {
        let reach =
            Reach { allow_private: self.allow_private, networks: self.networks()?, allow_http: self.allow_http };
        Ok(Settings {
            reach,
            timeout: self.timeout,
            retry: self.retry.iter().map(|wait| **wait).collect(),
            give_up: self.give_up,
            poll: self.poll,
            settle: self.settle,
            delivery_quiet: self.delivery_quiet,
            keep: self.keep,
            pending_max: self.pending_max,
            ..Settings::default()
        })
    }
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_nobody_sets_is_what_sends_by_itself() {
        assert_eq!(Webhooks::default().settings().unwrap(), Settings::default());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (wrong, named) in [
            ("allow_networks = [\"10.0.0.0/33\"]", "allow_networks"),
            ("allow_networks = [\"home\"]", "allow_networks"),
            ("timeout = \"0s\"", "webhooks.timeout"),
            ("timeout = \"5m\"", "webhooks.timeout"),
            ("poll = \"0s\"", "webhooks.poll"),
            ("retry = [\"5s\", \"0s\"]", "webhooks.retry"),
            ("retry = [\"soon\"]", "line 2"),
            ("pending_max = 0", "webhooks.pending_max"),
        ] {
            let error = Config::from_toml(&format!("[webhooks]\n{wrong}")).unwrap_err().to_string();
            assert!(error.contains(named), "{wrong}: {error}");
        }
        let config = Config::from_toml("[webhooks]\nallow_networks = [\"10.0.0.7\", \"fd00::/8\"]").unwrap();
        assert_eq!(config.webhooks.settings().unwrap().reach.networks.len(), 2);
    }
}
