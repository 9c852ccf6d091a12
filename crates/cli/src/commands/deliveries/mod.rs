//! `cameo deliveries`: what was handed over, newest first, and how far each came.

use cameo::{
    client::{
        Client,
        wire::{DayView, DeliveryState, DeliveryView, Page, VerticalView},
    },
    model::{
        error::Kind,
        key::{DeliveryName, Vertical},
        lang::Lang,
        when::local,
    },
    operate::delivery_status::settled_text,
    proof::deliveries::Summary,
    push::delivery::encoded,
};
use jiff::tz::TimeZone;
use serde::Serialize;

#[cfg(feature = "embedded")]
mod here;

use super::{Context, absent, json_line, line, note, places::PlacesArgs, scope::parse_vertical, server::Target};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo deliveries\n  cameo deliveries --vertical ssgdfm_eye --limit 5 --json\n\n\
Uploads that no delivery names, such as those of aws-cli, belong to the day on which they were registered: 20261126-day-ssgdfm_eye. The last \
seven such days of each vertical are listed too. `cameo status`, `verify`, `retry` and `report` take a delivery's id.\n\nExit code 7 where nothing is known of the vertical that was asked about.")]
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
    let (lang, zone) = (context.lang, context.config.register.time_zone()?);
    let found = match args.places.target(context)? {
        Target::Server(server) => {
            let found = of_server(&Client::new(&server)?, &args).await?;
            if let (true, Some(vertical)) = (found.is_empty(), &args.vertical)
                && !absent::is_known_at(context, &server, vertical).await?
            {
                return Ok(Exit::Different);
            }
            found
        }
        #[cfg(feature = "embedded")]
        Target::Here => {
            let places = args.places.open(context).await?;
            let found = here::lines(context, &places, &args).await?;
            if let (true, Some(vertical)) = (found.is_empty(), &args.vertical)
                && !absent::is_known_here(context, &places, vertical).await?
            {
                return Ok(Exit::Different);
            }
            found
        }
        #[cfg(not(feature = "embedded"))]
        Target::Here => match args.places.open(context).await? {},
    };
    for one in &found {
        if context.json { json_line(one)? } else { line(&text_of(one, lang, &zone))? }
    }
    if found.iter().filter(|one| one.created.is_some()).count() >= usize::from(args.limit) {
        note(&match lang {
            Lang::En => format!("these are the newest {}; older ones are listed with --limit", args.limit),
            Lang::Ko => format!("최근 {}건입니다. 이전 것은 --limit 로 더 볼 수 있습니다", args.limit),
        });
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

fn text_of(one: &Line, lang: Lang, zone: &TimeZone) -> String {
    let Summary { delivery, vertical, entities, photos, live, failed, pending, .. } = &one.summary;
    let settled = settled_text(&one.summary, lang);
    let came = came_text(one, lang, zone);
    match lang {
        Lang::En => format!(
            "{delivery}  {vertical}  {came}: {entities} cd_idx, {photos} photos: {live} live, {failed} failed, {pending} pending{settled}"
        ),
        Lang::Ko => format!(
            "{delivery}  {vertical}  {came}: cd_idx {entities}개, 사진 {photos}장: 정상 {live}, 실패 {failed}, 처리 중 {pending}{settled}"
        ),
    }
}

/// When it was recorded and by whom; of what nobody recorded the day, and that nobody did.
fn came_text(one: &Line, lang: Lang, zone: &TimeZone) -> String {
    if let Some(created) = one.created {
        let by = one.by.as_deref().filter(|by| !by.is_empty());
        let by = by.unwrap_or(lang.pick("somebody", "누가 했는지 모름"));
        return format!("{}  {by}", local(created, zone));
    }
    let day = one.summary.delivery.parse::<DeliveryName>().map(|name| name.without_record(lang));
    day.ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| lang.pick("uploaded without a delivery", "전달 기록 없이 올림").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_says_which_it_is_and_that_nobody_recorded_it() {
        let summary = Summary { delivery: "20261126-day-v".into(), vertical: "v".into(), ..Summary::default() };
        let one = Line { created: None, by: None, summary };
        let text = |lang| text_of(&one, lang, &TimeZone::UTC);
        assert!(text(Lang::En).starts_with("20261126-day-v  v  2026-11-26, uploaded without a delivery: 0 cd_idx"));
        assert!(text(Lang::Ko).starts_with("20261126-day-v  v  2026-11-26, 전달 기록 없이 올림: cd_idx 0개"));
    }

    #[test]
    fn people_read_their_own_time_and_programs_utc() {
        let one = Line {
            created: Some("2026-11-26T15:30:00Z".parse().unwrap()),
            by: Some("kim".into()),
            summary: Summary::default(),
        };
        let seoul = TimeZone::get("Asia/Seoul").unwrap();
        for lang in [Lang::En, Lang::Ko] {
            let text = text_of(&one, lang, &seoul);
            assert!(text.contains("2026-11-27 00:30:00 KST") && !text.contains('Z'), "{text}");
        }
        assert!(serde_json::to_string(&one).unwrap().contains("2026-11-26T15:30:00Z"));
    }
}
