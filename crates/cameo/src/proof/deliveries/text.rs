//! A report as text, ready to be pasted into a chat or mail: by who must act, then by reason, with every number that failed.
//!
//! Names come from outside, so that nothing in them acts where the text is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    report::{Line, Report},
    standing::Summary,
};
use crate::{
    escape::visible,
    model::{
        key::DeliveryName,
        lang::Lang,
        reason::{Owner, ReasonCode},
    },
};

impl Report {
    /// The text.
    pub fn text(&self) -> String {
        let mut text = self.heading();
        for owner in Owner::ALL {
            let lines: Vec<_> = self.failures().filter(|line| line.owner == owner).collect();
            if !lines.is_empty() {
                push_owner(&mut text, self.lang, owner, &lines);
            }
        }
        self.push_warnings(&mut text);
        text
    }

    /// What no photo failed for: below what did.
    fn push_warnings(&self, text: &mut String) {
        let mut by_code = BTreeMap::<&str, Vec<&Line>>::new();
        for line in self.lines.iter().filter(|line| line.is_warning()) {
            by_code.entry(&line.code).or_default().push(line);
        }
        if by_code.is_empty() {
            return;
        }
        let heading = self.lang.pick("To be looked at, although nothing failed", "실패는 아니지만 확인이 필요한 것");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n■ {heading}:");
        for (code, lines) in by_code {
            push_meaning(text, self.lang, code, "");
            for line in lines {
                let cd_idx = line.cd_idx.map(|cd_idx| cd_idx.to_string()).unwrap_or_default();
                let _ = writeln!(text, "  {cd_idx}: {}", visible(line.found.as_deref().unwrap_or_default()));
            }
        }
    }

    fn heading(&self) -> String {
        let summary = &self.summary;
        let (delivery, vertical) = (visible(&summary.delivery), visible(&summary.vertical));
        let (entities, photos) = (summary.entities, summary.photos);
        let (live, failed, failed_entities) = (summary.live, summary.failed, summary.failed_entities);
        let (pending, settled) = (summary.pending, settled(summary, self.lang));
        let of_day = of_day(summary, self.lang);
        match self.lang {
            Lang::Ko => {
                let end = if summary.is_final() {
                    "처리가 모두 끝난 최종 결과입니다.".to_owned()
                } else {
                    format!("사진 {pending}장이 아직 처리 중이므로 중간 결과입니다.")
                };
                format!(
                    "전달 {delivery} ({vertical}): cd_idx {entities}개, 사진 {photos}장\n\
                     정상 {live}장, 실패 {failed}장(cd_idx {failed_entities}개), 처리 중 {pending}장{settled}\n{of_day}{end}\n"
                )
            }
            Lang::En => {
                let end = if summary.is_final() {
                    "Nothing is in progress: this result is final.".to_owned()
                } else {
                    format!("In progress: {}; this result is not final.", counted(pending, "photo", "photos"))
                };
                format!(
                    "Delivery {delivery} ({vertical}): {entities} cd_idx, {}\n\
                     Live: {live}; failed: {failed} ({failed_entities} cd_idx); in progress: {pending}{settled}\n{of_day}{end}\n",
                    counted(photos, "photo", "photos")
                )
            }
        }
    }
}

/// How many somebody settled, and how.
fn settled(summary: &Summary, lang: Lang) -> String {
    let counts = [
        (summary.dismissed, "dismissed", "정리됨"),
        (summary.moved, "moved", "옮겨짐"),
        (summary.unpublished, "taken down", "게시 중단됨"),
    ];
    let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
    let text = |(count, english, korean): (u64, &str, &str)| match lang {
        Lang::Ko => format!(", {korean} {count}장"),
        Lang::En => format!("; {english}: {count}"),
    };
    counts.map(text).collect()
}

/// Of the implicit delivery of a day: that it is one, and which deliveries its photos are in since.
fn of_day(summary: &Summary, lang: Lang) -> String {
    let mut text = String::new();
    if let Ok(name @ DeliveryName::Day { .. }) = summary.delivery.parse() {
        text.extend([name.without_record(lang).as_str(), "\n"]);
    }
    if summary.taken_over > 0 {
        let (count, by) = (summary.taken_over, visible(&summary.taken_over_by.join(", ")).into_owned());
        text += &match lang {
            Lang::Ko => format!("그중 {count}장은 나중에 기록된 전달에도 들어 있습니다: {by}\n"),
            Lang::En => format!("{} of them recorded later, in {by}\n", counted(count, "photo", "photos")),
        };
    }
    text
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Lines with how many numbers and photos they are about.
fn push_owner(text: &mut String, lang: Lang, owner: Owner, lines: &[&Line]) {
    let name = match lang {
        Lang::Ko => owner.korean(),
        Lang::En => owner.english(),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n■ {name}: {}", numbers(lang, lines));
    let mut by_code = BTreeMap::<&str, Vec<&Line>>::new();
    for line in lines {
        by_code.entry(&line.code).or_default().push(line);
    }
    for (code, lines) in by_code {
        push_code(text, lang, code, &lines);
    }
}

fn numbers(lang: Lang, lines: &[&Line]) -> String {
    let ids = lines.iter().filter_map(|line| line.cd_idx).collect::<BTreeSet<_>>().len();
    let cells = lines.iter().filter(|line| is_of_a_cell(line)).count() as u64;
    let photos = lines.len() as u64 - cells;
    let mut parts = Vec::new();
    if ids > 0 {
        parts.push(match lang {
            Lang::Ko => format!("cd_idx {ids}개"),
            Lang::En => format!("{ids} cd_idx"),
        });
    }
    if photos > 0 {
        parts.push(match lang {
            Lang::Ko => format!("사진 {photos}장"),
            Lang::En => counted(photos, "photo", "photos"),
        });
    }
    if cells > 0 {
        parts.push(match lang {
            Lang::Ko => format!("목록의 칸 {cells}개"),
            Lang::En => counted(cells, "cell of the list", "cells of the list"),
        });
    }
    parts.join(", ")
}

/// Whether it is about a cell of the list that nobody could read: its place is what matters, and it is no photo.
fn is_of_a_cell(line: &Line) -> bool {
    line.code == ReasonCode::ListUnreadable.code()
}

fn push_code(text: &mut String, lang: Lang, code: &str, lines: &[&Line]) {
    push_meaning(text, lang, code, &format!(" ({})", numbers(lang, lines)));
    let photos: Vec<&Line> = lines.iter().copied().filter(|line| !is_of_a_cell(line)).collect();
    if !photos.is_empty() {
        let _ = writeln!(text, "  {}", listed(lang, &photos));
    }
    // What happened to each: who settled it, or what took its place; and where a cell is.
    for line in lines.iter().filter(|line| is_told_one_by_one(line)) {
        let (file, settled) = (line.file.as_deref().unwrap_or_default(), line.found.as_deref().unwrap_or_default());
        let _ = writeln!(text, "  {}: {}", visible(file), visible(settled));
    }
}

fn is_told_one_by_one(line: &Line) -> bool {
    let of_upload = [ReasonCode::UploadReplaced, ReasonCode::UploadRemoved].map(ReasonCode::code);
    let is_settled = line.dismissed.is_some() || line.settled.is_some();
    let is_of_somewhere = is_settled || is_of_a_cell(line) || line.last_good_served;
    line.found.is_some() && (is_of_somewhere || of_upload.contains(&line.code.as_str()))
}

/// What a reason means and what to do.
fn push_meaning(text: &mut String, lang: Lang, code: &str, counts: &str) {
    let (meaning, action) = match (code.parse::<ReasonCode>(), lang) {
        (Ok(reason), Lang::Ko) => (reason.korean(), reason.action_korean()),
        (Ok(reason), Lang::En) => (reason.english(), reason.action_english()),
        (Err(_), _) => ("", ""),
    };
    let space = if meaning.is_empty() { "" } else { " " };
    let _ = writeln!(text, "- [{}]{space}{meaning}{counts}", visible(code));
    if !action.is_empty() {
        let _ = writeln!(text, "  → {action}");
    }
}

/// Every number with its files: `1001 (1001_0.jpg, 1001_1.jpg), 1002 (1002_0.jpg)`.
fn listed(lang: Lang, lines: &[&Line]) -> String {
    let mut by_id = BTreeMap::<u64, Vec<&Line>>::new();
    for line in lines {
        by_id.entry(line.cd_idx.unwrap_or(u64::MAX)).or_default().push(line);
    }
    let shown = by_id.into_iter().map(|(cd_idx, lines)| {
        let files: Vec<_> = lines.iter().filter_map(|line| line.file.as_deref()).map(visible).collect();
        let files = if files.is_empty() { String::new() } else { format!(" ({})", files.join(", ")) };
        match (cd_idx, lang) {
            (u64::MAX, Lang::Ko) => format!("cd_idx 없음{files}"),
            (u64::MAX, Lang::En) => format!("no cd_idx{files}"),
            (cd_idx, _) => format!("{cd_idx}{files}"),
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{super::report::tests::standing, *};
    use crate::proof::deliveries::{SkippedFile, state::ItemState};

    #[test]
    fn the_text_lists_every_number_by_who_must_act() {
        let text = |lang| Report::of(&standing(), lang, &TimeZone::UTC).text();
        insta::assert_snapshot!(format!("{}\n======\n{}", text(Lang::En), text(Lang::Ko)));
    }

    /// As a push records what it could not read of a list: in the text, the table and the JSON the place is named.
    #[test]
    fn a_cell_that_nobody_could_read_is_named_with_its_place() {
        let mut standing = standing();
        for (english, korean) in [
            (
                "sheet \"June\", cell B7: \"12a\" is not a cd_idx",
                "시트 \"June\"의 B7 칸: \"12a\" 은(는) cd_idx 가 아닙니다",
            ),
            ("line 3, column 1: \"x\" is not a cd_idx", "3번째 줄 1번째 글자: \"x\" 은(는) cd_idx 가 아닙니다"),
        ] {
            standing.skipped.push(SkippedFile {
                file: "list.xlsx".into(),
                code: "list.unreadable".into(),
                cd_idx: None,
                sequence: None,
                detail: english.into(),
                detail_korean: Some(korean.into()),
                md5: None,
            });
        }
        for (lang, places, count) in [
            (
                Lang::En,
                ["  list.xlsx: sheet \"June\", cell B7: ", "  list.xlsx: line 3, column 1: "],
                "(2 cells of the list)",
            ),
            (
                Lang::Ko,
                ["  list.xlsx: 시트 \"June\"의 B7 칸: ", "  list.xlsx: 3번째 줄 1번째 글자: "],
                "(목록의 칸 2개)",
            ),
        ] {
            let report = Report::of(&standing, lang, &TimeZone::UTC);
            let (text, table, json) = (report.text(), report.csv(), report.json_lines().join("\n"));
            for place in places {
                assert!(text.contains(place), "{place}: {text}");
                let place = place.trim_start().trim_start_matches("list.xlsx: ");
                assert!(table.contains(&place.replace('"', "\"\"")), "{place}: {table}");
                assert!(json.contains(serde_json::to_string(place).unwrap().trim_matches('"')), "{place}: {json}");
            }
            assert!(text.contains(count) && !text.contains("list.xlsx, list.xlsx"), "{text}");
        }
    }

    #[test]
    fn a_delivery_without_faults_is_final_and_lists_nothing() {
        let mut standing = standing();
        standing.items.iter_mut().for_each(|item| item.state = ItemState::Registered);
        standing.skipped.clear();
        standing.missing.clear();
        standing.unexpected.clear();
        let text = Report::of(&standing, Lang::En, &TimeZone::UTC).text();
        assert!(text.ends_with("this result is final.\n") && !text.contains('■'), "{text}");
    }
}
