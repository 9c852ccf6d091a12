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
    AssertSqlSafe, ConnectOptions, Connection, Executor, FromRow, MySql, MySqlConnection, MySqlPool, QueryBuilder,
    Row as _,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
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
    error::{Error, Kind, Place, Result},
    generation::Generation,
    key::{EntityId, Vertical},
    message::Outcome,
};

mod failure;
mod inspect;
mod register;
mod schema;
mod statements;
mod values;

use failure::failed;
pub use inspect::inspect;
pub use schema::MIGRATIONS;
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

/// The first connection, opened outside the pool, which would hide why it cannot be opened.
async fn connect(url: &str, limits: &ServerLimits, opening: &str) -> Result<(MySqlConnectOptions, MySqlConnection)> {
    check_parameters(opening, url, PARAMETERS)?;
    let options: MySqlConnectOptions = url.parse().map_err(|e| failed(opening, e))?;
    let options = options.disable_statement_logging();
    let first = tokio::time::timeout(limits.connect_timeout, options.connect()).await;
    let first = first.map_err(|_| no_answer(opening, limits.connect_timeout))?;
    Ok((options, first.map_err(|e| failed(opening, e))?))
}

/// The catalog in MySQL or MariaDB.
#[derive(Debug)]
pub struct MySqlCatalog {
    pool: MySqlPool,
    held: MySqlPool,
    database: String,
    limits: ServerLimits,
    rules: RegisterRules,
    clock: Arc<dyn Clock>,
    sql: Statements,
}

impl MySqlCatalog {
    /// Connects, and prepares or checks the tables as their [`Use`] asks.
    pub async fn open(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>, for_use: Use) -> Result<Self> {
        let CatalogSettings { table, rules, limits } = settings;
        let opening = format!("open the catalog {}", without_password(url));
        let (options, mut first) = connect(url, &limits, &opening).await?;
        match for_use {
            Use::Read => schema::check_version(&mut first, &opening).await?,
            Use::ReadAndWrite => schema::prepare(&mut first, &table, &opening).await?,
        }
        let database = options.get_database().unwrap_or_default().to_owned();
        let settings = session_settings(&mut first, &limits).await.map_err(|e| failed(&opening, e))?;
        let _ = first.close().await;
        let pool = pool(&limits, limits.connections, settings.clone()).connect_lazy_with(options.clone());
        let held = pool_of_locks(&limits, settings).connect_lazy_with(options);
        Ok(Self { pool, held, database, limits, rules, clock, sql: Statements::new(&table) })
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
        let mut transaction = self.pool.begin().await.map_err(error)?;
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

/// What every connection is set to. MariaDB and MySQL name the limit on a statement differently, and MySQL has one for
/// reading only; there, waits for locks are limited and the answer's time-out does the rest.
async fn session_settings(connection: &mut MySqlConnection, limits: &ServerLimits) -> Result<String, sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(connection).await?;
    let statement = limits.statement_timeout;
    let statement = if version.contains("MariaDB") {
        format!("max_statement_time = {}", statement.as_secs_f64())
    } else {
        format!("max_execution_time = {}", statement.as_millis())
    };
    let lock = limits.lock_timeout.as_secs().max(1);
    Ok(format!(
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
         SET SESSION {statement}, innodb_lock_wait_timeout = {lock}, lock_wait_timeout = {lock}"
    ))
}

fn pool(limits: &ServerLimits, connections: u32, settings: String) -> MySqlPoolOptions {
    MySqlPoolOptions::new()
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
fn pool_of_locks(limits: &ServerLimits, settings: String) -> MySqlPoolOptions {
    pool(limits, limits.held_entities, settings)
        .after_release(|connection, _| Box::pin(async move { connection.execute(sql::UNLOCK_ALL).await.map(|_| true) }))
}

#[async_trait]
impl Catalog for MySqlCatalog {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        let now = self.clock.now();
        retry_conflicts(self.limits.tries, || self.register_once(outcomes, now)).await
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        let doing = format!("hold {entity}");
        let mut connection = self.held.acquire().await.map_err(|e| failed(&doing, e))?;
        // Names are of the whole server, so the database is part of what they stand for.
        let query = sqlx::query_scalar(sql::LOCK).bind(format!("cameo.{:x}", lock_number(&self.database, entity)));
        let query = query.bind(signed(self.limits.lock_timeout.as_secs()));
        let locked: Option<i64> = query.fetch_one(&mut *connection).await.map_err(|e| failed(&doing, e))?;
        match locked {
            Some(1) => Ok(EntityLock::new(connection)),
            _ => Err(Error::new(Place::Catalog, Kind::Conflict, format!("{doing}: somebody else holds it"))),
        }
    }

    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows> {
        let error = |e| failed(&format!("read the rows of {entity}"), e);
        let mut query = sqlx::query(AssertSqlSafe(self.sql.entity_rows.clone()));
        for _ in 0..2 {
            query = query.bind(entity.vertical.as_str()).bind(signed(entity.cd_idx));
        }
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
        let mut query = QueryBuilder::<MySql>::new(sql::SELECT_ENTRY);
        query.push("entry.object_key = ").push_bind(key);
        let entry = query.build_query_as::<EntryColumns>().fetch_optional(&self.pool).await;
        entry.map_err(|e| failed("read the ledger", e))?.map(LedgerEntry::try_from).transpose()
    }

    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = QueryBuilder::<MySql>::new(sql::SELECT_ENTRY);
        push_scope(&mut query, scope, ["entry.vertical", "entry.cd_idx"], Lookup::Pairs);
        query.push(" AND entry.object_key > ").push_bind(after);
        query.push(" ORDER BY entry.object_key LIMIT ").push_bind(limit(max));
        let entries = query.build_query_as::<EntryColumns>().fetch_all(&self.pool).await;
        read(entries.map_err(|e| failed("read the ledger", e))?)
    }

    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>> {
        let mut query = QueryBuilder::<MySql>::new(&self.sql.select_rows);
        push_scope(&mut query, scope, [&self.sql.vertical, &self.sql.cd_idx], Lookup::Pairs);
        if let Some(row) = after {
            query.push(&self.sql.rows_after);
            let mut bound = query.separated(", ");
            bound.push_bind(row.photo.entity.vertical.as_str()).push_bind(signed(row.photo.entity.cd_idx));
            bound.push_bind(row.photo.sequence).push_bind(row.image_size.as_str());
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
        let mut query = QueryBuilder::<MySql>::new(sql::SELECT_ENTRY);
        query.push("entry.state = 'rejected'");
        if let Some(vertical) = vertical {
            query.push(" AND entry.vertical = ").push_bind(vertical.as_str());
        }
        query.push(" ORDER BY entry.updated_at DESC, entry.object_key LIMIT ").push_bind(limit(max));
        let entries = query.build_query_as::<EntryColumns>().fetch_all(&self.pool).await;
        read(entries.map_err(|e| failed("list rejected originals", e))?)
    }

    async fn ping(&self) -> Result<()> {
        let done = sqlx::query("SELECT 1").execute(&self.pool).await;
        done.map(|_| ()).map_err(|e| failed("reach the database", e))
    }
}
