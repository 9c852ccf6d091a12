//! The catalog in PostgreSQL.
//!
//! A batch is one transaction: lock the ledger's entries in the order of their keys, read, decide, write entries, versions
//! and rows with one statement each (`register`). Two workers that meet at a new key meet at its primary key, and the later one
//! looks again. Entities are held by session locks on connections of their own, which are given up with the connection.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, FromRow, PgConnection, PgPool, Postgres, QueryBuilder,
    Row as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    Catalog, CatalogSettings, Count, EntityLock, EntityRows, LedgerEntry, Registered, Row, Scope, Use,
    columns::{CountColumns, EntryColumns, Lookup, RowColumns, limit, push_scope, read, signed},
    ledger::RegisterRules,
    limits::ServerLimits,
    server::{
        IDLE_UNTESTED, InTransaction, check_parameters, lock_number, no_answer, retry_conflicts, without_password,
    },
};
use crate::{
    clock::Clock,
    error::{Kind, Result},
    generation::Generation,
    key::{EntityId, Vertical},
    message::Outcome,
};

mod failure;
mod inspect;
mod literals;
mod register;
mod schema;
mod statements;

use failure::failed;
pub use inspect::inspect;
pub use schema::MIGRATIONS;
use statements::{Statements, sql};

/// Parameters of an address that the driver knows.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
];

/// The first connection, opened outside the pool, which would hide why it cannot be opened.
async fn connect(url: &str, limits: &ServerLimits, opening: &str) -> Result<(PgConnectOptions, PgConnection)> {
    check_parameters(opening, url, PARAMETERS)?;
    let options: PgConnectOptions = url.parse().map_err(|e| failed(opening, e))?;
    let options = options.application_name("cameo").disable_statement_logging();
    let first = tokio::time::timeout(limits.connect_timeout, options.connect()).await;
    let first = first.map_err(|_| no_answer(opening, limits.connect_timeout))?;
    Ok((options, first.map_err(|e| failed(opening, e))?))
}

/// The catalog in PostgreSQL.
#[derive(Debug)]
pub struct PostgresCatalog {
    pool: PgPool,
    held: PgPool,
    limits: ServerLimits,
    rules: RegisterRules,
    clock: Arc<dyn Clock>,
    sql: Statements,
}

impl PostgresCatalog {
    /// Connects, and prepares or checks the tables as their [`Use`] asks.
    pub async fn open(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>, for_use: Use) -> Result<Self> {
        let CatalogSettings { table, rules, limits } = settings;
        let opening = format!("open the catalog {}", without_password(url));
        let (options, mut first) = connect(url, &limits, &opening).await?;
        match for_use {
            Use::Read => schema::check_version(&mut first, &opening).await?,
            Use::ReadAndWrite => schema::prepare(&mut first, &table, &opening).await?,
        }
        let _ = first.close().await;
        let pool = pool(&limits, limits.connections).connect_lazy_with(options.clone());
        let held = pool_of_locks(&limits).connect_lazy_with(options);
        Ok(Self { pool, held, limits, rules, clock, sql: Statements::new(&table) })
    }

    async fn register_once(&self, outcomes: &[Outcome], now: Timestamp) -> Result<Vec<Registered>> {
        let connection = self.pool.acquire().await.map_err(|e| failed("register", e))?;
        let mut connection = InTransaction::on(connection);
        let transaction = async {
            let ended = register::register(&mut connection, &self.sql, outcomes, &self.rules, now).await;
            let kept = match &ended {
                Ok(_) => true,
                // Nobody knows what state it is in.
                Err(error) if error.kind() == Kind::Unavailable => false,
                Err(_) => sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.is_ok(),
            };
            if kept {
                connection.ended();
            }
            ended
        };
        let waited = self.limits.answer_timeout();
        tokio::time::timeout(waited, transaction).await.unwrap_or_else(|_| Err(no_answer("register", waited)))
    }

    async fn rewrite_once(&self, rows: &[Row], date: &str) -> Result<u64> {
        let error = |e| failed("rewrite addresses", e);
        let (verticals, ids) = columns_of_entities(rows.iter().map(|row| &row.photo.entity));
        let done = sqlx::query(AssertSqlSafe(self.sql.rewrite_urls.clone()))
            .bind(verticals)
            .bind(ids)
            .bind(column(rows, |row| i32::from(row.photo.sequence)))
            .bind(column(rows, |row| row.image_size.clone()))
            .bind(column(rows, |row| row.etag.clone()))
            .bind(column(rows, |row| row.image_url.clone()))
            .bind(date)
            .execute(&self.pool)
            .await
            .map_err(error)?;
        Ok(done.rows_affected())
    }
}

/// A date as `TIMESTAMPTZ` takes it: UTC, to the second.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn pool(limits: &ServerLimits, connections: u32) -> PgPoolOptions {
    let settings = format!(
        "SET TIME ZONE 'UTC'; SET standard_conforming_strings = on; SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}; SET default_transaction_isolation = 'read committed'",
        limits.statement_timeout.as_millis(),
        limits.lock_timeout.as_millis(),
        limits.answer_timeout().as_millis(),
    );
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(limits.connect_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > IDLE_UNTESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(settings)).await.map(|_| ()) })
        })
}

/// Connections that each hold an entity. One that comes back gives up its lock, or is closed, which does the same.
fn pool_of_locks(limits: &ServerLimits) -> PgPoolOptions {
    pool(limits, limits.held_entities)
        .after_release(|connection, _| Box::pin(async move { connection.execute(sql::UNLOCK_ALL).await.map(|_| true) }))
}

fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

fn columns_of_entities<'e>(entities: impl Iterator<Item = &'e EntityId>) -> (Vec<String>, Vec<i64>) {
    entities.map(|entity| (entity.vertical.as_str().to_owned(), signed(entity.cd_idx))).unzip()
}

#[async_trait]
impl Catalog for PostgresCatalog {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        let now = self.clock.now();
        retry_conflicts(self.limits.tries, || self.register_once(outcomes, now)).await
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        let error = |e| failed(&format!("hold {entity}"), e);
        let mut connection = self.held.acquire().await.map_err(error)?;
        // Locks are of the database that the connection is to, so it needs no name.
        let locked = sqlx::query(sql::LOCK).bind(lock_number("", entity)).execute(&mut *connection).await;
        locked.map_err(error)?;
        Ok(EntityLock::new(connection))
    }

    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows> {
        let error = |e| failed(&format!("read the rows of {entity}"), e);
        let query = sqlx::query(AssertSqlSafe(self.sql.entity_rows.clone()));
        let query = query.bind(entity.vertical.as_str()).bind(signed(entity.cd_idx));
        let found = query.fetch_all(&self.pool).await.map_err(error)?;
        let mut read = EntityRows { version: 0, rows: Vec::with_capacity(found.len()) };
        for row in &found {
            let version: i64 = row.try_get("version").map_err(error)?;
            read.version = u64::try_from(version).unwrap_or(0);
            // An entity without rows is one line that has its version alone.
            if row.try_get::<Option<String>, _>("image_size").map_err(error)?.is_some() {
                read.rows.push(RowColumns::from_row(row).map_err(error)?.try_into()?);
            }
        }
        read.rows.sort_by(|a: &Row, b| (&a.image_size, a.photo.sequence).cmp(&(&b.image_size, b.photo.sequence)));
        Ok(read)
    }

    async fn entry(&self, key: &str) -> Result<Option<LedgerEntry>> {
        let mut query = QueryBuilder::<Postgres>::new(sql::SELECT_ENTRY);
        query.push("object_key = ").push_bind(key);
        let entry = query.build_query_as::<EntryColumns>().fetch_optional(&self.pool).await;
        entry.map_err(|e| failed("read the ledger", e))?.map(LedgerEntry::try_from).transpose()
    }

    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = QueryBuilder::<Postgres>::new(sql::SELECT_ENTRY);
        push_scope(&mut query, scope, ["vertical", "cd_idx"], Lookup::Numbers);
        query.push(" AND object_key > ").push_bind(after).push(" ORDER BY object_key LIMIT ").push_bind(limit(max));
        let entries = query.build_query_as::<EntryColumns>().fetch_all(&self.pool).await;
        read(entries.map_err(|e| failed("read the ledger", e))?)
    }

    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>> {
        let mut query = QueryBuilder::<Postgres>::new(&self.sql.select_rows);
        push_scope(&mut query, scope, [&self.sql.vertical, &self.sql.cd_idx], Lookup::Numbers);
        if let Some(row) = after {
            query.push(&self.sql.rows_after);
            let mut bound = query.separated(", ");
            bound.push_bind(row.photo.entity.vertical.as_str()).push_bind(signed(row.photo.entity.cd_idx));
            bound.push_bind(i32::from(row.photo.sequence)).push_bind(row.image_size.as_str());
            query.push(")");
        }
        query.push(&self.sql.rows_order).push_bind(limit(max));
        let rows = query.build_query_as::<RowColumns>().fetch_all(&self.pool).await;
        read(rows.map_err(|e| failed("read the public table", e))?)
    }

    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64> {
        let date = date(self.clock.now());
        retry_conflicts(self.limits.tries, || self.rewrite_once(rows, &date)).await
    }

    async fn highest_generation(&self) -> Result<Option<Generation>> {
        let highest = sqlx::query_scalar::<_, Option<String>>(sql::HIGHEST_GENERATION).fetch_one(&self.pool).await;
        Ok(highest.map_err(|e| failed("read the highest generation", e))?.map(Generation::new))
    }

    async fn counts(&self) -> Result<Vec<Count>> {
        let counts = sqlx::query_as::<_, CountColumns>(sql::COUNTS).fetch_all(&self.pool).await;
        Ok(counts.map_err(|e| failed("count originals", e))?.into_iter().map(Count::from).collect())
    }

    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = QueryBuilder::<Postgres>::new(sql::SELECT_ENTRY);
        query.push("state = 'rejected'");
        if let Some(vertical) = vertical {
            query.push(" AND vertical = ").push_bind(vertical.as_str());
        }
        query.push(" ORDER BY updated_at DESC, object_key LIMIT ").push_bind(limit(max));
        let entries = query.build_query_as::<EntryColumns>().fetch_all(&self.pool).await;
        read(entries.map_err(|e| failed("list rejected originals", e))?)
    }

    async fn ping(&self) -> Result<()> {
        let done = sqlx::query("SELECT 1").execute(&self.pool).await;
        done.map(|_| ()).map_err(|e| failed("reach the database", e))
    }
}
