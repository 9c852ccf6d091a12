//! Reading the history on a database server of either kind, and forgetting what is old.

use std::ops::Range;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::{
    dialect::{Dialect, Fetch},
    reads::{OnServer, ServerReader},
};
use crate::{
    catalog::{
        History, HistoryEnds,
        columns::{limit, read, signed},
    },
    clock::to_millis,
    ledger::history::HistoryLine,
    model::{
        error::Result,
        key::{EntityId, Vertical},
    },
};

const DOING: &str = "read the history";

/// The beginning of a reading; `by_position` keeps the server from sorting all that a vertical ever had.
fn select<D: Dialect>(by_position: bool) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new(D::SELECT_HISTORY);
    if by_position {
        query.push(D::BY_POSITION);
    }
    query.push(" WHERE ");
    query
}

impl<D: Fetch> ServerReader<D> {
    async fn history(&self, query: QueryBuilder<D>) -> Result<Vec<HistoryLine>> {
        let mut connection = self.connection(DOING).await?;
        let lines = D::history(&mut connection, query).await;
        read(connection.settle(lines.map_err(|error| D::failed(DOING, error)))?)
    }
}

#[async_trait]
impl<C: OnServer> History for C {
    async fn history_of(
        &self,
        entity: &EntityId,
        sequence: Option<u16>,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let mut query = select::<C::Server>(false);
        query.push("vertical = ");
        C::Server::push_text(&mut query, entity.vertical.as_str());
        query.push(" AND cd_idx = ");
        C::Server::push_number(&mut query, signed(entity.cd_idx));
        if let Some(sequence) = sequence {
            query.push(" AND sequence = ");
            C::Server::push_number(&mut query, sequence.into());
        }
        if let Some(before) = before {
            query.push(" AND position < ");
            C::Server::push_number(&mut query, signed(before));
        }
        query.push(" ORDER BY position DESC LIMIT ");
        C::Server::push_number(&mut query, limit(max));
        self.reader().history(query).await
    }

    async fn changes(&self, since: u64, vertical: Option<&Vertical>, max: usize) -> Result<Vec<HistoryLine>> {
        let mut query = select::<C::Server>(true);
        query.push("position > ");
        C::Server::push_number(&mut query, signed(since));
        if let Some(vertical) = vertical {
            query.push(" AND vertical = ");
            C::Server::push_text(&mut query, vertical.as_str());
        }
        query.push(" ORDER BY position LIMIT ");
        C::Server::push_number(&mut query, limit(max));
        self.reader().history(query).await
    }

    async fn changes_before(
        &self,
        before: Option<u64>,
        vertical: Option<&Vertical>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let mut query = select::<C::Server>(true);
        query.push("position < ");
        C::Server::push_number(&mut query, signed(before.unwrap_or(u64::MAX)));
        if let Some(vertical) = vertical {
            query.push(" AND vertical = ");
            C::Server::push_text(&mut query, vertical.as_str());
        }
        query.push(" ORDER BY position DESC LIMIT ");
        C::Server::push_number(&mut query, limit(max));
        self.reader().history(query).await
    }

    async fn changes_on(
        &self,
        vertical: &Vertical,
        period: Range<Timestamp>,
        after: Option<&HistoryLine>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let mut query = select::<C::Server>(false);
        query.push("vertical = ");
        C::Server::push_text(&mut query, vertical.as_str());
        // The lower bound moves on with the pages, since not every server takes a comparison of pairs to its index.
        let from = after.map_or(period.start, |after| after.change.at.max(period.start));
        query.push(" AND changed_at >= ");
        C::Server::push_number(&mut query, to_millis(from));
        query.push(" AND changed_at < ");
        C::Server::push_number(&mut query, to_millis(period.end));
        if let Some(after) = after {
            query.push(" AND (changed_at, position) > (");
            C::Server::push_number(&mut query, to_millis(after.change.at));
            query.push(", ");
            C::Server::push_number(&mut query, signed(after.position));
            query.push(")");
        }
        query.push(" ORDER BY changed_at, position LIMIT ");
        C::Server::push_number(&mut query, limit(max));
        self.reader().history(query).await
    }

    async fn last_change_before(&self, vertical: &Vertical, before: Timestamp) -> Result<Option<HistoryLine>> {
        let mut query = select::<C::Server>(false);
        query.push("vertical = ");
        C::Server::push_text(&mut query, vertical.as_str());
        query.push(" AND changed_at < ");
        C::Server::push_number(&mut query, to_millis(before));
        query.push(" ORDER BY changed_at DESC, position DESC LIMIT 1");
        Ok(self.reader().history(query).await?.pop())
    }

    async fn history_ends(&self) -> Result<HistoryEnds> {
        let mut connection = self.reader().connection(DOING).await?;
        let ends = C::Server::history_ends(&mut connection).await;
        let (first, last) = connection.settle(ends.map_err(|error| C::Server::failed(DOING, error)))?;
        let position = |position: Option<i64>| position.and_then(|position| u64::try_from(position).ok());
        Ok(HistoryEnds { first: position(first), last: position(last).unwrap_or(0) })
    }

    async fn forget_changes(&self, through: u64) -> Result<u64> {
        let doing = "forget old lines of the history";
        let mut query = QueryBuilder::new("DELETE FROM cameo_history WHERE position <= ");
        C::Server::push_number(&mut query, signed(through));
        let mut connection = self.reader().connection(doing).await?;
        let forgotten = C::Server::execute(&mut connection, query).await;
        connection.settle(forgotten.map_err(|error| C::Server::failed(doing, error)))
    }
}
