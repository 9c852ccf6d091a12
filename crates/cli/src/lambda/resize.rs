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
    model::{error::Error, event},
    queue::Queue,
    server::{
        backends::{Queues, access_keys, open_queues, open_store},
        renderer,
    },
    worker::messages::handle_events,
};
use serde_json::Value;
use tracing::warn;

use crate::{batch, deadline::Deadline, settle::comes_again};

/// What an invocation works with.
#[derive(Debug)]
pub(crate) struct Resize {
    flow: Flow,
    events: Arc<dyn Queue>,
    registrations: Arc<dyn Queue>,
    /// What rendering one original may take.
    render_cpu: Duration,
}

impl Resize {
    pub(crate) async fn open(mut config: Config, environment: &Environment) -> anyhow::Result<Self> {
        // One after the other: a second child would only take memory.
        config.worker.resize_concurrency = 1;
        let keys = access_keys(environment);
        let (store, Queues { events, registrations }, render) = futures::try_join!(
            // Whether the store keeps conditions is looked at by `cameo doctor`, not at each cold start.
            open_store(&config, keys.clone(), false),
            open_queues(&config, keys),
            async { Ok(renderer::start_or_in_process(&config).await) },
        )?;
        let flow = Flow { store, catalog: Arc::new(UnusedCatalog), render, settings: Arc::new(config.settings()?) };
        Ok(Self { flow, events, registrations, render_cpu: config.limits.render_cpu })
    }

    pub(crate) async fn handle(&self, event: &Value, deadline: Deadline) -> anyhow::Result<Value> {
        let Some(messages) = batch::messages(event)? else {
            // S3 or EventBridge invoked it: the whole event succeeds or is tried again.
            self.within(&event.to_string(), deadline).await?;
            return Ok(Value::Null);
        };
        batch::answer(self.failed(&messages, deadline).await)
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
            if self.fails(message, deadline).await {
                failed.push(message);
            }
        }
        failed
    }

    /// Handles a message; whether it is to come again. One of several records is cut up, so that each goes its own way.
    async fn fails(&self, message: &SqsMessage, deadline: Deadline) -> bool {
        let body = batch::body(message);
        let handled = match event::split(body) {
            Some(parts) => self.events.send(&parts).await.map_err(anyhow::Error::from),
            None => self.within(body, deadline).await,
        };
        let Err(error) = handled else { return false };
        if let Some(error) = error.downcast_ref::<Error>() {
            return comes_again(&*self.events, message, error).await;
        }
        warn!(%error, message = message.message_id, "a message failed and comes again");
        true
    }

    /// Nothing is begun without time for it.
    async fn within(&self, body: &str, deadline: Deadline) -> anyhow::Result<()> {
        let left = deadline.left();
        anyhow::ensure!(!left.is_zero(), "there is no time left before the deadline");
        let handled = tokio::time::timeout(left, handle_events(&self.flow, &*self.registrations, body));
        Ok(handled.await.map_err(|_| anyhow::anyhow!("it was not done before the deadline"))??)
    }
}

#[cfg(test)]
mod tests {
    use cameo::{
        clock::{Clock, SystemClock},
        config::Config,
        model::{
            event::{Change, Event},
            generation::Generation,
        },
        queue::memory::MemoryQueue,
        render::in_process::InProcess,
        store::{Attributes, Condition, Store, Written, memory::MemoryStore},
    };
    use serde_json::json;

    use super::*;

    /// A function over memory, with an original in its bucket; the queue that it tells; and the event of that original.
    async fn function() -> (Resize, Arc<MemoryQueue>, String) {
        let (config, clock) = (Config::default(), Arc::new(SystemClock));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let (bucket, key) = (config.store.upload_bucket.clone(), "origin/v/1_0.jpg");
        let original = cameo_image::encode_rgb(&[90; 3 * 64 * 64], 64, 64, 90);
        let attributes = Attributes::default();
        let written = store.put(&bucket, key, original.into(), &attributes, Condition::Always).await.unwrap();
        let Written::Done(info) = written else { panic!("{written:?}") };
        let change = Change::Created { etag: info.etag, size: info.size };
        let event = Event { bucket, key: key.to_owned(), generation: Generation::from_counter(1), change, actor: None };
        let events = Arc::new(MemoryQueue::new("events", 5, clock.clone()));
        let registrations = Arc::new(MemoryQueue::new("registrations", 5, clock.clone()));
        let flow = Flow {
            store,
            catalog: Arc::new(UnusedCatalog),
            render: Arc::new(InProcess::new(cameo_image::Limits::default(), 1)),
            settings: Arc::new(config.settings().unwrap()),
        };
        let render_cpu = config.limits.render_cpu;
        let resize = Resize { flow, events, registrations: registrations.clone(), render_cpu };
        (resize, registrations, event.to_notification(SystemClock.now()))
    }

    fn batch_of(bodies: &[&str]) -> Value {
        let record = |(at, body)| json!({"messageId": at, "body": body, "eventSource": "aws:sqs"});
        let records: Vec<_> = ["a", "b", "c", "d"].into_iter().zip(bodies).map(record).collect();
        json!({"Records": records})
    }

    #[tokio::test]
    async fn what_is_at_fault_is_dead_lettered_and_its_neighbours_are_done() {
        let (resize, registrations, event) = function().await;
        resize.events.send(&["no event".to_owned()]).await.unwrap();
        let minute = Duration::from_mins(1);
        let received = resize.events.receive(1, minute, Duration::ZERO).await.unwrap().remove(0);
        let mut batch = batch_of(&["no event", &event, r#"{"Event":"s3:TestEvent"}"#]);
        batch["Records"][0]["receiptHandle"] = json!(received.receipt);
        let answer = resize.handle(&batch, Deadline::after(60_000)).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
        assert_eq!(registrations.depth().await.unwrap().visible, 1);
        let dead = resize.events.dead_letters(10).await.unwrap();
        assert!(dead.len() == 1 && dead[0].error.contains("read an event as JSON"), "{dead:?}");
    }

    /// flow.md, questionable: a broken record takes its body's neighbours along.
    #[tokio::test]
    async fn a_message_of_several_records_is_cut_up() {
        let (resize, _, event) = function().await;
        let record = serde_json::from_str::<Value>(&event).unwrap()["Records"][0].clone();
        let body = json!({"Records": [{"broken": true}, record]}).to_string();
        let answer = resize.handle(&batch_of(&[&body]), Deadline::after(60_000)).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
        assert_eq!(resize.events.depth().await.unwrap().visible, 2);
    }

    #[tokio::test]
    async fn near_the_deadline_nothing_is_begun_and_all_comes_again() {
        let (resize, registrations, event) = function().await;
        let answer = resize.handle(&batch_of(&[&event, &event, &event]), Deadline::after(1_000)).await.unwrap();
        let all = ["a", "b", "c"].map(|id| json!({"itemIdentifier": id}));
        assert_eq!(answer, json!({"batchItemFailures": all}));
        assert_eq!(registrations.depth().await.unwrap().visible, 0);
    }

    #[tokio::test]
    async fn s3_may_invoke_it_and_a_failure_is_the_invocations() {
        let (resize, registrations, event) = function().await;
        let event: Value = serde_json::from_str(&event).unwrap();
        assert_eq!(resize.handle(&event, Deadline::after(60_000)).await.unwrap(), Value::Null);
        assert_eq!(registrations.depth().await.unwrap().visible, 1);
        assert!(resize.handle(&json!({"what": "is this"}), Deadline::after(60_000)).await.is_err());
    }
}
