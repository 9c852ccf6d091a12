//! A registration in two sends, however many messages it has: one locks the ledger's entries and reads the rows, one
//! writes everything and commits. Each send is several statements, since the way to the server and back is what a
//! registration mostly consists of (`bench/register`).
//!
//! Rows are read after their photos' entries are locked, so nobody else changes them; those of a photo that the ledger
//! does not know may be another's a moment later, who then has entered the key, and this transaction is tried again.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use jiff::Timestamp;
use rand::Rng;
use sqlx::{AssertSqlSafe, Either, FromRow, MySqlConnection};

use super::{
    date,
    failure::{failed, number_of},
    statements::{Statements, sql},
    values::{Values, push_filled, push_rows, push_tuples},
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
        counts::{CountChanges, CountKey},
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

/// Where the results of the first send stand: after that of `START TRANSACTION`.
const ENTRIES: usize = 1;

/// Number of a value that is there already in a unique index.
const DUPLICATE_KEY: u16 = 1062;

/// Registers in a transaction. After an error the transaction may be open.
pub(super) async fn register(
    connection: &mut MySqlConnection,
    statements: &Statements,
    outcomes: &[Outcome],
    rules: &RegisterRules,
    now: Timestamp,
) -> Result<Vec<Registered>> {
    let (entries, found) = lock_and_read(connection, statements, outcomes).await?;
    let in_the_way: Vec<_> = found.iter().filter(|columns| (*columns).clone().row().is_none()).cloned().collect();
    let rows = rows::ours(found);
    let known: BTreeSet<_> = rows.iter().map(row_key).collect();
    let batch = Batch::decide(outcomes, (entries, rows), rules, now);
    let mut text = String::new();
    push_ledger(&mut text, &batch);
    let change = batch.change_table();
    refuse_occupied(&change, &in_the_way)?;
    push_table(&mut text, statements, &change, &known, now);
    push_counts(&mut text, &change.counts);
    push_history(&mut text, &change.history);
    text.push_str("COMMIT");
    let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await;
    done.map_err(|error| failed_write(error, statements))?;
    Ok(change.registered)
}

async fn lock_and_read(
    connection: &mut MySqlConnection,
    statements: &Statements,
    outcomes: &[Outcome],
) -> Result<(Vec<LedgerEntry>, Vec<RowColumns>)> {
    let error = |e| failed("register", e);
    let mut text = format!("START TRANSACTION; {}entry.object_key IN (", sql::SELECT_ENTRY);
    let mut keys = Values::new(&mut text);
    for key in batch::keys(outcomes) {
        keys.text(&key);
    }
    text.push_str(") ORDER BY entry.object_key FOR UPDATE");
    push_select_entities(&mut text, statements, &batch::entities(outcomes));
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

/// A row of somebody else may have a key that the table takes for one of ours although it differs: with blanks at its end.
/// It is left alone, so the row that is to be written has no place.
fn refuse_occupied(change: &TableChange, in_the_way: &[RowColumns]) -> Result<()> {
    let is_taken = |row: &Row| {
        in_the_way.iter().find(|other| {
            let mut unpadded = (*other).clone();
            for text in [&mut unpadded.vertical, &mut unpadded.image_size].into_iter().flatten() {
                text.truncate(text.trim_end_matches(' ').len());
            }
            unpadded.row().is_some_and(|other| row_key(&other) == row_key(row))
        })
    };
    match change.write.iter().find_map(|row| Some((row, is_taken(row)?))) {
        None => Ok(()),
        Some((row, other)) => {
            let doing = format!(
                "register {} at {}: a row that is not Cameo's is in its place ({}); remove it or change its key",
                row.photo,
                row.image_size,
                other.shown()
            );
            Err(Error::new(Place::Catalog, Kind::Refused, doing))
        }
    }
}

/// Two writers who meet in an index that decides a row mean the same row, and the later one looks again. A value that is
/// there already in any other unique index is this row's fault.
fn failed_write(error: sqlx::Error, statements: &Statements) -> Error {
    let message = error.as_database_error().map(|error| error.message().to_owned()).unwrap_or_default();
    // "Duplicate entry '…' for key 'name'", in MySQL 8 with the table before the name.
    let index = message.rsplit_once(" for key ").map(|(_, key)| key.trim_matches('\''));
    let index = index.map(|key| key.rsplit_once('.').map_or(key, |(_, name)| name));
    let decides = |name: &str| name == "PRIMARY" || statements.row_indexes.iter().any(|known| known == name);
    match (number_of(&error), index) {
        (Some(DUPLICATE_KEY), Some(name)) if !decides(name) => {
            Error::new(Place::Catalog, Kind::Refused, "register").because(error)
        }
        _ => failed("register", error),
    }
}

/// Selects the rows of entities, by pairs: for `vertical = … AND cd_idx IN (…)` MariaDB reads the whole vertical as long
/// as its statistics lag behind a table that grows.
fn push_select_entities(text: &mut String, statements: &Statements, entities: &BTreeSet<EntityId>) {
    if entities.is_empty() {
        return;
    }
    text.extend([
        "; ",
        &statements.reads.select_rows,
        "(",
        &statements.reads.vertical,
        ", ",
        &statements.reads.cd_idx,
        ") IN (",
    ]);
    push_tuples(text, entities, |values, EntityId { vertical, cd_idx }| {
        values.text(vertical.as_str()).number(signed(*cd_idx));
    });
    text.push(')');
}

/// Writes entries, and raises the versions of the entities whose rows change, which also holds them.
fn push_ledger(text: &mut String, batch: &Batch) {
    let (new, known) = batch.entries();
    for (changes, on_known) in [(new, ""), (known, sql::ON_KNOWN_ENTRY)] {
        if !changes.is_empty() {
            text.push_str(sql::INSERT_ENTRIES);
            push_rows(text, &changes, |values, change| push_entry(values, change));
            text.extend([on_known, "; "]);
        }
    }
    let entities: Vec<_> = batch.entities().iter().collect();
    if !entities.is_empty() {
        text.push_str(sql::INSERT_VERSIONS);
        push_rows(text, &entities, |values, (EntityId { vertical, cd_idx }, raise)| {
            values.text(vertical.as_str()).number(signed(*cd_idx)).number(**raise);
        });
        text.extend([sql::ON_KNOWN_VERSION, "; "]);
    }
}

fn push_entry(values: &mut Values<'_>, EntryChange { entry, photo, .. }: &EntryChange) {
    let (reason, detail) = rejection(&entry.state);
    let vertical = UploadKey::vertical(&entry.key);
    values.text(&entry.key).optional(vertical.as_ref().map(Vertical::as_str));
    values.optional_number(photo.as_ref().map(|photo| signed(photo.entity.cd_idx)));
    values.optional_number(photo.as_ref().map(|photo| photo.sequence));
    values.text(entry.generation.as_str()).text(&entry.etag);
    values.text(entry.state.as_str()).optional(reason).optional(detail);
    values.optional(entry.serving.as_ref().map(Generation::as_str));
    values.optional(entry.removed.as_ref().map(Generation::as_str));
    values.optional(entry.size_set.as_deref()).optional(entry.engine.as_deref());
    values.number(to_millis(entry.updated_at));
    values.optional(published_to_column(&entry.published).as_deref()).optional(entry.size_set_digest.as_deref());
}

fn push_table(
    text: &mut String,
    statements: &Statements,
    change: &TableChange,
    known: &BTreeSet<RowKey>,
    now: Timestamp,
) {
    for (photo, image_size) in &change.delete {
        let EntityId { vertical, cd_idx } = &photo.entity;
        push_filled(text, &statements.delete_row, |values, at| {
            match at {
                0 => values.text(vertical.as_str()),
                1 => values.number(signed(*cd_idx)),
                2 => values.number(photo.sequence),
                _ => values.text(image_size),
            };
        });
        text.push_str("; ");
    }
    let date = date(now);
    let (known, new): (Vec<&Row>, Vec<&Row>) = change.write.iter().partition(|row| known.contains(&row_key(row)));
    for row in known {
        push_update(text, statements, row, &date);
    }
    if new.is_empty() {
        return;
    }
    text.push_str(&statements.insert_rows);
    push_rows(text, new, |values, row| {
        let EntityId { vertical, cd_idx } = &row.photo.entity;
        values.text(vertical.as_str()).number(signed(*cd_idx)).text(&row.image_size).number(row.photo.sequence);
        values.text(&row.image_url).number(row.width).number(row.height).number(signed(row.bytes)).text(&row.etag);
        values.text(&date).text(&date);
    });
    text.push_str("; ");
}

fn push_update(text: &mut String, statements: &Statements, row: &Row, date: &str) {
    let EntityId { vertical, cd_idx } = &row.photo.entity;
    push_filled(text, &statements.update_row, |values, at| {
        match at {
            0 => values.text(&row.image_url),
            1 => values.number(row.width),
            2 => values.number(row.height),
            3 => values.number(signed(row.bytes)),
            4 => values.text(&row.etag),
            5 => values.text(date),
            6 => values.text(vertical.as_str()),
            7 => values.number(signed(*cd_idx)),
            8 => values.number(row.photo.sequence),
            _ => values.text(&row.image_size),
        };
    });
    text.push_str("; ");
}

/// Changes the counts, each in one of its rows that chance chooses. Whoever waits here holds all that a registration holds, but for the
/// history's position, and the counts are in one order: nobody waits in a circle.
fn push_counts(text: &mut String, counts: &CountChanges) {
    if counts.is_empty() {
        return;
    }
    let shard = rand::rng().random_range(0..SHARDS);
    text.push_str(sql::INSERT_COUNTS);
    let counts: Vec<_> = counts.iter().collect();
    push_rows(text, &counts, |values, (CountKey { vertical, state, reason, serves }, change)| {
        values.text(vertical.as_deref().unwrap_or_default()).text(state).text(reason.as_deref().unwrap_or_default());
        values.number(*serves).number(shard).number(**change);
    });
    text.extend([sql::ON_KNOWN_COUNT, "; "]);
}

/// Appends to the history. It comes last, since it holds the one row that all registrations meet at: from here on a
/// transaction waits for nobody, so it is held for as long as a commit takes, and cannot be part of a deadlock.
fn push_history(text: &mut String, history: &[HistoryChange]) {
    if history.is_empty() {
        return;
    }
    push_filled(text, sql::RAISE_POSITION, |values, _| {
        values.number(signed(history.len() as u64));
    });
    text.push_str("; ");
    text.push_str(sql::INSERT_HISTORY);
    let lines: Vec<_> = history.iter().enumerate().collect();
    push_rows(text, &lines, |values, (at, change)| {
        values.position(history.len() - 1 - at).number(to_millis(change.at));
        values.text(&change.key).optional(change.vertical.as_ref().map(Vertical::as_str));
        values.optional_number(change.cd_idx.map(signed)).optional_number(change.sequence);
        values.text(change.change.code()).text(change.generation.as_str()).text(&change.etag);
        values.optional_number(change.size.map(signed)).optional(change.reason.map(ReasonCode::code));
        values.optional(change.detail.as_deref()).optional(change.actor.as_ref().map(Actor::as_str));
        values.text(&image_sizes(change));
    });
    text.push_str("; ");
}
