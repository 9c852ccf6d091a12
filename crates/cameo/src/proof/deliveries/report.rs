//! The report of a delivery: a line a photo that is not live, by who must act, for scripts; and what text and table show of it.
//!
//! The names of the JSON are stable. A line's text is what its reason means and what to do, in the language that was asked
//! for; what was found in the very file is a field of its own, in English and in that language.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use super::item::reason_of;
use super::{
    dismissed::Dismissed,
    gaps::Gap,
    item::Item,
    later::Later,
    record::{SkippedFile, entity_of, photo_of},
    standing::{Promised, Standing, Summary},
    verdict,
};
use crate::{
    model::{
        lang::Lang,
        plain,
        reason::{Owner, ReasonCode},
    },
    proof::verify::EntityState,
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
    /// The same in plain words of the language of the report, with times in its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// Present where no photo failed, and somebody should look all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Whether a good photo is served although an upload over it was rejected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last_good_served: bool,
    /// What it keeps the delivery from: `rejected`, `pending` or `different`; left out where it keeps it from nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<EntityState>,
    /// Who settled it, of one that was dismissed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismissed: Option<Dismissed>,
    /// Who moved it and to where, or took it down and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Dismissed>,
}

/// How much a line matters that is about no photo that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// What was handed over is live, and something about it is odd.
    Warning,
}

impl Line {
    /// A line that says nothing yet: of no file, and for nobody.
    pub fn of_nobody() -> Self {
        Self {
            cd_idx: None,
            sequence: None,
            file: None,
            code: String::new(),
            owner: Owner::Nobody,
            text: String::new(),
            detail: None,
            found: None,
            severity: None,
            last_good_served: false,
            state: None,
            dismissed: None,
            settled: None,
        }
    }

    /// Whether it is about no photo that failed.
    pub fn is_warning(&self) -> bool {
        self.severity.is_some()
    }
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
    /// The report of a delivery as it is at this moment, with the times of this zone.
    pub fn of(standing: &Standing, lang: Lang, zone: &TimeZone) -> Self {
        let items = standing.items.iter().filter_map(|item| of_item(item, lang, zone));
        let skipped = standing.skipped.iter().map(|file| of_skipped(standing, file, lang));
        let missing = standing.missing.iter().map(|it| of_promised(ReasonCode::ListMissing, it, lang));
        let gaps = standing.gaps.iter().map(|gap| of_gap(gap, lang));
        let unexpected = standing.unexpected.iter().map(|it| of_promised(ReasonCode::ListUnexpected, it, lang));
        let mut lines: Vec<Line> = items.chain(skipped).chain(missing).chain(unexpected).chain(gaps).collect();
        lines.sort_by(|a, b| place(a).cmp(&place(b)));
        Self { lang, lines, summary: standing.summary() }
    }

    /// The lines about photos that are not live, or that are not what was promised; without warnings.
    pub fn failures(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.is_warning())
    }

    /// Whether any line has one of these reasons.
    pub fn has(&self, codes: &[ReasonCode]) -> bool {
        self.lines.iter().any(|line| codes.iter().any(|code| line.code == code.code()))
    }

    /// How the delivery is, as far as the lines say: each keeps it from something, or is settled. An older server does not say which.
    pub fn state(&self) -> EntityState {
        let of_line = |line: &Line| line.state.or_else(|| verdict::of_code(&line.code, line.last_good_served));
        verdict::together(self.failures().filter_map(of_line))
    }

    /// Whether nothing that it lists is open: no photo failed, or somebody settled each that did.
    pub fn is_settled(&self) -> bool {
        self.state() == EntityState::Complete
    }

    /// The same with its texts in English, as programs read them.
    #[must_use]
    pub fn in_english(&self) -> Self {
        let english = |line: &Line| {
            let reason = line.code.parse::<ReasonCode>().ok();
            let text = reason.map_or_else(|| line.detail.clone(), |reason| Some(text_of(reason, Lang::En)));
            let found = match (self.lang, reason) {
                (Lang::En, _) => line.found.clone(),
                (Lang::Ko, Some(reason)) => line.detail.as_deref().map(|detail| found_in_english(reason, detail)),
                (Lang::Ko, None) => line.detail.clone(),
            };
            Line { text: text.unwrap_or_default(), found, ..line.clone() }
        };
        Self { lang: Lang::En, lines: self.lines.iter().map(english).collect(), summary: self.summary.clone() }
    }

    /// The lines for scripts, a JSON object each, the summary last.
    pub fn json_lines(&self) -> Vec<String> {
        // A tree of strings and numbers is always JSON.
        let json = |line: &Line| serde_json::to_string(line).unwrap_or_default();
        let summary = serde_json::to_string(&SummaryLine { summary: self.summary.clone() }).unwrap_or_default();
        self.lines.iter().map(json).chain([summary]).collect()
    }
}

/// What was found, of a line whose detail is known in English alone.
fn found_in_english(reason: ReasonCode, detail: &str) -> String {
    let beside = plain::serves_older().english;
    match detail.strip_suffix(&beside) {
        Some(detail) => plain::found_in(reason, detail, Lang::En) + &beside,
        None => plain::found_in(reason, detail, Lang::En),
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

fn of_item(item: &Item, lang: Lang, zone: &TimeZone) -> Option<Line> {
    let reason = reason_of(item)?;
    let later = item.later.as_ref().map(Later::detail);
    let settled = |lang, zone| item.settled_by().map(|settled| settled_detail(item, settled, lang, zone));
    let found = match (settled(lang, zone), &item.detail, &item.later) {
        (Some(settled), ..) => Some(settled),
        (None, Some(detail), _) => Some(plain::found_in(reason, detail, lang)),
        (None, None, Some(later)) => Some(later.text(zone).of(lang).to_owned()),
        (None, None, None) => None,
    };
    let detail = settled(Lang::En, &TimeZone::UTC).or_else(|| item.detail.clone()).or(later);
    let beside = |text: Option<String>, lang| {
        if item.last_good_served { Some(text.unwrap_or_default() + plain::serves_older().of(lang)) } else { text }
    };
    Some(Line {
        cd_idx: item.cd_idx,
        sequence: item.sequence,
        // An entity that was promised and has no file.
        file: Some(item.file.clone()).filter(|file| !file.is_empty()),
        code: reason.code().to_owned(),
        owner: reason.owner(),
        text: text_of(reason, lang),
        detail: beside(detail, Lang::En),
        found: beside(found, lang),
        // Something took its place that was handed over in good order: a note, and no failure.
        severity: item.is_superseded().then_some(Severity::Warning),
        last_good_served: item.last_good_served,
        state: verdict::of_item(item),
        dismissed: item.dismissed.clone(),
        settled: item.settled.clone(),
    })
}

/// Why it had been rejected, and who settled it, when and why.
fn settled_detail(item: &Item, settled: &Dismissed, lang: Lang, zone: &TimeZone) -> String {
    let reason = settled.reason.as_deref().map(|reason| format!("{reason}: ")).unwrap_or_default();
    reason + &settled.text_of(item.state.settlement().unwrap_or_default(), lang, zone)
}

fn of_skipped(standing: &Standing, file: &SkippedFile, lang: Lang) -> Line {
    let reason = file.reason();
    Line {
        cd_idx: entity_of(&standing.vertical, file),
        sequence: file.sequence.or_else(|| photo_of(&standing.vertical, &file.file).1),
        file: Some(file.file.clone()),
        code: file.code.clone(),
        owner: reason.map_or(Owner::PersonInCharge, ReasonCode::owner),
        text: reason.map_or_else(|| file.detail.clone(), |reason| text_of(reason, lang)),
        detail: Some(file.detail.clone()).filter(|detail| !detail.is_empty()),
        found: Some(file.found_in(lang)).filter(|found| !found.is_empty()),
        state: Some(EntityState::Rejected),
        ..Line::of_nobody()
    }
}

fn of_promised(reason: ReasonCode, promised: &Promised, lang: Lang) -> Line {
    Line {
        cd_idx: promised.cd_idx,
        sequence: promised.sequence,
        file: promised.file.clone(),
        code: reason.code().to_owned(),
        owner: reason.owner(),
        text: text_of(reason, lang),
        detail: Some(promised.detail.to_string()),
        found: Some(promised.detail.of(lang).to_owned()),
        state: verdict::of_code(reason.code(), false),
        ..Line::of_nobody()
    }
}

fn of_gap(gap: &Gap, lang: Lang) -> Line {
    let (reason, detail) = (ReasonCode::NameSequenceGap, gap.detail());
    Line {
        cd_idx: Some(gap.cd_idx),
        sequence: gap.missing.first().copied(),
        file: None,
        code: reason.code().to_owned(),
        owner: reason.owner(),
        text: text_of(reason, lang),
        detail: Some(detail.to_string()),
        found: Some(detail.of(lang).to_owned()),
        severity: Some(Severity::Warning),
        ..Line::of_nobody()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{model::lang::Text, proof::deliveries::item::ItemState};

    pub(crate) fn standing() -> Standing {
        let item = |file: &str, state, reason: Option<ReasonCode>| {
            let detail = reason.map(|_| "ends at byte 7".to_owned());
            Item { reason, detail, ..Item::new(&"v".parse().unwrap(), file, state) }
        };
        let skipped = |file: &str, code: &str| SkippedFile {
            file: file.into(),
            code: code.into(),
            cd_idx: None,
            sequence: None,
            detail: "=cmd|' /C calc'!A0".into(),
            detail_korean: None,
            ..SkippedFile::default()
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
            missing: vec![Promised {
                cd_idx: Some(7),
                sequence: None,
                file: None,
                detail: Text::new("the entity has no file", ""),
            }],
            unexpected: vec![Promised {
                cd_idx: Some(1),
                sequence: Some(0),
                file: Some("1_0.jpg".into()),
                detail: Text::new("x", ""),
            }],
            gaps: Vec::new(),
            settled: Vec::new(),
            closed: None,
        }
    }

    #[test]
    fn lines_are_in_the_order_of_who_must_act_and_end_with_the_counts() {
        let report = Report::of(&standing(), Lang::En, &TimeZone::UTC);
        insta::assert_snapshot!(report.json_lines().join("\n"));
    }

    /// A gap that was found and pushed all the same: nothing failed, and nobody forgets it.
    #[test]
    fn a_gap_is_a_warning_in_every_form_and_changes_no_count() {
        let mut standing = standing();
        let before = standing.summary();
        standing.gaps = vec![Gap { cd_idx: 77, missing: vec![1, 2] }];
        let report = Report::of(&standing, Lang::Ko, &TimeZone::UTC);
        assert_eq!(report.summary, before);
        assert_eq!(report.failures().count() + 1, report.lines.len());
        let text = report.text();
        assert!(text.contains("■ 실패는 아니지만 확인이 필요한 것") && text.contains("77: 빠진 순번: 1, 2"), "{text}");
        let csv = report.csv();
        assert!(csv.contains("77,1,,name.sequence_gap,") && csv.contains(",\"실패 아님: 빠진 순번: 1, 2\""), "{csv}");
        assert_eq!(csv.matches("실패 아님").count(), 1, "{csv}");
        let json = report.json_lines().into_iter().find(|line| line.contains("name.sequence_gap")).unwrap();
        assert!(json.contains(r#""severity":"warning""#) && json.contains(r#""detail":"missing: 1, 2""#), "{json}");
        let read: Line = serde_json::from_str(&json).unwrap();
        assert!(read.is_warning());
    }

    /// What is found is said in the language of the report, with the times of its zone.
    #[test]
    fn details_are_in_the_language_of_the_report() {
        let mut standing = standing();
        let at = "2026-11-26T15:30:00Z".parse().unwrap();
        standing.items[5].state = ItemState::Removed;
        standing.items[5].later = Some(super::super::later::Later {
            at,
            by: None,
            change: crate::ledger::history::ChangeKind::Removed,
            delivery: None,
            reason: None,
            detail: None,
        });
        let report = Report::of(&standing, Lang::Ko, &TimeZone::get("Asia/Seoul").unwrap());
        for line in &report.lines {
            let found = line.found.as_deref().unwrap_or("가");
            let is_korean = found.chars().any(|c| ('가'..='힣').contains(&c));
            // The entity's file that nobody names in Korean is the test's own, and so is the code of a newer version.
            assert!(is_korean || found.is_empty() || found.starts_with(['x', '=']), "{line:?}");
        }
        let removed = report.lines.iter().find(|line| line.code == "upload.removed").unwrap();
        assert_eq!(removed.found.as_deref(), Some("2026-11-27 00:30:00 KST에 삭제됨(누가 했는지 모름)"));
        assert_eq!(removed.detail.as_deref(), Some("removed by somebody at 2026-11-26T15:30:00Z"));
        assert!(report.csv().contains("2026-11-27 00:30:00 KST"), "{}", report.csv());
    }

    #[test]
    fn programs_read_english_whatever_people_read() {
        let korean = Report::of(&standing(), Lang::Ko, &TimeZone::UTC);
        let english = Report::of(&standing(), Lang::En, &TimeZone::UTC);
        assert_eq!(korean.in_english(), english.in_english());
        for line in korean.in_english().lines {
            assert!(line.text.is_ascii() && line.found.is_none_or(|found| found.is_ascii()), "{}", line.text);
        }
    }

    #[test]
    fn texts_are_in_the_language_that_was_asked_for() {
        let of = |lang| Report::of(&standing(), lang, &TimeZone::UTC).lines.remove(1).text;
        assert!(of(Lang::Ko).chars().any(|c| ('가'..='힣').contains(&c)));
        assert!(of(Lang::En).is_ascii());
    }
}
