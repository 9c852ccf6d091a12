//! Who did what, newest first: what became of photos, as the history has it, and what people asked for, as the audit trail has it.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        audit_reader,
        input::{Paging, Query},
        rights::{Caller, Viewer},
    },
    problems::Problems,
};
use crate::{
    client::wire::{Activity, ActivityLine, ActivitySource},
    ledger::history::HistoryLine,
    model::{
        actor::Actor,
        key::{CD_IDX_MAX, EntityId, Vertical},
        reason::ReasonCode,
    },
    proof::deliveries::acts::{self, Act},
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Lines of the history that one part looks at, at most; then it ends early.
const LOOKED_AT_MAX: usize = 20_000;
/// Lines that are read at a time.
const AT_ONCE: usize = 1000;

/// What is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ActivityFilter {
    /// Only of this vertical.
    #[serde(default)]
    pub(super) vertical: Option<String>,
    /// Only of this entity of the vertical.
    #[serde(default)]
    pub(super) entity: Option<u64>,
    /// Only what they did: the name of a person or token, or an access key.
    #[serde(default)]
    pub(super) actor: Option<String>,
    /// `history` (what became of photos) or `audit` (what was asked for, on servers with a data folder).
    #[serde(default)]
    pub(super) source: Option<ActivitySource>,
}

/// What happened, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/activity",
    operation_id = "list_activity",
    tag = "console",
    params(ActivityFilter, Paging),
    responses((status = 200, description = "A part of the log.", body = Activity), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(asked): Query<ActivityFilter>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Activity>> {
    let limit = paging.limit()?;
    let vertical = asked.vertical.as_deref().map(|name| caller.vertical(name)).transpose()?;
    if asked.entity.is_some() && vertical.is_none() {
        return Err(Problem::invalid("entity: name its vertical, too"));
    }
    if asked.entity.is_some_and(|cd_idx| !(1..=CD_IDX_MAX).contains(&cd_idx)) {
        return Err(Problem::not_found("such entity"));
    }
    if asked.source == Some(ActivitySource::Audit) {
        let wanted = audit_reader::Wanted { vertical, cd_idx: asked.entity, actor: asked.actor };
        return Ok(Json(audit_reader::page(&site, &caller, wanted, paging.after()?, limit).await?));
    }
    let before = match paging.after()? {
        "" => None,
        after => Some(after.parse().map_err(|_| Problem::invalid("after is not the next of a page"))?),
    };
    let from = Search { site: &site, caller: &caller, vertical, cd_idx: asked.entity, actor: asked.actor };
    let (lines, next) = from.page(before, limit).await?;
    let acts = acts::of_lines(site.deliveries(), &lines).await?;
    let items = lines.iter().zip(&acts).map(|(line, act)| of_history(line, act.as_ref())).collect();
    Ok(Json(Activity { items, next }))
}

/// What is looked for in the history.
struct Search<'s> {
    site: &'s Site,
    caller: &'s Caller,
    vertical: Option<Vertical>,
    cd_idx: Option<u64>,
    actor: Option<String>,
}

impl Search<'_> {
    /// Lines, at most `limit`, and where to go on.
    async fn page(&self, mut before: Option<u64>, limit: usize) -> Answer<(Vec<HistoryLine>, Option<String>)> {
        let (mut items, mut looked_at) = (Vec::new(), 0);
        loop {
            let lines = self.lines(before).await?;
            looked_at += lines.len();
            let is_last = lines.len() < AT_ONCE;
            for line in lines {
                if items.len() == limit {
                    return Ok((items, before.map(|before| before.to_string())));
                }
                before = Some(line.position);
                if self.is_wanted(&line) {
                    items.push(line);
                }
            }
            if is_last {
                return Ok((items, None));
            }
            if looked_at >= LOOKED_AT_MAX {
                return Ok((items, before.map(|before| before.to_string())));
            }
        }
    }

    async fn lines(&self, before: Option<u64>) -> Answer<Vec<HistoryLine>> {
        let catalog = &self.site.flow.catalog;
        Ok(match (&self.vertical, self.cd_idx) {
            (Some(vertical), Some(cd_idx)) => {
                let entity = EntityId { vertical: vertical.clone(), cd_idx };
                catalog.history_of(&entity, None, before, AT_ONCE).await?
            }
            (vertical, _) => catalog.changes_before(before, vertical.as_ref(), AT_ONCE).await?,
        })
    }

    fn is_wanted(&self, line: &HistoryLine) -> bool {
        let by = line.change.actor.as_ref().map(Actor::as_str);
        self.caller.verticals.include_of(line.change.vertical.as_ref())
            && self.actor.as_deref().is_none_or(|asked| by == Some(asked))
    }
}

fn of_history(line: &HistoryLine, act: Option<&Act>) -> ActivityLine {
    let change = &line.change;
    let by = change.actor.as_ref().or_else(|| act?.by());
    let note = act.and_then(Act::note).map(str::to_owned);
    ActivityLine {
        source: ActivitySource::History,
        at: change.at,
        actor: by.map(ToString::to_string),
        what: change.change.code().to_owned(),
        vertical: change.vertical.as_ref().map(ToString::to_string),
        cd_idx: change.cd_idx,
        sequence: change.sequence,
        key: Some(change.key.clone()),
        code: change.reason.map(ReasonCode::code).map(str::to_owned),
        act: act.map(|act| act.code().to_owned()),
        detail: change.detail.clone().or(note),
        status: None,
        request_id: None,
    }
}
