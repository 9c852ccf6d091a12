//! A registration in two sends, however many messages it has: one locks the ledger's entries and reads the rows, one
//! writes everything and commits. Each send is several statements, since the way to the server and back is what a
//! registration mostly consists of (`bench/register`).
//!
//! Rows are read after their photos' entries are locked, by a statement of its own, which sees what was committed until
//! then; so nobody else changes them. Those of a photo that the ledger does not know may be another's a moment later, who
//! then has entered the key, and this transaction is tried again.

use std::{collections::BTreeSet, fmt::Write as _};

use futures::TryStreamExt;
use jiff::Timestamp;
use rand::Rng;
use sqlx::{AssertSqlSafe, Either, FromRow, PgConnection, error::DatabaseError};

use super::{
    date,
    failure::{code_of, failed},
    literals::{numbers, push_filled, texts},
    statements::{Statements, sql},
};
use crate::{
    catalog::{
        columns::{EntryColumns, read, rejection, signed},
        counts::SHARDS,
        history_columns::image_sizes,
        rows::{self, RowColumns},
    },
    clock::to_millis,
    ledger::{
        LedgerEntry, Registered, Row,
        batch::{self, Batch, EntryChange, TableChange},
        counts::CountChanges,
        decide::{RegisterRules, published_to_column},
        history::HistoryChange,
    },
    model::{
        actor::Actor,
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::{EntityId, PhotoId, UploadKey, Vertical},
        outcome::Outcome,
        reason::ReasonCode,
    },
};

/// Where the results of the first send stand: after that of `BEGIN`.
const ENTRIES: usize = 1;

/// SQLSTATE of a value that is there already in a unique index.
const DUPLICATE_KEY: &str = "23505";

/// What is told of rows that a trigger kept out. It is cast to a number, which fails, and so ends the transaction within the send
/// that would commit it.
const KEPT_OUT: &str = "rows were taken, a trigger kept others out";

/// Registers in a transaction. After an error the transaction may be open.
pub(super) async fn register(
    connection: &mut PgConnection,
    statements: &Statements,
    outcomes: &[Outcome],
    rules: &RegisterRules,
    now: Timestamp,
) -> Result<Vec<Registered>> {
    let (entries, found) = lock_and_read(connection, statements, outcomes).await?;
    let rows = rows::ours(found);
    let known: BTreeSet<_> = rows.iter().map(row_key).collect();
    let batch = Batch::decide(outcomes, (entries, rows), rules, now);
    let mut text = String::new();
    push_ledger(&mut text, &batch)?;
    let change = batch.change_table();
    push_table(&mut text, statements, &change, &known, now)?;
    push_counts(&mut text, &change.counts)?;
    push_history(&mut text, &change.history)?;
    text.push_str("COMMIT");
    let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await;
    done.map_err(|error| failed_write(error, statements))?;
    Ok(change.registered)
}

async fn lock_and_read(
    connection: &mut PgConnection,
    statements: &Statements,
    outcomes: &[Outcome],
) -> Result<(Vec<LedgerEntry>, Vec<RowColumns>)> {
    let error = |e| failed("register", e);
    let mut text = "BEGIN; ".to_owned();
    push_filled(&mut text, sql::LOCK_ENTRIES, &[texts(batch::keys(outcomes).iter().map(String::as_str))])?;
    text.push_str("; ");
    push_filled(&mut text, &statements.rows_of_entities, &columns_of(&batch::entities(outcomes)))?;
    let (mut entries, mut rows, mut ended) = (Vec::new(), Vec::new(), 0);
    let mut answers = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(connection);
    while let Some(answer) = answers.try_next().await.map_err(error)? {
        match answer {
            Either::Left(_) => ended += 1,
            Either::Right(row) if ended == ENTRIES => entries.push(EntryColumns::from_row(&row).map_err(error)?),
            Either::Right(row) => rows.push(RowColumns::from_row(&row).map_err(error)?),
        }
    }
    Ok((read(entries)?, rows))
}

/// What decides a row.
type RowKey = (PhotoId, String);

fn row_key(row: &Row) -> RowKey {
    (row.photo.clone(), row.image_size.clone())
}

/// Two writers who meet in an index that decides a row, or at a key of the ledger, mean the same, and the later one looks
/// again. A value that is there already in any other unique index is this row's fault.
fn failed_write(error: sqlx::Error, statements: &Statements) -> Error {
    let meets = |database: &dyn DatabaseError| {
        let of_the_ledger = database.table().is_some_and(|table| table.starts_with("cameo_"));
        let decides = |name: &str| statements.row_indexes.iter().any(|known| known == name);
        of_the_ledger || database.constraint().is_none_or(decides)
    };
    if error.as_database_error().is_some_and(|database| database.message().contains(KEPT_OUT)) {
        // Or somebody else deleted a row in between: then the next try, with the same neighbours, does it.
        return Error::new(Place::Catalog, Kind::Unlisted, "register").because(error);
    }
    let is_duplicate = code_of(&error).as_deref() == Some(DUPLICATE_KEY);
    if is_duplicate && !error.as_database_error().is_none_or(meets) {
        return Error::new(Place::Catalog, Kind::Refused, "register").because(error);
    }
    failed("register", error)
}

/// Two arrays: verticals and numbers.
fn columns_of<'e>(entities: impl IntoIterator<Item = &'e EntityId> + Clone) -> [String; 2] {
    let verticals = entities.clone().into_iter().map(|entity| entity.vertical.as_str());
    [texts(verticals), numbers(entities.into_iter().map(|entity| signed(entity.cd_idx)))]
}

/// Writes entries, and raises the versions of the entities whose rows change, which also holds them.
fn push_ledger(text: &mut String, batch: &Batch) -> Result<()> {
    let (new, known) = batch.entries();
    for (changes, statement) in [(new, sql::INSERT_ENTRIES), (known, sql::UPDATE_ENTRIES)] {
        if !changes.is_empty() {
            push_filled(text, statement, &columns_of_entries(&changes))?;
            text.push_str("; ");
        }
    }
    let entities = batch.entities();
    if !entities.is_empty() {
        let [verticals, ids] = columns_of(entities.keys());
        push_filled(text, sql::RAISE_VERSIONS, &[verticals, ids, numbers(entities.values().copied())])?;
        text.push_str("; ");
    }
    Ok(())
}

fn columns_of_entries(changes: &[&EntryChange]) -> [String; 16] {
    let entries = || changes.iter().map(|change| &change.entry);
    let photos = || changes.iter().map(|change| change.photo.as_ref());
    let published: Vec<_> = entries().map(|entry| published_to_column(&entry.published)).collect();
    let verticals: Vec<_> = entries().map(|entry| UploadKey::vertical(&entry.key)).collect();
    [
        texts(entries().map(|entry| entry.key.as_str())),
        texts(verticals.iter().map(|vertical| vertical.as_ref().map(Vertical::as_str))),
        numbers(photos().map(|photo| photo.map(|photo| signed(photo.entity.cd_idx)))),
        numbers(photos().map(|photo| photo.map(|photo| i64::from(photo.sequence)))),
        texts(entries().map(|entry| entry.generation.as_str())),
        texts(entries().map(|entry| entry.etag.as_str())),
        texts(entries().map(|entry| entry.state.as_str())),
        texts(entries().map(|entry| rejection(&entry.state).0)),
        texts(entries().map(|entry| rejection(&entry.state).1)),
        texts(entries().map(|entry| entry.serving.as_ref().map(Generation::as_str))),
        texts(entries().map(|entry| entry.removed.as_ref().map(Generation::as_str))),
        texts(entries().map(|entry| entry.size_set.as_deref())),
        texts(entries().map(|entry| entry.engine.as_deref())),
        numbers(entries().map(|entry| to_millis(entry.updated_at))),
        texts(published.iter().map(Option::as_deref)),
        texts(entries().map(|entry| entry.size_set_digest.as_deref())),
    ]
}

fn push_table(
    text: &mut String,
    statements: &Statements,
    change: &TableChange,
    known: &BTreeSet<RowKey>,
    now: Timestamp,
) -> Result<()> {
    let gone = &change.delete;
    if !gone.is_empty() {
        let [verticals, ids] = columns_of(gone.iter().map(|(photo, _)| &photo.entity));
        let sequences = numbers(gone.iter().map(|(photo, _)| i64::from(photo.sequence)));
        let image_sizes = texts(gone.iter().map(|(_, image_size)| image_size.as_str()));
        push_filled(text, &statements.delete_rows, &[verticals, ids, sequences, image_sizes])?;
        text.push_str("; ");
    }
    let (known, new): (Vec<&Row>, Vec<&Row>) = change.write.iter().partition(|row| known.contains(&row_key(row)));
    for (rows, statement) in [(known, &statements.update_rows), (new, &statements.insert_rows)] {
        if !rows.is_empty() {
            text.push_str("WITH taken AS (");
            push_filled(text, statement, &columns_of_rows(&rows, now))?;
            let all = rows.len();
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                " RETURNING 1) SELECT CASE count(*) WHEN {all} THEN 0 ELSE (count(*) || ' of {all} {KEPT_OUT}')::int END
                FROM taken; "
            );
        }
    }
    Ok(())
}

fn columns_of_rows(rows: &[&Row], now: Timestamp) -> [String; 10] {
    let [verticals, ids] = columns_of(rows.iter().map(|row| &row.photo.entity));
    [
        verticals,
        ids,
        texts(rows.iter().map(|row| row.image_size.as_str())),
        numbers(rows.iter().map(|row| i64::from(row.photo.sequence))),
        texts(rows.iter().map(|row| row.image_url.as_str())),
        numbers(rows.iter().map(|row| i64::from(row.width))),
        numbers(rows.iter().map(|row| i64::from(row.height))),
        numbers(rows.iter().map(|row| signed(row.bytes))),
        texts(rows.iter().map(|row| row.etag.as_str())),
        format!("'{}'", date(now)),
    ]
}

/// Changes the counts, each in one of its rows that chance chooses. Whoever waits here holds all that a registration holds, but for the
/// history's position, and the counts are in one order: nobody waits in a circle.
fn push_counts(text: &mut String, counts: &CountChanges) -> Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    let (shard, keys) = (rand::rng().random_range(0..SHARDS), || counts.keys());
    let columns = [
        texts(keys().map(|key| key.vertical.as_deref().unwrap_or_default())),
        texts(keys().map(|key| key.state.as_str())),
        texts(keys().map(|key| key.reason.as_deref().unwrap_or_default())),
        numbers(keys().map(|key| i64::from(key.serves))),
        numbers(keys().map(|_| shard)),
        numbers(counts.values().copied()),
    ];
    push_filled(text, sql::ADD_COUNTS, &columns)?;
    text.push_str("; ");
    Ok(())
}

/// Appends to the history. It comes last, since it holds the one row that all registrations meet at: from here on a
/// transaction waits for nobody, so it is held for as long as a commit takes, and cannot be part of a deadlock.
fn push_history(text: &mut String, history: &[HistoryChange]) -> Result<()> {
    if history.is_empty() {
        return Ok(());
    }
    push_filled(text, sql::INSERT_HISTORY, &columns_of_history(history))?;
    text.push_str("; ");
    Ok(())
}

fn columns_of_history(history: &[HistoryChange]) -> [String; 13] {
    let lines = || history.iter();
    let sizes: Vec<_> = lines().map(image_sizes).collect();
    [
        numbers(lines().map(|line| to_millis(line.at))),
        texts(lines().map(|line| line.key.as_str())),
        texts(lines().map(|line| line.vertical.as_ref().map(Vertical::as_str))),
        numbers(lines().map(|line| line.cd_idx.map(signed))),
        numbers(lines().map(|line| line.sequence.map(i64::from))),
        texts(lines().map(|line| line.change.code())),
        texts(lines().map(|line| line.generation.as_str())),
        texts(lines().map(|line| line.etag.as_str())),
        numbers(lines().map(|line| line.size.map(signed))),
        texts(lines().map(|line| line.reason.map(ReasonCode::code))),
        texts(lines().map(|line| line.detail.as_deref())),
        texts(lines().map(|line| line.actor.as_ref().map(Actor::as_str))),
        texts(sizes.iter().map(String::as_str)),
    ]
}
