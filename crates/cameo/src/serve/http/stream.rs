//! A connection whose sending is watched: whether the client takes what is written, and when all of an answer has left.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{connections::Connection, transport::Transport};

pub(super) struct Watched<T: Transport> {
    stream: T,
    connection: Arc<Connection>,
}

impl<T: Transport> Watched<T> {
    pub(super) fn new(stream: T, connection: Arc<Connection>) -> Self {
        Self { stream, connection }
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
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.connection.looked(polled.is_ready());
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
