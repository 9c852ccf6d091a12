//! Queues of Amazon SQS, or of what speaks like it.
//!
//! The queue, its redrive policy and its dead-letter queue are set up outside (`deploy/aws`); the receive count at which
//! a message becomes a dead letter is the policy's. What SQS does not have: a receive cannot be taken back, so a message
//! that is given back has been counted; and nobody but `CloudWatch` knows how old the oldest message is.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use async_trait::async_trait;
use aws_config::BehaviorVersion;
use aws_sdk_sqs::{
    Client,
    config::{Credentials, Region, timeout::TimeoutConfig},
    types::{
        DeleteMessageBatchRequestEntry, Message as Received, MessageAttributeValue, MessageSystemAttributeName,
        QueueAttributeName, SendMessageBatchRequestEntry,
    },
};
use aws_smithy_http_client::{Builder, tls};
use jiff::Timestamp;
use serde::Deserialize;

use super::{BATCH_MAX, DeadLetter, Depth, Message, Queue};
use crate::{
    aws::AwsAccess,
    model::error::{Error, Kind, Place, Result},
};

mod failure;
mod held;

use failure::{failed, is_stale_receipt, kind_of_code};
use held::{Held, HeldMessages};

/// The longest that SQS waits for a message.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Time for a connection, and for an answer beyond what a receive waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Receives in a row that bring no dead letter that was not seen yet, after which the search ends: one receive asks some of the servers
/// alone.
const LOOKS_WITHOUT_NEWS: usize = 3;
/// Receives in search of dead letters, at most.
const LOOKS: usize = 2000;
/// How long dead letters are hidden from others while those that are sent again are picked out.
const PICKED_WITHIN: Duration = Duration::from_mins(5);
/// The longest that SQS hides a message.
const LONGEST_HIDDEN: Duration = Duration::from_hours(12);
/// Characters of an error that are kept with a dead letter: a message and its attributes have 256 KiB at most.
const ERROR_MAX_CHARS: usize = 4000;
/// Attribute of a dead letter of ours: why it was set aside.
const ERROR: &str = "cameo-error";
/// Attribute of a dead letter of ours: how often it was received.
const RECEIVE_COUNT: &str = "cameo-receive-count";

/// A client of SQS, shared by the queues of a process.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
}

/// A queue by its address, with what this process holds of it.
#[derive(Debug)]
pub struct SqsQueue {
    client: Client,
    name: String,
    url: String,
    dead: Option<DeadLetters>,
    held: Mutex<HeldMessages>,
}

/// Where dead letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DeadLetters {
    url: String,
    /// Receives after which SQS itself moves a message there, without a reason.
    max_receives: u32,
}

/// A redrive policy.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    /// Some send a number, some a text.
    max_receive_count: serde_json::Value,
}

impl RedrivePolicy {
    /// The name at the end of the ARN.
    fn queue(&self) -> Option<&str> {
        self.dead_letter_target_arn.rsplit(':').next()
    }

    fn max_receives(&self) -> u32 {
        let count = &self.max_receive_count;
        let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
        count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1)
    }
}

impl Sqs {
    /// A client; nothing is sent yet.
    pub async fn new(access: &AwsAccess) -> Self {
        let http =
            Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(LONGEST_WAIT + ANSWER_TIMEOUT)
            .build();
        let mut loader =
            aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).timeout_config(timeouts);
        if let Some(region) = &access.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &access.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(keys) = &access.keys {
            loader = loader.credentials_provider(Credentials::new(&keys.id, &keys.secret, None, None, "configuration"));
        }
        Self { client: Client::new(&loader.load().await) }
    }

    /// The queue of this name, which must exist.
    pub async fn queue(&self, name: &str) -> Result<SqsQueue> {
        let url = self.url_of(name).await?;
        let dead = self.dead_letters(&url, name).await?;
        if dead.is_none() {
            tracing::warn!(
                queue = name,
                "the queue has no redrive policy: a message that nobody can read stays in it; give it a dead-letter queue"
            );
        }
        Ok(SqsQueue { client: self.client.clone(), name: name.to_owned(), url, dead, held: Mutex::default() })
    }

    async fn url_of(&self, name: &str) -> Result<String> {
        let found = self.client.get_queue_url().queue_name(name).send().await;
        let found = found.map_err(|e| failed(&format!("find the queue {name}"), e))?;
        found
            .queue_url
            .ok_or_else(|| Error::new(Place::Queue, Kind::Malformed, format!("find the queue {name}: no URL")))
    }

    async fn dead_letters(&self, url: &str, name: &str) -> Result<Option<DeadLetters>> {
        let attributes = attributes(&self.client, url, name, &[QueueAttributeName::RedrivePolicy]).await?;
        let policy = attributes.get(QueueAttributeName::RedrivePolicy.as_str()).filter(|policy| !policy.is_empty());
        let Some(policy) = policy else { return Ok(None) };
        let policy: RedrivePolicy = serde_json::from_str(policy).map_err(|error| {
            Error::new(Place::Queue, Kind::Misconfigured, format!("read the redrive policy of {name}")).because(error)
        })?;
        let Some(target) = policy.queue() else { return Ok(None) };
        Ok(Some(DeadLetters { url: self.url_of(target).await?, max_receives: policy.max_receives() }))
    }
}

async fn attributes(
    client: &Client,
    url: &str,
    name: &str,
    wanted: &[QueueAttributeName],
) -> Result<BTreeMap<String, String>> {
    let asked = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(wanted.to_vec()));
    let answer = asked.send().await.map_err(|e| failed(&format!("read the attributes of the queue {name}"), e))?;
    let attributes = answer.attributes.unwrap_or_default();
    Ok(attributes.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect())
}

/// Seconds as SQS takes them.
fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn receive_count(message: &Received) -> u32 {
    let count =
        message.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn text_attribute<'m>(message: &'m Received, name: &str) -> Option<&'m str> {
    message.message_attributes.as_ref()?.get(name)?.string_value.as_deref()
}

fn dead_letter(message: Received) -> DeadLetter {
    let counted = text_attribute(&message, RECEIVE_COUNT).and_then(|count| count.parse().ok());
    let receive_count = counted.unwrap_or_else(|| receive_count(&message));
    let error = text_attribute(&message, ERROR).map_or_else(|| "received too often".to_owned(), str::to_owned);
    let dead_at = i64::try_from(sent_at(&message)).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let (id, body) = (message.message_id.unwrap_or_default(), message.body.unwrap_or_default());
    DeadLetter::new(id, body, receive_count, error, dead_at)
}

/// When it was sent to the dead letters' queue, in milliseconds.
fn sent_at(message: &Received) -> u64 {
    let sent = message.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
    sent.and_then(|sent| sent.parse().ok()).unwrap_or(0)
}

fn text(value: impl Into<String>) -> Option<MessageAttributeValue> {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().ok()
}

impl SqsQueue {
    fn failed<E, R>(&self, doing: &str, error: aws_sdk_sqs::error::SdkError<E, R>) -> Error
    where
        E: aws_sdk_sqs::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        failed(&format!("{doing} the queue {}", self.name), error)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HeldMessages> {
        self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn message(&self, received: Received) -> Option<Message> {
        let receive_count = receive_count(&received);
        let (body, receipt) = (received.body?, received.receipt_handle?);
        let id = received.message_id.unwrap_or_default();
        self.held().put(receipt.clone(), Held { id: id.clone(), body: body.clone(), receive_count });
        Some(Message { id, receipt, body, receive_count })
    }

    async fn send_batch(&self, bodies: &[String]) -> Result<()> {
        let entry = |(at, body): (usize, &String)| {
            SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(body).build()
        };
        let entries: Vec<_> = bodies.iter().enumerate().filter_map(|entry_of| entry(entry_of).ok()).collect();
        let sent = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let sent = sent.map_err(|e| self.failed("send to", e))?;
        // Sent again as a whole, since messages may come twice anyway.
        match sent.failed.first() {
            Some(refused) => {
                let kind = if refused.sender_fault { kind_of_code(&refused.code) } else { Kind::Unavailable };
                let doing = format!("send to the queue {}: {}", self.name, refused.message().unwrap_or(&refused.code));
                Err(Error::new(Place::Queue, kind, doing))
            }
            None => Ok(()),
        }
    }

    async fn delete_batch(&self, receipts: &[String]) -> Result<()> {
        let entry = |(at, receipt): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(at.to_string()).receipt_handle(receipt).build()
        };
        let entries: Vec<_> = receipts.iter().enumerate().filter_map(|entry_of| entry(entry_of).ok()).collect();
        let deleted = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let deleted = deleted.map_err(|e| self.failed("delete from", e))?;
        self.held().forget(receipts);
        // A receipt that is no longer valid is the sender's fault, and passed over.
        match deleted.failed.iter().find(|refused| !refused.sender_fault) {
            Some(refused) => {
                let doing = format!("delete from the queue {}: {}", self.name, refused.code);
                Err(Error::new(Place::Queue, Kind::Unavailable, doing))
            }
            None => Ok(()),
        }
    }

    /// Looks at dead letters without hiding them from others; one look returns any ten, so some come more than once.
    async fn look_at_dead(&self, url: &str, max: usize) -> Result<Vec<Received>> {
        let (mut found, mut without_news) = (BTreeMap::new(), 0);
        for _ in 0..LOOKS {
            let look = self.client.receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(0);
            let look =
                look.message_system_attribute_names(MessageSystemAttributeName::All).message_attribute_names("All");
            let seen = look.send().await.map_err(|e| self.failed("look at the dead letters of", e))?;
            let before = found.len();
            let messages = seen.messages.unwrap_or_default();
            found.extend(messages.into_iter().map(|message| (message.message_id.clone(), message)));
            without_news = if found.len() == before { without_news + 1 } else { 0 };
            if without_news >= LOOKS_WITHOUT_NEWS || found.len() >= max {
                break;
            }
        }
        Ok(found.into_values().collect())
    }

    /// Takes dead letters out of their queue; the others are hidden until they are given back, or [`PICKED_WITHIN`] is over.
    async fn pick(&self, url: &str, ids: &[String]) -> Result<(Vec<Received>, Vec<Received>)> {
        let (mut picked, mut others) = (Vec::new(), Vec::new());
        for _ in 0..LOOKS {
            let look = self.client.receive_message().queue_url(url).max_number_of_messages(10);
            let look = look.visibility_timeout(seconds(PICKED_WITHIN)).send().await;
            let messages = look.map_err(|e| self.failed("receive dead letters of", e))?.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let wanted = message.message_id.as_ref().is_some_and(|id| ids.contains(id));
                if wanted { picked.push(message) } else { others.push(message) }
            }
            if picked.len() >= ids.len() {
                break;
            }
        }
        Ok((picked, others))
    }

    async fn give_back(&self, url: &str, message: &Received) {
        let Some(receipt) = &message.receipt_handle else { return };
        let given =
            self.client.change_message_visibility().queue_url(url).receipt_handle(receipt).visibility_timeout(0);
        if let Err(error) = given.send().await {
            let error = self.failed("release a dead letter of", error);
            tracing::warn!(%error, "a dead letter is hidden for some minutes");
        }
    }

    async fn send_again(&self, url: &str, message: &Received) -> Result<()> {
        let (Some(body), Some(receipt)) = (&message.body, &message.receipt_handle) else { return Ok(()) };
        self.send_batch(std::slice::from_ref(body)).await?;
        // After it is in the queue, or a crash between the two would lose it.
        let deleted = self.client.delete_message().queue_url(url).receipt_handle(receipt).send().await;
        deleted.map(drop).map_err(|e| self.failed("delete a dead letter of", e))
    }
}

#[async_trait]
impl Queue for SqsQueue {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, bodies: &[String]) -> Result<()> {
        for batch in bodies.chunks(BATCH_MAX) {
            self.send_batch(batch).await?;
        }
        Ok(())
    }

    async fn receive(&self, max: usize, visibility: Duration, wait: Duration) -> Result<Vec<Message>> {
        let max = i32::try_from(max.clamp(1, BATCH_MAX)).unwrap_or(1);
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(max)
            .visibility_timeout(seconds(visibility))
            .wait_time_seconds(seconds(wait.min(LONGEST_WAIT)))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await
            .map_err(|e| self.failed("receive from", e))?;
        Ok(received.messages.unwrap_or_default().into_iter().filter_map(|message| self.message(message)).collect())
    }

    async fn delete(&self, receipts: &[String]) -> Result<()> {
        let valid: Vec<_> = receipts.iter().filter(|receipt| !self.held().is_stale(receipt)).cloned().collect();
        for batch in valid.chunks(BATCH_MAX) {
            self.delete_batch(batch).await?;
        }
        Ok(())
    }

    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        if self.held().is_stale(receipt) {
            return Ok(false);
        }
        let change = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        match change.visibility_timeout(seconds(visibility)).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_stale_receipt(&error) => Ok(false),
            Err(error) => Err(self.failed("extend a message of", error)),
        }
    }

    async fn release(&self, receipt: &str) -> Result<()> {
        self.extend(receipt, Duration::ZERO).await?;
        self.held().forget(&[receipt.to_owned()]);
        Ok(())
    }

    async fn retry_later(&self, receipt: &str, pause: Duration, _: &str) -> Result<()> {
        self.extend(receipt, pause.min(LONGEST_HIDDEN)).await?;
        self.held().forget(&[receipt.to_owned()]);
        Ok(())
    }

    async fn dead_letter(&self, receipt: &str, error: &str) -> Result<()> {
        let Some(dead) = &self.dead else {
            let doing = format!(
                "dead-letter a message: the queue {} has no dead-letter queue, give it a redrive policy",
                self.name
            );
            return Err(Error::new(Place::Queue, Kind::Misconfigured, doing));
        };
        let error: String = error.chars().take(ERROR_MAX_CHARS).collect();
        // A message that this process did not receive, or no longer knows, is left to the redrive policy.
        let Some(Held { body, receive_count, .. }) = self.held().get(receipt) else { return Ok(()) };
        self.client
            .send_message()
            .queue_url(&dead.url)
            .message_body(body)
            .set_message_attributes(Some(
                [(ERROR, text(error)), (RECEIVE_COUNT, text(receive_count.to_string()))]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                    .collect(),
            ))
            .send()
            .await
            .map_err(|e| self.failed("dead-letter a message of", e))?;
        // After it stands there, or a crash between the two would lose it.
        self.delete(&[receipt.to_owned()]).await
    }

    fn max_receives(&self) -> Option<u32> {
        self.dead.as_ref().map(|dead| dead.max_receives)
    }

    fn adopt(&self, message: &Message) {
        let Message { id, receipt, body, receive_count } = message.clone();
        self.held().put(receipt, Held { id, body, receive_count });
    }

    async fn redrive(&self, ids: &[String]) -> Result<u64> {
        let Some(dead) = &self.dead else { return Ok(0) };
        let (picked, others) = self.pick(&dead.url, ids).await?;
        let mut sent = 0;
        let mut result = Ok(());
        for message in &picked {
            result = self.send_again(&dead.url, message).await;
            if result.is_err() {
                break;
            }
            sent += 1;
        }
        for message in others.iter().chain(&picked[sent..]) {
            self.give_back(&dead.url, message).await;
        }
        result.map(|()| sent as u64)
    }

    async fn depth(&self) -> Result<Depth> {
        let wanted = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let count = |of: &BTreeMap<String, String>, at: usize| -> u64 {
            of.get(wanted[at].as_str()).and_then(|count| count.parse().ok()).unwrap_or(0)
        };
        let queue = attributes(&self.client, &self.url, &self.name, &wanted).await?;
        let dead = match &self.dead {
            Some(dead) => attributes(&self.client, &dead.url, &self.name, &wanted).await?,
            None => BTreeMap::new(),
        };
        Ok(Depth {
            visible: count(&queue, 0) + count(&queue, 2),
            in_flight: count(&queue, 1),
            dead: count(&dead, 0) + count(&dead, 1),
            oldest: None,
        })
    }

    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        let Some(dead) = &self.dead else { return Ok(Vec::new()) };
        let mut found = self.look_at_dead(&dead.url, max).await?;
        found.sort_by_key(|message| std::cmp::Reverse(sent_at(message)));
        Ok(found.into_iter().take(max).map(dead_letter).collect())
    }
}
