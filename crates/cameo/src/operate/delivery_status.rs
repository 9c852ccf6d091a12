//! How far the files of a delivery came, and the counts.

use serde::Serialize;

use super::{Output, System, delivery::Delivery};
use crate::{
    model::error::Result,
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
    for (n, line) in lines.enumerate() {
        output.item(Some(&line), || line.text());
        if n % LINES == LINES - 1 {
            output.ready().await;
        }
    }
    let summary = standing.summary();
    output.item(Some(&Last { summary: &summary }), || vec![summary_text(&summary)]);
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

fn summary_text(summary: &Summary) -> String {
    let Summary { delivery, vertical, entities, photos, live, failed, pending, failed_entities } = summary;
    format!(
        "{delivery} ({vertical}): {entities} entities, {photos} photos: {live} live, {pending} pending, {failed} failed in \
         {failed_entities} entities"
    )
}

impl Line<'_> {
    /// Its lines of text.
    pub(super) fn text(&self) -> Vec<String> {
        match self {
            Self::Item(item) => item_text(item),
            Self::Skipped(SkippedFile { file, code, detail, .. }) => {
                vec![format!("{file}: not sent: {code}: {detail}")]
            }
            Self::Missing(promised) => vec![format!("{}: promised: {}", about(promised), promised.detail)],
            Self::NotPromised(promised) => vec![format!("{}: not promised: {}", about(promised), promised.detail)],
        }
    }
}

fn about(promised: &Promised) -> String {
    match (&promised.file, promised.cd_idx) {
        (Some(file), _) => file.clone(),
        (None, Some(cd_idx)) => cd_idx.to_string(),
        (None, None) => "the list".to_owned(),
    }
}

fn item_text(item: &Item) -> Vec<String> {
    let file = &item.file;
    let later = item.later.as_ref().map(|later| {
        let by = later.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        format!(" at {:.0}{by}", later.at)
    });
    let later = later.unwrap_or_default();
    match item.state {
        ItemState::Missing => vec![format!("{file}: missing: it never arrived in the upload bucket")],
        ItemState::Received => vec![format!("{file}: received")],
        ItemState::Rendered => vec![format!("{file}: rendered")],
        ItemState::Registered => vec![format!("{file}: registered")],
        ItemState::Replaced => vec![format!("{file}: replaced by another upload{later}")],
        ItemState::Removed => vec![format!("{file}: deleted{later}")],
        ItemState::Rejected => {
            let (code, detail) = (item.reason.map(|reason| reason.to_string()), item.detail.as_deref());
            let head = format!("{file}: rejected: {}: {}", code.unwrap_or_default(), detail.unwrap_or_default());
            let action = item.reason.map(|reason| format!("  {}", reason.action_english()));
            [head].into_iter().chain(action).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reason::ReasonCode;

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
        let promised = Promised { cd_idx: Some(7), file: None, detail: "the entity has no file".into() };
        let missing = Standing { missing: vec![promised], ..standing(&[Registered]) };
        assert_eq!(state_of(&missing), EntityState::Different);
    }

    #[test]
    fn a_line_says_the_file_its_state_and_who_must_act() {
        let rejected = &standing(&[ItemState::Rejected]).items[0];
        let text = item_text(rejected);
        assert_eq!((text.len(), text[0].as_str()), (2, "1_0.jpg: rejected: file.truncated: "));
        assert!(text[1].contains(ReasonCode::FileTruncated.action_english()));
    }
}
