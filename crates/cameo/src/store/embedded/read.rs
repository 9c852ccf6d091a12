//! Reading content. A file that is open stays readable to the end, whatever happens to its key meanwhile.

use std::{
    fs::File,
    future::Future,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Stream;
use tokio::task::JoinHandle;

use super::{
    Embedded,
    checksum::{Digests, Hasher, multipart_etag},
    object::{self, StoredObject},
    refusal::{Refusal, StoreResult, corrupt},
    run_blocking::run_blocking,
};
use crate::{
    model::error::{Place, Result},
    store::{ContentDigest, ContentState},
};

/// Bytes that are read at once.
const READ_BYTES: u64 = 256 * 1024;
/// Bytes of a piece that is passed on. A client that takes it slowly has one held for it, so it is smaller.
const PIECE_BYTES: u64 = 64 * 1024;
/// How often an object is looked up again when its content was swept between looking it up and opening it.
const ATTEMPTS: usize = 3;

/// An object that is open for reading.
#[derive(Debug)]
pub struct OpenObject {
    /// What the index knows of it.
    pub object: StoredObject,
    pub(super) file: File,
}

impl Embedded {
    /// What is known of an object. `NoSuchBucket` and `NoSuchKey` where it is not there.
    pub fn look_up(&self, bucket: &str, key: &str) -> StoreResult<StoredObject> {
        match self.find(bucket, key)? {
            Some(object) => Ok(object),
            None if self.bucket_exists(bucket)? => Err(Refusal::NoSuchKey),
            None => Err(Refusal::NoSuchBucket),
        }
    }

    /// What is committed at a key.
    pub(super) fn find(&self, bucket: &str, key: &str) -> Result<Option<StoredObject>> {
        self.inner.db.look_up(Place::Store, "look up an object", |connection| object::find(connection, bucket, key))
    }

    /// What is committed at several keys, as of one instant.
    pub(super) fn find_all(&self, bucket: &str, keys: &[&str]) -> Result<Vec<Option<StoredObject>>> {
        self.inner.db.look_up(Place::Store, "look up objects", |connection| {
            let transaction = connection.unchecked_transaction()?;
            keys.iter().map(|key| object::find(&transaction, bucket, key)).collect()
        })
    }

    /// Opens an object for reading.
    pub fn open_object(&self, bucket: &str, key: &str) -> StoreResult<OpenObject> {
        for _ in 1..ATTEMPTS {
            if let Some(open) = self.try_open(bucket, key)? {
                return Ok(open);
            }
        }
        if let Some(open) = self.try_open(bucket, key)? {
            return Ok(open);
        }
        let object = self.look_up(bucket, key)?;
        let path = self.inner.files.object_path(object.position.file);
        Err(corrupt(&object.name(), format!("{} is missing", path.display())).into())
    }

    /// Opens a file where it is asked for: like a look-up, that takes less than handing it to another thread.
    fn try_open(&self, bucket: &str, key: &str) -> StoreResult<Option<OpenObject>> {
        let object = self.look_up(bucket, key)?;
        let path = self.inner.files.object_path(object.position.file);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // Who may look at the file and not read it is kept out of this one file, not out of the store.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.metadata().is_ok() => {
                return Err(corrupt(&object.name(), error).into());
            }
            Err(error) => return Err(read_failed(&object.name(), error)),
        };
        let length = file.metadata().map_err(|error| read_failed(&object.name(), error))?.len();
        // Seen here, before anything of it was sent or rendered.
        match object.position.offset + object.size {
            end if end > length => {
                let what = format!("{} has {length} bytes, and the object ends at byte {end}", path.display());
                Err(corrupt(&object.name(), what).into())
            }
            _ => Ok(Some(OpenObject { object, file })),
        }
    }

    /// The state of the content of keys, by a look at each file.
    pub(super) async fn content_states(&self, bucket: &str, keys: &[&str]) -> Result<Vec<ContentState>> {
        let (found, files) = (self.find_all(bucket, keys)?, self.inner.files.clone());
        let states = run_blocking(move || {
            let state = |object: Option<StoredObject>| match object {
                None => Ok(ContentState::NoObject),
                Some(object) => content_state(&object, &files.object_path(object.position.file)),
            };
            found.into_iter().map(state).collect()
        });
        Ok(states.await?)
    }

    /// Reads an object to the end, and computes what it was recorded with.
    pub(super) async fn content_digest(&self, bucket: &str, key: &str) -> StoreResult<ContentDigest> {
        let open = self.open_object(bucket, key)?;
        run_blocking(move || digest(&open)).await
    }
}

/// Whether an error of reading says that what was written is damaged, rather than that nothing can be read now: `EIO`, `EUCLEAN` and
/// `EBADMSG` of a bad sector, and an end that came too early.
fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof || matches!(error.raw_os_error(), Some(5 | 74 | 117))
}

/// An error of reading the content of an object, named by bucket and key.
pub(super) fn read_failed(name: &str, error: io::Error) -> Refusal {
    if is_damage(&error) {
        return corrupt(name, error).into();
    }
    Refusal::io(&format!("read the content of {name}"), error)
}

fn content_state(object: &StoredObject, path: &Path) -> StoreResult<ContentState> {
    match path.metadata() {
        Ok(found) if found.len() >= object.position.offset + object.size => Ok(ContentState::Present),
        Ok(found) => Ok(ContentState::Short {
            expected_bytes: object.size,
            found_bytes: found.len().saturating_sub(object.position.offset),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ContentState::Missing),
        Err(error) => Err(read_failed(&object.name(), error)),
    }
}

/// Digests of content piece by piece: of all of it, and of each part where it was uploaded in parts.
fn digest(OpenObject { object, file }: &OpenObject) -> StoreResult<ContentDigest> {
    let mut buffer = vec![0; object.size.min(READ_BYTES).try_into().unwrap_or(0)];
    let (mut whole, mut part_etags) = (Hasher::new(&[]), Vec::with_capacity(object.parts.len()));
    let mut at = object.position.offset;
    let mut read = |length: u64, hashers: &mut [&mut Hasher]| -> StoreResult<()> {
        let mut left = length;
        while left > 0 {
            let piece = &mut buffer[..left.min(READ_BYTES).try_into().unwrap_or(0)];
            file.read_exact_at(piece, at).map_err(|error| read_failed(&object.name(), error))?;
            for hasher in hashers.iter_mut() {
                hasher.update(piece);
            }
            at += piece.len() as u64;
            left -= piece.len() as u64;
        }
        Ok(())
    };
    if object.parts.is_empty() {
        read(object.size, &mut [&mut whole])?;
    }
    for part in &object.parts {
        let mut hasher = Hasher::new(&[]);
        read(part.size, &mut [&mut whole, &mut hasher])?;
        part_etags.push(hex::encode(hasher.finish().md5));
    }
    let Digests { size, md5, .. } = whole.finish();
    let md5 = hex::encode(md5);
    let etags: Vec<&str> = part_etags.iter().map(String::as_str).collect();
    let etag = if etags.is_empty() { Some(md5.clone()) } else { multipart_etag(&etags) };
    Ok(ContentDigest { size_bytes: size, md5, etag })
}

impl OpenObject {
    /// A range of the content, which must lie within it, piece by piece.
    pub fn stream(self, range: Range<u64>) -> ContentStream {
        let start = self.object.position.offset + range.start;
        ContentStream { left: range.end - range.start, state: ReadState::Ready(Some((self.file, Some(start)))) }
    }
}

/// A range of an object's content, piece by piece.
#[derive(Debug)]
pub struct ContentStream {
    left: u64,
    state: ReadState,
}

#[derive(Debug)]
enum ReadState {
    /// The file, and where to go to first.
    Ready(Option<(File, Option<u64>)>),
    Reading(JoinHandle<io::Result<(File, Bytes)>>),
}

impl ContentStream {
    /// Bytes that are still to come.
    pub fn remaining(&self) -> u64 {
        self.left
    }
}

impl Stream for ContentStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let left = self.left;
            match &mut self.state {
                _ if left == 0 => return Poll::Ready(None),
                ReadState::Ready(file) => {
                    let Some((file, seek)) = file.take() else {
                        return Poll::Ready(None);
                    };
                    let length = left.min(PIECE_BYTES);
                    self.state = ReadState::Reading(tokio::task::spawn_blocking(move || read_next(file, seek, length)));
                }
                ReadState::Reading(reading) => {
                    let result = ready!(Pin::new(reading).poll(cx)).unwrap_or_else(|e| Err(io::Error::other(e)));
                    return Poll::Ready(Some(self.took(result)));
                }
            }
        }
    }
}

impl ContentStream {
    fn took(&mut self, result: io::Result<(File, Bytes)>) -> io::Result<Bytes> {
        self.state = ReadState::Ready(None);
        let (file, bytes) = result?;
        self.left -= bytes.len() as u64;
        self.state = ReadState::Ready(Some((file, None)));
        Ok(bytes)
    }
}

fn read_next(mut file: File, seek: Option<u64>, length: u64) -> io::Result<(File, Bytes)> {
    if let Some(start) = seek {
        file.seek(SeekFrom::Start(start))?;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    let mut limited = file.take(length);
    let read = limited.read_to_end(&mut bytes)?;
    if read as u64 != length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the content is shorter than the index says"));
    }
    Ok((limited.into_inner(), bytes.into()))
}
