//! Quotes of a CSV that open a cell and that nothing closes: each of them would swallow the rows up to the next quote.
//!
//! A cell may have several lines, as a note that somebody wrote in a spreadsheet. It counts as one only where its quote is closed as RFC 4180
//! has it and none of its lines looks like a row of a list: a row that is swallowed is lost, one that is reported is not.

use super::{
    has_id_digits,
    normalise::{is_invisible, plain_digit},
};

/// Characters of one cell, at most: what spreadsheets keep.
const CELL_MAX_BYTES: usize = 32_767;

/// The places, in bytes, of quotes that open a cell and that nothing closes. Lines end with `\n`.
pub(crate) fn stray_quotes(text: &str, is_separator: impl Fn(u8) -> bool) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut is_start) = (0, true);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' if is_start => {
                // `"1" "2"` opens another one.
                if let Some(end) = closing(bytes, at, &is_separator) {
                    at = end;
                } else {
                    found.push(at);
                    is_start = false;
                }
            }
            b' ' | b'=' | b'(' | b'[' | b'{' | b')' | b']' | b'}' if is_start => {}
            b'\n' => is_start = true,
            byte => is_start = is_separator(*byte),
        }
        at += 1;
    }
    found
}

/// The text with a space in the place of each of these quotes.
pub(crate) fn without(text: &str, quotes: &[usize]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for quote in quotes {
        out.push_str(&text[done..*quote]);
        out.push(' ');
        done = quote + 1;
    }
    out + &text[done..]
}

/// Where the quote is closed that opens at a place.
fn closing(bytes: &[u8], open: usize, is_separator: &impl Fn(u8) -> bool) -> Option<usize> {
    let (mut at, mut line) = (open + 1, None);
    loop {
        match bytes.get(at)? {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 1,
            b'"' => {
                let is_ended = ends_cell(&bytes[at + 1..], is_separator);
                let is_closed = match line {
                    // Of `";"1001"` and of `"1001;";` the second quote opens another cell.
                    None if bytes[open..at].iter().any(|byte| is_separator(*byte)) => {
                        is_ended && !is_separator(bytes[at - 1])
                    }
                    None => true,
                    Some(line) => is_ended && !is_row(&bytes[line..at], is_separator),
                };
                return is_closed.then_some(at);
            }
            b'\n' => {
                let from = line.unwrap_or(open + 1);
                if is_row(&bytes[from..at], is_separator) || at - open > CELL_MAX_BYTES {
                    return None;
                }
                line = Some(at + 1);
            }
            _ => {}
        }
        at += 1;
    }
}

fn ends_cell(rest: &[u8], is_separator: &impl Fn(u8) -> bool) -> bool {
    rest.iter().find(|byte| **byte != b' ').is_none_or(|byte| *byte == b'\n' || is_separator(*byte))
}

/// Whether a cell of the line is a number, or begins as the name of a photo; or there are several cells, and numbers in them.
fn is_row(line: &[u8], is_separator: &impl Fn(u8) -> bool) -> bool {
    if line.iter().any(|byte| is_separator(*byte)) && has_id_digits(&String::from_utf8_lossy(line)) {
        return true;
    }
    line.split(|byte| is_separator(*byte)).any(|cell| {
        let cell = String::from_utf8_lossy(cell);
        let is_around = |c: char| c.is_whitespace() || is_invisible(c) || matches!(c, '"' | '\'' | '=');
        let cell = cell.trim_matches(is_around);
        let rest = cell.trim_start_matches(|c| plain_digit(c).is_ascii_digit());
        let is_rest = rest.is_empty() || ["_", ".0", ".jp"].iter().any(|start| rest.starts_with(start));
        rest.len() < cell.len() && is_rest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let quotes = stray_quotes(text, |byte| byte == b',');
        quotes.into_iter().map(|at| text[..at].matches('\n').count() + 1).collect()
    }

    #[test]
    fn quotes_that_are_closed_are_no_strays() {
        for text in [
            "1,\"a, b\"\n2,c",
            "1,\"a \"\"b\"\"\"\n2,\"\"",
            "1,\"a\nb\nc\"\n2,d",
            "1,\"a\n1. b\n3 c\"\n2,d",
            "\"1\" \"2\"",
            "=\"1\"\n=\"2\"",
            "1,5\" wide\n2,6\" wide",
        ] {
            assert_eq!(lines(text), Vec::<usize>::new(), "{text:?}");
        }
    }

    #[test]
    fn open_quotes_are_found_in_their_lines() {
        for (text, expected) in [
            ("1,\"a\n2,b", vec![1]),
            ("1,\"a\n2,b\n3,\"c\n4,d", vec![1, 3]),
            ("1,\"a\n2,b\n3,\"", vec![1, 3]),
            ("1,\"a\n2,b\n3,\"c\"", vec![1]),
            ("1,\"a\n2_0.jpg\n3,\"", vec![1, 3]),
            ("\"1\n2\n3\"\n", vec![1]),
            ("\"1\" \"2\n3", vec![1]),
            ("1,\"a\n2x,b,\"\n3,c", vec![1, 2]),
            ("1,\",\"2\"\n3,\"a\"", vec![1]),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
        assert_eq!(without("1,\"a\n\"b\"", &[2]), "1, a\n\"b\"");
    }
}
