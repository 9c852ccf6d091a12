//! Registering: at once, or each minute of a window of the day.

use jiff::{civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::wrong;
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
        }
    }
}

impl Register {
    /// The window; none where registering runs at once. Its parts are judged in both cases.
    pub fn window(&self) -> Result<Option<Window>> {
        let from = time("register.window_from", &self.window_from)?;
        let until = time("register.window_until", &self.window_until)?;
        let zone = TimeZone::get(&self.window_time_zone)
            .map_err(|error| wrong(format!("read register.window_time_zone = {:?}", self.window_time_zone), error))?;
        Ok((self.when == When::Window).then(|| Window::new(from, until, zone)))
    }
}

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
        ] {
            let error = Config::from_toml(&format!("[register]\n{text}")).unwrap_err();
            assert_eq!(error.kind(), Kind::Misconfigured, "{text}: {error}");
        }
    }
}
