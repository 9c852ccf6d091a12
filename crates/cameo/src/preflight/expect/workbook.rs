//! A list as an Excel workbook, `.xlsx` or `.xls`: the first sheet with a header that is understood, or else the first
//! that is not empty.
//!
//! Cells of a sheet are read one by one and not as a rectangle, of which two cells in opposite corners would make billions. What an
//! `.xlsx` unpacks to is measured before anything of it is parsed.

use std::io::Cursor;

use calamine::{Data, Reader, Xls, Xlsx, open_workbook_from_rs};

use super::{
    Expectation, ROWS_MAX,
    cell::id_of_float,
    table::{self, Row},
};
use crate::preflight::archive::unpacked_bytes;

const ZIP: &[u8] = b"PK\x03\x04";
const COMPOUND_FILE: &[u8] = b"\xD0\xCF\x11\xE0";
/// What a workbook may unpack to. 512 MiB.
const UNPACKED_MAX_BYTES: u64 = 512 << 20;
/// Cells of a sheet, at most.
const CELLS_MAX: usize = 10_000_000;
/// Columns that are looked at.
const COLUMNS_MAX: u32 = 256;

/// Whether a file is a workbook.
pub(super) fn is_one(content: &[u8]) -> bool {
    content.starts_with(ZIP) || content.starts_with(COMPOUND_FILE)
}

/// What a workbook promises.
pub(super) fn parse(content: Vec<u8>) -> Result<Expectation, String> {
    let sheets = if content.starts_with(ZIP) { sheets_of_xlsx(&content)? } else { sheets_of_xls(content)? };
    let mut sheets: Vec<Vec<Row>> = sheets.into_iter().filter(|rows| !rows.is_empty()).collect();
    if sheets.is_empty() {
        return Ok(Expectation::default());
    }
    let chosen = sheets.iter().position(|rows| table::has_header(rows)).unwrap_or(0);
    table::parse(sheets.swap_remove(chosen))
}

fn sheets_of_xlsx(content: &[u8]) -> Result<Vec<Vec<Row>>, String> {
    unpacked_bytes(content, UNPACKED_MAX_BYTES).map_err(|error| error.to_string())?;
    let mut workbook: Xlsx<_> =
        open_workbook_from_rs(Cursor::new(content)).map_err(|error: calamine::XlsxError| error.to_string())?;
    let mut sheets = Vec::new();
    for name in workbook.sheet_names() {
        let Ok(mut cells) = workbook.worksheet_cells_reader(&name) else { continue };
        let mut sheet = Sheet::default();
        while let Some(cell) = cells.next_cell().map_err(|error| format!("sheet {name:?}: {error}"))? {
            let (row, column) = cell.get_position();
            sheet.add(row, column, text_of(&Data::from(cell.get_value().clone())))?;
        }
        sheets.push(sheet.rows);
    }
    Ok(sheets)
}

fn sheets_of_xls(content: Vec<u8>) -> Result<Vec<Vec<Row>>, String> {
    let mut workbook: Xls<_> =
        open_workbook_from_rs(Cursor::new(content)).map_err(|error: calamine::XlsError| error.to_string())?;
    let mut sheets = Vec::new();
    for (_, range) in workbook.worksheets() {
        let (top, left) = range.start().unwrap_or_default();
        let mut sheet = Sheet::default();
        for (row, column, value) in range.used_cells() {
            let (row, column) = (u32::try_from(row).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
            sheet.add(top.saturating_add(row), left.saturating_add(column), text_of(value))?;
        }
        sheets.push(sheet.rows);
    }
    Ok(sheets)
}

/// Rows as they come together, cell by cell.
#[derive(Default)]
struct Sheet {
    rows: Vec<Row>,
    cells: usize,
}

impl Sheet {
    /// Adds a cell, counted from 0.
    fn add(&mut self, row: u32, column: u32, text: String) -> Result<(), String> {
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
            return Err(format!("it has more than {ROWS_MAX} rows, or {CELLS_MAX} cells"));
        }
        Ok(())
    }
}

/// What a person sees in the cell, but numbers in full.
fn text_of(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => id_of_float(*number).map_or_else(|| number.to_string(), |id| id.to_string()),
        Data::Bool(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}
