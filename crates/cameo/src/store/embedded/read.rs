//! Reading content. A file that is open stays readable to the end, whatever happens to its key meanwhile.

use std::{
    fs::File,
    future::Future,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Stream;
use tokio::task::JoinHandle;

use super::{
    Embedded,
    object::{self, StoredObject},
    refusal::{Answer, Refusal},
};
use crate::error::{Error, Kind, Place, Result};

/// Bytes that are read at once.
const READ_BYTES: u64 = 256 * 1024;
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
    pub fn look_up(&self, bucket: &str, key: &str) -> Answer<StoredObject> {
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
    pub fn open_object(&self, bucket: &str, key: &str) -> Answer<OpenObject> {
        for _ in 1..ATTEMPTS {
            if let Some(open) = self.try_open(bucket, key)? {
                return Ok(open);
            }
        }
        self.try_open(bucket, key)?.ok_or_else(|| {
            Error::new(Place::Store, Kind::Fatal, format!("open the content of {bucket}/{key}: its file is missing"))
                .into()
        })
    }

    /// Opens a file where it is asked for: like a look-up, that takes less than handing it to another thread.
    fn try_open(&self, bucket: &str, key: &str) -> Answer<Option<OpenObject>> {
        let object = self.look_up(bucket, key)?;
        match File::open(self.inner.files.object_path(object.position.file)) {
            Ok(file) => Ok(Some(OpenObject { object, file })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Refusal::io("open the content of an object", error)),
        }
    }
}

impl OpenObject {
    /// A range of the content, which must lie within it, piece by piece.
    pub fn stream(self, range: Range<u64>) -> ContentStream {
        let start = self.object.position.offset + range.start;
        ContentStream { left: range.end - range.start, state: State::Ready(Some((self.file, Some(start)))) }
    }
}

/// A range of an object's content, piece by piece.
#[derive(Debug)]
pub struct ContentStream {
    left: u64,
    state: State,
}

#[derive(Debug)]
enum State {
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
                State::Ready(file) => {
                    let Some((file, seek)) = file.take() else {
                        return Poll::Ready(None);
                    };
                    let length = left.min(READ_BYTES);
                    self.state = State::Reading(tokio::task::spawn_blocking(move || read_next(file, seek, length)));
                }
                State::Reading(reading) => {
                    let result = ready!(Pin::new(reading).poll(cx)).unwrap_or_else(|e| Err(io::Error::other(e)));
                    return Poll::Ready(Some(self.took(result)));
                }
            }
        }
    }
}

impl ContentStream {
    fn took(&mut self, result: io::Result<(File, Bytes)>) -> io::Result<Bytes> {
        self.state = State::Ready(None);
        let (file, bytes) = result?;
        self.left -= bytes.len() as u64;
        self.state = State::Ready(Some((file, None)));
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
