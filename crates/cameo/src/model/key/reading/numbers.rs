//! Which number of a name is the `cd_idx`, and which the sequence.
//!
//! A wrong number points at the wrong entity in every report, so a name has one only where it can be read in one way: of more than two numbers
//! (`20261127_1271_0`), numbers that are cut (`12,77_0`) or counted by somebody else (`IMG_1234_0`), and digits that a letter touches (`l265_0`),
//! none is.

use std::ops::Range;

use super::{
    plain::UNSURE,
    times::{is_date, is_year},
};

/// What may stand between number and sequence where a person meant `_`.
const SEPARATORS: [char; 10] = ['_', '-', ' ', '.', '–', '—', '‐', '−', '#', '='];
/// Those that are a minus, too, where they touch the digits behind another separator.
const MINUS: [char; 5] = ['-', '–', '—', '‐', '−'];
/// What joins two numbers, or parts one: `1234+1235`, `1234~1236`, `12,77`.
const JOINERS: [char; 5] = [',', '+', '&', '~', '\''];
/// Longest separator, characters.
const SEPARATOR_MAX_CHARS: usize = 3;
/// Words before a number that count whatever a camera, a telephone or a program made: `IMG_1234` is the 1234th picture of somebody's camera, and
/// `IMG_1234_1` a second one of that name.
const COUNTED: [&str; 25] = [
    "img",
    "image",
    "dsc",
    "dscn",
    "dscf",
    "pict",
    "pic",
    "picture",
    "photo",
    "pxl",
    "mvi",
    "mov",
    "vid",
    "gopr",
    "scan",
    "screenshot",
    "capture",
    "frame",
    "page",
    "no",
    "사진",
    "이미지",
    "스크린샷",
    "캡처",
    "스캔",
];

/// The numbers of a name without its extension and the marks of copies.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers<'n> {
    /// That of the entity.
    pub(super) cd_idx: Option<&'n str>,
    /// The sequence.
    pub(super) sequence: Option<&'n str>,
    /// Whether they are all that the name says.
    pub(super) is_whole: bool,
    /// Whether the first is all that it says.
    pub(super) lacks_sequence: bool,
    /// Whether the name begins with a number.
    pub(super) begins: bool,
}

/// The numbers of a name; none where it can be read in two ways.
pub(super) fn numbers(stem: &str) -> Option<Numbers<'_>> {
    let Some(first) = first_number(stem) else { return Some(Numbers::default()) };
    let (before, rest) = (&stem[..first.start], &stem[first.end..]);
    let number = &stem[first];
    if digits_of(rest).count() > 1 {
        return None;
    }
    if before.is_empty() { behind_nothing(number, rest) } else { behind_words(before, number, rest) }
}

/// The first number, thousand separators included where they are whole and something is behind it: of `351,519` alone nobody knows whether it is
/// one number.
fn first_number(stem: &str) -> Option<Range<usize>> {
    let first = digits_of(stem).next()?;
    let mut end = first.end;
    if first.start == 0 && first.len() <= 3 && !stem.starts_with('0') {
        let is_group = |rest: &str| rest.starts_with(',') && digits_of(&rest[1..]).next() == Some(0..3);
        while is_group(&stem[end..]) {
            end += 4;
        }
    }
    let is_whole = end < stem.len() && !stem[end..].starts_with(',');
    Some(first.start..if is_whole { end } else { first.end })
}

/// Runs of digits.
fn digits_of(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(|c: char| c.is_ascii_digit())?;
        let end = text[start..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |length| start + length);
        at = end;
        Some(start..end)
    })
}

/// A name that begins with its number.
fn behind_nothing<'n>(number: &'n str, rest: &'n str) -> Option<Numbers<'n>> {
    let found = Numbers { cd_idx: Some(number), begins: true, ..Numbers::default() };
    if rest.starts_with(may_be_a_digit) {
        return None;
    }
    if rest.is_empty() {
        // `20261127` is the day on which somebody made it, or a number.
        return (!is_date(number)).then_some(Numbers { lacks_sequence: true, ..found });
    }
    let until = digits_of(rest).next().map_or(rest.len(), |digits| digits.start);
    if digits_of(rest).next().is_some() && rest[..until].contains(JOINERS) {
        return None;
    }
    let Some((separator, sequence, rest)) = split_sequence(rest) else {
        return (!is_day_or_year(number)).then_some(found);
    };
    let is_by_grammar = separator.chars().all(|c| c == '_');
    if !is_by_grammar && (is_cut(number, separator, sequence) || (is_day_or_year(number) && !is_zero(sequence))) {
        return None;
    }
    let is_unsure = rest.starts_with(may_be_a_digit) || has_sign(separator);
    Some(Numbers { sequence: (!is_unsure).then_some(sequence), is_whole: rest.is_empty() && !is_unsure, ..found })
}

/// `ssgdfm_eye_1234_0`: number and sequence, as the grammar has them, behind words that are set apart. A letter that touches the number makes a word
/// of both (`photo1234`), or is a slip for a digit (`l265`, `O12`).
fn behind_words<'n>(before: &str, number: &'n str, rest: &'n str) -> Option<Numbers<'n>> {
    let sequence = rest.strip_prefix('_').filter(|rest| digits_of(rest).next() == Some(0..rest.len()));
    // Of `①234_0` the first is a digit to whoever wrote it.
    if before.ends_with(|c: char| c.is_numeric() || c == UNSURE) {
        return None;
    }
    let is_word = before.chars().any(char::is_alphabetic);
    let Some(sequence) = sequence.filter(|_| is_word) else { return Some(Numbers::default()) };
    let word = before.trim_end_matches(['_', ' ']);
    let is_set_apart = word.len() < before.len() && word.ends_with(char::is_alphabetic);
    let last = word.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or(word).to_lowercase();
    let is_its_own = is_set_apart && !COUNTED.contains(&last.as_str()) && !is_date(number);
    is_its_own.then_some(Numbers { cd_idx: Some(number), sequence: Some(sequence), ..Numbers::default() })
}

/// Whether a character that touches digits may be one of them, or makes one word with them. Hangul, Han and Kana stand behind numbers as
/// counters and remarks do (`1234번`), and are like no digit.
fn may_be_a_digit(c: char) -> bool {
    let is_east_asian = matches!(c, '가'..='힣' | '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}');
    (c.is_alphanumeric() && !is_east_asian) || c == UNSURE
}

/// Behind a number, the separator, the digits of the sequence, and the rest.
fn split_sequence(text: &str) -> Option<(&str, &str, &str)> {
    let behind = text.trim_start_matches(SEPARATORS);
    let separator = &text[..text.len() - behind.len()];
    let digits = digits_of(behind).next().filter(|digits| digits.start == 0)?;
    let is_one = (1..=SEPARATOR_MAX_CHARS).contains(&separator.chars().count());
    is_one.then(|| (separator, &behind[..digits.end], &behind[digits.end..]))
}

/// Whether a minus touches the sequence: `1257_-1`.
fn has_sign(separator: &str) -> bool {
    separator.ends_with(MINUS) && separator.chars().count() > 1
}

/// Whether both may be parts of one number, as thousands are separated elsewhere: `351.519`, `351 519`.
fn is_cut(number: &str, separator: &str, sequence: &str) -> bool {
    matches!(separator, "." | " ") && (1..=3).contains(&number.len()) && !number.starts_with('0') && sequence.len() == 3
}

fn is_day_or_year(number: &str) -> bool {
    is_date(number) || is_year(number)
}

/// No month and no day is zero: `1999-0` is a photo.
fn is_zero(sequence: &str) -> bool {
    sequence.bytes().all(|byte| byte == b'0')
}
