//! Webhooks in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryCatalog;
use crate::{
    catalog::webhooks::{Before, Past, Replay, Webhooks},
    clock::{from_millis, to_millis},
    model::{
        error::Result,
        webhook::{Attempt, Message, MessageState, TEST_TYPE, Watch, Webhook, WebhookHealth},
    },
};

/// All of it, by the endpoint's id and its own.
#[derive(Debug, Default, Clone)]
pub(super) struct Kept {
    webhooks: BTreeMap<String, Webhook>,
    messages: BTreeMap<(String, String), Message>,
    attempts: BTreeMap<String, Attempt>,
    watches: BTreeMap<(String, String), Watch>,
    lease: Option<(String, Timestamp)>,
}

impl Kept {
    fn add(&mut self, messages: &[Message]) {
        for message in messages {
            let key = (message.webhook.clone(), message.id.clone());
            self.messages.entry(key).or_insert_with(|| message.clone());
        }
    }

    fn put(&mut self, watch: &Watch) {
        self.watches.insert((watch.webhook.clone(), watch.subject.clone()), watch.clone());
    }

    fn messages_of(&self, webhook: &str) -> Vec<Message> {
        self.messages.values().filter(|message| message.webhook == webhook).cloned().collect()
    }
}

fn is_before(at: Timestamp, id: &str, before: Before<'_>) -> bool {
    before.is_none_or(|(time, other)| (at, id) < (time, other))
}

fn to_the_millisecond(at: Timestamp) -> Timestamp {
    from_millis(to_millis(at))
}

#[async_trait]
impl Webhooks for MemoryCatalog {
    async fn add_webhook(&self, webhook: &Webhook) -> Result<()> {
        self.tables().webhooks.webhooks.insert(webhook.id.clone(), webhook.clone());
        Ok(())
    }

    async fn webhook(&self, id: &str) -> Result<Option<Webhook>> {
        Ok(self.tables().webhooks.webhooks.get(id).cloned())
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>> {
        Ok(self.tables().webhooks.webhooks.values().cloned().collect())
    }

    async fn change_webhook(&self, webhook: &Webhook) -> Result<bool> {
        let mut tables = self.tables();
        let Some(kept) = tables.webhooks.webhooks.get_mut(&webhook.id) else { return Ok(false) };
        if kept.version != webhook.version {
            return Ok(false);
        }
        *kept = Webhook {
            version: webhook.version + 1,
            created_at: kept.created_at,
            created_by: kept.created_by.clone(),
            position: kept.position,
            health: kept.health.clone(),
            ..webhook.clone()
        };
        Ok(true)
    }

    async fn remove_webhook(&self, id: &str) -> Result<bool> {
        let kept = &mut self.tables().webhooks;
        kept.messages.retain(|(of, _), _| of != id);
        kept.watches.retain(|(of, _), _| of != id);
        kept.attempts.retain(|_, attempt| attempt.webhook != id);
        Ok(kept.webhooks.remove(id).is_some())
    }

    async fn note_webhook_health(&self, id: &str, health: &WebhookHealth) -> Result<()> {
        if let Some(kept) = self.tables().webhooks.webhooks.get_mut(id) {
            kept.health = health.clone();
        }
        Ok(())
    }

    async fn lease_webhooks(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let kept = &mut self.tables().webhooks;
        let is_free = kept.lease.as_ref().is_none_or(|(holder, held_until)| holder == owner || *held_until < now);
        if is_free {
            kept.lease = Some((owner.to_owned(), until));
        }
        Ok(is_free)
    }

    async fn advance_webhook(
        &self,
        id: &str,
        (from, to): (u64, u64),
        messages: &[Message],
        watches: &[Watch],
    ) -> Result<bool> {
        let kept = &mut self.tables().webhooks;
        let Some(webhook) = kept.webhooks.get_mut(id).filter(|webhook| webhook.position == from) else {
            return Ok(false);
        };
        webhook.position = to;
        kept.add(messages);
        for watch in watches {
            kept.put(watch);
        }
        Ok(true)
    }

    async fn add_webhook_messages(&self, messages: &[Message]) -> Result<()> {
        self.tables().webhooks.add(messages);
        Ok(())
    }

    async fn due_webhook_messages(&self, webhook: &str, now: Timestamp, max: usize) -> Result<Vec<Message>> {
        let mut due = self.tables().webhooks.messages_of(webhook);
        due.retain(|message| message.state == MessageState::Pending && message.next.is_some_and(|next| next <= now));
        due.sort_by(|a, b| (a.next, &a.id).cmp(&(b.next, &b.id)));
        due.truncate(max);
        Ok(due)
    }

    async fn count_pending_webhook_messages(&self, webhook: &str) -> Result<u64> {
        let messages = self.tables().webhooks.messages_of(webhook);
        Ok(messages.iter().filter(|message| message.state == MessageState::Pending).count() as u64)
    }

    async fn webhook_message(&self, webhook: &str, id: &str) -> Result<Option<Message>> {
        Ok(self.tables().webhooks.messages.get(&(webhook.to_owned(), id.to_owned())).cloned())
    }

    async fn webhook_messages(&self, webhook: &str, before: Before<'_>, max: usize) -> Result<Vec<Message>> {
        let mut messages = self.tables().webhooks.messages_of(webhook);
        messages.retain(|message| is_before(message.created_at, &message.id, before));
        messages.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        messages.truncate(max);
        Ok(messages)
    }

    async fn note_webhook_attempt(&self, attempt: &Attempt, message: &Message) -> Result<()> {
        let kept = &mut self.tables().webhooks;
        kept.attempts.insert(attempt.id.clone(), attempt.clone());
        if let Some(there) = kept.messages.get_mut(&(message.webhook.clone(), message.id.clone())) {
            let (payload, kind, created_at) = (there.payload.clone(), there.kind.clone(), there.created_at);
            *there = Message { kind, payload, created_at, ..message.clone() };
        }
        Ok(())
    }

    async fn webhook_attempts(&self, webhook: &str, before: Before<'_>, max: usize) -> Result<Vec<Attempt>> {
        let tables = self.tables();
        let of_webhook = tables.webhooks.attempts.values().filter(|attempt| attempt.webhook == webhook);
        let mut attempts: Vec<_> =
            of_webhook.filter(|attempt| is_before(attempt.at, &attempt.id, before)).cloned().collect();
        attempts.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        attempts.truncate(max);
        Ok(attempts)
    }

    async fn replay_webhook_messages(&self, webhook: &str, which: Replay<'_>, now: Timestamp) -> Result<u64> {
        let kept = &mut self.tables().webhooks;
        let mut replayed = 0;
        for message in kept.messages.values_mut().filter(|message| message.webhook == webhook) {
            let is_asked = match which {
                Replay::Message(id) => message.id == id,
                Replay::Since(since) => message.created_at >= to_the_millisecond(since) && message.kind != TEST_TYPE,
            };
            if is_asked {
                let state = MessageState::Pending;
                *message =
                    Message { state, tries: 0, first_try: None, next: Some(now), ended: None, ..message.clone() };
                replayed += 1;
            }
        }
        Ok(replayed)
    }

    async fn webhook_watch(&self, webhook: &str, subject: &str) -> Result<Option<Watch>> {
        Ok(self.tables().webhooks.watches.get(&(webhook.to_owned(), subject.to_owned())).cloned())
    }

    async fn due_webhook_watches(&self, webhook: &str, now: Timestamp, max: usize) -> Result<Vec<Watch>> {
        let tables = self.tables();
        let of_webhook = tables.webhooks.watches.values().filter(|watch| watch.webhook == webhook);
        let mut due: Vec<_> = of_webhook.filter(|watch| watch.due.is_some_and(|due| due <= now)).cloned().collect();
        due.sort_by(|a, b| (a.due, &a.subject).cmp(&(b.due, &b.subject)));
        due.truncate(max);
        Ok(due)
    }

    async fn put_webhook_watch(&self, watch: &Watch) -> Result<()> {
        self.tables().webhooks.put(watch);
        Ok(())
    }

    async fn remove_webhook_watch(&self, webhook: &str, subject: &str) -> Result<()> {
        self.tables().webhooks.watches.remove(&(webhook.to_owned(), subject.to_owned()));
        Ok(())
    }

    async fn forget_webhook_past(&self, webhook: &str, past: Past) -> Result<u64> {
        let kept = &mut self.tables().webhooks;
        let before = kept.messages.len() + kept.attempts.len() + kept.watches.len();
        let ended = |message: &Message| message.webhook == webhook && message.state != MessageState::Pending;
        let of_messages = kept.messages.values().filter(|message| ended(message)).map(|message| message.created_at);
        let oldest = oldest_kept(of_messages.collect(), past);
        kept.messages.retain(|_, message| !ended(message) || message.created_at >= oldest);
        let of_attempts = kept.attempts.values().filter(|attempt| attempt.webhook == webhook).map(|attempt| attempt.at);
        let oldest = oldest_kept(of_attempts.collect(), past);
        kept.attempts.retain(|_, attempt| attempt.webhook != webhook || attempt.at >= oldest);
        let is_old =
            |watch: &Watch| watch.webhook == webhook && watch.due.is_none() && watch.touched < past.watches_before;
        kept.watches.retain(|_, watch| !is_old(watch));
        Ok((before - kept.messages.len() - kept.attempts.len() - kept.watches.len()) as u64)
    }
}

/// The time from which on everything is kept.
fn oldest_kept(mut times: Vec<Timestamp>, past: Past) -> Timestamp {
    times.sort_unstable_by(|a, b| b.cmp(a));
    let by_number = past.kept_max.checked_sub(1).and_then(|at| times.get(at).copied());
    by_number.map_or(past.before, |oldest| oldest.max(past.before))
}
