//! What the clients were told, and so what may stand in the end.
//!
//! An acknowledged change happened. One without an answer happened or did not, in its turn: a key has a set of states
//! that are all possible, and each change narrows or widens it. A key belongs to one client, so its changes have an order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::originals::Photo;

/// What a client does to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Uploads this.
    Put(Photo),
    /// Deletes what is there.
    Delete,
}

/// A state that a key may be in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyState {
    /// What was uploaded last.
    pub original: Option<Photo>,
    /// Which good originals may serve while the last one is bad: one that was replaced before its turn never served.
    pub serving: BTreeSet<Option<usize>>,
}

impl KeyState {
    fn absent() -> Self {
        Self { original: None, serving: [None].into() }
    }

    fn after(&self, change: Change) -> Self {
        match change {
            Change::Delete => Self::absent(),
            Change::Put(content) => {
                let mut serving = self.serving.clone();
                if let Photo::Good(good) = content {
                    serving.insert(Some(good));
                }
                Self { original: Some(content), serving }
            }
        }
    }
}

/// What happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The states that are possible now.
    pub states: BTreeSet<KeyState>,
    /// Every change and whether it was acknowledged, for the report.
    pub changes: Vec<(Change, bool)>,
}

impl Default for History {
    fn default() -> Self {
        Self { states: [KeyState::absent()].into(), changes: Vec::new() }
    }
}

impl History {
    fn record(&mut self, change: Change, acknowledged: bool) {
        let mut next: BTreeSet<_> = self.states.iter().map(|state| state.after(change)).collect();
        if !acknowledged {
            next.append(&mut self.states);
        }
        self.states = next;
        self.changes.push((change, acknowledged));
    }

    /// After a look at a quiet server: this is what stands.
    pub fn settle(&mut self, original: Option<Photo>, serving: BTreeSet<Option<usize>>) {
        self.states = [KeyState { original, serving }].into();
    }
}

/// The histories of all keys.
#[derive(Debug, Default)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    histories: BTreeMap<String, History>,
    uploads: u64,
    deletions: u64,
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a change once its answer came, or failed to come.
    pub fn record(&self, key: &str, change: Change, acknowledged: bool) {
        let mut inner = self.lock();
        inner.histories.entry(key.to_owned()).or_default().record(change, acknowledged);
        match change {
            Change::Put(_) => inner.uploads += u64::from(acknowledged),
            Change::Delete => inner.deletions += u64::from(acknowledged),
        }
    }

    /// All histories, to be looked at while no client works.
    pub fn histories(&self) -> BTreeMap<String, History> {
        self.lock().histories.clone()
    }

    /// Puts a history in the place of the key's.
    pub fn settle(&self, key: &str, original: Option<Photo>, serving: BTreeSet<Option<usize>>) {
        if let Some(history) = self.lock().histories.get_mut(key) {
            history.settle(original, serving);
        }
    }

    /// Acknowledged uploads and deletions so far.
    pub fn acknowledged(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.uploads, inner.deletions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn originals(history: &History) -> Vec<Option<Photo>> {
        history.states.iter().map(|state| state.original).collect()
    }

    #[test]
    fn an_acknowledged_change_leaves_one_state() {
        let mut history = History::default();
        history.record(Change::Put(Photo::Good(1)), true);
        history.record(Change::Put(Photo::Good(2)), true);
        assert_eq!(originals(&history), [Some(Photo::Good(2))]);
        history.record(Change::Delete, true);
        assert_eq!(originals(&history), [None]);
    }

    #[test]
    fn a_change_without_an_answer_leaves_two() {
        let mut history = History::default();
        history.record(Change::Put(Photo::Good(1)), true);
        history.record(Change::Put(Photo::Good(2)), false);
        assert_eq!(originals(&history), [Some(Photo::Good(1)), Some(Photo::Good(2))]);
        history.record(Change::Put(Photo::Good(3)), true);
        assert_eq!(originals(&history), [Some(Photo::Good(3)); 2]);
    }

    #[test]
    fn a_bad_original_may_leave_any_earlier_good_one_serving() {
        let mut history = History::default();
        history.record(Change::Put(Photo::Good(1)), true);
        history.settle(Some(Photo::Good(1)), [Some(1)].into());
        history.record(Change::Put(Photo::Good(2)), true);
        history.record(Change::Put(Photo::Bad(0)), true);
        let state = history.states.first().unwrap();
        assert_eq!(state.serving, [Some(1), Some(2)].into());
    }
}
