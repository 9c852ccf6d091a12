//! A log line that is written now and then, however often its cause comes: whoever is outside decides how often that is.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long nothing is said after something was.
const QUIET: Duration = Duration::from_secs(10);

/// Counts what happens, and says when it should be told.
#[derive(Debug, Default)]
pub(crate) struct Sometimes(Mutex<(Option<Instant>, u64)>);

impl Sometimes {
    /// It happened: how often since it was last told, if it should be told now.
    pub(crate) fn happened(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told_at, times) = &mut *state;
        *times += 1;
        if told_at.is_some_and(|at| at.elapsed() < QUIET) {
            return None;
        }
        *told_at = Some(Instant::now());
        Some(std::mem::take(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_happens_often_is_told_now_and_then_with_its_number() {
        let sometimes = Sometimes::default();
        assert_eq!(sometimes.happened(), Some(1));
        assert!((0..1000).all(|_| sometimes.happened().is_none()));
        tokio::time::advance(QUIET).await;
        assert_eq!(sometimes.happened(), Some(1001));
    }
}
