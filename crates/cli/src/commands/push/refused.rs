//! What a push says that was refused: the check found faults, nothing was sent, and no delivery was recorded.

use std::collections::{BTreeMap, BTreeSet};

use cameo::{
    model::{
        key::Vertical,
        lang::Lang,
        reason::{Owner, ReasonCode},
    },
    preflight::{Finding, Report as CheckReport, Severity, Source},
    proof::deliveries::{
        SkippedFile, Summary,
        report::{Line, text_of},
        verdict,
    },
};

use super::output::skipped;
use crate::commands::json_line;

/// What the check found, in the form of a report.
pub(super) fn print(source: &Source, report: &CheckReport, vertical: &Vertical) -> anyhow::Result<()> {
    let skipped = skipped(source, report);
    let lines = lines(report, &skipped);
    lines.iter().try_for_each(json_line)?;
    let mut summary = serde_json::to_value(summary(report, &skipped, &lines, vertical))?;
    // There is none; the name of a delivery is never empty.
    summary["delivery"] = serde_json::Value::Null;
    json_line(&serde_json::json!({ "summary": summary }))
}

/// A line each finding, and one each file that is left out for what was found of another one.
fn lines(report: &CheckReport, skipped: &[SkippedFile]) -> Vec<Line> {
    let faults: Vec<&Finding> = errors(report).collect();
    let named: BTreeSet<&str> = faults.iter().filter_map(|finding| finding.file.as_deref()).collect();
    let found = faults.iter().map(|finding| Line {
        sequence: finding.sequence,
        ..line(finding.code, finding.cd_idx, finding.file.clone(), &finding.detail.english)
    });
    let others = skipped.iter().filter(|file| !named.contains(file.file.as_str()));
    let others = others.filter_map(|file| {
        let line = line(file.reason()?, file.cd_idx, Some(file.file.clone()), &file.detail);
        Some(Line { sequence: file.sequence, ..line })
    });
    found.chain(others).collect()
}

fn line(code: ReasonCode, cd_idx: Option<u64>, file: Option<String>, detail: &str) -> Line {
    Line {
        cd_idx,
        file,
        code: code.code().to_owned(),
        owner: code.owner(),
        text: text_of(code, Lang::En),
        detail: Some(detail.to_owned()),
        found: Some(detail.to_owned()),
        state: verdict::of_code(code.code(), false),
        ..Line::of_nobody()
    }
}

/// The counts, as those of a delivery that leaves the faulty files out, with what is ready still to be sent.
fn summary(report: &CheckReport, skipped: &[SkippedFile], lines: &[Line], vertical: &Vertical) -> Summary {
    let missing: Vec<&Finding> = errors(report).filter(|finding| finding.code == ReasonCode::ListMissing).collect();
    let failed: BTreeSet<u64> =
        skipped.iter().map(|file| file.cd_idx).chain(missing.iter().map(|finding| finding.cd_idx)).flatten().collect();
    let ready = report.files.iter().filter(|file| file.is_ready);
    let entities: BTreeSet<u64> = ready.filter_map(|file| file.name.cd_idx()).chain(failed.iter().copied()).collect();
    let failed_photos = (skipped.len() + missing.len()) as u64;
    Summary {
        vertical: vertical.to_string(),
        entities: entities.len() as u64,
        photos: failed_photos + report.summary.ready,
        failed: failed_photos,
        pending: report.summary.ready,
        failed_entities: failed.len() as u64,
        state: Some(verdict::together(lines.iter().filter_map(|line| line.state))),
        ..Summary::default()
    }
}

fn errors(report: &CheckReport) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|finding| finding.severity == Severity::Error)
}

/// Why nothing was sent, and what can be done: leaving faulty files out helps only where others are left.
pub(super) fn text(report: &CheckReport, skips: bool, lang: Lang) -> String {
    if report.files.is_empty() {
        return lang
            .pick("nothing was sent: there is no file to send", "아무것도 올리지 않았습니다. 올릴 파일이 없습니다")
            .to_owned();
    }
    if report.summary.ready == 0 {
        let (files, who) = (report.files.len(), who_must_act(report, lang).join("; "));
        return match lang {
            Lang::En => format!("nothing was sent: none of the {files} files can be sent as it is; {who}"),
            Lang::Ko => {
                format!("아무것도 올리지 않았습니다. 파일 {files}개 중 그대로 올릴 수 있는 것이 없습니다. {who}")
            }
        };
    }
    let (english, korean) = if skips {
        ("nothing was sent; fix the faults", "아무것도 올리지 않았습니다. 오류를 고쳐 주세요")
    } else {
        (
            "nothing was sent; fix the faults, or leave the faulty files out with --skip-faulty",
            "아무것도 올리지 않았습니다. 오류를 고치거나 --skip-faulty 로 문제 있는 파일을 빼고 올리세요",
        )
    };
    lang.pick(english, korean).to_owned()
}

/// Who must act on how many files, and for which reasons.
fn who_must_act(report: &CheckReport, lang: Lang) -> Vec<String> {
    let of_owner = |owner: Owner| {
        let mut codes = BTreeMap::<&str, usize>::new();
        for finding in errors(report).filter(|finding| finding.code.owner() == owner) {
            *codes.entry(finding.code.code()).or_default() += 1;
        }
        let name = lang.pick(owner.english(), owner.korean());
        let codes: Vec<String> = codes.into_iter().map(|(code, count)| format!("{code} {count}")).collect();
        (!codes.is_empty()).then(|| match lang {
            Lang::En => format!("{name} must act: {}", codes.join(", ")),
            Lang::Ko => format!("{name}의 조치가 필요합니다: {}", codes.join(", ")),
        })
    };
    Owner::ALL.into_iter().filter_map(of_owner).collect()
}
