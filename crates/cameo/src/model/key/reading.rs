//! What a file name evidently means where it is not of the grammar: the number, the sequence, and what is wrong.
//!
//! It reads the way a person would: digits of any script, any separator, marks of copies, wrong extensions. It only ever
//! explains a name that the grammar of `model::key` refuses, and never makes one valid. Whoever says whose photo a misnamed file
//! is asks here, so that a check before the upload and a report after it say the same. What can be read in two ways is not read: no photo is
//! attributed to an entity that it may not be of.

use super::{CD_IDX_MAX, UploadKey};

mod numbers;
mod plain;
mod times;

use numbers::{Numbers, numbers};
use plain::{Plain, plain};
use times::{is_date, is_named_by_time, is_year};

/// Extensions of JPEG files, as programs write them or people mistype them.
const JPEG_EXTENSIONS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "jgp", "jpgg", "jpeq"];
/// Words that mark a copy, in small letters.
const COPY_WORDS: [&str; 8] = ["복사본", "사본", "copy", "コピー", "副本", "kopie", "copie", "copia"];
/// Longest ending that is taken for an extension, characters.
const EXTENSION_MAX_CHARS: usize = 10;
/// Endings of what browsers and programs have not finished to download or copy.
const UNFINISHED: [&str; 12] = [
    "crdownload",
    "part",
    "partial",
    "filepart",
    "download",
    "opdownload",
    "aria2",
    "incomplete",
    "td",
    "xltd",
    "tmp",
    "temp",
];

/// What a name says and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own, and a name may have several")]
pub struct Reading {
    /// The entity's number, where it can be read.
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where it can be read.
    pub sequence: Option<u16>,
    /// Whether number and sequence are all that the name says, so that it has one right form.
    pub is_whole: bool,
    /// Whether the number is all that it says.
    pub lacks_sequence: bool,
    /// Whether it begins with a number.
    pub has_number: bool,
    /// Decomposed or invisible characters.
    pub is_unnormal: bool,
    /// Digits of other scripts, leading zeros, thousand separators, numbers out of range.
    pub has_odd_digits: bool,
    /// Whether its numbers can be read in two ways, so that none is.
    pub is_unsure: bool,
    /// Whether the number in the place of the sequence is larger than any sequence. Of `01_351518` nobody knows which of both is the entity's.
    pub is_sequence_too_large: bool,
    /// How it ends.
    pub extension: Extension,
    /// The mark of a copy, such as `(1)`.
    pub is_copy: bool,
}

/// How a name ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Extension {
    /// `.jpg`, once.
    #[default]
    Right,
    /// That of a JPEG, written otherwise or twice; or a full stop behind it.
    Wrong(String),
    /// None.
    Absent,
    /// One behind `.jpg`.
    Appended(String),
    /// That of an unfinished download or copy.
    Unfinished(String),
    /// That of something else.
    Foreign(String),
}

impl Extension {
    /// Whether the file may be a photo that is named wrongly.
    pub fn may_be_jpeg(&self) -> bool {
        matches!(self, Self::Right | Self::Wrong(_) | Self::Absent)
    }
}

/// The entity and the sequence that a key or file name evidently means.
pub fn evident(key: &str) -> (Option<u64>, Option<u16>) {
    let Reading { cd_idx, sequence, .. } = read_path(UploadKey::below_vertical(key));
    (cd_idx, sequence)
}

/// Reads a file name with the folders that it is in, below that of its vertical. `400/1.jpg` may be the second photo of 400, or a photo of 1.
pub fn read_path(path: &str) -> Reading {
    let (folders, name) = path.rsplit_once('/').map_or(("", path), |(folders, name)| (folders, name));
    let reading = read(name);
    let folder = folders.rsplit('/').next().unwrap_or_default().trim();
    let is_number = !folder.is_empty() && folder.chars().all(char::is_numeric);
    if reading.lacks_sequence && is_number && !is_date(folder) && !is_year(folder) {
        return Reading { cd_idx: None, sequence: None, lacks_sequence: false, is_unsure: true, ..reading };
    }
    reading
}

/// Reads a file name, without folders.
pub fn read(name: &str) -> Reading {
    let Plain { text, is_unnormal, has_odd_digits } = plain(name);
    let mut reading = Reading { is_unnormal, has_odd_digits, ..Reading::default() };
    let stem = reading.take_extension(&text);
    let stem = reading.take_copy_marks(stem.trim());
    // The numbers in a name that a telephone or a messenger gave are a time, and nobody's.
    if !is_named_by_time(stem.trim()) {
        reading.take_numbers(stem.trim());
    }
    reading
}

impl Reading {
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
            self.extension = if is_unfinished(extension) {
                Extension::Unfinished(extension.to_owned())
            } else if is_appended {
                Extension::Appended(extension.to_owned())
            } else {
                Extension::Foreign(extension.to_owned())
            };
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
        let Some(found) = numbers(stem) else {
            self.is_unsure = true;
            return;
        };
        let Numbers { cd_idx, sequence, is_whole, lacks_sequence, begins } = found;
        self.has_number = begins;
        (self.is_whole, self.lacks_sequence) = (is_whole, lacks_sequence);
        if let Some(number) = cd_idx {
            self.take_cd_idx(number);
        }
        if let Some(number) = sequence {
            self.take_sequence(number);
        }
        self.is_sequence_too_large = sequence.is_some() && self.sequence.is_none();
        if self.is_sequence_too_large {
            self.cd_idx = None;
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

/// Whether an ending is that of an unfinished download or copy.
pub fn is_unfinished(extension: &str) -> bool {
    UNFINISHED.iter().any(|known| extension.eq_ignore_ascii_case(known))
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

fn has_leading_zero(number: &str) -> bool {
    number.len() > 1 && number.starts_with('0')
}

/// The number of an entity, leading zeros and thousand separators left out.
pub fn parse_cd_idx(number: &str) -> Option<u64> {
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
