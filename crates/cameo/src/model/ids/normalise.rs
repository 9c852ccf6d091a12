//! What keyboards, spreadsheets and web pages write in the place of ASCII, made ASCII: character by character, so that places stay.
//!
//! What could be part of one number or stand between two of them is made neither: it stays as [`UNSURE`], which no number holds, so that
//! it is reported and no id is made up by gluing or splitting.

/// Stands where a space or an invisible character is amid digits.
const UNSURE: char = '␣';

const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/// Whether a character shows nothing.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}')
}

/// Spaces that are thousand separators in some languages.
const fn is_narrow_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2009}' | '\u{202f}')
}

/// The text in plain characters, with `\n` alone as the end of a line.
pub(crate) fn normalise(text: &str) -> String {
    let ended = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
    let mut out = String::with_capacity(ended.len());
    // Digits that were written last, without a break.
    let mut digits = 0;
    for (at, c) in ended.char_indices() {
        let rest = &ended[at + c.len_utf8()..];
        let plain = if is_invisible(c) {
            if digits > 0 && digits_ahead(rest) > 0 { UNSURE } else { ' ' }
        } else if is_narrow_space(c) {
            if (1..=3).contains(&digits) && digits_ahead(rest) == 3 { UNSURE } else { ' ' }
        } else {
            plain(c)
        };
        digits = if plain.is_ascii_digit() { digits + 1 } else { 0 };
        out.push(plain);
    }
    out
}

/// A digit of full width as the usual one.
pub(crate) const fn plain_digit(c: char) -> char {
    match c {
        '０'..='９' => DIGITS[(c as u32 - '０' as u32) as usize],
        c => c,
    }
}

/// Digits that a text begins with; four are as good as more.
fn digits_ahead(text: &str) -> usize {
    text.chars().take(4).take_while(|c| plain_digit(*c).is_ascii_digit()).count()
}

fn plain(c: char) -> char {
    match c {
        '，' | '、' | '﹐' | '､' => ',',
        '；' => ';',
        '（' => '(',
        '）' => ')',
        '．' => '.',
        '“' | '”' | '＂' => '"',
        '‘' | '’' | '＇' => '\'',
        c if c != '\n' && c != '\t' && c.is_whitespace() => ' ',
        c => plain_digit(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_part_of_a_number_stays_apart_from_what_separates() {
        for (text, plain) in [
            ("１２\u{3000}３", "12 3"),
            ("1\r\n2\r3", "1\n2\n3"),
            ("1\u{a0}2", "1 2"),
            ("351\u{a0}518", "351␣518"),
            ("3518\u{a0}518", "3518 518"),
            ("10\u{200b}01", "10␣01"),
            ("\u{200e}1001\u{200b} 2", " 1001  2"),
        ] {
            assert_eq!(normalise(text), plain, "{text:?}");
        }
    }
}
