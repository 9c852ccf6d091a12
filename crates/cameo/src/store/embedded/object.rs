//! What the index knows of an object, and the statements that read and write it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::checksum::{Checksums, Sums};
use crate::{
    clock::{from_millis, to_millis},
    db::{Done, Json, integer, unsigned},
    model::generation::Generation,
    store::{Attributes, ObjectInfo},
};

const SELECT: &str = "SELECT bucket, object_key, generation, file, file_offset, size, etag, modified_at, content_type,
    headers, metadata, checksums, parts FROM cameo_objects WHERE bucket = ?1 AND object_key = ?2";
const OF_FILE: &str = "SELECT bucket, object_key, generation, file, file_offset, size, etag, modified_at, content_type,
    headers, metadata, checksums, parts FROM cameo_objects WHERE file = ?1";
const UPSERT: &str =
    "INSERT INTO cameo_objects (bucket, object_key, generation, file, file_offset, size, etag, modified_at,
    content_type, headers, metadata, checksums, parts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT (bucket, object_key) DO UPDATE SET generation = excluded.generation, file = excluded.file,
    file_offset = excluded.file_offset, size = excluded.size, etag = excluded.etag, modified_at = excluded.modified_at,
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
    /// Its number, from 1; numbers may have gaps.
    pub number: u32,
    /// Its length, bytes.
    pub size: u64,
    /// Its additional checksums.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sums: Sums,
}

/// Where content stands: with its length, a part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The generation that names the file.
    pub file: u64,
    /// Where in the file it begins, bytes.
    pub offset: u64,
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
    /// Where its content stands.
    pub position: Position,
    /// Length of the content, bytes.
    pub size: u64,
    /// The strong validator, without quotes.
    pub etag: String,
    /// When it was written.
    pub modified_at: Timestamp,
    /// What the client said of it.
    pub description: Description,
    /// Additional checksums (`x-amz-checksum-…`), as the client sent them or asked for them.
    pub checksums: Checksums,
    /// The parts that it was uploaded in; empty where it was uploaded in one piece.
    pub parts: Vec<ObjectPart>,
}

impl StoredObject {
    /// Bucket and key, as messages name it.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.bucket, self.key)
    }

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

    /// Reads a row of all columns.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            bucket: row.get("bucket")?,
            key: row.get("object_key")?,
            generation: unsigned(row, "generation")?,
            position: Position { file: unsigned(row, "file")?, offset: unsigned(row, "file_offset")? },
            size: unsigned(row, "size")?,
            etag: row.get("etag")?,
            modified_at: from_millis(row.get("modified_at")?),
            description: description_from_row(row)?,
            checksums: json(row, "checksums")?,
            parts: json(row, "parts")?,
        })
    }
}

/// Reads the columns `content_type`, `headers` and `metadata`.
pub(super) fn description_from_row(row: &Row<'_>) -> rusqlite::Result<Description> {
    Ok(Description {
        content_type: row.get("content_type")?,
        headers: json(row, "headers")?,
        metadata: json(row, "metadata")?,
    })
}

/// Every object that a file is named for.
pub(super) fn of_file(connection: &Connection, file: u64) -> Done<Vec<StoredObject>> {
    let mut query = connection.prepare_cached(OF_FILE)?;
    let objects = query.query_map([integer(file)], StoredObject::from_row)?;
    Ok(objects.collect::<Result<_, _>>()?)
}

/// Reads a column of JSON. One that is damaged is taken as empty: that is the loss of this object, which verifying finds, and no reason
/// to fail for all that are listed with it.
fn json<T: DeserializeOwned + Default>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    match row.get::<_, Json<T>>(column) {
        Err(rusqlite::Error::FromSqlConversionFailure(_, _, error)) => {
            let (bucket, key): (String, String) = (row.get("bucket")?, row.get("object_key")?);
            tracing::warn!(bucket, key, column, %error, "a column of cameo_objects is damaged; it is taken as empty");
            Ok(T::default())
        }
        read => read.map(|Json(value)| value),
    }
}

/// What stands at a key, as far as the connection sees.
pub(super) fn find(connection: &Connection, bucket: &str, key: &str) -> Done<Option<StoredObject>> {
    Ok(connection.prepare_cached(SELECT)?.query_row((bucket, key), StoredObject::from_row).optional()?)
}

/// Writes the row of an object.
pub(super) fn upsert(connection: &Connection, object: &StoredObject) -> Done<()> {
    connection.prepare_cached(UPSERT)?.execute(params![
        object.bucket,
        object.key,
        integer(object.generation),
        integer(object.position.file),
        integer(object.position.offset),
        integer(object.size),
        object.etag,
        to_millis(object.modified_at),
        object.description.content_type,
        Json(&object.description.headers),
        Json(&object.description.metadata),
        Json(&object.checksums),
        Json(&object.parts),
    ])?;
    Ok(())
}

/// Deletes the row of an object.
pub(super) fn delete(connection: &Connection, bucket: &str, key: &str) -> Done<()> {
    connection.prepare_cached(DELETE)?.execute((bucket, key))?;
    Ok(())
}
