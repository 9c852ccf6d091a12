//! One box that finds whatever somebody has at hand: a number, a file's name, a key, an address, a delivery.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{found, input::Query, rights::Viewer},
    problems::Problems,
};
use crate::{
    client::wire::SearchResults,
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Results where nobody says how many, and at most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;
/// Bytes of what is looked for: a key has 1,024 at most, and an address may stand before it.
const Q_MAX_BYTES: usize = 2048;

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// A number, the beginning of a file's name or key, the address of an image, the name of a delivery or vertical; of rejected files any
    /// part of the key.
    #[param(max_length = 512)]
    q: String,
    /// Only of this vertical.
    #[serde(default)]
    vertical: Option<String>,
    /// Results, at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// Finds entities, originals, rejected files, deliveries and verticals.
#[utoipa::path(
    get,
    path = "/api/v1/search",
    operation_id = "search",
    tag = "console",
    params(SearchQuery),
    responses((status = 200, description = "What was found.", body = SearchResults), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn search(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(SearchQuery { q, vertical, limit }): Query<SearchQuery>,
) -> Answer<Json<SearchResults>> {
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid(format!("limit is {limit}: it must be from 1 to {LIMIT_MAX}")));
    }
    if q.len() > Q_MAX_BYTES {
        return Err(Problem::invalid(format!("q: at most {Q_MAX_BYTES} bytes")));
    }
    let vertical = vertical.map(|name| caller.vertical(&name)).transpose()?;
    Ok(Json(found::find(&site, &caller, vertical, &q, limit).await?))
}
