//! A row of a list, wherever it comes from; and how one of its cells is named and shown to whoever has to correct it.

use super::cell::plain;

/// Characters of a cell that are shown.
const SHOWN_MAX_CHARS: usize = 60;

/// A row with the number that spreadsheets show.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) cells: Vec<String>,
}

/// The address of a cell, as spreadsheets have it.
pub(super) fn address(column: usize, row: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect::<String>() + &row.to_string()
}

/// A cell's text, as far as it is shown.
pub(super) fn shown(text: &str) -> String {
    plain(text).chars().take(SHOWN_MAX_CHARS).collect()
}
