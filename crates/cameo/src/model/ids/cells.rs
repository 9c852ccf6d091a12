//! The cells of a pasted text: rows of lines, cut at commas, tabs, semicolons and bars, with quotes as CSV and SQL have them.
//!
//! Every cell knows the line and the character at which it begins, so that an error can name the place.

use crate::model::key::CD_IDX_MAX;

/// A cell of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// What is in it, without quotes.
    pub(super) text: String,
    /// The line that it begins in, from 1.
    pub(super) line: usize,
    /// The character of the line at which its text begins, from 1.
    pub(super) column: usize,
    /// Whether it was in quotes.
    pub(super) is_quoted: bool,
    /// Whether nothing but a comma is between it and the cell before it: both may be parts of one number.
    pub(super) is_joined: bool,
}

impl Cell {
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub(super) fn has_digit(&self) -> bool {
        self.text.contains(|c: char| c.is_ascii_digit())
    }

    /// Whether somebody meant a number by it, or several.
    pub(super) fn is_number_like(&self) -> bool {
        !self.is_empty() && self.numbers(true).is_ok()
    }

    /// The number that the cell is, as a whole.
    pub(super) fn number(&self) -> Option<u64> {
        let text = self.text.trim();
        if self.is_quoted && is_thousands(text) {
            return parse(&text.replace(',', ""));
        }
        parse(text)
    }

    /// All numbers of the cell; else where in it which word is none. Quoted lists count only where they `may_be_list`.
    pub(super) fn numbers(&self, may_be_list: bool) -> Result<Vec<u64>, (usize, String)> {
        self.words(may_be_list).into_iter().collect()
    }

    /// Every word of the cell: a number, or else where in the cell it is and what it is.
    pub(super) fn words(&self, may_be_list: bool) -> Vec<Result<u64, (usize, String)>> {
        if let Some(number) = self.number() {
            return vec![Ok(number)];
        }
        let is_end = |c: char| c.is_whitespace() || (may_be_list && matches!(c, ',' | ';'));
        let (mut numbers, mut word, mut began) = (Vec::new(), String::new(), 0);
        for (at, c) in self.text.chars().chain([' ']).enumerate() {
            if !is_end(c) {
                if word.is_empty() {
                    began = at;
                }
                word.push(c);
            } else if !word.is_empty() {
                numbers.push(parse(unquoted(&word)).ok_or_else(|| (began, word.clone())));
                word.clear();
            }
        }
        numbers
    }
}

/// A word without quotes around it: of `1 ="2"` the second is a cell of its own.
fn unquoted(word: &str) -> &str {
    let quoted = word.strip_prefix('=').unwrap_or(word);
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(word)
}

/// `351518`, and `351518.0` as programs export it that take every number for a fraction.
fn parse(text: &str) -> Option<u64> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let is_digits = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    whole.parse().ok().filter(|id| is_digits && (1..=CD_IDX_MAX).contains(id))
}

/// `1,234` and `12,345,678`.
pub(crate) fn is_thousands(text: &str) -> bool {
    let mut groups = text.trim().split(',');
    let is_group = |group: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit())
    };
    let first = groups.next().is_some_and(|group| is_group(group, 1..=3) && !group.starts_with('0'));
    let mut rest = groups.peekable();
    first && rest.peek().is_some() && rest.all(|group| is_group(group, 3..=3))
}

/// Cuts a text into rows of cells. Rows without content are left out.
pub(super) fn cells_of(text: &str) -> Vec<Vec<Cell>> {
    let mut cutter = Cutter { rows: Vec::new(), row: Vec::new(), line: 1, column: 1, is_joined: false };
    let mut chars = text.chars().peekable();
    loop {
        let is_joined = std::mem::take(&mut cutter.is_joined);
        let (cell, end) = cutter.cell(&mut chars);
        cutter.row.push(Cell { is_joined, ..cell });
        if end.is_none_or(|end| end == '\n') {
            cutter.end_row();
        }
        if end.is_none() {
            return cutter.rows;
        }
    }
}

/// The cells from each on that are parts of one number, if it is one with separators: `351,518`. Else the cell by itself.
pub(super) fn runs_of(row: &[Cell]) -> impl Iterator<Item = &[Cell]> {
    row.chunk_by(|_, next| next.is_joined)
}

/// What cells were before they were cut.
pub(super) fn joined(run: &[Cell]) -> String {
    run.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(",")
}

struct Cutter {
    rows: Vec<Vec<Cell>>,
    row: Vec<Cell>,
    line: usize,
    column: usize,
    /// Whether the last separator was a comma between two digits.
    is_joined: bool,
}

impl Cutter {
    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        if row.iter().any(|cell| !cell.is_empty()) {
            self.rows.push(row);
        }
    }

    fn step(&mut self, c: char) {
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }

    /// The next cell, and what ended it: a line break, what separates cells, or the end of the text.
    fn cell(&mut self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (Cell, Option<char>) {
        let mut cell =
            Cell { text: String::new(), line: self.line, column: self.column, is_quoted: false, is_joined: false };
        let mut quote: Option<char> = None;
        // Whether nothing is in it yet, or nothing behind what was in quotes: as `stray_quotes` sees it.
        let mut is_fresh = true;
        let mut last = ' ';
        while let Some(c) = chars.next() {
            let before = std::mem::replace(&mut last, c);
            let at = (self.line, self.column);
            self.step(c);
            match (quote, c) {
                (Some(open), c) if c == open => {
                    if c == '"' && chars.peek() == Some(&'"') {
                        chars.next();
                        self.step('"');
                        cell.text.push('"');
                    } else {
                        quote = None;
                        // Of `"1" "2"` each is a number.
                        cell.text.push(' ');
                    }
                }
                (Some(_), c) => cell.text.push(c),
                // Spreadsheets mark a text with one apostrophe: '351518.
                (None, '\'' | '`') if is_fresh && !is_closed(chars, c) => {}
                (None, '"' | '\'' | '`') if is_fresh => {
                    if !cell.is_quoted {
                        (cell.line, cell.column) = at;
                        cell.text.clear();
                    }
                    cell.is_quoted = true;
                    quote = Some(c);
                }
                // Excel writes ="351518" where a number is to stay a text.
                (None, '=') if is_fresh && matches!(chars.peek(), Some('"')) => {}
                (None, '\n') => return (cell, Some('\n')),
                (None, ',' | ';' | '\t' | '|') => {
                    let is_digit = |c: char| c.is_ascii_digit();
                    self.is_joined = c == ',' && is_digit(before) && chars.peek().copied().is_some_and(is_digit);
                    return (cell, Some(c));
                }
                (None, c) => {
                    // Of `351518 (2)` the 2 is no id of its own.
                    let is_aside = c == '(' && cell.text.trim_end().ends_with(|last: char| last.is_ascii_digit());
                    let is_bracket = matches!(c, '[' | ']' | '(' | ')' | '{' | '}') && !is_aside;
                    let c = if is_bracket { ' ' } else { c };
                    is_fresh &= c == ' ';
                    if cell.text.is_empty() && c == ' ' {
                        cell.column = self.column;
                    } else {
                        cell.text.push(c);
                    }
                }
            }
        }
        (cell, None)
    }
}

/// Whether the quote that opened here is closed in its line, where a cell may end: not by the apostrophe of a name.
fn is_closed(chars: &std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> bool {
    let mut rest = chars.clone().take_while(|c| *c != '\n').skip_while(|c| *c != quote);
    rest.next().is_some() && rest.next().is_none_or(|c| !c.is_alphanumeric())
}
