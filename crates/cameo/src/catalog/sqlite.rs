//! The catalog in the embedded database.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row as SqliteRow, ToSql, params, params_from_iter};

use super::{
    EntityLock, ForeignRows, LedgerReader, Registry,
    entity_locks::EntityLocks,
    pages::{end_of, keys_of},
    rows::{Cursor, RowColumns, RowPage, ours},
    table::Table,
};
use crate::{
    clock::{Clock, from_millis, to_millis},
    db::{Done, Failure, Sqlite, integer},
    ledger::{
        EntityRows, LedgerEntry, Registered, Row, Scope, State,
        before::{Before, RowChange},
        decide::{
            Decision, RegisterRules, decide, is_misfiled, published_from_column, published_to_column,
            state_from_columns,
        },
    },
    model::{
        error::{Error, Place, Result},
        generation::Generation,
        key::{EntityId, PhotoId, UploadKey, Vertical},
        outcome::{Fate, Outcome},
    },
};

const UPSERT_ROW: &str =
    "INSERT INTO {table} ({vertical}, {cd_idx}, {image_size}, {sequence}, {image_url}, {width}, {height},
        {bytes}, {etag}, {regist_date}, {update_date})
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)
    ON CONFLICT ({vertical}, {cd_idx}, {image_size}, {sequence}) DO UPDATE SET
        {image_url} = excluded.{image_url}, {width} = excluded.{width}, {height} = excluded.{height},
        {bytes} = excluded.{bytes}, {etag} = excluded.{etag}, {update_date} = excluded.{update_date}
    WHERE {table}.{etag} <> excluded.{etag} OR {table}.{image_url} <> excluded.{image_url}
        OR {table}.{width} <> excluded.{width} OR {table}.{height} <> excluded.{height}
        OR {table}.{bytes} <> excluded.{bytes}";
const SIZES_OF_PHOTO: &str =
    "SELECT {image_size} FROM {table} WHERE {vertical} = ?1 AND {cd_idx} = ?2 AND {sequence} = ?3
        AND typeof({image_size}) = 'text'";
const DELETE_ROW: &str =
    "DELETE FROM {table} WHERE {vertical} = ?1 AND {cd_idx} = ?2 AND {sequence} = ?3 AND {image_size} = ?4";
const REWRITE_URL: &str = "UPDATE {table} SET {image_url} = ?1, {update_date} = ?2
    WHERE {vertical} = ?3 AND {cd_idx} = ?4 AND {sequence} = ?5 AND {image_size} = ?6 AND {etag} = ?7";
const SELECT_ROWS: &str =
    "SELECT {vertical}, {cd_idx}, {sequence}, {image_size}, {image_url}, {width}, {height}, {bytes}, {etag}
    FROM {table} WHERE typeof({image_size}) = 'text' AND typeof({cd_idx}) = 'integer'
        AND typeof({sequence}) = 'integer' AND {sequence} BETWEEN 0 AND 65535 AND ";
const OF_ENTITY: &str = "{vertical} = ?1 AND {cd_idx} = ?2";
const ROWS_AFTER: &str = "({vertical}, {cd_idx}, {sequence}, {image_size}) > (";
const ROWS_ORDER: &str = " ORDER BY {vertical}, {cd_idx}, {sequence}, {image_size} LIMIT ";

const RAISE_VERSION: &str = "INSERT INTO cameo_entities (vertical, cd_idx, version) VALUES (?1, ?2, 1)
    ON CONFLICT (vertical, cd_idx) DO UPDATE SET version = version + 1 RETURNING version";
const SELECT_VERSION: &str = "SELECT version FROM cameo_entities WHERE vertical = ?1 AND cd_idx = ?2";
const SELECT_ENTRY: &str =
    "SELECT object_key, generation, etag, state, reason, detail, serving_generation, size_set, engine,
    updated_at, removed_generation, published, size_set_digest, vertical, cd_idx, sequence FROM cameo_originals WHERE ";
const UPSERT_ENTRY: &str =
    "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, reason,
        detail, serving_generation, size_set, engine, updated_at, removed_generation, published, size_set_digest)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT (object_key) DO UPDATE SET vertical = excluded.vertical, cd_idx = excluded.cd_idx,
        sequence = excluded.sequence, generation = excluded.generation, etag = excluded.etag, state = excluded.state,
        reason = excluded.reason, detail = excluded.detail, serving_generation = excluded.serving_generation,
        size_set = excluded.size_set, engine = excluded.engine, updated_at = excluded.updated_at,
        removed_generation = excluded.removed_generation, published = excluded.published,
        size_set_digest = excluded.size_set_digest";
const HIGHEST_GENERATION: &str = "SELECT max(generation) FROM cameo_originals";

mod checked_addresses;
mod counts;
mod history;
mod people;
mod public_table;
mod tokens;
mod webhooks;

pub use public_table::check;
use public_table::{FOREIGN, count_foreign, look, prepare, read_columns};

/// The catalog in the embedded database.
#[derive(Debug)]
pub struct SqliteCatalog {
    db: Sqlite,
    rules: RegisterRules,
    clock: Arc<dyn Clock>,
    locks: EntityLocks,
    table: Table,
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
    rows_of_entity: String,
    foreign: String,
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
            let doing = "prepare the public table";
            db.write(Place::Catalog, doing, move |connection| prepare(connection, &table, &sql)).await?;
        }
        Ok(Self { db, rules, clock, locks: EntityLocks::default(), table: table.clone(), sql })
    }
}

impl SqliteCatalog {
    async fn entries(&self, query: Query, doing: &'static str) -> Result<Vec<LedgerEntry>> {
        self.db.read(Place::Catalog, doing, move |connection| query.fetch(connection, EntryColumns::read)).await
    }

    /// Rows of a scope after one, whoever's they are.
    async fn select_rows(&self, scope: &Scope, after: Option<&Cursor>, max: usize) -> Result<Vec<RowColumns>> {
        let mut query = Query::new(&self.sql.select_rows);
        query.push_scope(scope, &self.sql.vertical, &self.sql.cd_idx);
        if let Some(after) = after {
            query.push(" AND ").push(&self.sql.rows_after).bind(after.vertical.clone());
            query.push(", ").bind(after.cd_idx).push(", ").bind(after.sequence);
            query.push(", ").bind(after.image_size.clone()).push(")");
        }
        query.push(&self.sql.rows_order).limit(max);
        let look = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(&query.sql)?;
            let rows = statement.query_map(params_from_iter(&query.parameters), read_columns)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        };
        self.db.read(Place::Catalog, "read the public table", look).await
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
            rows_of_entity: table.statement(&[SELECT_ROWS, OF_ENTITY].concat()),
            foreign: table.statement(FOREIGN),
            rows_after: table.statement(ROWS_AFTER),
            rows_order: table.statement(ROWS_ORDER),
            vertical: table.column("vertical").to_owned(),
            cd_idx: table.column("cd_idx").to_owned(),
        }
    }
}

fn apply(
    connection: &Connection,
    sql: &Statements,
    rules: &RegisterRules,
    outcome: &Outcome,
    now: Timestamp,
) -> Done<Registered> {
    let current = select_entry(connection, &outcome.key)?;
    // What is rejected or ignored touches no row.
    let rows = match (UploadKey::parse(&outcome.key), &outcome.fate) {
        (UploadKey::Photo(photo), Fate::Rendered { .. } | Fate::Removed) => sizes_of(connection, sql, &photo)?,
        _ => BTreeSet::new(),
    };
    let decision = decide(Before { entry: current.as_ref(), rows: &rows }, outcome, rules, now);
    let first = write_decision(connection, sql, &decision, &rows, now)?;
    Ok(decision.registered(first))
}

/// Image sizes that a photo has rows of.
fn sizes_of(connection: &Connection, sql: &Statements, photo: &PhotoId) -> Done<BTreeSet<String>> {
    let EntityId { vertical, cd_idx } = &photo.entity;
    let mut query = connection.prepare_cached(&sql.sizes_of_photo)?;
    let sizes = query.query_map((vertical.as_str(), integer(*cd_idx), photo.sequence), |row| row.get(0))?;
    Ok(sizes.collect::<Result<_, _>>()?)
}

fn select_entry(connection: &Connection, key: &str) -> Done<Option<LedgerEntry>> {
    let mut query = connection.prepare_cached(&format!("{SELECT_ENTRY}object_key = ?1"))?;
    let columns = query.query_row([key], EntryColumns::read).optional()?;
    Ok(columns.map(LedgerEntry::try_from).transpose()?)
}

/// Writes what was decided; returns whether these are the entity's first rows. `had` is what the photo has rows of.
fn write_decision(
    connection: &Connection,
    sql: &Statements,
    decision: &Decision,
    had: &BTreeSet<String>,
    now: Timestamp,
) -> Done<bool> {
    if let Some(entry) = &decision.entry {
        upsert_entry(connection, entry, decision.photo.as_ref())?;
    }
    if let Some(change) = &decision.history {
        history::append(connection, change)?;
    }
    match (&decision.photo, &decision.rows) {
        (Some(photo), RowChange::Replace(rows)) => replace_rows(connection, sql, photo, (had, rows), now),
        (Some(photo), RowChange::Remove) => replace_rows(connection, sql, photo, (had, &[]), now),
        _ => Ok(false),
    }
}

fn upsert_entry(connection: &Connection, entry: &LedgerEntry, photo: Option<&PhotoId>) -> Done<()> {
    let (reason, detail) = match &entry.state {
        State::Rejected { reason, detail } => (Some(reason.code()), Some(detail.as_str())),
        _ => (None, None),
    };
    connection.prepare_cached(UPSERT_ENTRY)?.execute(params![
        entry.key,
        UploadKey::vertical(&entry.key).map(String::from),
        photo.map(|photo| integer(photo.entity.cd_idx)),
        photo.map(|photo| photo.sequence),
        entry.generation.as_str(),
        entry.etag,
        entry.state.as_str(),
        reason,
        detail,
        entry.serving.as_ref().map(Generation::as_str),
        entry.size_set,
        entry.engine,
        to_millis(entry.updated_at),
        entry.removed.as_ref().map(Generation::as_str),
        published_to_column(&entry.published),
        entry.size_set_digest,
    ])?;
    Ok(())
}

/// Makes `rows` the photo's rows, which had some of the image sizes `had`; returns whether it is the entity's first change.
fn replace_rows(
    connection: &Connection,
    sql: &Statements,
    photo: &PhotoId,
    (had, rows): (&BTreeSet<String>, &[Row]),
    now: Timestamp,
) -> Done<bool> {
    let (vertical, cd_idx) = (photo.entity.vertical.as_str(), integer(photo.entity.cd_idx));
    let mut raise = connection.prepare_cached(RAISE_VERSION)?;
    let version: i64 = raise.query_row((vertical, cd_idx), |row| row.get(0))?;
    for row in rows {
        upsert_row(connection, sql, row, now)?;
    }
    for image_size in had.iter().filter(|had| !rows.iter().any(|row| row.image_size == **had)) {
        let mut delete = connection.prepare_cached(&sql.delete_row)?;
        delete.execute((vertical, cd_idx, photo.sequence, image_size))?;
    }
    Ok(version == 1)
}

fn upsert_row(connection: &Connection, sql: &Statements, row: &Row, now: Timestamp) -> Done<()> {
    connection.prepare_cached(&sql.upsert_row)?.execute((
        row.photo.entity.vertical.as_str(),
        integer(row.photo.entity.cd_idx),
        &row.image_size,
        row.photo.sequence,
        &row.image_url,
        row.width,
        row.height,
        integer(row.bytes),
        &row.etag,
        date(now),
    ))?;
    Ok(())
}

fn rewrite_url(connection: &Connection, sql: &Statements, row: &Row, now: Timestamp) -> Done<u64> {
    let rewritten = connection.prepare_cached(&sql.rewrite_url)?.execute((
        &row.image_url,
        date(now),
        row.photo.entity.vertical.as_str(),
        integer(row.photo.entity.cd_idx),
        row.photo.sequence,
        &row.image_size,
        &row.etag,
    ))?;
    Ok(rewritten as u64)
}

/// A date as it stands in the public table: UTC, to the second.
/// Removes what has an id by several statements, of which the last is of the thing itself: whether it was there.
fn remove(connection: &Connection, statements: &[&str], id: &str) -> Done<bool> {
    let mut removed = 0;
    for statement in statements {
        removed = connection.prepare_cached(statement)?.execute([id])?;
    }
    Ok(removed == 1)
}

fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A row of `cameo_originals` as it is read.
struct EntryColumns {
    entry: LedgerEntry,
    state: String,
    reason: Option<String>,
    detail: Option<String>,
}

impl EntryColumns {
    fn read(row: &SqliteRow<'_>) -> rusqlite::Result<Self> {
        let (key, vertical): (String, Option<String>) = (row.get(0)?, row.get(13)?);
        let misfiled = is_misfiled(&key, vertical.as_deref(), row.get(14)?, row.get(15)?);
        let entry = LedgerEntry {
            key,
            misfiled,
            generation: Generation::new(row.get::<_, String>(1)?),
            etag: row.get(2)?,
            state: State::Ignored,
            serving: row.get::<_, Option<String>>(6)?.map(Generation::new),
            size_set: row.get(7)?,
            engine: row.get(8)?,
            updated_at: from_millis(row.get(9)?),
            removed: row.get::<_, Option<String>>(10)?.map(Generation::new),
            published: published_from_column(row.get::<_, Option<String>>(11)?.as_deref()),
            size_set_digest: row.get(12)?,
        };
        Ok(Self { entry, state: row.get(3)?, reason: row.get(4)?, detail: row.get(5)? })
    }
}

impl TryFrom<EntryColumns> for LedgerEntry {
    type Error = Error;

    fn try_from(columns: EntryColumns) -> Result<Self> {
        let EntryColumns { entry, state, reason, detail } = columns;
        let state = state_from_columns(&entry.key, &state, reason.as_deref(), detail)?;
        Ok(Self { state, ..entry })
    }
}

/// A statement that is put together, with its parameters.
#[derive(Default)]
struct Query {
    sql: String,
    parameters: Vec<Box<dyn ToSql + Send>>,
}

impl Query {
    fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), parameters: Vec::new() }
    }

    fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    fn bind(&mut self, parameter: impl ToSql + Send + 'static) -> &mut Self {
        self.parameters.push(Box::new(parameter));
        self.sql.push('?');
        self
    }

    /// Adds the scope as a condition on columns of these names.
    fn push_scope(&mut self, scope: &Scope, vertical_column: &str, cd_idx_column: &str) -> &mut Self {
        match scope {
            Scope::All => self.push("1 = 1"),
            Scope::Vertical(vertical) => self.push(vertical_column).push(" = ").bind(vertical.as_str().to_owned()),
            Scope::Ids { vertical, cd_idx } => {
                // One value, however many numbers there are: a statement has room for 32,766.
                let numbers = cd_idx.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
                self.push(cd_idx_column)
                    .push(" IN (SELECT value FROM json_each(")
                    .bind(format!("[{numbers}]"))
                    .push("))");
                if let Some(vertical) = vertical {
                    self.push(" AND ").push(vertical_column).push(" = ").bind(vertical.as_str().to_owned());
                }
                self
            }
        }
    }

    /// Adds the vertical, where there is one, as a condition that is found in the order of keys.
    fn push_keys_of(&mut self, vertical: Option<&Vertical>) -> &mut Self {
        let Some(vertical) = vertical else { return self };
        self.push(" AND +vertical = ").bind(vertical.as_str().to_owned());
        if let Some((first, end)) = keys_of(&Scope::Vertical(vertical.clone())) {
            self.push(" AND object_key >= ").bind(first).push(" AND object_key < ").bind(end);
        }
        self
    }

    fn limit(&mut self, max: usize) -> &mut Self {
        self.bind(i64::try_from(max).unwrap_or(i64::MAX))
    }

    /// Reads rows as `C` and makes them `T`.
    fn fetch<C, T>(&self, connection: &Connection, read: fn(&SqliteRow<'_>) -> rusqlite::Result<C>) -> Done<Vec<T>>
    where
        T: TryFrom<C, Error = Error>,
    {
        let mut statement = connection.prepare_cached(&self.sql)?;
        let rows = statement.query_map(params_from_iter(&self.parameters), read)?;
        rows.map(|columns| T::try_from(columns?).map_err(Failure::Error)).collect()
    }
}

#[async_trait]
impl Registry for SqliteCatalog {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        let (outcomes, sql, rules, now) = (outcomes.to_vec(), self.sql.clone(), self.rules.clone(), self.clock.now());
        let job = self.db.write_in_batch(Place::Catalog, "register", move |connection| {
            outcomes.iter().map(|outcome| apply(connection, &sql, &rules, outcome, now)).collect()
        });
        job.await
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        Ok(self.locks.lock(entity).await)
    }

    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64> {
        let (rows, sql, now) = (rows.to_vec(), self.sql.clone(), self.clock.now());
        let job = self.db.write(Place::Catalog, "rewrite addresses", move |connection| {
            let mut count = 0;
            for row in &rows {
                count += rewrite_url(connection, &sql, row, now)?;
            }
            Ok(count)
        });
        job.await
    }

    async fn ping(&self) -> Result<()> {
        self.db.look_up(Place::Catalog, "reach the database", |connection| {
            Ok(connection.prepare_cached("SELECT 1")?.query_row((), |_| Ok(()))?)
        })
    }

    async fn probe(&self) -> Result<()> {
        if !self.db.is_writable() {
            return self.ping().await;
        }
        let (table, sql) = (self.table.clone(), self.sql.clone());
        let doing = "try the statements that register";
        self.db.write(Place::Catalog, doing, move |connection| look(connection, &table, &sql)).await
    }
}

#[async_trait]
impl LedgerReader for SqliteCatalog {
    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows> {
        self.db.look_up(Place::Catalog, &format!("read the rows of {entity}"), |connection| {
            let key = (entity.vertical.as_str(), integer(entity.cd_idx));
            // One transaction, so that rows and version are of one instant.
            let transaction = connection.unchecked_transaction()?;
            let mut query = transaction.prepare_cached(SELECT_VERSION)?;
            let version: Option<i64> = query.query_row(key, |row| row.get(0)).optional()?;
            let mut query = transaction.prepare_cached(&self.sql.rows_of_entity)?;
            let found = query.query_map(key, read_columns)?.collect::<Result<Vec<_>, _>>()?;
            let mut rows = ours(found);
            rows.sort_by(|a, b| (&a.image_size, a.photo.sequence).cmp(&(&b.image_size, b.photo.sequence)));
            Ok(EntityRows { version: version.unwrap_or(0).unsigned_abs(), rows })
        })
    }

    async fn entry(&self, key: &str) -> Result<Option<LedgerEntry>> {
        self.db.look_up(Place::Catalog, "read the ledger", |connection| select_entry(connection, key))
    }

    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = Query::new(SELECT_ENTRY);
        // A plus keeps an index from being used: in that of the vertical, each page would sort all of it again.
        let vertical = if matches!(scope, Scope::Vertical(_)) { "+vertical" } else { "vertical" };
        query.push_scope(scope, vertical, "cd_idx");
        query.push(" AND object_key > ").bind(after.to_owned());
        if let Some((first, end)) = keys_of(scope) {
            query.push(" AND object_key >= ").bind(first).push(" AND object_key < ").bind(end);
        }
        query.push(" ORDER BY object_key LIMIT ").limit(max);
        let look = move |connection: &Connection| query.fetch(connection, EntryColumns::read);
        self.db.read(Place::Catalog, "read the ledger", look).await
    }

    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>> {
        let mut page = RowPage::new(scope, after, max);
        while let Some((scope, after, max)) = page.question() {
            let found = self.select_rows(scope, after, max).await?;
            page.answer(found);
        }
        Ok(page.rows())
    }

    async fn foreign_rows(&self) -> Result<ForeignRows> {
        let sql = self.sql.foreign.clone();
        self.db.read(Place::Catalog, "count rows that are not Cameo's", move |db| count_foreign(db, &sql)).await
    }

    async fn highest_generation(&self) -> Result<Option<Generation>> {
        let job = self.db.read(Place::Catalog, "read the highest generation", |connection| {
            let highest: Option<String> = connection.query_row(HIGHEST_GENERATION, (), |row| row.get(0))?;
            Ok(highest.map(Generation::new))
        });
        job.await
    }

    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = Query::new(SELECT_ENTRY);
        query.push("state = 'rejected'");
        if let Some(vertical) = vertical {
            query.push(" AND vertical = ").bind(vertical.as_str().to_owned());
        }
        query.push(" ORDER BY updated_at DESC, object_key LIMIT ").limit(max);
        let look = move |connection: &Connection| query.fetch(connection, EntryColumns::read);
        self.db.read(Place::Catalog, "list rejected originals", look).await
    }
    async fn rejected_for(
        &self,
        code: &str,
        vertical: Option<&Vertical>,
        after: &str,
        max: usize,
    ) -> Result<Vec<LedgerEntry>> {
        let mut query = Query::new(SELECT_ENTRY);
        query.push("state = 'rejected' AND reason = ").bind(code.to_owned());
        query.push_keys_of(vertical);
        query.push(" AND object_key > ").bind(after.to_owned());
        query.push(" ORDER BY object_key LIMIT ").limit(max);
        self.entries(query, "list rejected originals").await
    }

    async fn ledger_with_prefix(&self, prefix: &str, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = Query::new(SELECT_ENTRY);
        query.push("object_key >= ").bind(prefix.to_owned()).push(" AND object_key < ").bind(end_of(prefix));
        query.push(" AND object_key > ").bind(after.to_owned());
        query.push(" ORDER BY object_key LIMIT ").limit(max);
        self.entries(query, "search the ledger").await
    }

    async fn ledger_before(&self, vertical: &Vertical, before: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut query = Query::new(SELECT_ENTRY);
        query.push("object_key < ").bind(before.to_owned());
        query.push_keys_of(Some(vertical));
        query.push(" ORDER BY object_key DESC LIMIT ").limit(max);
        self.entries(query, "read the ledger").await
    }
}
