//! Log-ins through the provider that have ended: each is ended once, whatever the browser and the provider say of it again.
//!
//! The provider takes a code once, and the cookie of a log-in goes with its end. This is for a provider that takes one twice.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::oidc::PENDING_HOLDS;

/// Log-ins that are remembered, at most: sixteen a second for as long as one holds.
const REMEMBERED_MAX: usize = 10_000;

/// States of log-ins that have ended, each until it would hold no longer anyway.
#[derive(Debug, Default)]
pub(in crate::serve) struct Spent(Mutex<HashMap<String, Instant>>);

impl Spent {
    /// Ends a log-in; false where it has ended already, or where so many end that it cannot be said.
    pub(in crate::serve) fn end(&self, state: &str, now: Instant) -> bool {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = Duration::try_from(PENDING_HOLDS).unwrap_or(Duration::MAX);
        if ended.len() >= REMEMBERED_MAX {
            ended.retain(|_, at| now.saturating_duration_since(*at) < holds);
        }
        if ended.len() >= REMEMBERED_MAX || ended.contains_key(state) {
            return false;
        }
        ended.insert(state.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_ends_once_and_no_more_are_remembered_than_there_is_room_for() {
        let (spent, now) = (Spent::default(), Instant::now());
        assert!(spent.end("a", now) && !spent.end("a", now) && spent.end("b", now));
        for number in 2..REMEMBERED_MAX {
            assert!(spent.end(&number.to_string(), now));
        }
        assert!(!spent.end("c", now), "it cannot be said");
        let later = now + Duration::from_mins(11);
        assert!(spent.end("c", later), "those before hold no longer");
        assert_eq!(spent.0.lock().unwrap().len(), 1);
    }
}
