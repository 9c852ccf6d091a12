//! What changed, in order: for app teams who cannot ask the database, and the history of one entity.

use axum::{Extension, Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        input::{Paging, Path, Query},
        rights::Viewer,
    },
    position,
    problems::Problems,
};
use crate::{
    client::wire::{ChangeView, Changes, Page},
    ledger::history::HistoryLine,
    model::key::{CD_IDX_MAX, EntityId},
    proof::deliveries::{KnownRecords, acts},
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
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
    /// The `mark` of the page before: it shows for certain that a position is of another history.
    #[serde(default)]
    mark: Option<String>,
    /// Only changes of this vertical.
    #[serde(default)]
    vertical: Option<String>,
    /// Changes, at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<usize>,
}

/// What was registered, replaced, removed and rejected, in the order in which it was. Ask again with `since` = `next`: no change is
/// missed, however late it is committed. What is older than `register.keep_history` is gone. A position that this history never gave out is
/// answered with 409 `changes.unknown_position`, and one after which lines were forgotten with 410 `changes.forgotten`: then read everything
/// again.
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
    Extension(records): Extension<KnownRecords>,
    Query(FeedQuery { since, mark, vertical, limit }): Query<FeedQuery>,
) -> Answer<Json<Changes>> {
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=LIMIT).contains(&limit) {
        return Err(Problem::invalid(format!("limit is {limit}: it must be from 1 to {LIMIT}")));
    }
    let vertical = vertical.map(|name| caller.vertical(&name)).transpose()?;
    let catalog = &*site.flow.catalog;
    let ends = position::check(catalog, since, mark.as_deref()).await?;
    let mut found = catalog.changes(since, vertical.as_ref(), limit).await?;
    let (more, last) = (found.len() == limit, found.last().cloned());
    // All lines up to the end were there before the page was read: whoever follows a quiet vertical gets on, too.
    let end = if more { 0 } else { ends.last };
    let (next, mark) = match last {
        Some(line) if line.position >= end => (line.position, Some(position::mark_of(&line))),
        _ => (end.max(since), position::mark(catalog, end.max(since)).await?),
    };
    found.retain(|line| caller.verticals.include_of(line.change.vertical.as_ref()));
    let items = views(&site, &records, &found).await?;
    Ok(Json(Changes { items, next, mark, more }))
}

async fn views(site: &Site, records: &KnownRecords, lines: &[HistoryLine]) -> Answer<Vec<ChangeView>> {
    let deliveries = records.of_lines(site.deliveries(), &site.zone, lines).await?;
    Ok(lines.iter().zip(deliveries).map(|(line, delivery)| ChangeView::of(line, delivery)).collect())
}

/// The history of an entity, newest first: what, when, by whom, and with which delivery it came.
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
    Extension(records): Extension<KnownRecords>,
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
    let acts = acts::of_lines(site.deliveries(), &found).await?;
    let views = views(&site, &records, &found).await?;
    let items = views.into_iter().zip(&acts).map(|(view, act)| view.with_act(act.as_ref())).collect();
    Ok(Json(Page { items, next }))
}
