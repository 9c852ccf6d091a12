//! What a file name evidently means where it is not of the grammar: the number, the sequence, and what is wrong.
//!
//! It reads the way a person would: digits of any script, any separator, marks of copies, wrong extensions. It only ever
//! explains a name that the grammar of `model::key` refuses, and never makes one valid.

use unicode_normalization::UnicodeNormalization;

use crate::model::key::CD_IDX_MAX;

/// Extensions of JPEG files, as programs write them or people mistype them.
const JPEG_EXTENSIONS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "jgp", "jpgg", "jpeq"];
/// Words that mark a copy, in small letters.
const COPY_WORDS: [&str; 8] = ["복사본", "사본", "copy", "コピー", "副本", "kopie", "copie", "copia"];
/// What may stand between number and sequence where a person meant `_`.
const SEPARATORS: [char; 13] = ['_', '-', ' ', '.', '~', '–', '—', '‐', '−', ',', '#', '+', '='];
/// Longest separator, characters.
const SEPARATOR_MAX_CHARS: usize = 3;
/// Longest ending that is taken for an extension, characters.
const EXTENSION_MAX_CHARS: usize = 10;
/// Zeros of scripts whose digits NFKC leaves as they are.
const OTHER_ZEROS: [u32; 7] = [0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0x0ED0, 0x17E0];

/// What a name says and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own, and a name may have several")]
pub(super) struct Reading {
    /// The entity's number, where it can be read.
    pub(super) cd_idx: Option<u64>,
    /// The photo's sequence, where it can be read.
    pub(super) sequence: Option<u16>,
    /// Whether number and sequence are all that the name says, so that it has one right form.
    pub(super) is_whole: bool,
    /// Whether the number is all that it says.
    pub(super) lacks_sequence: bool,
    /// Whether it begins with a number.
    pub(super) has_number: bool,
    /// Decomposed or invisible characters.
    pub(super) is_unnormal: bool,
    /// Digits of other scripts, leading zeros, thousand separators, numbers out of range.
    pub(super) has_odd_digits: bool,
    pub(super) extension: Extension,
    /// The mark of a copy, such as `(1)`.
    pub(super) is_copy: bool,
}

/// How a name ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Extension {
    /// `.jpg`, once.
    #[default]
    Right,
    /// That of a JPEG, written otherwise or twice; or a full stop behind it.
    Wrong(String),
    /// None.
    Absent,
    /// One behind `.jpg`, such as that of an unfinished download.
    Appended(String),
    /// That of something else.
    Foreign(String),
}

impl Extension {
    /// Whether the file may be a photo that is named wrongly.
    pub(super) fn may_be_jpeg(&self) -> bool {
        matches!(self, Self::Right | Self::Wrong(_) | Self::Absent)
    }
}

/// Reads a file name, without folders.
pub(super) fn read(name: &str) -> Reading {
    let mut reading = Reading::default();
    let plain = reading.take_plain(name);
    let stem = reading.take_extension(&plain);
    let stem = reading.take_copy_marks(stem.trim());
    // The numbers in a name that a telephone or a messenger gave are a time, and nobody's.
    if !is_named_by_time(stem.trim()) {
        reading.take_numbers(stem.trim());
    }
    reading
}

/// Whether a name is a date and a time, such as `KakaoTalk_20261125_143022123_01` or `IMG_20261125_143022`.
fn is_named_by_time(stem: &str) -> bool {
    let mut numbers = stem.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
    let is_date = |number: &str| {
        let number: u32 = number.parse().ok().filter(|_| number.len() == 8).unwrap_or(0);
        let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
        (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
    };
    let of_messenger = ["kakaotalk", "signal-", "whatsapp", "telegram"];
    let stem = stem.to_ascii_lowercase();
    if of_messenger.iter().any(|name| stem.starts_with(name)) {
        return true;
    }
    let begins_with_letters = stem.starts_with(|c: char| c.is_alphabetic());
    begins_with_letters
        && numbers.next().is_some_and(is_date)
        && numbers.next().is_some_and(|time| (6..=9).contains(&time.len()))
}

/// Whether a character shows nothing, or changes how others show.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

impl Reading {
    /// The name in plain characters: composed, digits and letters of full width in their usual form.
    fn take_plain(&mut self, name: &str) -> String {
        let visible: String = name.chars().filter(|c| !is_invisible(*c)).collect();
        let composed: String = visible.nfc().collect();
        self.is_unnormal = visible.len() != name.len() || composed != visible;
        let mut plain = String::with_capacity(composed.len());
        for c in composed.chars() {
            let before = plain.len();
            match OTHER_ZEROS.iter().find_map(|zero| char::from_digit(u32::from(c).checked_sub(*zero)?, 10)) {
                Some(digit) => plain.push(digit),
                None => plain.extend(std::iter::once(c).nfkc()),
            }
            self.has_odd_digits |= !c.is_ascii() && plain[before..].bytes().any(|byte| byte.is_ascii_digit());
        }
        plain
    }

    /// Takes the extension off.
    fn take_extension<'n>(&mut self, name: &'n str) -> &'n str {
        let trimmed = name.trim();
        let name = trimmed.trim_end_matches('.').trim_end();
        let dotted = name.len() < trimmed.len();
        let Some((stem, extension)) = split_extension(name) else {
            self.extension = Extension::Absent;
            return name;
        };
        if !is_jpeg(extension) {
            let (base, is_appended) = match split_extension(stem) {
                Some((base, inner)) if is_jpeg(inner) => (base, true),
                _ => (stem, false),
            };
            let extension = extension.to_owned();
            self.extension = if is_appended { Extension::Appended(extension) } else { Extension::Foreign(extension) };
            return base;
        }
        let mut base = stem;
        while let Some((shorter, inner)) = split_extension(base.trim_end()) {
            if !is_jpeg(inner) {
                break;
            }
            base = shorter;
        }
        let is_right = base.len() == stem.len() && extension == "jpg" && !dotted;
        if !is_right {
            self.extension = Extension::Wrong(trimmed[base.len()..].to_owned());
        }
        base
    }

    /// Takes off what file managers and browsers add to the name of a copy.
    fn take_copy_marks<'n>(&mut self, stem: &'n str) -> &'n str {
        let mut stem = stem;
        while let Some(shorter) = without_copy_mark(stem) {
            self.is_copy = true;
            stem = shorter;
        }
        stem
    }

    fn take_numbers(&mut self, stem: &str) {
        let (number, rest) = split_number(stem);
        if number.is_empty() {
            self.take_prefixed(stem);
            return;
        }
        self.has_number = true;
        self.take_cd_idx(number);
        if rest.is_empty() {
            self.lacks_sequence = true;
            return;
        }
        let Some((sequence, rest)) = split_sequence(rest) else { return };
        if rest.is_empty() {
            self.is_whole = true;
            self.take_sequence(sequence);
        } else if !rest.starts_with(|c: char| SEPARATORS.contains(&c)) || !has_digit_behind_separator(rest) {
            // `1234_0_final`; but `1_0_0` says nothing certain of its sequence.
            self.take_sequence(sequence);
        }
    }

    /// `IMG_1234_0`: number and sequence behind words.
    fn take_prefixed(&mut self, stem: &str) {
        let Some((head, sequence)) = stem.rsplit_once('_') else { return };
        let digits = head.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (prefix, number) = head.split_at(head.len() - digits);
        let is_word = prefix.chars().any(char::is_alphabetic) && !prefix.ends_with(['-', '+', '.', ',']);
        let (cd_idx, sequence) = (parse_cd_idx(number), parse_sequence(sequence));
        if is_word && cd_idx.is_some() && sequence.is_some() {
            (self.cd_idx, self.sequence) = (cd_idx, sequence);
        }
    }

    fn take_cd_idx(&mut self, number: &str) {
        self.has_odd_digits |= number.contains(',') || has_leading_zero(number);
        self.cd_idx = parse_cd_idx(number);
        self.has_odd_digits |= self.cd_idx.is_none();
    }

    fn take_sequence(&mut self, number: &str) {
        self.sequence = parse_sequence(number);
        self.has_odd_digits |= has_leading_zero(number) || self.sequence.is_none();
    }
}

fn is_jpeg(extension: &str) -> bool {
    JPEG_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The name without its extension, and the extension; what holds no letter is none.
fn split_extension(name: &str) -> Option<(&str, &str)> {
    let (stem, extension) = name.rsplit_once('.')?;
    let extension = extension.trim();
    let is_one = (1..=EXTENSION_MAX_CHARS).contains(&extension.chars().count())
        && extension.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && extension.chars().any(|c| c.is_ascii_alphabetic());
    is_one.then_some((stem, extension))
}

/// The name before a mark of a copy at its end, or behind one at its beginning.
fn without_copy_mark(stem: &str) -> Option<&str> {
    let stem = stem.trim();
    let end = |shorter: &str| shorter.trim_end().trim_end_matches(['-', '_']).trim_end().len();
    if let Some((shorter, inner)) = stem.strip_suffix(')').and_then(|open| open.rsplit_once('(')) {
        let is_count = !inner.is_empty() && inner.len() <= 3 && inner.bytes().all(|byte| byte.is_ascii_digit());
        return (is_count && !shorter.trim().is_empty()).then(|| &stem[..end(shorter)]);
    }
    let lower = stem.to_ascii_lowercase();
    // `1234_0 copy 2`: a count behind the word, never digits without it.
    let uncounted = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    for word in COPY_WORDS {
        if let Some(shorter) = uncounted.strip_suffix(word) {
            let shorter = shorter.strip_suffix("의 ").or(shorter.strip_suffix("の")).unwrap_or(shorter);
            return (!shorter.trim().is_empty()).then(|| &stem[..end(&stem[..shorter.len()])]);
        }
        if let Some(rest) = lower.strip_prefix(word).map(|rest| rest.strip_prefix(" of").unwrap_or(rest)) {
            let behind = rest.trim_start_matches([' ', '-', '_']);
            if behind.starts_with(|c: char| c.is_ascii_digit()) {
                return Some(&stem[stem.len() - behind.len()..]);
            }
        }
    }
    None
}

/// The digits that a text begins with, thousand separators included where they are whole, and the rest.
fn split_number(text: &str) -> (&str, &str) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(text);
    if (1..=3).contains(&end) {
        let is_group = |rest: &str| rest.starts_with(',') && digits(&rest[1..]) == 3;
        let mut grouped = end;
        while is_group(&text[grouped..]) {
            grouped += 4;
        }
        end = grouped;
    }
    text.split_at(end)
}

/// Behind a separator, the digits of the sequence, and the rest.
fn split_sequence(text: &str) -> Option<(&str, &str)> {
    let behind = text.trim_start_matches(|c: char| SEPARATORS.contains(&c));
    let separator = text[..text.len() - behind.len()].chars().count();
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    ((1..=SEPARATOR_MAX_CHARS).contains(&separator) && digits > 0).then(|| behind.split_at(digits))
}

fn has_digit_behind_separator(text: &str) -> bool {
    text.trim_start_matches(|c: char| SEPARATORS.contains(&c)).starts_with(|c: char| c.is_ascii_digit())
}

fn has_leading_zero(number: &str) -> bool {
    number.len() > 1 && number.starts_with('0')
}

/// The number of an entity, leading zeros and thousand separators left out.
pub(super) fn parse_cd_idx(number: &str) -> Option<u64> {
    let digits: String = number.chars().filter(|c| *c != ',').collect();
    parse(&digits).filter(|n| (1..=CD_IDX_MAX).contains(n))
}

fn parse_sequence(number: &str) -> Option<u16> {
    parse(number).and_then(|n| u16::try_from(n).ok())
}

/// Digits alone: `u64::from_str` would take a sign.
fn parse(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
