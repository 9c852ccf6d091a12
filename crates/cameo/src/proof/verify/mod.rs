//! Verifying: the proof that nothing is missing and nothing else is published, entity by entity, in four places: the original in
//! the upload bucket, the rendition in the image bucket, the row in the public table, and the image as it is served.
//!
//! It only reads. The upload bucket, the ledger, the rows and the image bucket are walked a page at a time (`walk`), so that memory
//! is bounded by a page however much there is. A difference is looked at again before it is reported (`settle`): what is
//! in work is pending, never different.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::Catalog,
    clock::Clock,
    flow::Settings,
    ledger::{LedgerEntry, Row, Scope, image_urls::ImageUrls},
    model::key::{PhotoId, Vertical},
    store::Store,
};

mod aliases;
mod by_number;
mod cells;
mod collect;
mod files;
mod hashes;
mod in_work;
mod judge;
mod known;
mod repair;
mod report;
mod run;
mod sample;
mod served;
mod settle;
mod unowned;
mod view;
mod walk;
mod words;

pub(in crate::proof) use files::folders;
pub use files::{OUTSIDE_MAX, misplaced};
pub use in_work::{Queues, without_message};
pub use known::{AbsentIds, absent_ids, misnamed_with_ids, unmatched, verticals_known};
pub use repair::Repair;
pub use report::{
    Cell, EntityReport, EntityState, Hashes, OtherImages, Outdated, PlaceState, Sampled, Summary, UnexpectedFile,
    Unmatched, Unowned,
};
pub use run::verify;
pub use sample::{SAMPLE_MAX, Sample};
pub use served::{Fetched, Served, ServedImage};
pub use unowned::why_unowned;

/// A file that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// Length in bytes.
    pub size: u64,
    /// MD5 of the content, in hexadecimal.
    pub md5: String,
    /// SHA-256 of the content, in hexadecimal, where it was recorded.
    pub sha256: Option<String>,
}

/// What is to be verified.
#[derive(Debug, Clone)]
pub struct Question {
    /// Which entities.
    pub scope: Scope,
    /// The list of what was handed over: these originals must be there, as they are, and only their entities are looked at.
    pub delivery: Option<Delivery>,
    /// How much is looked at.
    pub look: Look,
    /// Which served images are fetched; all of them where nothing is said. Of a list with SHA-256s, as many originals are read for theirs.
    pub sample: Option<Sample>,
    /// Read every original of a list with SHA-256s, to compare its own. A deep look does it too.
    pub hashes: bool,
}

impl Question {
    /// Everything but the bytes of all content.
    pub fn of(scope: Scope) -> Self {
        Self { scope, delivery: None, look: Look::Everything, sample: None, hashes: false }
    }
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// The entities alone, not what else the buckets hold: for a page of a few entities.
    Entities,
    /// Everything but the bytes of all content.
    Everything,
    /// Everything, and originals, renditions and aliases are read and hashed.
    Deep,
}

/// A list of what was handed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The originals.
    pub originals: BTreeMap<PhotoId, HandedOver>,
    /// Files that no place can take, because of their names: they are rejected.
    pub misnamed: Vec<UnexpectedFile>,
    /// Files that operating systems leave.
    pub ignored: u64,
}

impl Delivery {
    /// Leaves misnamed files out by their names.
    pub fn leave_out_misnamed<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let names: BTreeSet<&str> = names.collect();
        self.misnamed.retain(|file| !names.contains(file.key.as_str()));
    }

    /// Leaves files out by their names.
    pub fn leave_out<'n>(&mut self, vertical: &Vertical, names: impl Iterator<Item = &'n str>) {
        let mut misnamed = BTreeSet::new();
        for name in names {
            match PhotoId::parse(vertical, name) {
                Ok(photo) => drop(self.originals.remove(&photo)),
                Err(_) => drop(misnamed.insert(name)),
            }
        }
        self.misnamed.retain(|file| !misnamed.contains(file.key.as_str()));
    }
}

/// The places to look at.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The buckets.
    pub store: &'a dyn Store,
    /// The ledger and the rows.
    pub catalog: &'a dyn Catalog,
    /// The public side.
    pub served: &'a dyn Served,
    /// The queues; none where they cannot be reached.
    pub queues: Option<Queues<'a>>,
    /// The addresses that rows must have; where nobody knows the base, only their paths are compared.
    pub urls: Option<&'a ImageUrls>,
    /// Names and rules.
    pub settings: &'a Settings,
    /// The time, to know what a cache may still show.
    pub clock: &'a dyn Clock,
}

/// Hears what verifying finds, in order.
pub trait Listen: Send {
    /// An entity was judged.
    fn entity(&mut self, report: &EntityReport);
    /// An object of the image bucket is nobody's.
    fn unowned(&mut self, _: &Unowned) {}
    /// How far it is: at the start, and after each page.
    fn progress(&mut self, _: Progress) {}
    /// A moment to pass on what was heard, after each chunk: nothing more is looked at until it is over.
    fn ready(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// How far verifying is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entities that were judged.
    pub entities: u64,
    /// What is being looked at.
    pub step: Step,
}

/// What verifying looks at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The entities, in the order of their keys.
    Entities,
    /// Objects of the image bucket, to find those of nobody.
    Objects,
    /// The images of a sample, as they are served.
    Sample,
}

impl<F: FnMut(&EntityReport) + Send> Listen for F {
    fn entity(&mut self, report: &EntityReport) {
        self(report);
    }
}

/// What is known of one photo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct PhotoFacts {
    original: Option<collect::OriginalFacts>,
    handed_over: Option<HandedOver>,
    ledger: Option<LedgerEntry>,
    rows: BTreeMap<String, Row>,
}

type EntityFacts = BTreeMap<u16, PhotoFacts>;

/// The prefix under which the originals of a vertical stand.
fn origin_prefix(vertical: &Vertical) -> String {
    format!("{}{vertical}/", crate::model::key::ORIGIN_PREFIX)
}
