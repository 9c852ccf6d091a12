//! Values in the text of statements: several statements in one send take no bound values.
//!
//! A text is quoted only where it has no character that any `sql_mode` or character set reads otherwise; every other one
//! is written in hexadecimal digits, in which nothing can end a value.

use std::fmt::{Display, Write as _};

/// Adds a text.
fn push_text(sql: &mut String, text: &str) {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\'' && byte != b'\\') {
        sql.extend(["'", text, "'"]);
    } else {
        sql.extend(["_utf8mb4 x'", &hex::encode(text), "'"]);
    }
}

/// The values of a list or row, with commas between them.
#[derive(Debug)]
pub(super) struct Values<'s> {
    sql: &'s mut String,
    first: bool,
}

impl<'s> Values<'s> {
    /// Values to be added here.
    pub(super) fn new(sql: &'s mut String) -> Self {
        Self { sql, first: true }
    }

    fn next(&mut self) -> &mut String {
        if !std::mem::take(&mut self.first) {
            self.sql.push(',');
        }
        self.sql
    }

    /// Adds a text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        push_text(self.next(), text);
        self
    }

    /// Adds a text, or `NULL`.
    pub(super) fn optional(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// Adds a number.
    pub(super) fn number(&mut self, number: impl Into<i64>) -> &mut Self {
        self.display(number.into())
    }

    /// Adds a number, or `NULL`.
    pub(super) fn optional_number(&mut self, number: Option<impl Into<i64>>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.null(),
        }
    }

    /// Adds a position: so many below the last one that this connection was given.
    pub(super) fn position(&mut self, below: usize) -> &mut Self {
        self.display(format_args!("LAST_INSERT_ID() - {below}"))
    }

    fn null(&mut self) -> &mut Self {
        self.display("NULL")
    }

    fn display(&mut self, shown: impl Display) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.next(), "{shown}");
        self
    }
}

/// Adds `VALUES (…),(…)`, a row for each item.
pub(super) fn push_rows<'i, T: 'i>(
    sql: &mut String,
    items: impl IntoIterator<Item = &'i T>,
    row: impl Fn(&mut Values<'_>, &'i T),
) {
    sql.push_str("VALUES ");
    push_tuples(sql, items, row);
}

/// Adds `(…),(…)`, one for each item.
pub(super) fn push_tuples<'i, T: 'i>(
    sql: &mut String,
    items: impl IntoIterator<Item = &'i T>,
    tuple: impl Fn(&mut Values<'_>, &'i T),
) {
    for (at, item) in items.into_iter().enumerate() {
        sql.push_str(if at == 0 { "(" } else { ",(" });
        tuple(&mut Values::new(sql), item);
        sql.push(')');
    }
}

/// Adds a statement with values in the place of its question marks.
pub(super) fn push_filled(sql: &mut String, statement: &str, mut fill: impl FnMut(&mut Values<'_>, usize)) {
    for (at, part) in statement.split('?').enumerate() {
        if at > 0 {
            fill(&mut Values::new(sql), at - 1);
        }
        sql.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut sql = String::new();
        push_text(&mut sql, text);
        sql
    }

    #[test]
    fn nothing_ends_a_text_before_its_end() {
        assert_eq!(text("origin/v/1_0.jpg"), "'origin/v/1_0.jpg'");
        assert_eq!(text(""), "''");
        for odd in ["it's", "\\", "'; DROP TABLE x; -- ", "가나", "\0", "a\nb", "\u{7f}"] {
            let hex = hex::encode(odd);
            assert_eq!(text(odd), format!("_utf8mb4 x'{hex}'"), "{odd:?}");
        }
    }

    #[test]
    fn rows_and_lists_have_commas_between_them() {
        let mut sql = String::new();
        push_rows(&mut sql, &[(1, Some("a")), (2, None)], |values, (number, text)| {
            values.number(*number).optional(*text).optional_number(None::<i64>);
        });
        assert_eq!(sql, "VALUES (1,'a',NULL),(2,NULL,NULL)");
        sql.clear();
        Values::new(&mut sql).position(2).optional(None);
        assert_eq!(sql, "LAST_INSERT_ID() - 2,NULL");
        sql.clear();
        push_filled(&mut sql, "a = ? AND b = ?;", |values, at| {
            values.text(["?", "x"][at]);
        });
        assert_eq!(sql, "a = '?' AND b = 'x';");
    }
}
