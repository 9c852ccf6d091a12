//! How far the files of a delivery came, and the counts.

use serde::Serialize;

use super::{Output, System, delivery::Delivery};
use crate::{
    model::{error::Result, lang::Lang, plain},
    proof::{
        deliveries::{
            SkippedFile, Standing, Summary,
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
    let items = standing.items.iter().filter(|item| all || item.state != ItemState::Registered).map(Line::Item);
    let skipped = standing.skipped.iter().map(Line::Skipped);
    let missing = standing.missing.iter().map(Line::Missing);
    let lines = items.chain(skipped).chain(missing).chain(standing.unexpected.iter().map(Line::NotPromised));
    let lang = output.lang();
    for (n, line) in lines.enumerate() {
        output.item(Some(&line), || line.text(lang));
        if n % LINES == LINES - 1 {
            output.ready().await;
        }
    }
    let summary = standing.summary();
    output.item(Some(&Last { summary: &summary }), || vec![summary_text(&summary, lang)]);
    output.ready().await;
    Ok(state_of(&standing))
}

/// What is in flight comes before what is not there, and that before what is rejected: trying again may show more.
fn state_of(standing: &Standing) -> EntityState {
    let any = |states: &[ItemState]| standing.items.iter().any(|item| states.contains(&item.state));
    if standing.items.iter().any(|item| item.state.is_pending()) {
        EntityState::Pending
    } else if !standing.missing.is_empty() || any(&[ItemState::Missing, ItemState::Replaced, ItemState::Removed]) {
        EntityState::Different
    } else if !standing.skipped.is_empty() || any(&[ItemState::Rejected]) {
        EntityState::Rejected
    } else {
        EntityState::Complete
    }
}

fn summary_text(summary: &Summary, lang: Lang) -> String {
    let Summary { delivery, vertical, entities, photos, live, failed, pending, failed_entities } = summary;
    match lang {
        Lang::En => format!(
            "{delivery} ({vertical}): {entities} entities, {photos} photos: {live} live, {pending} pending, {failed} failed in \
             {failed_entities} entities"
        ),
        Lang::Ko => format!(
            "{delivery} ({vertical}): cd_idx {entities}개, 사진 {photos}장: 정상 {live}장, 처리 중 {pending}장, \
             실패 {failed}장(cd_idx {failed_entities}개)"
        ),
    }
}

impl Line<'_> {
    /// Its lines of text.
    pub(super) fn text(&self, lang: Lang) -> Vec<String> {
        match self {
            Self::Item(item) => item_text(item, lang),
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
    let SkippedFile { file, code, detail, .. } = skipped;
    let found = skipped.reason().map_or_else(|| detail.clone(), |reason| plain::found_in(reason, detail, lang));
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
    }
}

fn item_text(item: &Item, lang: Lang) -> Vec<String> {
    let head = format!("{}: {}", item.file, state_text(item.state, lang));
    match item.state {
        ItemState::Missing | ItemState::Received | ItemState::Rendered | ItemState::Registered => vec![head],
        ItemState::Replaced | ItemState::Removed => vec![head + &later_text(item, lang)],
        ItemState::Rejected => {
            let detail = item.detail.as_deref().unwrap_or_default();
            let Some(reason) = item.reason else { return vec![format!("{head}: : {detail}")] };
            let found = plain::found_in(reason, detail, lang);
            vec![format!("{head}: {reason}: {found}"), format!("  {}", reason.action(lang))]
        }
    }
}

/// When another change followed, and whose it was.
fn later_text(item: &Item, lang: Lang) -> String {
    let Some(later) = &item.later else { return String::new() };
    match (lang, &later.by) {
        (Lang::En, Some(by)) => format!(" at {:.0} by {by}", later.at),
        (Lang::En, None) => format!(" at {:.0}", later.at),
        (Lang::Ko, Some(by)) => format!(" ({:.0}, {by})", later.at),
        (Lang::Ko, None) => format!(" ({:.0})", later.at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{lang::Text, reason::ReasonCode};

    fn standing(states: &[ItemState]) -> Standing {
        let item = |state: &ItemState| Item {
            file: "1_0.jpg".into(),
            cd_idx: Some(1),
            sequence: Some(0),
            state: *state,
            reason: (*state == ItemState::Rejected).then_some(ReasonCode::FileTruncated),
            detail: None,
            later: None,
        };
        let (delivery, vertical) = ("20261126-k3f9".into(), "v".parse().unwrap());
        let items = states.iter().map(item).collect();
        Standing { delivery, vertical, items, skipped: vec![], missing: vec![], unexpected: vec![], settled: 0 }
    }

    #[test]
    fn what_goes_on_by_itself_comes_before_what_is_missing_and_that_before_what_is_rejected() {
        use ItemState::{Missing, Received, Registered, Rejected, Removed, Rendered, Replaced};
        for (states, state) in [
            (&[Registered][..], EntityState::Complete),
            (&[Registered, Rejected], EntityState::Rejected),
            (&[Rejected, Missing], EntityState::Different),
            (&[Registered, Replaced], EntityState::Different),
            (&[Rejected, Removed], EntityState::Different),
            (&[Missing, Received], EntityState::Pending),
            (&[Rejected, Rendered], EntityState::Pending),
        ] {
            assert_eq!(state_of(&standing(states)), state, "{states:?}");
        }
        let promised = Promised { cd_idx: Some(7), file: None, detail: Text::new("the entity has no file", "") };
        let missing = Standing { missing: vec![promised], ..standing(&[Registered]) };
        assert_eq!(state_of(&missing), EntityState::Different);
    }

    #[test]
    fn a_line_says_the_file_its_state_and_who_must_act() {
        let rejected = &standing(&[ItemState::Rejected]).items[0];
        let text = item_text(rejected, Lang::En);
        assert_eq!((text.len(), text[0].as_str()), (2, "1_0.jpg: rejected: file.truncated: "));
        assert!(text[1].contains(ReasonCode::FileTruncated.action_english()));
        let text = item_text(rejected, Lang::Ko);
        assert!(text[0].starts_with("1_0.jpg: 거부: file.truncated: 파일이 중간에 끊겨"), "{text:?}");
        assert!(text[1].contains(ReasonCode::FileTruncated.action_korean()));
    }
}
