//! A list as text: CSV with commas, semicolons or tabs, or a name a line. No quote that is left open swallows a row, and no comma glues
//! two ids together.

use super::{
    Expectation, Purpose, ROWS_MAX, Unread, UnreadableCell,
    cell::unbracketed,
    columns::Columns,
    of_reader,
    row::{Row, address, shown},
    table::{self, Shape},
    too_many_rows,
};
use crate::model::{
    ids::{UnreadablePlace, Why, ids_with_sql, is_thousands, plain_digit, stray_quotes, without},
    lang::Text,
};

/// Lines by which the delimiter is chosen.
const SAMPLE_LINES: usize = 100;

/// What a text promises.
pub(super) fn parse(text: &str) -> Result<Expectation, Text> {
    let ended = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
    let ended = without_brackets_around(ended);
    if let Some(promised) = sql(&ended) {
        return Ok(promised);
    }
    let delimiter = delimiter(&ended);
    let quotes = stray_quotes(&ended, |byte| byte == delimiter);
    let mut unreadable: Vec<UnreadableCell> =
        quotes.iter().map(|quote| open_quote(&ended, *quote, delimiter)).collect();
    let ended = if quotes.is_empty() { ended } else { without(&ended, &quotes) };
    let mut rows = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(ended.as_bytes());
    for record in reader.records() {
        let record = record.map_err(of_reader)?;
        if rows.len() > ROWS_MAX {
            return Err(too_many_rows());
        }
        let number = record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
        rows.push(Row { number, cells: record.iter().map(str::to_owned).collect() });
    }
    if delimiter == b',' {
        unreadable.extend(join_thousands(&mut rows));
    }
    let mut promised = table::parse(rows, Shape::Lines, Purpose::Promised)?;
    promised.unreadable.extend(unreadable);
    Ok(promised)
}

/// Brackets around all of a list, or all of one of its lines, say nothing: `[1, 2]`. Places stay as they are.
fn without_brackets_around(text: String) -> String {
    if !text.contains(['(', '[', '{', '（']) {
        return text;
    }
    let blanked = |text: &str| {
        let inner = unbracketed(text);
        (inner.len() < text.len()).then(|| {
            let before = text.len() - text.trim_start().len();
            let (start, end) = (before, text.trim_end().len());
            let width = |at: Option<char>| at.map_or(0, char::len_utf8);
            let (first, last) = (width(text[start..].chars().next()), width(text[..end].chars().next_back()));
            format!("{} {} {}", &text[..start], &text[start + first..end - last], &text[end..])
        })
    };
    match blanked(&text) {
        Some(text) => text,
        None => {
            text.split('\n').map(|line| blanked(line).unwrap_or_else(|| line.to_owned())).collect::<Vec<_>>().join("\n")
        }
    }
}

/// What a condition `cd_idx IN (…)` promises, with the ids around it.
fn sql(text: &str) -> Option<Expectation> {
    let (ids, places) = ids_with_sql(text)?;
    let cell = |place: UnreadablePlace| {
        let why = match place.why {
            Why::NotANumber => Unread::Word,
            Why::Ambiguous | Why::TakenApart => Unread::Ambiguous,
            Why::OpenQuote => Unread::OpenQuote,
            Why::NotInColumn => Unread::NotInColumn,
            Why::Negated => Unread::Negated,
            Why::InTotals => Unread::InTotals,
            Why::OtherColumn => Unread::OtherColumn,
            Why::TakenAsOne => Unread::TakenAsOne,
            Why::BelowTotals => Unread::BelowTotals,
            Why::Contradicts => Unread::Contradicts,
            Why::OtherName => Unread::OtherName,
        };
        UnreadableCell { address: address(0, place.line), text: place.text, why }
    };
    let unreadable = places.into_iter().map(cell).collect();
    Some(Expectation { ids, unreadable, ..Expectation::default() }.in_order())
}

/// The delimiter that most lines have; a comma where none has any. Lists that people type have full-width commas and spaces too, but only commas, semicolons
/// and tabs make columns.
fn delimiter(text: &str) -> u8 {
    let count =
        |delimiter: &u8| text.lines().take(SAMPLE_LINES).filter(|line| line.as_bytes().contains(delimiter)).count();
    // Of several that are in as many lines, a tab is hardly ever part of a cell.
    [b',', b';', b'\t'].into_iter().max_by_key(count).filter(|found| count(found) > 0).unwrap_or(b',')
}

/// A quote that nothing closes, with what is behind it in its line.
fn open_quote(text: &str, quote: usize, delimiter: u8) -> UnreadableCell {
    let line_start = text[..quote].rfind('\n').map_or(0, |end| end + 1);
    let row = text[..quote].matches('\n').count() + 1;
    let mut is_quoted = false;
    let column = text.as_bytes()[line_start..quote].iter().filter(|byte| {
        is_quoted ^= **byte == b'"';
        **byte == delimiter && !is_quoted
    });
    let rest = text[quote..].lines().next().unwrap_or_default();
    UnreadableCell { address: address(column.count(), row), text: shown(rest), why: Unread::OpenQuote }
}

/// Commas that nobody quoted may be thousand separators. Under a header of one column they are, since its rows have one cell, unless another
/// row shows that commas separate; elsewhere they may be either.
fn join_thousands(rows: &mut [Row]) -> Vec<UnreadableCell> {
    let header = rows.iter().take(table::HEADER_WITHIN_ROWS).position(Columns::is_header);
    if header.is_some_and(|header| rows[header].cells.len() != 1) {
        return Vec::new();
    }
    let rows = &mut rows[header.map_or(0, |header| header + 1)..];
    let is_separated = rows.iter().any(|row| numbers_with_commas(row).iter().any(|number| !is_thousands(number)));
    let mut unsure = Vec::new();
    for row in rows.iter_mut() {
        let Some(number) = numbers_with_commas(row).into_iter().find(|number| is_thousands(number)) else { continue };
        let joined = row.cells.join(",");
        if header.is_some() && !is_separated && number.len() == joined.trim().len() {
            row.cells = vec![joined];
        } else {
            let address = address(0, row.number);
            unsure.push(UnreadableCell { address, text: shown(&joined), why: Unread::Ambiguous });
            row.cells.clear();
        }
    }
    unsure
}

/// Digits between which nothing but a comma was before the row was cut.
fn numbers_with_commas(row: &Row) -> Vec<String> {
    if row.cells.len() < 2 {
        return Vec::new();
    }
    let joined: String = row.cells.join(",").chars().map(plain_digit).collect();
    let runs = joined.split(|c: char| !c.is_ascii_digit() && c != ',').map(|run| run.trim_matches(','));
    runs.filter(|run| run.contains(',')).map(str::to_owned).collect()
}
