//! What verifying reports: stable names, for people and for scripts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{repair::Repair, words};
use crate::{
    ledger::State,
    model::{
        key::{EntityId, Vertical},
        lang::{Lang, Text},
        plain,
        reason::ReasonCode,
    },
};

/// Unexpected files that are listed, at most; all of them are counted.
const UNEXPECTED_FILES_LISTED_MAX: usize = 10_000;
/// Objects of nobody that are listed in the summary, at most; all of them are reported one by one, and counted.
const UNOWNED_LISTED_MAX: usize = 1000;

/// How an entity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityState {
    /// Every place holds what it should.
    Complete,
    /// An original is rejected; everything else is complete.
    Rejected,
    /// An original is in work, or a place could not be looked at.
    Pending,
    /// A place lacks, or differs from, another.
    Different,
}

/// How much of what is served was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sampled {
    /// Images that were fetched.
    pub fetched: u64,
    /// Images that are served.
    pub of: u64,
    /// What the choice followed from.
    pub seed: u64,
}

/// How many originals were read for their SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hashes {
    /// Originals whose content was read and compared.
    pub checked: u64,
    /// Originals that were handed over with a SHA-256.
    pub of: u64,
}

/// What a place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceState {
    /// What it should.
    Present,
    /// Nothing.
    Missing,
    /// Something else.
    Different,
    /// Nothing yet, or something older: it is in work.
    Pending,
    /// It was not looked at, because nothing is expected there.
    Unexpected,
    /// It could not be looked at.
    Unknown,
}

impl EntityState {
    /// For people.
    pub const fn name(self, lang: Lang) -> &'static str {
        match self {
            Self::Complete => lang.pick("complete", "완료"),
            Self::Rejected => lang.pick("rejected", "거부"),
            Self::Pending => lang.pick("pending", "처리 중"),
            Self::Different => lang.pick("mismatch", "불일치"),
        }
    }
}

impl PlaceState {
    /// Whether something has to be done about it.
    pub(super) fn is_wrong(self) -> bool {
        matches!(self, Self::Missing | Self::Different)
    }
}

/// One image size of one photo, in four places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The photo's sequence.
    pub sequence: u16,
    /// Name of the image size.
    pub image_size: String,
    /// The original in the upload bucket.
    pub original: PlaceState,
    /// The rendition in the image bucket.
    pub rendition: PlaceState,
    /// The row in the public table.
    pub row: PlaceState,
    /// The image as it is served.
    pub served: PlaceState,
    /// Why the original is rejected, or why it waits.
    pub reason: Option<ReasonCode>,
}

/// How an entity stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntityReport {
    /// The vertical.
    pub vertical: Vertical,
    /// The entity's number.
    pub cd_idx: u64,
    /// How it stands.
    pub state: EntityState,
    /// Its photos at each image size.
    pub cells: Vec<Cell>,
    /// The alias `{cd_idx}.jpg` at all image sizes together.
    pub alias: PlaceState,
    /// What was found, a line a finding; English for scripts.
    pub findings: Vec<Text>,
    /// What repairs it.
    #[serde(skip)]
    pub repairs: Vec<Repair>,
    /// Photos that were made by another size set, by its label and that of the current one: said once, in the summary.
    #[serde(skip)]
    pub outdated: Vec<(String, String)>,
    /// Whether some of its images could not be fetched: said once, in the summary.
    #[serde(skip)]
    pub not_fetched: bool,
    /// Originals whose SHA-256 was compared: said once, in the summary.
    #[serde(skip)]
    pub hashed: u64,
}

impl EntityReport {
    pub(super) fn new(entity: &EntityId) -> Self {
        Self {
            vertical: entity.vertical.clone(),
            cd_idx: entity.cd_idx,
            state: EntityState::Complete,
            cells: Vec::new(),
            alias: PlaceState::Unexpected,
            findings: Vec::new(),
            repairs: Vec::new(),
            outdated: Vec::new(),
            not_fetched: false,
            hashed: 0,
        }
    }

    /// The entity.
    pub fn entity(&self) -> EntityId {
        EntityId { vertical: self.vertical.clone(), cd_idx: self.cd_idx }
    }

    /// Whether nothing of it was ever received: of every photo that was handed over no place has anything.
    pub fn never_arrived(&self) -> bool {
        let is_absent = |cell: &Cell| {
            cell.original == PlaceState::Missing
                && [cell.rendition, cell.row]
                    .iter()
                    .all(|place| matches!(place, PlaceState::Missing | PlaceState::Unexpected))
        };
        self.state == EntityState::Different && !self.cells.is_empty() && self.cells.iter().all(is_absent)
    }

    /// Whether everything that keeps it from being complete is said once, in the summary, for all entities.
    pub fn is_said_in_summary(&self) -> bool {
        self.state != EntityState::Complete && self.findings.len() == self.outdated.len()
    }

    /// Notes a difference and what repairs it.
    pub(super) fn differs(&mut self, finding: Text, repair: Repair) {
        self.note(EntityState::Different, finding);
        self.repair(repair);
    }

    /// Notes what was found.
    pub(super) fn note(&mut self, state: EntityState, finding: Text) {
        self.state = self.state.max(state);
        self.findings.push(finding);
    }

    pub(super) fn repair(&mut self, repair: Repair) {
        if !self.repairs.contains(&repair) {
            self.repairs.push(repair);
        }
    }
}

/// A file of the upload bucket that belongs to no entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnexpectedFile {
    /// Its key.
    pub key: String,
    /// What became of it; none while its event is in work.
    #[serde(flatten)]
    pub state: Option<State>,
    /// What was found of it in Korean, where a delivery recorded it: programs read the English of its state.
    #[serde(skip)]
    pub korean: Option<String>,
}

impl UnexpectedFile {
    /// What keeps a rejected one from being a photo, for people.
    pub fn found_in(&self, lang: Lang) -> Option<String> {
        let Some(State::Rejected { reason, detail }) = &self.state else { return None };
        let recorded = self.korean.clone().filter(|_| lang == Lang::Ko);
        Some(recorded.unwrap_or_else(|| plain::found_in(*reason, detail, lang)))
    }
}

/// An object of the image bucket that nobody owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unowned {
    /// Its key.
    pub key: String,
    /// Why nobody owns it; English for scripts.
    pub why: Text,
    /// Whether `cameo reconcile --apply` takes it down; what Cameo did not write is left to a person.
    pub removable: bool,
}

/// A scope that nothing is known of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// The vertical that was asked about.
    pub vertical: Vertical,
    /// Verticals whose names are nearest to it.
    pub near: Vec<Vertical>,
    /// Whether whoever asks was given rights to this very vertical: then its name is right, and nothing was uploaded to it yet.
    #[serde(skip)]
    pub is_own: bool,
}

impl Unmatched {
    /// That there is none, and which names are near.
    pub fn text(&self, lang: Lang) -> String {
        let Self { vertical, near, is_own } = self;
        let near: Vec<&str> = near.iter().map(Vertical::as_str).collect();
        let near = near.join(", ");
        match lang {
            Lang::En if *is_own => format!("nothing is there of the vertical \"{vertical}\" yet"),
            Lang::Ko if *is_own => format!("\"{vertical}\" 버티컬에는 아직 올라온 사진이 없습니다"),
            Lang::En if near.is_empty() => format!("no such vertical \"{vertical}\""),
            Lang::En => format!("no such vertical \"{vertical}\"; did you mean {near}?"),
            Lang::Ko if near.is_empty() => format!("\"{vertical}\"라는 버티컬이 없습니다"),
            Lang::Ko => format!("\"{vertical}\"라는 버티컬이 없습니다. 비슷한 이름: {near}"),
        }
    }
}

/// Photos that were made by another size set than the current one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outdated {
    /// The size set that made them.
    pub made_by: String,
    /// The current one.
    pub size_set: String,
    /// How many photos.
    pub photos: u64,
}

impl Outdated {
    /// The size set that made them, for a sentence in Korean.
    pub fn made_by_in_korean(&self) -> String {
        words::korean_label(&self.made_by)
    }
}

/// JPEGs of the image bucket in folders of verticals that nobody knows: another system's, or what is left of a vertical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherImages {
    /// How many there are.
    pub count: u64,
    /// The key of one.
    pub example: String,
}

/// The counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Entities looked at.
    pub entities: u64,
    /// Photos looked at.
    pub photos: u64,
    /// Rows that are as they should be.
    pub rows: u64,
    /// Entities that are complete.
    pub complete: u64,
    /// Entities that are in work, or that could not be looked at in every place.
    pub pending: u64,
    /// Entities with rejected originals that are complete otherwise.
    pub rejected: u64,
    /// Entities with differences.
    pub different: u64,
    /// Ids that were asked for and that are found nowhere.
    pub unknown_ids: Vec<u64>,
    /// Ids that were asked for and of which everything is deleted: nothing is left, and nothing is wrong with that but that they were asked for.
    pub deleted_ids: Vec<u64>,
    /// Files that belong to no entity and are rejected, or wait for that: the first 10,000.
    pub strays: Vec<UnexpectedFile>,
    /// How many of them there are.
    pub unexpected_files: u64,
    /// Files that operating systems left.
    pub ignored: u64,
    /// Objects of the image bucket that nobody owns: the first 1,000.
    pub unowned: Vec<Unowned>,
    /// How many of them there are.
    pub unowned_objects: u64,
    /// Objects of the image bucket that nobody owns yet, or any more: their photos are in work.
    pub pending_objects: u64,
    /// Photos that were made by other size sets than the current ones.
    pub outdated: Vec<Outdated>,
    /// Why images could not be fetched, if they could not.
    pub not_fetched: Option<String>,
    /// What was asked for and is found nowhere.
    pub unmatched: Option<Unmatched>,
    /// JPEGs of the image bucket in folders of verticals that nobody knows: no fault of their own.
    pub other_images: Option<OtherImages>,
    /// How many of the served images were fetched, where it was a sample.
    pub sampled: Option<Sampled>,
    /// How many originals of a delivery were read for their SHA-256; null where none was handed over.
    pub hashes: Option<Hashes>,
    #[serde(skip)]
    waiting_files: u64,
    #[serde(skip)]
    outdated_photos: BTreeMap<(String, String), u64>,
}

impl Summary {
    /// Before anything is looked at; with the SHA-256s that there are to compare.
    pub(super) fn new(hashes: Option<Hashes>) -> Self {
        Self { hashes, ..Self::default() }
    }

    /// Counts a file that belongs to no entity.
    pub(super) fn add_file(&mut self, stray: UnexpectedFile) {
        if stray.state == Some(State::Ignored) {
            self.ignored += 1;
            return;
        }
        self.unexpected_files += 1;
        self.waiting_files += u64::from(stray.state.is_none());
        if self.strays.len() < UNEXPECTED_FILES_LISTED_MAX {
            self.strays.push(stray);
        }
    }

    pub(super) fn add_unowned(&mut self, unowned: &Unowned) {
        self.unowned_objects += 1;
        if self.unowned.len() < UNOWNED_LISTED_MAX {
            self.unowned.push(unowned.clone());
        }
    }

    pub(super) fn add_other_image(&mut self, key: String) {
        self.other_images.get_or_insert(OtherImages { count: 0, example: key }).count += 1;
    }

    /// Counts an entity differently than before.
    pub(super) fn recount(&mut self, before: Option<EntityState>, now: EntityState) {
        if let Some(before) = before {
            let counted = self.counted(before);
            *counted = counted.saturating_sub(1);
        }
        *self.counted(now) += 1;
    }

    fn counted(&mut self, state: EntityState) -> &mut u64 {
        match state {
            EntityState::Complete => &mut self.complete,
            EntityState::Pending => &mut self.pending,
            EntityState::Rejected => &mut self.rejected,
            EntityState::Different => &mut self.different,
        }
    }

    pub(super) fn add(&mut self, report: &EntityReport) {
        self.entities += 1;
        let mut sequences: Vec<_> = report.cells.iter().map(|cell| cell.sequence).collect();
        sequences.dedup();
        self.photos += sequences.len() as u64;
        self.rows += report.cells.iter().filter(|cell| cell.row == PlaceState::Present).count() as u64;
        for labels in &report.outdated {
            *self.outdated_photos.entry(labels.clone()).or_default() += 1;
        }
        if let Some(hashes) = &mut self.hashes {
            hashes.checked += report.hashed;
        }
        *self.counted(report.state) += 1;
    }

    pub(super) fn finish(&mut self) {
        let outdated = std::mem::take(&mut self.outdated_photos).into_iter();
        self.outdated = outdated.map(|((made_by, size_set), photos)| Outdated { made_by, size_set, photos }).collect();
    }

    /// How everything together stands.
    pub fn state(&self) -> EntityState {
        let absent = [&self.unknown_ids, &self.deleted_ids].iter().any(|ids| !ids.is_empty());
        let unknown = absent || self.unmatched.is_some();
        if self.different > 0 || self.unowned_objects > 0 || unknown {
            EntityState::Different
        } else if self.pending + self.waiting_files + self.pending_objects > 0 || self.not_fetched.is_some() {
            EntityState::Pending
        } else if self.rejected > 0 || self.unexpected_files > 0 {
            EntityState::Rejected
        } else {
            EntityState::Complete
        }
    }
}
