//! Words for what cannot be read.
//!
//! What hyper cannot read as a request it answers itself, with a head and nothing else, and lets nobody say more. The service may: its answer is
//! sent instead. This is between hyper and whatever the connection is: inside of TLS, where heads are what they are.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a head that hyper writes by itself, at most: it has three headers.
const BARE_MAX_BYTES: usize = 256;
/// What such a head has, and no answer of a service, which has headers of its own.
const BARE: [&[u8]; 4] = [b"http/1.1", b"connection: close", b"content-length: 0", b"date:"];

/// What is sent instead of a bare head.
struct Instead {
    content: Bytes,
    sent: usize,
    /// How much of it was written by hyper, in its own view.
    stands_for: usize,
}

/// A connection on which the service answers what hyper cannot read.
pub(super) struct Worded<S> {
    stream: S,
    /// What the service answers to what cannot be read.
    unreadable: fn(StatusCode) -> Option<Bytes>,
    instead: Option<Instead>,
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    pub(super) fn new(stream: S, unreadable: fn(StatusCode) -> Option<Bytes>) -> Self {
        Self { stream, unreadable, instead: None }
    }

    /// Sends what stands for a bare head, where these bytes are one.
    fn poll_instead(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if self.instead.is_none() {
            let content = (self.unreadable)(status_of_bare(bytes)?)?;
            self.instead = Some(Instead { content, sent: 0, stands_for: bytes.len() });
        }
        while let Some(Instead { content, sent, stands_for }) = &mut self.instead {
            if *sent == content.len() {
                let stands_for = *stands_for;
                self.instead = None;
                return Some(Poll::Ready(Ok(stands_for)));
            }
            match Pin::new(&mut self.stream).poll_write(cx, &content[*sent..]) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(written)) => *sent += written,
                other => return Some(other),
            }
        }
        None
    }
}

/// The status of a head that hyper wrote by itself.
fn status_of_bare(bytes: &[u8]) -> Option<StatusCode> {
    if bytes.len() > BARE_MAX_BYTES || !bytes.starts_with(b"HTTP/1.1 4") || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let lines = || bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let is_bare = |line: &[u8]| BARE.iter().any(|start| line.to_ascii_lowercase().starts_with(start));
    let is_empty = lines().any(|line| line.eq_ignore_ascii_case(b"content-length: 0"));
    (is_empty && lines().all(is_bare)).then(|| StatusCode::from_bytes(&bytes[9..12]).ok()).flatten()
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(polled) = self.poll_instead(cx, bytes) {
            return polled;
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A bare head is written as one piece.
        if let [only] = slices
            && let Some(polled) = self.poll_instead(cx, only)
        {
            return polled;
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_nobody_of_ours_wrote_is_known_by_its_headers() {
        let of = |text: &str| status_of_bare(text.as_bytes()).map(|status| status.as_u16());
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: Fri\r\n\r\n";
        assert_eq!(of(bare), Some(431));
        assert_eq!(of("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"), Some(400));
        for other in [
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\nx-content-type-options: nosniff\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 7\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 431 Request",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
