//! The history in the embedded database. It has one writer, so `AUTOINCREMENT` gives positions in the order of commits.

use std::ops::Range;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row as SqliteRow, params};

use super::{Query, SqliteCatalog};
use crate::{
    catalog::{
        History, HistoryEnds,
        history_columns::{HistoryColumns, image_sizes},
    },
    clock::to_millis,
    db::{Done, integer},
    ledger::history::{HistoryChange, HistoryLine},
    model::{
        actor::Actor,
        error::{Place, Result},
        key::{EntityId, Vertical},
        reason::ReasonCode,
    },
};

const INSERT: &str =
    "INSERT INTO cameo_history (changed_at, object_key, vertical, cd_idx, sequence, kind, generation, etag,
        size_bytes, reason, detail, actor, image_sizes)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const SELECT: &str =
    "SELECT position, changed_at, object_key, kind, generation, etag, size_bytes, reason, detail, actor,
        image_sizes FROM cameo_history WHERE ";
/// `AUTOINCREMENT` keeps the last number that it gave.
const ENDS: &str =
    "SELECT (SELECT MIN(position) FROM cameo_history), (SELECT seq FROM sqlite_sequence WHERE name = 'cameo_history')";
const FORGET: &str = "DELETE FROM cameo_history WHERE position <= ?1";
const DOING: &str = "read the history";

/// Writes a line, within the transaction that it is about.
pub(super) fn append(connection: &Connection, change: &HistoryChange) -> Done<()> {
    connection.prepare_cached(INSERT)?.execute(params![
        to_millis(change.at),
        change.key,
        change.vertical.as_ref().map(Vertical::as_str),
        change.cd_idx.map(integer),
        change.sequence,
        change.change.code(),
        change.generation.as_str(),
        change.etag,
        change.size.map(integer),
        change.reason.map(ReasonCode::code),
        change.detail,
        change.actor.as_ref().map(Actor::as_str),
        image_sizes(change),
    ])?;
    Ok(())
}

fn read(row: &SqliteRow<'_>) -> rusqlite::Result<HistoryColumns> {
    Ok(HistoryColumns {
        position: row.get(0)?,
        changed_at: row.get(1)?,
        object_key: row.get(2)?,
        kind: row.get(3)?,
        generation: row.get(4)?,
        etag: row.get(5)?,
        size_bytes: row.get(6)?,
        reason: row.get(7)?,
        detail: row.get(8)?,
        actor: row.get(9)?,
        image_sizes: row.get(10)?,
    })
}

impl SqliteCatalog {
    async fn lines(&self, query: Query) -> Result<Vec<HistoryLine>> {
        self.db.read(Place::Catalog, DOING, move |connection: &Connection| query.fetch(connection, read)).await
    }
}

/// A position as `SQLite` has it.
fn position(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

#[async_trait]
impl History for SqliteCatalog {
    async fn history_of(
        &self,
        entity: &EntityId,
        sequence: Option<u16>,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let mut query = Query::new(SELECT);
        query.push("vertical = ").bind(entity.vertical.as_str().to_owned());
        query.push(" AND cd_idx = ").bind(integer(entity.cd_idx));
        if let Some(sequence) = sequence {
            query.push(" AND sequence = ").bind(sequence);
        }
        if let Some(before) = before {
            query.push(" AND position < ").bind(position(before));
        }
        query.push(" ORDER BY position DESC LIMIT ").limit(max);
        self.lines(query).await
    }

    async fn changes(&self, since: u64, vertical: Option<&Vertical>, max: usize) -> Result<Vec<HistoryLine>> {
        let mut query = Query::new(SELECT);
        query.push("position > ").bind(position(since));
        if let Some(vertical) = vertical {
            // The sign keeps the planner from sorting all of the vertical: the lines are read in their order.
            query.push(" AND +vertical = ").bind(vertical.as_str().to_owned());
        }
        query.push(" ORDER BY position LIMIT ").limit(max);
        self.lines(query).await
    }

    async fn changes_before(
        &self,
        before: Option<u64>,
        vertical: Option<&Vertical>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let mut query = Query::new(SELECT);
        query.push("position < ").bind(position(before.unwrap_or(u64::MAX)));
        if let Some(vertical) = vertical {
            query.push(" AND +vertical = ").bind(vertical.as_str().to_owned());
        }
        query.push(" ORDER BY position DESC LIMIT ").limit(max);
        self.lines(query).await
    }

    async fn changes_on(
        &self,
        vertical: &Vertical,
        period: Range<Timestamp>,
        after: Option<&HistoryLine>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let mut query = Query::new(SELECT);
        query.push("vertical = ").bind(vertical.as_str().to_owned());
        query.push(" AND changed_at >= ").bind(to_millis(period.start));
        query.push(" AND changed_at < ").bind(to_millis(period.end));
        if let Some(after) = after {
            query.push(" AND (changed_at, position) > (").bind(to_millis(after.change.at));
            query.push(", ").bind(position(after.position)).push(")");
        }
        query.push(" ORDER BY changed_at, position LIMIT ").limit(max);
        self.lines(query).await
    }

    async fn last_change_before(&self, vertical: &Vertical, before: Timestamp) -> Result<Option<HistoryLine>> {
        let mut query = Query::new(SELECT);
        query.push("vertical = ").bind(vertical.as_str().to_owned());
        query.push(" AND changed_at < ").bind(to_millis(before));
        query.push(" ORDER BY changed_at DESC, position DESC LIMIT 1");
        Ok(self.lines(query).await?.pop())
    }

    async fn history_ends(&self) -> Result<HistoryEnds> {
        let (first, last) = self.db.look_up(Place::Catalog, DOING, |connection| {
            let read = |row: &SqliteRow<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?));
            Ok(connection.prepare_cached(ENDS)?.query_row([], read)?)
        })?;
        let position = |position: Option<i64>| position.and_then(|position| u64::try_from(position).ok());
        Ok(HistoryEnds { first: position(first), last: position(last).unwrap_or(0) })
    }

    async fn forget_changes(&self, through: u64) -> Result<u64> {
        let job = self.db.write_in_batch(Place::Catalog, "forget old lines of the history", move |connection| {
            Ok(connection.prepare_cached(FORGET)?.execute([position(through)])? as u64)
        });
        job.await
    }
}
