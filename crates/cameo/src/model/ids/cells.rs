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
}

impl Cell {
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub(super) fn has_digit(&self) -> bool {
        self.text.contains(|c: char| c.is_ascii_digit())
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
        if let Some(number) = self.number() {
            return Ok(vec![number]);
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
                numbers.push(parse(&word).ok_or_else(|| (began, word.clone()))?);
                word.clear();
            }
        }
        Ok(numbers)
    }
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
pub(super) fn is_thousands(text: &str) -> bool {
    let mut groups = text.trim().split(',');
    let is_group = |group: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit())
    };
    let first = groups.next().is_some_and(|group| is_group(group, 1..=3) && !group.starts_with('0'));
    let mut rest = groups.peekable();
    first && rest.peek().is_some() && rest.all(|group| is_group(group, 3..=3))
}

/// The text with what keyboards and programs write in the place of ASCII: character by character, so that places stay.
pub(super) fn normalise(text: &str) -> String {
    let plain = |c: char| match c {
        '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32).unwrap_or(c),
        '，' | '、' | '﹐' | '､' => ',',
        '；' => ';',
        '（' => '(',
        '）' => ')',
        '．' => '.',
        '“' | '”' | '＂' => '"',
        '‘' | '’' | '＇' => '\'',
        '\u{feff}' | '\u{200b}' => ' ',
        c if c != '\n' && c != '\t' && c != '\r' && c.is_whitespace() => ' ',
        c => c,
    };
    // A lone CR ends a line too.
    let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
    text.chars().map(plain).collect()
}

/// Cuts a text into rows of cells. Rows without content are left out.
pub(super) fn cells_of(text: &str) -> Vec<Vec<Cell>> {
    let mut cutter = Cutter { rows: Vec::new(), row: Vec::new(), line: 1, column: 1 };
    let mut chars = text.chars().peekable();
    loop {
        let (cell, end) = cutter.cell(&mut chars);
        cutter.row.push(cell);
        if end != Some(',') {
            cutter.end_row();
        }
        if end.is_none() {
            return cutter.rows;
        }
    }
}

struct Cutter {
    rows: Vec<Vec<Cell>>,
    row: Vec<Cell>,
    line: usize,
    column: usize,
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

    /// The next cell, and what ended it: a line break, `,` for everything that separates cells, or the end of the text.
    fn cell(&mut self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (Cell, Option<char>) {
        let mut cell = Cell { text: String::new(), line: self.line, column: self.column, is_quoted: false };
        let mut quote: Option<char> = None;
        while let Some(c) = chars.next() {
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
                (None, '"' | '\'' | '`') if cell.is_empty() || cell.is_quoted => {
                    if !cell.is_quoted {
                        (cell.line, cell.column) = at;
                        cell.text.clear();
                    }
                    cell.is_quoted = true;
                    quote = Some(c);
                }
                // Excel writes ="351518" where a number is to stay a text.
                (None, '=') if cell.is_empty() && matches!(chars.peek(), Some('"')) => {}
                (None, '\n') => return (cell, Some('\n')),
                (None, ',' | ';' | '\t' | '|') => return (cell, Some(',')),
                (None, c) => {
                    let c = if matches!(c, '[' | ']' | '(' | ')' | '{' | '}') { ' ' } else { c };
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
