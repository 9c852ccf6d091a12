//! Everything that the database says at one instant, read without writing a byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use sqlx::{ConnectOptions, Connection, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::server::IMAGE_BUCKET;

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
}

/// A row of the store's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The generation that names the file.
    pub file: u64,
    /// Length of the file in bytes.
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
const ROWS: &str = "SELECT vertical, cd_idx, sequence, image_size, etag FROM celeb_image_url";
const OBJECTS: &str = "SELECT bucket, object_key, file, size, etag, metadata FROM cameo_objects";
const LEDGER: &str = "SELECT object_key, generation, etag, state FROM cameo_originals";
const GARBAGE: &str = "SELECT file FROM cameo_garbage";
const MESSAGES: &str = "SELECT count(*) FROM cameo_messages";
const DEAD_LETTERS: &str = "SELECT queue || ': ' || error FROM cameo_dead_letters";

/// Opens the database for reading. Close it before the server is started again, so that the start finds it alone.
pub async fn open(database: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true).disable_statement_logging();
    options.connect().await.with_context(|| format!("failed to open {}", database.display()))
}

impl Snapshot {
    /// Looks once.
    pub async fn of(database: &Path) -> Result<Self> {
        let mut connection = open(database).await?;
        let snapshot = Self::read(&mut connection).await;
        connection.close().await.context("failed to close the database")?;
        snapshot.with_context(|| format!("failed to read {}", database.display()))
    }

    async fn read(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        // One transaction: everything is of one instant.
        let mut transaction = connection.begin().await?;
        let mut snapshot = Self::default();
        if sqlx::query_scalar::<_, i64>(IS_SET_UP).fetch_one(&mut *transaction).await? == 0 {
            // The first start was cut off: there is nothing yet.
            return Ok(snapshot);
        }
        for row in sqlx::query(ROWS).fetch_all(&mut *transaction).await? {
            snapshot.rows.push(Row::new(
                &row.try_get::<String, _>(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
            ));
        }
        for row in sqlx::query(OBJECTS).fetch_all(&mut *transaction).await? {
            let objects = match row.try_get::<&str, _>(0)? {
                IMAGE_BUCKET => &mut snapshot.images,
                _ => &mut snapshot.originals,
            };
            let (file, size) = (row.try_get::<i64, _>(2)?.unsigned_abs(), row.try_get::<i64, _>(3)?.unsigned_abs());
            let made_from = made_from(row.try_get(5)?);
            objects.insert(row.try_get(1)?, Object { file, size, etag: row.try_get(4)?, made_from });
        }
        for row in sqlx::query(LEDGER).fetch_all(&mut *transaction).await? {
            let entry = Entry { generation: row.try_get(1)?, etag: row.try_get(2)?, state: row.try_get(3)? };
            snapshot.ledger.insert(row.try_get(0)?, entry);
        }
        let garbage: Vec<i64> = sqlx::query_scalar(GARBAGE).fetch_all(&mut *transaction).await?;
        snapshot.garbage = garbage.into_iter().map(i64::unsigned_abs).collect();
        snapshot.messages = sqlx::query_scalar::<_, i64>(MESSAGES).fetch_one(&mut *transaction).await?.unsigned_abs();
        snapshot.dead_letters = sqlx::query_scalar(DEAD_LETTERS).fetch_all(&mut *transaction).await?;
        Ok(snapshot)
    }

    /// The files that rows of the index name.
    pub fn referenced(&self) -> impl Iterator<Item = (&String, &Object)> {
        self.images.iter().chain(&self.originals)
    }
}

impl Row {
    pub(crate) fn new(vertical: &str, cd_idx: i64, sequence: i64, image_size: String, etag: String) -> Self {
        Self {
            photo: (cd_idx, sequence),
            rendition: format!("{vertical}/{image_size}/{cd_idx}_{image_size}_{sequence}.jpg"),
            alias: format!("{vertical}/{image_size}/{cd_idx}.jpg"),
            original: format!("origin/{vertical}/{cd_idx}_{sequence}.jpg"),
            image_size,
            etag,
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
pub async fn messages(database: &Path) -> Result<u64> {
    let mut connection = open(database).await?;
    let count = sqlx::query_scalar::<_, i64>(MESSAGES).fetch_one(&mut connection).await;
    connection.close().await.context("failed to close the database")?;
    Ok(count.context("failed to count messages")?.unsigned_abs())
}
