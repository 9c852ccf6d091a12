//! Receiving content: a body is streamed to a file in `tmp/` and hashed on the way. It is synced once it has its record, before it is moved.
//!
//! Nothing that is stored is touched here. Files and hashes are worked on by blocking threads, while the next bytes are
//! received; at most two buffers of [`BUFFER_BYTES`] are held for a body.

use std::{
    fs::File,
    future::ready,
    io::{self, IoSlice, Read, Seek, SeekFrom, Write},
    sync::Arc,
};

use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture};

use super::{
    checksum::{Algorithm, Digests, Hasher, Sums},
    files::{Files, TempFile},
    read::{OpenObject, read_failed},
    refusal::{BodyError, Refusal, StoreResult},
    run_blocking::run_blocking,
};
use crate::failpoint::{Point, reached};

/// Bytes of a body that are gathered before they are written.
pub const BUFFER_BYTES: usize = 1024 * 1024;

/// Pieces that are written at once; Linux takes 1024 (`IOV_MAX`).
const PIECES_AT_ONCE: usize = 1024;

/// Content that was received, and that nothing refers to: dropping it removes it.
#[derive(Debug)]
pub struct Staged {
    pub(super) temp: TempFile,
    digests: Digests,
}

impl Staged {
    pub(super) fn new(temp: TempFile, digests: Digests) -> Self {
        Self { temp, digests }
    }

    /// All of an object once more, in a file of its own.
    pub(super) fn copy_of(files: &Files, open: OpenObject) -> StoreResult<Self> {
        let mut temp = files.create_temp()?;
        let OpenObject { object, mut file } = open;
        let name = object.name();
        file.seek(SeekFrom::Start(object.position.offset)).map_err(|error| read_failed(&name, error))?;
        let copied = io::copy(&mut file.take(object.size), &mut temp.file);
        if copied.map_err(|error| Refusal::io("copy content", error))? != object.size {
            return Err(read_failed(&name, io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(Self::new(temp, Digests { size: object.size, md5: [0; 16], sums: Sums::new() }))
    }

    /// What was computed of the content.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }
}

struct Sink {
    files: Arc<Files>,
    temp: Option<TempFile>,
    hasher: Hasher,
}

impl Sink {
    fn write(mut self, chunks: &[Bytes]) -> StoreResult<Self> {
        let mut temp = match self.temp.take() {
            Some(temp) => temp,
            None => self.files.create_temp()?,
        };
        write_pieces(&mut temp.file, chunks)?;
        for chunk in chunks {
            self.hasher.update(chunk);
        }
        self.temp = Some(temp);
        Ok(self)
    }

    fn finish(self, chunks: &[Bytes]) -> StoreResult<Staged> {
        let Self { files, temp, hasher } = self.write(chunks)?;
        let temp = match temp {
            Some(temp) => temp,
            None => files.create_temp()?,
        };
        reached(Point::ContentWritten);
        Ok(Staged::new(temp, hasher.finish()))
    }
}

/// Writes pieces one behind the other, all of them at once as far as the system takes them: it then keeps them in larger units.
pub(super) fn write_pieces(file: &mut File, pieces: &[Bytes]) -> StoreResult<()> {
    for some in pieces.chunks(PIECES_AT_ONCE) {
        let mut slices: Vec<_> = some.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match file.write_vectored(left) {
                Ok(0) => return Err(Refusal::io("write content", io::ErrorKind::WriteZero.into())),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Refusal::io("write content", error)),
            }
        }
    }
    Ok(())
}

/// Waits for the write under way, so that its file is gone when the refusal is told.
async fn give_up(writing: BoxFuture<'static, StoreResult<Sink>>, refusal: Refusal) -> Refusal {
    drop(writing.await);
    refusal
}

/// Receives a body of at most `max_bytes`.
pub(super) async fn stage<S>(
    files: Arc<Files>,
    mut body: S,
    algorithms: &[Algorithm],
    max_bytes: u64,
) -> StoreResult<Staged>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Unpin + Send,
{
    let sink = Sink { files, temp: None, hasher: Hasher::new(algorithms) };
    let mut writing: BoxFuture<'static, StoreResult<Sink>> = ready(Ok(sink)).boxed();
    let (mut chunks, mut buffered, mut received) = (Vec::new(), 0, 0_u64);
    while let Some(chunk) = body.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Err(give_up(writing, Refusal::Body(error)).await),
        };
        received += chunk.len() as u64;
        buffered += chunk.len();
        chunks.push(chunk);
        if received > max_bytes {
            return Err(give_up(writing, Refusal::TooLarge(max_bytes)).await);
        }
        if buffered >= BUFFER_BYTES {
            let (sink, full) = (writing.await?, std::mem::take(&mut chunks));
            buffered = 0;
            writing = run_blocking(move || sink.write(&full));
        }
    }
    let sink = writing.await?;
    run_blocking(move || sink.finish(&chunks)).await
}
