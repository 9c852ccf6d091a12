//! What reads the history, and forgets what is old: every change that was registered, in the order of commits.
//!
//! Lines are written by [`Registry::register`](super::Registry::register) alone, in its transaction. Nothing that proves
//! anything depends on them: a ledger of before the history has none, and what is older than `register.keep_history` is gone.

use std::{ops::Range, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::Catalog;
use crate::{
    ledger::history::HistoryLine,
    model::{
        error::Result,
        key::{EntityId, Vertical},
    },
};

/// Lines that are looked at, and forgotten, at once.
pub const FORGOTTEN_AT_ONCE: usize = 1000;

/// The ends of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryEnds {
    /// The lowest position that is kept; none where no line is.
    pub first: Option<u64>,
    /// The last position that was given out, whether its line is kept or not; 0 before there was any.
    pub last: u64,
}

/// What reads the history.
#[async_trait]
pub trait History: Send + Sync + std::fmt::Debug {
    /// Changes of an entity, or of one of its photos, newest first: positions below `before`, at most `max`. Misnamed files
    /// count under the entity that their names begin with.
    async fn history_of(
        &self,
        entity: &EntityId,
        sequence: Option<u16>,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<HistoryLine>>;

    /// Changes after a position, of one vertical or of all, in the order of positions, at most `max`. Whoever goes on after the last one
    /// misses none, however late it was committed.
    async fn changes(&self, since: u64, vertical: Option<&Vertical>, max: usize) -> Result<Vec<HistoryLine>>;

    /// Changes of one vertical or of all, newest first: positions below `before`, at most `max`.
    async fn changes_before(
        &self,
        before: Option<u64>,
        vertical: Option<&Vertical>,
        max: usize,
    ) -> Result<Vec<HistoryLine>>;

    /// Changes of a vertical that were registered within a period, in the order of their times and positions, after a line, at most
    /// `max`.
    async fn changes_on(
        &self,
        vertical: &Vertical,
        period: Range<Timestamp>,
        after: Option<&HistoryLine>,
        max: usize,
    ) -> Result<Vec<HistoryLine>>;

    /// The newest change of a vertical that was registered before a time.
    async fn last_change_before(&self, vertical: &Vertical, before: Timestamp) -> Result<Option<HistoryLine>>;

    /// Which positions there are, as of one instant.
    async fn history_ends(&self) -> Result<HistoryEnds>;

    /// Forgets the lines up to this position; returns how many there were. For [`forget_old`], which takes little steps.
    async fn forget_changes(&self, through: u64) -> Result<u64>;
}

/// Forgets up to `max` of the oldest lines, those that were registered longer than `keep` ago. Returns how many.
pub async fn forget_old(catalog: &dyn Catalog, now: Timestamp, keep: Duration, max: usize) -> Result<u64> {
    let Ok(oldest) = now.checked_sub(keep) else { return Ok(0) };
    let mut lines = catalog.changes(0, None, max).await?;
    // Times may go back a little where machines differ, so lines are forgotten in the order in which they are read.
    let old = lines.iter().take_while(|line| line.change.at < oldest).count();
    lines.truncate(old);
    match lines.last() {
        Some(last) => catalog.forget_changes(last.position).await,
        None => Ok(0),
    }
}
