//! Questions that are answered in frames: verifying, the state of things, another try, repairing.
//!
//! A frame is a line of the answer: a part of it, for scripts (`json`) and for people (`text`), a note about it, how far the work is, and
//! last of all how things are, or an error. What `json` holds is what the command prints with `--json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::ProblemBody;
use crate::{model::lang::Lang, proof::verify::EntityState};

/// Files of a folder in one question, at most.
pub const FILES_MAX: usize = 100_000;

/// A file that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandedOverFile {
    /// Its name, without folders.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// MD5 of the content, in hexadecimal.
    pub md5: String,
}

/// A file that was handed over and that no place can take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MisnamedFile {
    /// What it is called in the answer.
    pub name: String,
    /// What is wrong with its name.
    pub hint: String,
}

/// What is to be verified: entities, a delivery, or files that were handed over for a vertical.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// Only entities of this vertical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// Only entities with these numbers: at most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// A delivery, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Files that were handed over for the vertical: exactly these must be there. At most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<HandedOverFile>>,
    /// Beside `files`, those that are no photos by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misnamed: Vec<MisnamedFile>,
    /// Beside `files`, how many were left by an operating system.
    #[serde(default)]
    pub ignored: u64,
    /// List complete entities too.
    #[serde(default)]
    pub all: bool,
    /// Read and hash every original, rendition and alias.
    #[serde(default)]
    pub deep: bool,
    /// Read every original of a delivery, and compare its SHA-256 with the recorded one; `deep` does it too.
    #[serde(default)]
    pub hashes: bool,
    /// Fetch only so many of the served images; of a delivery, read as many originals for their SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100_000)]
    pub sample: Option<u64>,
    /// What the choice of those follows from; by chance where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The language of what is for people in the answer: `text` and `note`. What is for programs is English.
    #[serde(default, skip_serializing_if = "Lang::is_english")]
    pub lang: Lang,
}

/// Of what the state is asked: everything, entities, or a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusRequest {
    /// Only entities of this vertical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// Only entities with these numbers: at most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// A delivery, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// List the registered files of a delivery too.
    #[serde(default)]
    pub all: bool,
    /// The language of what is for people in the answer: `text` and `note`. What is for programs is English.
    #[serde(default, skip_serializing_if = "Lang::is_english")]
    pub lang: Lang,
}

/// What is to go through the flow again. One of the first four says what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Only what was rejected for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only entities of this vertical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// Only entities with these numbers: at most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// Only files of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Only say which it would be.
    #[serde(default)]
    pub dry_run: bool,
    /// The language of what is for people in the answer: `text` and `note`. What is for programs is English.
    #[serde(default, skip_serializing_if = "Lang::is_english")]
    pub lang: Lang,
}

/// What is to be settled. One of the first five says what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissRequest {
    /// Only these rejected files, by their keys in the upload bucket; of a delivery also by their names. At most 100,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Only what has this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only entities of this vertical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// Only entities with these numbers: at most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// What is open of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Why it is settled, for whoever looks later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Only say what it would be.
    #[serde(default)]
    pub dry_run: bool,
    /// The language of what is for people in the answer: `text` and `note`. What is for programs is English.
    #[serde(default, skip_serializing_if = "Lang::is_english")]
    pub lang: Lang,
}

/// What is to be brought back from quarantine. Something of the first four says what, or `list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// Keys that were removed, as they were. At most 100,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Only what is of this vertical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// Only entities with these numbers: at most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// Only what was removed then or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// This one of several of a key, and over what has the key now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// List everything that is kept, replaced originals too, and bring nothing back.
    #[serde(default)]
    pub list: bool,
    /// Only say what it would be.
    #[serde(default)]
    pub dry_run: bool,
    /// The language of what is for people in the answer: `text` and `note`. What is for programs is English.
    #[serde(default, skip_serializing_if = "Lang::is_english")]
    pub lang: Lang,
}

/// Photos that are to move to another vertical: those of `from`, or those that are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveRequest {
    /// The vertical that they are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The vertical that they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only photos of entities with these numbers: at most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// Only photos of this delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// These photos, at most 100,000; instead of `from` and `to`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<PhotoToMove>,
    /// Do it; without it only how far each is is said.
    #[serde(default)]
    pub apply: bool,
    /// How long to wait for what is in flight, seconds: at most 3600.
    #[serde(default)]
    pub wait: u64,
    /// Where whoever asks has written the photos for the way back: it is in the answer, as it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<String>,
    /// The language of what is for people in the answer: `text` and `note`. What is for programs is English.
    #[serde(default, skip_serializing_if = "Lang::is_english")]
    pub lang: Lang,
}

/// A photo that is to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhotoToMove {
    /// The key that it has in the upload bucket.
    pub from: String,
    /// The key that it gets.
    pub to: String,
}

/// What is to be repaired.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcileRequest {
    /// Only entities of this vertical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// Only entities with these numbers: at most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u64>>,
    /// Read and hash every original, rendition and alias first.
    #[serde(default)]
    pub deep: bool,
    /// Do it; without it only the plan is returned.
    #[serde(default)]
    pub apply: bool,
    /// The language of what is for people in the answer: `text` and `note`. What is for programs is English.
    #[serde(default, skip_serializing_if = "Lang::is_english")]
    pub lang: Lang,
}

/// How far the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressView {
    /// Entities that were judged.
    pub entities: u64,
    /// What is being looked at.
    pub step: StepView,
}

/// What is being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepView {
    /// The entities.
    Entities,
    /// Objects of the image bucket.
    Objects,
    /// The images of a sample.
    Sample,
    /// A later version's.
    #[serde(other)]
    Other,
}

/// How things are: what the command ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// The exit code of the command.
    pub exit_code: u8,
    /// The same in a word: `complete`, `rejected`, `pending` or `different`.
    #[schema(value_type = String)]
    pub state: EntityState,
}

/// A line of the answer. The fields that are there say which kind of line it is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Frame {
    /// A part of the answer for scripts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Box<RawValue>>,
    /// The same for people, a line each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Vec<String>>,
    /// A word about the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How far the work is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    /// The last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Ended>,
    /// The last line where the work failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProblemBody>,
}

/// A part of the answer, as it is written: both fields always.
#[derive(Debug, Serialize)]
pub struct Part<'p, J: ?Sized> {
    /// For scripts.
    pub json: Option<&'p J>,
    /// For people.
    pub text: Vec<String>,
}
