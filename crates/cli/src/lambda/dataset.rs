//! `dataset`: registers what was published.
//!
//! It is invoked with a batch of the registrations queue, or on a schedule: then it empties the queue itself.

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::SqsMessage;
use cameo::{
    catalog::history::{FORGOTTEN_AT_ONCE, forget_old},
    clock::SystemClock,
    config::{Config, Environment},
    flow::Flow,
    model::error::{Error, Kind, Place},
    render::unused::UnusedEngine,
    server::backends::{
        Queues, access_keys, open_catalog, open_queues, open_store, register_rules, require_public_url,
    },
    worker::{
        Worker,
        messages::{Ended, register_messages},
        outage::Outages,
    },
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    batch,
    deadline::Deadline,
    settle::{OUTAGE_PAUSE, comes_again},
};

/// How long an emptied queue is looked at before it counts as empty.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);
/// Failed messages that are settled side by side: each is a request.
const SETTLED_AT_ONCE: usize = 10;
/// Kept back for the batch that is under way when emptying the queue must end.
const FOR_THE_LAST_BATCH: Duration = Duration::from_secs(10);

/// What an invocation works with.
#[derive(Debug)]
pub(crate) struct Dataset {
    worker: Worker,
    keep_history: Duration,
}

impl Dataset {
    pub(crate) async fn open(config: &Config, environment: &Environment) -> anyhow::Result<Self> {
        require_public_url(config, None)?;
        let (keys, clock) = (access_keys(environment), Arc::new(SystemClock));
        let (store, Queues { events, registrations }, catalog) = futures::try_join!(
            open_store(config, keys.clone(), false),
            open_queues(config, keys),
            open_catalog(config, register_rules(config, None), clock.clone()),
        )?;
        let flow = Flow { store, catalog, render: Arc::new(UnusedEngine), settings: Arc::new(config.settings()?) };
        Ok(Self {
            keep_history: config.register.keep_history()?,
            worker: Worker {
                flow,
                events,
                registrations,
                visibility_timeout: config.queue.visibility_timeout,
                receive_wait: RECEIVE_WAIT,
                // The schedule is the window.
                window: None,
                clock,
                outages: Outages::of_a_short_life(OUTAGE_PAUSE),
            },
        })
    }

    pub(crate) async fn handle(&self, event: &Value, deadline: Deadline) -> anyhow::Result<Value> {
        match batch::messages(event)? {
            Some(messages) => batch::answer(self.failed(&messages, deadline).await),
            None => self.drain(deadline).await,
        }
    }

    /// Registers a batch; returns the messages that are to come again.
    async fn failed<'m>(&self, messages: &'m [SqsMessage], deadline: Deadline) -> Vec<&'m SqsMessage> {
        let bodies: Vec<_> = messages.iter().map(batch::body).collect();
        let registering = register_messages(&self.worker.flow, &*self.worker.events, &*self.worker.clock, &bodies);
        let ended = tokio::time::timeout(deadline.left(), registering).await.unwrap_or_else(|_| {
            let error = Error::new(Place::System, Kind::Unavailable, "register a batch before the deadline");
            vec![Ended { messages: (0..messages.len()).collect(), result: Err(error) }]
        });
        let mut failures = Vec::new();
        for Ended { messages: at, result } in ended {
            let Err(error) = result else { continue };
            failures.extend(at.into_iter().map(|at| (&messages[at], error.for_another())));
        }
        let queue = &*self.worker.registrations;
        let settled = stream::iter(failures)
            .map(|(message, error)| async move { comes_again(queue, message, &error).await.then_some(message) });
        settled.buffered(SETTLED_AT_ONCE).filter_map(std::future::ready).collect().await
    }

    /// A step of forgetting what is older than `register.keep_history`: the schedule brings the next one.
    async fn forget_old(&self) {
        let Worker { flow, clock, .. } = &self.worker;
        let step = forget_old(&*flow.catalog, clock.now(), self.keep_history, FORGOTTEN_AT_ONCE);
        if let Err(error) = step.await {
            tracing::warn!(%error, "old lines of the history could not be removed; it is tried again");
        }
    }

    /// Empties the queue, until the deadline is near.
    async fn drain(&self, deadline: Deadline) -> anyhow::Result<Value> {
        let stop = CancellationToken::new();
        let work = self.worker.register_all(&stop);
        let near = async {
            tokio::time::sleep(deadline.left().saturating_sub(FOR_THE_LAST_BATCH)).await;
            stop.cancel();
            std::future::pending::<()>().await;
        };
        let registered = tokio::select! {
            registered = work => registered?,
            () = near => 0,
        };
        self.forget_old().await;
        Ok(json!({"registered": registered}))
    }
}
