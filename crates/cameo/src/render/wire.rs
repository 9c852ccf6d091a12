//! What the host and a render child say to each other: frames of a length and a JSON text, over one socket.
//!
//! Pixels and files never pass here: the original and the renditions lie in shared memory, the frames only tell how long they are.
//! The host must take nothing from a child on trust: every length is bounded and every text cut.

use std::io::{self, Read, Write};

use cameo_image::{Fit, ImageSize, Limits, SizeSet};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Protection;

/// Changes with every change of the messages: the executable may have been replaced since the host started.
pub(super) const PROTOCOL: u32 = 1;
/// Length of a frame in bytes, at most.
const MAX_FRAME_BYTES: usize = 64 << 10;
/// Bytes of a detail, at most.
pub(super) const MAX_DETAIL_BYTES: usize = 2 << 10;
/// Bytes of the length in front of a frame.
const PREFIX_BYTES: usize = 4;

/// The host's first word: how the child has to limit itself. The files of the shared memory come with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) protocol: u32,
    /// Process id of the host, by which the child knows whether the host is still there.
    pub(super) host: i32,
    pub(super) memory_bytes: u64,
    pub(super) max_bytes: u64,
    pub(super) max_pixels: u64,
    pub(super) max_side: u32,
    pub(super) max_scans: u32,
}

impl Setup {
    pub(super) fn new(host: i32, memory_bytes: u64, limits: &Limits) -> Self {
        let &Limits { max_bytes, max_pixels, max_side, max_scans } = limits;
        Self { protocol: PROTOCOL, host, memory_bytes, max_bytes, max_pixels, max_side, max_scans }
    }

    pub(super) fn limits(&self) -> Limits {
        let &Self { max_bytes, max_pixels, max_side, max_scans, .. } = self;
        Limits { max_bytes, max_pixels, max_side, max_scans }
    }
}

/// The child's first word: it has limited itself and takes originals.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) protocol: u32,
    pub(super) engine_version: String,
    pub(super) protections: Vec<Protection>,
}

/// An original to render.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RenderRequest {
    pub(super) original_bytes: usize,
    pub(super) sizes: Vec<Size>,
}

impl RenderRequest {
    pub(super) fn new(original_bytes: usize, size_set: &SizeSet) -> Self {
        Self { original_bytes, sizes: size_set.sizes().iter().map(Size::from).collect() }
    }
}

/// An image size as it is sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Size {
    name: String,
    width: u32,
    height: u32,
    cover: bool,
    quality: u8,
    enlarge: bool,
    optimize_coding: bool,
}

impl From<&ImageSize> for Size {
    fn from(size: &ImageSize) -> Self {
        let &ImageSize { ref name, width, height, fit, quality, enlarge, optimize_coding } = size;
        Self { name: name.clone(), width, height, cover: fit == Fit::Cover, quality, enlarge, optimize_coding }
    }
}

impl From<Size> for ImageSize {
    fn from(size: Size) -> Self {
        let Size { name, width, height, cover, quality, enlarge, optimize_coding } = size;
        let fit = if cover { Fit::Cover } else { Fit::Inside };
        Self { name, width, height, fit, quality, enlarge, optimize_coding }
    }
}

/// What became of an original.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum RenderReply {
    Rendered { width: u32, height: u32, renditions: Vec<Piece> },
    Rejected { reason: String, detail: String, size: Option<(u32, u32)> },
}

/// A rendition in the shared memory, right behind the one before it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) image_size: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bytes: usize,
}

/// What a read brought.
#[derive(Debug)]
pub(super) enum Received<T> {
    /// The rest of a message.
    Message(T),
    /// A part of one, or nothing.
    Part,
    /// The end.
    Closed,
}

/// One end of the socket. A read that times out loses nothing: the next one goes on where it stopped.
#[derive(Debug)]
pub(super) struct Channel<S> {
    stream: S,
    /// What was read and not yet taken.
    unread: Vec<u8>,
}

impl<S> Channel<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }
}

impl<S: Read + Write> Channel<S> {
    pub(super) fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        self.stream.write_all(&frame(message)?)
    }

    /// The next message, or nothing once the other end is closed.
    pub(super) fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            match self.receive_some()? {
                Received::Message(message) => return Ok(Some(message)),
                Received::Part => {}
                Received::Closed => return Ok(None),
            }
        }
    }

    /// What one read brings. Whoever has a deadline looks at it in between: a message that comes byte by byte never makes a read time out.
    pub(super) fn receive_some<T: DeserializeOwned>(&mut self) -> io::Result<Received<T>> {
        let mut chunk = [0; 4096];
        if let Some(message) = self.take()? {
            return Ok(Received::Message(message));
        }
        match self.stream.read(&mut chunk) {
            Ok(0) => return Ok(Received::Closed),
            Ok(read) => self.unread.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(self.take()?.map_or(Received::Part, Received::Message))
    }

    fn take<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some((prefix, rest)) = self.unread.split_first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        let length = usize::try_from(u32::from_le_bytes(*prefix)).map_err(io::Error::other)?;
        if length > MAX_FRAME_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
        }
        let Some(text) = rest.get(..length) else { return Ok(None) };
        let message = serde_json::from_slice(text)?;
        self.unread.drain(..PREFIX_BYTES + length);
        Ok(Some(message))
    }
}

/// A message as it is sent.
pub(super) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; PREFIX_BYTES];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - PREFIX_BYTES;
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    let length = u32::try_from(length).map_err(io::Error::other)?;
    frame[..PREFIX_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// The message of a frame that was read by other means than a [`Channel`].
pub(super) fn unframe<T: DeserializeOwned>(frame: &[u8]) -> io::Result<T> {
    let text = frame.get(PREFIX_BYTES..).unwrap_or_default();
    Ok(serde_json::from_slice(text)?)
}

/// The text, cut to [`MAX_DETAIL_BYTES`].
pub(super) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_DETAIL_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn messages_arrive_whole_and_in_order() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut ours, mut theirs) = (Channel::new(ours), Channel::new(theirs));
        let size_set = SizeSet::default();
        for original_bytes in [1, 2] {
            ours.send(&RenderRequest::new(original_bytes, &size_set)).unwrap();
        }
        drop(ours);
        for original_bytes in [1, 2] {
            let job: RenderRequest = theirs.receive().unwrap().unwrap();
            assert_eq!(job.original_bytes, original_bytes);
            let sizes = job.sizes.into_iter().map(ImageSize::from).collect();
            assert_eq!(SizeSet::new(sizes).unwrap(), size_set);
        }
        assert!(theirs.receive::<RenderRequest>().unwrap().is_none());
    }

    #[test]
    fn a_frame_cut_by_a_timeout_is_read_on() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let mut theirs = Channel::new(theirs);
        let frame = frame(&"hello").unwrap();
        let (head, tail) = frame.split_at(6);
        ours.write_all(head).unwrap();
        assert_eq!(theirs.receive::<String>().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        ours.write_all(tail).unwrap();
        assert_eq!(theirs.receive::<String>().unwrap().as_deref(), Some("hello"));
    }

    #[test]
    fn a_frame_too_long_is_refused_before_it_is_read() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert_eq!(Channel::new(theirs).receive::<String>().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
