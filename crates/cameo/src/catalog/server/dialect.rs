//! In what the kinds of servers differ, as far as reading is concerned, and how each fetches what was asked.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Database, FromRow, QueryBuilder, Row as _};

use crate::{
    catalog::{
        columns::{CountColumns, EntryColumns, TokenColumns},
        history_columns::HistoryColumns,
        people_columns::{AccountColumns, LinkColumns, SessionColumns},
        rows::RowColumns,
        webhook_columns::{AttemptColumns, MessageColumns, WatchColumns, WebhookColumns},
    },
    ledger::Scope,
    model::error::Error,
};

/// The lowest position of the history, and the last that was given out.
const HISTORY_ENDS: &str =
    "SELECT (SELECT MIN(position) FROM cameo_history), (SELECT MAX(position) FROM cameo_history_position)";

type Fetched<T> = Result<T, sqlx::Error>;

/// A kind of server.
pub(in crate::catalog) trait Dialect: Database + Sized {
    /// Columns of the ledger, up to `WHERE`.
    const SELECT_ENTRY: &'static str;
    /// What stands before a column of the ledger in it.
    const ENTRY: &'static str;
    const HIGHEST_GENERATION: &'static str;
    /// The counts that are kept, and the same counted; both in the order of their keys, `NULL` first.
    const KEPT_COUNTS: &'static str;
    const COUNTED: &'static str;
    /// Begins a transaction in which everything is read as of one instant.
    const BEGIN_SNAPSHOT: &'static str;
    /// Statements that make the kept counts those that are counted, in a transaction that nobody changes them beside.
    const RECOUNT: &'static str;
    /// Columns of the history, up to `WHERE`, and what makes the server read them in the order of positions.
    const SELECT_HISTORY: &'static str;
    const BY_POSITION: &'static str;
    /// Around `table (columns) VALUES (…)`: inserts what is not there, and leaves what is.
    const INSERT_NEW: (&'static str, &'static str);

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
    /// The lowest position of the history, and the last that was given out: in one statement, as of one instant.
    async fn history_ends(connection: &mut Self::Connection) -> Fetched<(Option<i64>, Option<i64>)>;
    /// How many rows a statement changes.
    async fn execute(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<u64>;
    async fn counts(connection: &mut Self::Connection, statement: &'static str) -> Fetched<Vec<CountColumns>>;
    /// Runs several statements without values.
    async fn run(connection: &mut Self::Connection, statements: &'static str) -> Fetched<()>;
    async fn highest_generation(connection: &mut Self::Connection) -> Fetched<Option<String>>;
    /// How many rows a statement finds, and one of them.
    async fn count_and_one(connection: &mut Self::Connection, statement: &str) -> Fetched<(i64, Option<RowColumns>)>;
    async fn tokens(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<TokenColumns>>;
    async fn accounts(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<AccountColumns>>;
    async fn sessions(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<SessionColumns>>;
    async fn links(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<LinkColumns>>;
    async fn webhooks(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<WebhookColumns>>;
    async fn messages(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<MessageColumns>>;
    async fn attempts(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<AttemptColumns>>;
    async fn watches(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<Vec<WatchColumns>>;
    /// The number that a statement finds.
    async fn number(connection: &mut Self::Connection, query: QueryBuilder<Self>) -> Fetched<i64>;
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

            async fn history_ends(connection: &mut Self::Connection) -> Fetched<(Option<i64>, Option<i64>)> {
                sqlx::query_as(HISTORY_ENDS).fetch_one(connection).await
            }

            async fn execute(connection: &mut Self::Connection, mut query: QueryBuilder<Self>) -> Fetched<u64> {
                Ok(query.build().execute(connection).await?.rows_affected())
            }

            async fn counts(connection: &mut Self::Connection, statement: &'static str) -> Fetched<Vec<CountColumns>> {
                sqlx::query_as(statement).fetch_all(connection).await
            }

            async fn run(connection: &mut Self::Connection, statements: &'static str) -> Fetched<()> {
                sqlx::raw_sql(statements).execute(connection).await.map(drop)
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

            async fn accounts(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<AccountColumns>> {
                query.build_query_as::<AccountColumns>().fetch_all(connection).await
            }

            async fn sessions(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<SessionColumns>> {
                query.build_query_as::<SessionColumns>().fetch_all(connection).await
            }

            async fn links(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<LinkColumns>> {
                query.build_query_as::<LinkColumns>().fetch_all(connection).await
            }

            async fn webhooks(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<WebhookColumns>> {
                query.build_query_as::<WebhookColumns>().fetch_all(connection).await
            }

            async fn messages(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<MessageColumns>> {
                query.build_query_as::<MessageColumns>().fetch_all(connection).await
            }

            async fn attempts(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<AttemptColumns>> {
                query.build_query_as::<AttemptColumns>().fetch_all(connection).await
            }

            async fn watches(
                connection: &mut Self::Connection,
                mut query: QueryBuilder<Self>,
            ) -> Fetched<Vec<WatchColumns>> {
                query.build_query_as::<WatchColumns>().fetch_all(connection).await
            }

            async fn number(connection: &mut Self::Connection, mut query: QueryBuilder<Self>) -> Fetched<i64> {
                query.build_query_scalar().fetch_one(connection).await
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
