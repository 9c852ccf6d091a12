//! Deliveries: recorded once, their state computed each time, and their report as lines, text, table and manifest.

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        input::{self, Paging, Path, Query},
        lines,
        rights::{Caller, Operator, Viewer},
        table,
    },
    originals::{a_note, noted},
    problems::Problems,
};
use crate::{
    client::wire::{
        DayView, DeliveryState, DeliveryView, ItemView, LackToDismiss, ListLine, NewDelivery, Page, ReportedPhoto,
    },
    model::{
        actor::Actor,
        key::{DeliveryKey, DeliveryName, Vertical},
        lang::Lang,
        token::Verticals,
    },
    proof::deliveries::{
        self, Listed, NewRecord, Record, Report, Standing, Summary, day,
        dismissed::Dismissed,
        dismissed_lines::{self, DismissedLine},
        state,
    },
    serve::{
        problem::{Answer, Problem},
        request_id::RequestId,
        site::Site,
    },
};

/// Which deliveries are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfVertical {
    /// The vertical; all that the token may see where it is left out.
    #[serde(default)]
    vertical: Option<String>,
}

/// The vertical whose days are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InVertical {
    /// The vertical.
    vertical: String,
}

/// How closely a delivery is looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HowClosely {
    /// Without a look at the queues: what waits to be registered is not distinguished from what waits to be rendered, and dead letters are not seen.
    /// For whoever asks often, where looking costs a queue service requests.
    #[serde(default)]
    quick: bool,
}

/// In which language a report is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InLanguage {
    /// `ko` or `en`.
    #[serde(default)]
    lang: Lang,
}

/// Recorded deliveries, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries",
    operation_id = "list_deliveries",
    tag = "deliveries",
    params(OfVertical, Paging),
    responses((status = 200, description = "Deliveries.", body = Page<DeliveryView>), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(OfVertical { vertical }): Query<OfVertical>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<DeliveryView>>> {
    let vertical = vertical.map(|name| caller.vertical(&name)).transpose()?;
    let before = match paging.after()? {
        "" => None,
        after => Some(key_of(after).ok_or_else(|| Problem::invalid("after is not the next of a page"))?),
    };
    let limit = paging.limit()?;
    let (store, bucket) = (&*site.flow.store, &site.flow.settings.upload_bucket);
    let asked = (vertical.as_ref(), &caller.verticals);
    let (listed, next) = deliveries::list::page(store, bucket, asked, before.as_ref(), limit).await?;
    let next = next.map(|key| format!("{}/{}", key.vertical, key.id));
    Ok(Json(Page { items: listed.into_iter().map(DeliveryView::from).collect(), next }))
}

fn key_of(after: &str) -> Option<DeliveryKey> {
    let (vertical, id) = after.split_once('/')?;
    Some(DeliveryKey { vertical: vertical.parse().ok()?, id: id.parse().ok()? })
}

/// Days on which something was registered that may be named by no delivery, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/days",
    operation_id = "list_days",
    tag = "deliveries",
    params(InVertical, Paging),
    responses((status = 200, description = "Days.", body = Page<DayView>), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn days(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(InVertical { vertical }): Query<InVertical>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<DayView>>> {
    let vertical = caller.vertical(&vertical)?;
    let before = match paging.after()? {
        "" => None,
        after => Some(after.parse().map_err(|_| Problem::invalid("after is not the next of a page"))?),
    };
    let limit = paging.limit()?.min(DAYS_MAX);
    let names = day::days(&*site.flow.catalog, &vertical, before, limit, &site.zone).await?;
    let view = |name: &DeliveryName| match name {
        DeliveryName::Day { vertical, date } => {
            Some(DayView { delivery: name.to_string(), vertical: vertical.to_string(), date: date.to_string() })
        }
        DeliveryName::Recorded { .. } => None,
    };
    let items: Vec<DayView> = names.iter().filter_map(view).collect();
    let next = items.last().filter(|_| items.len() == limit).map(|last| last.date.clone());
    Ok(Json(Page { items, next }))
}

/// Length of a request that records a delivery, bytes: 100,000 files have about 20 MB.
pub(super) const RECORD_BODY_MAX_BYTES: usize = 32 << 20;
/// Days of a page, at most: each is a look at the history.
const DAYS_MAX: usize = 100;

/// Records what is handed over. It is written once: who hands over the same content again, even at the same moment, gets the delivery that
/// there is.
#[utoipa::path(
    post,
    path = "/api/v1/deliveries",
    operation_id = "create_delivery",
    tag = "deliveries",
    request_body = NewDelivery,
    responses(
        (status = 200, description = "The delivery that has this content already.", body = DeliveryView),
        (status = 201, description = "The delivery.", body = DeliveryView),
        Problems
    ),
    security(("token" = ["operator"]))
)]
pub(super) async fn create(
    State(site): State<Site>,
    Operator(caller): Operator,
    input::Json(asked): input::Json<NewDelivery>,
) -> Answer<Response> {
    let vertical = caller.vertical(&asked.vertical)?;
    let content = NewRecord { by: caller.name.clone(), ..asked.content };
    if content.is_empty() {
        return Err(Problem::invalid("the delivery names no file: nothing is handed over, left out or promised"));
    }
    content.check()?;
    let (store, bucket) = (&*site.flow.store, &site.flow.settings.upload_bucket);
    let at = (site.clock.now(), &site.zone);
    let (record, is_new) = deliveries::list::create_once(store, bucket, &vertical, content, at).await?;
    site.webhooks.recorded();
    site.open.forget().await;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(DeliveryView::from(Listed::of(&record)))).into_response())
}

/// How far a delivery came, in numbers.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{delivery}",
    operation_id = "get_delivery",
    tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id, or the name of a day."), HowClosely),
    responses((status = 200, description = "The delivery.", body = DeliveryState), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn one(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(delivery): Path<String>,
    Query(HowClosely { quick }): Query<HowClosely>,
) -> Answer<Json<DeliveryState>> {
    let places = site.deliveries();
    let places = state::Places { queues: places.queues.filter(|_| !quick), ..places };
    let (record, standing) = found_at(places, &site, &caller, &delivery).await?;
    let record = record.map(|record| DeliveryView::from(Listed::of(&record)));
    Ok(Json(state_of(record, &standing)))
}

fn state_of(record: Option<DeliveryView>, standing: &Standing) -> DeliveryState {
    let is_recorded = record.is_some();
    DeliveryState {
        record,
        summary: standing.summary(),
        closed: standing.closed.clone(),
        lacks: is_recorded && standing.lacks(),
    }
}

/// Settles what a recorded delivery lacks: what was left out, promised, or recorded and is not there will not come, and that is agreed. What is
/// deleted afterwards is another matter.
#[utoipa::path(
    post,
    path = "/api/v1/deliveries/{delivery}/dismiss",
    operation_id = "dismiss_lack",
    tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id.")),
    request_body = LackToDismiss,
    responses((status = 200, description = "The delivery as it is now.", body = DeliveryState), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn dismiss(
    State(site): State<Site>,
    Operator(caller): Operator,
    Path(delivery): Path<String>,
    input::Json(LackToDismiss { note }): input::Json<LackToDismiss>,
) -> Answer<Response> {
    let note = a_note(note, true)?;
    let record = recorded(&site, &caller, &delivery).await?;
    let (store, bucket) = (&*site.flow.store, &site.flow.settings.upload_bucket);
    let lines: Vec<DismissedLine> = Standing::of_record(site.deliveries(), &record).await?.open_lines().collect();
    let dismissed = Dismissed::new(site.clock.now(), Actor::new(&caller.name), Some(&note));
    if !lines.is_empty() {
        dismissed_lines::write(store, bucket, &record.key(), (&lines, &dismissed)).await?;
    }
    changed(&site, &record, Some(note)).await
}

/// Takes back that what a delivery lacks is settled.
#[utoipa::path(
    post,
    path = "/api/v1/deliveries/{delivery}/reopen",
    operation_id = "reopen_delivery",
    tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The delivery as it is now.", body = DeliveryState), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn reopen(
    State(site): State<Site>,
    Operator(caller): Operator,
    Path(delivery): Path<String>,
) -> Answer<Response> {
    let record = recorded(&site, &caller, &delivery).await?;
    let (store, bucket) = (&*site.flow.store, &site.flow.settings.upload_bucket);
    dismissed_lines::reopen(store, bucket, &record.key()).await?;
    changed(&site, &record, None).await
}

/// The record of a delivery that the caller may see.
async fn recorded(site: &Site, caller: &Caller, delivery: &str) -> Answer<Record> {
    let name = named(caller, delivery)?;
    let record = deliveries::record(site.deliveries(), &name).await?.ok_or_else(|| Problem::not_found(NONE))?;
    sees(caller, &record.vertical)?;
    Ok(record)
}

/// The answer of a change of a delivery, which names it for the audit trail.
async fn changed(site: &Site, record: &Record, note: Option<String>) -> Answer<Response> {
    site.open.forget_one(&record.key()).await;
    site.webhooks.recorded();
    let standing = Standing::of_record(site.deliveries(), record).await?;
    let state = state_of(Some(DeliveryView::from(Listed::of(record))), &standing);
    Ok(noted(vec![record.key().key()], note, &state))
}

/// Every file of a delivery with its state, a line each, then the summary.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{delivery}/items",
    operation_id = "list_delivery_items",
    tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id, or the name of a day.")),
    responses((status = 200, description = "A line a file, then the summary. The schema is that of one line.", body = ListLine<ItemView, Summary>, content_type = "application/x-ndjson"), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn items(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(delivery): Path<String>,
    Extension(id): Extension<RequestId>,
) -> Answer<Response> {
    let (_, standing) = found(&site, &caller, &delivery).await?;
    Ok(lines::respond(&id, |lines| async move {
        for item in &standing.items {
            lines.item(item).await?;
        }
        Ok(standing.summary())
    }))
}

/// What is not live and who must act: a line a photo, then the summary.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{delivery}/report",
    operation_id = "get_report",
    tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id, or the name of a day."), InLanguage),
    responses((status = 200, description = "A line a photo, then the summary. The schema is that of one line.", body = ListLine<ReportedPhoto, Summary>, content_type = "application/x-ndjson"), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn report(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(delivery): Path<String>,
    Query(InLanguage { lang }): Query<InLanguage>,
    Extension(id): Extension<RequestId>,
) -> Answer<Response> {
    let (_, standing) = found(&site, &caller, &delivery).await?;
    let report = Report::of(&standing, lang, &site.zone);
    Ok(lines::respond(&id, |lines| async move {
        for line in &report.lines {
            lines.item(line).await?;
        }
        Ok(report.summary)
    }))
}

/// The report as text, ready to be sent to whoever must act.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{delivery}/report.txt",
    operation_id = "get_report_text",
    tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id, or the name of a day."), InLanguage),
    responses((status = 200, description = "The text.", body = String, content_type = "text/plain"), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn report_text(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(delivery): Path<String>,
    Query(InLanguage { lang }): Query<InLanguage>,
) -> Answer<Response> {
    let (_, standing) = found(&site, &caller, &delivery).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Report::of(&standing, lang, &site.zone).text())
        .into_response())
}

/// The report as a table for spreadsheets.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{delivery}/failed.csv",
    operation_id = "get_report_table",
    tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id, or the name of a day."), InLanguage),
    responses((status = 200, description = "The table.", body = String, content_type = "text/csv"), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn report_table(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(delivery): Path<String>,
    Query(InLanguage { lang }): Query<InLanguage>,
) -> Answer<Response> {
    let (_, standing) = found(&site, &caller, &delivery).await?;
    Ok(table::attached("failed.csv", Report::of(&standing, lang, &site.zone).csv()))
}

/// What was handed over, for `sha256sum -c`.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{delivery}/manifest-sha256.txt",
    operation_id = "get_manifest",
    tag = "deliveries",
    params(("delivery" = String, Path, description = "Its id.")),
    responses((status = 200, description = "A line a file.", body = String, content_type = "text/plain"), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn manifest(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(delivery): Path<String>,
) -> Answer<Response> {
    let record = recorded(&site, &caller, &delivery).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], record.manifest()).into_response())
}

const NONE: &str = "such delivery";

/// The delivery that is named. Whoever may see one vertical alone means that of it, whatever others have.
fn named(caller: &Caller, text: &str) -> Answer<DeliveryName> {
    let name = text.parse().map_err(|_| Problem::not_found(NONE))?;
    Ok(match (name, &caller.verticals) {
        (DeliveryName::Recorded { vertical: None, id }, Verticals::Only(own)) if own.len() == 1 => {
            DeliveryName::Recorded { vertical: own.first().cloned(), id }
        }
        (name, _) => name,
    })
}

/// A delivery is not there for whoever may not see its vertical.
fn sees(caller: &Caller, vertical: &Vertical) -> Answer<()> {
    caller.see(vertical).map_err(|_| Problem::not_found(NONE))
}

async fn found(site: &Site, caller: &Caller, delivery: &str) -> Answer<(Option<Record>, Standing)> {
    found_at(site.deliveries(), site, caller, delivery).await
}

async fn found_at(
    places: state::Places<'_>,
    site: &Site,
    caller: &Caller,
    delivery: &str,
) -> Answer<(Option<Record>, Standing)> {
    let name = named(caller, delivery)?;
    if let DeliveryName::Day { vertical, .. } = &name {
        sees(caller, vertical)?;
        let standing = deliveries::standing(places, &name, &site.zone).await?;
        return Ok((None, standing.ok_or_else(|| Problem::not_found(NONE))?));
    }
    let record = deliveries::record(places, &name).await?.ok_or_else(|| Problem::not_found(NONE))?;
    sees(caller, &record.vertical)?;
    let standing = Standing::of_record(places, &record).await?;
    Ok((Some(record), standing))
}
