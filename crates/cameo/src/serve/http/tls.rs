//! TLS on a listener: the handshake, and a connection that is read and written through it.
//!
//! A handshake has its connection's place and no other: until a request arrives it is one that never asked, so it gives way to whoever
//! asks as half a head does, and it ends with the time that a plain client gets for its first head. What costs the server is the signature.
//! Signatures wait for each other, so that any number of handshakes leaves half of the processor to those who have theirs behind them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustls::{ServerConfig, crypto::ring, server::ResolvesServerCert, version};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    sync::Semaphore,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::{connections::Connection, stream::Watched, transport::Transport};
use crate::{
    admission::ConnectionLimits,
    model::error::{Error, Kind, Place, Result},
};

/// How long a handshake may take: three round trips of the slowest line, and a packet that is lost.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// What a client that speaks no TLS may send on before its answer is given up, bytes, and for how long.
const PLAIN_DRAINED_BYTES: u64 = 64 << 10;
const PLAIN_DRAINED_WITHIN: Duration = Duration::from_secs(1);
/// The first byte of TLS: a handshake record (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 22;
/// The one protocol that is spoken over it.
const HTTP_1_1: &[u8] = b"http/1.1";
/// The answer to a request in the clear, the language of which nobody knows yet. It leads nowhere: whoever sent a password or a token in the
/// clear is to notice.
const SPEAKS_TLS: &str = "This port speaks TLS: ask for it with https:// in place of http://\n\
    이 포트는 TLS 로만 응답합니다. 주소를 http:// 대신 https:// 로 시작해 주세요\n";
/// The answer to a client that has too many connections: the fatal alert `internal_error` (RFC 8446, 6), written as it is.
pub(super) const TOO_MANY_OVER_TLS: &[u8] = &[21, 3, 3, 0, 2, 2, 80];

/// A request that came over TLS to this process: an extension of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverTls;

/// What a listener speaks TLS with. Clones share the turns of signatures.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    signing: Arc<Semaphore>,
}

impl Tls {
    /// TLS 1.2 and 1.3 with the certificates that `resolver` has at the time of each handshake.
    pub fn new(resolver: Arc<dyn ResolvesServerCert>) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13, &version::TLS12]);
        let config =
            config.map_err(|error| Error::new(Place::System, Kind::Misconfigured, "set up TLS").because(error))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { config: Arc::new(config), signing: Arc::new(Semaphore::new((processors / 2).max(1))) })
    }

    /// The connection through TLS; none where the client speaks none, and was answered.
    pub(super) async fn accept<T: Transport>(
        &self,
        stream: Watched<T>,
        limits: &ConnectionLimits,
    ) -> io::Result<Option<Secured<T>>> {
        let connection = stream.connection().clone();
        let within = HANDSHAKE_TIMEOUT.min(limits.header_timeout);
        match tokio::time::timeout(within, self.shake_hands(stream)).await {
            Ok(Ok(Some(stream))) => Ok(Some(Secured { stream, connection })),
            Ok(Ok(None)) => Ok(None),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long")),
        }
    }

    async fn shake_hands<T: Transport>(&self, mut stream: Watched<T>) -> io::Result<Option<TlsStream<Watched<T>>>> {
        let first = stream.read_u8().await?;
        if first != HANDSHAKE_RECORD {
            answer_in_the_clear(&mut stream).await;
            return Ok(None);
        }
        stream.unread(vec![first]);
        // A greeting that is cut off, too long or wrong is answered with an alert.
        let greeted = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        let turn = self.signing.acquire().await.map_err(io::Error::other)?;
        // The signature is made in here, without waiting for anything.
        let accepting = greeted.into_stream(self.config.clone());
        drop(turn);
        let mut stream = accepting.await?;
        stream.get_mut().0.is_read_through_tls();
        Ok(Some(stream))
    }
}

/// Says what the port speaks, to a client that speaks something else. Nothing of its request is looked at.
async fn answer_in_the_clear<T: Transport>(stream: &mut Watched<T>) {
    let length = SPEAKS_TLS.len();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\n\r\n{SPEAKS_TLS}"
    );
    let answered = async {
        stream.write_all(head.as_bytes()).await?;
        stream.shutdown().await?;
        // What is left unread would be answered with a reset, which may overtake the answer.
        tokio::io::copy(&mut stream.take(PLAIN_DRAINED_BYTES), &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(PLAIN_DRAINED_WITHIN, answered).await;
}

/// A connection through TLS. What the listener knows of reading is of what was decrypted.
pub(super) struct Secured<T: Transport> {
    stream: TlsStream<Watched<T>>,
    connection: Arc<Connection>,
}

impl<T: Transport> AsyncRead for Secured<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.connection.looked(polled.is_ready());
        polled
    }
}

impl<T: Transport> AsyncWrite for Secured<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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
