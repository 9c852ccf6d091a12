//! One base for the three listeners: who may connect, how long a request may take to arrive and an answer to leave, and how a listener ends.
//!
//! ```text
//! accept → admit (places, places a client) → plain requests (`direct`) → the listener's own service, content by `sendfile`
//!                                          ├ all others → hyper (heads, their limits) → host check → the listener's own service
//!                                          └ where it speaks TLS: handshake → hyper, as above
//!                                            all watched: idle, receiving or sending too slowly
//! ```
//!
//! A listener has as many places as descriptors were shared out to it. An idle connection holds its place only until somebody else needs
//! it, so connections that ask for nothing keep nobody out. What is slow is measured by `pace` in both directions, and a connection that
//! waits for its client longer than the pace allows is closed. Nothing here knows what is served.

use std::{
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Request, StatusCode};
use http_body::Body;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{runtime::Handle, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

mod accept;
mod body;
mod clients;
mod connections;
mod direct;
mod host;
mod pace;
mod plain;
mod service;
mod sometimes;
mod stream;
mod tls;
mod transport;
mod worded;

#[cfg(test)]
mod tests;

pub use crate::admission::ConnectionLimits;
pub use accept::{Accept, Listener};
pub use clients::ClientAddress;
pub use tls::{OverTls, Tls};
pub use transport::{Peer, Transport};

pub(super) use body::Incoming;
pub(super) use clients::client_of;
pub(super) use host::authority;
pub(super) use plain::PlainRequest;
pub(super) use service::{Direct, FileContent, Service};
pub(super) use sometimes::Sometimes;

use body::Outgoing;
use connections::{Admitted, Connections, Place, Verdict};
use direct::Ended;
use stream::Watched;
use tls::TOO_MANY_OVER_TLS;
use worded::Worded;

/// How long to wait before accepting again after a failure, such as no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often a connection is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often while the listener ends.
const LOOK_EVERY_AT_THE_END: Duration = Duration::from_millis(50);
/// Whether content can be sent from a file as it is.
const SENDS_FILES: bool = cfg!(target_os = "linux");
/// The answer to a client that has too many connections, written as it is: no request of it is read.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves until `shutdown` completes. Then requests under way get `limits.shutdown_timeout` to finish, as long as their clients
/// keep up; whoever asks for nothing, or stands still, is not waited for.
///
/// Never returns early: failing to accept (no file descriptors) is logged and tried again.
pub(super) async fn serve<S: Service>(
    name: &'static str,
    listener: impl Accept,
    limits: ConnectionLimits,
    service: S,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_on(name, listener, limits, Vec::new(), service, shutdown).await
}

/// [`serve`], with connections on other runtimes, one after the other; where there are none, on the caller's.
pub(super) async fn serve_on<S: Service>(
    name: &'static str,
    listener: impl Accept,
    limits: ConnectionLimits,
    runtimes: Vec<Handle>,
    service: S,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let shutdown_timeout = limits.shutdown_timeout;
    let listening = Listening {
        server: server(&limits),
        connections: Connections::new(name, limits),
        service,
        ending: CancellationToken::new(),
        runtimes,
        accepted: AtomicUsize::new(0),
    };
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            () = listening.accept_one(&listener, &mut open) => {}
        }
        // Those that have ended are forgotten.
        while open.try_join_next().is_some() {}
    }
    drop(listener);
    listening.ending.cancel();
    let ended = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(shutdown_timeout, ended).await.is_err() {
        tracing::warn!(listener = name, "requests were still under way when the time to finish ended");
    }
    Ok(())
}

fn server(limits: &ConnectionLimits) -> http1::Builder {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        // A client that has sent its request whole, and ends its side of the connection, waits for the answer.
        .half_close(true)
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.headers_max_bytes);
    server
}

/// A connection that has a place.
struct Arrived {
    peer: Peer,
    place: Place,
    tls: Option<Tls>,
}

/// What the connections of a listener share.
struct Listening<S> {
    server: http1::Builder,
    connections: Connections,
    service: S,
    ending: CancellationToken,
    runtimes: Vec<Handle>,
    accepted: AtomicUsize,
}

impl<S: Service> Listening<S> {
    /// Accepts one connection and starts to serve it, once there is a place for it.
    async fn accept_one(&self, listener: &impl Accept, open: &mut JoinSet<()>) {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                self.connections.accept_failed(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
                return;
            }
        };
        let tls = listener.tls();
        match self.connections.admit(peer.address()).await {
            Admitted::Place(place) => self.spawn(stream, Arrived { peer, place, tls: tls.cloned() }, open),
            // As much as the send buffer of a fresh connection takes, which is all of it; nobody waits for it.
            Admitted::TooMany => stream.write_at_once(if tls.is_some() { TOO_MANY_OVER_TLS } else { TOO_MANY }),
        }
    }

    /// Serves a connection on the runtime whose turn it is.
    fn spawn<T: Transport>(&self, stream: T, arrived: Arrived, open: &mut JoinSet<()>) {
        stream.prepare();
        if self.runtimes.is_empty() {
            open.spawn(self.serve_one(stream, arrived));
            return;
        }
        let runtime = &self.runtimes[self.accepted.fetch_add(1, Ordering::Relaxed) % self.runtimes.len()];
        let entered = runtime.enter();
        let moved = stream.move_here();
        drop(entered);
        match moved {
            Ok(stream) => drop(open.spawn_on(self.serve_one(stream, arrived), runtime)),
            Err(error) => ended_early(&error),
        }
    }

    fn serve_one<T: Transport>(&self, stream: T, arrived: Arrived) -> impl Future<Output = ()> + use<S, T> {
        let Arrived { peer, place, tls } = arrived;
        let is_tls = tls.is_some();
        let limits = self.connections.limits();
        // A client that takes nothing must not have the kernel hold megabytes for it.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, limits.send_buffer_bytes);
        let (limits, look_every) = (limits.clone(), LOOK_EVERY.min(limits.idle_timeout / 8));
        let (connection, service, direct_service) =
            (place.connection().clone(), self.service.clone(), self.service.clone());
        let answering = connection.clone();
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let (service, connection) = (service.clone(), answering.clone());
            async move {
                let asked = connection.begin()?;
                let mut request = request.map(|body| Incoming::new(body, connection.clone()));
                request.extensions_mut().insert(peer);
                if let Peer::Tcp(address) = peer {
                    request.extensions_mut().insert(ClientAddress(address));
                }
                if is_tls {
                    request.extensions_mut().insert(OverTls);
                }
                let mut response = match host::check(&request) {
                    Ok(()) => service.answer(request).await?,
                    Err(why) => service.refuse(StatusCode::BAD_REQUEST, why),
                };
                for (name, value) in S::HEADERS {
                    response.headers_mut().insert(*name, HeaderValue::from_static(value));
                }
                Ok::<_, io::Error>(response.map(|body| Outgoing::new(body, asked)))
            }
        });
        let mut stream = Watched::new(stream, connection);
        let (server, ending) = (self.server.clone(), self.ending.clone());
        let served = async move {
            if let Some(tls) = tls {
                // From here on it is one that never asked, and it must have asked by when a plain one must.
                stream.connection().must_ask_by(Instant::now() + limits.header_timeout);
                return match tls.accept(stream, &limits).await {
                    Ok(Some(stream)) => {
                        let stream = Worded::new(stream, S::unreadable);
                        by_hyper(server.serve_connection(TokioIo::new(stream), service), ending).await;
                    }
                    Ok(None) => {}
                    Err(error) => ended_early(&error),
                };
            }
            if S::IS_DIRECT && SENDS_FILES {
                match direct::answer(&mut stream, &direct_service, &limits, &ending).await {
                    Ok(Ended::Other(received)) => stream.unread(received),
                    Ok(Ended::Closed) => return,
                    Err(error) => return ended_early(&error),
                }
            }
            let stream = Worded::new(stream, S::unreadable);
            by_hyper(server.serve_connection(TokioIo::new(stream), service), ending).await;
        };
        watch(served, place, self.ending.clone(), look_every)
    }
}

fn ended_early(error: &dyn std::error::Error) {
    tracing::debug!(%error, "a connection ended early");
}

/// Has hyper serve a connection until it ends, and end it when the listener does.
async fn by_hyper<I, S, B>(served: http1::Connection<I, S>, ending: CancellationToken)
where
    http1::Connection<I, S>: Future<Output = hyper::Result<()>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut served = pin!(served);
    let result = tokio::select! {
        // First, so that what came before the end is read before it.
        biased;
        result = served.as_mut() => result,
        () = ending.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        ended_early(&error);
    }
}

/// Drives a connection until it ends, or has to: its place is needed, its client is too slow, or the listener ends.
async fn watch(served: impl Future<Output = ()>, place: Place, ending: CancellationToken, look_every: Duration) {
    let connection: Arc<connections::Connection> = place.connection().clone();
    let mut served = pin!(served);
    let (mut look_every, mut is_ending) = (look_every, false);
    loop {
        tokio::select! {
            biased;
            () = connection.evicted() => break,
            () = served.as_mut() => break,
            () = ending.cancelled(), if !is_ending => {
                is_ending = true;
                look_every = LOOK_EVERY_AT_THE_END;
                connection.begin_to_end(Instant::now());
            }
            () = tokio::time::sleep(look_every) => match connection.judge(Instant::now()) {
                Verdict::GoOn => {}
                Verdict::End(why) => {
                    tracing::debug!(why, "a connection was closed");
                    break;
                }
            }
        }
    }
}
