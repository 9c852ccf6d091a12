//! A list as rows of cells, wherever they come from: which columns say what, and what each row promises.
//!
//! With a header, the columns that are understood count and all others are ignored. Without one, the columns count most of
//! whose cells are ids or file names, and every cell of those is one.

use super::{
    Expectation, ExpectedFile, Purpose, ROWS_MAX, Unread, UnreadableCell,
    cell::{Cell, cd_idx_of_file, is_day, is_without_value, parse_id, plain, several},
    columns::Columns,
    hashes::Hashes,
    headers,
    row::{Row, address, shown},
    running::are_sequences,
    status::{Flags, Status, heading},
    too_many_files, too_many_rows,
};
use crate::model::ids::{
    Thousands, clear_header, has_id_digits, is_count_header, is_id_header, is_thousands, is_total,
};
use crate::model::lang::Text;

/// Rows in which a header is looked for: titles may be above it.
pub(super) const HEADER_WITHIN_ROWS: usize = 10;
/// Cells by which each column of a table without a header is judged.
const SAMPLE_CELLS: usize = 200;
/// Photos of one entity that a count may promise.
const COUNT_MAX: u64 = 65_536;

/// Whether the cells of rows can be trusted to be in their columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Cells of a spreadsheet.
    Sheet,
    /// Lines cut at a delimiter, of which one too much moves all cells behind it.
    Lines,
}

/// How the rows of a table are read.
#[derive(Debug)]
struct Reading<'c> {
    columns: &'c Columns,
    shape: Shape,
    /// What commas in its ids are.
    thousands: Thousands,
    /// Whether the column of ids just counts the rows of files.
    counts_rows: bool,
    /// What the other columns say of their rows.
    flags: Flags,
}

/// What rows promise.
pub(super) fn parse(rows: Vec<Row>, shape: Shape, purpose: Purpose) -> Result<Expectation, Text> {
    if rows.len() > ROWS_MAX {
        return Err(too_many_rows());
    }
    let header = rows.iter().take(HEADER_WITHIN_ROWS).enumerate().find_map(|(n, row)| Some((n, Columns::of(row)?)));
    let mut promised = Promised { purpose, ..Promised::default() };
    match header {
        Some((n, columns)) => promised.take_table(&rows[..n], &rows[n], &rows[n + 1..], &columns, shape)?,
        None => promised.take_unnamed(&rows, shape)?,
    }
    Ok(promised.into_list())
}

/// The header of a table, where it has one that is understood.
pub(super) fn header_of(rows: &[Row]) -> Option<&Row> {
    rows.iter().take(HEADER_WITHIN_ROWS).find(|row| Columns::is_header(row))
}

/// Whether a table has a header that is understood.
pub(super) fn has_header(rows: &[Row]) -> bool {
    header_of(rows).is_some()
}

#[derive(Debug, Default)]
struct Promised {
    purpose: Purpose,
    list: Expectation,
    /// The first SHA-256 that is that of no file, and in how many rows there is one.
    unused_hash: Option<(UnreadableCell, usize)>,
    /// The first note that may say that its row was not handed over, and in how many rows there is one.
    unsure_note: Option<(UnreadableCell, usize)>,
    hashes: Hashes,
    /// Whether a row of totals was met.
    is_below_totals: bool,
}

impl Promised {
    fn into_list(mut self) -> Expectation {
        if let Some((cell, rows)) = self.unused_hash.take() {
            self.list.remarks.push(UnreadableCell { why: Unread::HashOfNothing(rows), ..cell });
        }
        if let Some((cell, rows)) = self.unsure_note.take() {
            self.list.remarks.push(UnreadableCell { why: Unread::MayNotBePromised(rows), ..cell });
        }
        self.hashes.settle(&mut self.list);
        self.list.in_order()
    }

    /// Rows below a header, and what is above it.
    fn take_table(
        &mut self,
        titles: &[Row],
        header: &Row,
        rows: &[Row],
        columns: &Columns,
        shape: Shape,
    ) -> Result<(), Text> {
        if self.is_negated(titles, header, columns) {
            return Ok(());
        }
        for row in titles {
            self.take_title(row);
        }
        // Lists that were put behind each other have it again.
        let rows: Vec<&Row> = rows.iter().filter(|row| row.cells != header.cells).collect();
        let rows = self.until_heading(rows);
        let columns = &self.with_sequences(header, columns, &rows);
        let (flags, others) = Flags::of(header, &rows, columns.read());
        if self.purpose == Purpose::Promised {
            for n in others {
                self.remark(n, header.number, &header.cells[n], Unread::OtherColumn);
            }
        }
        self.take_other_columns(header, columns, &rows);
        let counts_rows = self.is_count_of_rows(header, columns, &rows);
        let ids = columns.id.or(columns.file);
        let ids = rows.iter().filter_map(|row| Some((ids?, row.number, row.cells.get(ids?)?.as_str())));
        let thousands = self.thousands(&ids.collect::<Vec<_>>());
        let reading = Reading { columns, shape, thousands, counts_rows, flags };
        rows.into_iter().try_for_each(|row| self.take_row(row, &reading))
    }

    /// The rows above one that says that what is below it was not handed over.
    fn until_heading<'r>(&mut self, mut rows: Vec<&'r Row>) -> Vec<&'r Row> {
        let is_promise = self.purpose == Purpose::Promised;
        let found =
            rows.iter().enumerate().filter(|_| is_promise).find_map(|(n, row)| Some((n, row.number, heading(row)?)));
        if let Some((n, number, (column, text))) = found {
            self.unreadable(column, number, text, Unread::NotPromised);
            rows.truncate(n);
        }
        rows
    }

    /// The columns, without one of sequences that has none; that is remarked.
    fn with_sequences(&mut self, header: &Row, columns: &Columns, rows: &[&Row]) -> Columns {
        let mut columns = columns.clone();
        let (Some(sequence), Some(id)) = (columns.sequence, columns.id) else { return columns };
        let number = |row: &&Row| match Cell::read(row.cells.get(id)?) {
            Cell::Id(id) => Some((id, parse_sequence(row.cells.get(sequence)?)?)),
            _ => None,
        };
        let numbers: Vec<(u64, u16)> = rows.iter().filter_map(number).collect();
        if !are_sequences(&headers::name_of(&plain(&header.cells[sequence])), &numbers) {
            self.remark(sequence, header.number, &header.cells[sequence], Unread::NoSequences);
            columns.sequence = None;
        }
        columns
    }

    /// Whether a row says that it was not handed over; then nothing of it is read.
    fn is_withheld(&mut self, row: &Row, flags: &Flags) -> bool {
        match flags.status(row).filter(|_| self.purpose == Purpose::Promised) {
            Some((n, text, Status::NotPromised)) => {
                self.unreadable(n, row.number, text, Unread::NotPromised);
                true
            }
            Some((n, text, Status::Unsure)) => {
                let why = Unread::MayNotBePromised(0);
                let first = || UnreadableCell { address: address(n, row.number), text: shown(text), why };
                self.unsure_note.get_or_insert_with(|| (first(), 0)).1 += 1;
                false
            }
            None => false,
        }
    }

    /// Whether a line above ids says that they are not meant: then nothing is read.
    fn is_negated(&mut self, titles: &[Row], header: &Row, columns: &Columns) -> bool {
        let titles = titles.iter().flat_map(|row| row.cells.iter().enumerate().map(|(n, text)| (n, row.number, text)));
        let named = [columns.id, columns.file].into_iter().flatten();
        let named = named.filter_map(|n| Some((n, header.number, header.cells.get(n)?)));
        let negating: Vec<_> = titles.chain(named).filter(|(_, _, text)| self.purpose.is_negated(text)).collect();
        for (n, row, text) in &negating {
            self.unreadable(*n, *row, text, Unread::Negated);
        }
        !negating.is_empty()
    }

    /// Columns that are named as ones of ids or files besides those that are read: nothing in them may be lost in silence.
    fn take_other_columns(&mut self, header: &Row, columns: &Columns, rows: &[&Row]) {
        let read = columns.read();
        for (n, text) in header.cells.iter().enumerate().filter(|(n, _)| !read.contains(n)) {
            let name = plain(text);
            let is_vague = if is_id_header(&name) && columns.id.is_some_and(|id| has_other_ids(rows, id, n)) {
                columns.is_clear && clear_header(&name).is_none()
            } else if headers::is_of_files(&name) && has_files(rows, n) {
                columns.file.is_none()
            } else {
                continue;
            };
            if is_vague {
                self.remark(n, header.number, text, Unread::OtherColumn);
            } else {
                self.unreadable(n, header.number, text, Unread::OtherColumn);
            }
        }
    }

    /// What commas in ids are; where they are read as parts of them, that is remarked.
    fn thousands(&mut self, ids: &[(usize, usize, &str)]) -> Thousands {
        let texts: Vec<String> = ids.iter().map(|(_, _, text)| plain(text)).collect();
        let thousands = Thousands::of(texts.iter().map(String::as_str));
        let first = texts.iter().position(|text| is_thousands(text)).map(|first| ids[first]);
        if let (Thousands::Separated, Some((column, row, text))) = (thousands, first) {
            self.remark(column, row, text, Unread::TakenAsOne);
        }
        thousands
    }

    /// A row that says that it sums up others; false where it is one as any other.
    fn take_total(&mut self, row: &Row, columns: impl Fn(usize) -> bool) -> bool {
        let word = row.cells.iter().enumerate().find(|(_, text)| is_total(text));
        let Some((at, word)) = word else { return false };
        let read = || row.cells.iter().enumerate().filter(|(n, _)| columns(*n));
        // Nothing that counts is a file.
        if read().any(|(_, text)| matches!(Cell::read(text), Cell::File(_))) {
            return false;
        }
        let mut is_unsure = false;
        for (n, text) in read().filter(|(_, text)| has_id_digits(text)) {
            self.unreadable(n, row.number, text, Unread::InTotals);
            is_unsure = true;
        }
        if !is_unsure {
            self.remark(at, row.number, word, Unread::Totals);
        }
        self.is_below_totals = true;
        true
    }

    /// Whether a row below one of totals is nothing but a number: it may be the total, or the next id. A row with more in it is one of a list
    /// that has subtotals.
    fn take_below_totals(&mut self, row: &Row) -> bool {
        if !self.is_below_totals {
            return false;
        }
        let mut filled = row.cells.iter().enumerate().filter(|(_, text)| !plain(text).is_empty());
        let (Some((n, text)), None) = (filled.next(), filled.next()) else { return false };
        let is_number = matches!(Cell::read(text), Cell::Id(_));
        if is_number {
            self.unreadable(n, row.number, text, Unread::BelowTotals);
        }
        is_number
    }

    /// A row above the header: titles promise nothing, but ids and files are meant.
    fn take_title(&mut self, row: &Row) {
        let filled = || row.cells.iter().enumerate().filter(|(_, text)| !plain(text).is_empty());
        if filled().all(|(_, text)| matches!(Cell::read(text), Cell::Id(_) | Cell::File(_))) {
            filled().for_each(|(n, text)| self.unreadable(n, row.number, text, Unread::NotInColumn));
        }
    }

    /// The cells of a row that no column of the header has.
    fn take_beyond(&mut self, row: &Row, columns: &Columns) -> Result<(), Text> {
        for (n, text) in row.cells.iter().enumerate().skip(columns.width) {
            match Cell::read(text) {
                Cell::Id(_) if is_thousands(&plain(text)) => {
                    self.unreadable(n, row.number, text, Unread::Ambiguous);
                }
                // The rows of a list with a header have as many ids as they like.
                Cell::Id(id) if columns.width == 1 && columns.id.is_some() => self.list.ids.push(id),
                Cell::File(name) if columns.width == 1 => self.add_file(name, None)?,
                Cell::Empty => {}
                Cell::Other if !has_id_digits(text) && !is_without_value(text) => {}
                _ => self.unreadable(n, row.number, text, Unread::NotInColumn),
            }
        }
        Ok(())
    }

    fn take_row(&mut self, row: &Row, reading: &Reading<'_>) -> Result<(), Text> {
        let Reading { columns, shape, .. } = *reading;
        let is_total = self.take_total(row, |n| [columns.id, columns.file].contains(&Some(n)));
        if is_total || self.take_below_totals(row) || self.is_withheld(row, &reading.flags) {
            return Ok(());
        }
        if shape == Shape::Lines && columns.is_moved(row) {
            self.unreadable(
                columns.id.or(columns.file).unwrap_or(0),
                row.number,
                &row.cells.join(", "),
                Unread::Ambiguous,
            );
            return Ok(());
        }
        self.take_beyond(row, columns)?;
        self.take_named(row, reading)
    }

    fn take_named(&mut self, row: &Row, reading: &Reading<'_>) -> Result<(), Text> {
        let columns = reading.columns;
        let cell = |column: Option<usize>| {
            column.and_then(|n| Some((n, row.cells.get(n)?.as_str()))).filter(|(_, text)| !plain(text).is_empty())
        };
        let is_unsure = |text: &str| reading.thousands == Thousands::Unsure && is_thousands(&plain(text));
        let hash = cell(columns.sha256);
        if let Some((n, text)) = cell(columns.file) {
            match Cell::read(text) {
                Cell::File(name) => {
                    self.compare_id(row, reading, &name);
                    let sha256 = self.hash(row, hash, &name);
                    return self.add_file(name, sha256);
                }
                // A column of names may hold ids where the entity has one photo.
                Cell::Id(_) if columns.id.is_none() && is_unsure(text) => {
                    self.unreadable(n, row.number, text, Unread::Ambiguous);
                }
                Cell::Id(id) if columns.id.is_none() => self.list.ids.push(id),
                _ => self.unreadable(n, row.number, text, Unread::Word),
            }
            self.hash_of_nothing(row, hash);
            return Ok(());
        }
        let Some((n, text)) = cell(columns.id) else {
            self.take_without_id(row, columns);
            return Ok(());
        };
        let (id, sequence) = (Cell::read(text), cell(columns.sequence));
        if !matches!((&id, sequence), (Cell::Id(_), Some(_)) | (Cell::File(_), _)) {
            self.hash_of_nothing(row, hash);
        }
        match (id, sequence, cell(columns.count)) {
            (Cell::Id(_), ..) if is_unsure(text) => self.unreadable(n, row.number, text, Unread::Ambiguous),
            (Cell::Id(id), Some((n, text)), _) => match parse_sequence(text) {
                Some(sequence) => {
                    let name = format!("{id}_{sequence}.jpg");
                    let sha256 = self.hash(row, hash, &name);
                    self.add_file(name, sha256)?;
                }
                None => self.unreadable(n, row.number, text, Unread::NotASequence),
            },
            (Cell::Id(id), None, Some((n, text))) => match parse_id(&plain(text)).filter(|count| *count <= COUNT_MAX) {
                Some(count) => {
                    for sequence in 0..count {
                        self.add_file(format!("{id}_{sequence}.jpg"), None)?;
                    }
                }
                None => self.unreadable(n, row.number, text, Unread::NotACount),
            },
            (Cell::Id(id), None, None) => self.list.ids.push(id),
            (Cell::File(name), ..) => {
                let sha256 = self.hash(row, hash, &name);
                self.add_file(name, sha256)?;
            }
            (Cell::Other, None, None) => self.take_several(n, row.number, text)?,
            _ => self.unreadable(n, row.number, text, Unread::Word),
        }
        Ok(())
    }

    /// The SHA-256 of the file that a row names.
    fn hash(&mut self, row: &Row, cell: Option<(usize, &str)>, file: &str) -> Option<String> {
        let (n, text) = cell?;
        let sha256 = hash_of(text);
        match &sha256 {
            Some(sha256) => self.list.unreadable.extend(self.hashes.add(file, sha256, address(n, row.number))),
            None => self.unreadable(n, row.number, text, Unread::NotAHash),
        }
        sha256
    }

    /// A SHA-256 in a row that names no file.
    fn hash_of_nothing(&mut self, row: &Row, cell: Option<(usize, &str)>) {
        let Some((n, text)) = cell else { return };
        let first = || UnreadableCell { address: address(n, row.number), text: shown(text), why: Unread::NotAHash };
        self.unused_hash.get_or_insert_with(|| (first(), 0)).1 += 1;
    }

    /// A row whose cell of the id is empty, or that ends before it: whoever wrote an id, a sequence or a count in it meant something.
    fn take_without_id(&mut self, row: &Row, columns: &Columns) {
        let is_short = columns.id.is_some_and(|id| row.cells.len() <= id);
        let says = [columns.sequence, columns.count, columns.sha256];
        let meant = row.cells.iter().enumerate().take(columns.width).find(|(n, text)| match Cell::read(text) {
            Cell::Empty => false,
            Cell::Id(_) | Cell::File(_) => true,
            Cell::Other => is_short || says.contains(&Some(*n)),
        });
        if let Some((n, text)) = meant {
            self.unreadable(n, row.number, text, Unread::NotInColumn);
        }
    }

    /// Whether a column with a vague name counts the rows, beside files of others than its numbers; that is remarked.
    fn is_count_of_rows(&mut self, header: &Row, columns: &Columns, rows: &[&Row]) -> bool {
        let (Some(column), Some(file), false) = (columns.id, columns.file, columns.is_clear) else { return false };
        let id = |row: &Row| match Cell::read(row.cells.get(column)?) {
            Cell::Id(id) => Some(id),
            _ => None,
        };
        let is_count = rows.iter().filter_map(|row| id(row)).zip(1..).all(|(id, n)| id == n);
        let is_other = |row: &Row| {
            let of_file = row.cells.get(file).and_then(|file| cd_idx_of_file(&plain(file)));
            id(row).zip(of_file).is_some_and(|(id, of_file)| id != of_file)
        };
        let counts = is_count && rows.iter().any(|row| is_other(row));
        if counts {
            self.remark(column, header.number, &header.cells[column], Unread::OtherColumn);
        }
        counts
    }

    /// The id beside a file must be the file's.
    fn compare_id(&mut self, row: &Row, reading: &Reading<'_>, file: &str) {
        let column = reading.columns.id.filter(|_| !reading.counts_rows);
        let Some((n, text)) = column.and_then(|n| Some((n, row.cells.get(n)?))) else { return };
        match Cell::read(text) {
            Cell::Id(id) if cd_idx_of_file(file).is_none_or(|of_file| of_file == id) => {}
            Cell::Id(_) => self.unreadable(n, row.number, text, Unread::Contradicts),
            // A vague name is one of texts too.
            Cell::File(_) | Cell::Other if reading.columns.is_clear => {
                self.unreadable(n, row.number, text, Unread::Word);
            }
            Cell::Empty | Cell::File(_) | Cell::Other => {}
        }
    }

    /// Without a header.
    fn take_unnamed(&mut self, rows: &[Row], shape: Shape) -> Result<(), Text> {
        let mut columns = columns_with_names(rows);
        let counts = self.columns_of_counts(rows, &columns);
        columns.retain(|column| !counts.contains(column));
        if self.begins_negated(rows) {
            return Ok(());
        }
        let cells =
            rows.iter().flat_map(|row| row.cells.iter().enumerate().map(|(n, text)| (n, row.number, text.as_str())));
        let ids: Vec<_> = cells.filter(|(n, ..)| columns.contains(n)).collect();
        let thousands = self.thousands(&ids);
        let flags = Flags::of_unnamed(&columns);
        let below = self.until_heading(rows.iter().skip(1).collect());
        for (n, row) in rows.iter().take(1).chain(below).enumerate() {
            let is_total = n > 0 && self.take_total(row, |n| columns.contains(&n));
            if is_total || self.take_below_totals(row) || (n > 0 && self.is_withheld(row, &flags)) {
                continue;
            }
            for (column, text) in row.cells.iter().enumerate().filter(|(column, _)| !counts.contains(column)) {
                let is_counted = columns.contains(&column);
                match Cell::read(text) {
                    Cell::Empty => {}
                    Cell::Id(_) if is_counted && thousands == Thousands::Unsure && is_thousands(&plain(text)) => {
                        self.unreadable(column, row.number, text, Unread::Ambiguous);
                    }
                    Cell::Id(id) if is_counted => self.list.ids.push(id),
                    Cell::File(name) if is_counted => self.add_file(name, None)?,
                    Cell::Id(_) | Cell::File(_) => self.unreadable(column, row.number, text, Unread::NotInColumn),
                    Cell::Other if !is_counted => {
                        if is_mostly_digits(text) || is_without_value(text) {
                            self.unreadable(column, row.number, text, Unread::NotInColumn);
                        }
                    }
                    // The first row may be a header of other words.
                    Cell::Other if n == 0 && rows.len() > 1 && is_heading(text, shape) => {}
                    Cell::Other => self.take_several(column, row.number, text)?,
                }
            }
        }
        Ok(())
    }

    /// Columns that the first row names as ones of counts, whose numbers are no ids. Its other names are ones of ids that are not known.
    fn columns_of_counts(&mut self, rows: &[Row], named: &[usize]) -> Vec<usize> {
        let Some(first) = rows.first() else { return Vec::new() };
        let names = || first.cells.iter().enumerate().filter(|(_, text)| !plain(text).is_empty());
        let counts: Vec<usize> = names().filter(|(_, text)| is_count_header(&plain(text))).map(|(n, _)| n).collect();
        if !counts.is_empty() {
            let is_id = |n: &usize| named.contains(n) && !counts.contains(n);
            for (n, text) in names().filter(|(n, text)| is_id(n) && Cell::read(text) == Cell::Other) {
                self.unreadable(n, first.number, text, Unread::Word);
            }
        }
        counts
    }

    /// Whether the line above ids without a header says that they are not meant.
    fn begins_negated(&mut self, rows: &[Row]) -> bool {
        let first = rows.first().filter(|_| rows.len() > 1).into_iter();
        let cells = first.flat_map(|row| row.cells.iter().enumerate().map(|(n, text)| (n, row.number, text)));
        let negating: Vec<_> =
            cells.filter(|(_, _, text)| !has_id_digits(text) && self.purpose.is_negated(text)).collect();
        for (n, row, text) in &negating {
            self.unreadable(*n, *row, text, Unread::Negated);
        }
        !negating.is_empty()
    }

    /// Takes a cell of several ids or names.
    fn take_several(&mut self, column: usize, row: usize, text: &str) -> Result<(), Text> {
        match several(text) {
            Ok(Some(cells)) => {
                for cell in cells {
                    match cell {
                        Cell::Id(id) => self.list.ids.push(id),
                        Cell::File(name) => self.add_file(name, None)?,
                        Cell::Empty | Cell::Other => {}
                    }
                }
            }
            Ok(None) => self.unreadable(column, row, text, Unread::Word),
            Err(()) => self.unreadable(column, row, text, Unread::Ambiguous),
        }
        Ok(())
    }

    fn add_file(&mut self, name: String, sha256: Option<String>) -> Result<(), Text> {
        if self.list.files.len() >= ROWS_MAX {
            return Err(too_many_files());
        }
        self.list.files.push(ExpectedFile { name, sha256 });
        Ok(())
    }

    fn unreadable(&mut self, column: usize, row: usize, text: &str, why: Unread) {
        self.list.unreadable.push(UnreadableCell { address: address(column, row), text: shown(text), why });
    }

    fn remark(&mut self, column: usize, row: usize, text: &str, why: Unread) {
        self.list.remarks.push(UnreadableCell { address: address(column, row), text: shown(text), why });
    }
}

/// Whether a column has ids that are not those of their rows, and that do not just count the rows.
fn has_other_ids(rows: &[&Row], ids: usize, column: usize) -> bool {
    let id = |row: &Row, column: usize| match Cell::read(row.cells.get(column)?) {
        Cell::Id(id) => Some(id),
        _ => None,
    };
    let is_other = rows.iter().any(|row| id(row, column).is_some_and(|other| id(row, ids) != Some(other)));
    let is_count = rows.iter().filter_map(|row| id(row, column)).zip(1..).all(|(id, n)| id == n);
    is_other && !is_count
}

/// Whether a column has names of files.
fn has_files(rows: &[&Row], column: usize) -> bool {
    rows.iter().filter_map(|row| row.cells.get(column)).any(|text| matches!(Cell::read(text), Cell::File(_)))
}

/// Whether a text may be the header of ids, and is certainly none of them.
fn is_heading(text: &str, shape: Shape) -> bool {
    // A day in a spreadsheet may be an id whose cell somebody gave the form of days.
    let is_a_day = shape == Shape::Sheet && is_day(text);
    !(has_id_digits(text) || is_without_value(text) || is_a_day)
}

/// Whether a text looks more like numbers than like a name with one in it.
fn is_mostly_digits(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    digits > letters && has_id_digits(text)
}

/// The columns most of whose cells are ids or names; all of them where none is.
fn columns_with_names(rows: &[Row]) -> Vec<usize> {
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let is_named = |column: &usize| {
        let cells = rows.iter().filter_map(|row| row.cells.get(*column)).map(|text| (text, Cell::read(text)));
        let (mut named, mut other) = (0, 0);
        for (text, cell) in cells.filter(|(_, cell)| *cell != Cell::Empty).take(SAMPLE_CELLS) {
            match cell {
                Cell::Other if matches!(several(text), Ok(None)) => other += 1,
                _ => named += 1,
            }
        }
        named > 0 && named >= other
    };
    let named: Vec<usize> = (0..width).filter(is_named).collect();
    if named.is_empty() { (0..width).collect() } else { named }
}

fn parse_sequence(text: &str) -> Option<u16> {
    let text = plain(text);
    let is_zero =
        text.trim_end_matches('0').trim_end_matches('.').is_empty() && text.starts_with('0') && !text.ends_with('.');
    if is_zero { Some(0) } else { parse_id(&text).and_then(|n| u16::try_from(n).ok()) }
}

fn hash_of(text: &str) -> Option<String> {
    let text = plain(text).to_ascii_lowercase();
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}
