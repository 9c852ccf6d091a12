//! The catalog in the embedded database.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, Sqlite as Dialect, SqliteConnection, sqlite::SqliteRow};

use super::{
    Catalog, Count, EntityLock, EntityRows, LedgerEntry, Registered, Row, Scope, State,
    entity_locks::EntityLocks,
    ledger::{Decision, RegisterRules, RowChange, decide},
    table::Table,
};
use crate::{
    clock::{Clock, from_millis, to_millis},
    error::{Error, Kind, Place, Result},
    generation::Generation,
    key::{EntityId, PhotoId, UploadKey, Vertical},
    message::Outcome,
    sqlite::{Sqlite, failed},
};

const UPSERT_ROW: &str =
    "INSERT INTO {table} ({vertical}, {cd_idx}, {image_size}, {sequence}, {image_url}, {width}, {height},
        {bytes}, {etag}, {regist_date}, {update_date})
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)
    ON CONFLICT ({vertical}, {cd_idx}, {image_size}, {sequence}) DO UPDATE SET
        {image_url} = excluded.{image_url}, {width} = excluded.{width}, {height} = excluded.{height},
        {bytes} = excluded.{bytes}, {etag} = excluded.{etag}, {update_date} = excluded.{update_date}
    WHERE {table}.{etag} <> excluded.{etag} OR {table}.{image_url} <> excluded.{image_url}
        OR {table}.{width} <> excluded.{width} OR {table}.{height} <> excluded.{height}";
const SIZES_OF_PHOTO: &str =
    "SELECT {image_size} FROM {table} WHERE {vertical} = ?1 AND {cd_idx} = ?2 AND {sequence} = ?3";
const DELETE_ROW: &str =
    "DELETE FROM {table} WHERE {vertical} = ?1 AND {cd_idx} = ?2 AND {sequence} = ?3 AND {image_size} = ?4";
const REWRITE_URL: &str = "UPDATE {table} SET {image_url} = ?1, {update_date} = ?2
    WHERE {vertical} = ?3 AND {cd_idx} = ?4 AND {sequence} = ?5 AND {image_size} = ?6 AND {etag} = ?7";
const SELECT_ROWS: &str =
    "SELECT {vertical}, {cd_idx}, {sequence}, {image_size}, {image_url}, {width}, {height}, {bytes}, {etag}
    FROM {table} WHERE ";
const ROWS_AFTER: &str = "({vertical}, {cd_idx}, {sequence}, {image_size}) > (";
const ROWS_ORDER: &str = " ORDER BY {vertical}, {cd_idx}, {sequence}, {image_size} LIMIT ";

const RAISE_VERSION: &str = "INSERT INTO cameo_entities (vertical, cd_idx, version) VALUES (?1, ?2, 1)
    ON CONFLICT (vertical, cd_idx) DO UPDATE SET version = version + 1";
const SELECT_VERSION: &str = "SELECT version FROM cameo_entities WHERE vertical = ?1 AND cd_idx = ?2";
const SELECT_ENTRY: &str =
    "SELECT object_key, generation, etag, state, reason, detail, serving_generation, size_set, engine,
    updated_at, removed_generation FROM cameo_originals WHERE ";
const UPSERT_ENTRY: &str = "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, reason,
        detail, serving_generation, size_set, engine, updated_at, removed_generation)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT (object_key) DO UPDATE SET generation = excluded.generation, etag = excluded.etag, state = excluded.state,
        reason = excluded.reason, detail = excluded.detail, serving_generation = excluded.serving_generation,
        size_set = excluded.size_set, engine = excluded.engine, updated_at = excluded.updated_at,
        removed_generation = excluded.removed_generation";
const COUNTS: &str = "SELECT vertical, state, reason, count(*) FROM cameo_originals GROUP BY vertical, state, reason
    ORDER BY vertical, state, reason";

mod public_table;

use public_table::prepare;

/// The catalog in the embedded database.
#[derive(Debug)]
pub struct SqliteCatalog {
    db: Sqlite,
    rules: RegisterRules,
    clock: Arc<dyn Clock>,
    locks: EntityLocks,
    sql: Arc<Statements>,
}

/// The statements that name the public table, made once.
#[derive(Debug)]
struct Statements {
    upsert_row: String,
    sizes_of_photo: String,
    delete_row: String,
    rewrite_url: String,
    select_rows: String,
    rows_after: String,
    rows_order: String,
    vertical: String,
    cd_idx: String,
}

impl SqliteCatalog {
    /// Opens the catalog; the public table is created where it does not exist (and the database may be written).
    pub async fn open(db: Sqlite, table: &Table, rules: RegisterRules, clock: Arc<dyn Clock>) -> Result<Self> {
        let sql = Arc::new(Statements::new(table));
        if db.is_writable() {
            let (table, sql) = (table.clone(), sql.clone());
            db.write(Place::Catalog, "prepare the public table", move |connection| {
                async move { prepare(connection, &table, &sql).await }.boxed()
            })
            .await?;
        }
        Ok(Self { db, rules, clock, locks: EntityLocks::default(), sql })
    }
}

impl Statements {
    fn new(table: &Table) -> Self {
        Self {
            upsert_row: table.statement(UPSERT_ROW),
            sizes_of_photo: table.statement(SIZES_OF_PHOTO),
            delete_row: table.statement(DELETE_ROW),
            rewrite_url: table.statement(REWRITE_URL),
            select_rows: table.statement(SELECT_ROWS),
            rows_after: table.statement(ROWS_AFTER),
            rows_order: table.statement(ROWS_ORDER),
            vertical: table.column("vertical").to_owned(),
            cd_idx: table.column("cd_idx").to_owned(),
        }
    }
}

async fn apply(
    connection: &mut SqliteConnection,
    sql: &Statements,
    rules: &RegisterRules,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Registered> {
    let current = select_entry(connection, &outcome.key).await?;
    let decision = decide(current.as_ref(), outcome, rules, now);
    let written = write_decision(connection, sql, &decision, now).await;
    let dropped = written.map_err(|e| failed(Place::Catalog, &format!("register {}", outcome.key), e))?;
    Ok(Registered { effect: decision.effect(dropped), photo: decision.photo })
}

async fn select_entry(connection: &mut SqliteConnection, key: &str) -> Result<Option<LedgerEntry>> {
    let mut query = QueryBuilder::<Dialect>::new(SELECT_ENTRY);
    query.push("object_key = ").push_bind(key);
    let row =
        query.build().fetch_optional(connection).await.map_err(|e| failed(Place::Catalog, "read the ledger", e))?;
    row.as_ref().map(ledger_entry).transpose()
}

async fn write_decision(
    connection: &mut SqliteConnection,
    sql: &Statements,
    decision: &Decision,
    now: Timestamp,
) -> Result<Vec<String>, sqlx::Error> {
    if let Some(entry) = &decision.entry {
        upsert_entry(connection, entry, decision.photo.as_ref()).await?;
    }
    match (&decision.photo, &decision.rows) {
        (Some(photo), RowChange::Replace(rows)) => replace_rows(connection, sql, photo, rows, now).await,
        (Some(photo), RowChange::Remove { .. }) => replace_rows(connection, sql, photo, &[], now).await,
        _ => Ok(Vec::new()),
    }
}

async fn upsert_entry(
    connection: &mut SqliteConnection,
    entry: &LedgerEntry,
    photo: Option<&PhotoId>,
) -> Result<(), sqlx::Error> {
    let (reason, detail) = match &entry.state {
        State::Rejected { reason, detail } => (Some(reason.code()), Some(detail.as_str())),
        _ => (None, None),
    };
    sqlx::query(UPSERT_ENTRY)
        .bind(&entry.key)
        .bind(UploadKey::vertical(&entry.key).map(String::from))
        .bind(photo.map(|photo| signed(photo.entity.cd_idx)))
        .bind(photo.map(|photo| photo.sequence))
        .bind(entry.generation.as_str())
        .bind(&entry.etag)
        .bind(entry.state.as_str())
        .bind(reason)
        .bind(detail)
        .bind(entry.serving.as_ref().map(Generation::as_str))
        .bind(&entry.size_set)
        .bind(&entry.engine)
        .bind(to_millis(entry.updated_at))
        .bind(entry.removed.as_ref().map(Generation::as_str))
        .execute(connection)
        .await
        .map(|_| ())
}

/// Makes `rows` the photo's rows and returns the image sizes that it had and no longer has.
async fn replace_rows(
    connection: &mut SqliteConnection,
    sql: &Statements,
    photo: &PhotoId,
    rows: &[Row],
    now: Timestamp,
) -> Result<Vec<String>, sqlx::Error> {
    let EntityId { vertical, cd_idx } = &photo.entity;
    sqlx::query(RAISE_VERSION).bind(vertical.as_str()).bind(signed(*cd_idx)).execute(&mut *connection).await?;
    for row in rows {
        upsert_row(connection, sql, row, now).await?;
    }
    let sizes = sqlx::query(AssertSqlSafe(sql.sizes_of_photo.as_str()))
        .bind(vertical.as_str())
        .bind(signed(*cd_idx))
        .bind(photo.sequence)
        .fetch_all(&mut *connection)
        .await?;
    let mut dropped: Vec<String> = sizes.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    dropped.retain(|image_size| !rows.iter().any(|row| row.image_size == *image_size));
    for image_size in &dropped {
        let query = sqlx::query(AssertSqlSafe(sql.delete_row.as_str())).bind(vertical.as_str()).bind(signed(*cd_idx));
        query.bind(photo.sequence).bind(image_size).execute(&mut *connection).await?;
    }
    Ok(dropped)
}

async fn upsert_row(
    connection: &mut SqliteConnection,
    sql: &Statements,
    row: &Row,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(sql.upsert_row.as_str()))
        .bind(row.photo.entity.vertical.as_str())
        .bind(signed(row.photo.entity.cd_idx))
        .bind(&row.image_size)
        .bind(row.photo.sequence)
        .bind(&row.image_url)
        .bind(row.width)
        .bind(row.height)
        .bind(signed(row.bytes))
        .bind(&row.etag)
        .bind(date(now))
        .execute(connection)
        .await
        .map(|_| ())
}

async fn rewrite_url(
    connection: &mut SqliteConnection,
    sql: &Statements,
    row: &Row,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(AssertSqlSafe(sql.rewrite_url.as_str()))
        .bind(&row.image_url)
        .bind(date(now))
        .bind(row.photo.entity.vertical.as_str())
        .bind(signed(row.photo.entity.cd_idx))
        .bind(row.photo.sequence)
        .bind(&row.image_size)
        .bind(&row.etag)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// A date as it stands in the public table: UTC, to the second.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// SQL integers are signed; what we store is far below 2⁶³.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn ledger_entry(row: &SqliteRow) -> Result<LedgerEntry> {
    let read = || -> Result<_, sqlx::Error> {
        let state: String = row.try_get(3)?;
        let entry = LedgerEntry {
            key: row.try_get(0)?,
            generation: Generation::new(row.try_get::<String, _>(1)?),
            etag: row.try_get(2)?,
            state: State::Ignored,
            serving: row.try_get::<Option<String>, _>(6)?.map(Generation::new),
            size_set: row.try_get(7)?,
            engine: row.try_get(8)?,
            updated_at: from_millis(row.try_get(9)?),
            removed: row.try_get::<Option<String>, _>(10)?.map(Generation::new),
        };
        Ok((entry, state, row.try_get::<Option<String>, _>(4)?, row.try_get::<Option<String>, _>(5)?))
    };
    let (entry, state, reason, detail) = read().map_err(|e| failed(Place::Catalog, "read the ledger", e))?;
    let state = super::ledger::state_from_columns(&entry.key, &state, reason.as_deref(), detail)?;
    Ok(LedgerEntry { state, ..entry })
}

fn public_row(row: &SqliteRow) -> Result<Row> {
    let read = || -> Result<_, sqlx::Error> {
        let vertical: String = row.try_get(0)?;
        let cd_idx = u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0);
        let bytes = u64::try_from(row.try_get::<i64, _>(7)?).unwrap_or(0);
        Ok((
            vertical,
            cd_idx,
            row.try_get(2)?,
            row.try_get(3)?,
            row.try_get(4)?,
            row.try_get(5)?,
            row.try_get(6)?,
            bytes,
            row.try_get(8)?,
        ))
    };
    let (vertical, cd_idx, sequence, image_size, image_url, width, height, bytes, etag) =
        read().map_err(|e| failed(Place::Catalog, "read the public table", e))?;
    let vertical: Vertical = vertical.parse().map_err(|error| {
        let doing = format!("read the public table: cd_idx {cd_idx} has the vertical {vertical:?}");
        Error::new(Place::Catalog, Kind::Malformed, doing).because(error)
    })?;
    let photo = PhotoId { entity: EntityId { vertical, cd_idx }, sequence };
    Ok(Row { photo, image_size, image_url, width, height, bytes, etag })
}

/// Adds the scope as a condition on columns of these names.
fn push_scope(query: &mut QueryBuilder<Dialect>, scope: &Scope, vertical_column: &str, cd_idx_column: &str) {
    match scope {
        Scope::All => {
            query.push("1 = 1");
        }
        Scope::Vertical(vertical) => {
            query.push(vertical_column).push(" = ").push_bind(vertical.as_str().to_owned());
        }
        Scope::Ids { vertical, cd_idx } => {
            query.push(cd_idx_column).push(" IN (");
            let mut list = query.separated(", ");
            for id in cd_idx {
                list.push_bind(signed(*id));
            }
            query.push(")");
            if let Some(vertical) = vertical {
                query.push(" AND ").push(vertical_column).push(" = ").push_bind(vertical.as_str().to_owned());
            }
        }
    }
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        let (outcomes, sql, rules, now) = (outcomes.to_vec(), self.sql.clone(), self.rules.clone(), self.clock.now());
        self.db
            .write(Place::Catalog, "register", move |connection| {
                async move {
                    let mut registered = Vec::with_capacity(outcomes.len());
                    for outcome in &outcomes {
                        registered.push(apply(connection, &sql, &rules, outcome, now).await?);
                    }
                    Ok(registered)
                }
                .boxed()
            })
            .await
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        Ok(self.locks.lock(entity).await)
    }

    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows> {
        let error = |e| failed(Place::Catalog, &format!("read the rows of {entity}"), e);
        // One transaction, so that rows and version are of one instant.
        let mut transaction = self.db.readers().begin().await.map_err(error)?;
        let version = sqlx::query(SELECT_VERSION)
            .bind(entity.vertical.as_str())
            .bind(signed(entity.cd_idx))
            .fetch_optional(&mut *transaction)
            .await
            .map_err(error)?;
        let version = version.map_or(Ok(0), |row| row.try_get::<i64, _>(0)).map_err(error)?;
        let mut query = QueryBuilder::<Dialect>::new(&self.sql.select_rows);
        let scope = Scope::Ids { vertical: Some(entity.vertical.clone()), cd_idx: vec![entity.cd_idx] };
        push_scope(&mut query, &scope, &self.sql.vertical, &self.sql.cd_idx);
        let rows = query.build().fetch_all(&mut *transaction).await.map_err(error)?;
        let mut rows = rows.iter().map(public_row).collect::<Result<Vec<_>>>()?;
        rows.sort_by(|a, b| (&a.image_size, a.photo.sequence).cmp(&(&b.image_size, b.photo.sequence)));
        Ok(EntityRows { version: u64::try_from(version).unwrap_or(0), rows })
    }

    async fn entry(&self, key: &str) -> Result<Option<LedgerEntry>> {
        let mut query = QueryBuilder::<Dialect>::new(SELECT_ENTRY);
        query.push("object_key = ").push_bind(key.to_owned());
        let row = query.build().fetch_optional(self.db.readers()).await;
        row.map_err(|e| failed(Place::Catalog, "read the ledger", e))?.as_ref().map(ledger_entry).transpose()
    }

    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = QueryBuilder::<Dialect>::new(SELECT_ENTRY);
        push_scope(&mut query, scope, "vertical", "cd_idx");
        query
            .push(" AND object_key > ")
            .push_bind(after.to_owned())
            .push(" ORDER BY object_key LIMIT ")
            .push_bind(limit(max));
        let rows = query.build().fetch_all(self.db.readers()).await;
        rows.map_err(|e| failed(Place::Catalog, "read the ledger", e))?.iter().map(ledger_entry).collect()
    }

    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>> {
        let mut query = QueryBuilder::<Dialect>::new(&self.sql.select_rows);
        push_scope(&mut query, scope, &self.sql.vertical, &self.sql.cd_idx);
        if let Some(row) = after {
            query.push(" AND ").push(&self.sql.rows_after);
            let mut bound = query.separated(", ");
            bound.push_bind(row.photo.entity.vertical.as_str().to_owned());
            bound.push_bind(signed(row.photo.entity.cd_idx));
            bound.push_bind(row.photo.sequence).push_bind(row.image_size.clone());
            query.push(")");
        }
        query.push(&self.sql.rows_order).push_bind(limit(max));
        let rows = query.build().fetch_all(self.db.readers()).await;
        rows.map_err(|e| failed(Place::Catalog, "read the public table", e))?.iter().map(public_row).collect()
    }

    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64> {
        let (rows, sql, now) = (rows.to_vec(), self.sql.clone(), self.clock.now());
        self.db
            .write(Place::Catalog, "rewrite addresses", move |connection| {
                async move {
                    let mut count = 0;
                    for row in &rows {
                        let rewritten = rewrite_url(connection, &sql, row, now).await;
                        count += rewritten.map_err(|e| failed(Place::Catalog, "rewrite an address", e))?;
                    }
                    Ok(count)
                }
                .boxed()
            })
            .await
    }

    async fn counts(&self) -> Result<Vec<Count>> {
        let error = |e| failed(Place::Catalog, "count originals", e);
        let rows = sqlx::query(COUNTS).fetch_all(self.db.readers()).await.map_err(error)?;
        let count = |row: &SqliteRow| {
            let originals = u64::try_from(row.try_get::<i64, _>(3)?).unwrap_or(0);
            Ok(Count { vertical: row.try_get(0)?, state: row.try_get(1)?, reason: row.try_get(2)?, originals })
        };
        rows.iter().map(count).collect::<Result<_, sqlx::Error>>().map_err(error)
    }

    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = QueryBuilder::<Dialect>::new(SELECT_ENTRY);
        query.push("state = 'rejected'");
        if let Some(vertical) = vertical {
            query.push(" AND vertical = ").push_bind(vertical.as_str().to_owned());
        }
        query.push(" ORDER BY updated_at DESC, object_key LIMIT ").push_bind(limit(max));
        let rows = query.build().fetch_all(self.db.readers()).await;
        rows.map_err(|e| failed(Place::Catalog, "list rejected originals", e))?.iter().map(ledger_entry).collect()
    }

    async fn ping(&self) -> Result<()> {
        let done = sqlx::query("SELECT 1").execute(self.db.readers()).await;
        done.map(|_| ()).map_err(|e| failed(Place::Catalog, "reach the database", e))
    }
}
