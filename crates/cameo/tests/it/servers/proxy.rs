//! A proxy in front of a server that cuts the connection when it sees a word, before or after the server does.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream, UnixStream},
};

/// What to do at the next `COMMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum AtCommit {
    /// Pass it on, and the answer too.
    Pass = 0,
    /// Cut both sides: the server never hears of it.
    CutBefore = 1,
    /// Pass it on, wait for the answer, and cut: the server has committed, its client does not know.
    CutAfter = 2,
}

/// The proxy. Cuts once each time it is told to.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it listens, on 127.0.0.1.
    pub(crate) port: u16,
    next: Arc<AtomicU8>,
}

impl Proxy {
    pub(crate) async fn start(server: PathBuf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let next = Arc::new(AtomicU8::new(AtCommit::Pass as u8));
        let order = next.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server.clone(), order.clone()));
            }
        });
        Self { port, next }
    }

    /// Tells what to do at the next `COMMIT`.
    pub(crate) fn at_commit(&self, order: AtCommit) {
        self.next.store(order as u8, Ordering::SeqCst);
    }
}

async fn serve(client: TcpStream, server: PathBuf, order: Arc<AtomicU8>) {
    let Ok(server) = UnixStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut buffer = vec![0; 64 * 1024];
    let answers = tokio::spawn(async move {
        let _ = copy(&mut from_server, &mut to_client).await;
    });
    loop {
        let read = from_client.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            break;
        }
        let order = if commits(&buffer[..read]) { order.swap(0, Ordering::SeqCst) } else { 0 };
        if order == AtCommit::CutBefore as u8 {
            break;
        }
        if order == AtCommit::CutAfter as u8 {
            // The client's side is cut first, so that no answer can pass; the server commits and then finds it gone.
            answers.abort();
            let _ = to_server.write_all(&buffer[..read]).await;
            let _ = to_server.shutdown().await;
            break;
        }
        if to_server.write_all(&buffer[..read]).await.is_err() {
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
