//! Lists of `cd_idx` as people have them: pasted from a chat, a column of Excel, a CSV, a query of SQL.
//!
//! [`parse_ids`] reads bytes of a file (`decode` in `model/ids/decode.rs` knows their encodings), [`parse_ids_text`] what was typed.
//! Every id is read, or the text is refused with the line and column of each place that cannot be: none is lost in silence, and none
//! is made up by gluing digits together or by splitting them. Only a header may be skipped, and the caller can show which.

use std::{borrow::Cow, collections::BTreeSet, ops::RangeInclusive};

use super::{
    key::{
        CD_IDX_MAX, evident,
        reading::{Extension, Reading, read},
    },
    lang::Text,
};

mod cells;
mod decode;
mod error;
mod negation;
mod normalise;
mod numbered;
mod quotes;
mod sql;
mod table;
mod thousands;
mod totals;

pub(crate) use cells::is_thousands;
use cells::{Cell, cells_of, joined, runs_of};
pub(crate) use decode::decode;
pub use error::{IdsError, UnreadablePlace, Why};
pub(crate) use negation::negates;
pub(crate) use normalise::{is_invisible, normalise, plain_digit};
pub(crate) use quotes::{stray_quotes, without};
pub(crate) use thousands::Thousands;
pub(crate) use totals::is_total;

/// Ids in one question, at most.
pub const IDS_MAX: usize = 100_000;
/// Length of a text of ids, bytes, at most: a CSV of as many entities with some columns beside them.
pub const IDS_TEXT_MAX_BYTES: usize = 64 << 20;
/// Characters of a text that is no number that are shown.
const SHOWN_MAX_CHARS: usize = 40;
/// Groups of three digits that a number of 16 digits has behind its first, at most: more cells are not looked at for one.
pub(crate) const GROUPS_MAX: usize = 5;
/// Lines above a header, at most.
const TITLES_MAX: usize = 9;
/// Names of columns of ids; better ones first. Case, spaces and marks do not matter.
pub const ID_HEADERS: [&str; 14] = [
    "cd_idx",
    "cd_id",
    "entity_id",
    "entity",
    "엔티티",
    "엔티티번호",
    "상품번호",
    "상품코드",
    "상품ID",
    "id",
    "ids",
    "아이디",
    "번호",
    "코드",
];
/// How many of them name nothing else.
const CLEAR_HEADERS: usize = 9;
/// Names of columns that may be of anything's numbers: where no other column is one of ids.
const VAGUE_HEADERS: [&str; 3] = ["idx", "no", "number"];
/// Names of columns that count photos: no number in them is an id.
pub(crate) const COUNT_HEADERS: [&str; 11] = [
    "count",
    "photos",
    "photo_count",
    "number of photos",
    "사진수",
    "사진개수",
    "사진장수",
    "장수",
    "매수",
    "수량",
    "이미지수",
];
/// Names of columns that number rows, or photos of an entity: no number in them is an id.
const RUNNING_HEADERS: [&str; 10] =
    ["순번", "순서", "연번", "일련번호", "행번호", "순위", "사진순번", "사진번호", "sequence", "seq"];
/// What follows numbers that are no ids: those of dates and counts.
const UNITS: [char; 12] = ['년', '월', '일', '시', '분', '차', '회', '호', '장', '건', '개', '명'];

/// Ids that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// The numbers, ascending, each once.
    pub ids: Vec<u64>,
    /// The header line that was skipped, if there was one.
    pub ignored_header: Option<String>,
    /// The column that they were taken from, counted from 1, where there were several.
    pub column: Option<usize>,
    /// What could be meant in two ways, and how it was read.
    pub remarks: Vec<UnreadablePlace>,
}

/// What was read of a list in which not every word is an id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadIds {
    /// The numbers, ascending, each once.
    pub ids: Vec<u64>,
    /// The header line that was skipped, if there was one.
    pub ignored_header: Option<String>,
    /// The column that they were taken from, counted from 1, where there were several.
    pub column: Option<usize>,
    /// The other words, in their order.
    pub unreadable: Vec<UnreadablePlace>,
}

/// Whether commas between digits may be anything but separators of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commas {
    /// Typed on a command line: they separate.
    Separate,
    /// In a file: `351,518` may be one number or two.
    Unsure,
}

/// Reads the ids of a file.
pub fn parse_ids(bytes: &[u8]) -> Result<Ids, IdsError> {
    if bytes.len() > IDS_TEXT_MAX_BYTES {
        return Err(IdsError::TooLong(bytes.len()));
    }
    match decode(bytes) {
        (text, true) => parse(&text, Commas::Unsure),
        (_, false) if bytes.contains(&0) => Err(IdsError::NotText),
        (_, false) => Err(IdsError::Encoding),
    }
}

/// Reads the ids of a text that somebody typed.
pub fn parse_ids_text(text: &str) -> Result<Ids, IdsError> {
    parse(text, Commas::Separate)
}

/// Reads the ids of a text in which other words may be, too: they come back with their places, so that none is lost in silence. Names of
/// photos and their keys count as the numbers that they begin with.
pub fn read_ids_text(text: &str) -> Result<ReadIds, IdsError> {
    let mut found = found_in(text, Commas::Separate, true)?;
    let (mut ids, mut unreadable) = (std::mem::take(&mut found.ids), Vec::new());
    for place in std::mem::take(&mut found.unreadable) {
        match named_by(&place.text) {
            Some(id) => ids.push(id),
            None => unreadable.push(place),
        }
    }
    if ids.is_empty() && unreadable.is_empty() {
        return Err(IdsError::Empty);
    }
    // A column of which nothing is read is as good as words that cannot be.
    unreadable.extend(found.remarks.into_iter().filter(|place| place.why == Why::OtherColumn));
    let (ids, unreadable) = (ascending(ids)?, in_order(unreadable));
    Ok(ReadIds { ids, ignored_header: found.ignored_header, column: found.column, unreadable })
}

/// The number of the photo that a word names, as a file, a key, or one of its renditions: what the reading of names says of it, and nothing
/// else.
fn named_by(word: &str) -> Option<u64> {
    let name = word.rsplit('/').next()?;
    let Reading { cd_idx, sequence, extension, .. } = read(name);
    // Of digits alone, `1001-1005` are a range and `1001.5` is no name.
    let is_name = name.contains('_') || matches!(extension, Extension::Right | Extension::Wrong(_));
    if let (Some(id), Some(_), true) = (cd_idx, sequence, is_name) {
        return Some(id);
    }
    let parts: Vec<&str> = name.split('.').next()?.split('_').collect();
    let [number, image_size, sequence] = parts[..] else { return None };
    let is_size = image_size.starts_with(|c: char| c.is_ascii_lowercase());
    let (id, of) = evident(&format!("{number}_{sequence}.jpg"));
    of.and(id).filter(|_| is_size)
}

/// The ids of a text in which there is a list `IN (…)`, and the places that cannot be read; none where there is no such list, or a table.
pub(crate) fn ids_with_sql(text: &str) -> Option<(Vec<u64>, Vec<UnreadablePlace>)> {
    if !sql::has_in_list(text) {
        return None;
    }
    let text = normalise(text);
    if table::named(&cells_of(&text)).is_some() || !matches!(sql::read(&text), Ok(Some(_))) {
        return None;
    }
    let mut found = Found::default();
    found.take(&text, Commas::Unsure).ok()?;
    Some((found.ids, found.unreadable))
}

fn parse(text: &str, commas: Commas) -> Result<Ids, IdsError> {
    found_in(text, commas, false)?.ids()
}

fn found_in(text: &str, commas: Commas, each_word: bool) -> Result<Found, IdsError> {
    if text.len() > IDS_TEXT_MAX_BYTES {
        return Err(IdsError::TooLong(text.len()));
    }
    let text = normalise(text.trim_start_matches('\u{feff}'));
    let mut found = Found { each_word, ..Found::default() };
    found.take(&without_quotes_around(text), commas)?;
    Ok(found)
}

/// Each once, and no more than may be asked for.
fn ascending(mut ids: Vec<u64>) -> Result<Vec<u64>, IdsError> {
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > IDS_MAX { Err(IdsError::TooMany(ids.len())) } else { Ok(ids) }
}

fn in_order(mut places: Vec<UnreadablePlace>) -> Vec<UnreadablePlace> {
    places.sort_by_key(|place| (place.line, place.column));
    places
}

/// Excel puts quotes around what is copied from one cell of several lines.
fn without_quotes_around(text: String) -> String {
    let inner = text.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner.filter(|inner| inner.contains('\n') && !inner.contains('"')) {
        Some(_) => text.replace('"', " "),
        None => text,
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    ids: Vec<u64>,
    unreadable: Vec<UnreadablePlace>,
    ignored_header: Option<String>,
    column: Option<usize>,
    remarks: Vec<UnreadablePlace>,
    /// Whether the words of a cell are read one by one.
    each_word: bool,
}

impl Found {
    fn take(&mut self, text: &str, commas: Commas) -> Result<(), IdsError> {
        let text = self.without_open_quotes(text);
        let rows = cells_of(&text);
        if let Some(table) = table::named(&rows) {
            table.take(self);
        } else if let Some(sql) = sql::read(&text)? {
            let places = Places::of(&text);
            if !sql.negated.is_empty() {
                // Of what is to be left out nothing is an id, and nobody knows how much of the rest is.
                for place in &sql.negated {
                    let (line, column) = places.at(place.start);
                    self.place(line, column, &text[place.clone()], Why::Negated);
                }
                return Ok(());
            }
            if let Some(name) = sql.other {
                let (line, column) = places.at(name.start);
                self.place(line, column, &text[name], Why::OtherName);
                return Ok(());
            }
            // Without what was before them, more quotes begin a cell.
            let rest = self.without_open_quotes(&sql.rest);
            self.take_list(&cells_of(&rest), commas);
        } else {
            let numbered = numbered::lines_of(&text);
            for (line, column, text) in &numbered {
                self.place(*line, *column, text, Why::Ambiguous);
            }
            let lines: BTreeSet<usize> = numbered.iter().map(|(line, ..)| *line).collect();
            let is_numbered =
                |row: &Vec<Cell>| lines_of(row).is_some_and(|of_row| lines.range(of_row).next().is_some());
            let rows: Vec<Vec<Cell>> =
                if numbered.is_empty() { rows } else { rows.into_iter().filter(|row| !is_numbered(row)).collect() };
            if let Some(table) = table::unnamed(&rows).map_err(IdsError::SeveralColumns)? {
                table.take(self);
            } else {
                self.take_list(&rows, commas);
            }
        }
        Ok(())
    }

    fn without_open_quotes<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let quotes = stray_quotes(text, |byte| matches!(byte, b',' | b';' | b'\t' | b'|'));
        let places = Places::of(if quotes.is_empty() { "" } else { text });
        for quote in &quotes {
            let (line, column) = places.at(*quote);
            let rest = text[*quote..].lines().next().unwrap_or_default();
            self.place(line, column, rest, Why::OpenQuote);
        }
        if quotes.is_empty() { text.into() } else { without(text, &quotes).into() }
    }

    /// Every number of every cell, but for a first line that is a header.
    fn take_list(&mut self, rows: &[Vec<Cell>], commas: Commas) {
        let mut rows = rows;
        let mut is_named = false;
        if let [first, rest @ ..] = rows
            && is_header(first)
        {
            is_named = first.iter().any(|cell| rank_of_column(&cell.text).is_some());
            if !self.take_header(first) {
                return;
            }
            rows = rest;
        }
        let thousands = self.thousands(rows, commas, is_named);
        for run in rows.iter().flat_map(|row| runs_of(row)) {
            let words = words_with_commas(run);
            let is_whole = words.len() == 1 && is_thousands(joined(run).trim().trim_matches(','));
            if is_named && is_whole && thousands == Thousands::Separated {
                // A header of one column has rows of one cell: commas in them are thousand separators that nobody quoted.
                self.take_number(run);
            } else if words.iter().any(|word| is_one_thousand(word, commas)) {
                self.ambiguous(run);
            } else {
                if let Some(word) = words.iter().find(|word| is_thousands(word)) {
                    run.first().into_iter().for_each(|first| self.remark(first, word, Why::TakenApart));
                }
                for cell in run {
                    self.take_cell(cell, thousands);
                }
            }
        }
    }

    /// The line that is skipped; false where it says that what follows is to be left out.
    fn take_header(&mut self, header: &[Cell]) -> bool {
        let Some(cell) = header.iter().find(|cell| !cell.is_empty()) else { return true };
        let negates = negates(&cell.text);
        if negates {
            self.unreadable(cell, Why::Negated);
        }
        self.ignored_header = Some(cell.text.trim().to_owned());
        !negates
    }

    /// What commas in the numbers of a list are.
    fn thousands(&mut self, rows: &[Vec<Cell>], commas: Commas, is_named: bool) -> Thousands {
        // What was typed, or is in no column, is separated by its commas, unless they are in quotes.
        let may_be_whole = is_named || commas == Commas::Unsure;
        let runs = rows.iter().flat_map(|row| runs_of(row));
        let texts = runs.flat_map(|run| {
            if may_be_whole {
                vec![(joined(run), run.first())]
            } else {
                run.iter().map(|cell| (cell.text.clone(), Some(cell))).collect()
            }
        });
        let texts: Vec<(String, Option<&Cell>)> = texts.collect();
        let thousands = Thousands::of(texts.iter().map(|(text, _)| text.as_str()));
        let first = texts.iter().find(|(text, _)| is_thousands(text)).and_then(|(text, cell)| Some((text, (*cell)?)));
        if let (Thousands::Separated, Some((text, cell))) = (thousands, first) {
            self.remark(cell, text, Why::TakenAsOne);
        }
        thousands
    }

    /// A number that was cut at its thousand separators.
    fn take_number(&mut self, run: &[Cell]) {
        match joined(run).trim().replace(',', "").parse() {
            Ok(id) if (1..=CD_IDX_MAX).contains(&id) => self.ids.push(id),
            _ => self.ambiguous(run),
        }
    }

    fn take_cell(&mut self, cell: &Cell, thousands: Thousands) {
        if thousands == Thousands::Unsure && cell.is_quoted && is_thousands(&cell.text) {
            return self.unreadable(cell, Why::Ambiguous);
        }
        // A cell counts as a whole: what stands beside a slip may be a part of the same number. Where words are looked up one by one, whoever
        // pasted them sees each.
        match cell.numbers(true) {
            Ok(numbers) => self.ids.extend(numbers),
            Err((offset, word)) if !self.each_word => {
                self.place(cell.line, cell.column + offset, &word, Why::NotANumber);
            }
            Err(_) => self.take_words(cell),
        }
    }

    fn take_words(&mut self, cell: &Cell) {
        for word in cell.words(true) {
            match word {
                Ok(id) => self.ids.push(id),
                Err((offset, word)) => self.place(cell.line, cell.column + offset, &word, Why::NotANumber),
            }
        }
    }

    fn ambiguous(&mut self, run: &[Cell]) {
        if let Some(first) = run.first() {
            self.place(first.line, first.column, &joined(run), Why::Ambiguous);
        }
    }

    fn unreadable(&mut self, cell: &Cell, why: Why) {
        self.place(cell.line, cell.column, &cell.text, why);
    }

    fn remark(&mut self, cell: &Cell, text: &str, why: Why) {
        let Cell { line, column, .. } = *cell;
        self.remarks.push(UnreadablePlace { line, column, text: shown(text), why });
    }

    fn place(&mut self, line: usize, column: usize, text: &str, why: Why) {
        self.unreadable.push(UnreadablePlace { line, column, text: shown(text), why });
    }

    fn ids(self) -> Result<Ids, IdsError> {
        if !self.unreadable.is_empty() {
            return Err(IdsError::Unreadable(in_order(self.unreadable)));
        }
        if self.ids.is_empty() {
            return Err(IdsError::Empty);
        }
        let (ids, remarks) = (ascending(self.ids)?, in_order(self.remarks));
        Ok(Ids { ids, ignored_header: self.ignored_header, column: self.column, remarks })
    }
}

/// The lines that a row is in.
fn lines_of(row: &[Cell]) -> Option<RangeInclusive<usize>> {
    Some(row.first()?.line..=row.last()?.line)
}

/// The lines and characters of places in a text, each found without another look at all that is before it.
struct Places<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
        Self { text, starts }
    }

    fn at(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts[line.saturating_sub(1)];
        (line, self.text[start..at].chars().count() + 1)
    }
}

/// What was written without a space before it was cut at commas.
fn words_with_commas(run: &[Cell]) -> Vec<String> {
    if run.len() < 2 {
        return Vec::new();
    }
    let text = joined(run);
    let words = text.split_whitespace().map(|word| word.trim_matches(','));
    words.filter(|word| word.contains(',')).map(str::to_owned).collect()
}

/// Whether digits and commas may be one number. Of what was typed they separate ids, but of `1,001` the second part is none.
fn is_one_thousand(word: &str, commas: Commas) -> bool {
    let begins_with_zero = || word.split(',').skip(1).any(|group| group.starts_with('0'));
    is_thousands(word) && (commas == Commas::Unsure || begins_with_zero())
}

/// A header as it is compared: letters and digits, small.
pub(crate) fn simple_header(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a header may name a column of ids beside a better one.
pub(crate) fn is_id_header(text: &str) -> bool {
    rank_of_column(text).is_some_and(|rank| rank < ID_HEADERS.len())
}

/// How well a header names a column of ids: 0 is best. A remark behind a clear name does not matter.
fn rank_of_column(text: &str) -> Option<usize> {
    let name = simple_header(clear_header(text).unwrap_or(text));
    ID_HEADERS.iter().chain(&VAGUE_HEADERS).position(|known| simple_header(known) == name)
}

/// The name of a column of ids and of nothing else, without a remark behind it.
pub(crate) fn clear_header(text: &str) -> Option<&str> {
    let is_clear = |text: &str| {
        let name = simple_header(text);
        ID_HEADERS[..CLEAR_HEADERS].iter().any(|known| simple_header(known) == name)
    };
    let text = text.trim();
    let (name, rest) = text.split_once(|c: char| c.is_whitespace() || matches!(c, '(' | '[')).unwrap_or((text, ""));
    let without_remark = (is_clear(name) && !has_id_digits(rest)).then_some(name);
    if is_clear(text) { Some(text) } else { without_remark }
}

fn is_column_name(text: &str) -> bool {
    rank_of_column(text).is_some()
}

/// Whether a header names a column of counts, or of numbers that run on.
pub(crate) fn is_count_header(text: &str) -> bool {
    let name = simple_header(text);
    COUNT_HEADERS.iter().chain(&RUNNING_HEADERS).any(|known| simple_header(known) == name)
}

/// Whether a text that is no number may hold an id, beside dates and counts.
pub(crate) fn has_id_digits(text: &str) -> bool {
    let chars: Vec<char> = text.chars().map(plain_digit).collect();
    let mut at = 0;
    while at < chars.len() {
        let length = chars[at..].iter().take_while(|c| c.is_ascii_digit()).count();
        if length == 0 {
            at += 1;
            continue;
        }
        let date = date_length(&chars[at..]);
        let next = chars[at + length..].iter().find(|c| **c != ' ');
        if date == 0 && !next.is_some_and(|c| UNITS.contains(c)) {
            return true;
        }
        at += length.max(date);
    }
    false
}

/// The length of `2026-11-26`, `2026.11.26`, `2026/11/26`; 0 where there is none.
fn date_length(chars: &[char]) -> usize {
    let number = |from: usize| chars[from.min(chars.len())..].iter().take_while(|c| c.is_ascii_digit()).count();
    let is_mark = |at: usize| chars.get(at).is_some_and(|c| matches!(c, '-' | '.' | '/'));
    if number(0) != 4 || !is_mark(4) {
        return 0;
    }
    let month = number(5);
    let day = number(6 + month);
    let is_date = (1..=2).contains(&month) && is_mark(5 + month) && (1..=2).contains(&day);
    if is_date { 6 + month + day } else { 0 }
}

/// A line of one text, which is a name of ids, or at least no number with a slip.
fn is_header(first: &[Cell]) -> bool {
    let mut cells = first.iter().filter(|cell| !cell.is_empty());
    match (cells.next(), cells.next()) {
        (Some(cell), None) => {
            // What a list of SQL selects from is not read, and must not pass for a header.
            let is_select = cell.text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
            is_column_name(&cell.text) || (!is_select && !has_id_digits(&cell.text) && cell.numbers(true).is_err())
        }
        _ => false,
    }
}

fn shown(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(SHOWN_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod messes;
#[cfg(test)]
mod tests;
