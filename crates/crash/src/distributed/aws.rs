//! The local AWS: an emulator with the buckets, the queues and the notification that `deploy/aws` makes on the real one.

use anyhow::{Context as _, Result, ensure};
use cameo::aws::AccessKeys;
use cameo_testbed::emulators::Emulator;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;

use crate::server::{ACCESS_KEY_ID, IMAGE_BUCKET, SECRET_ACCESS_KEY, UPLOAD_BUCKET};

/// The queue of events, and that of messages.
pub(super) const QUEUES: [&str; 2] = ["mycelebs-image-upload-events", "mycelebs-image-upload"];
const REGION: &str = "us-east-1";

/// The emulator.
#[derive(Debug)]
pub(super) struct LocalAws {
    emulator: Emulator,
    http: Client,
}

impl LocalAws {
    /// Starts it and sets everything up; none where it is not installed.
    pub(super) async fn start(max_receives: u32) -> Result<Option<Self>> {
        let Some(emulator) = Emulator::ministack() else { return Ok(None) };
        let http = Client::builder().no_proxy().build().context("failed to set up the HTTP client")?;
        let aws = Self { emulator, http };
        for bucket in [UPLOAD_BUCKET, IMAGE_BUCKET] {
            aws.send(aws.http.request(Method::PUT, format!("{}/{bucket}", aws.endpoint()))).await?;
        }
        for queue in QUEUES {
            let dead = format!("{queue}-dead");
            aws.create_queue(&dead, &json!({})).await?;
            let policy = json!({"deadLetterTargetArn": arn(&dead), "maxReceiveCount": max_receives}).to_string();
            aws.create_queue(queue, &json!({"RedrivePolicy": policy})).await?;
        }
        let notify = aws.http.request(Method::PUT, format!("{}/{UPLOAD_BUCKET}?notification", aws.endpoint()));
        aws.send(notify.body(notification())).await?;
        Ok(Some(aws))
    }

    /// Where it listens.
    pub(super) fn endpoint(&self) -> &str {
        self.emulator.url()
    }

    /// Its address as a store or as queues, as the configuration takes it.
    pub(super) fn address(&self, scheme: &str) -> String {
        address_at(self.endpoint(), scheme)
    }

    /// Keys; the emulator does not look whose they are.
    pub(super) fn keys() -> AccessKeys {
        AccessKeys { id: ACCESS_KEY_ID.to_owned(), secret: SECRET_ACCESS_KEY.to_owned() }
    }

    async fn create_queue(&self, name: &str, attributes: &serde_json::Value) -> Result<()> {
        let request = self.http.request(Method::POST, format!("{}/", self.endpoint()));
        let request = request.header("x-amz-target", "AmazonSQS.CreateQueue");
        let request = request.header("content-type", "application/x-amz-json-1.0");
        self.send(request.body(json!({"QueueName": name, "Attributes": attributes}).to_string())).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<()> {
        let answer = request.send().await.context("failed to set up the emulator")?;
        let status = answer.status();
        let told = answer.text().await.unwrap_or_default();
        ensure!(status.is_success(), "failed to set up the emulator: {status} {told}");
        Ok(())
    }
}

/// The address of a store or of queues behind an endpoint.
pub(super) fn address_at(endpoint: &str, scheme: &str) -> String {
    format!("{scheme}://?endpoint={endpoint}&region={REGION}")
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:000000000000:{queue}")
}

fn notification() -> String {
    let queue = arn(QUEUES[0]);
    format!(
        "<NotificationConfiguration><QueueConfiguration><Id>cameo</Id><Queue>{queue}</Queue>\
        <Event>s3:ObjectCreated:*</Event><Event>s3:ObjectRemoved:*</Event></QueueConfiguration></NotificationConfiguration>"
    )
}
