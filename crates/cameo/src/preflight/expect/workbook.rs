//! A list as an Excel workbook, `.xlsx` or `.xls`: the first sheet with a header that is understood, or else the first
//! that is not empty. Of any other sheet in which ids or files may be, that is reported.
//!
//! Cells of a sheet are read one by one and not as a rectangle, of which two cells in opposite corners would make billions. What an
//! `.xlsx` unpacks to is measured before anything of it is parsed.

use std::{collections::HashMap, io::Cursor};

use calamine::{Data, ExcelDateTime, Reader, Xls, Xlsx, XlsxError, open_workbook_from_rs};

use super::{
    Expectation, Purpose, ROWS_MAX, Unread, UnreadableCell,
    cell::{Cell, id_of_float, is_day, is_without_value},
    of_reader,
    row::{Row, address, shown},
    table::{self, Shape},
};
use crate::{
    model::{ids::has_id_digits, lang::Text},
    preflight::archive::unpacked_bytes,
};

const ZIP: &[u8] = b"PK\x03\x04";
const COMPOUND_FILE: &[u8] = b"\xD0\xCF\x11\xE0";
/// What the first entry of an `OpenDocument` file says, and within how many bytes.
const OPEN_DOCUMENT: &[u8] = b"application/vnd.oasis.opendocument";
const OPEN_DOCUMENT_WITHIN: usize = 256;
/// What a workbook may unpack to. 512 MiB.
const UNPACKED_MAX_BYTES: u64 = 512 << 20;
/// Cells of a sheet, at most.
const CELLS_MAX: usize = 10_000_000;
/// Columns that are looked at.
const COLUMNS_MAX: u32 = 256;
/// Characters of a formula that are kept.
const FORMULA_MAX_CHARS: usize = 60;
/// What stands for a cell whose value cannot be read.
const BROKEN: &str = "#ERROR!";
/// Behind the last day that spreadsheets know, 9999-12-31.
const DAYS_MAX: f64 = 2_958_466.0;

/// Whether a file is a workbook.
pub(super) fn is_one(content: &[u8]) -> bool {
    content.starts_with(ZIP) || content.starts_with(COMPOUND_FILE)
}

/// What a workbook promises.
pub(super) fn parse(content: Vec<u8>, purpose: Purpose) -> Result<Expectation, Text> {
    if content.starts_with(ZIP)
        && content[..content.len().min(OPEN_DOCUMENT_WITHIN)].windows(OPEN_DOCUMENT.len()).any(|at| at == OPEN_DOCUMENT)
    {
        return Err(Text::new(
            "it is an OpenDocument file (.ods): save it as .xlsx or CSV",
            "OpenDocument 파일(.ods)입니다. .xlsx 나 CSV 로 저장해 주세요",
        ));
    }
    let sheets = if content.starts_with(ZIP) { sheets_of_xlsx(&content)? } else { sheets_of_xls(content)? };
    let mut beyond: Vec<UnreadableCell> = sheets.iter().filter_map(|(name, sheet)| sheet.beyond(name)).collect();
    let sheets = sheets.into_iter().map(|(name, sheet)| (name, sheet.rows));
    let mut sheets: Vec<(String, Vec<Row>)> = sheets.filter(|(_, rows)| !rows.is_empty()).collect();
    if sheets.is_empty() {
        return Ok(Expectation { unreadable: beyond, ..Expectation::default() });
    }
    // A sheet that is called 미전달 or 취소 says the opposite of what it names.
    let is_meant = |(name, _): &(String, Vec<Row>)| !purpose.is_negated(name);
    let has_header = |sheet: &(String, Vec<Row>)| is_meant(sheet) && table::has_header(&sheet.1);
    let chosen = sheets.iter().position(has_header).or_else(|| sheets.iter().position(is_meant)).unwrap_or(0);
    let (name, rows) = sheets.remove(chosen);
    let mut promised = if purpose.is_negated(&name) {
        let text = shown(&name);
        let address = format!("{name}!{}", address(0, rows.first().map_or(1, |row| row.number)));
        let unreadable = vec![UnreadableCell { address, text, why: Unread::NotPromised }];
        Expectation { unreadable, ..Expectation::default() }
    } else {
        table::parse(rows, Shape::Sheet, purpose)?
    };
    // Another sheet that says what was handed over must not be left out in silence.
    promised.unreadable.extend(sheets.iter().filter_map(|(name, rows)| other_sheet(name, rows)));
    promised.unreadable.append(&mut beyond);
    Ok(promised)
}

fn in_sheet(name: &str, error: Text) -> Text {
    Text::new(format!("sheet {name:?}: {}", error.english), format!("시트 {name:?}: {}", error.korean))
}

/// What of a sheet that is not read is reported: its header where it has one that is understood, or else the first cell of those that
/// may be ids or files.
fn other_sheet(name: &str, rows: &[Row]) -> Option<UnreadableCell> {
    let reported = |column, row, text: &str, why| UnreadableCell {
        address: format!("{name}!{}", address(column, row)),
        text: shown(text),
        why,
    };
    if let Some(header) = table::header_of(rows).filter(|_| rows.len() > 1) {
        return Some(reported(0, header.number, &header.cells.join(", "), Unread::OtherSheet));
    }
    let cells = rows.iter().flat_map(|row| row.cells.iter().enumerate().map(|(n, text)| (n, row.number, text)));
    let mut meant = cells.filter(|(_, _, text)| may_be_meant(text));
    let (column, row, text) = meant.next()?;
    Some(reported(column, row, text, Unread::InOtherSheet(1 + meant.count())))
}

/// Whether a cell of which nothing is read may be an id or a file.
fn may_be_meant(text: &str) -> bool {
    match Cell::read(text) {
        Cell::Empty => false,
        Cell::Id(_) | Cell::File(_) => true,
        Cell::Other => has_id_digits(text) || is_without_value(text) || is_day(text),
    }
}

fn sheets_of_xlsx(content: &[u8]) -> Result<Vec<(String, Sheet)>, Text> {
    unpacked_bytes(content, UNPACKED_MAX_BYTES).map_err(of_reader)?;
    let mut workbook: Xlsx<_> =
        open_workbook_from_rs(Cursor::new(content)).map_err(|error: XlsxError| of_reader(error))?;
    let mut sheets = Vec::new();
    for name in workbook.sheet_names() {
        if let Some(sheet) = sheet_of_xlsx(&mut workbook, &name).map_err(|error| in_sheet(&name, error))? {
            sheets.push((name, sheet));
        }
    }
    Ok(sheets)
}

/// The cells of a sheet; none where it is a chart or the like.
fn sheet_of_xlsx(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Option<Sheet>, Text> {
    // A cell whose value cannot be read has no place in the error, and one without a value may be a formula that nobody worked out: places
    // and formulas are read first, by themselves.
    let mut formulas = match workbook.worksheet_cells_reader(name) {
        Err(XlsxError::NotAWorksheet(_)) => return Ok(None),
        cells => cells.map_err(of_reader)?,
    };
    let (mut places, mut texts) = (Vec::new(), HashMap::new());
    while let Some(cell) = formulas.next_formula().map_err(of_reader)? {
        if places.len() >= CELLS_MAX {
            return Err(too_many_cells());
        }
        let formula = cell.get_value();
        if !formula.is_empty() {
            texts.insert(places.len(), formula.chars().take(FORMULA_MAX_CHARS).collect::<String>());
        }
        places.push(cell.get_position());
    }
    drop(formulas);
    let mut cells = workbook.worksheet_cells_reader(name).map_err(of_reader)?;
    let mut sheet = Sheet::default();
    for (n, (row, column)) in places.into_iter().enumerate() {
        let text = match cells.next_cell() {
            Ok(Some(cell)) => text_of(&Data::from(cell.get_value().clone())),
            Ok(None) => break,
            Err(XlsxError::CellError(text)) if text.starts_with('#') => text,
            Err(
                XlsxError::CellError(_)
                | XlsxError::CellTAttribute(_)
                | XlsxError::ParseFloat(_)
                | XlsxError::Unexpected(_)
                | XlsxError::Unrecognized { .. },
            ) => BROKEN.to_owned(),
            Err(error) => return Err(of_reader(error)),
        };
        let formula = texts.get(&n).filter(|_| text.trim().is_empty());
        sheet.add(row, column, formula.map_or(text, |formula| format!("={formula}")))?;
    }
    Ok(Some(sheet))
}

fn sheets_of_xls(content: Vec<u8>) -> Result<Vec<(String, Sheet)>, Text> {
    let mut workbook: Xls<_> =
        open_workbook_from_rs(Cursor::new(content)).map_err(|error: calamine::XlsError| of_reader(error))?;
    let mut sheets = Vec::new();
    for (name, range) in workbook.worksheets() {
        let (top, left) = range.start().unwrap_or_default();
        let mut sheet = Sheet::default();
        for (row, column, value) in range.used_cells() {
            let (row, column) = (u32::try_from(row).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
            sheet.add(top.saturating_add(row), left.saturating_add(column), text_of(value))?;
        }
        sheets.push((name, sheet));
    }
    Ok(sheets)
}

/// Rows as they come together, cell by cell.
#[derive(Default)]
struct Sheet {
    rows: Vec<Row>,
    cells: usize,
    /// The first cell behind the columns that are looked at that may be an id or a file, and how many there are.
    beyond: Option<((u32, u32), String, usize)>,
}

impl Sheet {
    /// What is behind the columns that are looked at.
    fn beyond(&self, name: &str) -> Option<UnreadableCell> {
        let ((row, column), text, cells) = self.beyond.as_ref()?;
        let at = |n: u32| usize::try_from(n).unwrap_or(usize::MAX - 1);
        let address = format!("{name}!{}", address(at(*column), at(*row) + 1));
        Some(UnreadableCell { address, text: shown(text), why: Unread::BeyondColumns(*cells) })
    }

    /// Adds a cell, counted from 0.
    fn add(&mut self, row: u32, column: u32, text: String) -> Result<(), Text> {
        if column >= COLUMNS_MAX && may_be_meant(&text) {
            self.beyond.get_or_insert(((row, column), text, 0)).2 += 1;
            return Ok(());
        }
        if text.is_empty() || column >= COLUMNS_MAX {
            return Ok(());
        }
        let number = usize::try_from(row).unwrap_or(usize::MAX).saturating_add(1);
        if self.rows.last().is_none_or(|last| last.number != number) {
            self.rows.push(Row { number, cells: Vec::new() });
        }
        let column = usize::try_from(column).unwrap_or(0);
        if let Some(last) = self.rows.last_mut() {
            // Empty cells on the way count: they take room too.
            self.cells += (column + 1).saturating_sub(last.cells.len());
            if last.cells.len() <= column && self.cells <= CELLS_MAX {
                last.cells.resize(column + 1, String::new());
            }
            if let Some(cell) = last.cells.get_mut(column) {
                *cell = text;
            }
        }
        if self.rows.len() > ROWS_MAX + 1 || self.cells > CELLS_MAX {
            return Err(too_many_cells());
        }
        Ok(())
    }
}

fn too_many_cells() -> Text {
    let english = format!("it has more than {ROWS_MAX} rows, or {CELLS_MAX} cells");
    Text::new(english, format!("{ROWS_MAX}줄이나 {CELLS_MAX}칸을 넘습니다"))
}

/// What a person sees in the cell, but numbers in full.
fn text_of(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => id_of_float(*number).map_or_else(|| number.to_string(), |id| id.to_string()),
        Data::Bool(value) => value.to_string(),
        Data::Error(error) => error.to_string(),
        Data::DateTime(time) => text_of_time(time),
    }
}

/// A number that is shown as a day is no id: nobody who looks at the sheet sees one. Of a time of the day only the day is said.
fn text_of_time(time: &ExcelDateTime) -> String {
    let days = time.as_f64();
    if time.is_duration() || !(0.0..DAYS_MAX).contains(&days) {
        return format!("{:.0}시간", days * 24.0);
    }
    let (year, month, day, ..) = time.to_ymd_hms_milli();
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::workbook_of;
    use super::*;

    /// Rows of one cell each, as the file has them.
    fn rows(cells: &[&str]) -> String {
        let row = |(n, cell): (usize, &&str)| {
            let number = n + 1;
            let cell = match cell.strip_prefix('<') {
                Some(rest) => format!("<{}", rest.replace('@', &format!("A{number}"))),
                None => format!(r#"<c r="A{number}" t="inlineStr"><is><t>{cell}</t></is></c>"#),
            };
            format!(r#"<row r="{number}">{cell}</row>"#)
        };
        cells.iter().enumerate().map(row).collect()
    }

    /// Ids, and what cannot be read.
    fn read(sheets: &[&[&str]]) -> (Vec<u64>, Vec<(String, String, Unread)>) {
        let sheets: Vec<String> = sheets.iter().map(|cells| rows(cells)).collect();
        let sheets: Vec<&str> = sheets.iter().map(String::as_str).collect();
        let list = parse(workbook_of(&sheets), Purpose::Promised).unwrap();
        assert!(list.files.is_empty() && list.remarks.is_empty(), "{list:?}");
        (list.ids, list.unreadable.into_iter().map(|cell| (cell.address, cell.text, cell.why)).collect())
    }

    #[test]
    fn no_sheet_is_left_out_in_silence() {
        let other =
            |address: &str, text: &str, cells| vec![(address.to_owned(), text.to_owned(), Unread::InOtherSheet(cells))];
        let listed = &["cd_idx", "1001"][..];
        for (sheets, ids, unreadable) in [
            ([listed, &["2001", "2002"]], vec![1001], other("s2!A1", "2001", 2)),
            ([listed, &["셀럽번호", "2001"]], vec![1001], other("s2!A2", "2001", 1)),
            ([listed, &["2001_0.jpg"]], vec![1001], other("s2!A1", "2001_0.jpg", 1)),
            ([listed, &["<c r=\"@\"><f>ROW()</f></c>"]], vec![1001], other("s2!A1", "=ROW()", 1)),
            ([&["2001", "2002"], listed], vec![1001], other("s1!A1", "2001", 2)),
            ([&["1001"], &["2001"]], vec![1001], other("s2!A1", "2001", 1)),
            ([listed, &["cd_idx", "2001"]], vec![1001], vec![("s2!A1".into(), "cd_idx".into(), Unread::OtherSheet)]),
            ([listed, &["담당자", "홍길동"]], vec![1001], vec![]),
            ([listed, &[]], vec![1001], vec![]),
        ] {
            assert_eq!(read(&sheets), (ids, unreadable), "{sheets:?}");
        }
    }

    #[test]
    fn what_a_cell_does_not_say_is_reported() {
        for (cell, text) in [
            (r#"<c r="@"><f>B2+1</f></c>"#, "=B2+1"),
            (r#"<c r="@"><f>ROW()</f><v></v></c>"#, "=ROW()"),
            (r#"<c r="@" t="str"><f>VLOOKUP(B2,C:D,2)</f><v></v></c>"#, "=VLOOKUP(B2,C:D,2)"),
            (r#"<c r="@" t="e"><v>#SPILL!</v></c>"#, "#SPILL!"),
            (r#"<c r="@" t="e"><v>#N/A</v></c>"#, "#N/A"),
            (r#"<c r="@" t="e"><v>1002</v></c>"#, BROKEN),
            (r#"<c r="@" t="s"><v>7</v></c>"#, BROKEN),
            (r#"<c r="@" s="1"><v>46352</v></c>"#, "2026-11-26"),
            (r#"<c r="@" s="1"><v>46352.5</v></c>"#, "2026-11-26"),
        ] {
            let reported = |at: &str| vec![(at.to_owned(), text.to_owned(), Unread::Word)];
            assert_eq!(read(&[&["cd_idx", "1001", cell, "1003"]]), (vec![1001, 1003], reported("A3")), "{cell}");
            assert_eq!(read(&[&["1001", cell, "1003"]]), (vec![1001, 1003], reported("A2")), "{cell}");
            assert_eq!(read(&[&[cell, "1002", "1003"]]), (vec![1002, 1003], reported("A1")), "{cell}");
        }
        let worked_out = r#"<c r="@"><f>B2+1</f><v>1002</v></c>"#;
        assert_eq!(read(&[&["cd_idx", "1001", worked_out]]), (vec![1001, 1002], vec![]));
    }
}
