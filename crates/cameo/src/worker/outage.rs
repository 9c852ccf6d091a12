//! What the loops of a process know of an outage: a gate for each step, closed while an operation of that step cannot be done for anybody.
//!
//! While it is closed, idle loops receive nothing, so no receive is counted for an outage. It opens when an operation succeeds, not when a
//! ping does. Now and then one loop is let in all the same: a component that refuses a single message must not stop the others.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::model::error::{Error, Place};

/// First and longest pause before an operation that failed in an outage is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// How often a loop is let in while the gate is closed. What it receives it holds, so that these receives are bounded by what loops hold.
const PROBED_EVERY: Duration = Duration::from_mins(1);

/// The pause after so many failures in a row, from 1 on.
pub(super) fn pause_after(failures: u32) -> Duration {
    let (first, longest) = PAUSES;
    first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(longest)
}

/// What the loops of a process share about outages. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Outages {
    pub(super) resize: Arc<Gate>,
    pub(super) register: Arc<Gate>,
    pub(super) put_off: Option<Duration>,
}

impl Outages {
    /// For a process that ends before an outage may: what it could not do comes again after `pause`, and not at once.
    pub fn of_a_short_life(pause: Duration) -> Self {
        Self { put_off: Some(pause), ..Self::default() }
    }
}

/// The gate of one step.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<GateState>);

#[derive(Debug, Default)]
struct GateState {
    closed: Option<Closed>,
    rendered: u64,
}

#[derive(Debug)]
struct Closed {
    place: Place,
    error: String,
    since: Instant,
    probed: Instant,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, GateState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operation failed, and not because of its message.
    pub(super) fn close(&self, error: &Error) {
        let (place, text, now) = (error.place(), error.to_string(), Instant::now());
        let reason = error.waiting_reason();
        match &mut self.state().closed {
            Some(closed) if closed.error == text => debug!(%error, ?place, "still failing"),
            Some(closed) => {
                warn!(%error, ?place, ?reason, "still failing");
                (closed.place, closed.error) = (place, text);
            }
            none => {
                warn!(%error, ?place, ?reason, "messages are held, and what failed is tried until it succeeds");
                *none = Some(Closed { place, error: text, since: now, probed: now });
            }
        }
    }

    /// An operation succeeded; `rendered` when it wrote everything that the step can write.
    pub(super) fn open(&self, rendered: bool) {
        let mut state = self.state();
        state.rendered += u64::from(rendered);
        if let Some(Closed { place, since, .. }) = state.closed.take() {
            info!(?place, outage = ?since.elapsed(), "it works again");
        }
    }

    /// How often everything that the step can write was written.
    pub(super) fn rendered(&self) -> u64 {
        self.state().rendered
    }

    /// Whether a loop may receive now.
    pub(super) fn lets_in(&self) -> bool {
        let Some(closed) = &mut self.state().closed else { return true };
        let is_probe = closed.probed.elapsed() >= PROBED_EVERY;
        if is_probe {
            closed.probed = Instant::now();
        }
        is_probe
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let told: Vec<_> = [1, 2, 3, 6, 100].map(|n| pause_after(n).as_millis()).into();
        assert_eq!(told, [500, 1000, 2000, 15_000, 15_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_lets_one_in_now_and_then_and_opens_with_a_success() {
        let gate = Gate::default();
        assert!(gate.lets_in());
        gate.close(&Error::new(Place::Catalog, Kind::Denied, "register"));
        assert!(!gate.lets_in());
        tokio::time::advance(PROBED_EVERY).await;
        assert_eq!([gate.lets_in(), gate.lets_in()], [true, false]);
        gate.open(false);
        assert!(gate.lets_in());
        assert_eq!(gate.rendered(), 0);
    }
}
