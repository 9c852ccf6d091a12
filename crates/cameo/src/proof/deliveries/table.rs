//! A report as a table for Excel (`failed.csv`), and the list of what was handed over for `sha256sum`.
//!
//! Excel opens Korean rightly with a byte order mark alone, and runs what begins like a formula: such cells get an apostrophe. Names come
//! from outside: what is active in them is written out (`csv_cell` in `escape.rs`), so that a line of the table is a line of the file.

use super::{
    record::Record,
    report::{Line, Report},
};
use crate::{
    escape::csv_cell,
    model::{lang::Lang, reason::Owner},
};

/// Says that the text is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

impl Report {
    /// The table: a line a photo that is not live, with headers in the language of the report.
    pub fn csv(&self) -> String {
        let headers = match self.lang {
            Lang::Ko => ["cd_idx", "순번", "파일", "사유 코드", "조치할 사람", "사유와 조치", "상세"],
            Lang::En => ["cd_idx", "sequence", "file", "code", "owner", "reason and action", "detail"],
        };
        let mut csv = with_headers(headers);
        for line in &self.lines {
            push_row(&mut csv, &cells(line, self.lang));
        }
        csv
    }
}

/// The beginning of a table: the mark, and the headers.
pub fn with_headers<const N: usize>(headers: [&str; N]) -> String {
    let mut csv = BYTE_ORDER_MARK.to_owned();
    push_row(&mut csv, &headers.map(str::to_owned));
    csv
}

fn cells(line: &Line, lang: Lang) -> [String; 7] {
    let Line { cd_idx, sequence, file, code, owner, text, detail, found, .. } = line;
    // An older server does not say it in the report's language.
    let found = found.as_ref().or(detail.as_ref()).map(String::as_str).unwrap_or_default();
    // Whoever counts the rows is to see which of them are no failures.
    let is_no_failure = if line.is_warning() { lang.pick("not a failure: ", "실패 아님: ") } else { "" };
    [
        cd_idx.map(|cd_idx| cd_idx.to_string()).unwrap_or_default(),
        sequence.map(|sequence| sequence.to_string()).unwrap_or_default(),
        file.clone().unwrap_or_default(),
        code.clone(),
        name(*owner, lang).to_owned(),
        text.clone(),
        format!("{is_no_failure}{found}"),
    ]
}

fn name(owner: Owner, lang: Lang) -> &'static str {
    match lang {
        Lang::Ko => owner.korean(),
        Lang::En => owner.english(),
    }
}

/// RFC 4180: cells with a comma or quote are quoted, and a line ends with CR LF. No cell has a line break.
pub fn push_row(csv: &mut String, cells: &[String]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            csv.push(',');
        }
        let cell = csv_cell(cell);
        if cell.contains([',', '"']) {
            csv.extend(["\"", &cell.replace('"', "\"\""), "\""]);
        } else {
            csv.push_str(&cell);
        }
    }
    csv.push_str("\r\n");
}

impl Record {
    /// `manifest-sha256.txt`: lines as those of `BagIt` (RFC 8493), the names as they are in the folder, so that
    /// `sha256sum -c` works there.
    pub fn manifest(&self) -> String {
        let mut lines = String::new();
        for file in &self.content.files {
            lines.extend([&file.sha256, "  ", &file.name, "\n"]);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{super::report::tests::standing, *};

    #[test]
    fn cells_are_quoted_and_run_nothing() {
        let mut row = String::new();
        let mut named = String::new();
        push_row(&mut named, &["gpj.\u{202e}0_1".to_owned(), "\u{feff}=1".to_owned()]);
        assert_eq!(named, "gpj.\\u{202e}0_1,\\u{feff}=1\r\n", "what changes how a name looks is written out");
        let cells =
            ["=1+1", "-1", "@x", "\tx", "+1", "a,b", "say \"x\"", "=\"a\",b", "two\nlines", "\u{1b}[2J", "plain", ""];
        push_row(&mut row, &cells.map(str::to_owned));
        let expected =
            "'=1+1,'-1,'@x,'\\tx,'+1,\"a,b\",\"say \"\"x\"\"\",\"'=\"\"a\"\",b\",two\\nlines,\\u{1b}[2J,plain,\r\n";
        assert_eq!(row, expected);
    }

    #[test]
    fn the_table_opens_in_excel_in_the_language_that_was_asked_for() {
        let csv = Report::of(&standing(), Lang::Ko, &TimeZone::UTC).csv();
        assert!(csv.starts_with("\u{feff}cd_idx,순번,파일,"), "{csv}");
        assert!(csv.contains(",'=cmd|' /C calc'!A0\r\n"), "{csv}");
        assert_eq!(csv.lines().count(), 1 + Report::of(&standing(), Lang::Ko, &TimeZone::UTC).lines.len());
    }
}
