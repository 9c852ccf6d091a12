//! A name in plain characters: composed, digits and letters of full width in their usual form.
//!
//! No two parts of a name are glued to one number: what is only like a digit stays as it is, and of an invisible character between two digits a
//! mark is left, since nobody knows whether it parts two numbers.

use unicode_normalization::UnicodeNormalization;

/// Zeros of scripts whose digits NFKC leaves as they are.
const OTHER_ZEROS: [u32; 7] = [0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0x0ED0, 0x17E0];
/// Is where an invisible character was amid digits.
pub(super) const UNSURE: char = '␣';

/// A name in plain characters, and how it was written.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) text: String,
    /// Whether it has decomposed or invisible characters.
    pub(super) is_unnormal: bool,
    /// Whether it has digits of other scripts.
    pub(super) has_odd_digits: bool,
}

/// The name in plain characters.
pub(super) fn plain(name: &str) -> Plain {
    let visible = without_invisible(name);
    let composed: String = visible.nfc().collect();
    let mut plain = Plain {
        text: String::with_capacity(composed.len()),
        is_unnormal: visible != name || composed != visible,
        has_odd_digits: false,
    };
    for c in composed.chars() {
        if let Some(digit) = digit_of(c) {
            plain.text.push(digit);
            plain.has_odd_digits |= !c.is_ascii();
            continue;
        }
        let before = plain.text.len();
        plain.text.extend(std::iter::once(c).nfkc());
        // Of `1234²` and `1234①` the last is no digit of a number.
        if !c.is_ascii() && plain.text[before..].bytes().any(|byte| byte.is_ascii_digit()) {
            plain.text.truncate(before);
            plain.text.push(c);
        }
    }
    plain
}

/// The usual form of a digit of any script.
fn digit_of(c: char) -> Option<char> {
    let of_script = || OTHER_ZEROS.iter().find_map(|zero| char::from_digit(u32::from(c).checked_sub(*zero)?, 10));
    match c {
        '0'..='9' => Some(c),
        // Of full width, and of mathematics.
        '０'..='９' | '\u{1d7ce}'..='\u{1d7ff}' => std::iter::once(c).nfkc().next(),
        _ => of_script(),
    }
}

fn without_invisible(name: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| digit_of(c).is_some());
    let mut visible = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        if !is_invisible(c) {
            visible.push(c);
        } else if is_digit(visible.chars().next_back())
            && is_digit(name[at..].chars().find(|next| !is_invisible(*next)))
        {
            visible.push(UNSURE);
        }
    }
    visible
}

/// Whether a character shows nothing, or changes how others show.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
