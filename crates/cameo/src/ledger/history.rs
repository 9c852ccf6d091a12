//! A line of the history: what a registered message changed of one photo, and who made the change.
//!
//! `change` is pure, like [`decide`](super::decide) whose decision it puts into words: every catalog writes the line in the
//! transaction of the ledger and the rows, so that none exists without the others. What a message does not change has no
//! line: one that is redelivered writes none.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    LedgerEntry, State,
    before::{Before, RowChange},
};
use crate::{
    clock::{from_millis, to_millis},
    model::{
        actor::Actor,
        generation::Generation,
        key::{PhotoId, UploadKey, Vertical, evident},
        outcome::{Fate, Outcome},
        reason::ReasonCode,
    },
};

/// What happened to a photo. The names are stable: scripts match on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is served now, and was not before.
    Registered,
    /// It is served now in place of other bytes, or at other image sizes.
    Replaced,
    /// The same bytes were uploaded, or processed, once more: nothing that is served changed.
    Repeated,
    /// It was deleted.
    Removed,
    /// It was rejected; what was served before still is.
    Rejected,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Registered, Self::Replaced, Self::Repeated, Self::Removed, Self::Rejected];

    /// Its stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Replaced => "replaced",
            Self::Repeated => "repeated",
            Self::Removed => "removed",
            Self::Rejected => "rejected",
        }
    }

    /// The kind of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A change of one photo: all its image sizes together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryChange {
    /// When it was registered, to the millisecond.
    pub at: Timestamp,
    /// Key of the original in the upload bucket.
    pub key: String,
    /// The vertical that the key names, if any.
    pub vertical: Option<Vertical>,
    /// The entity's number: that of the photo, or that which the name of a misnamed file evidently means.
    pub cd_idx: Option<u64>,
    /// The photo's sequence; none where the name is not a photo's.
    pub sequence: Option<u16>,
    /// What happened.
    pub change: ChangeKind,
    /// Which change of the key it is.
    pub generation: Generation,
    /// `ETag` of the original; of a removal, that of what the ledger had last.
    pub etag: String,
    /// Length of the original in bytes, where the message named it.
    pub size: Option<u64>,
    /// Why it was rejected.
    pub reason: Option<ReasonCode>,
    /// What was found and where, of a rejection.
    pub detail: Option<String>,
    /// Who made the change, where that is known.
    pub actor: Option<Actor>,
    /// Image sizes that it is served at; of a removal, those that were taken down.
    pub image_sizes: Vec<String>,
}

/// A change with its place in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// Rises in the order of commits, with gaps: whoever has seen a position has seen every lower one that will ever exist.
    pub position: u64,
    /// The change.
    #[serde(flatten)]
    pub change: HistoryChange,
}

/// What a decision changes, for the history; none where it changes nothing.
pub(super) fn change(
    before: Before<'_>,
    outcome: &Outcome,
    (after, rows): (Option<&LedgerEntry>, &RowChange),
    now: Timestamp,
) -> Option<HistoryChange> {
    let after = after?;
    let kind = kind(before, outcome, after, rows)?;
    let (vertical, cd_idx, sequence) = named_by(&outcome.key);
    let (reason, detail) = match &outcome.fate {
        Fate::Rejected { reason, detail } => (Some(*reason), Some(detail.clone())),
        _ => (None, None),
    };
    let image_sizes = match rows {
        RowChange::Replace(rows) => rows.iter().map(|row| row.image_size.clone()).collect(),
        RowChange::Remove => before.rows.iter().cloned().collect(),
        RowChange::Keep => Vec::new(),
    };
    let removed = before.entry.map(|entry| entry.etag.clone()).filter(|_| kind == ChangeKind::Removed);
    Some(HistoryChange {
        at: from_millis(to_millis(now)),
        key: outcome.key.clone(),
        vertical,
        cd_idx,
        sequence,
        change: kind,
        generation: outcome.generation.clone(),
        etag: removed.unwrap_or_else(|| outcome.etag.clone()),
        size: outcome.size,
        reason,
        detail,
        actor: outcome.actor.clone(),
        image_sizes,
    })
}

/// Vertical, `cd_idx` and sequence as a key names them. A misnamed file is found under the number that its name evidently means; it is
/// no photo of a sequence, whatever its name says.
pub fn named_by(key: &str) -> (Option<Vertical>, Option<u64>, Option<u16>) {
    if let UploadKey::Photo(PhotoId { entity, sequence }) = UploadKey::parse(key) {
        return (Some(entity.vertical), Some(entity.cd_idx), Some(sequence));
    }
    (UploadKey::vertical(key), evident(key).0, None)
}

fn kind(before: Before<'_>, outcome: &Outcome, after: &LedgerEntry, rows: &RowChange) -> Option<ChangeKind> {
    let known = before.entry;
    let serves = known.is_some_and(|entry| entry.serving.is_some());
    match &outcome.fate {
        Fate::Rendered { .. } => served(before, outcome, after, rows),
        Fate::Rejected { .. } => {
            let is_known = known.is_some_and(|entry| is_same_decision(entry, after));
            (!is_known).then_some(ChangeKind::Rejected)
        }
        Fate::Removed => {
            let was_removed = known.is_some_and(|entry| entry.state == State::Removed);
            let is_late = known.is_some_and(|entry| entry.generation > outcome.generation);
            // What comes late, or once more, is a change only where something was served until now.
            let stops = serves && after.serving.is_none();
            (stops || !(was_removed || is_late)).then_some(ChangeKind::Removed)
        }
        Fate::Ignored => None,
    }
}

/// Whether a photo is served for the first time, in place of another, or as it was.
fn served(before: Before<'_>, outcome: &Outcome, after: &LedgerEntry, rows: &RowChange) -> Option<ChangeKind> {
    let Some((entry, serving)) = before.entry.and_then(|entry| Some((entry, entry.serving.as_ref()?))) else {
        return Some(ChangeKind::Registered);
    };
    let same_sizes = match rows {
        RowChange::Replace(rows) => {
            rows.len() == before.rows.len() && rows.iter().all(|row| before.rows.contains(&row.image_size))
        }
        _ => true,
    };
    let same_recipe = same_sizes
        && entry.size_set == after.size_set
        && entry.size_set_digest == after.size_set_digest
        && entry.engine == after.engine;
    if !same_recipe {
        return Some(ChangeKind::Replaced);
    }
    if *serving == outcome.generation && is_same_decision(entry, after) {
        return None;
    }
    // Of what is served beside a rejection the ledger has no ETag, so that counts as other bytes.
    let same_bytes = entry.state == State::Serving && entry.etag == outcome.etag;
    Some(if same_bytes { ChangeKind::Repeated } else { ChangeKind::Replaced })
}

/// Whether the ledger had decided just this.
fn is_same_decision(before: &LedgerEntry, after: &LedgerEntry) -> bool {
    (&before.generation, &before.etag, &before.state) == (&after.generation, &after.etag, &after.state)
}

impl HistoryChange {
    /// The photo, where the name is one's.
    pub fn photo(&self) -> Option<PhotoId> {
        UploadKey::photo_of(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        catalog::contract::{outcome, removed, rendered, rules},
        ledger::decide::{RegisterRules, decide},
    };

    const KEY: &str = "origin/v/1_0.jpg";

    /// What a ledger of one key writes down of these messages.
    fn lines(outcomes: &[Outcome], rules: &RegisterRules) -> Vec<(ChangeKind, Vec<String>)> {
        let (mut entry, mut rows, mut lines) = (None::<LedgerEntry>, BTreeSet::new(), Vec::new());
        for outcome in outcomes {
            let before = Before { entry: entry.as_ref(), rows: &rows };
            let decision = decide(before, outcome, rules, Timestamp::UNIX_EPOCH);
            match &decision.rows {
                RowChange::Replace(new) => rows = new.iter().map(|row| row.image_size.clone()).collect(),
                RowChange::Remove => rows.clear(),
                RowChange::Keep => {}
            }
            lines.extend(decision.history.map(|line| (line.change, line.image_sizes)));
            entry = decision.entry.or(entry);
        }
        lines
    }

    fn kinds(outcomes: &[Outcome]) -> Vec<ChangeKind> {
        lines(outcomes, &rules()).into_iter().map(|(kind, _)| kind).collect()
    }

    fn rejected(generation: u64) -> Outcome {
        outcome(KEY, generation, Fate::Rejected { reason: ReasonCode::FileTruncated, detail: "x".into() })
    }

    #[test]
    fn each_change_has_one_line_and_a_redelivered_message_none() {
        use ChangeKind::{Registered, Rejected, Removed, Repeated, Replaced};
        let good = |generation| rendered(KEY, generation, &["sq", "ve"]);
        let again = Outcome { etag: "e1".into(), ..good(2) };
        for (outcomes, expected) in [
            (vec![good(1), good(1)], vec![Registered]),
            (vec![good(1), good(2), good(2), good(1)], vec![Registered, Replaced]),
            (vec![good(1), again], vec![Registered, Repeated]),
            (vec![good(1), rendered(KEY, 1, &["sq"])], vec![Registered, Replaced]),
            (vec![good(1), rejected(2), rejected(2), good(1)], vec![Registered, Rejected]),
            (vec![rejected(2), good(1), good(1)], vec![Rejected, Registered]),
            (vec![rejected(1), good(2)], vec![Rejected, Registered]),
            (vec![good(1), removed(KEY, 2), removed(KEY, 2), good(1), good(3)], vec![Registered, Removed, Registered]),
            (vec![removed(KEY, 1), removed(KEY, 2)], vec![Removed]),
            (vec![good(1), rejected(3), removed(KEY, 2), removed(KEY, 2)], vec![Registered, Rejected, Removed]),
            (vec![rejected(3), removed(KEY, 2)], vec![Rejected]),
            (vec![outcome(KEY, 1, Fate::Ignored)], vec![]),
        ] {
            assert_eq!(kinds(&outcomes), expected, "{outcomes:#?}");
        }
    }

    #[test]
    fn a_line_lists_what_is_served_or_what_went() {
        let outcomes = [rendered(KEY, 1, &["ve", "sq"]), removed(KEY, 2)];
        let sizes: Vec<_> = lines(&outcomes, &rules()).into_iter().map(|(_, sizes)| sizes).collect();
        assert_eq!(sizes, [["ve", "sq"], ["sq", "ve"]]);
        let keeps = RegisterRules { delete_unpublishes: false, ..rules() };
        assert_eq!(lines(&outcomes, &keeps)[1], (ChangeKind::Removed, vec![]));
    }

    #[test]
    fn a_misnamed_file_has_a_line_under_the_number_that_it_begins_with() {
        let fate = Fate::Rejected { reason: ReasonCode::NameUnparseable, detail: "no sequence".into() };
        let message = outcome("origin/v/1234.jpg", 1, fate);
        let before = Before { entry: None, rows: &BTreeSet::new() };
        let line = decide(before, &message, &rules(), Timestamp::UNIX_EPOCH).history.unwrap();
        assert_eq!(line.vertical.as_ref().map(Vertical::as_str), Some("v"));
        assert_eq!((line.cd_idx, line.sequence), (Some(1234), None));
        assert_eq!((line.reason, line.detail.as_deref()), (Some(ReasonCode::NameUnparseable), Some("no sequence")));
        assert_eq!((line.size, line.actor.as_ref().map(Actor::as_str)), (Some(1), Some("tester")));
    }

    #[test]
    fn kinds_are_read_by_their_names() {
        for kind in ChangeKind::ALL {
            assert_eq!(ChangeKind::from_code(kind.code()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        }
        assert_eq!(ChangeKind::from_code("vanished"), None);
    }
}
