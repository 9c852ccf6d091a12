//! Webhooks: made, changed and looked at by administrators, each within the verticals of their own.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use jiff::Timestamp;

use super::{
    super::{
        input::{Json, Paging, Path, Query},
        rights::{Admin, Caller},
    },
    problems::Problems,
};
use crate::{
    catalog::webhooks::Replay,
    client::wire::{
        CreatedWebhook, NewWebhook, Page, RemovedWebhook, Replayed, RotatedWebhook, WebhookAttempt, WebhookChange,
        WebhookMessage, WebhookReplay, WebhookRotation, WebhookView,
    },
    model::{
        token::Verticals,
        webhook::{WEBHOOKS_MAX, Webhook},
    },
    serve::{
        audited::Named,
        problem::{Answer, Problem},
        site::Site,
    },
    webhooks::act::{self, Fault},
};

fn none() -> Problem {
    Problem::not_found("such webhook")
}

/// Whether a text can be an id: no database need be asked for any other, and not every one takes any text.
fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What the audit trail calls an endpoint: the rest of its URL may be a secret.
fn named(webhook: &str) -> Extension<Named> {
    Extension(Named(vec![format!("webhook {webhook}")]))
}

/// The endpoint of an id, where the caller may see it.
async fn find(site: &Site, caller: &Caller, id: &str) -> Answer<Webhook> {
    if !is_id(id) {
        return Err(none());
    }
    let found = site.flow.catalog.webhook(id).await?;
    found.filter(|webhook| caller.covers(&webhook.verticals)).ok_or_else(none)
}

fn require_covered(caller: &Caller, verticals: &Verticals) -> Answer<()> {
    if caller.covers(verticals) {
        return Ok(());
    }
    let detail = "an administrator who is limited to verticals makes only webhooks that are limited to them too";
    Err(Problem::new(StatusCode::FORBIDDEN, "auth.vertical", detail))
}

fn refused(fault: Fault) -> Problem {
    match fault {
        Fault::Invalid(what) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "webhook.invalid", what),
        Fault::TooMany => {
            let detail = format!("there are {WEBHOOKS_MAX} webhooks, which is the limit: remove one first");
            Problem::new(StatusCode::CONFLICT, "webhook.too_many", detail)
        }
        Fault::Changed => Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "somebody else changed this webhook just now: look at it again",
        ),
    }
}

async fn view(site: &Site, webhook: &Webhook) -> Answer<WebhookView> {
    let pending = site.flow.catalog.count_pending_webhook_messages(&webhook.id).await?;
    Ok(WebhookView::of(webhook, pending))
}

/// The place in a list behind which a page begins: `{milliseconds}:{id}`.
fn before(paging: &Paging) -> Answer<Option<(Timestamp, String)>> {
    let after = paging.after()?;
    if after.is_empty() {
        return Ok(None);
    }
    let read = after
        .split_once(':')
        .and_then(|(millis, id)| Some((Timestamp::from_millisecond(millis.parse().ok()?).ok()?, id.to_owned())));
    read.filter(|(_, id)| is_id(id)).map(Some).ok_or_else(|| Problem::invalid("after is not the next of a page"))
}

fn next(at: Timestamp, id: &str) -> String {
    format!("{}:{id}", at.as_millisecond())
}

/// The webhooks. There are few, so they are all on one page.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks",
    operation_id = "list_webhooks",
    tag = "webhooks",
    responses((status = 200, description = "Webhooks in the order of their ids.", body = Page<WebhookView>), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn list(State(site): State<Site>, Admin(caller): Admin) -> Answer<axum::Json<Page<WebhookView>>> {
    let mut items = Vec::new();
    for webhook in site.flow.catalog.webhooks().await? {
        if caller.covers(&webhook.verticals) {
            items.push(view(&site, &webhook).await?);
        }
    }
    Ok(axum::Json(Page { items, next: None }))
}

/// Makes a webhook, which gets what happens from now on. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks",
    operation_id = "create_webhook",
    tag = "webhooks",
    request_body = NewWebhook,
    responses((status = 201, description = "The webhook with its secret.", body = CreatedWebhook), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn create(
    State(site): State<Site>,
    Admin(caller): Admin,
    Json(asked): Json<NewWebhook>,
) -> Answer<impl IntoResponse> {
    require_covered(&caller, &asked.verticals)?;
    let catalog = &*site.flow.catalog;
    let made = act::create(catalog, &site.webhooks, asked, &caller.name, site.clock.now()).await?.map_err(refused)?;
    Ok((StatusCode::CREATED, named(&made.of.id), axum::Json(made)))
}

/// A webhook.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{webhook}",
    operation_id = "get_webhook",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The webhook.", body = WebhookView), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn one(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Answer<axum::Json<WebhookView>> {
    let webhook = find(&site, &caller, &id).await?;
    Ok(axum::Json(view(&site, &webhook).await?))
}

/// Changes a webhook. One that is enabled again gets what it missed.
#[utoipa::path(
    patch,
    path = "/api/v1/webhooks/{webhook}",
    operation_id = "change_webhook",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    request_body = WebhookChange,
    responses((status = 200, description = "As it is now.", body = WebhookView), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn change(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Json(asked): Json<WebhookChange>,
) -> Answer<impl IntoResponse> {
    let webhook = find(&site, &caller, &id).await?;
    if let Some(verticals) = &asked.verticals {
        require_covered(&caller, verticals)?;
    }
    let catalog = &*site.flow.catalog;
    act::change(catalog, &site.webhooks, webhook, asked, site.clock.now()).await?.map_err(refused)?;
    let webhook = find(&site, &caller, &id).await?;
    Ok((named(&webhook.id), axum::Json(view(&site, &webhook).await?)))
}

/// Removes a webhook with all its messages, at once and for good.
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/{webhook}",
    operation_id = "remove_webhook",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    responses((status = 200, description = "It gets nothing any more.", body = RemovedWebhook), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn remove(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Answer<impl IntoResponse> {
    let webhook = find(&site, &caller, &id).await?;
    if !site.flow.catalog.remove_webhook(&webhook.id).await? {
        return Err(none());
    }
    Ok((named(&webhook.id), axum::Json(RemovedWebhook { removed: webhook.id })))
}

/// Gives a webhook a new secret, which is in this answer and nowhere else. The one before signs too for 24 hours, so that the receiver has
/// time; with `at_once` it does not.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{webhook}/secret",
    operation_id = "rotate_webhook_secret",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    request_body = WebhookRotation,
    responses((status = 200, description = "The new secret.", body = RotatedWebhook), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn rotate(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Json(asked): Json<WebhookRotation>,
) -> Answer<impl IntoResponse> {
    let webhook = find(&site, &caller, &id).await?;
    let rotated = act::rotate(&*site.flow.catalog, webhook, asked.at_once, site.clock.now()).await?.map_err(refused)?;
    Ok((named(&rotated.webhook), axum::Json(rotated)))
}

/// Sends a message of the type `webhook.test`, once and now, and says what came of it. A webhook that is disabled is tested too.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{webhook}/test",
    operation_id = "test_webhook",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The attempt, whether or not it succeeded.", body = WebhookAttempt), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn test(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Answer<impl IntoResponse> {
    let webhook = find(&site, &caller, &id).await?;
    let attempt = act::test(&*site.flow.catalog, &site.webhooks, &webhook, site.clock.now()).await?;
    Ok((named(&webhook.id), axum::Json(WebhookAttempt::from(attempt))))
}

/// What became of the messages of a webhook, newest attempt first.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{webhook}/attempts",
    operation_id = "list_webhook_attempts",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "Its id."), Paging),
    responses((status = 200, description = "Attempts.", body = Page<WebhookAttempt>), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn attempts(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer<axum::Json<Page<WebhookAttempt>>> {
    let (limit, before) = (paging.limit()?, before(&paging)?);
    let webhook = find(&site, &caller, &id).await?;
    let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
    let found = site.flow.catalog.webhook_attempts(&webhook.id, before, limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| next(last.at, &last.id));
    Ok(axum::Json(Page { items: found.into_iter().map(WebhookAttempt::from).collect(), next }))
}

/// The messages of a webhook that are kept, newest first, with their bodies.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{webhook}/messages",
    operation_id = "list_webhook_messages",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "Its id."), Paging),
    responses((status = 200, description = "Messages.", body = Page<WebhookMessage>), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn messages(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer<axum::Json<Page<WebhookMessage>>> {
    let (limit, before) = (paging.limit()?, before(&paging)?);
    let webhook = find(&site, &caller, &id).await?;
    let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
    let found = site.flow.catalog.webhook_messages(&webhook.id, before, limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| next(last.created_at, &last.id));
    Ok(axum::Json(Page { items: found.into_iter().map(WebhookMessage::from).collect(), next }))
}

/// Sends messages again that are still kept: one of them, or all that were made since a time. They have the ids that they had.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{webhook}/replay",
    operation_id = "replay_webhook",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    request_body = WebhookReplay,
    responses((status = 200, description = "How many messages are sent again.", body = Replayed), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn replay(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Json(asked): Json<WebhookReplay>,
) -> Answer<impl IntoResponse> {
    let webhook = find(&site, &caller, &id).await?;
    let which = match (&asked.message, asked.since) {
        (Some(message), None) if is_id(message) => Replay::Message(message),
        (Some(_), None) => return Err(Problem::not_found("such message that is still kept")),
        (None, Some(since)) => Replay::Since(since),
        _ => return Err(Problem::invalid("name one of the two: message, or since")),
    };
    let messages = site.flow.catalog.replay_webhook_messages(&webhook.id, which, site.clock.now()).await?;
    if messages == 0 && asked.message.is_some() {
        return Err(Problem::not_found("such message that is still kept"));
    }
    site.webhooks.wake();
    Ok((named(&webhook.id), axum::Json(Replayed { messages })))
}
