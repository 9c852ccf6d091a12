//! What people do with endpoints, for the API and for a command beside the data folder alike.

use jiff::Timestamp;
use rand::Rng;

use super::{Courier, message::Draft, schedule::Ended, sending::note};
use crate::{
    catalog::Catalog,
    client::wire::{CreatedWebhook, NewWebhook, RotatedWebhook, WebhookChange, WebhookView},
    model::{
        error::Result,
        webhook::{
            Attempt, Because, DESCRIPTION_MAX_CHARS, Message, MessageState, OLD_SECRET_HOLDS, WEBHOOKS_MAX, Webhook,
            WebhookSecret,
        },
    },
};

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// What was asked for cannot be: what is wrong, and what to do.
    Invalid(String),
    /// There are as many as there may be.
    TooMany,
    /// Somebody else changed it at the same time, or it is gone.
    Changed,
}

/// Something that may be refused.
pub type Done<T> = Result<std::result::Result<T, Fault>>;

fn check_description(description: &str) -> std::result::Result<(), Fault> {
    if description.chars().count() > DESCRIPTION_MAX_CHARS || description.chars().any(char::is_control) {
        let what = format!("the description has {DESCRIPTION_MAX_CHARS} characters at most, and no control characters");
        return Err(Fault::Invalid(what));
    }
    Ok(())
}

/// Makes an endpoint, which gets what happens from now on.
pub async fn create(
    catalog: &dyn Catalog,
    courier: &Courier,
    asked: NewWebhook,
    by: &str,
    now: Timestamp,
) -> Done<CreatedWebhook> {
    let checked = courier.settings().reach.check_url(&asked.url).map_err(Fault::Invalid);
    let url = match checked.and_then(|url| check_description(&asked.description).map(|()| url)) {
        Ok(url) => url,
        Err(fault) => return Ok(Err(fault)),
    };
    if catalog.webhooks().await?.len() >= WEBHOOKS_MAX {
        return Ok(Err(Fault::TooMany));
    }
    let last = catalog.history_ends().await?.last;
    let webhook = Webhook {
        description: asked.description,
        events: asked.events,
        verticals: asked.verticals,
        disabled: asked.disabled.then_some((now, Because::Person)),
        ..Webhook::new(url.as_str(), by, last, now)
    };
    catalog.add_webhook(&webhook).await?;
    courier.wake();
    let secret = webhook.secret.expose().to_owned();
    Ok(Ok(CreatedWebhook { secret, of: WebhookView::of(&webhook, 0) }))
}

/// Changes an endpoint as it was read.
pub async fn change(
    catalog: &dyn Catalog,
    courier: &Courier,
    webhook: Webhook,
    asked: WebhookChange,
    now: Timestamp,
) -> Done<Webhook> {
    let url = asked.url.map(|url| courier.settings().reach.check_url(&url)).transpose().map_err(Fault::Invalid);
    let description = asked.description.unwrap_or_else(|| webhook.description.clone());
    let url = match url.and_then(|url| check_description(&description).map(|()| url)) {
        Ok(url) => url,
        Err(fault) => return Ok(Err(fault)),
    };
    let was_disabled = webhook.disabled;
    let changed = Webhook {
        url: url.map_or_else(|| webhook.url.clone(), String::from),
        description,
        events: asked.events.unwrap_or_else(|| webhook.events.clone()),
        verticals: asked.verticals.unwrap_or_else(|| webhook.verticals.clone()),
        disabled: match asked.disabled {
            Some(true) => was_disabled.or(Some((now, Because::Person))),
            Some(false) => None,
            None => was_disabled,
        },
        ..webhook
    };
    if !catalog.change_webhook(&changed).await? {
        return Ok(Err(Fault::Changed));
    }
    if was_disabled.is_some() && changed.is_enabled() {
        // It has its three days again.
        let health = crate::model::webhook::WebhookHealth { failing_since: None, ..changed.health.clone() };
        catalog.note_webhook_health(&changed.id, &health).await?;
    }
    courier.wake();
    Ok(Ok(changed))
}

/// Gives an endpoint a new secret; the one before signs too for a day, unless it is taken at once.
pub async fn rotate(catalog: &dyn Catalog, webhook: Webhook, at_once: bool, now: Timestamp) -> Done<RotatedWebhook> {
    let until = now.checked_add(OLD_SECRET_HOLDS).unwrap_or(now);
    let secret = WebhookSecret::generate();
    let old_secret = (!at_once).then(|| (webhook.secret.clone(), until));
    let old_until = old_secret.as_ref().map(|(_, until)| *until);
    let changed = Webhook { secret: secret.clone(), old_secret, ..webhook };
    if !catalog.change_webhook(&changed).await? {
        return Ok(Err(Fault::Changed));
    }
    Ok(Ok(RotatedWebhook { webhook: changed.id, secret: secret.expose().to_owned(), old_secret_until: old_until }))
}

/// Sends a test, once and now; whether or not the endpoint is enabled.
pub async fn test(catalog: &dyn Catalog, courier: &Courier, webhook: &Webhook, now: Timestamp) -> Result<Attempt> {
    let id_of = format!("{}\n{:016x}", webhook.id, rand::rng().random::<u64>());
    let message = Draft::test(&webhook.id, &id_of, now).to(&webhook.id, now);
    // Failed until it is delivered: nobody but whoever asked is to try it.
    let message = Message { state: MessageState::Failed, next: None, ended: Some(now), ..message };
    catalog.add_webhook_messages(std::slice::from_ref(&message)).await?;
    let (attempt, ended) = courier.send(webhook, &message, now).await;
    let state = if ended == Ended::Well { MessageState::Delivered } else { MessageState::Failed };
    let message = Message { state, tries: 1, first_try: Some(now), ..message };
    note(catalog, courier.settings(), &webhook.id, &message, attempt.clone()).await?;
    Ok(attempt)
}
