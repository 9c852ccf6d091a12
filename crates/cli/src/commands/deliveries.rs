//! `cameo deliveries`: what was handed over, newest first, and how far each came.

use cameo::{
    client::{
        Client,
        wire::{DayView, DeliveryState, DeliveryView, Page, VerticalView},
    },
    model::{error::Kind, key::Vertical, lang::Lang},
    proof::{
        deliveries::{self, Standing, Summary},
        verify::verticals_known,
    },
    push::delivery::encoded,
    server::deployment::Deployment,
};
use serde::Serialize;

use super::{Context, json_line, line, places::PlacesArgs, scope::parse_vertical, server::Target};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo deliveries\n  cameo deliveries --vertical ssgdfm_eye --limit 5 --json\n\n\
Uploads that no delivery names, such as those of aws-cli, belong to the day on which they were registered: 20261126-day-ssgdfm_eye. The last \
seven such days of each vertical are listed too. `cameo status`, `verify`, `retry` and `report` take a delivery's id.")]
pub(crate) struct Args {
    /// Only deliveries of this vertical
    #[arg(long, value_name = "V", value_parser = parse_vertical)]
    vertical: Option<Vertical>,
    /// How many, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    places: PlacesArgs,
}

/// Days of a vertical that are listed, at most.
const DAYS_MAX: usize = 7;
/// Verticals whose days are looked at, at most.
const VERTICALS_MAX: usize = 100;

/// A line of the list.
#[derive(Debug, Serialize)]
struct Line {
    created: Option<jiff::Timestamp>,
    by: Option<String>,
    #[serde(flatten)]
    summary: Summary,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let lang = context.lang;
    let found = match args.places.target(context)? {
        Target::Server(server) => of_server(&Client::new(&server)?, &args).await?,
        Target::Here => here(context, &args.places.open(context).await?, &args).await?,
    };
    for one in &found {
        if context.json { json_line(one)? } else { line(&text_of(one, lang))? }
    }
    if found.is_empty() && !context.json {
        line(lang.pick("no deliveries", "전달 내역이 없습니다"))?;
    }
    Ok(Exit::Complete)
}

async fn of_server(client: &Client, args: &Args) -> anyhow::Result<Vec<Line>> {
    let vertical = args.vertical.as_ref().map(|vertical| format!("&vertical={}", encoded(vertical.as_str())));
    let path = format!("/api/v1/deliveries?limit={}{}", args.limit, vertical.unwrap_or_default());
    let page: Page<DeliveryView> = client.get(&path).await?;
    let mut found = Vec::with_capacity(page.items.len());
    for DeliveryView { delivery, vertical, created, by, .. } in page.items {
        let path = format!("/api/v1/deliveries/{}", encoded(&format!("{vertical}/{delivery}")));
        let state: DeliveryState = client.get(&path).await?;
        found.push(Line { created: Some(created), by: Some(by), summary: state.summary });
    }
    found.extend(days_of_server(client, args).await?);
    Ok(found)
}

async fn days_of_server(client: &Client, args: &Args) -> anyhow::Result<Vec<Line>> {
    let verticals = if let Some(vertical) = &args.vertical {
        vec![vertical.to_string()]
    } else {
        let page: Page<VerticalView> = client.get(&format!("/api/v1/verticals?limit={VERTICALS_MAX}")).await?;
        page.items.into_iter().map(|vertical| vertical.name).collect()
    };
    let mut found = Vec::new();
    for vertical in verticals {
        let path = format!("/api/v1/days?limit={DAYS_MAX}&vertical={}", encoded(&vertical));
        let days: Page<DayView> = client.get(&path).await?;
        for day in days.items {
            // A day on which every file is one of a delivery has none of its own.
            match client.get::<DeliveryState>(&format!("/api/v1/deliveries/{}", encoded(&day.delivery))).await {
                Ok(state) => found.push(Line { created: None, by: None, summary: state.summary }),
                Err(error) if error.kind() == Kind::Misconfigured => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(found)
}

async fn here(context: &Context, places: &Deployment, args: &Args) -> anyhow::Result<Vec<Line>> {
    let bucket = &places.settings.upload_bucket;
    let (vertical, limit) = (args.vertical.as_ref(), usize::from(args.limit));
    let listed = deliveries::list::list(&*places.store, bucket, vertical, None, limit).await?;
    let mut found = Vec::with_capacity(listed.len());
    for one in listed {
        let key = cameo::model::key::DeliveryKey { vertical: one.vertical.clone(), id: one.delivery.clone() };
        let Some(record) = deliveries::list::read(&*places.store, bucket, &key).await? else { continue };
        let summary = Standing::of_record(places.deliveries(), &record).await?.summary();
        found.push(Line { created: Some(one.created), by: Some(one.by), summary });
    }
    found.extend(days_here(context, places, vertical).await?);
    Ok(found)
}

async fn days_here(context: &Context, places: &Deployment, vertical: Option<&Vertical>) -> anyhow::Result<Vec<Line>> {
    let zone = context.config.register.time_zone()?;
    let verticals: Vec<Vertical> = match vertical {
        Some(vertical) => vec![vertical.clone()],
        None => verticals_known(places.to_verify()).await?.into_iter().take(VERTICALS_MAX).collect(),
    };
    let mut found = Vec::new();
    for vertical in verticals {
        for day in deliveries::day::days(&*places.catalog, &vertical, None, DAYS_MAX, &zone).await? {
            let standing = deliveries::standing(places.deliveries(), &day, &zone).await?;
            found.extend(standing.map(|standing| Line { created: None, by: None, summary: standing.summary() }));
        }
    }
    Ok(found)
}

fn text_of(one: &Line, lang: Lang) -> String {
    let Summary { delivery, vertical, entities, photos, live, failed, pending, .. } = &one.summary;
    let created = one.created.map(|at| format!("{at:.0}")).unwrap_or_default();
    let by = one.by.as_deref().unwrap_or("-");
    match lang {
        Lang::En => format!(
            "{delivery}  {vertical}  {created}  {by}: {entities} cd_idx, {photos} photos: {live} live, {failed} failed, {pending} pending"
        ),
        Lang::Ko => format!(
            "{delivery}  {vertical}  {created}  {by}: cd_idx {entities}개, 사진 {photos}장: 정상 {live}, 실패 {failed}, 처리 중 {pending}"
        ),
    }
}
