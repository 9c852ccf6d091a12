//! The report of a delivery: a line a photo that is not live, by who must act, for scripts; and what text and table show of it.
//!
//! The names of the JSON are stable. A line's text is what its reason means and what to do, in the language that was asked
//! for; what was found in the very file is a field of its own, in English.

use serde::{Deserialize, Serialize};

use super::{
    record::SkippedFile,
    standing::{Promised, Standing, Summary, entity_of},
    state::{Item, ItemState},
};
use crate::model::{
    lang::Lang,
    reason::{Owner, ReasonCode},
};

/// A photo that is not live, or that differs from what was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The entity's number, where the name gives one.
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where the name gives one.
    pub sequence: Option<u16>,
    /// The file; none where a number was promised and has no file.
    pub file: Option<String>,
    /// The reason code.
    pub code: String,
    /// Who must act.
    pub owner: Owner,
    /// What the code means and what to do, in the language of the report.
    pub text: String,
    /// What was found and where, in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The last line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SummaryLine {
    /// The counts.
    pub summary: Summary,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The language of its texts.
    pub lang: Lang,
    /// The lines, by owner, code, number and file.
    pub lines: Vec<Line>,
    /// The counts.
    pub summary: Summary,
}

impl Report {
    /// The report of a delivery as it is at this moment.
    pub fn of(standing: &Standing, lang: Lang) -> Self {
        let items = standing.items.iter().filter_map(|item| of_item(item, lang));
        let skipped = standing.skipped.iter().map(|file| of_skipped(standing, file, lang));
        let missing = standing.missing.iter().map(|it| of_promised(ReasonCode::ListMissing, it, lang));
        let unexpected = standing.unexpected.iter().map(|it| of_promised(ReasonCode::ListUnexpected, it, lang));
        let mut lines: Vec<Line> = items.chain(skipped).chain(missing).chain(unexpected).collect();
        lines.sort_by(|a, b| place(a).cmp(&place(b)));
        Self { lang, lines, summary: standing.summary() }
    }

    /// The lines for scripts, a JSON object each, the summary last.
    pub fn json_lines(&self) -> Vec<String> {
        // A tree of strings and numbers is always JSON.
        let json = |line: &Line| serde_json::to_string(line).unwrap_or_default();
        let summary = serde_json::to_string(&SummaryLine { summary: self.summary.clone() }).unwrap_or_default();
        self.lines.iter().map(json).chain([summary]).collect()
    }
}

/// The order of lines: who must act, code, number (none last), file.
fn place(line: &Line) -> (usize, &str, u64, Option<u16>, Option<&str>) {
    let owner = Owner::ALL.iter().position(|owner| *owner == line.owner).unwrap_or(Owner::ALL.len());
    (owner, &line.code, line.cd_idx.unwrap_or(u64::MAX), line.sequence, line.file.as_deref())
}

/// What a reason means and what to do about it.
pub fn text_of(reason: ReasonCode, lang: Lang) -> String {
    match lang {
        Lang::Ko => format!("{} {}", reason.korean(), reason.action_korean()),
        Lang::En => format!("{} {}", reason.english(), reason.action_english()),
    }
}

/// The reason for which an item is not live; none where it is.
pub fn reason_of(item: &Item) -> Option<ReasonCode> {
    Some(match item.state {
        ItemState::Registered => return None,
        ItemState::Missing => ReasonCode::UploadMissing,
        ItemState::Received | ItemState::Rendered => ReasonCode::UploadPending,
        ItemState::Rejected => item.reason.unwrap_or(ReasonCode::SystemUnknownReason),
        ItemState::Replaced => ReasonCode::UploadReplaced,
        ItemState::Removed => ReasonCode::UploadRemoved,
    })
}

fn of_item(item: &Item, lang: Lang) -> Option<Line> {
    let reason = reason_of(item)?;
    let later = item.later.as_ref().map(|later| {
        let by = later.by.as_ref().map_or_else(|| "somebody".to_owned(), ToString::to_string);
        format!("{} by {by} at {}", later.change.code(), later.at)
    });
    Some(Line {
        cd_idx: item.cd_idx,
        sequence: item.sequence,
        file: Some(item.file.clone()),
        code: reason.code().to_owned(),
        owner: reason.owner(),
        text: text_of(reason, lang),
        detail: item.detail.clone().or(later),
    })
}

fn of_skipped(standing: &Standing, file: &SkippedFile, lang: Lang) -> Line {
    let reason = file.reason();
    Line {
        cd_idx: entity_of(&standing.vertical, file),
        sequence: file.sequence,
        file: Some(file.file.clone()),
        code: file.code.clone(),
        owner: reason.map_or(Owner::PersonInCharge, ReasonCode::owner),
        text: reason.map_or_else(|| file.detail.clone(), |reason| text_of(reason, lang)),
        detail: Some(file.detail.clone()).filter(|detail| !detail.is_empty()),
    }
}

fn of_promised(reason: ReasonCode, promised: &Promised, lang: Lang) -> Line {
    Line {
        cd_idx: promised.cd_idx,
        sequence: None,
        file: promised.file.clone(),
        code: reason.code().to_owned(),
        owner: reason.owner(),
        text: text_of(reason, lang),
        detail: Some(promised.detail.to_string()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::lang::Text;

    pub(crate) fn standing() -> Standing {
        let item = |file: &str, state, reason: Option<ReasonCode>| {
            let (cd_idx, sequence) = super::super::record::photo_of(&"v".parse().unwrap(), file);
            let detail = reason.map(|_| "ends at byte 7".to_owned());
            Item { file: file.into(), cd_idx, sequence, state, reason, detail, later: None }
        };
        let skipped = |file: &str, code: &str| SkippedFile {
            file: file.into(),
            code: code.into(),
            cd_idx: None,
            sequence: None,
            detail: "=cmd|' /C calc'!A0".into(),
        };
        Standing {
            delivery: "20261126-k3f9".into(),
            vertical: "ssgdfm_eye".parse().unwrap(),
            items: vec![
                item("1_0.jpg", ItemState::Registered, None),
                item("10_0.jpg", ItemState::Rejected, Some(ReasonCode::FileTruncated)),
                item("2_0.jpg", ItemState::Rejected, Some(ReasonCode::FileTruncated)),
                item("2_1.jpg", ItemState::Rejected, Some(ReasonCode::FileTruncated)),
                item("3_0.jpg", ItemState::Rejected, Some(ReasonCode::SystemDeadLetter)),
                item("4_0.jpg", ItemState::Missing, None),
                item("5_0.jpg", ItemState::Rendered, None),
            ],
            skipped: vec![skipped("6_0 (1).jpg", "name.unparseable"), skipped("no\u{202e}gpj.name", "file.haunted")],
            missing: vec![Promised { cd_idx: Some(7), file: None, detail: Text::new("the entity has no file", "") }],
            unexpected: vec![Promised { cd_idx: Some(1), file: Some("1_0.jpg".into()), detail: Text::new("x", "") }],
            settled: 0,
        }
    }

    #[test]
    fn lines_are_in_the_order_of_who_must_act_and_end_with_the_counts() {
        let report = Report::of(&standing(), Lang::En);
        insta::assert_snapshot!(report.json_lines().join("\n"));
    }

    #[test]
    fn texts_are_in_the_language_that_was_asked_for() {
        let of = |lang| Report::of(&standing(), lang).lines.remove(1).text;
        assert!(of(Lang::Ko).chars().any(|c| ('가'..='힣').contains(&c)));
        assert!(of(Lang::En).is_ascii());
    }
}
