//! A report as text, ready to be pasted into a chat or mail: by who must act, then by reason, with every number that failed.
//!
//! Names come from outside, so that nothing in them acts where the text is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::report::{Line, Report};
use crate::{
    escape::visible,
    model::{
        lang::Lang,
        reason::{Owner, ReasonCode},
    },
};

impl Report {
    /// The text.
    pub fn text(&self) -> String {
        let mut text = self.heading();
        for owner in Owner::ALL {
            let lines: Vec<_> = self.lines.iter().filter(|line| line.owner == owner).collect();
            if !lines.is_empty() {
                push_owner(&mut text, self.lang, owner, &lines);
            }
        }
        text
    }

    fn heading(&self) -> String {
        let summary = &self.summary;
        let (delivery, vertical) = (visible(&summary.delivery), visible(&summary.vertical));
        let (entities, photos) = (summary.entities, summary.photos);
        let (live, failed, failed_entities, pending) =
            (summary.live, summary.failed, summary.failed_entities, summary.pending);
        match self.lang {
            Lang::Ko => {
                let end = if summary.is_final() {
                    "처리가 모두 끝난 최종 결과입니다.".to_owned()
                } else {
                    format!("사진 {pending}장이 아직 처리 중이므로 중간 결과입니다.")
                };
                format!(
                    "전달 {delivery} ({vertical}): cd_idx {entities}개, 사진 {photos}장\n\
                     정상 {live}장, 실패 {failed}장(cd_idx {failed_entities}개), 처리 중 {pending}장\n{end}\n"
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
                     Live: {live}; failed: {failed} ({failed_entities} cd_idx); in progress: {pending}\n{end}\n",
                    counted(photos, "photo", "photos")
                )
            }
        }
    }
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
    let photos = lines.len() as u64;
    match lang {
        Lang::Ko if ids == 0 => format!("사진 {photos}장"),
        Lang::En if ids == 0 => counted(photos, "photo", "photos"),
        Lang::Ko => format!("cd_idx {ids}개, 사진 {}장", lines.len()),
        Lang::En => format!("{ids} cd_idx, {}", counted(lines.len() as u64, "photo", "photos")),
    }
}

fn push_code(text: &mut String, lang: Lang, code: &str, lines: &[&Line]) {
    let (meaning, action) = match (code.parse::<ReasonCode>(), lang) {
        (Ok(reason), Lang::Ko) => (reason.korean(), reason.action_korean()),
        (Ok(reason), Lang::En) => (reason.english(), reason.action_english()),
        (Err(_), _) => ("", ""),
    };
    let space = if meaning.is_empty() { "" } else { " " };
    let _ = writeln!(text, "- [{}]{space}{meaning} ({})", visible(code), numbers(lang, lines));
    if !action.is_empty() {
        let _ = writeln!(text, "  → {action}");
    }
    let _ = writeln!(text, "  {}", listed(lang, lines));
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
    use super::{super::report::tests::standing, *};
    use crate::proof::deliveries::state::ItemState;

    #[test]
    fn the_text_lists_every_number_by_who_must_act() {
        let text = |lang| Report::of(&standing(), lang).text();
        insta::assert_snapshot!(format!("{}\n======\n{}", text(Lang::En), text(Lang::Ko)));
    }

    #[test]
    fn a_delivery_without_faults_is_final_and_lists_nothing() {
        let mut standing = standing();
        standing.items.iter_mut().for_each(|item| item.state = ItemState::Registered);
        standing.skipped.clear();
        standing.missing.clear();
        standing.unexpected.clear();
        let text = Report::of(&standing, Lang::En).text();
        assert!(text.ends_with("this result is final.\n") && !text.contains('■'), "{text}");
    }
}
