//! One cell of a list: an id in any of the forms that spreadsheets and people give it, or a file name.

use unicode_normalization::UnicodeNormalization;

use crate::model::key::{CD_IDX_MAX, Vertical};
use crate::preflight::{name::Name, reading::parse_cd_idx};

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
        match parse_id(&text) {
            Some(id) => Self::Id(id),
            None if is_file_name(&text) => Self::File(text),
            None => Self::Other,
        }
    }
}

/// A cell's text without what cannot be seen, in the usual form of its characters.
pub(super) fn plain(text: &str) -> String {
    let visible = text.chars().filter(|c| !matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}'));
    let composed: String = visible.nfc().collect();
    composed.trim().trim_start_matches('\'').trim().to_owned()
}

/// An id in any mess: full-width digits, thousand separators, leading zeros, `1234.0` as spreadsheets export it. What has
/// lost digits (`1.23E+05`) is none.
pub fn parse_id(text: &str) -> Option<u64> {
    let text: String = text.nfkc().collect();
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let is_number = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped =
        groups.all(|group| group.len() == 3 && is_number(group)) && (first.len() <= 3 || !whole.contains(','));
    if is_number(first) && is_grouped { parse_cd_idx(whole) } else { None }
}

/// A number that a spreadsheet keeps as a float.
pub(super) fn id_of_float(number: f64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "2⁵³−1 is exact")]
    let is_id = number.fract() == 0.0 && (1.0..=CD_IDX_MAX as f64).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at just now")]
    is_id.then_some(number as u64)
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
    has_extension || name.photo().is_some()
}
