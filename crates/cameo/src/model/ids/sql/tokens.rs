//! The words, numbers and marks of a text that may be SQL, each with its place.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// A keyword or a name, in the quotes of names too.
    Word,
    /// Digits.
    Number,
    /// A text in quotes.
    Text,
    /// `=`, `<>` and the like.
    Operator,
    /// A bracket, a comma, a semicolon.
    Mark,
    /// Up to the end of its line, or between `/*` and `*/`.
    Comment,
    /// Anything else.
    Other,
}

/// A token, at its place in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) is: Is,
    pub(super) at: Range<usize>,
}

impl Token {
    pub(super) fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.at.clone()]
    }
}

/// The tokens of a text; spaces are between them.
pub(super) fn tokens_of(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        // A spreadsheet's ="1001" is a text of its own, unless it is compared with what is before it.
        let cell =
            tokens.last().is_none_or(|before: &Token| before.is != Is::Word).then(|| spreadsheet_text(&text[at..]));
        let (is, length) = cell.flatten().map_or_else(|| token(&text[at..], c), |length| (Is::Text, length));
        tokens.push(Token { is, at: at..at + length });
        at += length;
    }
    tokens
}

/// The length of `="1001"` at the beginning of a text.
fn spreadsheet_text(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("=\"")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && rest[digits..].starts_with('"')).then_some(digits + 3)
}

/// What a text begins with, and how long it is.
fn token(text: &str, first: char) -> (Is, usize) {
    let while_ = |is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
    let line = || text.find('\n').unwrap_or(text.len());
    // What nothing closes in its line is a mark by itself.
    let quoted = |quote: char| text[1..line()].find(quote).map(|length| length + 2);
    match first {
        _ if text.starts_with("--") && !text[2..].starts_with(|c: char| c.is_ascii_digit()) => (Is::Comment, line()),
        _ if text.starts_with("/*") => (Is::Comment, text.find("*/").map_or(text.len(), |end| end + 2)),
        '\'' => quoted('\'').map_or((Is::Other, 1), |length| (Is::Text, length)),
        '"' => quoted('"').map_or((Is::Other, 1), |length| (Is::Text, length)),
        '`' => quoted('`').map_or((Is::Other, 1), |length| (Is::Word, length)),
        '(' | ')' | ',' | ';' => (Is::Mark, 1),
        '=' | '<' | '>' | '!' | '+' | '-' | '*' | '/' | '%' => {
            (Is::Operator, while_(|c| matches!(c, '=' | '<' | '>' | '!' | '+' | '-' | '*' | '/' | '%')))
        }
        c if c.is_ascii_digit() => {
            let length = while_(is_of_word);
            let is_number = text[..length].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            (if is_number { Is::Number } else { Is::Other }, length)
        }
        c if is_of_word(c) => (Is::Word, name_length(text)),
        c => (Is::Other, c.len_utf8()),
    }
}

const fn is_of_word_ascii(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$' | '␣')
}

fn is_of_word(c: char) -> bool {
    is_of_word_ascii(c) || (!c.is_ascii() && c.is_alphanumeric())
}

/// A name, with those of its schema and table: `` t.`cd_idx` ``.
fn name_length(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        at += rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let is_quoted = text[..at].ends_with('.') && text[at..].starts_with('`');
        match text[at..].get(1..).and_then(|rest| rest.find('`')).filter(|_| is_quoted) {
            Some(length) => at += length + 2,
            None => return at,
        }
    }
}
