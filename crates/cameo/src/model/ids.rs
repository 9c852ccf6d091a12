//! Lists of `cd_idx` as people have them: pasted from a chat, a column of Excel, a CSV, a query of SQL.
//!
//! [`parse_ids`] reads bytes of a file (UTF-8 with or without BOM, UTF-16 with BOM, CP949), [`parse_ids_text`] what was pasted or typed.
//! A text that is not a number is refused with its line and column, so that no id is ever lost in silence; only a header may be skipped,
//! and the caller can show which. Cells are cut by `model/ids/cells.rs`.

use encoding_rs::{EUC_KR, Encoding};

use super::key::CD_IDX_MAX;

mod cells;

use cells::{Cell, cells_of, is_thousands, normalise};

/// Ids in one question, at most.
pub const IDS_MAX: usize = 100_000;
/// Length of a text of ids, bytes, at most: a CSV of as many entities with some columns beside them.
pub const IDS_TEXT_MAX_BYTES: usize = 64 << 20;
/// Characters of a text that is no number that are shown.
const SHOWN_MAX_CHARS: usize = 40;
/// Characters of a name in a query that are looked at.
const NAME_MAX_CHARS: usize = 200;
/// Names of columns of ids, in lower case without spaces and underscores.
const COLUMN_NAMES: [&str; 14] = [
    "cdidx",
    "id",
    "ids",
    "idx",
    "no",
    "no.",
    "number",
    "entity",
    "entityid",
    "번호",
    "아이디",
    "엔티티",
    "상품번호",
    "코드",
];

/// Ids that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// The numbers, ascending, each once.
    pub ids: Vec<u64>,
    /// The header line that was skipped, if there was one.
    pub ignored_header: Option<String>,
    /// The column that they were taken from, counted from 1, where there were several.
    pub column: Option<usize>,
}

/// Why a text is no list of ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdsError {
    /// A text is not a number.
    #[error("line {line}, column {column}: {text:?} is not a cd_idx: it must be a number from 1 to {CD_IDX_MAX}")]
    NotANumber {
        /// The line, from 1.
        line: usize,
        /// The character of the line, from 1.
        column: usize,
        /// What is there.
        text: String,
    },
    /// A quoted text may be one number with separators, or several numbers.
    #[error(
        "line {line}, column {column}: {text:?} may be one number or several: write one number a line, without separators"
    )]
    Ambiguous {
        /// The line, from 1.
        line: usize,
        /// The character of the line, from 1.
        column: usize,
        /// What is there.
        text: String,
    },
    /// Several conditions `IN (…)`, none of them of a column of ids.
    #[error("there are several lists IN (…), and none is of cd_idx: keep the one that is meant")]
    SeveralLists,
    /// There is no number.
    #[error("there is no number in the list")]
    Empty,
    /// There are too many.
    #[error("{0} ids: at most {IDS_MAX} at a time")]
    TooMany(usize),
    /// The text is too long.
    #[error("{0} bytes: at most {IDS_TEXT_MAX_BYTES} at a time")]
    TooLong(usize),
    /// The bytes are of no encoding that is known.
    #[error("the file is neither UTF-8, UTF-16 with BOM nor CP949: save it as \"CSV UTF-8\" or plain text")]
    Encoding,
}

/// Reads the ids of a file.
pub fn parse_ids(bytes: &[u8]) -> Result<Ids, IdsError> {
    if bytes.len() > IDS_TEXT_MAX_BYTES {
        return Err(IdsError::TooLong(bytes.len()));
    }
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        let (text, _, has_errors) = encoding.decode(bytes);
        return if has_errors { Err(IdsError::Encoding) } else { parse_ids_text(&text) };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return parse_ids_text(text);
    }
    match EUC_KR.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => parse_ids_text(&text),
        None => Err(IdsError::Encoding),
    }
}

/// Reads the ids of a text.
pub fn parse_ids_text(text: &str) -> Result<Ids, IdsError> {
    if text.len() > IDS_TEXT_MAX_BYTES {
        return Err(IdsError::TooLong(text.len()));
    }
    let text = normalise(text.trim_start_matches('\u{feff}'));
    let text = lists_of_sql(&text)?.unwrap_or(text);
    let rows = cells_of(&text);
    let mut found = match table(&rows) {
        Some(table) => table.ids()?,
        None => list(&rows)?,
    };
    found.ids.sort_unstable();
    found.ids.dedup();
    match found.ids.len() {
        0 => Err(IdsError::Empty),
        n if n > IDS_MAX => Err(IdsError::TooMany(n)),
        _ => Ok(found),
    }
}

/// The text with everything but the lists `IN (…)` blanked, so that lines and columns stay as they are; none where there is no such list.
fn lists_of_sql(text: &str) -> Result<Option<String>, IdsError> {
    let chars: Vec<char> = text.chars().collect();
    let mut lists: Vec<(bool, std::ops::Range<usize>)> = Vec::new();
    for (open, _) in chars.iter().enumerate().filter(|(_, c)| **c == '(') {
        let (word, before) = word_before(&chars, open);
        if !word.eq_ignore_ascii_case("in") {
            continue;
        }
        let (of, before) = word_before(&chars, before);
        let of = if of.eq_ignore_ascii_case("not") { word_before(&chars, before).0 } else { of };
        let name = of.rsplit('.').next().unwrap_or_default().trim_matches(['`', '"', '[', ']']);
        let close = chars[open..].iter().position(|c| *c == ')').map_or(chars.len(), |length| open + length);
        lists.push((is_column_name(name), open + 1..close));
    }
    if lists.is_empty() {
        return Ok(None);
    }
    if lists.iter().any(|(is_of_ids, _)| *is_of_ids) {
        lists.retain(|(is_of_ids, _)| *is_of_ids);
    } else if lists.len() > 1 {
        return Err(IdsError::SeveralLists);
    }
    // What is cut away ends a number, too.
    let mut blanked: Vec<char> = chars.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }).collect();
    for (_, range) in lists {
        blanked[range.clone()].copy_from_slice(&chars[range]);
    }
    Ok(Some(blanked.into_iter().collect()))
}

/// The word that ends before a place, without the spaces in between, and where it begins. Names are short: more is not looked at.
fn word_before(chars: &[char], end: usize) -> (String, usize) {
    let end = chars[..end].iter().rposition(|c| !c.is_whitespace()).map_or(0, |last| last + 1);
    let least = end.saturating_sub(NAME_MAX_CHARS);
    let start = chars[least..end].iter().rposition(|c| c.is_whitespace()).map_or(least, |space| least + space + 1);
    (chars[start..end].iter().collect(), start)
}

fn is_column_name(text: &str) -> bool {
    let name: String = text.trim().to_lowercase().chars().filter(|c| !matches!(c, ' ' | '_' | '-')).collect();
    COLUMN_NAMES.contains(&name.as_str())
}

/// A table with a column of ids.
struct Table<'r> {
    rows: &'r [Vec<Cell>],
    column: usize,
    header: Option<String>,
}

/// The table that rows are: those of several columns of which one is named, or where a text beside the numbers shows that they are no list.
fn table(rows: &[Vec<Cell>]) -> Option<Table<'_>> {
    let first = rows.first()?;
    let named = first.iter().position(|cell| is_column_name(&cell.text));
    let header = || Some(first.iter().map(|cell| cell.text.trim()).collect::<Vec<_>>().join(", "));
    if let Some(column) = named.filter(|_| first.len() > 1) {
        return Some(Table { rows: &rows[1..], column, header: header() });
    }
    if rows.len() < 2 || first.len() < 2 {
        return None;
    }
    let column_of =
        |column: usize| rows[1..].iter().filter_map(move |row| row.get(column)).filter(|cell| !cell.is_empty());
    let is_all =
        |column: usize, what: fn(&Cell) -> bool| column_of(column).next().is_some() && column_of(column).all(what);
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    // A column of nothing but texts shows that this is a table: one text among numbers may be a slip, and must not make others vanish.
    let is_text = |column: usize| first.get(column).is_some_and(|cell| cell.number().is_none());
    (0..width).find(|column| is_text(*column) && is_all(*column, |cell| cell.numbers(false).is_err()))?;
    let column = (0..width).find(|column| is_all(*column, |cell| cell.number().is_some()))?;
    let has_header = first.get(column).is_none_or(|cell| cell.number().is_none());
    if has_header && first.get(column).is_some_and(Cell::has_digit) {
        return None;
    }
    Some(if has_header {
        Table { rows: &rows[1..], column, header: header() }
    } else {
        Table { rows, column, header: None }
    })
}

impl Table<'_> {
    fn ids(self) -> Result<Ids, IdsError> {
        let mut ids = Vec::new();
        for cell in self.rows.iter().filter_map(|row| row.get(self.column)).filter(|cell| !cell.is_empty()) {
            ids.push(cell.number().ok_or_else(|| not_a_number(cell, &cell.text))?);
        }
        Ok(Ids { ids, ignored_header: self.header, column: Some(self.column + 1) })
    }
}

/// Every number of every cell, but for a first line that is a header.
fn list(rows: &[Vec<Cell>]) -> Result<Ids, IdsError> {
    let (rows, ignored_header) = match rows {
        [first, rest @ ..] if is_header(first) => (rest, first.first().map(|cell| cell.text.trim().to_owned())),
        rows => (rows, None),
    };
    let is_alone = rows.iter().flatten().filter(|cell| !cell.is_empty()).count() == 1;
    let mut ids = Vec::new();
    for cell in rows.iter().flatten() {
        if is_alone && cell.is_quoted && is_thousands(&cell.text) {
            let (line, column, text) = (cell.line, cell.column, shown(&cell.text));
            return Err(IdsError::Ambiguous { line, column, text });
        }
        match cell.numbers(true) {
            Ok(numbers) => ids.extend(numbers),
            Err((offset, word)) => {
                return Err(IdsError::NotANumber { line: cell.line, column: cell.column + offset, text: shown(&word) });
            }
        }
    }
    Ok(Ids { ids, ignored_header, column: None })
}

/// A line of one text, which is a name of ids, or at least no number with a slip.
fn is_header(first: &[Cell]) -> bool {
    let mut cells = first.iter().filter(|cell| !cell.is_empty());
    match (cells.next(), cells.next()) {
        (Some(cell), None) => is_column_name(&cell.text) || (!cell.has_digit() && cell.numbers(true).is_err()),
        _ => false,
    }
}

fn not_a_number(cell: &Cell, text: &str) -> IdsError {
    IdsError::NotANumber { line: cell.line, column: cell.column, text: shown(text) }
}

fn shown(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(SHOWN_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<u64> {
        parse_ids_text(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).ids
    }

    /// users.md 40.
    #[test]
    fn any_list_of_numbers_is_read() {
        for text in [
            "1, 2\n3",
            "1\t2\t3",
            "1;2;3",
            "1 2\r\n3\r\n",
            "\u{feff}1\n2\n3",
            "１，２、３",
            "1|2|3",
            "| 1 | 2 |\n| 3 | |",
            "[1, 2, 3]",
            "(1,2,3)",
            "'1', '2', '3'",
            "“1” “2” “3”",
            "\"1\"\n\"2\"\n\"3\"",
            "=\"1\"\n=\"2\"\n=\"3\"",
            "1.0\n2.0\n3.0",
            "001\n002\n003",
            "1\u{a0}2\u{3000}3",
            "3\n2\n1\n1\n",
            "cd_idx\n1\n2\n3",
            "번호\n1, 2\n3",
            "상품\n1\n2\n3",
            "cd_idx IN (1,2,3)",
            "SELECT * FROM celeb_image_url WHERE vertical = 'v2' AND cd_idx IN ('1', '2',\n3) LIMIT 10;",
            "where t.`cd_idx` in(1,2,3)",
            "sequence IN (0, 1) AND cd_idx IN (1,2,3)",
            "cd_idx,sequence\n1,0\n2,1\n3,0",
            "name;cd_idx\nA 1;1\nB 2;2\n\"C; 3\";3\n",
            "이름\t번호\n가\t1\n나\t2\n다\t3",
            "이름,무엇\n가,1\n나,2\n다,3",
            "가,1\n나,2\n다,3",
            "ID ,이름\n1,가\n,\n2,나\n3,다",
        ] {
            assert_eq!(ids(text), [1, 2, 3], "{text:?}");
        }
    }

    #[test]
    fn thousands_are_separated_only_where_nothing_else_can_be_meant() {
        assert_eq!(ids("cd_idx,name\n\"351,518\",x\n\"1,234,567\",y"), [351_518, 1_234_567]);
        assert_eq!(ids("\"351,518\"\n\"351,519\""), [351_518, 351_519]);
        assert_eq!(ids("351,518"), [351, 518]);
        assert_eq!(ids("\"1, 2, 3\""), [1, 2, 3], "a quoted list");
        let error = parse_ids_text("\"351,518\"").unwrap_err();
        assert_eq!(error, IdsError::Ambiguous { line: 1, column: 1, text: "351,518".into() });
    }

    #[test]
    fn encodings_of_excel_are_read() {
        let text = "번호\r\n351518\r\n351519\r\n";
        let (cp949, _, _) = EUC_KR.encode(text);
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for bytes in [text.as_bytes(), &[b"\xef\xbb\xbf", text.as_bytes()].concat(), &cp949, &utf16] {
            let read = parse_ids(bytes).unwrap();
            assert_eq!((read.ids, read.ignored_header.as_deref()), (vec![351_518, 351_519], Some("번호")));
        }
        assert_eq!(parse_ids(b"1\n\xff\xff\xff"), Err(IdsError::Encoding));
    }

    #[test]
    fn what_is_no_number_is_refused_where_it_is() {
        for (text, line, column, word) in [
            ("1, 2\n3, x4", 2, 4, "x4"),
            ("1 2 three", 1, 5, "three"),
            ("x1\n2", 1, 1, "x1"),
            ("0", 1, 1, "0"),
            ("-5", 1, 1, "-5"),
            ("1.5", 1, 1, "1.5"),
            ("9007199254740992", 1, 1, "9007199254740992"),
            ("cd_idx,name\n1,a\nx,b", 3, 1, "x"),
            ("1\ncd_idx\n2", 2, 1, "cd_idx"),
            ("1,2,,three", 1, 6, "three"),
            ("cd_idx IN (1,\n two)", 2, 2, "two"),
        ] {
            let expected = IdsError::NotANumber { line, column, text: word.into() };
            assert_eq!(parse_ids_text(text).unwrap_err(), expected, "{text:?}");
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        for empty in ["", "\n , ;\n", "cd_idx", "cd_idx\n"] {
            assert_eq!(parse_ids_text(empty), Err(IdsError::Empty), "{empty:?}");
        }
        let list = |n: u64| (1..=n).map(|id| id.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(ids(&list(100_000)).len(), IDS_MAX);
        assert_eq!(parse_ids_text(&list(100_001)), Err(IdsError::TooMany(100_001)));
        assert_eq!(parse_ids_text("a IN (1) or b IN (2)"), Err(IdsError::SeveralLists));
    }

    #[test]
    fn the_header_and_the_column_are_named() {
        let read = parse_ids_text("이름,cd_idx\n가,7").unwrap();
        assert_eq!((read.ignored_header.as_deref(), read.column), (Some("이름, cd_idx"), Some(2)));
    }
}
