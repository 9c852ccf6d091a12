//! Registering: at once, or each minute of a window of the day.

use std::time::Duration;

use jiff::{civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{misconfigured, wrong};
use crate::{model::error::Result, worker::window::Window};

/// `[register]`: when outcomes become rows, and what a deletion does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Register {
    /// When it runs.
    pub when: When,
    /// The first minute of the window, `07:00`.
    pub window_from: String,
    /// Its last minute, `21:00`, which belongs to it.
    pub window_until: String,
    /// The time zone of the window, by its IANA name. The machine's own zone is never asked.
    pub window_time_zone: String,
    /// Whether the deletion of an original removes its rows and renditions.
    pub delete_unpublishes: bool,
    /// How long the history of changes is kept; at least a day.
    #[serde(with = "humantime_serde")]
    pub keep_history: Duration,
}

/// When registering runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// As soon as a photo is rendered.
    Now,
    /// Each minute of the window.
    Window,
}

impl Default for Register {
    fn default() -> Self {
        Self {
            when: When::Now,
            window_from: "07:00".to_owned(),
            window_until: "21:00".to_owned(),
            window_time_zone: "Asia/Seoul".to_owned(),
            delete_unpublishes: true,
            keep_history: Duration::from_hours(730 * 24),
        }
    }
}

impl Register {
    /// The window; none where registering runs at once. Its parts are judged in both cases.
    pub fn window(&self) -> Result<Option<Window>> {
        let from = time("register.window_from", &self.window_from)?;
        let until = time("register.window_until", &self.window_until)?;
        let zone = self.time_zone()?;
        Ok((self.when == When::Window).then(|| Window::new(from, until, zone)))
    }

    /// The zone whose days and hours count: of the window, and of the dates of deliveries.
    pub fn time_zone(&self) -> Result<TimeZone> {
        let name = &self.window_time_zone;
        TimeZone::get(name).map_err(|error| wrong(format!("read register.window_time_zone = {name:?}"), error))
    }

    /// How long the history is kept. Implicit deliveries of the day are made from it, so a day is the least.
    pub fn keep_history(&self) -> Result<Duration> {
        if self.keep_history < KEEP_HISTORY_MIN {
            return Err(misconfigured("read register.keep_history: it must be 1d at least, such as 730d"));
        }
        Ok(self.keep_history)
    }
}

/// The history is kept for so long at least.
const KEEP_HISTORY_MIN: Duration = Duration::from_hours(24);

fn time(key: &str, text: &str) -> Result<Time> {
    Time::strptime("%H:%M", text).map_err(|error| wrong(format!("read {key} = {text:?}: write it as 07:00"), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, model::error::Kind};

    #[test]
    fn the_default_is_at_once_and_the_window_is_the_how_tos() {
        let config = Register::default();
        assert_eq!(config.window().unwrap(), None);
        let window = Register { when: When::Window, ..config }.window().unwrap().unwrap();
        assert!(window.is_open("2026-11-23T12:00:30Z".parse().unwrap()));
        assert!(!window.is_open("2026-11-23T12:01:00Z".parse().unwrap()));
    }

    #[test]
    fn a_window_that_nobody_can_read_is_refused_at_start() {
        for text in [
            "window_from = \"7 am\"",
            "window_until = \"25:00\"",
            "window_time_zone = \"Asia/Nowhere\"",
            "when = \"later\"",
            "keep_history = \"1h\"",
            "keep_history = \"soon\"",
        ] {
            let error = Config::from_toml(&format!("[register]\n{text}")).unwrap_err();
            assert_eq!(error.kind(), Kind::Misconfigured, "{text}: {error}");
        }
    }
}
