//! The catalog in PostgreSQL.
//!
//! A batch is one transaction: lock the ledger's entries in the order of their keys, read, decide, write entries, versions
//! and rows with one statement each (`register`). Two workers that meet at a new key meet at its primary key, and the later one
//! looks again. Entities are held by session locks on connections of their own, which are given up with the connection.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool, Postgres, QueryBuilder,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    CatalogSettings, EntityLock, Registry, Use,
    columns::signed,
    limits::ServerLimits,
    server::{
        IDLE_UNTESTED, Trust, Used, check_parameters,
        dialect::Dialect,
        is_sound, lock_number, no_answer,
        reads::{OnServer, ServerReader},
        retry_conflicts, without_password,
    },
    table_check::Mismatch,
};
use crate::{
    clock::Clock,
    ledger::{Registered, Row, Scope, decide::RegisterRules},
    model::{
        error::{Error, Result},
        key::EntityId,
        outcome::Outcome,
    },
};

mod failure;
mod inspect;
mod literals;
mod register;
mod schema;
mod scope;
mod statements;

use failure::failed;
use inspect::inspect;
pub use schema::MIGRATIONS;
use scope::push_scope;
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

/// What every connection is set to, whatever the server's own settings are.
const SESSION: &str = "SET TIME ZONE 'UTC'; SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; \
    SET default_transaction_isolation = 'read committed'";

/// The first connection, opened outside the pool, which would hide why it cannot be opened.
async fn connect(url: &str, limits: &ServerLimits, opening: &str) -> Result<(PgConnectOptions, PgConnection)> {
    check_parameters(opening, url, PARAMETERS)?;
    let options: PgConnectOptions = url.parse().map_err(|e| failed(opening, e))?;
    let options = options.application_name("cameo").disable_statement_logging();
    let first = tokio::time::timeout(limits.connect_timeout, options.connect()).await;
    let first = first.map_err(|_| no_answer(opening, limits.connect_timeout))?;
    let mut first = first.map_err(|e| failed(opening, e))?;
    let settings = format!("{SESSION}; SET lock_timeout = {}", limits.lock_timeout.as_millis());
    first.execute(AssertSqlSafe(settings)).await.map_err(|e| failed(opening, e))?;
    Ok((options, first))
}

/// The catalog in PostgreSQL.
#[derive(Debug)]
pub struct PostgresCatalog {
    reader: ServerReader<Postgres>,
    held: PgPool,
    limits: ServerLimits,
    rules: RegisterRules,
    clock: Arc<dyn Clock>,
    for_use: Use,
    sql: Statements,
}

impl PostgresCatalog {
    /// Connects, and prepares or checks the tables as their [`Use`] asks.
    pub async fn open(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>, for_use: Use) -> Result<Self> {
        let CatalogSettings { table, rules, limits } = settings;
        let opening = format!("open the catalog {}", without_password(url));
        let (options, mut first) = connect(url, &limits, &opening).await?;
        let found = match for_use {
            Use::Read => {
                schema::check_version(&mut first, &opening).await?;
                inspect(&mut first, &table, &opening).await?
            }
            Use::ReadAndWrite => schema::prepare(&mut first, &table, &opening).await?,
        };
        let _ = first.close().await;
        let trust = Trust::default();
        let pool = pool(&limits, limits.connections, &trust).connect_lazy_with(options.clone());
        let sql = Statements::new(&table, &found);
        let held = pool_of_locks(&limits, &trust).connect_lazy_with(options);
        Ok(Self { reader: ServerReader::new(pool, trust, sql.reads.clone()), held, limits, rules, clock, for_use, sql })
    }

    /// What opening for registering would refuse, found without making anything.
    pub async fn check(url: &str, settings: &CatalogSettings) -> Result<Vec<Mismatch>> {
        let opening = format!("open the catalog {}", without_password(url));
        let (_, mut first) = connect(url, &settings.limits, &opening).await?;
        let found = schema::check(&mut first, &settings.table, &opening).await;
        let _ = first.close().await;
        found
    }

    async fn register_once(&self, outcomes: &[Outcome], now: Timestamp) -> Result<Vec<Registered>> {
        let mut connection = self.reader.connection("register").await?;
        let transaction = async {
            let ended = register::register(&mut connection, &self.sql, outcomes, &self.rules, now).await;
            if ended.is_err() && is_sound(&ended) {
                let rolled_back = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
                rolled_back.map_err(|e| failed("register: take back what was begun", e))?;
            }
            ended
        };
        let waited = self.limits.answer_timeout();
        let ended =
            tokio::time::timeout(waited, transaction).await.unwrap_or_else(|_| Err(no_answer("register", waited)));
        connection.settle(ended)
    }

    async fn rewrite_once(&self, rows: &[Row], date: &str) -> Result<u64> {
        let (verticals, ids) = columns_of_entities(rows.iter().map(|row| &row.photo.entity));
        let mut connection = self.reader.connection("rewrite addresses").await?;
        let done = sqlx::query(AssertSqlSafe(self.sql.rewrite_urls.clone()))
            .bind(verticals)
            .bind(ids)
            .bind(column(rows, |row| i32::from(row.photo.sequence)))
            .bind(column(rows, |row| row.image_size.clone()))
            .bind(column(rows, |row| row.etag.clone()))
            .bind(column(rows, |row| row.image_url.clone()))
            .bind(date)
            .execute(&mut *connection)
            .await;
        connection.settle(done.map_err(|e| failed("rewrite addresses", e))).map(|done| done.rows_affected())
    }
}

/// A date as `TIMESTAMPTZ` takes it: UTC, to the second.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn pool(limits: &ServerLimits, connections: u32, trust: &Trust) -> PgPoolOptions {
    let settings = format!(
        "{SESSION}; SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}",
        limits.statement_timeout.as_millis(),
        limits.lock_timeout.as_millis(),
        limits.answer_timeout().as_millis(),
    );
    let trust = trust.clone();
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(limits.connect_timeout)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let trusted = trust.includes(meta.age);
            Box::pin(async move {
                if !trusted {
                    return Ok(false);
                }
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
fn pool_of_locks(limits: &ServerLimits, trust: &Trust) -> PgPoolOptions {
    pool(limits, limits.held_entities, trust)
        .after_release(|connection, _| Box::pin(async move { connection.execute(sql::UNLOCK_ALL).await.map(|_| true) }))
}

fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

fn columns_of_entities<'e>(entities: impl Iterator<Item = &'e EntityId>) -> (Vec<String>, Vec<i64>) {
    entities.map(|entity| (entity.vertical.as_str().to_owned(), signed(entity.cd_idx))).unzip()
}

#[async_trait]
impl Registry for PostgresCatalog {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        let now = self.clock.now();
        retry_conflicts(self.limits.tries, || self.register_once(outcomes, now)).await
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        let error = |e| failed(&format!("hold {entity}"), e);
        let mut connection = Used::new(self.held.acquire().await.map_err(error)?, self.reader.trust());
        // Locks are of the database that the connection is to, so it needs no name.
        let locked = sqlx::query(sql::LOCK).bind(lock_number("", entity)).execute(&mut *connection).await;
        match locked.map_err(error) {
            Ok(_) => Ok(EntityLock::new(connection.into_kept())),
            Err(error) => connection.settle(Err(error)),
        }
    }

    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64> {
        let date = date(self.clock.now());
        retry_conflicts(self.limits.tries, || self.rewrite_once(rows, &date)).await
    }

    async fn ping(&self) -> Result<()> {
        self.reader.ping().await
    }

    async fn probe(&self) -> Result<()> {
        if self.for_use == Use::Read {
            return self.reader.ping().await;
        }
        let doing = "try the statements that register";
        let mut connection = self.reader.connection(doing).await?;
        let tried = schema::rehearse(&mut connection, &self.sql, doing).await;
        connection.settle(tried)
    }
}

impl OnServer for PostgresCatalog {
    type Server = Postgres;

    fn reader(&self) -> &ServerReader<Postgres> {
        &self.reader
    }
}

impl Dialect for Postgres {
    const SELECT_ENTRY: &'static str = sql::SELECT_ENTRY;
    const ENTRY: &'static str = "";
    const TIMES_AN_ENTITY_IS_BOUND: usize = 1;
    const HIGHEST_GENERATION: &'static str = sql::HIGHEST_GENERATION;
    const KEPT_COUNTS: &'static str = sql::KEPT_COUNTS;
    const COUNTED: &'static str = sql::COUNTED;
    const BEGIN_SNAPSHOT: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const RECOUNT: &'static str = sql::RECOUNT;
    const SELECT_HISTORY: &'static str = sql::SELECT_HISTORY;
    const BY_POSITION: &'static str = "";
    const INSERT_NEW: (&'static str, &'static str) = ("INSERT INTO ", " ON CONFLICT DO NOTHING");

    fn failed(doing: &str, error: sqlx::Error) -> Error {
        failed(doing, error)
    }

    fn push_scope(query: &mut QueryBuilder<Self>, scope: &Scope, columns: [&str; 2]) {
        push_scope(query, scope, columns);
    }
}
