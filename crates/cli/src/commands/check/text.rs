//! What `cameo check` says to people: the findings by their code, with what it means and who must do what, once each.

use std::path::Path;

use cameo::{
    model::{lang::Lang, reason::ReasonCode},
    preflight::{Finding, Fixed, Report, Severity, Summary},
};

/// Related files that a line names, at most.
const RELATED_MAX: usize = 5;

/// The lines of a report.
pub(crate) fn of_report(report: &Report, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for severity in [Severity::Error, Severity::Warning] {
        for code in ReasonCode::ALL {
            let is_of = |finding: &&Finding| finding.code == *code && finding.severity == severity;
            let found: Vec<&Finding> = report.findings.iter().filter(is_of).collect();
            if !found.is_empty() {
                lines.push(head(*code, severity, found.len(), lang));
                lines.push(format!("  {}", code.text(lang)));
                lines.push(format!("  → {}", code.action(lang)));
                lines.extend(found.into_iter().map(|finding| format!("    {}", of_finding(finding, lang))));
                lines.push(String::new());
            }
        }
    }
    lines.push(of_summary(&report.summary, lang));
    lines
}

fn head(code: ReasonCode, severity: Severity, count: usize, lang: Lang) -> String {
    let severity = match (severity, count) {
        (Severity::Error, 1) => lang.pick("error", "오류"),
        (Severity::Error, _) => lang.pick("errors", "오류"),
        (Severity::Warning, 1) => lang.pick("warning", "경고"),
        (Severity::Warning, _) => lang.pick("warnings", "경고"),
    };
    match lang {
        Lang::En => format!("{code}: {count} {severity}"),
        Lang::Ko => format!("{code}: {severity} {count}건"),
    }
}

fn of_finding(finding: &Finding, lang: Lang) -> String {
    let what = match (&finding.file, finding.cd_idx) {
        (Some(file), Some(cd_idx)) => format!("{file} (cd_idx {cd_idx})"),
        (Some(file), None) => file.clone(),
        (None, Some(cd_idx)) => format!("cd_idx {cd_idx}"),
        (None, None) => "-".to_owned(),
    };
    let mut text = format!("{what}: {}", finding.detail.of(lang));
    if finding.code == ReasonCode::NameSequenceGap {
        text += &format!(" [{}]", related(&finding.related, lang));
    }
    if let Some(fix) = &finding.fix {
        text += &format!(" → {fix}");
    }
    text
}

fn related(files: &[String], lang: Lang) -> String {
    let shown = files.iter().take(RELATED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(RELATED_MAX) {
        0 => shown,
        more => match lang {
            Lang::En => format!("{shown} and {more} more"),
            Lang::Ko => format!("{shown} 외 {more}개"),
        },
    }
}

fn of_summary(summary: &Summary, lang: Lang) -> String {
    let Summary { files, ready, errors, warnings, ignored, entities } = summary;
    match lang {
        Lang::En => {
            let plural = |n: u64, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
            format!(
                "{} of {}: {ready} ready, {}, {}, {ignored} ignored",
                plural(*files, "file", "files"),
                plural(*entities, "entity", "entities"),
                plural(*errors, "error", "errors"),
                plural(*warnings, "warning", "warnings"),
            )
        }
        Lang::Ko => format!(
            "파일 {files}개(엔티티 {entities}개): 올릴 수 있음 {ready}개, 오류 {errors}건, 경고 {warnings}건, 무시 {ignored}개"
        ),
    }
}

/// The lines about what was copied.
pub(super) fn of_fixed(fixed: &Fixed, out: &Path, lang: Lang) -> Vec<String> {
    let (copied, renamed, left, out) = (fixed.copied, fixed.renamed.len(), fixed.left.len(), out.display());
    let head = match lang {
        Lang::En => format!(
            "{copied} copied to {out}, {renamed} of them under another name; {left} left, which a person must decide or replace"
        ),
        Lang::Ko => format!(
            "{copied}개를 {out} 에 복사했습니다(이름을 바꾼 것 {renamed}개). 직접 확인해야 하는 파일 {left}개는 복사하지 않았습니다"
        ),
    };
    let renamed = fixed.renamed.iter().map(|copied| format!("  {} → {}", copied.file, copied.to));
    let left = fixed.left.iter().map(|file| match lang {
        Lang::En => format!("  left: {file}"),
        Lang::Ko => format!("  남음: {file}"),
    });
    [String::new(), head].into_iter().chain(renamed).chain(left).collect()
}
