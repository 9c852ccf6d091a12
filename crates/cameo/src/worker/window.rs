//! The window of the day in which registering runs: once a minute, from its first minute to its last one, both included.
//!
//! It is a pure function of the time and of a time zone that the configuration names; the host's own zone is never asked.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};

/// Seconds of a minute.
const MINUTE_S: i64 = 60;
/// How many days ahead the next opening is looked for: a zone may skip a day, but not two.
const DAYS_AHEAD: i32 = 3;

/// When registering runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    from: Time,
    until: Time,
    zone: TimeZone,
}

impl Window {
    /// Every minute from `from` to `until` of that zone's clock, both included; over midnight where `until` comes first.
    pub fn new(from: Time, until: Time, zone: TimeZone) -> Self {
        Self { from, until, zone }
    }

    /// Whether registering runs in this minute.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let time = at.to_zoned(self.zone.clone()).time();
        let minute = time.with().second(0).subsec_nanosecond(0).build().unwrap_or(time);
        if self.from <= self.until {
            (self.from..=self.until).contains(&minute)
        } else {
            minute >= self.from || minute <= self.until
        }
    }

    /// The beginning of the first minute after `at` in which registering runs.
    pub fn next_run(&self, at: Timestamp) -> Timestamp {
        let next_minute = (at.as_second().div_euclid(MINUTE_S) + 1) * MINUTE_S;
        let next_minute = Timestamp::from_second(next_minute).unwrap_or(at);
        if self.is_open(next_minute) { next_minute } else { self.next_opening(next_minute) }
    }

    fn next_opening(&self, after: Timestamp) -> Timestamp {
        let today = after.to_zoned(self.zone.clone()).date();
        let openings = (0..DAYS_AHEAD).filter_map(|day| {
            let date = today.checked_add(SignedDuration::from_hours(24 * i64::from(day))).ok()?;
            Some(date.to_datetime(self.from).to_zoned(self.zone.clone()).ok()?.timestamp())
        });
        openings.filter(|opening| *opening >= after).min().unwrap_or(after)
    }

    /// When it opens again, as its own clock shows it; none while it is open.
    pub fn closed_until(&self, now: Timestamp) -> Option<String> {
        (!self.is_open(now)).then(|| self.told(self.next_run(now)))
    }

    /// A time as the window's own clock shows it, for a person: `07:00 (Asia/Seoul)`.
    pub fn told(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        let name = self.zone.iana_name().unwrap_or("UTC");
        format!("{} ({name})", zoned.strftime("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, until: &str, zone: &str) -> Window {
        Window::new(from.parse().unwrap(), until.parse().unwrap(), TimeZone::get(zone).unwrap())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The how-to's: each minute from 07:00 to 21:00 in Korea, which is 22:00 of the day before to 12:00 in UTC.
    #[test]
    fn both_ends_belong_to_it() {
        let korea = window("07:00", "21:00", "Asia/Seoul");
        for (time, open) in [
            ("2026-11-22T21:59:59Z", false),
            ("2026-11-22T22:00:00Z", true),
            ("2026-11-23T11:59:59Z", true),
            ("2026-11-23T12:00:00Z", true),
            ("2026-11-23T12:00:59.9Z", true),
            ("2026-11-23T12:01:00Z", false),
        ] {
            assert_eq!(korea.is_open(at(time)), open, "{time}");
        }
    }

    #[test]
    fn it_runs_each_minute_and_after_the_night_at_seven() {
        let korea = window("07:00", "21:00", "Asia/Seoul");
        for (time, next) in [
            ("2026-11-22T22:00:00Z", "2026-11-22T22:01:00Z"),
            ("2026-11-23T11:59:30Z", "2026-11-23T12:00:00Z"),
            ("2026-11-23T12:00:00Z", "2026-11-23T22:00:00Z"),
            ("2026-12-31T14:59:59Z", "2026-12-31T22:00:00Z"),
            ("2026-12-31T15:00:00Z", "2026-12-31T22:00:00Z"),
            ("2026-12-31T21:59:59.5Z", "2026-12-31T22:00:00Z"),
        ] {
            assert_eq!(korea.next_run(at(time)), at(next), "{time}");
        }
        assert_eq!(korea.told(at("2026-12-31T22:00:00Z")), "07:00 (Asia/Seoul)");
    }

    /// A whole day, minute by minute: 841 runs, the first at 07:00 and the last at 21:00.
    #[test]
    fn a_day_has_841_runs() {
        let korea = window("07:00", "21:00", "Asia/Seoul");
        let (mut now, end) = (at("2026-11-22T15:00:00Z"), at("2026-11-23T15:00:00Z"));
        let mut runs = Vec::new();
        while now < end {
            now = korea.next_run(now);
            runs.push(now);
        }
        let today: Vec<_> = runs.into_iter().filter(|run| *run < end).collect();
        assert_eq!((today.len(), today[0], today[840]), (841, at("2026-11-22T22:00:00Z"), at("2026-11-23T12:00:00Z")));
    }

    #[test]
    fn it_may_lie_over_midnight() {
        let night = window("22:00", "06:00", "Asia/Seoul");
        assert!(night.is_open(at("2026-11-23T13:00:00Z")) && night.is_open(at("2026-11-23T21:00:00Z")));
        assert!(!night.is_open(at("2026-11-23T21:01:00Z")));
        assert_eq!(night.next_run(at("2026-11-23T21:00:00Z")), at("2026-11-24T13:00:00Z"));
    }

    /// Clocks that jump: the opening goes with the zone's clock, and no day is without one.
    #[test]
    fn summer_time_moves_the_opening() {
        let paris = window("07:00", "21:00", "Europe/Paris");
        assert_eq!(paris.next_run(at("2026-03-28T21:00:00Z")), at("2026-03-29T05:00:00Z"));
        assert_eq!(paris.next_run(at("2026-10-24T21:00:00Z")), at("2026-10-25T06:00:00Z"));
        let skipped = window("02:10", "02:20", "Europe/Paris");
        assert_eq!(skipped.next_run(at("2026-03-28T12:00:00Z")), at("2026-03-29T01:10:00Z"));
    }
}
