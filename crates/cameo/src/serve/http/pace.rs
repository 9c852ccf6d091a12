//! How fast a client sends or takes, while it is waited for.
//!
//! Waiting for the client puts it behind, second by second; bytes make up for it at the minimum rate. So a stall that is shorter than
//! the allowance is forgiven, and a byte now and then is not. Time that the server takes for itself, such as for a disk, counts for nobody.

use std::time::Duration;

use tokio::time::Instant;

/// What is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// How far behind a client may fall.
    pub(super) behind_max: Duration,
    /// At which rate it catches up, bytes a second.
    pub(super) min_bytes_per_s: u64,
}

impl Rate {
    fn time_for(self, bytes: u64) -> Duration {
        Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / self.min_bytes_per_s.max(1))
    }
}

/// One direction of one request.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Rate,
    behind: Duration,
    waiting_since: Option<Instant>,
    /// What the client moved, and how long it was waited for in all.
    bytes: u64,
    waited: Duration,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, behind: Duration::ZERO, waiting_since: None, bytes: 0, waited: Duration::ZERO }
    }

    /// Forgets what was, for the next request.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.rate);
    }

    /// Holds it to another rate from here on, without a grudge.
    pub(super) fn hold_to(&mut self, rate: Rate, now: Instant) {
        let waiting_since = self.waiting_since.map(|_| now);
        *self = Self { waiting_since, ..Self::new(rate) };
    }

    /// The client is waited for.
    pub(super) fn waits(&mut self, now: Instant) {
        self.waiting_since.get_or_insert(now);
    }

    /// The client moved so many bytes.
    pub(super) fn moved(&mut self, bytes: usize, now: Instant) {
        let waited = self.waits_for(now);
        self.behind += waited;
        self.waited += waited;
        self.bytes += bytes as u64;
        self.waiting_since = None;
        self.behind = self.behind.saturating_sub(self.rate.time_for(bytes as u64));
    }

    /// Nobody waits for the client any more.
    pub(super) fn stop(&mut self, now: Instant) {
        self.moved(0, now);
    }

    fn waits_for(&self, now: Instant) -> Duration {
        self.waiting_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// How far behind a client is that is being waited for.
    pub(super) fn falls_behind(&self, now: Instant) -> Option<Duration> {
        self.waiting_since.map(|_| self.behind + self.waits_for(now))
    }

    pub(super) fn is_too_slow(&self, now: Instant) -> bool {
        self.falls_behind(now).is_some_and(|behind| behind >= self.rate.behind_max)
    }

    /// How long the client takes for 1 KiB on average, once it has been waited for `at_least` so long.
    pub(super) fn a_kib_takes(&self, now: Instant, at_least: Duration) -> Option<Duration> {
        let waited = self.waited + self.waits_for(now);
        let kib = u32::try_from(self.bytes / 1024).unwrap_or(u32::MAX).max(1);
        (self.waiting_since.is_some() && waited >= at_least).then(|| waited / kib)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { behind_max: Duration::from_secs(30), min_bytes_per_s: 1024 };

    /// Moves `bytes` every second until it is too slow, for ten minutes at most; how many seconds it lasted.
    fn lasts(bytes: usize) -> u64 {
        let (begin, mut pace) = (Instant::now(), Pace::new(RATE));
        for second in 0..600 {
            pace.waits(begin + Duration::from_secs(second));
            let now = begin + Duration::from_secs(second + 1);
            if pace.is_too_slow(now) {
                return second + 1;
            }
            pace.moved(bytes, now);
        }
        600
    }

    /// security.md A4 and A6.
    #[test]
    fn a_dribble_does_not_count_as_going_on() {
        assert_eq!(lasts(0), 30);
        assert_eq!(lasts(1), 31);
        assert_eq!(lasts(512), 59, "half the rate falls behind by half a second a second");
        assert_eq!(lasts(1024), 600, "the rate itself is fast enough");
    }

    #[test]
    fn a_stall_is_forgiven_and_saved_up_bytes_are_not_counted() {
        let (begin, mut pace) = (Instant::now(), Pace::new(RATE));
        pace.moved(100 << 20, begin);
        pace.waits(begin);
        assert!(!pace.is_too_slow(begin + Duration::from_secs(29)));
        assert!(pace.is_too_slow(begin + Duration::from_secs(30)), "a fast beginning buys no longer stall");
        pace.moved(30 << 10, begin + Duration::from_secs(29));
        assert_eq!(pace.falls_behind(begin + Duration::from_mins(1)), None, "nobody waits for it");
    }

    #[test]
    fn the_average_is_over_the_time_that_the_client_was_waited_for() {
        let (begin, mut pace) = (Instant::now(), Pace::new(RATE));
        pace.waits(begin);
        pace.moved(40 << 10, begin + Duration::from_secs(8));
        pace.waits(begin + Duration::from_secs(100));
        let at_least = Duration::from_secs(10);
        assert_eq!(pace.a_kib_takes(begin + Duration::from_secs(101), at_least), None);
        assert_eq!(pace.a_kib_takes(begin + Duration::from_secs(102), at_least), Some(Duration::from_millis(250)));
    }

    #[test]
    fn at_the_end_it_is_held_to_a_shorter_time_from_then_on() {
        let (begin, mut pace) = (Instant::now(), Pace::new(RATE));
        pace.waits(begin);
        let end = begin + Duration::from_secs(20);
        pace.hold_to(Rate { behind_max: Duration::from_secs(1), min_bytes_per_s: 1024 }, end);
        assert!(!pace.is_too_slow(end + Duration::from_millis(999)) && pace.is_too_slow(end + Duration::from_secs(1)));
    }
}
