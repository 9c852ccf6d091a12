//! What verifying tells: stable names, for people and for scripts.

use serde::Serialize;

use crate::{catalog::State, key::Vertical, reason::ReasonCode};

/// How an entity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityState {
    /// Every place holds what it should.
    Complete,
    /// An original stands rejected; everything else is complete.
    Rejected,
    /// An original is on its way.
    Pending,
    /// A place lacks, or differs from, another.
    Different,
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
    /// Nothing yet, or something older: it is on its way.
    Pending,
    /// It was not looked at, because nothing is expected there.
    Unexpected,
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
    /// What was found, in English, a line a finding.
    pub findings: Vec<String>,
}

/// An object under `origin/` that belongs to no entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stray {
    /// Its key.
    pub key: String,
    /// What became of it; none while its event is on its way.
    #[serde(flatten)]
    pub state: Option<State>,
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
    /// Entities that are on their way.
    pub pending: u64,
    /// Entities with rejected originals that are complete otherwise.
    pub rejected: u64,
    /// Entities with differences.
    pub different: u64,
    /// Ids that were asked for and that no place knows.
    pub unknown_ids: Vec<u64>,
    /// Objects that belong to no entity and stand rejected, or wait for that.
    pub strays: Vec<Stray>,
    /// Objects that operating systems left.
    pub ignored: u64,
}

impl Summary {
    /// A summary of the objects that belong to no entity.
    pub(super) fn of_strays(strays: Vec<Stray>) -> Self {
        let (ignored, strays): (Vec<_>, Vec<_>) =
            strays.into_iter().partition(|stray| stray.state == Some(State::Ignored));
        Self { ignored: ignored.len() as u64, strays, ..Self::default() }
    }

    pub(super) fn add(&mut self, report: &EntityReport) {
        self.entities += 1;
        let mut sequences: Vec<_> = report.cells.iter().map(|cell| cell.sequence).collect();
        sequences.dedup();
        self.photos += sequences.len() as u64;
        self.rows += report.cells.iter().filter(|cell| cell.row == PlaceState::Present).count() as u64;
        match report.state {
            EntityState::Complete => self.complete += 1,
            EntityState::Pending => self.pending += 1,
            EntityState::Rejected => self.rejected += 1,
            EntityState::Different => self.different += 1,
        }
    }

    /// How everything together stands.
    pub fn state(&self) -> EntityState {
        let waiting = self.strays.iter().any(|stray| stray.state.is_none());
        if self.different > 0 || !self.unknown_ids.is_empty() {
            EntityState::Different
        } else if self.pending > 0 || waiting {
            EntityState::Pending
        } else if self.rejected > 0 || !self.strays.is_empty() {
            EntityState::Rejected
        } else {
            EntityState::Complete
        }
    }
}
