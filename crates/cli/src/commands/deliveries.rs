//! `cameo deliveries`: what was handed over, newest first, and how far each came.

use cameo::{
    client::{
        Client,
        wire::{DeliveryState, DeliveryView, Page},
    },
    model::{key::Vertical, lang::Lang},
    proof::deliveries::{self, Standing, Summary},
    push::delivery::encoded,
    server::deployment::Deployment,
};
use serde::Serialize;

use super::{Context, json_line, lang::LangArgs, line, places::PlacesArgs, scope::parse_vertical, server::Target};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo deliveries\n  cameo deliveries --vertical ssgdfm_eye --limit 5 --json\n\n\
Uploads that no delivery names belong to the day on which they were registered: cameo report 20261126-day-ssgdfm_eye. \
`cameo status`, `verify`, `retry` and `report` take a delivery's id.")]
pub(crate) struct Args {
    /// Only deliveries of this vertical
    #[arg(long, value_name = "V", value_parser = parse_vertical)]
    vertical: Option<Vertical>,
    /// How many, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    lang: LangArgs,
    #[command(flatten)]
    places: PlacesArgs,
}

/// A line of the list.
#[derive(Debug, Serialize)]
struct Line {
    created: Option<jiff::Timestamp>,
    by: Option<String>,
    #[serde(flatten)]
    summary: Summary,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let lang = args.lang.of(&context.environment);
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
    Ok(found)
}

async fn here(context: &Context, places: &Deployment, args: &Args) -> anyhow::Result<Vec<Line>> {
    let bucket = &places.settings.upload_bucket;
    let (vertical, limit) = (args.vertical.as_ref(), usize::from(args.limit));
    let _ = context;
    let listed = deliveries::list::list(&*places.store, bucket, vertical, None, limit).await?;
    let mut found = Vec::with_capacity(listed.len());
    for one in listed {
        let key = cameo::model::key::DeliveryKey { vertical: one.vertical.clone(), id: one.delivery.clone() };
        let Some(record) = deliveries::list::read(&*places.store, bucket, &key).await? else { continue };
        let summary = Standing::of_record(places.deliveries(), &record).await?.summary();
        found.push(Line { created: Some(one.created), by: Some(one.by), summary });
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
