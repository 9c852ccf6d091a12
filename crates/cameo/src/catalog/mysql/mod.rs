//! The catalog in MySQL or MariaDB.
//!
//! A batch is one transaction: lock the ledger's entries in the order of their keys, read, decide, write entries, versions
//! and rows in bulk (`register`). It reads what is committed (`READ COMMITTED`), so that no gaps are locked; two workers
//! that meet at a new key meet at its primary key, and the later one looks again. Entities are held by named locks on
//! connections of their own, which are given up with the connection.
//!
//! Run against MariaDB 10.11. MySQL 8 speaks the same statements but could not be run where this was written.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, MySql, MySqlConnection, MySqlPool, QueryBuilder,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
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
        error::{Error, Kind, Place, Result},
        key::EntityId,
        outcome::Outcome,
    },
};

mod failure;
mod inspect;
mod register;
mod schema;
mod scope;
mod statements;
mod values;

use failure::failed;
use inspect::inspect;
pub use schema::MIGRATIONS;
use scope::push_scope;
use statements::{Statements, sql};

/// Parameters of an address that the driver knows.
const PARAMETERS: &[&str] = &[
    "ssl-mode",
    "sslmode",
    "ssl-ca",
    "sslca",
    "ssl-cert",
    "sslcert",
    "ssl-key",
    "sslkey",
    "socket",
    "charset",
    "collation",
    "statement-cache-capacity",
    "timezone",
    "time-zone",
];

/// Statements up to this length are kept prepared by their connection: longer ones have a list of numbers of their own.
const KEPT_STATEMENT_MAX_BYTES: usize = 2000;

/// What every connection is set to, whatever the server's own settings are: values that a column does not hold are refused
/// and not cut, quotes and backslashes mean what they mean by default, and texts are sent as UTF-8.
const SESSION: &str = "SET NAMES utf8mb4; SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
    time_zone = '+00:00', autocommit = 1";

/// The first connection, opened outside the pool, which would hide why it cannot be opened.
async fn connect(url: &str, limits: &ServerLimits, opening: &str) -> Result<(MySqlConnectOptions, MySqlConnection)> {
    check_parameters(opening, url, PARAMETERS)?;
    let options: MySqlConnectOptions = url.parse().map_err(|e| failed(opening, e))?;
    let options = options.disable_statement_logging();
    let first = tokio::time::timeout(limits.connect_timeout, options.connect()).await;
    let first = first.map_err(|_| no_answer(opening, limits.connect_timeout))?;
    let mut first = first.map_err(|e| failed(opening, e))?;
    let settings = format!("{SESSION}; SET SESSION lock_wait_timeout = {}", lock_timeout_seconds(limits));
    first.execute(AssertSqlSafe(settings)).await.map_err(|e| failed(opening, e))?;
    Ok((options, first))
}

/// The catalog in MySQL or MariaDB.
#[derive(Debug)]
pub struct MySqlCatalog {
    reader: ServerReader<MySql>,
    held: MySqlPool,
    database: String,
    limits: ServerLimits,
    rules: RegisterRules,
    clock: Arc<dyn Clock>,
    for_use: Use,
    sql: Statements,
}

impl MySqlCatalog {
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
        let database = options.get_database().unwrap_or_default().to_owned();
        let settings = session_settings(&mut first, &limits).await.map_err(|e| failed(&opening, e))?;
        let _ = first.close().await;
        let trust = Trust::default();
        let pool = pool(&limits, limits.connections, settings.clone(), &trust).connect_lazy_with(options.clone());
        let sql = Statements::new(&table, &found);
        let held = pool_of_locks(&limits, settings, &trust).connect_lazy_with(options);
        Ok(Self {
            reader: ServerReader::new(pool, trust, sql.reads.clone()),
            held,
            database,
            limits,
            rules,
            clock,
            for_use,
            sql,
        })
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
        let mut connection = self.reader.connection("rewrite addresses").await?;
        let rewritten = self.rewrite(&mut connection, rows, date).await;
        connection.settle(rewritten)
    }

    async fn rewrite(&self, connection: &mut MySqlConnection, rows: &[Row], date: &str) -> Result<u64> {
        let error = |e| failed("rewrite addresses", e);
        let mut transaction = connection.begin().await.map_err(error)?;
        let mut count = 0;
        for Row { photo, image_size, image_url, etag, .. } in rows {
            let query = sqlx::query(AssertSqlSafe(self.sql.rewrite_url.clone())).bind(image_url).bind(date);
            let query = query.bind(photo.entity.vertical.as_str()).bind(signed(photo.entity.cd_idx));
            let query = query.bind(photo.sequence).bind(image_size).bind(etag);
            count += query.execute(&mut *transaction).await.map_err(error)?.rows_affected();
        }
        transaction.commit().await.map_err(error)?;
        Ok(count)
    }
}

/// A date as `DATETIME` takes it: UTC, to the second.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn lock_timeout_seconds(limits: &ServerLimits) -> u64 {
    limits.lock_timeout.as_secs().max(1)
}

/// What a connection of the pool is set to. MariaDB and MySQL name the limit on a statement differently, and MySQL has one for
/// reading only; there, waits for locks are limited and the answer's time-out does the rest.
async fn session_settings(connection: &mut MySqlConnection, limits: &ServerLimits) -> Result<String, sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(connection).await?;
    let statement = limits.statement_timeout;
    let statement = if version.contains("MariaDB") {
        format!("max_statement_time = {}", statement.as_secs_f64())
    } else {
        format!("max_execution_time = {}", statement.as_millis())
    };
    let lock = lock_timeout_seconds(limits);
    Ok(format!(
        "{SESSION}; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
         SET SESSION {statement}, innodb_lock_wait_timeout = {lock}, lock_wait_timeout = {lock}"
    ))
}

fn pool(limits: &ServerLimits, connections: u32, settings: String, trust: &Trust) -> MySqlPoolOptions {
    let trust = trust.clone();
    MySqlPoolOptions::new()
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
fn pool_of_locks(limits: &ServerLimits, settings: String, trust: &Trust) -> MySqlPoolOptions {
    pool(limits, limits.held_entities, settings, trust)
        .after_release(|connection, _| Box::pin(async move { connection.execute(sql::UNLOCK_ALL).await.map(|_| true) }))
}

#[async_trait]
impl Registry for MySqlCatalog {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        let now = self.clock.now();
        retry_conflicts(self.limits.tries, || self.register_once(outcomes, now)).await
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        let doing = format!("hold {entity}");
        let connection = self.held.acquire().await.map_err(|e| failed(&doing, e))?;
        let mut connection = Used::new(connection, self.reader.trust());
        // Names are of the whole server, so the database is part of what they stand for.
        let query = sqlx::query_scalar(sql::LOCK).bind(format!("cameo.{:x}", lock_number(&self.database, entity)));
        let query = query.bind(signed(self.limits.lock_timeout.as_secs()));
        let locked: Result<Option<i64>, _> = query.fetch_one(&mut *connection).await;
        match locked.map_err(|e| failed(&doing, e)) {
            Ok(Some(1)) => Ok(EntityLock::new(connection.into_kept())),
            Ok(_) => {
                let held = Error::new(Place::Catalog, Kind::Conflict, format!("{doing}: somebody else holds it"));
                connection.settle(Err(held))
            }
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
        let tried = schema::rehearse(&mut connection, &self.sql).await;
        connection.settle(tried.map_err(|e| failed(doing, e)))
    }
}

impl OnServer for MySqlCatalog {
    type Server = MySql;

    fn reader(&self) -> &ServerReader<MySql> {
        &self.reader
    }
}

impl Dialect for MySql {
    const SELECT_ENTRY: &'static str = sql::SELECT_ENTRY;
    const ENTRY: &'static str = "entry.";
    const TIMES_AN_ENTITY_IS_BOUND: usize = 2;
    const HIGHEST_GENERATION: &'static str = sql::HIGHEST_GENERATION;
    const KEPT_COUNTS: &'static str = sql::KEPT_COUNTS;
    const COUNTED: &'static str = sql::COUNTED;
    const BEGIN_SNAPSHOT: &'static str = sql::BEGIN_SNAPSHOT;
    const RECOUNT: &'static str = sql::RECOUNT;
    const SELECT_HISTORY: &'static str = sql::SELECT_HISTORY;
    const BY_POSITION: &'static str = " FORCE INDEX (PRIMARY)";
    const INSERT_NEW: (&'static str, &'static str) = ("INSERT IGNORE INTO ", "");

    fn is_kept(statement: &str) -> bool {
        statement.len() < KEPT_STATEMENT_MAX_BYTES
    }

    fn failed(doing: &str, error: sqlx::Error) -> Error {
        failed(doing, error)
    }

    fn push_scope(query: &mut QueryBuilder<Self>, scope: &Scope, columns: [&str; 2]) {
        push_scope(query, scope, columns);
    }
}
