//! The tasks that send webhooks: one makes messages of what happened, the other sends them, so that a receiver that is slow holds nothing up.
//!
//! Every process with a database has them, and of those that share one it is one at a time, by a lease. While there is no endpoint, a look
//! is one statement on an empty table, and seldom.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::tasks::Tasks;
use crate::{
    config::Config,
    serve::site::Site,
    webhooks::{Courier, Dispatcher, Looked, Sources},
    worker::Worker,
};

/// How often it is looked whether another process made an endpoint, where there is none.
const OFF_EVERY: Duration = Duration::from_secs(10);
/// The pause after a look that failed, at least.
const PAUSE_LEAST: Duration = Duration::from_secs(1);
/// Who has the lease of a database that no other process writes: whoever starts after a crash goes on at once.
const ONLY_OWNER: &str = "data folder";

/// Starts the tasks.
pub(super) fn spawn(tasks: &mut Tasks, worker: &Worker, site: &Site, config: &Config) {
    let sources = Sources {
        flow: worker.flow.clone(),
        events: worker.events.clone(),
        registrations: worker.registrations.clone(),
        zone: site.zone.clone(),
        clock: worker.clock.clone(),
    };
    let courier = site.webhooks.clone();
    let owner = config.catalog.is_embedded().then_some(ONLY_OWNER);
    let dispatcher = Arc::new(Dispatcher::new(sources, courier.clone(), owner));
    let sender = dispatcher.clone();
    tasks.spawn(move |stop| async move {
        look_until(&dispatcher, &courier, &stop).await;
        dispatcher.release().await.or_else(|error| {
            warn!(%error, "the lease of webhooks could not be released; another process takes it once it has expired");
            Ok(())
        })
    });
    tasks.spawn(move |stop| async move {
        sender.send_until(stop).await;
        Ok(())
    });
}

/// Looks at what happened, again and again.
async fn look_until(dispatcher: &Dispatcher, courier: &Courier, stop: &CancellationToken) {
    let (mut is_failing, poll) = (false, courier.settings().poll);
    loop {
        let looked = tokio::select! {
            looked = dispatcher.look() => looked,
            () = stop.cancelled() => return,
        };
        let pause = match &looked {
            Ok(Looked::More) => Duration::ZERO,
            Ok(Looked::Done) => poll,
            Ok(Looked::Standby) => (courier.settings().lease / 3).max(poll),
            Ok(Looked::Off) => OFF_EVERY.max(poll),
            Err(error) => {
                if !is_failing {
                    warn!(%error, "webhooks could not look at what happened; it is tried again, and nothing is lost");
                }
                poll.max(PAUSE_LEAST)
            }
        };
        is_failing = looked.is_err();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = courier.changed() => {}
            () = stop.cancelled() => return,
        }
    }
}
