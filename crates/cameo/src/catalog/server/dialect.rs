//! In what the kinds of servers differ, as far as reading is concerned, and how each fetches what was asked.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Database, FromRow, QueryBuilder, Row as _};

use crate::{
    catalog::{
        columns::{CountColumns, EntryColumns, TokenColumns},
        history_columns::HistoryColumns,
        rows::RowColumns,
    },
    ledger::Scope,
    model::error::Error,
};

type Fetched<T> = Result<T, sqlx::Error>;

/// A kind of server.
pub(in crate::catalog) trait Dialect: Database + Sized {
    /// Columns of the ledger, up to `WHERE`.
    const SELECT_ENTRY: &'static str;
    /// What stands before a column of the ledger in it.
    const ENTRY: &'static str;
    const HIGHEST_GENERATION: &'static str;
    const COUNTS: &'static str;
    /// Columns of the history, up to `WHERE`, and what makes the server read them in the order of positions.
    const SELECT_HISTORY: &'static str;
    const BY_POSITION: &'static str;

    /// How often the statement for an entity's rows has vertical and `cd_idx` bound: once where placeholders are numbered.
    const TIMES_AN_ENTITY_IS_BOUND: usize;

    /// Whether connections keep a statement prepared: not one with a list of its own, where lists are part of the text.
    fn is_kept(_statement: &str) -> bool {
        true
    }

    /// What the driver says, as an error of whoever asked; `doing` completes "failed to …".
    fn failed(doing: &str, error: sqlx::Error) -> Error;

    /// Adds the scope as a condition on the two columns.
    fn push_scope(query: &mut QueryBuilder<Self>, scope: &Scope, columns: [&str; 2]);
}

/// Fetching from a kind of server. The driver's types differ, so that this is one text and an implementation each (`fetch!`).
#[async_trait]
pub(in crate::catalog) trait Fetch: Dialect {
    fn push_text(query: &mut QueryBuilder<Self>, text: &str);
    fn push_number(query: &mut QueryBuilder<Self>, number: i64);
    async fn entries(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<EntryColumns>>;
    async fn rows(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<RowColumns>>;
    /// The version of an entity with each of its rows, in one statement: as of one instant.
    async fn entity(
        connection: &mut Self::Connection,
        statement: &str,
        entity: (&str, i64),
    ) -> Fetched<Vec<(i64, RowColumns)>>;
    async fn history(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<HistoryColumns>>;
    /// How many rows a statement changes.
    async fn execute(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<u64>;
    async fn counts(connection: &mut Self::Connection) -> Fetched<Vec<CountColumns>>;
    async fn highest_generation(connection: &mut Self::Connection) -> Fetched<Option<String>>;
    /// How many rows a statement finds, and one of them.
    async fn count_and_one(connection: &mut Self::Connection, statement: &str) -> Fetched<(i64, Option<RowColumns>)>;
    async fn tokens(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<TokenColumns>>;
    async fn ping(connection: &mut Self::Connection) -> Fetched<()>;
}

macro_rules! fetch {
    ($server:ty) => {
        #[async_trait]
        impl Fetch for $server {
            fn push_text(query: &mut QueryBuilder<Self>, text: &str) {
                query.push_bind(text.to_owned());
            }

            fn push_number(query: &mut QueryBuilder<Self>, number: i64) {
                query.push_bind(number);
            }

            async fn entries(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<EntryColumns>> {
                let kept = Self::is_kept(query.sql().as_str());
                query.build_query_as::<EntryColumns>().persistent(kept).fetch_all(connection).await
            }

            async fn rows(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<RowColumns>> {
                let kept = Self::is_kept(query.sql().as_str());
                query.build_query_as::<RowColumns>().persistent(kept).fetch_all(connection).await
            }

            async fn entity(
                connection: &mut Self::Connection,
                statement: &str,
                (vertical, cd_idx): (&str, i64),
            ) -> Fetched<Vec<(i64, RowColumns)>> {
                let mut query = sqlx::query(AssertSqlSafe(statement.to_owned()));
                for _ in 0..Self::TIMES_AN_ENTITY_IS_BOUND {
                    query = query.bind(vertical).bind(cd_idx);
                }
                let found = query.fetch_all(connection).await?;
                found.iter().map(|row| Ok((row.try_get("version")?, RowColumns::from_row(row)?))).collect()
            }

            async fn history(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<HistoryColumns>> {
                query.build_query_as::<HistoryColumns>().fetch_all(connection).await
            }

            async fn execute(connection: &mut Self::Connection, mut query: QueryBuilder<Self>) -> Fetched<u64> {
                Ok(query.build().execute(connection).await?.rows_affected())
            }

            async fn counts(connection: &mut Self::Connection) -> Fetched<Vec<CountColumns>> {
                sqlx::query_as(Self::COUNTS).fetch_all(connection).await
            }

            async fn highest_generation(connection: &mut Self::Connection) -> Fetched<Option<String>> {
                sqlx::query_scalar(Self::HIGHEST_GENERATION).fetch_one(connection).await
            }

            async fn count_and_one(
                connection: &mut Self::Connection,
                statement: &str,
            ) -> Fetched<(i64, Option<RowColumns>)> {
                let count = format!("SELECT COUNT(*) FROM ({statement}) AS others");
                let rows = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *connection).await?;
                let one = format!("{statement} LIMIT 1");
                Ok((rows, sqlx::query_as(AssertSqlSafe(one)).fetch_optional(connection).await?))
            }

            async fn tokens(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<TokenColumns>> {
                query.build_query_as::<TokenColumns>().fetch_all(connection).await
            }

            async fn ping(connection: &mut Self::Connection) -> Fetched<()> {
                sqlx::query("SELECT 1").execute(connection).await.map(drop)
            }
        }
    };
}

#[cfg(feature = "mysql")]
fetch!(sqlx::MySql);
#[cfg(feature = "postgres")]
fetch!(sqlx::Postgres);
