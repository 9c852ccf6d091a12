//! `/api/v1`: a file a noun, each with its handlers and what documents them.
//!
//! A handler is written with `#[utoipa::path]`, takes a `Viewer`, `Operator` or `Admin` and returns an `Answer`; named once in `routes`,
//! it is served and documented. Its role is also the one in `security`, and a test holds both together. Bodies are in `client::wire`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, Router, extract::DefaultBodyLimit, http::header, middleware, response::IntoResponse, routing};
use bytes::Bytes;
use tokio::sync::Semaphore;
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        self, ContentBuilder, Ref, RefOr, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{operate::Room, request, rights::Viewer, side_by_side};
use crate::{
    client::wire::{PROBLEM_JSON, ProblemBody},
    serve::site::Site,
};

mod changes;
mod deliveries;
mod entities;
mod names;
mod reconcile;
mod retry;
mod status;
mod tokens;
mod uploads;
mod verify;
mod verticals;
mod whoami;

/// Deliveries that are recorded side by side.
const RECORDED_SIDE_BY_SIDE_MAX: usize = 4;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cameo",
        description = "Photos are handed over, published and registered; this says which, and changes it. Errors are problem documents \
            (RFC 9457) with a stable `code`. Every answer has an `X-Request-Id`."
    ),
    components(schemas(ProblemBody)),
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
    }
}

/// What any operation may be answered with instead of what it is for.
struct Problems;

/// Each status, and when it is answered.
const PROBLEMS: [(&str, &str); 12] = [
    ("400", "The request cannot be read."),
    ("401", "A token is needed, or the one that was sent is not known, revoked or expired."),
    ("403", "The token's role, or the verticals that it is limited to, do not allow it."),
    ("404", "There is none of it, or the token may not see it."),
    ("405", "The path has other methods."),
    ("409", "Something is in the way, such as a name that is taken."),
    ("412", "A condition of the request did not hold."),
    ("413", "The body is too long."),
    ("415", "The body must be application/json."),
    ("422", "The request can be read, and something in it is wrong."),
    ("429", "Too many wrong tokens came from this address."),
    ("503", "A place that the server works with is away, or it has too much to do: try again."),
];

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let answer = |description: &str| {
            let schema = Ref::from_schema_name("ProblemBody");
            let content = ContentBuilder::new().schema(Some(schema)).build();
            ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build().into()
        };
        PROBLEMS.iter().map(|(status, description)| ((*status).to_owned(), answer(description))).collect()
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
        .routes(routes!(reconcile::reconcile))
        .layer(DefaultBodyLimit::max(QUESTION_MAX_BYTES))
        .layer(Extension(Room::default()))
}

fn documented() -> OpenApiRouter<Site> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(whoami::whoami))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(verticals::list))
        .routes(routes!(entities::list))
        .routes(routes!(entities::stream))
        .routes(routes!(entities::one))
        .routes(routes!(names::check))
        .routes(routes!(uploads::prepare))
        .routes(routes!(deliveries::list))
        .merge(recorded())
        .routes(routes!(deliveries::days))
        .routes(routes!(deliveries::one))
        .routes(routes!(deliveries::items))
        .routes(routes!(deliveries::report))
        .routes(routes!(deliveries::report_text))
        .routes(routes!(deliveries::report_table))
        .routes(routes!(deliveries::manifest))
        .routes(routes!(changes::list))
        .routes(routes!(changes::of_entity))
        .routes(routes!(document))
        .merge(operations())
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
    documented().into_openapi()
}

/// The routes.
pub(super) fn routes() -> Router<Site> {
    let (router, document) = documented().split_for_parts();
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
