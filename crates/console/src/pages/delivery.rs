//! A delivery: how far it came, what failed and who must act, every file of it, and the report for whoever must act.

use std::{borrow::Borrow, collections::BTreeMap, fmt};

use askama::{Template, filters::HtmlSafe};
use axum::{extract::Path, http::Method, response::Response};
use cameo::{
    client::wire::{DeliveryState, LackToDismiss},
    model::{
        lang::{Lang, Text},
        reason::{Owner, ReasonCode},
    },
    proof::deliveries::{Summary, dismissed::Dismissed, report::Line},
};
use serde::Deserialize;

use crate::{
    address::part,
    ask::{Ask, Sent},
    detail,
    failure::{Answer, Failure},
    form::Form,
    layout::{Chrome, html},
    notice::Done,
    show::{self, Badge, Time, bytes, thousands},
    words::{self, Here},
};

/// Files on one page.
const ITEMS: usize = 200;
/// Steps and ends of a file, as the API names them, in the order in which they are counted.
const STATES: [&str; 10] = [
    "received",
    "rendered",
    "registered",
    "rejected",
    "replaced",
    "removed",
    "missing",
    "dismissed",
    "moved",
    "unpublished",
];

/// A part of a delivery: how many of its photos are so, in a word and a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The class of the style: `good`, `waits`, `warns`, `bad` or `quiet`.
    pub(crate) class: &'static str,
    /// The shape beside the colour.
    pub(crate) shape: &'static str,
    pub(crate) word: &'static str,
    pub(crate) n: u64,
}

impl Part {
    /// All photos of a delivery, in parts that add up. What another upload took the place of did not fail: a photo is served.
    pub(crate) fn all(summary: &Summary, lang: Lang) -> [Self; 8] {
        let part = |class, shape, word, n| Self { class, shape, word, n };
        let replaced = summary.replaced.min(summary.failed);
        [
            part("good", "✓", lang.pick("live", "게시 중"), summary.live),
            part("waits", "…", lang.pick("under way", "처리 중"), summary.pending),
            part("warns", "▲", lang.pick("replaced", "교체됨"), replaced),
            part("bad", "✕", lang.pick("failed", "실패"), summary.failed - replaced),
            part("quiet", "–", lang.pick("dismissed", "정리됨"), summary.dismissed),
            part("quiet", "–", lang.pick("moved", "옮겨짐"), summary.moved),
            part("quiet", "–", lang.pick("taken down", "게시 중단됨"), summary.unpublished),
            part("quiet", "–", lang.pick("in a later delivery", "나중 전달에 포함됨"), summary.superseded),
        ]
    }
}

/// How far a delivery came, as a picture: a part of it for each part of its photos, each as wide as its share. A part that is not nothing can be
/// seen, however small it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Class and width of each part, per mille.
    parts: Vec<(&'static str, u64)>,
    is_big: bool,
}

/// The least width of a part, per mille.
const SEEN: u64 = 8;

impl Bar {
    pub(crate) fn of(summary: &Summary) -> Self {
        let counts: Vec<Part> = Part::all(summary, Lang::En).into_iter().filter(|part| part.n > 0).collect();
        let all = summary.photos.max(1);
        let mut parts: Vec<_> = counts.iter().map(|part| (part.class, (part.n * 1000 / all).max(SEEN))).collect();
        // What rounding took or gave is the widest part's.
        let sum: u64 = parts.iter().map(|(_, width)| width).sum();
        if let Some((_, widest)) = parts.iter_mut().max_by_key(|(_, width)| *width) {
            *widest = (*widest + 1000).saturating_sub(sum);
        }
        Self { parts, is_big: false }
    }

    /// The same over the whole page.
    pub(crate) fn big(self) -> Self {
        Self { is_big: true, ..self }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = if self.is_big { "bar big" } else { "bar" };
        write!(f, "<svg class=\"{class}\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">")?;
        f.write_str("<rect class=\"rest\" width=\"1000\" height=\"10\"/>")?;
        let mut x = 0;
        for (class, width) in &self.parts {
            write!(f, "<rect class=\"{class}\" x=\"{x}\" width=\"{width}\" height=\"10\"/>")?;
            x += width;
        }
        f.write_str("</svg>")
    }
}

impl HtmlSafe for Bar {}

/// A file of a delivery, as the API writes it.
#[derive(Debug, Clone, Deserialize)]
struct Item {
    file: String,
    cd_idx: Option<u64>,
    sequence: Option<u16>,
    state: String,
    reason: Option<String>,
    detail: Option<String>,
    later: Option<Later>,
    #[serde(default)]
    last_good_served: bool,
    #[serde(default)]
    taken_over: Option<String>,
    #[serde(default)]
    dismissed: Option<Dismissed>,
    #[serde(default)]
    settled: Option<Dismissed>,
}

impl Item {
    fn settled_by(&self) -> Option<&Dismissed> {
        self.dismissed.as_ref().or(self.settled.as_ref())
    }
}

/// What happened to it afterwards.
#[derive(Debug, Clone, Deserialize)]
struct Later {
    at: jiff::Timestamp,
    by: Option<String>,
    delivery: Option<String>,
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    c: Chrome,
    name: String,
    state: DeliveryState,
    bar: Bar,
    parts: Vec<Part>,
    steps: Vec<Step>,
    groups: Vec<Group>,
    items: Vec<Item>,
    filter: Option<String>,
    all_items: usize,
    from: usize,
    next: Option<usize>,
    /// What was done a moment ago.
    done: Option<&'static str>,
}

struct Step {
    code: &'static str,
    badge: Badge,
    n: usize,
}

/// What somebody must act on.
struct Group {
    owner: String,
    reasons: Vec<Reason>,
}

struct Reason {
    code: String,
    meaning: String,
    action: String,
    lines: Vec<Line>,
}

/// The page.
pub(crate) async fn page(ask: Ask, Path(name): Path<String>) -> Answer<Response> {
    let path = format!("/api/v1/deliveries/{}", part(&name));
    let (items_path, report_path) = (format!("{path}/items"), format!("{path}/report?lang={}", ask.lang.code()));
    let (c, state, items, lines) = futures::try_join!(
        Chrome::of(&ask, Here::Home),
        ask.get::<DeliveryState>(&path),
        ask.lines::<Item>(&items_path),
        ask.lines::<Line>(&report_path),
    )?;
    let filter = ask.query.get("state").filter(|state| STATES.contains(state)).map(str::to_owned);
    let steps = STATES.iter().map(|code| Step {
        code,
        badge: show::state(code, c.lang),
        n: items.iter().filter(|item| item.state == *code).count(),
    });
    let steps = steps.filter(|step| step.n > 0).collect();
    let wanted: Vec<Item> =
        items.into_iter().filter(|item| filter.as_deref().is_none_or(|state| item.state == state)).collect();
    let (all_items, from) = (wanted.len(), ask.query.get("from").and_then(|from| from.parse().ok()).unwrap_or(0));
    let done = match ask.done() {
        Some(Done::Closed) => Some(c.lang.pick("What it lacks is settled.", "빠진 것을 정리했습니다.")),
        Some(Done::Reopened) => Some(c.lang.pick("It is open again.", "정리를 취소했습니다.")),
        _ => None,
    };
    let page = DeliveryPage {
        done,
        bar: Bar::of(&state.summary).big(),
        parts: parts(&state.summary, c.lang),
        groups: groups(lines, c.lang),
        next: (from + ITEMS < all_items).then_some(from + ITEMS),
        items: wanted.into_iter().skip(from).take(ITEMS).collect(),
        c,
        name,
        state,
        steps,
        filter,
        all_items,
        from,
    };
    Ok(html(&page))
}

/// Settles what it lacks, or takes that back.
pub(crate) async fn act(ask: Ask, Path(name): Path<String>, Form(form): Form) -> Answer<Response> {
    let (page, path) = (format!("/deliveries/{}", part(&name)), format!("/api/v1/deliveries/{}", part(&name)));
    match form.get("act") {
        Some("dismiss") => {
            let Some(note) = form.get("note") else {
                return Err(Failure::Invalid(Text::new(
                    "Write why it is settled, for whoever looks later.",
                    "정리하는 이유를 적어 주세요. 나중에 보는 사람에게 필요합니다.",
                )));
            };
            let sent = Sent::json(&LackToDismiss { note: note.to_owned() }).by(&form);
            ask.send::<DeliveryState>(Method::POST, &format!("{path}/dismiss"), sent).await?;
            Ok(ask.lead(&page, Done::Closed))
        }
        Some("reopen") => {
            ask.send::<DeliveryState>(Method::POST, &format!("{path}/reopen"), Sent::default().by(&form)).await?;
            Ok(ask.lead(&page, Done::Reopened))
        }
        _ => Err(Failure::Unreadable),
    }
}

/// The report, ready to be sent to whoever must act.
pub(crate) async fn report(ask: Ask, Path(name): Path<String>) -> Answer<Response> {
    ask.pass(&format!("/api/v1/deliveries/{}/report.txt?lang={}", part(&name), ask.lang.code())).await
}

/// The same for spreadsheets.
pub(crate) async fn table(ask: Ask, Path(name): Path<String>) -> Answer<Response> {
    ask.pass(&format!("/api/v1/deliveries/{}/failed.csv?lang={}", part(&name), ask.lang.code())).await
}

/// What is said of a delivery: what is live, under way and failed always, the rest where there is some.
fn parts(summary: &Summary, lang: Lang) -> Vec<Part> {
    Part::all(summary, lang)
        .into_iter()
        .filter(|part| part.n > 0 || matches!(part.class, "good" | "waits" | "bad"))
        .collect()
}

fn groups(lines: Vec<Line>, lang: Lang) -> Vec<Group> {
    let mut by_owner = BTreeMap::<Owner, BTreeMap<String, Vec<Line>>>::new();
    for line in lines {
        by_owner.entry(line.owner).or_default().entry(line.code.clone()).or_default().push(line);
    }
    let group = |(owner, reasons): (Owner, BTreeMap<String, Vec<Line>>)| Group {
        owner: lang.pick(owner.english(), owner.korean()).to_owned(),
        reasons: reasons.into_iter().map(|(code, lines)| Reason::of(code, lines, lang)).collect(),
    };
    by_owner.into_iter().map(group).collect()
}

impl Reason {
    fn of(code: String, lines: Vec<Line>, lang: Lang) -> Self {
        let known = code.parse::<ReasonCode>().ok();
        let text = |of: fn(ReasonCode, Lang) -> &'static str| known.map_or("", |code| of(code, lang)).to_owned();
        let meaning = text(|code, lang| lang.pick(code.english(), code.korean()));
        let action = text(|code, lang| lang.pick(code.action_english(), code.action_korean()));
        Self { code, meaning, action, lines }
    }
}

impl DeliveryPage {
    fn n(&self, n: impl Borrow<u64>) -> String {
        thousands(*n.borrow())
    }

    /// Templates hand over numbers of theirs by reference, and sums as they are.
    fn count(&self, n: impl Borrow<usize>) -> String {
        thousands(*n.borrow() as u64)
    }

    fn time(&self, at: &jiff::Timestamp) -> Time {
        Time(*at)
    }

    /// What was found, in the language of the page.
    fn found(&self, item: &Item) -> Option<String> {
        let detail = item.detail.as_deref()?;
        Some(detail::found(item.reason.as_deref(), detail, self.c.lang))
    }

    fn badge(&self, state: &str) -> Badge {
        show::state(state, self.c.lang)
    }

    fn size(&self, n: &u64) -> String {
        bytes(*n)
    }

    fn photos(&self, n: &u64) -> String {
        words::photos(*n, self.c.lang)
    }

    fn entities(&self, n: &u64) -> String {
        words::entities(*n, self.c.lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_what_is_little_and_nothing_that_is_not_and_adds_up() {
        let of = |photos, live, pending, failed| {
            let summary = Summary { photos, live, pending, failed, ..Summary::default() };
            Bar::of(&summary).parts
        };
        assert_eq!(of(12_408, 12_408, 0, 0), [("good", 1000)]);
        assert_eq!(of(12_408, 12_407, 0, 1), [("good", 992), ("bad", 8)]);
        assert_eq!(of(4, 1, 1, 2), [("good", 250), ("waits", 250), ("bad", 500)]);
        assert_eq!(of(3, 0, 3, 0), [("waits", 1000)]);
        assert_eq!(of(0, 0, 0, 0), []);
        let settled = Summary {
            photos: 10,
            live: 3,
            pending: 1,
            failed: 2,
            replaced: 1,
            dismissed: 1,
            moved: 1,
            unpublished: 1,
            superseded: 1,
            ..Summary::default()
        };
        let parts = Bar::of(&settled).parts;
        assert_eq!(parts.iter().map(|(_, width)| width).sum::<u64>(), 1000, "{parts:?}");
        assert_eq!(parts.iter().filter(|(class, _)| *class == "quiet").count(), 4, "{parts:?}");
        assert_eq!(Part::all(&settled, Lang::Ko).iter().map(|part| part.n).sum::<u64>(), settled.photos);
    }
}
