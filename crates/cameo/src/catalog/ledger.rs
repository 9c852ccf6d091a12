//! What a message does to the ledger and the rows: one pure function for every backend.
//!
//! The rules: a newer generation replaces an older one; a message seen again changes nothing further; a rejected
//! original leaves what is being served alone; a tombstone is passed only by a newer upload.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::{Effect, LedgerEntry, Row, State, image_urls::ImageUrls};
use crate::{
    error::{Error, Kind, Place, Result},
    generation::Generation,
    key::{PhotoId, UploadKey},
    message::{Fate, Outcome, PublishedRendition},
};

/// Settings of registering.
#[derive(Debug, Clone)]
pub struct RegisterRules {
    /// Where renditions are served.
    pub urls: ImageUrls,
    /// Whether the deletion of an original removes its rows and renditions.
    pub delete_unpublishes: bool,
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The photo, where the key is one's.
    pub photo: Option<PhotoId>,
    /// The entry to write; none leaves the ledger alone.
    pub entry: Option<LedgerEntry>,
    /// What to do with the photo's rows.
    pub rows: RowChange,
}

/// What to do with a photo's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// Nothing.
    Keep,
    /// These are the photo's rows now, and no others.
    Replace(Vec<Row>),
    /// It has none.
    Remove {
        /// Renditions made from this generation or an older one go too.
        up_to: Generation,
    },
}

impl Decision {
    /// What was done, once the rows of `dropped` image sizes were removed.
    pub fn effect(&self, dropped: Vec<String>) -> Effect {
        match &self.rows {
            RowChange::Replace(_) => Effect::Rows { dropped },
            RowChange::Remove { up_to } => Effect::Unpublished { up_to: up_to.clone(), dropped },
            RowChange::Keep if self.entry.is_some() => Effect::Noted,
            RowChange::Keep => Effect::Stale,
        }
    }
}

/// Decides what a message does, given what the ledger says of its key.
pub fn decide(current: Option<&LedgerEntry>, outcome: &Outcome, rules: &RegisterRules, now: Timestamp) -> Decision {
    let photo = match UploadKey::parse(&outcome.key) {
        UploadKey::Photo(photo) => Some(photo),
        _ => None,
    };
    match current {
        Some(entry) if entry.generation > outcome.generation => decide_late(entry, outcome, photo, rules, now),
        _ => decide_newest(current, outcome, photo, rules, now),
    }
}

fn decide_newest(
    current: Option<&LedgerEntry>,
    outcome: &Outcome,
    photo: Option<PhotoId>,
    rules: &RegisterRules,
    now: Timestamp,
) -> Decision {
    let kept = LedgerEntry {
        key: outcome.key.clone(),
        generation: outcome.generation.clone(),
        etag: outcome.etag.clone(),
        state: State::Ignored,
        serving: current.and_then(|entry| entry.serving.clone()),
        removed: current.and_then(|entry| entry.removed.clone()),
        size_set: current.and_then(|entry| entry.size_set.clone()),
        engine: current.and_then(|entry| entry.engine.clone()),
        updated_at: now,
    };
    let (entry, rows) = match &outcome.fate {
        Fate::Rendered { size_set, engine, renditions } => {
            let entry = served(LedgerEntry { state: State::Serving, ..kept }, outcome, size_set, engine);
            (entry, replace(photo.as_ref(), renditions, rules))
        }
        Fate::Rejected { reason, detail } => {
            let state = State::Rejected { reason: *reason, detail: detail.clone() };
            (LedgerEntry { state, ..kept }, RowChange::Keep)
        }
        Fate::Ignored => (kept, RowChange::Keep),
        Fate::Removed if rules.delete_unpublishes && photo.is_some() => {
            let removed = Some(outcome.generation.clone());
            let gone =
                LedgerEntry { state: State::Removed, serving: None, removed, size_set: None, engine: None, ..kept };
            (gone, RowChange::Remove { up_to: outcome.generation.clone() })
        }
        Fate::Removed => (LedgerEntry { state: State::Removed, ..kept }, RowChange::Keep),
    };
    Decision { photo, entry: Some(entry), rows }
}

/// A message that comes after a newer one of the same key was decided.
fn decide_late(
    entry: &LedgerEntry,
    outcome: &Outcome,
    photo: Option<PhotoId>,
    rules: &RegisterRules,
    now: Timestamp,
) -> Decision {
    let nothing = |photo| Decision { photo, entry: None, rows: RowChange::Keep };
    let Fate::Rendered { size_set, engine, renditions } = &outcome.fate else {
        let removes = outcome.fate == Fate::Removed && rules.delete_unpublishes && photo.is_some();
        return if removes { decide_late_removal(entry, outcome, photo, now) } else { nothing(photo) };
    };
    if let Some(removed) = entry.removed.clone().filter(|removed| *removed > outcome.generation) {
        // It was published after its removal: take it down again.
        return Decision { photo, entry: None, rows: take_down(entry, removed) };
    }
    match entry.state {
        // The last good original before a bad one: it serves, and the rejection stands beside it.
        State::Rejected { .. } if entry.serving.as_ref().is_none_or(|serving| *serving <= outcome.generation) => {
            let entry = LedgerEntry { updated_at: now, ..served(entry.clone(), outcome, size_set, engine) };
            Decision { rows: replace(photo.as_ref(), renditions, rules), photo, entry: Some(entry) }
        }
        _ => nothing(photo),
    }
}

/// A removal that comes after a newer change was decided: what it removed may be being served beside that change's
/// rejection, or may still come. Told again, it changes no row, but what followed from it may not have been done.
fn decide_late_removal(entry: &LedgerEntry, outcome: &Outcome, photo: Option<PhotoId>, now: Timestamp) -> Decision {
    let remove = |entry| Decision { photo, entry, rows: RowChange::Remove { up_to: outcome.generation.clone() } };
    if entry.serving.as_ref().is_some_and(|serving| *serving >= outcome.generation) {
        return Decision { rows: RowChange::Keep, ..remove(None) };
    }
    match entry.removed.as_ref().map(|removed| removed.cmp(&outcome.generation)) {
        Some(Ordering::Greater) => Decision { rows: RowChange::Keep, ..remove(None) },
        Some(Ordering::Equal) => remove(None),
        Some(Ordering::Less) | None => {
            let removed = Some(outcome.generation.clone());
            let gone =
                LedgerEntry { serving: None, size_set: None, engine: None, removed, updated_at: now, ..entry.clone() };
            remove(Some(gone))
        }
    }
}

/// Only where nothing newer is being served: then the rows and renditions are that one's.
fn take_down(entry: &LedgerEntry, removed: Generation) -> RowChange {
    match entry.serving {
        Some(_) => RowChange::Keep,
        None => RowChange::Remove { up_to: removed },
    }
}

fn served(entry: LedgerEntry, outcome: &Outcome, size_set: &str, engine: &str) -> LedgerEntry {
    LedgerEntry {
        serving: Some(outcome.generation.clone()),
        size_set: Some(size_set.to_owned()),
        engine: Some(engine.to_owned()),
        ..entry
    }
}

fn replace(photo: Option<&PhotoId>, renditions: &[PublishedRendition], rules: &RegisterRules) -> RowChange {
    let Some(photo) = photo else { return RowChange::Keep };
    let row = |rendition: &PublishedRendition| Row {
        photo: photo.clone(),
        image_size: rendition.image_size.clone(),
        image_url: rules.urls.of(photo, &rendition.image_size),
        width: rendition.width,
        height: rendition.height,
        bytes: rendition.bytes,
        etag: rendition.etag.clone(),
    };
    RowChange::Replace(renditions.iter().map(row).collect())
}

/// Reads a state from the ledger's columns; text that is none names table, column and row.
pub fn state_from_columns(key: &str, state: &str, reason: Option<&str>, detail: Option<String>) -> Result<State> {
    let malformed = |column: &str, found: &str| {
        let doing = format!("read the ledger: cameo_originals.{column} is {found:?} for object_key {key:?}");
        Error::new(Place::Catalog, Kind::Malformed, doing)
    };
    match state {
        "serving" => Ok(State::Serving),
        "ignored" => Ok(State::Ignored),
        "removed" => Ok(State::Removed),
        "rejected" => {
            let code = reason.unwrap_or("");
            let reason = code.parse().map_err(|error| malformed("reason", code).because(error))?;
            Ok(State::Rejected { reason, detail: detail.unwrap_or_default() })
        }
        other => Err(malformed("state", other)),
    }
}
