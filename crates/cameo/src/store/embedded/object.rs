//! What the index knows of an object, and the statements that read and write it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::checksum::{Checksums, Sums};
use crate::{
    clock::{from_millis, to_millis},
    error::{Error, Kind, Place, Result},
    generation::Generation,
    sqlite::{Sqlite, failed},
    store::{Attributes, ObjectInfo},
};

const SELECT: &str = "SELECT bucket, object_key, generation, file, size, etag, modified_at, content_type, headers,
    metadata, checksums, parts FROM cameo_objects WHERE bucket = ?1 AND object_key = ?2";
const UPSERT: &str = "INSERT INTO cameo_objects (bucket, object_key, generation, file, size, etag, modified_at,
    content_type, headers, metadata, checksums, parts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT (bucket, object_key) DO UPDATE SET generation = excluded.generation, file = excluded.file,
    size = excluded.size, etag = excluded.etag, modified_at = excluded.modified_at,
    content_type = excluded.content_type, headers = excluded.headers, metadata = excluded.metadata,
    checksums = excluded.checksums, parts = excluded.parts";
const DELETE: &str = "DELETE FROM cameo_objects WHERE bucket = ?1 AND object_key = ?2";

/// The standard headers that an object is served with, beside `Content-Type`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Headers {
    /// `Cache-Control`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Expires`, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// What the client says of an object beside its content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// The other standard headers.
    pub headers: Headers,
    /// User metadata, names in lower case without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

impl From<&Attributes> for Description {
    fn from(attributes: &Attributes) -> Self {
        Self {
            content_type: attributes.content_type.clone(),
            headers: Headers { cache_control: attributes.cache_control.clone(), ..Headers::default() },
            metadata: attributes.metadata.clone(),
        }
    }
}

/// A part that an object was uploaded in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectPart {
    /// Its number.
    pub number: u32,
    /// Its length, bytes.
    pub size: u64,
    /// Its additional checksums.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sums: Sums,
}

/// An object as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// The bucket.
    pub bucket: String,
    /// The key, byte for byte.
    pub key: String,
    /// The generation of this write.
    pub generation: u64,
    /// The generation that names its content.
    pub file: u64,
    /// Length of the content, bytes.
    pub size: u64,
    /// The strong validator, without quotes.
    pub etag: String,
    /// When it was written.
    pub modified_at: Timestamp,
    /// What the client said of it.
    pub description: Description,
    /// Additional checksums.
    pub checksums: Checksums,
    /// The parts that it was uploaded in; empty where it was uploaded in one piece.
    pub parts: Vec<ObjectPart>,
}

impl StoredObject {
    /// The object as the flow knows it.
    pub fn info(&self) -> ObjectInfo {
        ObjectInfo {
            key: self.key.clone(),
            size: self.size,
            etag: self.etag.clone(),
            last_modified: self.modified_at,
            content_type: self.description.content_type.clone(),
            metadata: self.description.metadata.clone(),
            write_generation: Some(Generation::from_counter(self.generation)),
        }
    }

    /// Reads a row of all columns in the order of the table.
    pub(super) fn from_row(row: &SqliteRow) -> Result<Self> {
        let error = |e| failed(Place::Store, "read a row of cameo_objects", e);
        let key: String = row.try_get("object_key").map_err(error)?;
        Ok(Self {
            bucket: row.try_get("bucket").map_err(error)?,
            generation: unsigned(row, "generation")?,
            file: unsigned(row, "file")?,
            size: unsigned(row, "size")?,
            etag: row.try_get("etag").map_err(error)?,
            modified_at: from_millis(row.try_get("modified_at").map_err(error)?),
            description: description_from_row(row)?,
            checksums: json(row, "checksums")?,
            parts: json(row, "parts")?,
            key,
        })
    }
}

/// Reads the columns `content_type`, `headers` and `metadata`.
pub(super) fn description_from_row(row: &SqliteRow) -> Result<Description> {
    let content_type = row.try_get("content_type").map_err(|e| failed(Place::Store, "read a content type", e))?;
    Ok(Description { content_type, headers: json(row, "headers")?, metadata: json(row, "metadata")? })
}

/// Reads a number that is never negative.
pub(super) fn unsigned(row: &SqliteRow, column: &str) -> Result<u64> {
    let value: i64 = row.try_get(column).map_err(|e| failed(Place::Store, "read a number of the index", e))?;
    u64::try_from(value).map_err(|error| malformed(column).because(error))
}

/// Reads a column of JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T> {
    let text: String = row.try_get(column).map_err(|e| failed(Place::Store, "read JSON of the index", e))?;
    serde_json::from_str(&text).map_err(|error| malformed(column).because(error))
}

fn malformed(column: &str) -> Error {
    Error::new(Place::Store, Kind::Malformed, format!("read the column {column} of the store's index"))
}

/// Writes a column of JSON. The types written here have no value that JSON lacks.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

/// A number as `SQLite` stores it. Ours stay far below 2^63.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What is committed at a key.
pub(super) async fn find(db: &Sqlite, bucket: &str, key: &str) -> Result<Option<StoredObject>> {
    let query = sqlx::query(SELECT).bind(bucket).bind(key);
    let row = query.fetch_optional(db.readers()).await.map_err(|e| failed(Place::Store, "look up an object", e))?;
    row.as_ref().map(StoredObject::from_row).transpose()
}

/// What stands at a key, seen from within the writer's transaction.
pub(super) async fn find_in(c: &mut SqliteConnection, bucket: &str, key: &str) -> Result<Option<StoredObject>> {
    let query = sqlx::query(SELECT).bind(bucket).bind(key);
    let row = query.fetch_optional(c).await.map_err(|e| failed(Place::Store, "look up an object", e))?;
    row.as_ref().map(StoredObject::from_row).transpose()
}

/// Writes the row of an object.
pub(super) async fn upsert(c: &mut SqliteConnection, object: &StoredObject) -> Result<()> {
    let query = sqlx::query(UPSERT)
        .bind(&object.bucket)
        .bind(&object.key)
        .bind(integer(object.generation))
        .bind(integer(object.file))
        .bind(integer(object.size))
        .bind(&object.etag)
        .bind(to_millis(object.modified_at))
        .bind(&object.description.content_type)
        .bind(to_json(&object.description.headers))
        .bind(to_json(&object.description.metadata))
        .bind(to_json(&object.checksums))
        .bind(to_json(&object.parts));
    query.execute(c).await.map(|_| ()).map_err(|e| failed(Place::Store, "write the row of an object", e))
}

/// Deletes the row of an object.
pub(super) async fn delete(c: &mut SqliteConnection, bucket: &str, key: &str) -> Result<()> {
    let query = sqlx::query(DELETE).bind(bucket).bind(key);
    query.execute(c).await.map(|_| ()).map_err(|e| failed(Place::Store, "delete the row of an object", e))
}
