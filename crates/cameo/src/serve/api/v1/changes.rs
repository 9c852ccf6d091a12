//! What changed, in order: for app teams who cannot ask the database, and the history of one entity.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        input::{Paging, Path, Query},
        problem::{Answer, Problem},
        rights::Viewer,
    },
    Problems,
};
use crate::{
    client::wire::{ChangeView, Changes, Page},
    ledger::history::HistoryLine,
    model::key::{CD_IDX_MAX, EntityId},
    serve::site::Site,
};

/// Changes of a page where nobody says how many, and at most.
const LIMIT: usize = 1000;

/// From where on the feed is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FeedQuery {
    /// The `next` of the page before; 0, or left out, for the beginning.
    #[serde(default)]
    since: u64,
    /// Only changes of this vertical.
    #[serde(default)]
    vertical: Option<String>,
    /// Changes, at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<usize>,
}

/// What was registered, replaced, removed and rejected, in the order in which it was. Ask again with `since` = `next`: no change is
/// missed, however late it is committed. What is older than `register.keep_history` is gone.
#[utoipa::path(
    get,
    path = "/api/v1/changes",
    operation_id = "list_changes",
    tag = "changes",
    params(FeedQuery),
    responses((status = 200, description = "Changes.", body = Changes), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(FeedQuery { since, vertical, limit }): Query<FeedQuery>,
) -> Answer<Json<Changes>> {
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=LIMIT).contains(&limit) {
        return Err(Problem::invalid(format!("limit is {limit}: it must be from 1 to {LIMIT}")));
    }
    let vertical = vertical.map(|name| caller.vertical(&name)).transpose()?;
    let found = site.flow.catalog.changes(since, vertical.as_ref(), limit).await?;
    let next = found.last().map_or(since, |line| line.position);
    let sees = |line: &HistoryLine| caller.verticals.include_of(line.change.vertical.as_ref());
    let items = found.iter().filter(|line| sees(line)).map(ChangeView::of).collect();
    Ok(Json(Changes { items, next, more: found.len() == limit }))
}

/// The history of an entity, newest first: what, when, by whom.
#[utoipa::path(
    get,
    path = "/api/v1/verticals/{vertical}/entities/{cd_idx}/history",
    operation_id = "get_history",
    tag = "changes",
    params(
        ("vertical" = String, Path, description = "The vertical."),
        ("cd_idx" = u64, Path, description = "The entity's number.", minimum = 1, maximum = 9_007_199_254_740_991_i64),
        Paging,
    ),
    responses((status = 200, description = "Changes.", body = Page<ChangeView>), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn of_entity(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path((vertical, cd_idx)): Path<(String, u64)>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<ChangeView>>> {
    let vertical = caller.vertical(&vertical)?;
    if !(1..=CD_IDX_MAX).contains(&cd_idx) {
        return Err(Problem::not_found("such entity"));
    }
    let before = match paging.after()? {
        "" => None,
        after => Some(after.parse().map_err(|_| Problem::invalid("after is not the next of a page"))?),
    };
    let limit = paging.limit()?;
    let entity = EntityId { vertical, cd_idx };
    let found = site.flow.catalog.history_of(&entity, None, before, limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|line| line.position.to_string());
    Ok(Json(Page { items: found.iter().map(ChangeView::of).collect(), next }))
}
