//! Home: whether all is well, in one sentence; then the deliveries, each with how far it came and who must act; then verticals and queues.

use std::{collections::BTreeMap, time::Duration};

use askama::Template;
use axum::response::Response;
use cameo::{
    client::wire::{DayView, DeliveryState, DeliveryView, Overview, Page, QueueView, VerticalOverview},
    model::{lang::Lang, reason::Owner},
    proof::deliveries::{Summary, report::Line},
};
use futures::{StreamExt, future::join_all, stream};

use super::{
    delivery::{Bar, Part},
    health,
};
use crate::{
    address::part,
    ask::Ask,
    failure::{Answer, Failure},
    layout::{Chrome, html},
    show::{Time, thousands},
    words::Here,
};

/// Deliveries on the page.
const DELIVERIES: usize = 12;
/// Verticals whose days are listed beside recorded deliveries, and days of each.
const DAYS_OF: usize = 8;
const DAYS: usize = 2;
/// Rows that are looked at side by side, so that a page leaves room for others.
const SIDE_BY_SIDE: usize = 4;
/// How long a row may take; then the page is shown without its numbers, which the next one brings.
const ROW_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    c: Chrome,
    sentence: Sentence,
    vertical: Option<String>,
    rows: Vec<Row>,
    next: Option<String>,
    verticals: Vec<VerticalRow>,
    queues: Vec<QueueRow>,
    registers_at: Option<String>,
}

/// How all is.
struct Sentence {
    good: bool,
    text: String,
    /// Where somebody acts on it.
    href: &'static str,
    /// What is under way besides.
    more: Option<String>,
}

/// A delivery.
struct Row {
    name: String,
    vertical: String,
    at: Option<Time>,
    date: Option<String>,
    by: Option<String>,
    state: Option<Summary>,
    bar: Option<Bar>,
    parts: Vec<Part>,
    owners: Vec<(String, u64)>,
}

struct VerticalRow {
    name: Option<String>,
    live: u64,
    rejected: u64,
    pending: Option<u64>,
    ignored: u64,
    reasons: BTreeMap<String, u64>,
}

struct QueueRow {
    name: String,
    step: &'static str,
    waiting: u64,
    in_flight: u64,
    dead: u64,
    oldest: Option<Time>,
}

/// The page.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    let vertical = ask.query.get("vertical").map(str::to_owned);
    let of_vertical = vertical.as_deref().map(|name| format!("&vertical={}", part(name))).unwrap_or_default();
    let after = ask.query.get("after").map(|after| format!("&after={}", part(after))).unwrap_or_default();
    let deliveries = format!("/api/v1/deliveries?limit={DELIVERIES}{of_vertical}{after}");
    let (c, overview, listed, health) = futures::try_join!(
        Chrome::of(&ask, Here::Home),
        ask.get::<Overview>("/api/v1/overview"),
        ask.get::<Page<DeliveryView>>(&deliveries),
        async { Ok(health::now(&ask).await) },
    )?;
    let days = if ask.query.get("after").is_some() {
        Vec::new()
    } else {
        let names = overview.verticals.iter().filter_map(|it| it.name.as_deref());
        days(&ask, names.filter(|name| vertical.as_deref().is_none_or(|it| it == *name))).await
    };
    let lang = c.lang;
    let rows = listed.items.into_iter().map(Row::recorded).chain(days.into_iter().map(Row::day));
    let rows = stream::iter(rows).map(|row| looked_at(&ask, row, lang)).buffered(SIDE_BY_SIDE);
    let rows: Vec<Row> = rows.filter_map(|row| async move { row }).collect().await;
    let page = Home {
        sentence: Sentence::of(&overview, &rows, lang).while_healthy(health.is_none_or(|it| it.ok), lang),
        vertical,
        rows,
        next: listed.next,
        registers_at: overview.registers_at.clone(),
        queues: overview.queues.into_iter().map(|queue| QueueRow::of(queue, lang)).collect(),
        verticals: overview.verticals.into_iter().map(VerticalRow::of).collect(),
        c,
    };
    Ok(html(&page))
}

/// The newest days on which something was registered that no delivery names. They are a help: without them the page has its deliveries.
async fn days(ask: &Ask, verticals: impl Iterator<Item = &str>) -> Vec<DayView> {
    let paths = verticals.take(DAYS_OF).map(|name| format!("/api/v1/days?limit={DAYS}&vertical={}", part(name)));
    let found = join_all(paths.map(|path| async move { ask.get::<Page<DayView>>(&path).await })).await;
    let mut days: Vec<DayView> = found.into_iter().flatten().flat_map(|page| page.items).collect();
    days.sort_by(|a, b| b.date.cmp(&a.date));
    days.truncate(DELIVERIES);
    days
}

/// A row with its numbers, where they can be had in time. None of a day all of whose uploads are of deliveries that were recorded.
async fn looked_at(ask: &Ask, row: Row, lang: Lang) -> Option<Row> {
    let look = async {
        let path = format!("/api/v1/deliveries/{}", part(&row.name));
        let state: DeliveryState = ask.get(&format!("{path}?quick=true")).await?;
        let is_open = is_open(&state.summary);
        let lines: Vec<Line> = if is_open { ask.lines(&format!("{path}/report")).await? } else { Vec::new() };
        Ok((state.summary, lines))
    };
    match tokio::time::timeout(ROW_TIMEOUT, look).await {
        Ok(Ok((summary, lines))) => {
            let (bar, owners) = (Some(Bar::of(&summary)), owners(&lines, lang));
            let parts =
                Part::all(&summary, lang).into_iter().filter(|part| part.n > 0 || part.class == "good").collect();
            Some(Row { bar, parts, owners, state: Some(summary), ..row })
        }
        Ok(Err(Failure::NotFound)) if row.at.is_none() => None,
        _ => Some(row),
    }
}

/// Whether something of a delivery is not as it should be. An older server does not say how it is, but how much failed.
fn is_open(summary: &Summary) -> bool {
    let state = summary.state.and_then(|state| serde_json::to_value(state).ok());
    let is_other = state.is_some_and(|state| matches!(state.as_str(), Some("rejected" | "different")));
    summary.failed > 0 || is_other
}

/// How many lines each must act on, in the order of reports; without what did not fail, and what nobody need act on.
fn owners(lines: &[Line], lang: Lang) -> Vec<(String, u64)> {
    let mut counts = BTreeMap::<_, u64>::new();
    for line in lines.iter().filter(|line| !line.is_warning() && line.owner != Owner::Nobody) {
        *counts.entry(line.owner).or_default() += 1;
    }
    counts.into_iter().map(|(owner, n)| (lang.pick(owner.english(), owner.korean()).to_owned(), n)).collect()
}

impl Sentence {
    /// Of what is counted, and of the deliveries on this page: none of them is open beside a sentence that says that all is well.
    fn of(overview: &Overview, rows: &[Row], lang: Lang) -> Self {
        let (live, attention) = (overview.total.live, overview.attention.total);
        let unknown = overview.attention.unknown_deliveries;
        let open = rows.iter().filter(|row| !row.owners.is_empty()).count() as u64;
        let waiting: u64 = overview.queues.iter().map(|queue| queue.waiting + queue.in_flight).sum();
        let pending = overview.total.pending.unwrap_or(waiting);
        let is = |english: String, korean: String| lang.pick(&english, &korean).to_owned();
        let under_way = (pending > 0).then(|| {
            let n = thousands(pending);
            let (verb, more) = if pending == 1 { ("is", "photo") } else { ("are", "photos") };
            is(format!("{n} {more} {verb} under way."), format!("{n}장을 처리하고 있습니다."))
        });
        let text = if attention > 0 {
            let n = thousands(attention);
            let (thing, verb) = if attention == 1 { ("item", "needs") } else { ("items", "need") };
            is(format!("{n} {thing} {verb} somebody."), format!("{n}건에 조치가 필요합니다."))
        } else if open > 0 {
            let n = thousands(open);
            let (thing, verb) = if open == 1 { ("delivery", "is") } else { ("deliveries", "are") };
            is(
                format!("{n} {thing} below {verb} not complete."),
                format!("아래 전달 {n}건이 완료되지 않아 조치가 필요합니다."),
            )
        } else if unknown > 0 {
            let n = thousands(unknown);
            let thing = if unknown == 1 { "delivery" } else { "deliveries" };
            is(
                format!("{n} {thing} could not be looked at yet. Reload the page in a moment."),
                format!("전달 {n}건을 아직 확인하지 못했습니다. 잠시 후 새로 고쳐 주세요."),
            )
        } else if live == 0 && pending == 0 {
            is("No photo has been uploaded yet.".to_owned(), "아직 올라온 사진이 없습니다.".to_owned())
        } else if pending > 0 {
            is("Nothing needs anybody.".to_owned(), "조치할 것이 없습니다.".to_owned())
        } else if live == 1 {
            is("The one photo is live.".to_owned(), "사진 1장이 게시 중입니다.".to_owned())
        } else {
            let n = thousands(live);
            is(format!("All {n} photos are live."), format!("사진 {n}장이 모두 게시 중입니다."))
        };
        Self { good: attention == 0 && open == 0 && unknown == 0, text, href: "/attention", more: under_way }
    }

    /// The same, behind what is wrong with the server: while no upload can be processed, all is not well.
    fn while_healthy(self, is_healthy: bool, lang: Lang) -> Self {
        if is_healthy {
            return self;
        }
        let text = lang.pick("Uploads cannot be processed right now.", "지금은 업로드를 끝까지 처리할 수 없습니다.");
        let more = [Some(self.text), self.more].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Self { good: false, text: text.to_owned(), href: "/health", more: Some(more) }
    }
}

impl Row {
    fn recorded(it: DeliveryView) -> Self {
        let at = Some(Time(it.created));
        Self {
            name: it.delivery,
            vertical: it.vertical,
            at,
            date: None,
            by: Some(it.by),
            state: None,
            bar: None,
            parts: Vec::new(),
            owners: Vec::new(),
        }
    }

    fn day(it: DayView) -> Self {
        let date = Some(it.date);
        Self {
            name: it.delivery,
            vertical: it.vertical,
            at: None,
            date,
            by: None,
            state: None,
            bar: None,
            parts: Vec::new(),
            owners: Vec::new(),
        }
    }
}

impl VerticalRow {
    fn of(it: VerticalOverview) -> Self {
        let counts = it.counts;
        let (live, rejected, pending, ignored) = (counts.live, counts.rejected, counts.pending, counts.ignored);
        Self { name: it.name, live, rejected, pending, ignored, reasons: it.reasons }
    }
}

impl QueueRow {
    pub(super) fn of(it: QueueView, lang: Lang) -> Self {
        let QueueView { name, step, waiting, in_flight, dead, oldest } = it;
        let step = match step.as_str() {
            "resize" => lang.pick("to be rendered", "변환 대기"),
            "register" => lang.pick("to be registered", "등록 대기"),
            _ => "",
        };
        Self { name, step, waiting, in_flight, dead, oldest: oldest.map(Time) }
    }
}

impl Home {
    fn n(&self, n: &u64) -> String {
        thousands(*n)
    }
}
