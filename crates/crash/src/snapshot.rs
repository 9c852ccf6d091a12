//! Everything that the database says at one instant, read without writing a byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags, Params};
use serde::Deserialize;

use crate::{load::names_an_impossible_photo, server::IMAGE_BUCKET};

/// A row of the public table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `cd_idx` and sequence.
    pub photo: (i64, i64),
    /// Name of the image size.
    pub image_size: String,
    /// Key of the rendition in the image bucket.
    pub rendition: String,
    /// Key of the alias in the image bucket.
    pub alias: String,
    /// Key of the original in the upload bucket.
    pub original: String,
    /// Its `ETag`.
    pub etag: String,
    /// Where it is served.
    pub image_url: String,
}

/// A row of the store's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The generation that names the file.
    pub file: u64,
    /// Where in the file it begins, bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u64,
    /// The validator.
    pub etag: String,
    /// The generation of the original that it was made from.
    pub made_from: Option<String>,
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The newest generation that was registered.
    pub generation: String,
    /// Its content.
    pub etag: String,
    /// What became of it.
    pub state: String,
}

/// The database at one instant.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The public table.
    pub rows: Vec<Row>,
    /// The objects of the image bucket, by key.
    pub images: BTreeMap<String, Object>,
    /// The objects of the other buckets, by key.
    pub originals: BTreeMap<String, Object>,
    /// The ledger, by key.
    pub ledger: BTreeMap<String, Entry>,
    /// Files that wait to be swept.
    pub garbage: BTreeSet<u64>,
    /// Messages, seen or hidden.
    pub messages: u64,
    /// Messages that were set aside, with the last error.
    pub dead_letters: Vec<String>,
}

/// The public table is the last one that the first start makes.
const IS_SET_UP: &str = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'celeb_image_url'";
const ROWS: &str = "SELECT vertical, cd_idx, sequence, image_size, etag, image_url FROM celeb_image_url";
const OBJECTS: &str = "SELECT bucket, object_key, file, file_offset, size, etag, metadata FROM cameo_objects
    WHERE bucket NOT LIKE '.quarantine/%'";
const LEDGER: &str = "SELECT object_key, generation, etag, state FROM cameo_originals";
const GARBAGE: &str = "SELECT file FROM cameo_garbage";
const MESSAGES: &str = "SELECT count(*) FROM cameo_messages";
const DEAD_LETTERS: &str = "SELECT queue || ': ' || error || ': ' || body FROM cameo_dead_letters";

/// Opens the database for reading. Close it before the server is started again, so that the start finds it alone.
pub fn open(database: &Path) -> Result<Connection> {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("failed to open {}", database.display()))
}

fn all<T, P: Params>(
    connection: &Connection,
    statement: &str,
    parameters: P,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(statement)?.query_map(parameters, read)?.collect()
}

fn unsigned(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::unsigned_abs)
}

impl Snapshot {
    /// Looks once.
    pub fn of(database: &Path) -> Result<Self> {
        let mut connection = open(database)?;
        Self::read(&mut connection).with_context(|| format!("failed to read {}", database.display()))
    }

    fn read(connection: &mut Connection) -> rusqlite::Result<Self> {
        // One transaction: everything is of one instant.
        let transaction = connection.transaction()?;
        let mut snapshot = Self::default();
        if transaction.query_row(IS_SET_UP, (), |row| row.get::<_, i64>(0))? == 0 {
            // The first start was cut off: there is nothing yet.
            return Ok(snapshot);
        }
        snapshot.rows = all(&transaction, ROWS, (), |row| {
            Ok(Row::new(&row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })?;
        let objects = all(&transaction, OBJECTS, (), |row| {
            let made_from = made_from(&row.get::<_, String>(6)?);
            let (file, offset, size) = (unsigned(row, 2)?, unsigned(row, 3)?, unsigned(row, 4)?);
            let object = Object { file, offset, size, etag: row.get(5)?, made_from };
            Ok((row.get::<_, String>(0)?, row.get(1)?, object))
        })?;
        for (bucket, key, object) in objects {
            let objects = if bucket == IMAGE_BUCKET { &mut snapshot.images } else { &mut snapshot.originals };
            objects.insert(key, object);
        }
        let entry = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, Entry { generation: row.get(1)?, etag: row.get(2)?, state: row.get(3)? }))
        };
        snapshot.ledger = all(&transaction, LEDGER, (), entry)?.into_iter().collect();
        snapshot.garbage = all(&transaction, GARBAGE, (), |row| unsigned(row, 0))?.into_iter().collect();
        snapshot.messages = transaction.query_row(MESSAGES, (), |row| unsigned(row, 0))?;
        snapshot.dead_letters = all(&transaction, DEAD_LETTERS, (), |row| row.get(0))?;
        Ok(snapshot)
    }

    /// Dead letters of photos that nobody made impossible.
    pub fn unexplained_letters(&self) -> impl Iterator<Item = &String> {
        self.dead_letters.iter().filter(|letter| !names_an_impossible_photo(letter))
    }

    /// The files that rows of the index name.
    pub fn referenced(&self) -> impl Iterator<Item = (&String, &Object)> {
        self.images.iter().chain(&self.originals)
    }
}

impl Row {
    pub(crate) fn new(
        vertical: &str,
        cd_idx: i64,
        sequence: i64,
        image_size: String,
        etag: String,
        image_url: String,
    ) -> Self {
        Self {
            photo: (cd_idx, sequence),
            rendition: format!("{vertical}/{image_size}/{cd_idx}_{image_size}_{sequence}.jpg"),
            alias: format!("{vertical}/{image_size}/{cd_idx}.jpg"),
            original: format!("origin/{vertical}/{cd_idx}_{sequence}.jpg"),
            image_size,
            etag,
            image_url,
        }
    }
}

fn made_from(metadata: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(rename = "cameo-generation")]
        made_from: Option<String>,
    }
    serde_json::from_str::<Metadata>(metadata).ok()?.made_from
}

/// Messages that are not done with. Looking costs little.
pub fn messages(database: &Path) -> Result<u64> {
    open(database)?.query_row(MESSAGES, (), |row| unsigned(row, 0)).context("failed to count messages")
}
