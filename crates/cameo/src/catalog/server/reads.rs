//! Reading the ledger and the public table on a database server of either kind.

use async_trait::async_trait;
use sqlx::{Pool, QueryBuilder};

use super::{
    Trust, Used,
    dialect::{Dialect, Fetch},
};
use crate::{
    catalog::{
        ForeignRows, LedgerReader,
        columns::{limit, read, signed},
        pages::end_of,
        rows::{Cursor, RowColumns, RowPage, ledger_parts},
    },
    ledger::{EntityRows, LedgerEntry, Row, Scope},
    model::{
        error::Result,
        generation::Generation,
        key::{EntityId, Vertical},
    },
};

/// The statements of reading that name the public table, made once.
#[derive(Debug, Clone)]
pub(in crate::catalog) struct ReadStatements {
    pub(in crate::catalog) entity_rows: String,
    pub(in crate::catalog) select_rows: String,
    pub(in crate::catalog) can_be_ours_of_any: String,
    pub(in crate::catalog) foreign: String,
    pub(in crate::catalog) rows_after: String,
    pub(in crate::catalog) rows_order: String,
    pub(in crate::catalog) vertical: String,
    pub(in crate::catalog) cd_idx: String,
}

/// Connections of a pool, and what is read on them.
#[derive(Debug)]
pub(in crate::catalog) struct ServerReader<D: Dialect> {
    pool: Pool<D>,
    trust: Trust,
    sql: ReadStatements,
}

/// A catalog on a server, for which all reading is the same.
pub(in crate::catalog) trait OnServer: Send + Sync + std::fmt::Debug {
    type Server: Fetch;

    fn reader(&self) -> &ServerReader<Self::Server>;
}

impl<D: Fetch> ServerReader<D> {
    pub(in crate::catalog) fn new(pool: Pool<D>, trust: Trust, sql: ReadStatements) -> Self {
        Self { pool, trust, sql }
    }

    pub(in crate::catalog) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// A connection from the pool.
    pub(in crate::catalog) async fn connection(&self, doing: &str) -> Result<Used<D>> {
        let connection = self.pool.acquire().await.map_err(|error| D::failed(doing, error))?;
        Ok(Used::new(connection, &self.trust))
    }

    /// Succeeds when the server answers and lets us in.
    pub(in crate::catalog) async fn ping(&self) -> Result<()> {
        let doing = "reach the database";
        let mut connection = self.connection(doing).await?;
        let done = D::ping(&mut connection).await;
        connection.settle(done.map_err(|error| D::failed(doing, error)))
    }

    /// Entries of the ledger, read on a connection that is closed if anything is wrong with it.
    async fn entries(&self, doing: &str, query: QueryBuilder<D>) -> Result<Vec<LedgerEntry>> {
        let mut connection = self.connection(doing).await?;
        let entries = D::entries(&mut connection, query).await;
        read(connection.settle(entries.map_err(|error| D::failed(doing, error)))?)
    }

    /// Rows of a scope after one, whoever's they are.
    async fn select_rows(&self, scope: &Scope, after: Option<&Cursor>, max: usize) -> Result<Vec<RowColumns>> {
        let mut query = QueryBuilder::<D>::new(&self.sql.select_rows);
        D::push_scope(&mut query, scope, [&self.sql.vertical, &self.sql.cd_idx]);
        if !matches!(scope, Scope::Ids { .. }) {
            query.push(" AND ").push(&self.sql.can_be_ours_of_any);
        }
        if let Some(Cursor { vertical, cd_idx, sequence, image_size }) = after {
            query.push(&self.sql.rows_after);
            D::push_text(&mut query, vertical);
            query.push(", ");
            D::push_number(&mut query, *cd_idx);
            query.push(", ");
            D::push_number(&mut query, *sequence);
            query.push(", ");
            D::push_text(&mut query, image_size);
            query.push(")");
        }
        query.push(&self.sql.rows_order);
        D::push_number(&mut query, limit(max));
        let doing = "read the public table";
        let mut connection = self.connection(doing).await?;
        let rows = D::rows(&mut connection, query).await;
        connection.settle(rows.map_err(|error| D::failed(doing, error)))
    }
}

/// A column of the ledger.
fn column<D: Dialect>(name: &str) -> String {
    format!("{}{name}", D::ENTRY)
}

#[async_trait]
impl<C: OnServer> LedgerReader for C {
    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows> {
        let doing = format!("read the rows of {entity}");
        let reader = self.reader();
        let mut connection = reader.connection(&doing).await?;
        let bound = (entity.vertical.as_str(), signed(entity.cd_idx));
        let found = C::Server::entity(&mut connection, &reader.sql.entity_rows, bound).await;
        let found = connection.settle(found.map_err(|error| C::Server::failed(&doing, error)))?;
        let mut read = EntityRows { version: 0, rows: Vec::with_capacity(found.len()) };
        for (version, columns) in found {
            read.version = u64::try_from(version).unwrap_or(0);
            // An entity without rows is one line that has its version alone.
            read.rows.extend(columns.row());
        }
        read.rows.sort_by(|a: &Row, b| (&a.image_size, a.photo.sequence).cmp(&(&b.image_size, b.photo.sequence)));
        Ok(read)
    }

    async fn entry(&self, key: &str) -> Result<Option<LedgerEntry>> {
        let mut query = QueryBuilder::new(C::Server::SELECT_ENTRY);
        query.push(column::<C::Server>("object_key = "));
        C::Server::push_text(&mut query, key);
        Ok(self.reader().entries("read the ledger", query).await?.pop())
    }

    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let column = column::<C::Server>;
        let mut entries = Vec::new();
        for part in ledger_parts(scope, after) {
            let mut query = QueryBuilder::new(C::Server::SELECT_ENTRY);
            C::Server::push_scope(&mut query, &part, [&column("vertical"), &column("cd_idx")]);
            query.push(format!(" AND {}", column("object_key > ")));
            C::Server::push_text(&mut query, after);
            query.push(format!(" ORDER BY {} LIMIT ", column("object_key")));
            C::Server::push_number(&mut query, limit(max - entries.len()));
            entries.extend(self.reader().entries("read the ledger", query).await?);
            if entries.len() >= max {
                break;
            }
        }
        Ok(entries)
    }

    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>> {
        let mut page = RowPage::new(scope, after, max);
        while let Some((scope, after, max)) = page.question() {
            let found = self.reader().select_rows(scope, after, max).await?;
            page.answer(found);
        }
        Ok(page.rows())
    }

    async fn foreign_rows(&self) -> Result<ForeignRows> {
        let doing = "count rows that are not Cameo's";
        let reader = self.reader();
        let mut connection = reader.connection(doing).await?;
        let found = C::Server::count_and_one(&mut connection, &reader.sql.foreign).await;
        let (rows, example) = connection.settle(found.map_err(|error| C::Server::failed(doing, error)))?;
        Ok(ForeignRows { rows: u64::try_from(rows).unwrap_or(0), example: example.map(|columns| columns.shown()) })
    }

    async fn highest_generation(&self) -> Result<Option<Generation>> {
        let doing = "read the highest generation";
        let mut connection = self.reader().connection(doing).await?;
        let highest = C::Server::highest_generation(&mut connection).await;
        Ok(connection.settle(highest.map_err(|error| C::Server::failed(doing, error)))?.map(Generation::new))
    }

    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>> {
        let column = column::<C::Server>;
        let mut query = QueryBuilder::new(C::Server::SELECT_ENTRY);
        query.push(column("state = 'rejected'"));
        if let Some(vertical) = vertical {
            query.push(format!(" AND {}", column("vertical = ")));
            C::Server::push_text(&mut query, vertical.as_str());
        }
        query.push(format!(" ORDER BY {} DESC, {} LIMIT ", column("updated_at"), column("object_key")));
        C::Server::push_number(&mut query, limit(max));
        self.reader().entries("list rejected originals", query).await
    }
    async fn rejected_for(
        &self,
        code: &str,
        vertical: Option<&Vertical>,
        after: &str,
        max: usize,
    ) -> Result<Vec<LedgerEntry>> {
        let column = column::<C::Server>;
        let mut query = QueryBuilder::new(C::Server::SELECT_ENTRY);
        query.push(column("state = 'rejected'")).push(format!(" AND {}", column("reason = ")));
        C::Server::push_text(&mut query, code);
        if let Some(vertical) = vertical {
            query.push(format!(" AND {}", column("vertical = ")));
            C::Server::push_text(&mut query, vertical.as_str());
        }
        query.push(format!(" AND {}", column("object_key > ")));
        C::Server::push_text(&mut query, after);
        query.push(format!(" ORDER BY {} LIMIT ", column("object_key")));
        C::Server::push_number(&mut query, limit(max));
        self.reader().entries("list rejected originals", query).await
    }

    async fn ledger_with_prefix(&self, prefix: &str, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let column = column::<C::Server>;
        let mut query = QueryBuilder::new(C::Server::SELECT_ENTRY);
        for (at, (comparison, key)) in
            [("object_key >= ", prefix), ("object_key < ", &end_of(prefix)), ("object_key > ", after)]
                .into_iter()
                .enumerate()
        {
            query.push(if at > 0 { " AND " } else { "" }).push(column(comparison));
            C::Server::push_text(&mut query, key);
        }
        query.push(format!(" ORDER BY {} LIMIT ", column("object_key")));
        C::Server::push_number(&mut query, limit(max));
        self.reader().entries("search the ledger", query).await
    }

    async fn ledger_before(&self, vertical: &Vertical, before: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let column = column::<C::Server>;
        let mut query = QueryBuilder::new(C::Server::SELECT_ENTRY);
        query.push(column("vertical = "));
        C::Server::push_text(&mut query, vertical.as_str());
        query.push(format!(" AND {}", column("object_key < ")));
        C::Server::push_text(&mut query, before);
        query.push(format!(" ORDER BY {} DESC LIMIT ", column("object_key")));
        C::Server::push_number(&mut query, limit(max));
        self.reader().entries("read the ledger", query).await
    }
}
