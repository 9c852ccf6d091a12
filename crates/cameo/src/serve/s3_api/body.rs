//! The body of a request, seen from both sides: the service reads it, and the front asks afterwards how far.
//!
//! Whether it was touched decides about `Expect: 100-continue` (the `100` goes out with the first read); whether it
//! ended decides whether the connection can be used again. A body that stands still for too long ends with an error.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request. Clones share it.
#[derive(Clone)]
pub(super) struct RequestBody(Arc<Mutex<State>>);

struct State {
    incoming: Incoming,
    touched: bool,
    ended: bool,
    idle_timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, idle_timeout: Duration) -> Self {
        let ended = incoming.is_end_stream();
        let timer = Box::pin(tokio::time::sleep(idle_timeout));
        Self(Arc::new(Mutex::new(State { incoming, touched: false, ended, idle_timeout, timer })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody tried to read it.
    pub(super) fn is_touched(&self) -> bool {
        self.lock().touched
    }

    /// Whether all of it was read.
    pub(super) fn is_ended(&self) -> bool {
        self.lock().ended
    }

    /// Reads and forgets at most `max_bytes`; whether the body ended within them.
    pub(super) async fn drain(&self, max_bytes: u64) -> bool {
        let mut left = max_bytes;
        while !self.is_ended() {
            let frame = poll_fn(|cx| self.lock().poll(cx)).await;
            let length = match frame {
                Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
                Some(Err(_)) => return false,
                None => return true,
            };
            let Some(rest) = left.checked_sub(length) else { return false };
            left = rest;
        }
        true
    }
}

impl State {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.touched {
            self.touched = true;
            self.rewind();
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.rewind();
                self.ended = frame.is_none() || self.incoming.is_end_stream();
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending if self.timer.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Some(Err("the connection stood idle in the middle of a body".into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn rewind(&mut self) {
        let deadline = Instant::now() + self.idle_timeout;
        self.timer.as_mut().reset(deadline);
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.lock().poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().incoming.size_hint()
    }
}
