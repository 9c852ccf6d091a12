//! A list as rows of cells, wherever they come from: which columns say what, and what each row promises.
//!
//! With a header, the columns that are understood count and all others are ignored. Without one, the columns count most of
//! whose cells are ids or file names, and every cell of those is one.

use super::{
    Expectation, ExpectedFile, ROWS_MAX, UnreadableCell,
    cell::{Cell, parse_id, plain},
};

/// Rows in which a header is looked for: titles may be above it.
const HEADER_WITHIN_ROWS: usize = 10;
/// Rows by which the columns of a table without a header are judged.
const SAMPLE_ROWS: usize = 200;
/// Photos of one entity that a count may promise.
const COUNT_MAX: u64 = 65_536;
/// Characters of a cell that are shown.
const SHOWN_MAX_CHARS: usize = 60;

/// What a column says. The first that is found of each counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    File,
    Sequence,
    Count,
    Sha256,
}

/// Headers in small letters, without spaces and separators; better ones first.
const HEADERS: [(Column, &[&str]); 5] = [
    (
        Column::Id,
        &[
            "cdidx",
            "cdid",
            "entityid",
            "entity",
            "엔티티",
            "엔티티번호",
            "상품번호",
            "상품코드",
            "상품id",
            "id",
            "ids",
            "아이디",
            "번호",
            "코드",
        ],
    ),
    (
        Column::File,
        &[
            "filename",
            "file",
            "files",
            "path",
            "파일명",
            "파일이름",
            "파일",
            "사진파일",
            "이미지파일",
            "image",
            "photo",
            "name",
        ],
    ),
    (Column::Sequence, &["sequence", "seq", "순번", "순서", "사진순번", "사진번호"]),
    (
        Column::Count,
        &[
            "count",
            "photos",
            "photocount",
            "numberofphotos",
            "사진수",
            "사진개수",
            "사진장수",
            "장수",
            "매수",
            "수량",
            "이미지수",
        ],
    ),
    (Column::Sha256, &["sha256", "hash", "checksum", "해시", "체크섬"]),
];

/// Headers of files that are those of other names too: they count where no column has ids.
const VAGUE_HEADERS: [&str; 3] = ["name", "image", "photo"];

/// A row with the number that spreadsheets show.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) cells: Vec<String>,
}

/// The columns of a table.
#[derive(Debug, Default)]
struct Columns {
    id: Option<usize>,
    file: Option<usize>,
    sequence: Option<usize>,
    count: Option<usize>,
    sha256: Option<usize>,
}

/// What rows promise.
pub(super) fn parse(rows: Vec<Row>) -> Result<Expectation, String> {
    if rows.len() > ROWS_MAX {
        return Err(format!("it has more than {ROWS_MAX} rows"));
    }
    let rows: Vec<Row> = rows.into_iter().filter(|row| !is_total(row)).collect();
    let header = rows.iter().take(HEADER_WITHIN_ROWS).enumerate().find_map(|(n, row)| Some((n, Columns::of(row)?)));
    let mut promised = Promised::default();
    match header {
        Some((n, columns)) => {
            for row in &rows[n + 1..] {
                promised.take_row(row, &columns)?;
            }
        }
        None => promised.take_unnamed(&rows)?,
    }
    Ok(promised.0.in_order())
}

/// Whether a row sums up the others: it promises nothing.
fn is_total(row: &Row) -> bool {
    const TOTALS: [&str; 8] = ["합계", "총계", "소계", "계", "총합계", "total", "sum", "subtotal"];
    let first = row.cells.iter().map(|cell| cell.trim().to_lowercase()).find(|cell| !cell.is_empty());
    first.is_some_and(|cell| TOTALS.contains(&cell.trim_end_matches(':')))
}

/// Whether a table has a header that is understood.
pub(super) fn has_header(rows: &[Row]) -> bool {
    rows.iter().take(HEADER_WITHIN_ROWS).any(|row| Columns::of(row).is_some())
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

impl Columns {
    /// The columns that a row names, if it is a header.
    fn of(row: &Row) -> Option<Self> {
        let simple = |text: &String| -> String {
            let text = plain(text).to_lowercase();
            text.chars().filter(|c| c.is_alphanumeric()).collect()
        };
        let names: Vec<String> = row.cells.iter().map(simple).collect();
        let find = |wanted: Column| {
            let (_, known) = HEADERS.iter().find(|(column, _)| *column == wanted)?;
            known.iter().find_map(|known| names.iter().position(|name| name == known))
        };
        let (id, file) = (find(Column::Id), find(Column::File));
        let is_vague = |column: &usize| id.is_some() && VAGUE_HEADERS.contains(&names[*column].as_str());
        let columns = Self {
            id,
            file: file.filter(|column| !is_vague(column)),
            sequence: find(Column::Sequence),
            count: find(Column::Count),
            sha256: find(Column::Sha256),
        };
        (columns.id.is_some() || columns.file.is_some()).then_some(columns)
    }
}

#[derive(Debug, Default)]
struct Promised(Expectation);

impl Promised {
    fn take_row(&mut self, row: &Row, columns: &Columns) -> Result<(), String> {
        let cell = |column: Option<usize>| {
            column.and_then(|n| Some((n, row.cells.get(n)?.as_str()))).filter(|(_, text)| !plain(text).is_empty())
        };
        if let Some((n, text)) = cell(columns.file) {
            let hash = cell(columns.sha256);
            let sha256 = hash.and_then(|(_, text)| hash_of(text));
            if let (Some((n, text)), None) = (hash, &sha256) {
                self.unreadable(n, row.number, text);
            }
            match Cell::read(text) {
                Cell::File(name) => return self.add_file(name, sha256),
                // A column of names may hold ids where the entity has one photo.
                Cell::Id(id) if columns.id.is_none() => self.0.ids.push(id),
                _ => self.unreadable(n, row.number, text),
            }
            return Ok(());
        }
        let Some((n, text)) = cell(columns.id) else { return Ok(()) };
        match (Cell::read(text), cell(columns.sequence), cell(columns.count)) {
            (Cell::Id(id), Some((n, text)), _) => match parse_sequence(text) {
                Some(sequence) => self.add_file(format!("{id}_{sequence}.jpg"), None)?,
                None => self.unreadable(n, row.number, text),
            },
            (Cell::Id(id), None, Some((n, text))) => match parse_id(&plain(text)).filter(|count| *count <= COUNT_MAX) {
                Some(count) => {
                    for sequence in 0..count {
                        self.add_file(format!("{id}_{sequence}.jpg"), None)?;
                    }
                }
                None => self.unreadable(n, row.number, text),
            },
            (Cell::Id(id), None, None) => self.0.ids.push(id),
            (Cell::File(name), ..) => self.add_file(name, None)?,
            _ => self.unreadable(n, row.number, text),
        }
        Ok(())
    }

    /// Without a header.
    fn take_unnamed(&mut self, rows: &[Row]) -> Result<(), String> {
        let columns = columns_with_names(rows);
        for (n, row) in rows.iter().enumerate() {
            for (column, text) in row.cells.iter().enumerate().filter(|(column, _)| columns.contains(column)) {
                match Cell::read(text) {
                    Cell::Empty => {}
                    Cell::Id(id) => self.0.ids.push(id),
                    Cell::File(name) => self.add_file(name, None)?,
                    Cell::Other if self.take_several(text)? => {}
                    // The first row may be a header of other words.
                    Cell::Other if n == 0 && rows.len() > 1 => {}
                    Cell::Other => self.unreadable(column, row.number, text),
                }
            }
        }
        Ok(())
    }

    /// Takes a cell of several ids or names, separated as people do; false where it is none.
    fn take_several(&mut self, text: &str) -> Result<bool, String> {
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | ';' | '/' | '|'));
        let cells: Vec<Cell> = words.map(Cell::read).filter(|cell| *cell != Cell::Empty).collect();
        let is_several = cells.len() > 1 && !cells.contains(&Cell::Other);
        for cell in cells.into_iter().filter(|_| is_several) {
            match cell {
                Cell::Id(id) => self.0.ids.push(id),
                Cell::File(name) => self.add_file(name, None)?,
                Cell::Empty | Cell::Other => {}
            }
        }
        Ok(is_several)
    }

    fn add_file(&mut self, name: String, sha256: Option<String>) -> Result<(), String> {
        if self.0.files.len() >= ROWS_MAX {
            return Err(format!("it names more than {ROWS_MAX} files"));
        }
        self.0.files.push(ExpectedFile { name, sha256 });
        Ok(())
    }

    fn unreadable(&mut self, column: usize, row: usize, text: &str) {
        let text = plain(text).chars().take(SHOWN_MAX_CHARS).collect();
        self.0.unreadable.push(UnreadableCell { address: address(column, row), text });
    }
}

/// The columns most of whose cells are ids or names; all of them where none is.
fn columns_with_names(rows: &[Row]) -> Vec<usize> {
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let is_named = |column: &usize| {
        let cells = rows.iter().take(SAMPLE_ROWS).filter_map(|row| row.cells.get(*column)).map(|text| Cell::read(text));
        let (mut named, mut other) = (0, 0);
        for cell in cells {
            match cell {
                Cell::Empty => {}
                Cell::Id(_) | Cell::File(_) => named += 1,
                Cell::Other => other += 1,
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
