//! How many originals are in which state: what the catalog keeps beside the ledger, and what a change of an entry does to it.
//!
//! A count is of originals that are alike in four respects ([`CountKey`]). Pure: the catalog stores them.

use std::collections::BTreeMap;

use super::{Count, LedgerEntry, State};
use crate::model::key::UploadKey;

/// In what the originals of a count are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountKey {
    /// The vertical; none for keys that name none.
    pub vertical: Option<String>,
    /// The state, as it is stored.
    pub state: String,
    /// The reason code of rejected ones.
    pub reason: Option<String>,
    /// Whether something is served of them, also beside a rejection.
    pub serves: bool,
}

/// A count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeptCount {
    /// Of what.
    pub key: CountKey,
    /// How many.
    pub originals: u64,
}

impl CountKey {
    /// Where an entry is counted.
    pub fn of(entry: &LedgerEntry) -> Self {
        let reason = match &entry.state {
            State::Rejected { reason, .. } => Some(reason.code().to_owned()),
            _ => None,
        };
        Self {
            vertical: UploadKey::vertical(&entry.key).map(String::from),
            state: entry.state.as_str().to_owned(),
            reason,
            serves: entry.serving.is_some(),
        }
    }
}

/// By how much each count changes.
pub type CountChanges = BTreeMap<CountKey, i64>;

/// Notes that an entry is counted elsewhere now; before, it may have been counted nowhere.
pub fn note_change(changes: &mut CountChanges, before: Option<CountKey>, after: CountKey) {
    if before.as_ref() == Some(&after) {
        return;
    }
    if let Some(before) = before {
        *changes.entry(before).or_default() -= 1;
    }
    *changes.entry(after).or_default() += 1;
}

/// Counts without the difference that somebody is interested in who asks for what is served alone.
pub fn without_serving(kept: Vec<KeptCount>) -> Vec<Count> {
    let mut counts: Vec<Count> = Vec::new();
    for KeptCount { key: CountKey { vertical, state, reason, .. }, originals } in kept {
        match counts.last_mut() {
            Some(last) if (&last.vertical, &last.state, &last.reason) == (&vertical, &state, &reason) => {
                last.originals += originals;
            }
            _ => counts.push(Count { vertical, state, reason, originals }),
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(state: &str, serves: bool) -> CountKey {
        CountKey { vertical: Some("v".into()), state: state.into(), reason: None, serves }
    }

    #[test]
    fn what_goes_to_and_fro_changes_nothing_in_total() {
        let mut changes = CountChanges::new();
        note_change(&mut changes, None, key("serving", true));
        note_change(&mut changes, Some(key("serving", true)), key("serving", true));
        note_change(&mut changes, Some(key("serving", true)), key("removed", false));
        assert_eq!(changes, [(key("removed", false), 1), (key("serving", true), 0)].into());
    }

    #[test]
    fn counts_are_added_up_whether_served_or_not() {
        let kept = [("rejected", false, 2), ("rejected", true, 3), ("serving", true, 4)]
            .map(|(state, serves, originals)| KeptCount { key: key(state, serves), originals });
        let told: Vec<_> = without_serving(kept.to_vec()).into_iter().map(|it| (it.state, it.originals)).collect();
        assert_eq!(told, [("rejected".to_owned(), 5), ("serving".to_owned(), 4)]);
    }
}
