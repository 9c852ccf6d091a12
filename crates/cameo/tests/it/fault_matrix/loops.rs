//! The loops of a process, beside a clock that goes as tokio's paused one does.
//!
//! They must not end by themselves, and must be done with what waits within a time after the fault.

use std::{sync::Arc, time::Duration};

use cameo::model::error::Result;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::world::Durable;
use crate::refusing::Refusals;

/// How long after the healing everything must be done.
const HEALED_WITHIN: Duration = Duration::from_mins(5);
pub(super) const TICK: Duration = Duration::from_secs(1);

/// The loops of a process, beside a clock that goes as tokio's does.
pub(super) struct Loops {
    stop: CancellationToken,
    ticking: JoinHandle<()>,
    running: Vec<(&'static str, JoinHandle<Result<()>>)>,
}

impl Loops {
    pub(super) fn start(durable: &Durable, refusals: &Arc<Refusals>) -> Self {
        let (stop, clock) = (CancellationToken::new(), durable.clock.clone());
        let ticking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                clock.advance(TICK);
            }
        });
        let resizer = durable.worker(refusals);
        let registrar = resizer.clone();
        let (stopped, stopped_too) = (stop.clone(), stop.clone());
        let resizing = tokio::spawn(async move { resizer.resize_until(&stopped).await });
        let registering = tokio::spawn(async move { registrar.register_until(&stopped_too).await });
        Self { stop, ticking, running: vec![("resize", resizing), ("register", registering)] }
    }

    /// Waits until no message waits or is held, and ends the loops. Says what did not end well.
    pub(super) async fn end_when_quiet(self, durable: &Durable) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + HEALED_WITHIN;
        let mut late = 0;
        loop {
            let waiting = durable.waiting().await;
            if waiting == 0 || self.ended().is_some() {
                break;
            }
            if tokio::time::Instant::now() > deadline {
                late = waiting;
                break;
            }
            tokio::time::sleep(TICK).await;
        }
        let ended = self.ended();
        self.stop.cancel();
        for (name, running) in self.running {
            if let Err(error) =
                running.await.map_err(|panic| panic.to_string()).and_then(|r| r.map_err(|e| e.to_string()))
            {
                self.ticking.abort();
                return Err(format!("stop: the loop {name} ended: {error}"));
            }
        }
        self.ticking.abort();
        match (ended, late) {
            (Some(name), _) => Err(format!("stop: the loop {name} ended")),
            (None, 0) => Ok(()),
            (None, late) => Err(format!("late: {late} messages still wait")),
        }
    }

    fn ended(&self) -> Option<&'static str> {
        self.running.iter().find(|(_, running)| running.is_finished()).map(|(name, _)| *name)
    }
}
