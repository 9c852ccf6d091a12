//! What a batch of messages changes, worked out before anything is written.
//!
//! A server is a round trip away, so a batch is read at once, decided here by [`decide`] message after message, and
//! written at once. Nothing here does I/O; the ledger entries and rows that are handed in must be locked by the caller.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::{
    LedgerEntry, Registered, Row,
    ledger::{Decision, RegisterRules, RowChange, decide},
};
use crate::{
    key::{EntityId, PhotoId, UploadKey},
    message::Outcome,
};

/// A ledger entry to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntryChange {
    /// The entry.
    pub(super) entry: LedgerEntry,
    /// The photo, where the key is one's.
    pub(super) photo: Option<PhotoId>,
    /// Whether the ledger knew the key.
    pub(super) known: bool,
}

/// What a batch decided.
#[derive(Debug)]
pub(super) struct Batch {
    decisions: Vec<Decision>,
    entries: BTreeMap<String, EntryChange>,
}

/// What a batch does to the public table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TableChange {
    /// Rows that are new or differ from what stands there, in the order of their keys.
    pub(super) write: Vec<Row>,
    /// Rows that go.
    pub(super) delete: Vec<(PhotoId, String)>,
    /// What each message did, in their order.
    pub(super) registered: Vec<Registered>,
}

type Rows = BTreeMap<(PhotoId, String), Row>;

/// The keys of a batch, each once, in order: the order in which they are locked, so that two batches cannot deadlock.
pub(super) fn keys(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(|outcome| outcome.key.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The entities of a batch's photos, each once, in order: those whose rows may change.
pub(super) fn entities(outcomes: &[Outcome]) -> BTreeSet<EntityId> {
    let entity = |outcome: &Outcome| match UploadKey::parse(&outcome.key) {
        UploadKey::Photo(photo) => Some(photo.entity),
        _ => None,
    };
    outcomes.iter().filter_map(entity).collect()
}

impl Batch {
    /// Decides messages in their order; each sees what the ones before it did.
    pub(super) fn decide(
        outcomes: &[Outcome],
        current: Vec<LedgerEntry>,
        rules: &RegisterRules,
        now: Timestamp,
    ) -> Self {
        let mut ledger: HashMap<String, LedgerEntry> =
            current.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        let mut batch = Self { decisions: Vec::with_capacity(outcomes.len()), entries: BTreeMap::new() };
        for outcome in outcomes {
            let decision = decide(ledger.get(&outcome.key), outcome, rules, now);
            if let Some(entry) = &decision.entry {
                let known = ledger.insert(entry.key.clone(), entry.clone()).is_some();
                batch.note(entry, decision.photo.as_ref(), known);
            }
            batch.decisions.push(decision);
        }
        batch
    }

    fn note(&mut self, entry: &LedgerEntry, photo: Option<&PhotoId>, known: bool) {
        // A key that is met twice is as new to the ledger as it was the first time.
        let known = self.entries.get(&entry.key).map_or(known, |change| change.known);
        let change = EntryChange { entry: entry.clone(), photo: photo.cloned(), known };
        self.entries.insert(entry.key.clone(), change);
    }

    /// Ledger entries to write, in the order of their keys: new ones, and ones that the ledger has.
    pub(super) fn entries(&self) -> (Vec<&EntryChange>, Vec<&EntryChange>) {
        self.entries.values().partition(|change| !change.known)
    }

    /// Entities whose rows change, in order, and by how much their versions rise.
    pub(super) fn entities(&self) -> BTreeMap<EntityId, i64> {
        let mut raised = BTreeMap::new();
        for photo in self.decisions.iter().filter(|d| d.rows != RowChange::Keep).filter_map(|d| d.photo.as_ref()) {
            *raised.entry(photo.entity.clone()).or_default() += 1;
        }
        raised
    }

    /// Works out the rows, given the rows that the [entities] have.
    pub(super) fn change_table(self, found: Vec<Row>) -> TableChange {
        let before: Rows = found.into_iter().map(|row| ((row.photo.clone(), row.image_size.clone()), row)).collect();
        let mut after = before.clone();
        let apply = |decision: Decision| {
            let dropped = match (&decision.photo, &decision.rows) {
                (Some(photo), RowChange::Replace(rows)) => replace(&mut after, photo, rows),
                (Some(photo), RowChange::Remove { .. }) => replace(&mut after, photo, &[]),
                _ => Vec::new(),
            };
            Registered { effect: decision.effect(dropped), photo: decision.photo }
        };
        let registered = self.decisions.into_iter().map(apply).collect();
        let delete = before.keys().filter(|key| !after.contains_key(key)).cloned().collect();
        let write = after.into_iter().filter(|(key, row)| before.get(key) != Some(row)).map(|(_, row)| row).collect();
        TableChange { write, delete, registered }
    }
}

/// Makes `rows` the photo's rows and returns the image sizes that it had and no longer has.
fn replace(table: &mut Rows, photo: &PhotoId, rows: &[Row]) -> Vec<String> {
    let first = (photo.clone(), String::new());
    let of_photo = table.range(first..).take_while(|((of, _), _)| of == photo);
    let gone = of_photo.filter(|((_, size), _)| !rows.iter().any(|row| row.image_size == *size));
    let dropped: Vec<_> = gone.map(|(key, _)| key.clone()).collect();
    for key in &dropped {
        table.remove(key);
    }
    table.extend(rows.iter().map(|row| ((photo.clone(), row.image_size.clone()), row.clone())));
    dropped.into_iter().map(|(_, image_size)| image_size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{
        Effect,
        contract::{rendered, rules},
    };

    const KEY: &str = "origin/v/1_0.jpg";

    fn batch(outcomes: &[Outcome]) -> Batch {
        Batch::decide(outcomes, Vec::new(), &rules(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_key_met_twice_is_written_once_and_is_new() {
        let batch = batch(&[rendered(KEY, 1, &["sq", "ve"]), rendered(KEY, 2, &["sq"])]);
        let (new, known) = batch.entries();
        assert_eq!((new.len(), known.len()), (1, 0));
        assert_eq!(batch.entities().values().collect::<Vec<_>>(), [&2]);
        let change = batch.change_table(Vec::new());
        assert_eq!(change.write.iter().map(|row| row.etag.as_str()).collect::<Vec<_>>(), ["sq-2"]);
        assert_eq!(change.delete, []);
        assert_eq!(change.registered[1].effect, Effect::Rows { dropped: vec!["ve".into()] });
    }

    #[test]
    fn rows_that_stand_as_they_should_are_not_written() {
        let written = batch(&[rendered(KEY, 1, &["sq", "ve"])]).change_table(Vec::new()).write;
        let change = batch(&[rendered(KEY, 1, &["sq"])]).change_table(written);
        assert_eq!(change.write, []);
        assert_eq!(change.delete.iter().map(|(_, size)| size.as_str()).collect::<Vec<_>>(), ["ve"]);
    }
}
