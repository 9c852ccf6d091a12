//! Object keys and file names: one grammar for writing and for verifying.
//!
//! An original stands at `origin/{vertical}/{cd_idx}_{sequence}.jpg` in the upload bucket, a rendition at
//! `{vertical}/{image_size}/{cd_idx}_{image_size}_{sequence}.jpg` in the image bucket, and the alias of an entity's
//! primary photo at `{vertical}/{image_size}/{cd_idx}.jpg`. Parsing and formatting live side by side, so that nothing
//! ever builds or cuts a key by hand. Keys are compared byte by byte; nothing here normalises or trims, but to name the
//! vertical that a misnamed key evidently belongs to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

mod delivery;
mod dismissal;
pub mod reading;

pub use delivery::{
    DELIVERIES_PREFIX, DELIVERY_ALPHABET, DELIVERY_SUFFIX_CHARS, DeliveryId, DeliveryKey, DeliveryName,
};
pub use dismissal::{DISMISSALS_PREFIX, DismissalKey};
pub use reading::evident;

/// The folder of the upload bucket that holds originals. Keys outside it are ordinary objects.
pub const ORIGIN_PREFIX: &str = "origin/";

/// The folder of either bucket that holds what was removed, until it expires: no vertical can have this name.
pub const QUARANTINE_PREFIX: &str = ".quarantine/";

/// Largest `cd_idx`: 2⁵³−1, so that it survives BIGINT and JSON readers that use doubles.
pub const CD_IDX_MAX: u64 = (1 << 53) - 1;

/// Largest length of a vertical in characters.
pub const VERTICAL_MAX_CHARS: usize = 64;

/// A catalogue section, `ssgdfm_eye`: 1–64 characters of `A–Z a–z 0–9 _ -` and Hangul syllables, not starting with `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Vertical(String);

impl Vertical {
    /// The vertical as it stands in keys, rows and addresses.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the keys of its originals begin with in the upload bucket.
    pub fn originals_prefix(&self) -> String {
        format!("{ORIGIN_PREFIX}{}/", self.0)
    }
}

impl FromStr for Vertical {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || ('가'..='힣').contains(&c);
        if text.is_empty() {
            return Err(NameError::new("the vertical is empty"));
        }
        if text.chars().count() > VERTICAL_MAX_CHARS {
            return Err(NameError::new("the vertical is longer than 64 characters"));
        }
        if text.starts_with('-') {
            return Err(NameError::new("the vertical starts with '-'"));
        }
        if text.chars().any(|c| ('\u{1100}'..='\u{11ff}').contains(&c)) {
            return Err(NameError::new(
                "the vertical is written in decomposed Hangul (NFD, as macOS does): send it in NFC",
            ));
        }
        match text.chars().find(|c| !allowed(*c)) {
            Some(c) => {
                Err(NameError(format!("the vertical contains {c:?}: use A–Z, a–z, 0–9, '_', '-' and Hangul syllables")))
            }
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Vertical {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Vertical> for String {
    fn from(vertical: Vertical) -> Self {
        vertical.0
    }
}

impl fmt::Display for Vertical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a name is not of the grammar, as a hint to the person who gave it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(String);

impl NameError {
    fn new(hint: &str) -> Self {
        Self(hint.to_owned())
    }
}

/// A person, shop or product of a vertical.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntityId {
    /// The vertical it belongs to.
    pub vertical: Vertical,
    /// Its number, 1…2⁵³−1.
    pub cd_idx: u64,
}

impl EntityId {
    /// Key of the alias of this entity's primary photo at an image size.
    pub fn alias_key(&self, image_size: &str) -> String {
        format!("{}/{image_size}/{}.jpg", self.vertical, self.cd_idx)
    }

    /// What stands, in the order of keys, behind every original of this entity and before those of the next one.
    pub fn behind_originals(&self) -> String {
        // The character that follows the underscore of `{cd_idx}_{sequence}.jpg`.
        format!("{ORIGIN_PREFIX}{}/{}`", self.vertical, self.cd_idx)
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vertical, self.cd_idx)
    }
}

/// One photo of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PhotoId {
    /// The entity it shows.
    pub entity: EntityId,
    /// Its place among the entity's photos, from 0.
    pub sequence: u16,
}

impl PhotoId {
    /// The photo at `{cd_idx}_{sequence}.jpg` of a vertical.
    pub fn parse(vertical: &Vertical, file_name: &str) -> Result<Self, NameError> {
        let (cd_idx, sequence) = parse_file_name(file_name)?;
        Ok(Self { entity: EntityId { vertical: vertical.clone(), cd_idx }, sequence })
    }

    /// File name of the original: `{cd_idx}_{sequence}.jpg`.
    pub fn file_name(&self) -> String {
        format!("{}_{}.jpg", self.entity.cd_idx, self.sequence)
    }

    /// Key of the original in the upload bucket.
    pub fn origin_key(&self) -> String {
        format!("{ORIGIN_PREFIX}{}/{}", self.entity.vertical, self.file_name())
    }

    /// Key of the rendition at an image size in the image bucket.
    pub fn rendition_key(&self, image_size: &str) -> String {
        let EntityId { vertical, cd_idx } = &self.entity;
        format!("{vertical}/{image_size}/{cd_idx}_{image_size}_{}.jpg", self.sequence)
    }
}

impl fmt::Display for PhotoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.entity, self.sequence)
    }
}

/// What an object of the upload bucket is to us, told from its key alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadKey {
    /// An original.
    Photo(PhotoId),
    /// A file that operating systems leave in folders, or a folder marker: kept, never processed, never a fault.
    Ignored,
    /// Something else in the folder of originals: rejected with `name.unparseable`.
    Unparseable {
        /// What is wrong and how to name it right.
        hint: String,
    },
    /// Not under `origin/`: an ordinary object that causes no event.
    Plain,
}

impl UploadKey {
    /// Tells what a key of the upload bucket stands for.
    pub fn parse(key: &str) -> Self {
        let Some(rest) = key.strip_prefix(ORIGIN_PREFIX) else {
            return Self::Plain;
        };
        let file_name = rest.rsplit('/').next().unwrap_or(rest);
        if is_ignored(rest, file_name) {
            return Self::Ignored;
        }
        match parse_origin(rest) {
            Ok(photo) => Self::Photo(photo),
            Err(error) => Self::Unparseable { hint: error.to_string() },
        }
    }

    /// The photo whose original has this key; none where it is no original's.
    pub fn photo_of(key: &str) -> Option<PhotoId> {
        match Self::parse(key) {
            Self::Photo(photo) => Some(photo),
            _ => None,
        }
    }

    /// Tells what a file of this name would stand for among the originals of a vertical.
    pub fn of_file(vertical: &Vertical, name: &str) -> Self {
        Self::parse(&format!("{ORIGIN_PREFIX}{vertical}/{name}"))
    }

    /// The vertical that any key of the upload bucket evidently belongs to: that of [`UploadKey::vertical`], or outside of `origin/` the one
    /// that the folders of a misplaced photo name.
    pub fn evident_vertical(key: &str) -> Option<Vertical> {
        Self::vertical(key).or_else(|| Misplaced::parse(key)?.vertical)
    }

    /// The vertical that a key under `origin/` names, whether or not the rest of it is of the grammar. A name in decomposed
    /// Hangul (NFD, as macOS writes it) counts as its composed form, so that views of the vertical show the rejected key.
    pub fn vertical(key: &str) -> Option<Vertical> {
        composed(key.strip_prefix(ORIGIN_PREFIX)?.split_once('/')?.0)
    }

    /// What of a key is below the folder of its vertical; all of it where it is in none.
    pub fn below_vertical(key: &str) -> &str {
        key.strip_prefix(ORIGIN_PREFIX).and_then(|rest| rest.split_once('/')).map_or(key, |(_, path)| path)
    }
}

/// The vertical of this name once it is composed (NFC).
fn composed(name: &str) -> Option<Vertical> {
    name.nfc().collect::<String>().parse().ok()
}

/// An object outside of `origin/` whose name is that of a photo: it is kept, causes no event, and was evidently meant to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// The vertical that its folders name, if any.
    pub vertical: Option<Vertical>,
    /// Where to upload it.
    pub hint: String,
}

impl Misplaced {
    /// Judges a key of the upload bucket; none where it is under `origin/`, or is named like no photo.
    pub fn parse(key: &str) -> Option<Self> {
        if key.starts_with(ORIGIN_PREFIX) || key.starts_with(QUARANTINE_PREFIX) {
            return None;
        }
        let mut segments: Vec<&str> = key.split('/').filter(|segment| !segment.is_empty()).collect();
        let file_name = segments.pop()?;
        let (stem, extension) = file_name.rsplit_once('.')?;
        let is_jpeg = extension.eq_ignore_ascii_case("jpg") || extension.eq_ignore_ascii_case("jpeg");
        let file_name = format!("{stem}.jpg");
        if !is_jpeg || parse_file_name(&file_name).is_err() {
            return None;
        }
        let is_origin = |segment: &&str| segment.to_lowercase().starts_with(ORIGIN_PREFIX.trim_end_matches('/'));
        let named = if segments.first().is_some_and(is_origin) { segments.get(1) } else { segments.first() };
        let vertical = named.and_then(|name| composed(name));
        let folder = vertical.as_ref().map_or("{vertical}", Vertical::as_str);
        let hint = format!("the key is not under {ORIGIN_PREFIX}: upload it as {ORIGIN_PREFIX}{folder}/{file_name}");
        Some(Self { vertical, hint })
    }
}

/// What an object of the image bucket is to us, judged by its key alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageKey {
    /// A rendition.
    Rendition(PhotoId, String),
    /// The alias of an entity's primary photo.
    Alias(EntityId, String),
    /// Not of the grammar, in the folder of what may be a vertical.
    Other(Vertical),
    /// Not of the grammar, and in the folder of no vertical.
    Foreign,
}

impl ImageKey {
    /// The entity that it shows, where it is of the grammar.
    pub fn entity(self) -> Option<EntityId> {
        match self {
            Self::Rendition(photo, _) => Some(photo.entity),
            Self::Alias(entity, _) => Some(entity),
            Self::Other(_) | Self::Foreign => None,
        }
    }

    /// Reads a key of the image bucket.
    pub fn parse(key: &str) -> Self {
        let Some((vertical, rest)) = key.split_once('/') else { return Self::Foreign };
        let Ok(vertical) = vertical.parse::<Vertical>() else { return Self::Foreign };
        Self::parse_in(&vertical, rest).unwrap_or(Self::Other(vertical))
    }

    fn parse_in(vertical: &Vertical, rest: &str) -> Option<Self> {
        let (image_size, file_name) = rest.split_once('/')?;
        let is_size = (1..=32).contains(&image_size.len())
            && image_size.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let stem = file_name.strip_suffix(".jpg").filter(|_| is_size)?;
        let entity = |cd_idx: &str| Some(EntityId { vertical: vertical.clone(), cd_idx: parse_cd_idx(cd_idx).ok()? });
        match stem.split('_').collect::<Vec<_>>()[..] {
            [cd_idx] => Some(Self::Alias(entity(cd_idx)?, image_size.to_owned())),
            [cd_idx, size, sequence] if size == image_size => {
                let photo = PhotoId { entity: entity(cd_idx)?, sequence: parse_sequence(sequence).ok()? };
                Some(Self::Rendition(photo, image_size.to_owned()))
            }
            _ => None,
        }
    }
}

/// Whether a file name is one that operating systems leave in folders.
pub fn is_litter(file_name: &str) -> bool {
    matches!(file_name, ".DS_Store" | "Thumbs.db" | "desktop.ini") || file_name.starts_with("._")
}

fn is_ignored(rest: &str, file_name: &str) -> bool {
    let folder_marker = file_name.is_empty() && !rest.trim_end_matches('/').ends_with(".jpg");
    folder_marker || is_litter(file_name)
}

fn parse_origin(rest: &str) -> Result<PhotoId, NameError> {
    let (vertical, file_name) = rest
        .split_once('/')
        .ok_or_else(|| NameError::new("no vertical: the key must be origin/{vertical}/{cd_idx}_{sequence}.jpg"))?;
    let vertical = vertical.parse()?;
    if file_name.contains('/') {
        return Err(NameError::new(
            "a folder inside the vertical: the key must be origin/{vertical}/{cd_idx}_{sequence}.jpg",
        ));
    }
    PhotoId::parse(&vertical, file_name)
}

fn parse_file_name(file_name: &str) -> Result<(u64, u16), NameError> {
    let Some(stem) = file_name.strip_suffix(".jpg") else {
        return Err(NameError(extension_hint(file_name)));
    };
    let Some((cd_idx, sequence)) = stem.split_once('_') else {
        parse_cd_idx(stem)?;
        return Err(NameError(format!("no sequence: name the first photo of an entity {stem}_0.jpg")));
    };
    Ok((parse_cd_idx(cd_idx)?, parse_sequence(sequence)?))
}

fn extension_hint(file_name: &str) -> String {
    let lower = file_name.to_ascii_lowercase();
    if lower.ends_with(".jpg") || lower.ends_with(".jpeg") {
        let stem = &file_name[..file_name.rfind('.').unwrap_or(file_name.len())];
        let renamed = format!("{stem}.jpg");
        return match parse_file_name(&renamed) {
            Ok(_) => format!("the extension must be .jpg in lower case: rename it {renamed}"),
            Err(error) => format!("the extension must be .jpg in lower case; and {error}"),
        };
    }
    "the name must be {cd_idx}_{sequence}.jpg, and the file a JPEG".to_owned()
}

fn parse_cd_idx(text: &str) -> Result<u64, NameError> {
    match parse_decimal(text) {
        Some(n @ 1..=CD_IDX_MAX) => Ok(n),
        _ => Err(NameError(format!(
            "the cd_idx is {text:?}: it must be a number from 1 to {CD_IDX_MAX}, without leading zeros"
        ))),
    }
}

fn parse_sequence(text: &str) -> Result<u16, NameError> {
    parse_decimal(text).and_then(|n| u16::try_from(n).ok()).ok_or_else(|| {
        NameError(format!("the sequence is {text:?}: it must be a number from 0 to 65535, without leading zeros"))
    })
}

/// ASCII digits without leading zeros. `u64::from_str` alone would take `+1` and `007`.
fn parse_decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if digits && canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_formatted_are_parsed_again() {
        let UploadKey::Photo(photo) = UploadKey::parse("origin/ssgdfm_eye/351518_1.jpg") else {
            panic!("an original");
        };
        assert_eq!(photo.origin_key(), "origin/ssgdfm_eye/351518_1.jpg");
        assert_eq!(photo.rendition_key("sq"), "ssgdfm_eye/sq/351518_sq_1.jpg");
        assert_eq!(photo.entity.alias_key("sq"), "ssgdfm_eye/sq/351518.jpg");
    }

    #[test]
    fn keys_of_the_image_bucket_are_read_again() {
        let UploadKey::Photo(photo) = UploadKey::parse("origin/v/7_1.jpg") else { panic!("an original") };
        assert_eq!(ImageKey::parse(&photo.rendition_key("sq")), ImageKey::Rendition(photo.clone(), "sq".into()));
        assert_eq!(ImageKey::parse(&photo.entity.alias_key("sq")), ImageKey::Alias(photo.entity.clone(), "sq".into()));
        for key in ["v/sq/7_ve_1.jpg", "v/sq/07.jpg", "v/sq/7.png", "v/SQ/7.jpg", "v/x", "v/sq/a/7.jpg"] {
            assert_eq!(ImageKey::parse(key), ImageKey::Other("v".parse().unwrap()), "{key}");
        }
        assert_eq!(ImageKey::parse("robots.txt"), ImageKey::Foreign);
    }

    /// users.md 5, 6: a photo that was uploaded to the wrong folder is shown under the vertical it was meant for.
    #[test]
    fn misplaced_photos_name_their_vertical() {
        let vertical = |key| Misplaced::parse(key).map(|misplaced| misplaced.vertical.map(String::from));
        for key in ["v/1_0.jpg", "Origin/v/1_0.JPG", "origin1/v/1_0.jpg", "/origin/v/1_0.jpeg", "v/sub/1_0.jpg"] {
            assert_eq!(vertical(key), Some(Some("v".to_owned())), "{key}");
        }
        assert_eq!(vertical("1_0.jpg"), Some(None));
        for key in ["readme.txt", "v/logo.jpg", "origin/v/1_0.jpg", "deliveries/v/1.json"] {
            assert_eq!(vertical(key), None, "{key}");
        }
        assert_eq!(UploadKey::vertical("origin/\u{1100}\u{1161}/1_0.jpg").unwrap().as_str(), "가");
    }

    #[test]
    fn hints_say_how_to_name_it() {
        let hint = |key| match UploadKey::parse(key) {
            UploadKey::Unparseable { hint } => hint,
            other => panic!("{key}: {other:?}"),
        };
        assert!(hint("origin/v/1_0.JPG").contains("rename it 1_0.jpg"));
        assert!(hint("origin/v/1.jpg").contains("1_0.jpg"));
        assert!(hint("origin/\u{1100}\u{1161}/1_0.jpg").contains("NFC"));
    }

    /// The shared list of keys, where it stands beside the project.
    #[test]
    fn shared_keys_are_told_as_listed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/keys.tsv");
        let Ok(table) = std::fs::read_to_string(path) else {
            eprintln!("SKIPPED: {path} is absent");
            return;
        };
        let mut seen = 0;
        for line in table.lines().skip(1) {
            let mut fields = line.split('\t');
            let (key, expected) = (unescape(fields.next().unwrap_or("")), fields.next().unwrap_or(""));
            let told = match UploadKey::parse(&key) {
                UploadKey::Photo(_) => "process",
                UploadKey::Ignored => "ignore",
                UploadKey::Unparseable { .. } => "reject:name.unparseable",
                UploadKey::Plain => "plain",
            };
            if !expected.starts_with("http:") {
                assert_eq!(told, expected, "{key}");
                seen += 1;
            }
        }
        assert!(seen > 60, "only {seen} keys were compared");
    }

    /// Undoes the escapes of `keys.tsv`: CSV quotes, `\uXXXX`, `\xXX`, `\n`, `\r`, `\\`.
    fn unescape(field: &str) -> String {
        let field = field
            .strip_prefix('"')
            .and_then(|f| f.strip_suffix('"'))
            .map_or(field.to_owned(), |f| f.replace("\"\"", "\""));
        let mut out = String::new();
        let mut chars = field.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(kind @ ('u' | 'x')) => {
                    let digits: String = chars.by_ref().take(if kind == 'u' { 4 } else { 2 }).collect();
                    out.push(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).expect("an escape"));
                }
                Some(other) => out.push(other),
                None => out.push('\\'),
            }
        }
        out
    }
}
