//! The record of a delivery: what was handed over, by whom, and what was promised. Versioned JSON, written once.
//!
//! A reader passes over fields that it does not know and refuses a newer version. Everything in a record comes from outside,
//! so it is checked before it is written, and its limits hold when it is read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    ledger::State,
    model::{
        error::{Error, Kind, Place, Result},
        key::{DeliveryId, DeliveryKey, PhotoId, Vertical, evident},
        lang::Lang,
        plain,
        reason::ReasonCode,
    },
    proof::verify::{self, HandedOver, UnexpectedFile},
};

/// The version that is written.
pub const VERSION: u32 = 1;
/// Files of a record, handed over, skipped and promised ones each, at most.
pub const FILES_MAX: usize = 100_000;
/// Length of a record in bytes, at most.
pub const RECORD_MAX_BYTES: u64 = 64 << 20;
/// Length of a file's name in bytes, at most.
pub const NAME_MAX_BYTES: usize = 1024;
/// Characters of a note or a detail, at most.
pub const NOTE_MAX_CHARS: usize = 4000;
/// Characters of any other text, at most.
const TEXT_MAX_CHARS: usize = 512;

/// A file that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub struct DeliveredFile {
    /// Its name in the folder.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// MD5 of the content, in hexadecimal: what the store's `ETag` is.
    pub md5: String,
    /// SHA-256 of the content, in hexadecimal: the proof of what was handed over.
    pub sha256: String,
}

/// A file that a check refused and that was not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub struct SkippedFile {
    /// Its name, with folders inside the delivery.
    pub file: String,
    /// The reason code; a newer version may have more of them.
    pub code: String,
    /// The entity's number, where the name gives one.
    #[serde(default)]
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where the name gives one.
    #[serde(default)]
    pub sequence: Option<u16>,
    /// What was found and where, in English.
    #[serde(default)]
    pub detail: String,
    /// The same in Korean; records of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail_korean: Option<String>,
    /// MD5 of its content, in hexadecimal, where only its name was refused: just these bytes under the right name settle it. Null of a file
    /// that any other one has to take the place of, and in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
}

impl SkippedFile {
    /// The reason, where this version knows it.
    pub fn reason(&self) -> Option<ReasonCode> {
        self.code.parse().ok()
    }

    /// What was found, for people.
    pub fn found_in(&self, lang: Lang) -> String {
        match (&self.detail_korean, self.reason()) {
            (Some(korean), _) if lang == Lang::Ko => korean.clone(),
            (_, Some(reason)) => plain::found_in(reason, &self.detail, lang),
            (_, None) => self.detail.clone(),
        }
    }
}

/// A file that was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub struct ExpectedFile {
    /// Its name.
    pub name: String,
    /// SHA-256 of its content, in hexadecimal, where the list has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What the person in charge says was handed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub struct Expected {
    /// Numbers of entities.
    #[serde(default)]
    pub ids: Vec<u64>,
    /// Files.
    #[serde(default)]
    pub files: Vec<ExpectedFile>,
}

/// What a delivery is made from: a record without its id and time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub struct NewRecord {
    /// Who delivers: an access key, the name of a token, or a person.
    #[serde(default)]
    pub by: String,
    /// Name of the folder.
    #[serde(default)]
    pub from: String,
    /// The tool and its version.
    #[serde(default)]
    pub tool: String,
    /// A note of a person.
    #[serde(default)]
    pub note: Option<String>,
    /// What is handed over.
    pub files: Vec<DeliveredFile>,
    /// What a check refused and push left out.
    #[serde(default)]
    pub skipped: Vec<SkippedFile>,
    /// What was promised; none where nobody said.
    #[serde(default)]
    pub expected: Option<Expected>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this form.
    pub version: u32,
    /// The id.
    pub id: DeliveryId,
    /// The vertical.
    pub vertical: Vertical,
    /// When it was recorded.
    pub created: Timestamp,
    /// What it is made from.
    #[serde(flatten)]
    pub content: NewRecord,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl NewRecord {
    /// Refuses what is beyond the limits or cannot be a list of files.
    pub fn check(&self) -> Result<()> {
        let expected = self.expected.as_ref();
        let promised = expected.map_or(0, |expected| expected.ids.len().max(expected.files.len()));
        let most = self.files.len().max(self.skipped.len()).max(promised);
        if most > FILES_MAX {
            return Err(refused(format!("{most} files are more than {FILES_MAX}; deliver them in parts")));
        }
        let texts = [&self.by, &self.from, &self.tool];
        if texts.iter().any(|text| text.chars().count() > TEXT_MAX_CHARS) {
            return Err(refused(format!("by, from and tool have {TEXT_MAX_CHARS} characters at most")));
        }
        let korean = self.skipped.iter().filter_map(|file| file.detail_korean.as_ref());
        let details = self.skipped.iter().map(|file| &file.detail).chain(korean).chain(&self.note);
        if details.into_iter().any(|text| text.chars().count() > NOTE_MAX_CHARS) {
            return Err(refused(format!("a note or detail has {NOTE_MAX_CHARS} characters at most")));
        }
        let listed = expected.iter().flat_map(|expected| &expected.files).map(|file| &file.name);
        if let Some(file) = self.skipped.iter().find(|file| file.md5.as_ref().is_some_and(|md5| !is_hex(md5, 32))) {
            return Err(refused(format!("the MD5 of {:?} is not one, in lower-case hexadecimal", file.file)));
        }
        self.skipped.iter().map(|file| &file.file).chain(listed).try_for_each(|name| check_length(name))?;
        self.check_files()
    }

    fn check_files(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        for DeliveredFile { name, md5, sha256, .. } in &self.files {
            check_name(name)?;
            if name.contains('/') {
                return Err(refused(format!("{name:?} is in a folder; files are directly in the delivery")));
            }
            if !is_hex(md5, 32) || !is_hex(sha256, 64) {
                return Err(refused(format!("MD5 or SHA-256 of {name:?} is not one, in lower-case hexadecimal")));
            }
            if !names.insert(name) {
                return Err(refused(format!("{name:?} is listed twice")));
            }
        }
        Ok(())
    }

    /// Whether nothing is handed over, left out or promised.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.skipped.is_empty() && self.expected.is_none()
    }

    /// A digest of what is handed over, left out and promised, the same in any order: whether it was recorded already.
    pub fn digest(&self) -> String {
        let mut lines: BTreeSet<_> =
            self.files.iter().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect();
        lines.extend(self.skipped.iter().map(|file| {
            let md5 = file.md5.as_deref().unwrap_or_default();
            format!("left out  {}  {md5}  {}\n", file.code, file.file)
        }));
        if let Some(expected) = &self.expected {
            lines.extend(expected.ids.iter().map(|id| format!("promised  {id}\n")));
            let files = expected.files.iter();
            lines.extend(files.map(|f| format!("promised  {}  {}\n", f.sha256.as_deref().unwrap_or("-"), f.name)));
        }
        hex::encode(Sha256::digest(lines.into_iter().collect::<String>()))
    }

    /// Bytes of all files together.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }
}

/// What was handed over goes into manifests and keys: there a name has no control characters.
fn check_name(name: &str) -> Result<()> {
    check_length(name)?;
    if name.chars().any(char::is_control) { Err(no_name(name)) } else { Ok(()) }
}

/// What was left out or promised keeps its name as it is, whatever is in it: who asks in JSON gets it back, and who reads it sees it escaped.
fn check_length(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_MAX_BYTES { Err(no_name(name)) } else { Ok(()) }
}

fn no_name(name: &str) -> Error {
    refused(format!("{name:?} is not the name of a file, of {NAME_MAX_BYTES} bytes at most"))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(Place::Store, Kind::Refused, format!("record a delivery: {}", why.into()))
}

impl Record {
    /// Where it is.
    pub fn key(&self) -> DeliveryKey {
        DeliveryKey { vertical: self.vertical.clone(), id: self.id.clone() }
    }

    /// The object's content.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(self).map_err(|error| refused("it cannot be written as JSON").because(error))?;
        if json.len() as u64 > RECORD_MAX_BYTES {
            return Err(refused(format!("its {} bytes are more than {RECORD_MAX_BYTES}", json.len())));
        }
        Ok(json)
    }

    /// Reads the content of the object at `key`.
    pub fn from_json(json: &[u8], key: &DeliveryKey) -> Result<Self> {
        let doing = |why: &str| format!("read the delivery {}: {why}", key.key());
        let corrupt = |why: &str| Error::new(Place::Store, Kind::Corrupt, doing(why));
        let VersionOnly { version } =
            serde_json::from_slice(json).map_err(|error| corrupt("it has no version").because(error))?;
        if version > VERSION {
            let why = format!("it is of version {version}, this program knows {VERSION}; install the newer Cameo");
            return Err(Error::new(Place::Store, Kind::Misconfigured, doing(&why)));
        }
        let record: Self =
            serde_json::from_slice(json).map_err(|error| corrupt("it is not a record").because(error))?;
        if record.key() != *key {
            return Err(corrupt("it is the record of another delivery"));
        }
        record.content.check().map_err(|error| corrupt("it breaks a limit").because(error))?;
        Ok(record)
    }

    /// The delivery as verifying takes it.
    pub fn to_verify(&self) -> verify::Delivery {
        let (mut originals, mut misnamed) = (BTreeMap::new(), Vec::new());
        for DeliveredFile { name, size, md5, sha256 } in &self.content.files {
            match PhotoId::parse(&self.vertical, name) {
                Ok(photo) => {
                    let (md5, sha256) = (md5.clone(), Some(sha256.clone()));
                    originals.insert(photo, HandedOver { size: *size, md5, sha256 });
                }
                Err(hint) => misnamed.push(rejected(name, ReasonCode::NameUnparseable, &hint.to_string())),
            }
        }
        misnamed.extend(self.content.skipped.iter().map(|file| {
            let reason = file.reason().unwrap_or(ReasonCode::SystemUnknownReason);
            UnexpectedFile { korean: file.detail_korean.clone(), ..rejected(&file.file, reason, &file.detail) }
        }));
        verify::Delivery { originals, misnamed, ignored: 0 }
    }
}

fn rejected(file: &str, reason: ReasonCode, detail: &str) -> UnexpectedFile {
    let state = Some(State::Rejected { reason, detail: detail.to_owned() });
    UnexpectedFile { key: file.to_owned(), state, korean: None }
}

/// The entity and the sequence that a file evidently is of: the same that a check before the upload says of its name.
pub(crate) fn photo_of(vertical: &Vertical, file: &str) -> (Option<u64>, Option<u16>) {
    match PhotoId::parse(vertical, file) {
        Ok(photo) => (Some(photo.entity.cd_idx), Some(photo.sequence)),
        Err(_) => evident(file),
    }
}

/// The entity of a file that was skipped.
pub(super) fn entity_of(vertical: &Vertical, file: &SkippedFile) -> Option<u64> {
    file.cd_idx.or_else(|| photo_of(vertical, &file.file).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> DeliveredFile {
        DeliveredFile { name: name.into(), size: 3, md5: "a".repeat(32), sha256: "b".repeat(64) }
    }

    fn record(content: NewRecord) -> Record {
        let (id, vertical) = ("20261126-k3f9".parse().unwrap(), "v".parse().unwrap());
        Record { version: VERSION, id, vertical, created: Timestamp::UNIX_EPOCH, content }
    }

    #[test]
    fn a_record_reads_back_and_what_is_unknown_is_passed_over() {
        let skipped = SkippedFile {
            file: "sub/2\u{1b}\n_0.jpg".into(),
            code: "file.haunted".into(),
            cd_idx: Some(2),
            sequence: Some(0),
            detail: "x".into(),
            detail_korean: None,
            ..SkippedFile::default()
        };
        let expected = Expected { ids: vec![1], files: vec![ExpectedFile { name: "1_0.jpg".into(), sha256: None }] };
        let content = NewRecord {
            by: "김".into(),
            note: Some("n".into()),
            files: vec![file("1_0.jpg")],
            skipped: vec![skipped],
            expected: Some(expected),
            ..NewRecord::default()
        };
        let record = record(content);
        let json = String::from_utf8(record.to_json().unwrap()).unwrap();
        insta::assert_snapshot!(json);
        let newer = json.replace("\"by\"", "\"mood\":{\"x\":[1]},\"by\"").replace("\"size\"", "\"colour\":1,\"size\"");
        assert_eq!(Record::from_json(newer.as_bytes(), &record.key()).unwrap(), record);
    }

    #[test]
    fn what_is_not_this_record_is_an_error_that_names_it() {
        let record = record(NewRecord { files: vec![file("1_0.jpg")], ..NewRecord::default() });
        let json = String::from_utf8(record.to_json().unwrap()).unwrap();
        for (json, kind, why) in [
            (json.replace("\"version\":1", "\"version\":2"), Kind::Misconfigured, "install the newer Cameo"),
            (json.replace("k3f9", "k3f8"), Kind::Corrupt, "another delivery"),
            (json.replace("1_0.jpg", "../1_0.jpg"), Kind::Corrupt, "breaks a limit"),
            (json.replace("\"files\"", "\"folders\""), Kind::Corrupt, "not a record"),
            ("{".into(), Kind::Corrupt, "no version"),
        ] {
            let error = Record::from_json(json.as_bytes(), &record.key()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(why) && error.to_string().contains("v/20261126-k3f9"), "{error}");
        }
    }

    #[test]
    fn what_is_no_list_of_files_is_refused() {
        let of = |files: Vec<DeliveredFile>| NewRecord { files, ..NewRecord::default() };
        let mut upper = file("1_0.jpg");
        upper.md5 = "A".repeat(32);
        for (wrong, why) in [
            (of(vec![file("1_0.jpg"), file("1_0.jpg")]), "twice"),
            (of(vec![file("a/1_0.jpg")]), "folder"),
            (of(vec![file("a\nb")]), "name of a file"),
            (of(vec![file(&"x".repeat(NAME_MAX_BYTES + 1))]), "name of a file"),
            (of(vec![upper]), "hexadecimal"),
            (of((0..=FILES_MAX).map(|n| file(&n.to_string())).collect()), "in parts"),
            (NewRecord { note: Some("x".repeat(NOTE_MAX_CHARS + 1)), ..NewRecord::default() }, "note"),
            (NewRecord { by: "x".repeat(TEXT_MAX_CHARS + 1), ..NewRecord::default() }, "by, from"),
        ] {
            let error = wrong.check().unwrap_err();
            assert!(error.kind() == Kind::Refused && error.to_string().contains(why), "{error}");
        }
        assert!(of((0..FILES_MAX).map(|n| file(&n.to_string())).collect()).check().is_ok());
    }

    #[test]
    fn the_digest_is_of_the_files_in_any_order() {
        let of =
            |names: &[&str]| NewRecord { files: names.iter().map(|name| file(name)).collect(), ..NewRecord::default() };
        assert_eq!(of(&["1", "2"]).digest(), of(&["2", "1"]).digest());
        assert_ne!(of(&["1", "2"]).digest(), of(&["1", "3"]).digest());
        let expected = Some(Expected { ids: vec![7], files: Vec::new() });
        assert_ne!(of(&["1"]).digest(), NewRecord { expected, ..of(&["1"]) }.digest());
    }

    #[test]
    fn a_record_is_a_question_for_verify() {
        let skipped = SkippedFile {
            file: "3_0.jpg".into(),
            code: "file.truncated".into(),
            cd_idx: Some(3),
            sequence: Some(0),
            detail: "cut".into(),
            detail_korean: Some("중간에 끊겼습니다".into()),
            ..SkippedFile::default()
        };
        let content =
            NewRecord { files: vec![file("1_0.jpg"), file("2.jpg")], skipped: vec![skipped], ..NewRecord::default() };
        let asked = record(content).to_verify();
        let photos: Vec<_> = asked.originals.keys().map(ToString::to_string).collect();
        assert_eq!(photos, ["v/1_0"]);
        let misnamed: Vec<_> = asked.misnamed.iter().map(|file| file.key.as_str()).collect();
        assert_eq!(misnamed, ["2.jpg", "3_0.jpg"]);
        assert!(matches!(&asked.misnamed[1].state, Some(State::Rejected { reason: ReasonCode::FileTruncated, .. })));
    }
}
