//! What a listener accepts: connections of TCP, and those of a Unix socket in the data folder, whose clients are this machine's.
//!
//! Nobody but the server's own user, and the superuser, gets through the Unix socket: the modes of folder and file say so, and who
//! connects is looked at once more, since a folder may have been left open to others.

use std::{future::Future, io};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::{
    tls::Tls,
    transport::{Peer, Transport},
};

/// What connections come from.
pub trait Accept: Send + 'static {
    /// Its connections.
    type Stream: Transport;

    /// The next connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;

    /// What its connections speak TLS with; none where they are in the clear.
    fn tls(&self) -> Option<&Tls> {
        None
    }
}

/// A port that is listened on, in the clear or with TLS.
#[derive(Debug)]
pub struct Listener {
    /// The port.
    pub port: TcpListener,
    /// What it speaks TLS with.
    pub tls: Option<Tls>,
}

impl Accept for Listener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        Accept::accept(&self.port).await
    }

    fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }
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
