//! `/api/v1`: a file a noun, each with its handlers and what documents them.
//!
//! A handler is written with `#[utoipa::path]`, takes a `Viewer`, `Operator` or `Admin` and returns an `Answer`; named once in `routes`,
//! it is served and documented. Its role is also the one in `security`, and a test holds both together. Bodies are in `client::wire`.

use std::sync::Arc;

use axum::{Extension, Router, extract::DefaultBodyLimit, http::header, middleware, response::IntoResponse, routing};
use bytes::Bytes;
use tokio::sync::Semaphore;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{health::Health, operate::Room, request, rights::Viewer, side_by_side};
use crate::{
    client::wire::{COOKIE_OVER_TLS, Changed, ForeignVertical, ProblemBody},
    model::token::Role,
    proof::deliveries::KnownRecords,
    serve::site::Site,
};

mod accounts;
mod activity;
mod attention;
mod changes;
mod deliveries;
mod dismiss;
mod entities;
mod events;
mod health;
mod lookup;
mod names;
mod oidc;
mod original;
mod originals;
mod overview;
mod position;
mod problems;
mod reconcile;
mod relocate;
mod restore;
mod retry;
mod search;
mod session;
mod status;
mod tokens;
mod uploads;
mod verify;
mod verticals;
mod webhooks;
mod whoami;

use problems::Problems;

/// Deliveries that are recorded side by side.
const RECORDED_SIDE_BY_SIDE_MAX: usize = 4;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cameo",
        description = "Photos are handed over, published and registered; this says which, and changes it. Errors are problem documents \
            (RFC 9457) with a stable `code`. Every answer has an `X-Request-Id`."
    ),
    components(schemas(ProblemBody, ForeignVertical, Changed)),
    modifiers(&BearerTokens)
)]
struct Document;

/// How a request proves whose it is.
struct BearerTokens;

impl Modify for BearerTokens {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let description =
            "A token that `cameo token create` made. The role that an operation needs is named beside it.";
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        let description = "The cookie of somebody who logged in with `POST /api/v1/session`: `__Host-cameo` over TLS, `cameo` over plain HTTP. \
            Every change also needs the header `X-Cameo-CSRF` with the session's `csrf`, and `Origin` or `Sec-Fetch-Site` of the same origin.";
        let cookie = ApiKeyValue::with_description(COOKIE_OVER_TLS, description);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Whatever a token may ask for, a session of the same role may ask for too.
fn let_sessions_in(document: &mut openapi::OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete, &mut item.put];
        operations.into_iter().flatten().for_each(let_session_in);
    }
}

fn let_session_in(operation: &mut Operation) {
    for role in Role::ALL {
        let of_token = SecurityRequirement::new("token", [role.as_str()]);
        let security = operation.security.get_or_insert_default();
        if security.contains(&of_token) {
            security.push(SecurityRequirement::new("session", [role.as_str()]));
        }
    }
}

/// Bytes of a question that is answered in frames: 100,000 numbers, or files with their names and hashes.
const QUESTION_MAX_BYTES: usize = 32 << 20;

/// Questions that are answered in frames.
fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(verify::verify))
        .routes(routes!(status::status))
        .routes(routes!(retry::retry))
        .routes(routes!(dismiss::dismiss))
        .routes(routes!(restore::restore))
        .routes(routes!(relocate::relocate))
        .routes(routes!(reconcile::reconcile))
        .layer(DefaultBodyLimit::max(QUESTION_MAX_BYTES))
        .layer(Extension(Room::default()))
}

fn documented() -> OpenApiRouter<Site> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(whoami::whoami))
        .routes(routes!(session::show, session::log_in, session::change, session::log_out))
        .routes(routes!(session::change_password))
        .routes(routes!(session::use_link))
        .routes(routes!(session::check_link))
        .routes(routes!(oidc::show, oidc::begin))
        .routes(routes!(oidc::end))
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::one, accounts::change, accounts::remove))
        .routes(routes!(accounts::reset))
        .routes(routes!(accounts::sessions, accounts::end_sessions))
        .routes(routes!(accounts::end_session))
        .routes(routes!(accounts::first_link))
        .routes(routes!(original::download))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(verticals::list))
        .routes(routes!(entities::list))
        .routes(routes!(entities::stream))
        .routes(routes!(entities::one))
        .routes(routes!(names::check))
        .routes(routes!(uploads::prepare, uploads::bucket))
        .routes(routes!(deliveries::list))
        .merge(recorded())
        .routes(routes!(deliveries::days))
        .routes(routes!(deliveries::one))
        .routes(routes!(deliveries::items))
        .routes(routes!(deliveries::dismiss))
        .routes(routes!(deliveries::reopen))
        .routes(routes!(deliveries::report))
        .routes(routes!(deliveries::report_text))
        .routes(routes!(deliveries::report_table))
        .routes(routes!(deliveries::manifest))
        .merge(history())
        .merge(webhooks())
        .routes(routes!(document))
        .merge(console())
        .merge(operations())
}

/// What happened to photos, with the deliveries that they came with: what is read of those is remembered.
fn history() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(changes::list))
        .routes(routes!(changes::of_entity))
        .layer(Extension(KnownRecords::default()))
}

/// Where events are sent.
fn webhooks() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::one, webhooks::change, webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::attempts))
        .routes(routes!(webhooks::messages))
        .routes(routes!(webhooks::replay))
}

/// What the console shows and changes.
fn console() -> OpenApiRouter<Site> {
    let live = OpenApiRouter::new().routes(routes!(events::listen)).layer(Extension(events::Watched::default()));
    let health = OpenApiRouter::new().routes(routes!(health::health)).layer(Extension(Health::default()));
    OpenApiRouter::new()
        .routes(routes!(overview::overview))
        .routes(routes!(attention::list))
        .routes(routes!(attention::table))
        .routes(routes!(search::search))
        .routes(routes!(lookup::lookup))
        .routes(routes!(lookup::table))
        .routes(routes!(entities::quarantine))
        .routes(routes!(originals::retry))
        .routes(routes!(originals::retry_letters))
        .routes(routes!(originals::dismiss))
        .routes(routes!(originals::unpublish))
        .routes(routes!(originals::undo))
        .routes(routes!(originals::restore_by_id))
        .routes(routes!(activity::list))
        .merge(health)
        .merge(live)
}

/// Deliveries that are recorded have long lists: few are taken at a time, so that they do not fill the memory.
fn recorded() -> OpenApiRouter<Site> {
    let places = Arc::new(Semaphore::new(RECORDED_SIDE_BY_SIDE_MAX));
    OpenApiRouter::new()
        .routes(routes!(deliveries::create))
        .layer(DefaultBodyLimit::max(deliveries::RECORD_BODY_MAX_BYTES))
        .layer(middleware::from_fn_with_state(places, side_by_side::at_most))
}

/// The document of the API, as `GET /api/v1/openapi.json` returns it.
pub fn openapi() -> openapi::OpenApi {
    let mut document = documented().into_openapi();
    let_sessions_in(&mut document);
    document
}

/// The routes.
pub(super) fn routes() -> Router<Site> {
    let (router, mut document) = documented().split_for_parts();
    let_sessions_in(&mut document);
    // A document that could not be written would be a fault of this program, which a test finds.
    let text: Bytes = document.to_json().unwrap_or_default().into();
    router
        .layer(Extension(Arc::new(OpenApiText(text))))
        .route("/api/v1/{*unknown}", routing::any(|| async { request::unknown() }))
}

/// The document as text, made once.
struct OpenApiText(Bytes);

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "document",
    tag = "server",
    responses((status = 200, description = "The OpenAPI document.", body = Object), Problems),
    security(("token" = ["viewer"]))
)]
async fn document(_: Viewer, Extension(text): Extension<Arc<OpenApiText>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text.0.clone())
}
