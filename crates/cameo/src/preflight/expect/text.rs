//! A list as text: CSV with commas, semicolons or tabs, or a name a line; in UTF-8, UTF-16 as Excel's "Unicode text" has
//! it, or CP949 as Korean Windows writes it.

use super::{
    Expectation, ROWS_MAX,
    table::{self, Row},
};

/// Lines by which the delimiter is chosen.
const SAMPLE_LINES: usize = 100;

/// The text of a file, by its byte order mark or by what it is valid in.
pub(super) fn decode(content: &[u8]) -> String {
    if let Some((encoding, length)) = encoding_rs::Encoding::for_bom(content) {
        return encoding.decode_without_bom_handling(&content[length..]).0.into_owned();
    }
    match std::str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::EUC_KR.decode(content).0.into_owned(),
    }
}

/// What a text promises.
pub(super) fn parse(text: &str) -> Result<Expectation, String> {
    let mut rows = Vec::new();
    // A quote that nothing closes is a stray one: as one that opens a cell it would swallow every row behind it.
    let is_quoted = text.matches('"').count().is_multiple_of(2);
    let cell = |cell: &str| if is_quoted { cell.to_owned() } else { cell.trim_matches('"').to_owned() };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .quoting(is_quoted)
        .from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        if rows.len() > ROWS_MAX {
            return Err(format!("it has more than {ROWS_MAX} rows"));
        }
        let number = record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
        rows.push(Row { number, cells: record.iter().map(cell).collect() });
    }
    if table::has_header(&rows) {
        join_thousands(&mut rows);
    }
    table::parse(rows)
}

/// The delimiter that most lines have; a comma where none has any. Lists that people type have full-width commas and spaces too, but only commas, semicolons
/// and tabs make columns.
fn delimiter(text: &str) -> u8 {
    let count =
        |delimiter: &u8| text.lines().take(SAMPLE_LINES).filter(|line| line.as_bytes().contains(delimiter)).count();
    // Of several that are in as many lines, a tab is hardly ever part of a cell.
    [b',', b';', b'\t'].into_iter().max_by_key(count).filter(|found| count(found) > 0).unwrap_or(b',')
}

/// A header of one column has rows of one cell: commas in them are thousand separators that nobody quoted.
fn join_thousands(rows: &mut [Row]) {
    if rows.first().is_none_or(|header| header.cells.len() != 1) {
        return;
    }
    for row in rows.iter_mut().filter(|row| row.cells.len() > 1) {
        let joined = row.cells.join(",");
        if super::parse_id(&joined).is_some() {
            row.cells = vec![joined];
        }
    }
}
