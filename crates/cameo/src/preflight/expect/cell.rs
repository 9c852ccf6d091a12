//! One cell of a list: an id in any of the forms that spreadsheets and people give it, or a file name.

use unicode_normalization::UnicodeNormalization;

use crate::model::{
    ids::{has_id_digits, is_invisible, is_thousands, normalise, plain_digit},
    key::{CD_IDX_MAX, Vertical},
};
use crate::{model::key::reading::parse_cd_idx, preflight::name::Name};

/// What a cell names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing.
    Empty,
    /// An entity.
    Id(u64),
    /// A file.
    File(String),
    /// Something else.
    Other,
}

impl Cell {
    /// Reads a cell.
    pub(super) fn read(text: &str) -> Self {
        let text = plain(text);
        if text.is_empty() {
            return Self::Empty;
        }
        match parse_id(unbracketed(&text)) {
            Some(id) => Self::Id(id),
            None if is_file_name(&text) => Self::File(text),
            None => Self::Other,
        }
    }
}

/// What is in the brackets that are around a whole text: `(1001)`. Of `1001 (2)` the brackets are a remark's.
pub(super) fn unbracketed(text: &str) -> &str {
    let trimmed = text.trim();
    let pairs = [('(', ')'), ('[', ']'), ('{', '}'), ('（', '）')];
    let inner = pairs.iter().find_map(|(open, close)| trimmed.strip_prefix(*open)?.strip_suffix(*close));
    inner.filter(|inner| !has_brackets(inner)).unwrap_or(text)
}

fn has_brackets(text: &str) -> bool {
    text.contains(['(', ')', '[', ']', '{', '}', '（', '）'])
}

/// A cell's text without what cannot be seen, in the usual form of its characters. Between digits such a character stays: what it parts may be
/// one number or two.
pub(super) fn plain(text: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| plain_digit(c).is_ascii_digit());
    let mut visible = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        if !is_invisible(c) || (is_digit(visible.chars().last()) && is_digit(next)) {
            visible.push(c);
        }
    }
    let composed: String = visible.nfc().collect();
    let text = composed.trim();
    // Excel's ways to keep a number as a text: ="1234" and '1234; and quotes behind a space, which are none of a CSV's.
    let quoted = text.strip_prefix('=').unwrap_or(text).strip_prefix('"');
    let text = quoted.and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    text.trim_start_matches('\'').trim().to_owned()
}

/// An id in any mess: full-width digits, thousand separators, leading zeros, `1234.0` as spreadsheets export it. What has
/// lost digits (`1.23E+05`) is none, nor is what only looks like digits (`1234²`).
pub fn parse_id(text: &str) -> Option<u64> {
    let text: String = text.chars().map(|c| if c == '．' { '.' } else { plain_digit(c) }).collect();
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || is_thousands(whole) { parse_cd_idx(whole) } else { None }
}

/// Whether a cell of a spreadsheet has a formula that nobody worked out, or an error (`#N/A`, `#SPILL!`): what it should say is unknown.
pub(super) fn is_without_value(text: &str) -> bool {
    let text = text.trim();
    let is_of_error = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '/' | '_' | '!' | '?');
    let error = text.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    text.starts_with('=')
        || error.is_some_and(|rest| rest == "N/A" || rest.ends_with(['!', '?']) && rest.chars().all(is_of_error))
}

/// Whether a cell is a day and nothing else.
pub(super) fn is_day(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| (part.len(), part.bytes().all(|byte| byte.is_ascii_digit())));
    [4, 2, 2].into_iter().all(|length| parts.next() == Some((length, true))) && parts.next().is_none()
}

/// The ids and names of a cell that has several, separated as people do; an error where it may be one number in which separators are, or a
/// number and something of it (`351997/1`).
pub(super) fn several(text: &str) -> Result<Option<Vec<Cell>>, ()> {
    let text = normalise(unbracketed(text));
    if has_brackets(&text) {
        return Ok(None);
    }
    let is_space = |c: char| c.is_whitespace() || matches!(c, ';' | '|');
    let mut cells = Vec::new();
    for part in text.split(is_space).map(|part| part.trim_matches(',')) {
        if is_thousands(part) || is_of_numbers_and_slashes(part) {
            return Err(());
        }
        cells.extend(part.split(',').map(Cell::read).filter(|cell| *cell != Cell::Empty));
    }
    let is_several = cells.len() > 1 && !cells.contains(&Cell::Other) && has_id_digits(&text);
    Ok(is_several.then_some(cells))
}

fn is_of_numbers_and_slashes(text: &str) -> bool {
    text.contains('/') && has_id_digits(text) && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '/' | ','))
}

/// A number that a spreadsheet keeps as a float.
pub(super) fn id_of_float(number: f64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "2⁵³−1 is exact")]
    let is_id = number.fract() == 0.0 && (1.0..=CD_IDX_MAX as f64).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at just now")]
    is_id.then_some(number as u64)
}

/// The entity that a file's name evidently means.
pub(super) fn cd_idx_of_file(name: &str) -> Option<u64> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    Name::judge(&"v".parse::<Vertical>().ok()?, name).cd_idx()
}

/// Whether a text is the name of a file that has, or evidently should have, the name of a photo; or any with an extension of pictures.
fn is_file_name(text: &str) -> bool {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    // Which vertical it is of does not matter here.
    let Ok(vertical) = "v".parse::<Vertical>() else { return false };
    let name = Name::judge(&vertical, name);
    let has_extension = text.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty() && ["jpg", "jpeg", "jpe", "jfif"].contains(&extension.to_ascii_lowercase().as_str())
    });
    // Of digits alone, `1001-1005` are a range and `351 518` may be a number.
    has_extension || (text.contains('_') && name.photo().is_some())
}
