//! One base for the three listeners: who may connect, how long a request may take to arrive and an answer to leave, and how a listener ends.
//!
//! ```text
//! accept → admit (places, places a client) → hyper (heads, their limits) → host check → the listener's own service
//!                                                └ watched: idle, receiving or sending too slowly
//! ```
//!
//! A listener has as many places as descriptors were shared out to it. An idle connection holds its place only until somebody else needs
//! it, so connections that ask for nothing keep nobody out. What is slow is measured by `pace` in both directions, and a connection that
//! waits for its client longer than the pace allows is closed. Nothing here knows what is served.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

mod body;
mod clients;
mod connections;
mod host;
mod pace;
mod sometimes;
mod stream;
mod transport;

#[cfg(test)]
mod tests;

pub use crate::admission::ConnectionLimits;
pub use clients::ClientAddress;
pub use transport::{Accept, Peer, Transport};

pub(super) use body::Incoming;
pub(super) use clients::client_of;
pub(super) use host::is_this_machine;
pub(super) use sometimes::Sometimes;

use body::Outgoing;
use connections::{Admitted, Connections, Place, Verdict};
use stream::Watched;

/// How long to wait before accepting again after a failure, such as no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often a connection is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often while the listener ends.
const LOOK_EVERY_AT_THE_END: Duration = Duration::from_millis(50);
/// The answer to a client that has too many connections, written as it is: no request of it is read.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What a listener serves.
pub(super) trait Service: Clone + Send + Sync + 'static {
    /// The bodies of its answers.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// Headers that every answer gets, whatever the service says.
    const HEADERS: &'static [(&'static str, &'static str)];

    /// Answers a request. An error closes the connection.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = io::Result<Response<Self::Body>>> + Send;

    /// The answer to a request that is refused before the service sees it.
    fn refuse(&self, status: StatusCode, why: &'static str) -> Response<Self::Body>;
}

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
    let shutdown_timeout = limits.shutdown_timeout;
    let listening = Listening {
        server: server(&limits),
        connections: Connections::new(name, limits),
        service,
        ending: CancellationToken::new(),
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

/// What the connections of a listener share.
struct Listening<S> {
    server: http1::Builder,
    connections: Connections,
    service: S,
    ending: CancellationToken,
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
        match self.connections.admit(peer.address()).await {
            Admitted::Place(place) => {
                open.spawn(self.serve_one(stream, peer, place));
            }
            // As much as the send buffer of a fresh connection takes, which is all of it; nobody waits for it.
            Admitted::TooMany => stream.write_at_once(TOO_MANY),
        }
    }

    fn serve_one<T: Transport>(&self, stream: T, peer: Peer, place: Place) -> impl Future<Output = ()> + use<S, T> {
        let limits = self.connections.limits();
        stream.prepare();
        // A client that takes nothing must not have the kernel hold megabytes for it.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, limits.send_buffer_bytes);
        let (connection, service) = (place.connection().clone(), self.service.clone());
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
        let io = TokioIo::new(Watched::new(stream, connection));
        let served = self.server.serve_connection(io, service);
        watch(served, place, self.ending.clone(), LOOK_EVERY.min(limits.idle_timeout / 8))
    }
}

/// Drives a connection until it ends, or has to: its place is needed, its client is too slow, or the listener ends.
async fn watch<I, S, B>(served: http1::Connection<I, S>, place: Place, ending: CancellationToken, look_every: Duration)
where
    http1::Connection<I, S>: Future<Output = hyper::Result<()>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connection: Arc<connections::Connection> = place.connection().clone();
    let mut served = pin!(served);
    let (mut look_every, mut is_ending) = (look_every, false);
    loop {
        tokio::select! {
            biased;
            () = connection.evicted() => break,
            result = served.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection ended early");
                }
                break;
            }
            () = ending.cancelled(), if !is_ending => {
                is_ending = true;
                look_every = LOOK_EVERY_AT_THE_END;
                connection.begin_to_end(Instant::now());
                served.as_mut().graceful_shutdown();
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
