//! A connection whose sending is watched: whether the client takes what is written, and when all of an answer has left.

use std::{
    fs::File,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{
    connections::Connection,
    transport::{Transport, send, send_file},
};

pub(super) struct Watched<T: Transport> {
    stream: T,
    connection: Arc<Connection>,
    /// What was received and is to be read again, before anything else; and how much of it was.
    unread: (Vec<u8>, usize),
    /// Whether somebody else tells the connection what was read: bytes of TLS are not yet what was sent.
    is_read_through_tls: bool,
}

impl<T: Transport> Watched<T> {
    pub(super) fn new(stream: T, connection: Arc<Connection>) -> Self {
        Self { stream, connection, unread: (Vec::new(), 0), is_read_through_tls: false }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Has these bytes read again, before what comes next.
    pub(super) fn unread(&mut self, bytes: Vec<u8>) {
        self.unread = (bytes, 0);
    }

    /// From now on whoever decrypts what is read says what was found.
    pub(super) fn is_read_through_tls(&mut self) {
        self.is_read_through_tls = true;
    }

    /// Sends all of these bytes; `more` where something follows at once.
    pub(super) async fn send_all(&self, mut bytes: &[u8], more: bool) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = self.sending(|stream| send(stream, bytes, more)).await?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    /// Sends a part of a file as it is there, which this process does not read.
    pub(super) async fn send_file(&self, file: &File, offset: u64, length: u64) -> io::Result<()> {
        let (mut at, end) = (offset, offset + length);
        while at < end {
            let left = end - at;
            if self.sending(|stream| send_file(stream, file, &mut at, left)).await? == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file has become shorter than the content",
                ));
            }
        }
        Ok(())
    }

    async fn sending(&self, mut operation: impl FnMut(&T) -> io::Result<usize>) -> io::Result<usize> {
        poll_fn(|cx| self.noted(self.stream.poll_write_by(cx, &mut || operation(&self.stream)))).await
    }

    fn noted(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &polled {
            Poll::Ready(Ok(bytes)) => self.connection.sent(*bytes, Instant::now()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.connection.waits_to_send(Instant::now()),
        }
        polled
    }
}

impl<T: Transport> Drop for Watched<T> {
    fn drop(&mut self) {
        // The kernel would hold what was not taken, and try to send it for minutes.
        if self.connection.is_sending() {
            self.stream.drop_the_rest();
        }
    }
}

impl<T: Transport> AsyncRead for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (bytes, read) = &mut self.unread;
        if *read < bytes.len() {
            let length = buffer.remaining().min(bytes.len() - *read);
            buffer.put_slice(&bytes[*read..*read + length]);
            *read += length;
            return Poll::Ready(Ok(()));
        }
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if !self.is_read_through_tls {
            self.connection.looked(polled.is_ready());
        }
        polled
    }
}

impl<T: Transport> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.noted(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when it has written all that it held.
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        if polled.is_ready() {
            self.connection.flushed(Instant::now());
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
