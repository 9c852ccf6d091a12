//! What a batch of messages changes, worked out before anything is written.
//!
//! A server is a round trip away, so a batch is read at once, decided here by [`decide`] message after message, and
//! written at once. Nothing here does I/O; the ledger entries and rows that are handed in must be locked by the caller.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::{
    LedgerEntry, Registered, Row,
    before::{Before, RowChange},
    counts::{CountChanges, CountKey, note_change},
    decide::{Decision, RegisterRules, decide},
    history::HistoryChange,
};
use crate::model::{
    key::{EntityId, PhotoId, UploadKey},
    outcome::Outcome,
};

/// A ledger entry to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryChange {
    /// The entry.
    pub(crate) entry: LedgerEntry,
    /// The photo, where the key is one's.
    pub(crate) photo: Option<PhotoId>,
    /// Whether the ledger knew the key.
    pub(crate) known: bool,
    /// Where it was counted before the batch.
    counted: Option<CountKey>,
}

/// What a batch decided.
#[derive(Debug)]
pub(crate) struct Batch {
    entries: BTreeMap<String, EntryChange>,
    raised: BTreeMap<EntityId, i64>,
    before: Rows,
    after: Rows,
    registered: Vec<Registered>,
    history: Vec<HistoryChange>,
}

/// What a batch does to the public table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TableChange {
    /// Rows that are new or differ from what stands there, in the order of their keys.
    pub(crate) write: Vec<Row>,
    /// Rows that go.
    pub(crate) delete: Vec<(PhotoId, String)>,
    /// What each message did, in their order.
    pub(crate) registered: Vec<Registered>,
    /// The lines of the history, in the order of the messages.
    pub(crate) history: Vec<HistoryChange>,
    /// By how much each count changes, in the order of the counts: the order in which they are changed, so that two batches cannot
    /// deadlock.
    pub(crate) counts: CountChanges,
}

type Rows = BTreeMap<(PhotoId, String), Row>;

/// The keys of a batch, each once, in order: the order in which they are locked, so that two batches cannot deadlock.
pub(crate) fn keys(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(|outcome| outcome.key.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The entities of a batch's photos, each once, in order: those whose rows may change.
pub(crate) fn entities(outcomes: &[Outcome]) -> BTreeSet<EntityId> {
    outcomes.iter().filter_map(|outcome| UploadKey::photo_of(&outcome.key)).map(|photo| photo.entity).collect()
}

impl Batch {
    /// Decides messages in their order, given the entries of the [`keys`] and the rows of the [`entities`]; each message sees
    /// what the ones before it did.
    pub(crate) fn decide(
        outcomes: &[Outcome],
        (current, found): (Vec<LedgerEntry>, Vec<Row>),
        rules: &RegisterRules,
        now: Timestamp,
    ) -> Self {
        let mut ledger: HashMap<String, LedgerEntry> =
            current.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        let before: Rows = found.into_iter().map(|row| ((row.photo.clone(), row.image_size.clone()), row)).collect();
        let registered = Vec::with_capacity(outcomes.len());
        let mut batch = Self {
            entries: BTreeMap::new(),
            raised: BTreeMap::new(),
            after: before.clone(),
            before,
            registered,
            history: Vec::new(),
        };
        for outcome in outcomes {
            let photo = UploadKey::photo_of(&outcome.key);
            let rows = photo.map(|photo| sizes_of(&batch.after, &photo)).unwrap_or_default();
            let known = Before { entry: ledger.get(&outcome.key), rows: &rows };
            let mut decision = decide(known, outcome, rules, now);
            batch.history.extend(decision.history.take());
            if let Some(entry) = &decision.entry {
                let known = ledger.insert(entry.key.clone(), entry.clone());
                batch.note(entry, decision.photo.as_ref(), known.as_ref());
            }
            let first = batch.change_rows(&decision);
            batch.registered.push(decision.registered(first));
        }
        batch
    }

    /// Does to the rows what was decided; returns whether the entity had none.
    fn change_rows(&mut self, decision: &Decision) -> bool {
        let Some(photo) = &decision.photo else { return false };
        let first = !has_rows(&self.after, &photo.entity);
        match &decision.rows {
            RowChange::Replace(rows) => replace(&mut self.after, photo, rows),
            RowChange::Remove => replace(&mut self.after, photo, &[]),
            RowChange::Keep => return first,
        }
        *self.raised.entry(photo.entity.clone()).or_default() += 1;
        first
    }

    fn note(&mut self, entry: &LedgerEntry, photo: Option<&PhotoId>, before: Option<&LedgerEntry>) {
        // A key that is met twice is as new to the ledger as it was the first time.
        let (known, counted) = match self.entries.get(&entry.key) {
            Some(change) => (change.known, change.counted.clone()),
            None => (before.is_some(), before.map(CountKey::of)),
        };
        let change = EntryChange { entry: entry.clone(), photo: photo.cloned(), known, counted };
        self.entries.insert(entry.key.clone(), change);
    }

    /// Ledger entries to write, in the order of their keys: new ones, and ones that the ledger has.
    pub(crate) fn entries(&self) -> (Vec<&EntryChange>, Vec<&EntryChange>) {
        self.entries.values().partition(|change| !change.known)
    }

    /// Entities whose rows change, in order, and by how much their versions rise.
    pub(crate) fn entities(&self) -> &BTreeMap<EntityId, i64> {
        &self.raised
    }

    /// What there is to be written, and what each message did.
    pub(crate) fn change_table(self) -> TableChange {
        let Self { entries, before, after, registered, history, .. } = self;
        let mut counts = CountChanges::new();
        for EntryChange { entry, counted, .. } in entries.into_values() {
            note_change(&mut counts, counted, CountKey::of(&entry));
        }
        counts.retain(|_, change| *change != 0);
        let delete = before.keys().filter(|key| !after.contains_key(key)).cloned().collect();
        let write = after.into_iter().filter(|(key, row)| before.get(key) != Some(row)).map(|(_, row)| row).collect();
        TableChange { write, delete, registered, history, counts }
    }
}

/// Image sizes that a photo has rows of.
fn sizes_of(table: &Rows, photo: &PhotoId) -> BTreeSet<String> {
    let of_photo = table.range((photo.clone(), String::new())..).take_while(|((of, _), _)| of == photo);
    of_photo.map(|((_, image_size), _)| image_size.clone()).collect()
}

fn has_rows(table: &Rows, entity: &EntityId) -> bool {
    let first = (PhotoId { entity: entity.clone(), sequence: 0 }, String::new());
    table.range(first..).next().is_some_and(|((photo, _), _)| photo.entity == *entity)
}

/// Makes `rows` the photo's rows.
fn replace(table: &mut Rows, photo: &PhotoId, rows: &[Row]) {
    for image_size in sizes_of(table, photo) {
        table.remove(&(photo.clone(), image_size));
    }
    table.extend(rows.iter().map(|row| ((photo.clone(), row.image_size.clone()), row.clone())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::contract::{rendered, rules};

    const KEY: &str = "origin/v/1_0.jpg";

    fn batch(outcomes: &[Outcome], found: Vec<Row>) -> Batch {
        Batch::decide(outcomes, (Vec::new(), found), &rules(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_key_met_twice_is_written_once_and_is_new() {
        let batch = batch(&[rendered(KEY, 1, &["sq", "ve"]), rendered(KEY, 2, &["sq"])], Vec::new());
        let (new, known) = batch.entries();
        assert_eq!((new.len(), known.len()), (1, 0));
        assert_eq!(batch.entities().values().collect::<Vec<_>>(), [&2]);
        let change = batch.change_table();
        assert_eq!(change.write.iter().map(|row| row.etag.as_str()).collect::<Vec<_>>(), ["sq-2"]);
        assert_eq!(change.delete, []);
        let dropped = change.registered[1].take_down.as_ref().unwrap();
        assert_eq!(dropped.image_sizes, BTreeSet::from(["ve".to_owned()]));
        assert_eq!(change.registered.iter().map(|one| one.first).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn rows_that_stand_as_they_should_are_not_written() {
        let written = batch(&[rendered(KEY, 1, &["sq", "ve"])], Vec::new()).change_table().write;
        let change = batch(&[rendered(KEY, 1, &["sq"])], written).change_table();
        assert_eq!(change.write, []);
        assert_eq!(change.delete.iter().map(|(_, size)| size.as_str()).collect::<Vec<_>>(), ["ve"]);
    }
}
