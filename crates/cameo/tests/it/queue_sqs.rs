//! SQS on two independent emulators: the one contract, and what is refused.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sqs::{Client, config::Credentials, types::QueueAttributeName};
use cameo::{
    model::error::Kind,
    queue::{
        Queue,
        contract::{Fixture, MAX_RECEIVES, check_all},
        sqs::Sqs,
    },
};

use cameo_testbed::emulators::Emulator;

use crate::emulators::access;

#[derive(Debug)]
struct OnEmulator {
    emulator: Emulator,
    made: AtomicUsize,
}

impl OnEmulator {
    fn new(emulator: Emulator) -> Self {
        Self { emulator, made: AtomicUsize::new(0) }
    }

    /// A client that sets queues up, as the template does on AWS.
    fn administrator(&self) -> Client {
        let access = access(&self.emulator);
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .region(aws_sdk_sqs::config::Region::new("us-east-1"))
            .endpoint_url(access.endpoint.unwrap())
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(http);
        Client::from_conf(config.build())
    }
}

#[async_trait]
impl Fixture for OnEmulator {
    async fn empty_queue(&self) -> Box<dyn Queue> {
        let name = format!("q{}", self.made.fetch_add(1, Ordering::Relaxed));
        let administrator = self.administrator();
        let dead = administrator.create_queue().queue_name(format!("{name}-dead")).send().await.unwrap();
        let arn = QueueAttributeName::QueueArn;
        let asked =
            administrator.get_queue_attributes().queue_url(dead.queue_url.unwrap()).attribute_names(arn.clone());
        let attributes = asked.send().await.unwrap().attributes.unwrap();
        let policy = serde_json::json!({"deadLetterTargetArn": attributes[&arn], "maxReceiveCount": MAX_RECEIVES});
        let queue = administrator.create_queue().queue_name(&name);
        queue.attributes(QueueAttributeName::RedrivePolicy, policy.to_string()).send().await.unwrap();
        Box::new(Sqs::new(&access(&self.emulator)).await.queue(&name).await.unwrap())
    }

    async fn pass(&self, by: Duration) {
        self.emulator.pass(by);
    }
}

async fn passes(emulator: Option<Emulator>) {
    let Some(emulator) = emulator else { return };
    let fixture = OnEmulator::new(emulator);
    check_all(&fixture).await;
    a_queue_that_is_not_there_is_a_misconfiguration(&fixture).await;
    a_long_batch_is_cut_into_tens(&fixture).await;
    the_redrive_policy_is_known_or_missed(&fixture).await;
}

/// flow.md 21, 22: the worker dead-letters before the redrive policy would, so it must know it; and lives without one.
async fn the_redrive_policy_is_known_or_missed(fixture: &OnEmulator) {
    assert_eq!(fixture.empty_queue().await.max_receives(), Some(MAX_RECEIVES));
    fixture.administrator().create_queue().queue_name("no-policy").send().await.unwrap();
    let queue = Sqs::new(&access(&fixture.emulator)).await.queue("no-policy").await.unwrap();
    assert_eq!(queue.max_receives(), None);
    queue.send(&["no json".to_owned()]).await.unwrap();
    let message = queue.receive(1, Duration::from_secs(30), Duration::ZERO).await.unwrap().remove(0);
    let error = queue.dead_letter(&message.receipt, "cannot be read").await.unwrap_err();
    assert!(error.to_string().contains("give it a redrive policy"), "{error}");
    assert_eq!(queue.dead_letters(10).await.unwrap(), []);
}

async fn a_queue_that_is_not_there_is_a_misconfiguration(fixture: &OnEmulator) {
    let error = Sqs::new(&access(&fixture.emulator)).await.queue("no-such-queue").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
    assert!(error.to_string().contains("no-such-queue"), "{error}");
}

async fn a_long_batch_is_cut_into_tens(fixture: &OnEmulator) {
    let queue = fixture.empty_queue().await;
    let bodies: Vec<_> = (0..25).map(|at| format!("{{\"at\":{at}}}")).collect();
    queue.send(&bodies).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < bodies.len() {
        let messages = queue.receive(100, Duration::from_secs(30), Duration::ZERO).await.unwrap();
        assert!((1..=10).contains(&messages.len()), "{}", messages.len());
        queue.delete(&messages.iter().map(|message| message.receipt.clone()).collect::<Vec<_>>()).await.unwrap();
        seen.extend(messages.into_iter().map(|message| message.body));
    }
    seen.sort_by_key(|body| (body.len(), body.clone()));
    assert_eq!(seen, bodies);
}

#[tokio::test]
async fn moto_passes_the_contract() {
    passes(Emulator::moto()).await;
}

#[tokio::test]
async fn ministack_passes_the_contract() {
    passes(Emulator::ministack()).await;
}

#[tokio::test]
async fn a_service_that_is_away_is_unavailable() {
    // Port 1 is nobody's.
    let url = "sqs://?endpoint=http://127.0.0.1:1&region=us-east-1";
    let access = cameo::aws::AwsAccess::from_url(cameo::model::error::Place::Queue, url).unwrap();
    let keys = cameo::aws::AccessKeys { id: "a".into(), secret: "b".into() };
    let error = Sqs::new(&access.with_keys(Some(keys))).await.queue("q").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
}
