//! `resize`: renders originals, publishes the renditions, and tells `dataset`.
//!
//! It is invoked with a batch of the events queue, by S3 itself, or by `EventBridge`. Originals are rendered one after the
//! other, so that memory is bounded by one of them.

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::SqsMessage;
use cameo::{
    catalog::unused::UnusedCatalog,
    config::{Config, Environment},
    flow::Flow,
    host::{
        backends::{access_keys, open_queue, open_store},
        messages::handle_events,
        renderer,
    },
    queue::Queue,
};
use serde_json::Value;
use tracing::warn;

use crate::{batch, deadline::Deadline};

/// What an invocation works with.
#[derive(Debug)]
pub(crate) struct Resize {
    flow: Flow,
    registrations: Arc<dyn Queue>,
    /// What rendering one original may take.
    render_cpu: Duration,
}

impl Resize {
    pub(crate) async fn open(mut config: Config, environment: &Environment) -> anyhow::Result<Self> {
        // One after the other: a second child would only take memory.
        config.worker.resize_concurrency = 1;
        let keys = access_keys(environment);
        let (store, registrations, render) = futures::try_join!(
            // Whether the store keeps conditions is looked at by `cameo doctor`, not at each cold start.
            open_store(&config, keys.clone(), false),
            open_queue(&config, &config.queue.registrations, keys),
            async { Ok(renderer::start_or_in_process(&config).await) },
        )?;
        let flow = Flow { store, catalog: Arc::new(UnusedCatalog), render, settings: Arc::new(config.settings()?) };
        Ok(Self { flow, registrations, render_cpu: config.limits.render_cpu })
    }

    pub(crate) async fn handle(&self, event: &Value, deadline: Deadline) -> anyhow::Result<Value> {
        match batch::messages(event)? {
            Some(messages) => batch::answer(self.failed(&messages, deadline).await),
            // S3 or EventBridge invoked it: the whole event succeeds or is tried again.
            None => {
                self.within(&event.to_string(), deadline).await?;
                Ok(Value::Null)
            }
        }
    }

    /// Handles messages while there is time; returns those that are to come again.
    async fn failed<'m>(&self, messages: &'m [SqsMessage], deadline: Deadline) -> Vec<&'m SqsMessage> {
        let mut failed = Vec::new();
        for (at, message) in messages.iter().enumerate() {
            if at > 0 && deadline.left() < self.render_cpu {
                warn!(left = messages.len() - at, "the deadline is near: the rest of the batch comes again");
                failed.extend(&messages[at..]);
                break;
            }
            if let Err(error) = self.within(batch::body(message), deadline).await {
                warn!(%error, message = message.message_id, "a message failed and comes again");
                failed.push(message);
            }
        }
        failed
    }

    async fn within(&self, body: &str, deadline: Deadline) -> anyhow::Result<()> {
        let handled = tokio::time::timeout(deadline.left(), handle_events(&self.flow, &*self.registrations, body));
        Ok(handled.await.map_err(|_| anyhow::anyhow!("it was not done before the deadline"))??)
    }
}
