//! What people did with photos, line by line of the history: the history says that an original went or came back, the note on its file who
//! took it down, dismissed or moved it, and why.
//!
//! A note is about one removal: the first of its key after it was written. A note is written anew with each act, so what came before the last
//! one has none, and nobody's name is put to it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;

use super::{
    dismissed::{self, Dismissal, Dismissed, Settlement},
    history::lines_of,
    places::{Places, SLACK},
};
use crate::{
    ledger::history::{ChangeKind, HistoryLine},
    model::{
        actor::Actor,
        error::Result,
        key::{DismissalKey, UploadKey, Vertical},
    },
};

/// Notes that are read side by side.
const READ_AT_ONCE: usize = 32;

/// What somebody did that a line of the history tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The original was dismissed, moved or taken down: by whom, when and why.
    Settled(Settlement, Dismissed),
    /// It came back from that.
    Restored,
}

impl Act {
    /// Its stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settled(settlement, _) => settlement.code(),
            Self::Restored => "restored",
        }
    }

    /// Who did it, where the note says so; of what came back the history does.
    pub fn by(&self) -> Option<&Actor> {
        match self {
            Self::Settled(_, settled) => settled.by.as_ref(),
            Self::Restored => None,
        }
    }

    /// What they noted.
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Settled(_, settled) => settled.note.as_deref().filter(|note| !note.is_empty()),
            Self::Restored => None,
        }
    }
}

/// What somebody did, for each line where that is known, in their order.
pub async fn of_lines(places: Places<'_>, lines: &[HistoryLine]) -> Result<Vec<Option<Act>>> {
    let mut by_position = BTreeMap::new();
    for note in notes(places, lines).await? {
        let of_key = lines_of(places, &note.key).await?;
        by_position.extend(told_by(note, &of_key));
    }
    Ok(lines.iter().map(|line| by_position.remove(&line.position)).collect())
}

/// The notes on the files of lines. Of a vertical without any, which one listing tells, nothing is read.
async fn notes(places: Places<'_>, lines: &[HistoryLine]) -> Result<Vec<Dismissal>> {
    let keys: BTreeSet<&str> = lines.iter().map(|line| line.change.key.as_str()).collect();
    let verticals: BTreeSet<Vertical> = keys.iter().filter_map(|key| UploadKey::vertical(key)).collect();
    let mut noted = Vec::new();
    for vertical in verticals {
        let prefix = DismissalKey::prefix(&vertical);
        if !places.store.list(places.upload_bucket, &prefix, "", 1).await?.is_empty() {
            let of_vertical = keys.iter().filter(|key| UploadKey::vertical(key).as_ref() == Some(&vertical));
            noted.extend(of_vertical.filter_map(|key| Some(DismissalKey::of(key)?.key())));
        }
    }
    let mut found = Vec::new();
    for some in noted.chunks(READ_AT_ONCE) {
        let read =
            try_join_all(some.iter().map(|at| dismissed::read_one(places.store, places.upload_bucket, at))).await?;
        found.extend(read.into_iter().flatten());
    }
    Ok(found)
}

/// The positions of the lines that a note tells of, among those of its key.
fn told_by(note: Dismissal, of_key: &[HistoryLine]) -> Vec<(u64, Act)> {
    let since = note.dismissed.at.checked_sub(SLACK).unwrap_or(note.dismissed.at);
    let is_removal = |line: &&HistoryLine| line.change.change == ChangeKind::Removed && line.change.at >= since;
    let Some(removal) = of_key.iter().filter(is_removal).min_by_key(|line| line.position) else { return Vec::new() };
    let came_back = of_key.iter().filter(|line| line.position > removal.position);
    let came_back = came_back.min_by_key(|line| line.position).filter(|line| {
        note.is_taken_back && line.change.change != ChangeKind::Removed && line.change.etag == note.etag
    });
    let mut told = vec![(removal.position, Act::Settled(note.settlement, note.dismissed))];
    told.extend(came_back.map(|line| (line.position, Act::Restored)));
    told
}
