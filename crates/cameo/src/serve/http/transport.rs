//! What a listener accepts: connections of TCP, and those of a Unix socket in the data folder, whose clients are this machine's.
//!
//! Nobody but the server's own user, and the superuser, gets through the Unix socket: the modes of folder and file say so, and who
//! connects is looked at once more, since a folder may have been left open to others.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

/// Who connected, as an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A client of TCP, by its address; behind a proxy it is the proxy's.
    Tcp(SocketAddr),
    /// Whoever may open the socket in the data folder: the server's own user, or the superuser.
    LocalUser,
}

impl Peer {
    /// The address that limits count it by.
    pub(super) fn address(self) -> SocketAddr {
        match self {
            Self::Tcp(address) => address,
            Self::LocalUser => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

/// A connection.
pub trait Transport: AsyncRead + AsyncWrite + AsFd + Unpin + Send + 'static {
    /// Sets what is to be set before anything is sent.
    fn prepare(&self) {}

    /// Writes what can be written at once.
    fn write_at_once(&self, bytes: &[u8]);

    /// Has the kernel drop what was not taken when the connection is closed.
    fn drop_the_rest(&self) {}
}

impl Transport for TcpStream {
    fn prepare(&self) {
        // Answers are small or written in large pieces: waiting to gather more only delays them.
        let _ = self.set_nodelay(true);
    }

    fn write_at_once(&self, bytes: &[u8]) {
        let _ = self.try_write(bytes);
    }

    fn drop_the_rest(&self) {
        let _ = self.set_zero_linger();
    }
}

impl Transport for UnixStream {
    fn write_at_once(&self, bytes: &[u8]) {
        let _ = self.try_write(bytes);
    }
}

/// What connections come from.
pub trait Accept: Send + 'static {
    /// Its connections.
    type Stream: Transport;

    /// The next connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        Self::accept(self).await.map(|(stream, address)| (stream, Peer::Tcp(address)))
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        loop {
            let (stream, _) = Self::accept(self).await?;
            let user = stream.peer_cred()?.uid();
            if user == 0 || user == rustix::process::geteuid().as_raw() {
                return Ok((stream, Peer::LocalUser));
            }
            tracing::warn!(user, "a connection of another user to the socket in the data folder was closed");
        }
    }
}
