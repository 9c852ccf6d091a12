//! The lines of long answers, a kind an operation: what the document of the API says of them.
//!
//! A line is one JSON object. Those of `verify`, `status`, `retry`, `dismiss`, `restore`, `move` and `reconcile` are frames, whose `json` is a part of the answer; others
//! are items. The last line has the summary, or the error that the work ended with. Clients pass over fields that they do not know. What is
//! written comes from the structures of `operate` and `proof`; a test holds both together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub mod operations;

use operations::{DismissPart, MovePart, ReconcilePart, RestorePart, RetryPart, StatusPart, VerifyPart};

use super::{Ended, ProblemBody, ProgressView};
use crate::proof::deliveries::{SkippedFile, Summary, dismissed::Dismissed};

/// Declares the line of an operation by its part. A structure each: of a generic part that may be null the document would say that it never is.
macro_rules! operation_lines {
    ($($(#[$doc:meta])* $line:ident $part:ident)*) => {
        $(
            $(#[$doc])*
            ///
            /// The fields that are there say which kind of line it is: a part (`json` and `text`), a note, how far the work is, or the end.
            #[derive(Debug, Serialize, Deserialize, ToSchema)]
            pub struct $line {
                /// A part of the answer for scripts: what the command prints with `--json`. Null where a part is for people alone.
                pub json: Option<$part>,
                /// The same for people, a line each.
                pub text: Option<Vec<String>>,
                /// A word about the answer, for people.
                pub note: Option<String>,
                /// How far the work is.
                pub progress: Option<ProgressView>,
                /// The last line: how things are.
                pub summary: Option<Ended>,
                /// The last line where the work failed.
                pub error: Option<ProblemBody>,
            }
        )*
    };
}

operation_lines! {
    /// A line of `verify`.
    VerifyLine VerifyPart
    /// A line of `status`.
    StatusLine StatusPart
    /// A line of `retry`.
    RetryLine RetryPart
    /// A line of `dismiss`.
    DismissLine DismissPart
    /// A line of `restore`.
    RestoreLine RestorePart
    /// A line of `move`.
    MoveLine MovePart
    /// A line of `reconcile`.
    ReconcileLine ReconcilePart
}

/// A line of a list: an item, how far the list is, or the end.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ListLine<I, S> {
    /// An item.
    Item(I),
    /// How far the list is.
    Progress(ListProgress),
    /// The last line.
    Summary(ListSummary<S>),
    /// The last line where the work failed.
    Error(ListError),
}

/// How far a list is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ListProgress {
    /// How far.
    pub progress: EntitiesSoFar,
}

/// Entities of a list so far.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EntitiesSoFar {
    /// How many there were.
    pub entities: u64,
}

/// The last line of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ListSummary<S> {
    /// The counts.
    pub summary: S,
}

/// The last line of a list that failed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ListError {
    /// What went wrong.
    pub error: ProblemBody,
}

/// A file of a delivery and how far its bytes came.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemView {
    /// Its name.
    pub file: String,
    /// The entity's number, where the name begins with one.
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where the name is a photo's.
    pub sequence: Option<u16>,
    /// `missing`, `received`, `rendered`, `registered`, `rejected`, `replaced`, `removed`, `dismissed`, `moved` or `unpublished`.
    pub state: String,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What was found and where, in English.
    pub detail: Option<String>,
    /// What took its place or deleted it, as far as the history goes back.
    pub later: Option<LaterView>,
    /// True where a good photo is served although an upload over it was rejected; else left out.
    pub last_good_served: Option<bool>,
    /// The delivery that was recorded after it was uploaded and names it too, or replaced it; of the implicit delivery of a day.
    pub taken_over: Option<String>,
    /// Who settled it, of a dismissed one.
    pub dismissed: Option<Dismissed>,
    /// Who moved it and to where, or took it down and why.
    pub settled: Option<Dismissed>,
}

/// What happened to a photo after its bytes were delivered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LaterView {
    /// When.
    pub at: Timestamp,
    /// Who did it, where that is known.
    pub by: Option<String>,
    /// `registered`, `replaced`, `repeated`, `removed` or `rejected`.
    pub change: String,
    /// The recorded delivery that it came with.
    pub delivery: Option<String>,
    /// Why that later upload was rejected, where it was.
    pub reason: Option<String>,
    /// What was found of it and where, in English.
    pub detail: Option<String>,
}

/// A photo that is not live, or that differs from what was promised.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReportedPhoto {
    /// The entity's number, where the name gives one.
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where the name gives one.
    pub sequence: Option<u16>,
    /// The file; null where a number was promised and has no file.
    pub file: Option<String>,
    /// The reason code; `upload.dismissed`, `upload.moved` and `upload.unpublished` are settled.
    pub code: String,
    /// Who must act: `person_in_charge`, `operator`, `engineer` or `nobody`.
    pub owner: String,
    /// What the code means and what to do, in the language that was asked for.
    pub text: String,
    /// What was found and where, in English.
    pub detail: Option<String>,
    /// The same in the language that was asked for, with times of the configured zone.
    pub found: Option<String>,
    /// `warning` where no photo failed, and somebody should look all the same; else left out.
    pub severity: Option<String>,
    /// True where a good photo is served although an upload over it was rejected; else left out.
    pub last_good_served: Option<bool>,
    /// What it keeps the delivery from: `rejected`, `pending` or `different`; left out where it keeps it from nothing.
    pub state: Option<String>,
    /// Who settled it, of one that was dismissed.
    pub dismissed: Option<Dismissed>,
    /// Who moved it and to where, or took it down and why.
    pub settled: Option<Dismissed>,
}

/// What was promised and not handed over, or the other way round.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PromisedView {
    /// The entity's number, where the list or the name gives one.
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where the name gives one.
    pub sequence: Option<u16>,
    /// The file, where the list names files.
    pub file: Option<String>,
    /// What differs, in English.
    pub detail: String,
}

/// A delivery that nothing is known of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UnknownDelivery {
    /// Its name.
    pub unknown_delivery: String,
}

/// What of a scope is found nowhere, or is deleted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AbsentView {
    /// The vertical that there is none of.
    pub unmatched: Option<UnmatchedView>,
    /// Numbers that no place knows.
    pub unknown_ids: Vec<u64>,
    /// Numbers of which everything is deleted.
    pub deleted_ids: Vec<u64>,
}

/// A vertical that there is none of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UnmatchedView {
    /// Its name.
    pub vertical: String,
    /// Verticals whose names are nearest to it.
    pub near: Vec<String>,
}

/// A file that belongs to no entity.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FileView {
    /// Its key in the upload bucket.
    pub key: String,
    /// `rejected` or another state; left out while its event is in work.
    pub state: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What was found and where, in English.
    pub detail: Option<String>,
}
