//! A connection as it is, of TCP or of a Unix socket: who is at its other end, how it is written, and how a file is sent through it.

use std::{
    fs::File,
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, Interest},
    net::{TcpStream, UnixStream},
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
pub trait Transport: AsyncRead + AsyncWrite + AsFd + Unpin + Send + Sync + Sized + 'static {
    /// Moves it to the runtime of the caller.
    fn move_here(self) -> io::Result<Self>;

    /// Sets what is to be set before anything is sent.
    fn prepare(&self) {}

    /// Writes what can be written at once.
    fn write_at_once(&self, bytes: &[u8]);

    /// Runs something that writes, when something can be written; again where that was not so.
    fn poll_write_by(
        &self,
        cx: &mut Context<'_>,
        operation: &mut dyn FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>>;

    /// Has the kernel drop what was not taken when the connection is closed.
    fn drop_the_rest(&self) {}
}

/// The same for each kind of stream of tokio's.
macro_rules! poll_write_by {
    () => {
        fn poll_write_by(
            &self,
            cx: &mut Context<'_>,
            operation: &mut dyn FnMut() -> io::Result<usize>,
        ) -> Poll<io::Result<usize>> {
            loop {
                ready!(self.poll_write_ready(cx))?;
                match self.try_io(Interest::WRITABLE, &mut *operation) {
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    done => return Poll::Ready(done),
                }
            }
        }
    };
}

impl Transport for TcpStream {
    fn move_here(self) -> io::Result<Self> {
        Self::from_std(self.into_std()?)
    }

    fn prepare(&self) {
        // Answers are small or written in large pieces: waiting to gather more only delays them.
        let _ = self.set_nodelay(true);
    }

    fn write_at_once(&self, bytes: &[u8]) {
        let _ = self.try_write(bytes);
    }

    poll_write_by!();

    fn drop_the_rest(&self) {
        let _ = self.set_zero_linger();
    }
}

impl Transport for UnixStream {
    fn move_here(self) -> io::Result<Self> {
        Self::from_std(self.into_std()?)
    }

    fn write_at_once(&self, bytes: &[u8]) {
        let _ = self.try_write(bytes);
    }

    poll_write_by!();
}

/// Sends bytes as they are; `more` has the kernel wait for what follows before it sends a packet that is not full.
#[cfg(target_os = "linux")]
pub(super) fn send(stream: &impl AsFd, bytes: &[u8], more: bool) -> io::Result<usize> {
    use rustix::net::SendFlags;

    let flags = if more { SendFlags::MORE } else { SendFlags::empty() };
    Ok(rustix::net::send(stream, bytes, flags | SendFlags::NOSIGNAL)?)
}

/// Sends a part of a file from `at` on, which it moves.
#[cfg(target_os = "linux")]
pub(super) fn send_file(stream: &impl AsFd, file: &File, at: &mut u64, length: u64) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(stream, file, Some(at), usize::try_from(length).unwrap_or(usize::MAX))?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn send(_: &impl AsFd, _: &[u8], _: bool) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn send_file(_: &impl AsFd, _: &File, _: &mut u64, _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
