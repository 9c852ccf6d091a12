//! A proxy in front of a server that cuts the connection at a moment of choice, before or after the server has heard.
//!
//! Everything that is not told to be cut passes, both ways. It knows no protocol: `COMMIT` is found as a word.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, sink},
    net::{TcpListener, TcpStream, UnixStream},
    sync::oneshot,
};

/// When to cut, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// Pass everything on.
    #[default]
    Never,
    /// At the next `COMMIT`: the server never hears of it.
    BeforeCommit,
    /// At the next `COMMIT`: the server commits, its client does not hear of it.
    AfterCommit,
    /// After so many more things that clients say: the server does not hear the next one.
    AfterSaid(u32),
}

/// What becomes of what a client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passed,
    Unheard,
    Unanswered,
}

impl Cut {
    /// What becomes of these bytes; a cut that was made is not made again.
    fn fate_of(&mut self, bytes: &[u8]) -> Fate {
        let fate = match self {
            Self::BeforeCommit if commits(bytes) => Fate::Unheard,
            Self::AfterCommit if commits(bytes) => Fate::Unanswered,
            Self::AfterSaid(0) => Fate::Unheard,
            Self::AfterSaid(left) => {
                *left -= 1;
                return Fate::Passed;
            }
            _ => return Fate::Passed,
        };
        *self = Self::Never;
        fate
    }
}

/// The proxy.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    next: Arc<Mutex<Cut>>,
}

impl Proxy {
    /// A proxy on a free port, in front of the server at this socket.
    pub async fn start(server: PathBuf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let next = Arc::new(Mutex::default());
        let cut = next.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server.clone(), cut.clone()));
            }
        });
        Self { port, next }
    }

    /// Tells when to cut next; returns what was told before, if it has not happened.
    pub fn cut(&self, cut: Cut) -> Cut {
        std::mem::replace(&mut *self.next.lock().unwrap_or_else(PoisonError::into_inner), cut)
    }
}

async fn serve(client: TcpStream, server: PathBuf, cut: Arc<Mutex<Cut>>) {
    let Ok(server) = UnixStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut buffer = vec![0; 64 * 1024];
    let (cut_off, is_cut_off) = oneshot::channel::<()>();
    let answers = tokio::spawn(async move {
        tokio::select! {
            _ = copy(&mut from_server, &mut to_client) => {}
            _ = is_cut_off => {
                drop(to_client);
                // What follows is heard and kept from the client: a server that cannot answer might not go on.
                let _ = copy(&mut from_server, &mut sink()).await;
            }
        }
    });
    loop {
        let read = from_client.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            break;
        }
        let said = &buffer[..read];
        let fate = cut.lock().unwrap_or_else(PoisonError::into_inner).fate_of(said);
        if fate == Fate::Unheard {
            break;
        }
        if fate == Fate::Unanswered {
            // The client's side is cut first, so that no answer can pass; the server commits and then finds it gone.
            let _ = cut_off.send(());
            let _ = to_server.write_all(said).await;
            let _ = to_server.shutdown().await;
            let _ = answers.await;
            return;
        }
        if to_server.write_all(said).await.is_err() {
            break;
        }
    }
    answers.abort();
}

/// Whether these bytes say `COMMIT`, and not `READ COMMITTED`.
fn commits(bytes: &[u8]) -> bool {
    let at = bytes.windows(6).position(|word| word == b"COMMIT");
    at.is_some_and(|at| bytes.get(at + 6).is_none_or(|next| !next.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_told_from_a_level_of_isolation() {
        assert!(commits(b"\x07\0\0\0\x03COMMIT") && commits(b"COMMIT\0"));
        assert!(!commits(b"SET ... READ COMMITTED") && !commits(b"COMM"));
    }

    #[test]
    fn a_cut_is_made_once() {
        let mut cut = Cut::AfterSaid(1);
        assert_eq!([b"a", b"b", b"c"].map(|said| cut.fate_of(said)), [Fate::Passed, Fate::Unheard, Fate::Passed]);
    }
}
