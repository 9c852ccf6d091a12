//! Forgets what is older than `register.keep_history`, in little steps, in the process that registers.

use std::{sync::Arc, time::Duration};

use tracing::{debug, warn};

use super::tasks::Tasks;
use crate::{
    catalog::{
        Catalog,
        history::{FORGOTTEN_AT_ONCE, forget_old},
    },
    clock::Clock,
};

/// How often it is looked for what is old.
const EVERY: Duration = Duration::from_mins(10);
/// Pause between two steps while there is more, so that registering goes first.
const PAUSE: Duration = Duration::from_millis(500);

/// Starts the task.
pub(super) fn spawn_forgetting(tasks: &mut Tasks, catalog: Arc<dyn Catalog>, clock: Arc<dyn Clock>, keep: Duration) {
    tasks.spawn(move |stop| async move {
        loop {
            let pause = forget(&*catalog, &*clock, keep).await;
            if tokio::time::timeout(pause, stop.cancelled()).await.is_ok() {
                return Ok(());
            }
        }
    });
}

/// One step; returns how long to wait for the next one.
async fn forget(catalog: &dyn Catalog, clock: &dyn Clock, keep: Duration) -> Duration {
    match forget_old(catalog, clock.now(), keep, FORGOTTEN_AT_ONCE).await {
        Ok(lines) if lines >= FORGOTTEN_AT_ONCE as u64 => PAUSE,
        Ok(lines) => {
            debug!(lines, "the history has nothing older than register.keep_history");
            EVERY
        }
        Err(error) => {
            warn!(%error, "old lines of the history could not be removed; it is tried again");
            EVERY
        }
    }
}
