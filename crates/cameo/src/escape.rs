//! Text from outside as people may safely read it: on a terminal, in a log, in a page of text.
//!
//! Keys and file names come from whoever uploads. A terminal obeys the control characters in them, and a line break in one forges a line of
//! the answer. Whoever prints does it through here, once for a whole line, and never lets a line of an answer hold text of
//! others with its line breaks.

use std::{borrow::Cow, fmt::Write};

/// Whether a character would do something instead of being seen, or would change what is seen beside it.
fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Separators of lines and paragraphs, which some viewers break lines at.
            '\u{2028}' | '\u{2029}'
            // Marks, embeddings, overrides and isolates of the direction of text (UAX #9): they show a name that it is not.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Nothing to see at all. The joiners U+200C and U+200D stay, which names and emoji need.
            | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every active character written out, as Rust and many others do: `\n`, `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |character, out| out.extend(character.escape_default()))
}

/// The same of text of several lines: line breaks and tabs stay as they are, for places where they forge nothing (a cell, a page).
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    let stays = |character: char| matches!(character, '\n' | '\r' | '\t');
    if !text.contains(|character| is_active(character) && !stays(character)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_inclusive(stays).fold(String::with_capacity(text.len() + 16), |mut out, piece| {
        let line = piece.trim_end_matches(stays);
        out.push_str(&visible(line));
        out.push_str(&piece[line.len()..]);
        out
    }))
}

/// JSON with the active characters inside of its strings written as JSON does (`\u001b`): the values stay the same.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    escaped(json, |character, out| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// What makes a spreadsheet run a cell as a formula, where the cell begins with it.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell of a CSV file as spreadsheets may open it: what would be run as a formula gets an apostrophe in front.
pub fn formula_safe(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(FORMULA_STARTS) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// A cell of any CSV file: nothing in it is run, and every active character is written out as [`visible`] does it, so that the name of a
/// file reads the same in a table and in a text. Whoever shows a table in a terminal is as safe as who reads it in a spreadsheet.
pub fn csv_cell(cell: &str) -> String {
    visible(&formula_safe(cell)).into_owned()
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_active(character) {
            escape(character, &mut out);
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security.md A7.
    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (text, shown) in [
            ("origin/v/1\u{1b}[2J\u{1b}]0;owned\u{7}.jpg", r"origin/v/1\u{1b}[2J\u{1b}]0;owned\u{7}.jpg"),
            ("a\nv/1: complete\r\t", r"a\nv/1: complete\r\t"),
            ("\u{9b}31m\u{7f}\0", r"\u{9b}31m\u{7f}\u{0}"),
            ("gpj.\u{202e}1_0\u{2066}\u{200f}", r"gpj.\u{202e}1_0\u{2066}\u{200f}"),
            ("one\u{2028}two\u{2029}", r"one\u{2028}two\u{2029}"),
            ("\u{feff}\u{200b}", r"\u{feff}\u{200b}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn lines_stay_lines_where_they_forge_nothing() {
        assert_eq!(visible_lines("a\u{202e}\n\tb\r\n\n\u{1b}c"), "a\\u{202e}\n\tb\r\n\n\\u{1b}c");
        assert!(matches!(visible_lines("one\n\ttwo\r\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn names_that_only_look_unusual_stay_as_they_are() {
        for text in ["origin/서울/1_0.jpg", "👩\u{200d}🎨 é ﷺ שלום", r#"C:\photos "quoted""#] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn no_cell_is_run_as_a_formula() {
        for cell in ["=1+1", "+1", "-1_0.jpg", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(formula_safe(cell), format!("'{cell}"));
        }
        for cell in ["1234_0.jpg", "", "a=b", "'=1"] {
            assert_eq!(formula_safe(cell), cell);
        }
    }

    #[test]
    fn a_cell_of_a_table_has_no_active_character_and_runs_nothing() {
        for (cell, shown) in [
            ("1\u{1b}[2J_0.jpg", r"1\u{1b}[2J_0.jpg"),
            ("two\r\nlines", r"two\r\nlines"),
            ("\t=1+1", r"'\t=1+1"),
            ("=1\n2", r"'=1\n2"),
            ("gpj.\u{202e}1_0", r"gpj.\u{202e}1_0"),
            ("사진, 1", "사진, 1"),
        ] {
            assert_eq!(csv_cell(cell), shown);
        }
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({ "key": "a\u{9b}\u{202e}\u{2028}\u{e0041}\u{1b}\n서울" });
        let text = value.to_string();
        let shown = visible_json(&text);
        assert!(!shown.contains(is_active), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
