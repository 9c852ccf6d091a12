//! Multipart uploads: parts are kept apart until they are put together as one object, in one transaction.
//!
//! An upload that is never finished is removed by the sweep. A finished one is remembered until then, so that a client
//! that missed the answer and completes it again gets the same.

use std::collections::HashSet;

use jiff::Timestamp;
use rand::Rng;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Embedded,
    checksum::{self, Algorithm, Checksums, Digests, Sums},
    condition::WriteConditions,
    files::Files,
    object::{self, Description, ObjectPart, StoredObject, description_from_row},
    refusal::{Refusal, StoreResult},
    run_blocking::run_blocking,
    staging::Staged,
    write::{NewObject, ReceivedContent},
};
use crate::{
    clock::{from_millis, to_millis},
    db::{Done, Json, integer, unsigned},
    failpoint::{Point, reached},
    model::error::{Error, Kind, Place, Result},
};

const CREATE: &str = "INSERT INTO cameo_uploads
    (id, bucket, object_key, started_at, content_type, headers, metadata, algorithm, full_object)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const FIND: &str = "SELECT id, bucket, object_key, started_at, content_type, headers, metadata, algorithm, full_object,
    completed_etag FROM cameo_uploads WHERE id = ?1";
const LIST: &str = "SELECT id, bucket, object_key, started_at, content_type, headers, metadata, algorithm, full_object,
    completed_etag FROM cameo_uploads
    WHERE bucket = ?1 AND completed_etag IS NULL AND substr(object_key, 1, length(?2)) = ?2
    AND (object_key, id) > (?3, ?4) ORDER BY object_key, id LIMIT ?5";
const IS_OPEN: &str = "SELECT EXISTS (SELECT 1 FROM cameo_uploads WHERE id = ?1 AND completed_etag IS NULL)";
const COMPLETE: &str = "UPDATE cameo_uploads SET completed_etag = ?2 WHERE id = ?1 AND completed_etag IS NULL";
const ABORT: &str =
    "DELETE FROM cameo_uploads WHERE id = ?1 AND bucket = ?2 AND object_key = ?3 AND completed_etag IS NULL";
const EXPIRED: &str = "DELETE FROM cameo_uploads WHERE started_at <= ?1 RETURNING id";
const PARTS: &str = "SELECT number, file, size, etag, checksums, modified_at FROM cameo_parts
    WHERE upload = ?1 ORDER BY number";
const OLD_PART: &str = "SELECT file FROM cameo_parts WHERE upload = ?1 AND number = ?2";
const PUT_PART: &str = "INSERT INTO cameo_parts (upload, number, file, size, etag, checksums, modified_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (upload, number) DO UPDATE SET file = excluded.file,
    size = excluded.size, etag = excluded.etag, checksums = excluded.checksums, modified_at = excluded.modified_at";
const DELETE_PARTS: &str = "DELETE FROM cameo_parts WHERE upload = ?1";
const IDS: &str = "SELECT id FROM cameo_uploads WHERE completed_etag IS NULL";

/// A multipart upload to begin.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What the client says of the object.
    pub description: Description,
    /// The additional checksum of its parts.
    pub algorithm: Option<Algorithm>,
    /// Whether the object gets a checksum of its whole content, not of its parts' checksums.
    pub full_object: bool,
}

/// A multipart upload that was begun, and may be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Names it in all later requests; nobody can guess it.
    pub id: String,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// When it began.
    pub started_at: Timestamp,
    /// What the client says of the object.
    pub description: Description,
    /// The additional checksum of its parts.
    pub algorithm: Option<Algorithm>,
    /// Whether the object gets a checksum of its whole content.
    pub full_object: bool,
    /// The object's `ETag`, once it was completed.
    pub completed_etag: Option<String>,
}

/// A part that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub number: u32,
    pub(super) file: u64,
    /// Its length, bytes.
    pub size: u64,
    /// Its `ETag`, without quotes.
    pub etag: String,
    /// Its additional checksums.
    pub sums: Sums,
    /// When it was uploaded.
    pub modified_at: Timestamp,
}

/// A part as the client names it when it completes the upload.
#[derive(Debug, Clone)]
pub struct NamedPart {
    /// Its number, from 1.
    pub number: u32,
    /// Its `ETag`, without quotes.
    pub etag: String,
    /// The checksums that the client says it has.
    pub sums: Sums,
}

/// How to complete an upload.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The parts in ascending order of their numbers, which may have gaps.
    pub parts: Vec<NamedPart>,
    /// What every part but the last must have, bytes.
    pub part_min_bytes: u64,
    /// The length that the client says the object has, bytes.
    pub declared_size: Option<u64>,
    /// The checksums that the client says it has.
    pub declared_sums: Sums,
    /// What must hold.
    pub conditions: WriteConditions,
}

/// What the transaction of a completion must find as it was.
#[derive(Debug, Clone)]
struct Completes {
    upload: String,
    parts: Vec<(u32, u64)>,
}

impl Upload {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let algorithm: Option<String> = row.get("algorithm")?;
        Ok(Self {
            id: row.get("id")?,
            bucket: row.get("bucket")?,
            key: row.get("object_key")?,
            started_at: from_millis(row.get("started_at")?),
            description: description_from_row(row)?,
            algorithm: algorithm.and_then(|name| Algorithm::from_name(&name)),
            full_object: row.get("full_object")?,
            completed_etag: row.get("completed_etag")?,
        })
    }
}

impl Part {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            file: unsigned(row, "file")?,
            size: unsigned(row, "size")?,
            etag: row.get("etag")?,
            sums: row.get::<_, Json<_>>("checksums")?.0,
            modified_at: from_millis(row.get("modified_at")?),
        })
    }
}

impl Embedded {
    /// Begins a multipart upload; returns its id.
    pub async fn create_upload(&self, new: NewUpload) -> StoreResult<String> {
        if !self.bucket_exists(&new.bucket)? {
            return Err(Refusal::NoSuchBucket);
        }
        let id = format!("{:032x}", rand::rng().random::<u128>());
        let (row_id, started_at) = (id.clone(), to_millis(self.now()));
        let job = self.inner.db.write(Place::Store, "begin a multipart upload", move |connection| {
            create_in(connection, &row_id, &new, started_at)
        });
        job.await?;
        Ok(id)
    }

    /// The upload of this id for this key, completed or not.
    pub fn upload(&self, bucket: &str, key: &str, id: &str) -> StoreResult<Upload> {
        let upload = self.inner.db.look_up(Place::Store, "look up a multipart upload", |connection| {
            Ok(connection.prepare_cached(FIND)?.query_row([id], Upload::from_row).optional()?)
        });
        upload?.filter(|upload| upload.bucket == bucket && upload.key == key).ok_or(Refusal::NoSuchUpload)
    }

    /// Uploads under way of keys with a prefix, after a key and an upload of it; at most `max`.
    pub async fn uploads(
        &self,
        bucket: &str,
        prefix: &str,
        after: (&str, &str),
        max: usize,
    ) -> StoreResult<Vec<Upload>> {
        let (bucket, prefix, after) = (bucket.to_owned(), prefix.to_owned(), (after.0.to_owned(), after.1.to_owned()));
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let job = self.inner.db.read(Place::Store, "list multipart uploads", move |connection| {
            let mut query = connection.prepare_cached(LIST)?;
            let rows = query.query_map((bucket, prefix, after.0, after.1, max), Upload::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        Ok(job.await?)
    }

    /// The parts of an upload, by number.
    pub async fn parts(&self, upload: &str) -> StoreResult<Vec<Part>> {
        let upload = upload.to_owned();
        let job = self.inner.db.read(Place::Store, "list the parts of an upload", move |connection| {
            let mut query = connection.prepare_cached(PARTS)?;
            let rows = query.query_map([upload], Part::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        Ok(job.await?)
    }

    /// Adds, or replaces, a part of content that was received.
    pub async fn put_part(&self, upload: &Upload, number: u32, staged: Staged) -> StoreResult<Part> {
        let (store, upload) = (self.clone(), upload.id.clone());
        self.detached(async move { store.place_part(upload, number, staged).await }).await
    }

    async fn place_part(&self, upload: String, number: u32, staged: Staged) -> StoreResult<Part> {
        let in_flight = self.next_generation().await?;
        let Digests { size, md5, sums } = staged.digests().clone();
        let part =
            Part { number, file: in_flight.number(), size, etag: hex::encode(md5), sums, modified_at: self.now() };
        let (files, id) = (self.inner.files.clone(), upload.clone());
        let mut placed = run_blocking(move || files.place_part(staged.temp, &id, in_flight)).await?;
        let (id, row) = (upload.clone(), part.clone());
        let job =
            self.inner.db.write(Place::Store, "record a part", move |connection| put_part_in(connection, &id, &row));
        let replaced = match job.await {
            Ok(answer) => answer?,
            Err(error) => {
                placed.doubt();
                return Err(error.into());
            }
        };
        placed.keep();
        reached(Point::PartCommitted);
        if let Some(file) = replaced {
            let files = self.inner.files.clone();
            tokio::task::spawn_blocking(move || files.remove_part(&upload, file));
        }
        Ok(part)
    }

    /// Puts the parts together as the object. Completing a completed upload again answers as before, and so does a completion that is
    /// repeated while the first one runs: it waits for it. Clients repeat what takes longer than their time-out.
    pub async fn complete_upload(&self, upload: &Upload, completion: Completion) -> StoreResult<StoredObject> {
        let (store, upload) = (self.clone(), upload.clone());
        // The first goes on although its client went away: the parts must not be looked at while they are put together.
        self.detached(async move {
            let turn = store.inner.completions.lock(&upload.bucket, &upload.id).await;
            let upload = store.upload(&upload.bucket, &upload.key, &upload.id)?;
            let completed = store.complete_in_turn(&upload, completion).await;
            drop(turn);
            completed
        })
        .await
    }

    async fn complete_in_turn(&self, upload: &Upload, completion: Completion) -> StoreResult<StoredObject> {
        if upload.completed_etag.is_some() {
            return self.completed_before(upload);
        }
        let parts = choose(&self.parts(&upload.id).await?, &completion)?;
        let etags: Vec<&str> = parts.iter().map(|part| part.etag.as_str()).collect();
        let etag = checksum::multipart_etag(&etags).ok_or_else(|| unreadable(upload))?;
        let checksums = upload_checksums(upload, &parts)?;
        verify(&completion, &checksums, parts.iter().map(|part| part.size).sum())?;
        let staged = self.concatenate(upload, &parts).await?;
        let completes =
            Completes { upload: upload.id.clone(), parts: parts.iter().map(|p| (p.number, p.file)).collect() };
        let parts =
            parts.into_iter().map(|Part { number, size, sums, .. }| ObjectPart { number, size, sums }).collect();
        let object = NewObject {
            bucket: upload.bucket.clone(),
            key: upload.key.clone(),
            description: upload.description.clone(),
            checksums,
            conditions: completion.conditions,
        };
        let content = ReceivedContent {
            staged,
            etag,
            parts,
            also: Some(Box::new(move |connection, row, conditions| {
                complete_in(connection, &completes, row, conditions)
            })),
        };
        let object = self.put_content(content, object).await?;
        reached(Point::UploadCompleted);
        self.remove_upload_folders(vec![upload.id.clone()]).await;
        Ok(object)
    }

    fn completed_before(&self, upload: &Upload) -> StoreResult<StoredObject> {
        let object = self.find(&upload.bucket, &upload.key)?;
        object.filter(|object| upload.completed_etag.as_ref() == Some(&object.etag)).ok_or(Refusal::NoSuchUpload)
    }

    async fn concatenate(&self, upload: &Upload, parts: &[Part]) -> StoreResult<Staged> {
        let (files, upload) = (self.inner.files.clone(), upload.id.clone());
        let parts: Vec<u64> = parts.iter().map(|part| part.file).collect();
        run_blocking(move || concatenate(&files, &upload, &parts)).await
    }

    /// Gives an upload up, with its parts.
    pub async fn abort_upload(&self, upload: &Upload) -> StoreResult<()> {
        // A completion that runs is waited for: its parts must not vanish while they are put together.
        let _turn = self.inner.completions.lock(&upload.bucket, &upload.id).await;
        let (id, bucket, key) = (upload.id.clone(), upload.bucket.clone(), upload.key.clone());
        let job = self.inner.db.write(Place::Store, "abort a multipart upload", move |connection| {
            Ok(connection.prepare_cached(ABORT)?.execute((id, bucket, key))?)
        });
        if job.await? == 0 {
            return Err(Refusal::NoSuchUpload);
        }
        self.remove_upload_folders(vec![upload.id.clone()]).await;
        Ok(())
    }

    /// Removes the parts of uploads that are over. What cannot be removed is left to the sweep.
    pub(super) async fn remove_upload_folders(&self, uploads: Vec<String>) {
        let files = self.inner.files.clone();
        let removed = run_blocking(move || {
            for upload in &uploads {
                files.remove_upload(upload);
            }
            Ok(())
        });
        if let Err(error) = removed.await {
            tracing::warn!(%error, "the parts of a finished upload were left; the next sweep removes them");
        }
    }

    /// Gives up uploads that began at `until` or before; returns how many.
    pub(super) async fn expire_uploads(&self, until: Timestamp) -> Result<u64> {
        let job = self.inner.db.write(Place::Store, "expire multipart uploads", move |connection| {
            let mut delete = connection.prepare_cached(EXPIRED)?;
            let mut expired = delete.query([to_millis(until)])?;
            let mut count = 0;
            while expired.next()?.is_some() {
                count += 1;
            }
            Ok(count)
        });
        job.await
    }

    /// Removes the folders of uploads that are not under way. A folder is made after its upload's row, so one that is
    /// listed before the rows, and has none, is left of an upload that is over.
    pub(super) async fn remove_strange_upload_folders(&self) -> Result<()> {
        let files = self.inner.files.clone();
        let listed = run_blocking(move || files.upload_folders().map_err(|e| Refusal::io("list parts/", e)));
        let mut strange = listed.await?;
        let job = self.inner.db.read(Place::Store, "list multipart uploads", |connection| {
            let mut query = connection.prepare_cached(IDS)?;
            let ids = query.query_map((), |row| row.get(0))?;
            Ok(ids.collect::<Result<HashSet<String>, _>>()?)
        });
        let open = job.await?;
        strange.retain(|folder| !open.contains(folder));
        let files = self.inner.files.clone();
        let removed = run_blocking(move || {
            for folder in &strange {
                files.remove_upload(folder);
            }
            Ok(())
        });
        Ok(removed.await?)
    }
}

fn create_in(connection: &Connection, id: &str, new: &NewUpload, started_at: i64) -> Done<()> {
    connection.prepare_cached(CREATE)?.execute(params![
        id,
        new.bucket,
        new.key,
        started_at,
        new.description.content_type,
        Json(&new.description.headers),
        Json(&new.description.metadata),
        new.algorithm.map(Algorithm::name),
        new.full_object,
    ])?;
    Ok(())
}

fn put_part_in(connection: &Connection, upload: &str, part: &Part) -> Done<StoreResult<Option<u64>>> {
    if !connection.prepare_cached(IS_OPEN)?.query_row([upload], |row| row.get(0))? {
        return Ok(Err(Refusal::NoSuchUpload));
    }
    let old: Option<i64> =
        connection.prepare_cached(OLD_PART)?.query_row((upload, part.number), |row| row.get(0)).optional()?;
    connection.prepare_cached(PUT_PART)?.execute((
        upload,
        part.number,
        integer(part.file),
        integer(part.size),
        &part.etag,
        Json(&part.sums),
        to_millis(part.modified_at),
    ))?;
    Ok(Ok(old.map(i64::unsigned_abs)))
}

/// Ends an upload within the transaction that writes its object, if it still is as it was read.
fn complete_in(
    connection: &Connection,
    completes: &Completes,
    object: &StoredObject,
    conditions: &WriteConditions,
) -> Done<StoreResult<()>> {
    let current = object::find(connection, &object.bucket, &object.key)?;
    if let Err(refusal) = conditions.check(current.as_ref()) {
        return Ok(Err(refusal));
    }
    let mut query = connection.prepare_cached(PARTS)?;
    let stored = query.query_map([&completes.upload], Part::from_row)?.collect::<Result<Vec<_>, _>>()?;
    for (number, file) in &completes.parts {
        if !stored.iter().any(|part| part.number == *number && part.file == *file) {
            return Ok(Err(Refusal::InvalidPart(*number)));
        }
    }
    if connection.prepare_cached(COMPLETE)?.execute((&completes.upload, &object.etag))? == 0 {
        return Ok(Err(Refusal::NoSuchUpload));
    }
    connection.prepare_cached(DELETE_PARTS)?.execute([&completes.upload])?;
    Ok(Ok(()))
}

/// The stored parts that the client names.
fn choose(stored: &[Part], completion: &Completion) -> StoreResult<Vec<Part>> {
    if !completion.parts.is_sorted_by(|a, b| a.number <= b.number) {
        return Err(Refusal::InvalidPartOrder);
    }
    let mut chosen = Vec::with_capacity(completion.parts.len());
    // Of a number that was sent twice and is named twice, the last counts.
    for named in completion.parts.chunk_by(|a, b| a.number == b.number).filter_map(<[NamedPart]>::last) {
        let part = stored.iter().find(|part| part.number == named.number && part.etag == named.etag);
        let part = part.ok_or(Refusal::InvalidPart(named.number))?;
        if named.sums.iter().any(|(algorithm, sum)| part.sums.get(algorithm).is_some_and(|stored| stored != sum)) {
            return Err(Refusal::InvalidPart(named.number));
        }
        chosen.push(part.clone());
    }
    let all_but_last = chosen.split_last().map_or(&[][..], |(_, others)| others);
    match all_but_last.iter().find(|part| part.size < completion.part_min_bytes) {
        Some(part) => Err(Refusal::PartTooSmall { number: part.number, min_bytes: completion.part_min_bytes }),
        None => Ok(chosen),
    }
}

/// The additional checksum of an object, from those of its parts.
fn upload_checksums(upload: &Upload, parts: &[Part]) -> StoreResult<Checksums> {
    let Some(algorithm) = upload.algorithm else {
        return Ok(Checksums::default());
    };
    let sums: Option<Vec<(&str, u64)>> =
        parts.iter().map(|part| Some((part.sums.get(&algorithm)?.as_str(), part.size))).collect();
    let sum = sums.and_then(|sums| {
        if upload.full_object {
            return checksum::full_object(algorithm, &sums);
        }
        checksum::composite(algorithm, &sums.iter().map(|(sum, _)| *sum).collect::<Vec<_>>())
    });
    let sum = sum.ok_or_else(|| unreadable(upload))?;
    Ok(Checksums { sums: Sums::from([(algorithm, sum)]), composite: !upload.full_object })
}

fn verify(completion: &Completion, checksums: &Checksums, size: u64) -> StoreResult<()> {
    if let Some(declared) = completion.declared_size.filter(|declared| *declared != size) {
        return Err(Refusal::LengthMismatch { got: size, declared });
    }
    for (algorithm, declared) in &completion.declared_sums {
        // One that the object does not have was computed of none of its parts: nobody can say that it is right.
        if checksums.sums.get(algorithm) != Some(declared) {
            return Err(Refusal::DigestMismatch(algorithm.name()));
        }
    }
    Ok(())
}

fn unreadable(upload: &Upload) -> Refusal {
    let doing = format!("combine the digests of the parts of upload {}", upload.id);
    Error::new(Place::Store, Kind::Malformed, doing).into()
}

/// Writes the parts one behind the other to a new file. Their digests were computed as they came.
fn concatenate(files: &Files, upload: &str, parts: &[u64]) -> StoreResult<Staged> {
    let error = |e| Refusal::io("put the parts of an upload together", e);
    let mut temp = files.create_temp()?;
    let mut size = 0;
    for &part in parts {
        let mut part = std::fs::File::open(files.part_path(upload, part)).map_err(error)?;
        size += std::io::copy(&mut part, &mut temp.file).map_err(error)?;
    }
    Ok(Staged::new(temp, Digests { size, md5: [0; 16], sums: Sums::new() }))
}
