//! The body of a request, seen from both sides: the service reads it, and the front asks afterwards how far.
//!
//! Whether it was touched decides about `Expect: 100-continue` (the `100` goes out with the first read); whether it
//! ended decides whether the connection can be used again. A body that stands still for too long ends with an error, and
//! so does one that finds no more room among the bytes in flight: room is taken as bytes come, so that clients that tell of
//! much and send little take none from others.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};

use crate::serve::http::Incoming;

/// How quickly the rest of a refused body must come.
#[derive(Debug, Clone, Copy)]
pub(super) struct DrainRate {
    /// Time that any body has.
    pub(super) grace: Duration,
    /// Beyond that, bytes per second.
    pub(super) bytes_per_s: u64,
    /// Whatever the rate.
    pub(super) longest: Duration,
}

impl DrainRate {
    /// The time in which so many bytes may have come.
    fn allowed(self, received_bytes: u64) -> Duration {
        let earned = Duration::from_millis(received_bytes.saturating_mul(1000) / self.bytes_per_s.max(1));
        (self.grace + earned).min(self.longest)
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The unit of the bytes in flight.
const IN_FLIGHT_UNIT: u64 = 1024;

/// All the bytes of bodies that may be held in memory together. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    places: Arc<Semaphore>,
    max_bytes: u64,
}

impl InFlight {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self { places: Arc::new(Semaphore::new(units(max_bytes) as usize)), max_bytes }
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Room for so many bytes; none where there is none.
    pub(super) fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_many_owned(units(bytes)).ok()
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(IN_FLIGHT_UNIT)).unwrap_or(u32::MAX)
}

/// Room that a body has taken, and may take more of.
struct Room {
    in_flight: InFlight,
    permit: OwnedSemaphorePermit,
    /// What this body holds in memory at most, however long it is.
    max_bytes: u64,
    received_bytes: u64,
}

impl Room {
    /// Makes room for the next bytes; false when there is none.
    fn grow(&mut self, bytes: u64) -> bool {
        self.received_bytes += bytes;
        let wanted = units(self.received_bytes.min(self.max_bytes)) as usize;
        let Some(missing) = wanted.checked_sub(self.permit.num_permits()).filter(|missing| *missing > 0) else {
            return true;
        };
        let more = self.in_flight.reserve(missing as u64 * IN_FLIGHT_UNIT);
        more.map(|more| self.permit.merge(more)).is_some()
    }
}

/// The body of a request. Clones share it.
#[derive(Clone)]
pub(super) struct RequestBody(Arc<Mutex<BodyState>>);

struct BodyState {
    incoming: Incoming,
    touched: bool,
    ended: bool,
    room: Option<Room>,
    crowded_out: bool,
    idle_timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, idle_timeout: Duration) -> Self {
        let ended = incoming.is_end_stream();
        let timer = Box::pin(tokio::time::sleep(idle_timeout));
        Self(Arc::new(Mutex::new(BodyState {
            incoming,
            touched: false,
            ended,
            room: None,
            crowded_out: false,
            idle_timeout,
            timer,
        })))
    }

    /// Counts its bytes as they come, up to `max_bytes`: beginning with `permit`.
    pub(super) fn take_room(&self, in_flight: InFlight, permit: OwnedSemaphorePermit, max_bytes: u64) {
        self.lock().room = Some(Room { in_flight, permit, max_bytes, received_bytes: 0 });
    }

    /// Gives its room back: from here on its bytes are not kept.
    pub(super) fn leave_room(&self) {
        self.lock().room = None;
    }

    /// Whether it ended because there was no room for more of it.
    pub(super) fn is_crowded_out(&self) -> bool {
        self.lock().crowded_out
    }

    fn lock(&self) -> MutexGuard<'_, BodyState> {
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

    /// Reads and forgets at most `max_bytes`, as long as they come at `rate` at least; whether the body ended within them.
    pub(super) async fn drain(&self, max_bytes: u64, rate: DrainRate) -> bool {
        let (began, mut left) = (Instant::now(), max_bytes);
        while !self.is_ended() {
            let deadline = began + rate.allowed(max_bytes - left);
            let frame = tokio::time::timeout_at(deadline, poll_fn(|cx| self.lock().poll(cx))).await;
            let Ok(frame) = frame else { return false };
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

impl BodyState {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.touched {
            self.touched = true;
            self.rewind();
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.rewind();
                self.ended = frame.is_none() || self.incoming.is_end_stream();
                let length = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
                if self.room.as_mut().is_some_and(|room| !room.grow(length as u64)) {
                    self.crowded_out = true;
                    return Poll::Ready(Some(Err("too many bytes are being received".into())));
                }
                Poll::Ready(frame)
            }
            Poll::Pending if self.timer.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Some(Err("the connection was idle in the middle of a body".into())))
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
