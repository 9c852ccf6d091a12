//! Findings as a table for spreadsheets: UTF-8 with a byte order mark, which Excel needs to read Korean, and no cell that
//! is run as a formula.

use super::{Finding, Severity};
use crate::{escape::csv_cell, model::lang::Lang};

/// What Excel recognises UTF-8 by.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// The columns, in English and Korean.
const COLUMNS: [(&str, &str); 10] = [
    ("file", "파일"),
    ("code", "코드"),
    ("severity", "구분"),
    ("cd_idx", "cd_idx"),
    ("sequence", "순번"),
    ("detail", "상세"),
    ("related", "관련 파일"),
    ("right name", "올바른 이름"),
    ("meaning", "설명"),
    ("what to do", "조치"),
];

/// The findings as a CSV file.
pub fn csv_of(findings: &[Finding], lang: Lang) -> Vec<u8> {
    let mut out = BYTE_ORDER_MARK.to_vec();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut out);
    // Writing to memory cannot fail, nor can a row of another length than the first be written here.
    let _ = writer.write_record(COLUMNS.map(|(english, korean)| lang.pick(english, korean)));
    for finding in findings {
        let _ = writer.write_record(row(finding, lang).map(|cell| csv_cell(&cell)));
    }
    drop(writer);
    out
}

fn row(finding: &Finding, lang: Lang) -> [String; 10] {
    let severity = match finding.severity {
        Severity::Error => lang.pick("error", "오류"),
        Severity::Warning => lang.pick("warning", "경고"),
    };
    [
        finding.file.clone().unwrap_or_default(),
        finding.code.to_string(),
        severity.to_owned(),
        finding.cd_idx.map(|n| n.to_string()).unwrap_or_default(),
        finding.sequence.map(|n| n.to_string()).unwrap_or_default(),
        finding.detail.of(lang).to_owned(),
        finding.related.join(", "),
        finding.fix.clone().unwrap_or_default(),
        finding.code.text(lang).to_owned(),
        finding.code.action(lang).to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{lang::Text, reason::ReasonCode};

    #[test]
    fn excel_reads_it_and_runs_nothing() {
        let finding = Finding {
            file: Some("=cmd|'/c calc'!A1.jpg".into()),
            code: ReasonCode::NameUnparseable,
            severity: Severity::Error,
            cd_idx: None,
            sequence: None,
            detail: Text::new("no number, \"at all\"", "숫자가 없습니다"),
            related: vec!["-1.jpg".into(), "b\n.jpg".into()],
            fix: None,
        };
        let korean = String::from_utf8(csv_of(std::slice::from_ref(&finding), Lang::Ko)).unwrap();
        let lines: Vec<&str> = korean.split("\r\n").collect();
        assert_eq!(lines[0], "\u{feff}파일,코드,구분,cd_idx,순번,상세,관련 파일,올바른 이름,설명,조치");
        assert!(
            lines[1]
                .starts_with("'=cmd|'/c calc'!A1.jpg,name.unparseable,오류,,,숫자가 없습니다,\"'-1.jpg, b\\n.jpg\",,"),
            "{korean}"
        );
        assert_eq!(lines.len(), 3, "one finding is one line");
        let english = String::from_utf8(csv_of(&[finding], Lang::En)).unwrap();
        assert!(english.contains("\"no number, \"\"at all\"\"\""), "{english}");
    }
}
