//! Answers to plain requests that are sent without hyper: headers that were made before, and content from a file by `sendfile`.
//!
//! A connection begins here and stays here as long as its requests are plain and the service has an answer for them; with the first other
//! one it goes to hyper for good, with every byte that was read. Places, pace, time-outs and the end of the listener are those of
//! `connections`, which is told the same of a connection here as there.

use std::{io, pin::Pin, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, Sleep, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    plain::{self, Read},
    service::{Direct, Service},
    stream::Watched,
    transport::Transport,
};
use crate::{
    admission::ConnectionLimits,
    clock::{Clock, SystemClock},
};

/// Room for what is read at first, bytes: more than browsers send.
const READ_BYTES: usize = 2 * 1024;

/// How it ended.
pub(super) enum Ended {
    /// The connection is to be closed.
    Closed,
    /// A request came that is hyper's: with these bytes, of which nothing was answered.
    Other(Vec<u8>),
}

/// Answers requests until one comes that is not plain, or the connection ends.
pub(super) async fn answer<T: Transport, S: Service>(
    stream: &mut Watched<T>,
    service: &S,
    limits: &ConnectionLimits,
    ending: &CancellationToken,
) -> io::Result<Ended> {
    let (mut received, mut head) = (Vec::with_capacity(READ_BYTES), Vec::new());
    let (mut idle, mut date) = (Idle::new(limits.header_timeout), DateLine::default());
    loop {
        let length = match plain::read(&received, limits) {
            Read::Partial => {
                if receive(stream, &mut received, &mut idle).await? {
                    continue;
                }
                return Ok(Ended::Closed);
            }
            Read::Other => return Ok(Ended::Other(received)),
            Read::Plain(request, length) => {
                head.clear();
                let Some(direct) = service.direct(&request, &mut head) else {
                    return Ok(Ended::Other(received));
                };
                let is_last = ending.is_cancelled();
                head.extend_from_slice(date.now());
                head.extend_from_slice(if is_last { b"connection: close\r\n\r\n" } else { b"\r\n" });
                send(stream, &head, direct).await?;
                if is_last {
                    stream.shutdown().await?;
                    return Ok(Ended::Closed);
                }
                length
            }
        };
        received.drain(..length);
        idle.begins();
    }
}

/// Receives more of a head; false where the client ended its side, or took too long.
async fn receive<T: Transport>(stream: &mut Watched<T>, received: &mut Vec<u8>, idle: &mut Idle) -> io::Result<bool> {
    received.reserve(READ_BYTES - received.len() % READ_BYTES);
    tokio::select! {
        biased;
        bytes = stream.read_buf(received) => bytes.map(|bytes| bytes > 0),
        () = idle.too_long() => Ok(false),
    }
}

async fn send<T: Transport>(stream: &mut Watched<T>, head: &[u8], direct: Direct) -> io::Result<()> {
    let asked = stream.connection().begin()?;
    match direct {
        Direct::Content(content) if content.length > 0 => {
            stream.send_all(head, true).await?;
            stream.send_file(&content.file, content.offset, content.length).await?;
        }
        _ => stream.send_all(head, false).await?,
    }
    drop(asked);
    stream.connection().flushed(Instant::now());
    Ok(())
}

/// How long a connection has waited for the head of its next request. The timer is set again when it has run out, not at each request.
struct Idle {
    timer: Pin<Box<Sleep>>,
    since: Instant,
    timeout: Duration,
}

impl Idle {
    fn new(timeout: Duration) -> Self {
        Self { timer: Box::pin(sleep(timeout)), since: Instant::now(), timeout }
    }

    fn begins(&mut self) {
        self.since = Instant::now();
    }

    async fn too_long(&mut self) {
        loop {
            self.timer.as_mut().await;
            let until = self.since + self.timeout;
            if until <= Instant::now() {
                return;
            }
            self.timer.as_mut().reset(until);
        }
    }
}

/// The header `Date`, written once a second.
#[derive(Default)]
struct DateLine {
    second: i64,
    line: Vec<u8>,
}

impl DateLine {
    fn now(&mut self) -> &[u8] {
        // The machine's own, as hyper has it: what is served does not depend on it.
        let now = SystemClock.now();
        if self.line.is_empty() || self.second != now.as_second() {
            self.second = now.as_second();
            self.line = now.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n").to_string().into_bytes();
        }
        &self.line
    }
}
