//! The timer that expires what is in quarantine on a store that others share; the embedded store does it with its sweep.
//!
//! Every process that registers does it, and two of them at once do no harm: what is gone is gone.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::tasks::Tasks;
use crate::{config::Config, model::error::Result, store::quarantine::expire_until, worker::Worker};

/// Pause between two looks.
const EVERY: Duration = Duration::from_hours(1);

/// Starts the timer.
pub(super) fn spawn(tasks: &mut Tasks, worker: &Worker, config: &Config) {
    let (worker, keep) = (worker.clone(), config.store.keep_removed);
    tasks.spawn(move |stop| expire_until_stopped(stop, worker, keep));
}

async fn expire_until_stopped(stop: CancellationToken, worker: Worker, keep: Duration) -> Result<()> {
    loop {
        let until = worker.clock.now().checked_sub(keep).unwrap_or(jiff::Timestamp::MIN);
        let (store, settings) = (&worker.flow.store, &worker.flow.settings);
        for bucket in [&settings.upload_bucket, &settings.image_bucket] {
            match expire_until(&**store, bucket, until).await {
                Ok(0) => {}
                Ok(objects) => info!(bucket, objects, "removed what was in quarantine for store.keep_removed"),
                Err(error) => warn!(bucket, %error, "quarantine could not be looked after; it is tried again"),
            }
        }
        if tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok() {
            return Ok(());
        }
    }
}
