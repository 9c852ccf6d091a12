//! The timer that heals lost events: a process that registers looks from time to time for originals that nobody has heard of.
//!
//! The first look is after a part of the time that chance decides, so that processes which were started together do not look together.

use std::time::Duration;

use rand::Rng;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::tasks::Tasks;
use crate::{
    config::Config,
    model::error::{Error, Result},
    proof::{
        heal::{Bounds, heal},
        verify::Queues,
    },
    worker::Worker,
};

/// The first look comes after this at the earliest, however short the time between two looks is: a start has enough to do.
const FIRST_LEAST: Duration = Duration::from_mins(1);

/// Starts the timer, unless it is off.
pub(super) fn spawn(tasks: &mut Tasks, worker: &Worker, config: &Config) {
    let every = config.worker.reconcile_every;
    if every.is_zero() {
        return;
    }
    let worker = worker.clone();
    tasks.spawn(move |stop| heal_until(stop, worker, every));
}

async fn heal_until(stop: CancellationToken, worker: Worker, every: Duration) -> Result<()> {
    let mut wait = every.mul_f64(rand::rng().random::<f64>()).max(FIRST_LEAST.min(every));
    while tokio::time::timeout(wait, stop.cancelled()).await.is_err() {
        tokio::select! {
            () = heal_all(&worker) => {}
            () = stop.cancelled() => break,
        }
        wait = every;
    }
    Ok(())
}

/// Lost events, and counts that are not those of the ledger.
async fn heal_all(worker: &Worker) {
    heal_once(worker, Bounds::default()).await;
    heal_counts(worker).await;
}

/// Counts differ where an older version registered beside this one, or somebody changed the ledger by hand.
async fn heal_counts(worker: &Worker) {
    let catalog = &worker.flow.catalog;
    let healed = async {
        let drifted = catalog.counts_drifted().await?;
        if drifted {
            catalog.recount().await?;
        }
        Ok::<_, Error>(drifted)
    };
    match healed.await {
        Ok(false) => {}
        Ok(true) => warn!("the counts of originals differed from the ledger: they were counted again"),
        Err(error) => warn!(%error, "the counts of originals could not be compared with the ledger; it is tried again"),
    }
}

/// One look, and what came of it as one line of the log.
pub(super) async fn heal_once(worker: &Worker, bounds: Bounds) {
    let queues = Queues { events: &*worker.events, registrations: &*worker.registrations };
    match heal(&worker.flow, queues, bounds, worker.clock.now()).await {
        Ok(healed) if healed.events + healed.left > 0 => warn!(
            originals = healed.originals,
            events = healed.events,
            left = healed.left,
            example = healed.example.as_deref().unwrap_or_default(),
            "originals were found that no message was about: their events are sent again"
        ),
        Ok(healed) => info!(originals = healed.originals, events = 0, "no event was lost"),
        Err(error) => warn!(%error, "it could not be looked for lost events; it is tried again"),
    }
}
