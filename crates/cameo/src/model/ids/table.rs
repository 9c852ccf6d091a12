//! Ids in a table: the column that is named as one, or that is evidently one.

use super::{
    Found, GROUPS_MAX, TITLES_MAX, Thousands, Why,
    cells::{Cell, is_thousands, joined, runs_of},
    clear_header, has_id_digits, is_count_header, is_id_header, is_total, named_by, negates, rank_of_column,
};

/// A table with a column of ids.
pub(super) struct Table<'r> {
    rows: &'r [Vec<Cell>],
    column: usize,
    header: Option<&'r [Cell]>,
    titles: &'r [Vec<Cell>],
    /// Cells of a whole row.
    cells: usize,
    /// Columns up to the last one with a name.
    width: usize,
}

/// The table whose header names a column of ids among others; only lines that say nothing may be above it.
pub(super) fn named(rows: &[Vec<Cell>]) -> Option<Table<'_>> {
    let titles = rows.iter().take(TITLES_MAX).take_while(|row| is_title(row)).count();
    // A header of other words is no title: with one cell it is a list's.
    let at = (0..=titles).find(|at| rows.get(*at).is_some_and(|row| row.len() > 1 && column_of(row).is_some()))?;
    let header = &rows[at];
    if at + 1 == rows.len() {
        return None;
    }
    Some(Table {
        rows: &rows[at + 1..],
        column: column_of(header)?,
        header: Some(header),
        titles: &rows[..at],
        cells: header.len(),
        width: header.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1),
    })
}

/// A line of one text in which no id can be.
fn is_title(row: &[Cell]) -> bool {
    row.iter().filter(|cell| !cell.is_empty()).count() == 1 && !row.iter().any(|cell| has_id_digits(&cell.text))
}

/// The column with the best name.
fn column_of(header: &[Cell]) -> Option<usize> {
    let ranked = header.iter().enumerate().filter_map(|(n, cell)| Some((rank_of_column(&cell.text)?, n)));
    ranked.min().map(|(_, n)| n)
}

/// The table that rows are without a name that is known: a text beside the numbers shows that they are no list.
pub(super) fn unnamed(rows: &[Vec<Cell>]) -> Result<Option<Table<'_>>, Vec<usize>> {
    let Some(first) = rows.first().filter(|first| rows.len() >= 2 && first.len() >= 2) else { return Ok(None) };
    let column_of =
        |column: usize| rows[1..].iter().filter_map(move |row| row.get(column)).filter(|cell| !cell.is_empty());
    let is_all =
        |column: usize, what: fn(&Cell) -> bool| column_of(column).next().is_some() && column_of(column).all(what);
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    // A column of nothing but texts shows that this is a table: one text among numbers may be a slip, and must not make others vanish.
    let is_text = |column: usize| first.get(column).is_some_and(|cell| cell.number().is_none());
    let is_word = |cell: &Cell| cell.numbers(false).is_err() && !has_id_digits(&cell.text);
    if !(0..width).any(|column| is_text(column) && is_all(column, is_word)) {
        return Ok(None);
    }
    let is_count = |column: usize| first.get(column).is_some_and(|cell| is_count_header(&cell.text));
    let is_number = |column: &usize| is_all(*column, |cell| cell.number().is_some());
    let columns: Vec<usize> = (0..width).filter(is_number).collect();
    let column = match columns[..] {
        [] => return Ok(None),
        [column] if is_count(column) => return Ok(None),
        [column] => column,
        // Which of them has the ids, nothing says.
        _ => return Err(columns.into_iter().map(|column| column + 1).collect()),
    };
    let has_header = first.get(column).is_none_or(|cell| cell.number().is_none());
    if has_header && first.get(column).is_some_and(Cell::has_digit) {
        return Ok(None);
    }
    let (header, rows) = if has_header { (Some(&first[..]), &rows[1..]) } else { (None, rows) };
    Ok(Some(Table { rows, column, header, titles: &[], cells: width, width }))
}

/// The number that is all of a row: below one of totals it may be the total. A row with more in it is one of a list that has subtotals.
fn only_number(row: &[Cell]) -> Option<&Cell> {
    let mut filled = row.iter().filter(|cell| !cell.is_empty());
    filled.next().filter(|cell| filled.next().is_none() && cell.number().is_some())
}

impl Table<'_> {
    /// Takes its ids, and what cannot be read.
    pub(super) fn take(&self, found: &mut Found) {
        let negating = self.titles.iter().flatten().chain(self.header.and_then(|header| header.get(self.column)));
        let negating: Vec<&Cell> = negating.filter(|cell| negates(&cell.text)).collect();
        if !negating.is_empty() {
            return negating.into_iter().for_each(|cell| found.unreadable(cell, Why::Negated));
        }
        let files = self.column_of_files();
        if let Some((files, header)) = files.zip(self.header)
            && self.counts_rows()
        {
            // The names of the files say whose they are, and the numbers beside them say how many there are.
            found.remark(&header[self.column], &header[self.column].text, Why::OtherColumn);
            return Table { column: files, ..*self }.take_files(self.column, found);
        }
        self.take_other_columns(found);
        let thousands = self.thousands(found);
        let mut is_below_totals = false;
        for row in self.rows.iter().filter(|row| !self.is_header_again(row)) {
            if let Some(cell) = only_number(row).filter(|_| is_below_totals) {
                found.unreadable(cell, Why::BelowTotals);
                continue;
            }
            is_below_totals |= row.iter().any(|cell| is_total(&cell.text));
            if let Some(cell) = files.and_then(|files| self.contradiction(row, files)) {
                found.unreadable(cell, Why::Contradicts);
            } else {
                self.take_row(row, thousands, found);
            }
        }
        found.column = Some(self.column + 1);
        let skipped = self.titles.iter().map(Vec::as_slice).chain(self.header);
        let texts: Vec<&str> = skipped.flatten().map(|cell| cell.text.trim()).collect();
        found.ignored_header = self.header.map(|_| texts.join(", "));
    }

    /// The column most of whose cells are names of photos.
    fn column_of_files(&self) -> Option<usize> {
        let is_of_files = |column: &usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(*column)).filter(|cell| !cell.is_empty());
            let (mut files, mut other) = (0, 0);
            cells.for_each(|cell| *if named_by(cell.text.trim()).is_some() { &mut files } else { &mut other } += 1);
            files > other
        };
        (0..self.width).find(|column| *column != self.column && is_of_files(column))
    }

    /// Whether a column that may be of anything's numbers just counts the rows.
    fn counts_rows(&self) -> bool {
        let is_clear = self.header.is_some_and(|header| clear_header(&header[self.column].text).is_some());
        let rows = self.rows.iter().filter(|row| !self.is_header_again(row));
        !is_clear && rows.filter_map(|row| row.get(self.column)?.number()).zip(1..).all(|(id, n)| id == n)
    }

    /// The id of a row whose file is another one's.
    fn contradiction<'r>(&self, row: &'r [Cell], files: usize) -> Option<&'r Cell> {
        let cell = row.get(self.column)?;
        let of_file = named_by(row.get(files)?.text.trim())?;
        cell.number().is_some_and(|id| id != of_file).then_some(cell)
    }

    /// Takes the ids of its files, beside the column that counts them.
    fn take_files(&self, count: usize, found: &mut Found) {
        for row in self.rows.iter().filter(|row| !self.is_header_again(row)) {
            if let Some(cell) = row.get(self.column).filter(|cell| !cell.is_empty()) {
                match named_by(cell.text.trim()) {
                    Some(id) => found.ids.push(id),
                    None => found.unreadable(cell, Why::NotANumber),
                }
            } else if let Some(cell) = row.iter().find(|cell| cell.is_number_like()) {
                found.unreadable(cell, Why::NotInColumn);
            }
            let beside = row.iter().enumerate().filter(|(n, _)| ![count, self.column].contains(n));
            for (_, cell) in beside.filter(|(n, cell)| *n >= self.width && has_id_digits(&cell.text)) {
                found.unreadable(cell, Why::NotInColumn);
            }
        }
        found.column = Some(self.column + 1);
        let texts: Vec<&str> = self.header.into_iter().flatten().map(|cell| cell.text.trim()).collect();
        found.ignored_header = Some(texts.join(", "));
    }

    /// Another column that is named as one of ids: where its name is as good as that of the first, nobody can tell which is meant.
    fn take_other_columns(&self, found: &mut Found) {
        let Some(header) = self.header else { return };
        let is_clear = clear_header(&header[self.column].text).is_some();
        for (n, cell) in header.iter().enumerate().filter(|(n, cell)| *n != self.column && is_id_header(&cell.text)) {
            if !self.has_other_ids(n) {
                continue;
            }
            if is_clear && clear_header(&cell.text).is_none() {
                found.remark(cell, &cell.text, Why::OtherColumn);
            } else {
                found.unreadable(cell, Why::OtherColumn);
            }
        }
    }

    /// Whether a column has ids that are not those of its rows, and that do not just count the rows.
    fn has_other_ids(&self, column: usize) -> bool {
        let number = |row: &[Cell], column: usize| row.get(column).and_then(Cell::number);
        let rows = || self.rows.iter().filter(|row| !self.is_header_again(row));
        let is_other = rows().any(|row| number(row, column).is_some_and(|id| number(row, self.column) != Some(id)));
        let is_count = rows().filter_map(|row| number(row, column)).zip(1..).all(|(id, n)| id == n);
        is_other && !is_count
    }

    /// What commas in quoted numbers of its column are.
    fn thousands(&self, found: &mut Found) -> Thousands {
        let cells: Vec<&Cell> = self.rows.iter().filter_map(|row| row.get(self.column)).collect();
        let thousands = Thousands::of(cells.iter().map(|cell| cell.text.as_str()));
        if let (Thousands::Separated, Some(cell)) = (thousands, cells.iter().find(|cell| is_thousands(&cell.text))) {
            found.remark(cell, &cell.text, Why::TakenAsOne);
        }
        thousands
    }

    /// Whether a row is the header of a list that was put behind another one.
    fn is_header_again(&self, row: &[Cell]) -> bool {
        self.header.is_some_and(|header| {
            header.len() == row.len() && header.iter().zip(row).all(|(one, other)| one.text.trim() == other.text.trim())
        })
    }

    fn take_row(&self, row: &[Cell], thousands: Thousands, found: &mut Found) {
        let Some(cell) = row.get(self.column).filter(|cell| !cell.is_empty()) else {
            // Whoever wrote a number here meant something by it.
            let is_short = row.len() <= self.column;
            let number = row.iter().find(|cell| cell.is_number_like() || (is_short && cell.has_digit()));
            return number.map_or((), |cell| found.unreadable(cell, Why::NotInColumn));
        };
        if cell.is_number_like() && row.iter().any(|cell| is_total(&cell.text)) {
            return found.unreadable(cell, Why::InTotals);
        }
        if thousands == Thousands::Unsure && is_thousands(&cell.text) {
            return found.unreadable(cell, Why::Ambiguous);
        }
        if row.len() > self.cells {
            // A separator too much moved the cells: behind it every column is another one.
            let run = runs_of(&row[self.column..]).next().unwrap_or_default();
            let may_be_split = (2..=run.len()).take(GROUPS_MAX).any(|length| is_thousands(&joined(&run[..length])));
            let is_moved = self.column > 0 && row[self.cells..].iter().any(|cell| !cell.is_empty());
            if is_moved || may_be_split {
                return found.unreadable(cell, Why::Ambiguous);
            }
        }
        match cell.number() {
            Some(id) => found.ids.push(id),
            None => found.unreadable(cell, Why::NotANumber),
        }
        for cell in row.get(self.width..).unwrap_or_default().iter().filter(|cell| has_id_digits(&cell.text)) {
            found.unreadable(cell, Why::NotInColumn);
        }
    }
}
