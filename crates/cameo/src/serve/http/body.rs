//! Bodies as a listener watches them: what comes in, and whether what goes out has ended.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::connections::{Connection, RequestUnderWay};

/// The body of a request. It ends with an error of the kind `TimedOut` when its client sends too slowly.
#[derive(Debug)]
pub(crate) struct Incoming {
    body: hyper::body::Incoming,
    connection: Arc<Connection>,
}

impl Incoming {
    pub(super) fn new(body: hyper::body::Incoming, connection: Arc<Connection>) -> Self {
        Self { body, connection }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.connection.has_given_up_receiving() {
            let error = io::Error::new(
                io::ErrorKind::TimedOut,
                "the client was idle in the middle of a body, or sent it too slowly",
            );
            return Poll::Ready(Some(Err(error.into())));
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let now = Instant::now();
        match &polled {
            Poll::Pending => self.connection.waits_to_receive(cx.waker(), now),
            Poll::Ready(frame) => {
                let length = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
                self.connection.received(length, now);
            }
        }
        polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.connection.stops_receiving(Instant::now());
    }
}

/// The body of an answer, with the request that it ends.
#[derive(Debug)]
pub(super) struct Outgoing<B> {
    body: Pin<Box<B>>,
    _asked: RequestUnderWay,
}

impl<B> Outgoing<B> {
    pub(super) fn new(body: B, asked: RequestUnderWay) -> Self {
        Self { body: Box::pin(body), _asked: asked }
    }
}

impl<B: Body> Body for Outgoing<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.body.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
