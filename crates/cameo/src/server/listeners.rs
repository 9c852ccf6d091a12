//! The listeners of a server: bound before anything else starts, so that a port that is taken is told at once.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::{
    certificate::{self, Secured},
    data_folder::Running,
    descriptors::{Shares, share_out},
    image_threads::ImageThreads,
    renderer,
    tasks::Tasks,
};
use crate::{
    config::{Config, Listen, TlsListener},
    model::error::{Error, Kind, Place, Result},
    serve::{
        Pages,
        certificate::Certificate,
        http::Listener,
        images::{self, Images},
        operator,
        site::Site,
    },
    worker::Worker,
};

/// Connections that may wait to be accepted. The kernel has a limit of its own (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;
/// Open connections of the socket in a data folder: commands of the server's own user.
const SOCKET_CONNECTIONS_MAX: usize = 32;
/// Seconds after which a connection without a byte is handed over all the same; the kernel rounds them to its own steps.
#[cfg(target_os = "linux")]
const FIRST_BYTES_WITHIN: usize = 1;

/// What the operator's listeners serve.
pub(super) struct Operator {
    /// What console and API work with.
    pub(super) site: Site,
    /// The console; the API alone where there is none.
    pub(super) pages: Option<Pages>,
    /// The socket in a data folder, where there is one.
    pub(super) socket: Option<UnixListener>,
}

/// The listeners that are on.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) s3: Option<Listener>,
    images: Option<Listener>,
    console: Option<Listener>,
    /// The certificate of those that speak TLS.
    pub(super) certificate: Option<Arc<Certificate>>,
}

impl Listeners {
    /// Binds those that the configuration turns on; the S3 endpoint only where there is a store for it.
    pub(super) fn bind(config: &Config, has_endpoint: bool) -> Result<Self> {
        let server = &config.server;
        config.console.check(server)?;
        // Flags may have changed what the file was checked for.
        server.tls.check(&config.images)?;
        let secured = certificate::open(config)?;
        let s3_listen = if has_endpoint { server.s3_listen } else { Listen::Off };
        let bound = |key: &str, listen: Listen, which: TlsListener| {
            let covers = |_: &&Secured| server.tls.covers(which);
            let tls = secured.as_ref().filter(covers).map(|secured| secured.tls.clone());
            Ok::<_, Error>(self::listen(key, listen)?.map(|port| Listener { port, tls }))
        };
        Ok(Self {
            s3: bound("s3_listen", s3_listen, TlsListener::S3)?,
            images: bound("images_listen", server.images_listen, TlsListener::Images)?,
            console: bound("console_listen", server.console_listen, TlsListener::Console)?,
            certificate: secured.map(|secured| secured.certificate),
        })
    }

    /// Shares out the open files among them, and warns of what others can reach.
    pub(super) fn shares(&self, config: &Config) -> Shares {
        for warning in warnings(config, self.s3.is_some()) {
            tracing::warn!("{warning}");
        }
        share_out(config, self.s3.is_some(), renderer::concurrency(config))
    }

    /// Where they can be reached.
    pub(super) fn running(&self) -> Running {
        let url = |listener: &Option<Listener>| {
            let Listener { port, tls } = listener.as_ref()?;
            Some(base_url(port.local_addr().ok()?, tls.is_some()))
        };
        Running { pid: std::process::id(), s3: url(&self.s3), images: url(&self.images), console: url(&self.console) }
    }

    /// Serves images, console and API over what a worker works with; the API also on the socket of a data folder, where there is one.
    pub(super) fn spawn(self, tasks: &mut Tasks, worker: &Worker, operator: Operator, config: &Config, shares: Shares) {
        let Operator { site, pages, socket } = operator;
        if let Some(listener) = self.images {
            let images = Images::new(worker.flow.store.clone(), &worker.flow.settings);
            let limits = config.server.connection_limits(shares.images);
            tasks.spawn(|stop| async move {
                let threads = ImageThreads::start()?;
                let handles = threads.handles.clone();
                served("images", images::serve(listener, images, limits, handles, stop.cancelled_owned()).await)
            });
        }
        if let Some(listener) = self.console {
            let limits = config.server.connection_limits(shares.console);
            let site = site.clone();
            tasks.spawn(|stop| async move {
                let site = Site { ending: stop.clone(), ..site };
                let served_until = operator::serve("console", listener, site, pages, limits, stop.cancelled_owned());
                served("the console", served_until.await)
            });
        }
        if let Some(socket) = socket {
            let limits = config.server.connection_limits(SOCKET_CONNECTIONS_MAX);
            tasks.spawn(|stop| async move {
                let site = Site { ending: stop.clone(), ..site };
                let served_until = operator::serve("socket", socket, site, None, limits, stop.cancelled_owned());
                served("the API on the socket in the data folder", served_until.await)
            });
        }
    }
}

/// How serving ended, as a task tells it.
pub(super) fn served(what: &str, result: io::Result<()>) -> Result<()> {
    result.map_err(|error| Error::new(Place::System, Kind::Fatal, format!("serve {what}")).because(error))
}

/// A line for each listener that others can reach without TLS, and for buckets that are open to everybody.
pub(super) fn warnings(config: &Config, has_endpoint: bool) -> Vec<String> {
    let server = &config.server;
    let s3_listen = if has_endpoint { server.s3_listen } else { Listen::Off };
    let warning = |listen: Listen, which: TlsListener, key: &str, what: &str| {
        let address = listen.beyond_loopback().filter(|_| !server.tls.covers(which))?;
        Some(format!("server.{key} = {address} can be reached from other machines, without TLS: {what}"))
    };
    [
        warning(
            s3_listen,
            TlsListener::S3,
            "s3_listen",
            "photos and names can be read and changed on the way; put a proxy with TLS before it",
        ),
        warning(
            server.images_listen,
            TlsListener::Images,
            "images_listen",
            "images can be read and changed on the way; put a proxy with TLS before it",
        ),
        warning(
            server.console_listen,
            TlsListener::Console,
            "console_listen",
            "what people see, and tokens and log-ins, can be read on the way (console.allow_public is set); put a proxy with TLS before it, and name it in console.trusted_proxies",
        ),
    ]
    .into_iter()
    .flatten()
    .chain(has_endpoint.then(|| public_buckets(&config.s3.public_read)).flatten())
    .chain(mixed_content(config, s3_listen))
    .collect()
}

/// What pages of a console with TLS cannot load, since browsers let them load nothing in the clear that is not this machine's own
/// (Mixed Content, 4.4): uploads, and images.
fn mixed_content(config: &Config, s3_listen: Listen) -> Option<String> {
    let Config { server, s3, images, .. } = config;
    if !server.tls.covers(TlsListener::Console) || server.console_listen == Listen::Off {
        return None;
    }
    let is_clear = |listen: Listen, which: TlsListener, public_url: &str| {
        !public_url.starts_with("https://")
            && (!public_url.is_empty() || listen.beyond_loopback().is_some() && !server.tls.covers(which))
    };
    let of_s3 = is_clear(s3_listen, TlsListener::S3, &s3.public_url).then_some("uploads go there (s3)");
    let of_images = is_clear(server.images_listen, TlsListener::Images, &images.public_url)
        .then_some("images come from there (images)");
    let what = [of_s3, of_images].into_iter().flatten().collect::<Vec<_>>().join(" and ");
    (!what.is_empty()).then(|| {
        format!(
            "the console speaks TLS, and {what} in the clear, which browsers on other machines block: name them in server.tls.listeners, or \
             set s3.public_url and images.public_url to addresses that begin with https://"
        )
    })
}

/// That buckets are open to everybody, which nobody should learn from a request.
fn public_buckets(buckets: &[String]) -> Option<String> {
    let names = buckets.join(", ");
    (!buckets.is_empty()).then(|| {
        format!("s3.public_read = {names}: everybody who reaches the S3 endpoint may read and list these buckets without an access key")
    })
}

fn listen(key: &str, listen: Listen) -> Result<Option<TcpListener>> {
    let Some(address) = listen.address() else { return Ok(None) };
    bind(address).map(Some).map_err(|error| {
        let doing = format!("listen on {address} (server.{key}); is another server running there?");
        Error::new(Place::System, Kind::Misconfigured, doing).because(error)
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As a server that is started again needs it: connections of the last one may still be ending.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    defer_accept(&socket);
    socket.listen(BACKLOG)
}

/// Has the kernel hand connections over when their first bytes are here, or after about [`FIRST_BYTES_WITHIN`] seconds without one: whoever
/// connects and says nothing takes no place of somebody who asks, and a client that is slow to its first byte is not taken for such a one.
/// A kernel that cannot do it hands them over at once, as it always did.
#[cfg(target_os = "linux")]
fn defer_accept(socket: &TcpSocket) {
    use nix::sys::socket::sockopt::SetUsize;

    #[derive(Clone)]
    struct DeferAccept;
    nix::setsockopt_impl!(DeferAccept, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, usize, SetUsize);
    if let Err(error) = nix::sys::socket::setsockopt(socket, DeferAccept, &FIRST_BYTES_WITHIN) {
        tracing::debug!(%error, "connections cannot be deferred until their first bytes");
    }
}

#[cfg(not(target_os = "linux"))]
fn defer_accept(_: &TcpSocket) {}

/// An address that a client on this machine can use. Over TLS it names no certificate of ours, unless that is for addresses too.
fn base_url(address: SocketAddr, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    if address.ip().is_unspecified() {
        format!("{scheme}://127.0.0.1:{}", address.port())
    } else {
        format!("{scheme}://{address}")
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpStream, time::Duration};

    use super::*;

    /// Who says nothing takes no place of somebody who asks, also where the silent one came first. Only a kernel that defers can do it;
    /// on a machine that stood still in between, the silent one's second is over, so it is tried again.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_is_handed_over_when_its_first_bytes_are_here() {
        let mut asked_first = false;
        for _ in 0..10 {
            let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let silent = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let mut asks = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            asks.write_all(b"GET / HTTP/1.1\r\n").unwrap();
            let mut order = Vec::new();
            for _ in 0..2 {
                // The silent one comes too, later.
                let accepted = tokio::time::timeout(Duration::from_mins(1), listener.accept()).await.unwrap();
                order.push(accepted.unwrap().1);
            }
            asked_first |= order == [asks.local_addr().unwrap(), silent.local_addr().unwrap()];
            if asked_first {
                break;
            }
        }
        assert!(asked_first, "connections are handed over in the order in which they came");
    }

    /// security.md, last paragraph.
    #[test]
    fn every_listener_that_others_can_reach_is_warned_of() {
        let mut config = Config::default();
        assert_eq!(warnings(&config, true), Vec::<String>::new());
        let public = |text: &str| text.parse::<Listen>().unwrap();
        config.server.s3_listen = public("0.0.0.0:9000");
        config.server.images_listen = public("[::]:9001");
        config.server.console_listen = public("10.0.0.7:9002");
        let all = warnings(&config, true);
        assert_eq!(all.len(), 3, "{all:?}");
        for (warning, words) in
            all.iter().zip([["s3_listen", "TLS"], ["images_listen", "TLS"], ["console_listen", "log-in"]])
        {
            assert!(words.iter().all(|word| warning.contains(word)), "{warning}");
        }
        assert_eq!(warnings(&config, false).len(), 2, "there is no endpoint to reach");
        config.server.tls.cert = "c.pem".into();
        let mixed = warnings(&config, true);
        assert!(mixed.len() == 3 && mixed[2].contains("uploads") && mixed[2].contains("images"), "{mixed:?}");
        config.server.tls.listeners = vec![TlsListener::Console, TlsListener::S3, TlsListener::Images];
        config.images.public_url = "https://images.example".to_owned();
        assert_eq!(warnings(&config, true), Vec::<String>::new());
        config.server.tls.cert = "".into();
        config.s3.public_read = vec!["celebtide".to_owned(), "shared-*".to_owned()];
        assert!(warnings(&config, true)[3].contains("celebtide, shared-*"), "{:?}", warnings(&config, true));
        assert_eq!(warnings(&config, false).len(), 2, "there is no endpoint to read at");
    }
}
