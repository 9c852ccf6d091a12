//! How far the files of a delivery came, and the counts.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Output, System, delivery::Delivery};
use crate::{
    model::{
        error::Result,
        lang::{Lang, Text},
        plain, when,
    },
    proof::{
        deliveries::{
            SkippedFile, Summary,
            standing::Promised,
            state::{Item, ItemState},
        },
        verify::EntityState,
    },
};

/// Lines that are passed on at a time.
const LINES: usize = 1000;

/// A line about a file or a promise.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line<'l> {
    /// A file that was handed over.
    Item(&'l Item),
    /// A file that a check refused.
    Skipped(&'l SkippedFile),
    /// What was promised and not handed over.
    Missing(&'l Promised),
    /// What was handed over and not promised.
    NotPromised(&'l Promised),
}

/// The last object.
#[derive(Debug, Serialize)]
struct Last<'s> {
    summary: &'s Summary,
}

/// Shows how far a delivery came; registered files only where `all` are asked for.
pub(super) async fn run(
    system: &System<'_>,
    delivery: &Delivery,
    all: bool,
    output: &mut impl Output,
) -> Result<EntityState> {
    let standing = delivery.standing(system).await?;
    let is_listed = |item: &&Item| all || item.state != ItemState::Registered || item.taken_over.is_some();
    let items = standing.items.iter().filter(is_listed).map(Line::Item);
    let skipped = standing.skipped.iter().map(Line::Skipped);
    let missing = standing.missing.iter().map(Line::Missing);
    let lines = items.chain(skipped).chain(missing).chain(standing.unexpected.iter().map(Line::NotPromised));
    let lang = output.lang();
    for (n, line) in lines.enumerate() {
        output.item(Some(&line), || line.text(lang, system.zone));
        if n % LINES == LINES - 1 {
            output.ready().await;
        }
    }
    let summary = standing.summary();
    output.item(Some(&Last { summary: &summary }), || vec![summary_text(&summary, lang)]);
    output.ready().await;
    Ok(standing.state())
}

fn summary_text(summary: &Summary, lang: Lang) -> String {
    let Summary { delivery, vertical, entities, photos, live, failed, pending, failed_entities, .. } = summary;
    let settled = settled_text(summary, lang);
    match lang {
        Lang::En => format!(
            "{delivery} ({vertical}): {entities} entities, {photos} photos: {live} live, {pending} pending, {failed} failed in \
             {failed_entities} entities{settled}"
        ),
        Lang::Ko => format!(
            "{delivery} ({vertical}): cd_idx {entities}개, 사진 {photos}장: 정상 {live}장, 처리 중 {pending}장, \
             실패 {failed}장(cd_idx {failed_entities}개){settled}"
        ),
    }
}

/// How many somebody settled, and how; of a day also how many a delivery names that was recorded later.
pub fn settled_text(summary: &Summary, lang: Lang) -> String {
    let counts = [
        (summary.dismissed, "dismissed", "정리됨"),
        (summary.moved, "moved", "옮겨짐"),
        (summary.unpublished, "taken down", "게시 중단됨"),
        (summary.taken_over, "in later deliveries", "나중 전달에 들어감"),
    ];
    let text = |(count, english, korean): &(u64, &str, &str)| match lang {
        Lang::En => format!(", {count} {english}"),
        Lang::Ko => format!(", {korean} {count}장"),
    };
    counts.iter().filter(|(count, ..)| *count > 0).map(text).collect()
}

impl Line<'_> {
    /// Its lines of text.
    pub(super) fn text(&self, lang: Lang, zone: &TimeZone) -> Vec<String> {
        match self {
            Self::Item(item) => item_text(item, lang, zone),
            Self::Skipped(skipped) => vec![skipped_text(skipped, lang)],
            Self::Missing(promised) => {
                let is = lang.pick("promised", "받기로 한 것");
                vec![format!("{}: {is}: {}", about(promised, lang), promised.detail.of(lang))]
            }
            Self::NotPromised(promised) => {
                let is = lang.pick("not promised", "받기로 하지 않은 것");
                vec![format!("{}: {is}: {}", about(promised, lang), promised.detail.of(lang))]
            }
        }
    }
}

/// A newer version may have noted a code that this one does not know.
fn skipped_text(skipped: &SkippedFile, lang: Lang) -> String {
    let SkippedFile { file, code, .. } = skipped;
    let found = skipped.found_in(lang);
    format!("{file}: {}: {code}: {found}", lang.pick("not sent", "올리지 않음"))
}

fn about(promised: &Promised, lang: Lang) -> String {
    match (&promised.file, promised.cd_idx) {
        (Some(file), _) => file.clone(),
        (None, Some(cd_idx)) => cd_idx.to_string(),
        (None, None) => lang.pick("the list", "목록").to_owned(),
    }
}

fn state_text(state: ItemState, lang: Lang) -> &'static str {
    match state {
        ItemState::Missing => {
            lang.pick("missing: it never arrived in the upload bucket", "없음: 업로드 버킷에 도착하지 않았습니다")
        }
        ItemState::Received => lang.pick("received", "받음"),
        ItemState::Rendered => lang.pick("rendered", "이미지 만듦"),
        ItemState::Registered => lang.pick("registered", "등록됨"),
        ItemState::Replaced => lang.pick("replaced by another upload", "다른 업로드로 대체됨"),
        ItemState::Removed => lang.pick("deleted", "삭제됨"),
        ItemState::Rejected => lang.pick("rejected", "거부"),
        ItemState::Dismissed => lang.pick("dismissed", "정리됨"),
        ItemState::Moved => lang.pick("moved to another vertical", "다른 버티컬로 옮겨짐"),
        ItemState::Unpublished => lang.pick("taken down", "게시 중단됨"),
    }
}

fn item_text(item: &Item, lang: Lang, zone: &TimeZone) -> Vec<String> {
    // An entity that was promised and has no file.
    let cd_idx = item.cd_idx.map(|cd_idx| cd_idx.to_string()).unwrap_or_default();
    let name = if item.file.is_empty() { &cd_idx } else { &item.file };
    let head = format!("{name}: {}", state_text(item.state, lang));
    let beside = if item.last_good_served { plain::serves_older() } else { Text::default() };
    let beside = beside.of(lang);
    let mut lines = match item.state {
        ItemState::Missing | ItemState::Received | ItemState::Rendered | ItemState::Registered => vec![head],
        ItemState::Dismissed | ItemState::Moved | ItemState::Unpublished => {
            let settlement = item.state.settlement().unwrap_or_default();
            let settled = item.settled_by();
            let settled = settled.map(|by| format!("{name}: {}", by.text_of(settlement, lang, zone)));
            vec![settled.unwrap_or(head)]
        }
        ItemState::Replaced | ItemState::Removed => vec![head + &later_text(item, lang, zone) + beside],
        ItemState::Rejected => {
            let detail = item.detail.as_deref().unwrap_or_default();
            let Some(reason) = item.reason else { return vec![format!("{head}: : {detail}{beside}")] };
            let found = plain::found_in(reason, detail, lang);
            vec![format!("{head}: {reason}: {found}{beside}"), format!("  {}", reason.action(lang))]
        }
    };
    if let (Some(delivery), Some(first), false) = (&item.taken_over, lines.first_mut(), item.is_superseded()) {
        *first += &match lang {
            Lang::En => format!("; taken over by delivery {delivery}"),
            Lang::Ko => format!("; 전달 {delivery} 에 들어감"),
        };
    }
    lines
}

/// When another change followed, and whose it was.
fn later_text(item: &Item, lang: Lang, zone: &TimeZone) -> String {
    let Some(later) = &item.later else { return String::new() };
    let at = when::local(later.at, zone);
    let with = later.delivery.as_deref().map(|delivery| match lang {
        Lang::En => format!(", delivery {delivery}"),
        Lang::Ko => format!(", 전달 {delivery}"),
    });
    let with = with.unwrap_or_default();
    let rejection = later.rejection();
    let rejection = rejection.of(lang);
    match (lang, &later.by) {
        (Lang::En, Some(by)) => format!(" at {at} by {by}{with}{rejection}"),
        (Lang::En, None) => format!(" at {at}{with}{rejection}"),
        (Lang::Ko, Some(by)) => format!(" ({at}, {by}{with}){rejection}"),
        (Lang::Ko, None) => format!(" ({at}{with}){rejection}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reason::ReasonCode;
    use crate::proof::deliveries::Standing;

    fn standing(states: &[ItemState]) -> Standing {
        let item = |state: &ItemState| Item {
            reason: (*state == ItemState::Rejected).then_some(ReasonCode::FileTruncated),
            ..Item::new(&"v".parse().unwrap(), "1_0.jpg", *state)
        };
        let (delivery, vertical) = ("20261126-k3f9".into(), "v".parse().unwrap());
        let items = states.iter().map(item).collect();
        Standing {
            delivery,
            vertical,
            items,
            skipped: vec![],
            missing: vec![],
            unexpected: vec![],
            gaps: vec![],
            settled: Vec::new(),
            closed: None,
        }
    }

    #[test]
    fn what_goes_on_by_itself_comes_before_what_is_missing_and_that_before_what_is_rejected() {
        use ItemState::{
            Dismissed, Missing, Moved, Received, Registered, Rejected, Removed, Rendered, Replaced, Unpublished,
        };
        for (states, state) in [
            (&[Registered][..], EntityState::Complete),
            (&[Registered, Dismissed, Moved, Unpublished], EntityState::Complete),
            (&[Registered, Rejected], EntityState::Rejected),
            (&[Rejected, Missing], EntityState::Different),
            (&[Registered, Replaced], EntityState::Different),
            (&[Rejected, Removed], EntityState::Different),
            (&[Missing, Received], EntityState::Pending),
            (&[Rejected, Rendered], EntityState::Pending),
        ] {
            assert_eq!(standing(states).state(), state, "{states:?}");
        }
        let promised =
            Promised { cd_idx: Some(7), sequence: None, file: None, detail: Text::new("the entity has no file", "") };
        let missing = Standing { missing: vec![promised], ..standing(&[Registered]) };
        assert_eq!(missing.state(), EntityState::Different);
    }

    #[test]
    fn a_line_says_the_file_its_state_and_who_must_act() {
        let rejected = &standing(&[ItemState::Rejected]).items[0];
        let text = item_text(rejected, Lang::En, &TimeZone::UTC);
        assert_eq!(text.len(), 2, "{text:?}");
        assert!(text[0].starts_with("1_0.jpg: rejected: file.truncated: The file ends"), "{text:?}");
        assert!(text[1].contains(ReasonCode::FileTruncated.action_english()));
        let text = item_text(rejected, Lang::Ko, &TimeZone::UTC);
        assert!(text[0].starts_with("1_0.jpg: 거부: file.truncated: 파일이 중간에 "), "{text:?}");
        assert!(text[1].contains(ReasonCode::FileTruncated.action_korean()));
    }
}
