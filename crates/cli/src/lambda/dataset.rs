//! `dataset`: registers what was published.
//!
//! It is invoked with a batch of the registrations queue, or on a schedule: then it empties the queue itself.

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::SqsMessage;
use cameo::{
    clock::SystemClock,
    config::{Config, Environment},
    flow::Flow,
    host::{
        backends::{Queues, access_keys, open_catalog, open_queues, open_store, register_rules, require_public_url},
        messages::{Ended, register_messages},
        outage::Outages,
        worker::Worker,
    },
    render::unused::UnusedEngine,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    batch,
    deadline::Deadline,
    settle::{OUTAGE_PAUSE, comes_again},
};

/// How long an emptied queue is looked at before it counts as empty.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);
/// Kept back for the batch that is under way when emptying the queue must end.
const FOR_THE_LAST_BATCH: Duration = Duration::from_secs(10);

/// What an invocation works with.
#[derive(Debug)]
pub(crate) struct Dataset {
    worker: Worker,
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
        let Ok(ended) = tokio::time::timeout(deadline.left(), registering).await else {
            warn!("registering was not done before the deadline: the whole batch comes again");
            return messages.iter().collect();
        };
        let mut failed = Vec::new();
        for Ended { messages: at, result } in ended {
            let Err(error) = result else { continue };
            for message in at.into_iter().map(|at| &messages[at]) {
                if comes_again(&*self.worker.registrations, message, &error).await {
                    failed.push(message);
                }
            }
        }
        failed
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
        Ok(json!({"registered": registered}))
    }
}
