//! How long an invocation may still take. Lambda ends a function that takes longer, and counts its whole batch as failed.

use std::time::Duration;

use cameo::clock::{Clock, SystemClock};
use lambda_runtime::Context;

/// Kept back for the answer.
const FOR_THE_ANSWER: Duration = Duration::from_secs(2);

/// The end of an invocation, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) fn of(context: &Context) -> Self {
        Self(context.deadline)
    }

    /// In so many milliseconds from now.
    #[cfg(test)]
    pub(crate) fn after(milliseconds: u64) -> Self {
        Self(u64::try_from(SystemClock.now().as_millisecond()).unwrap_or(0) + milliseconds)
    }

    /// The time for work: what is left, without what the answer needs.
    pub(crate) fn left(self) -> Duration {
        let now = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or(0);
        Duration::from_millis(self.0.saturating_sub(now)).saturating_sub(FOR_THE_ANSWER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_for_the_answer_is_kept_back() {
        assert!(Deadline::after(60_000).left() <= Duration::from_secs(58));
        assert_eq!(Deadline::after(1_000).left(), Duration::ZERO);
        assert_eq!(Deadline(0).left(), Duration::ZERO);
    }
}
