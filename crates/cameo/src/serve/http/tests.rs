//! The base of the listeners from the outside: who gets a place, who is waited for, and how it ends.

use std::{net::SocketAddr, pin::Pin, task::Poll};

use bytes::Bytes;
use futures::{Stream, stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use super::*;

mod plain_requests;
mod tls;

/// Longer than anything takes here, however slow the machine.
const LONG: Duration = Duration::from_mins(2);

/// A piece of a body without end.
static SEVENS: [u8; 64 << 10] = [7; 64 << 10];

type Answer = UnsyncBoxBody<Bytes, io::Error>;

/// Answers `/file` and `/cut` from a file where they are asked for plainly, `/endless` with a body without end, `/slow` after a while, everything else once the body has come.
#[derive(Clone)]
struct Echo {
    ended: mpsc::UnboundedSender<&'static str>,
}

/// Tells when the body of an answer is dropped.
struct Endless(mpsc::UnboundedSender<&'static str>);

impl Stream for Endless {
    type Item = io::Result<Frame<Bytes>>;

    fn poll_next(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&SEVENS)))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.0.send("endless");
    }
}

fn text(status: StatusCode, text: &str) -> Response<Answer> {
    let body = stream::iter([Ok(Frame::data(Bytes::from(text.to_owned())))]);
    let mut response = Response::new(StreamBody::new(body).boxed_unsync());
    *response.status_mut() = status;
    response
}

impl Service for Echo {
    type Body = Answer;

    const HEADERS: &'static [(&'static str, &'static str)] = &[("x-content-type-options", "nosniff")];

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Answer>> {
        if request.uri().path() == "/endless" {
            return Ok(Response::new(StreamBody::new(Endless(self.ended.clone())).boxed_unsync()));
        }
        if request.uri().path() == "/slow" {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let address = request.extensions().get::<ClientAddress>().copied();
        let how = if request.extensions().get::<OverTls>().is_some() { ", over TLS" } else { "" };
        match request.into_body().collect().await {
            Ok(body) => {
                Ok(text(StatusCode::OK, &format!("{} bytes of {}{how}", body.to_bytes().len(), address.is_some())))
            }
            Err(error) => {
                let _ = self.ended.send("given up");
                Ok(text(StatusCode::REQUEST_TIMEOUT, &error.to_string()))
            }
        }
    }

    const IS_DIRECT: bool = true;

    fn direct(&self, request: &PlainRequest<'_>, head: &mut Vec<u8>) -> Option<Direct> {
        plain_requests::direct(request, head)
    }

    fn refuse(&self, status: StatusCode, why: &'static str) -> Response<Answer> {
        text(status, why)
    }

    fn unreadable(status: StatusCode) -> Option<Bytes> {
        let body = format!("{} by the service", status.as_u16());
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        (status != StatusCode::URI_TOO_LONG).then(|| (head + &body).into())
    }
}

struct Running {
    address: SocketAddr,
    ended: mpsc::UnboundedReceiver<&'static str>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

async fn start(limits: ConnectionLimits) -> Running {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    start_on(Listener { port, tls: None }, limits)
}

fn start_on(listener: Listener, limits: ConnectionLimits) -> Running {
    let address = listener.port.local_addr().unwrap();
    let ((sender, ended), (stop, stopped)) = (mpsc::unbounded_channel(), oneshot::channel::<()>());
    let stopped = async { drop(stopped.await) };
    let serving = tokio::spawn(serve("test", listener, limits, Echo { ended: sender }, stopped));
    Running { address, ended, stop, serving }
}

impl Running {
    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn answer(&self, request: &str) -> String {
        read_to_end(self.send(request).await).await
    }

    async fn is_well(&self) {
        let answer = timeout(LONG, self.answer("GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.unwrap().contains("0 bytes of true"));
    }

    async fn ends(self) {
        drop(self.stop);
        timeout(LONG, self.serving).await.expect("it ends").unwrap().unwrap();
    }
}

async fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is an end too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the one answer of a connection that is kept.
async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let length = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

/// Nothing ends by itself in these tests: whatever ends was made to.
fn patient(connections_max: usize) -> ConnectionLimits {
    let hour = Duration::from_hours(1);
    ConnectionLimits {
        connections_max,
        header_timeout: hour,
        idle_timeout: hour,
        shutdown_timeout: hour,
        ..ConnectionLimits::default()
    }
}

/// security.md A4: 1,100 idle connections.
#[tokio::test]
async fn connections_that_ask_for_nothing_keep_nobody_out() {
    let running = start(patient(4)).await;
    let mut idle = Vec::new();
    for kind in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: h\r\n", "GET / HTTP/1.1\r\nhost: h\r\n\r\n"].repeat(3) {
        idle.push(running.send(kind).await);
    }
    for _ in 0..8 {
        running.is_well().await;
    }
}

#[tokio::test]
async fn a_kept_connection_outlives_those_that_never_asked() {
    let (begin, address) = (Instant::now(), SocketAddr::from(([127, 0, 0, 1], 1)));
    let connections = Connections::new("test", patient(3));
    let place = |now| match connections.try_admit(address, now) {
        Some(Admitted::Place(place)) => Some(place),
        _ => None,
    };
    let (kept, silent, fresh) = (place(begin).unwrap(), place(begin).unwrap(), place(begin + LONG).unwrap());
    drop(kept.connection().begin().unwrap());
    kept.connection().flushed(begin);
    assert!(place(begin + LONG).is_none());
    assert!(
        [&kept, &silent, &fresh].iter().all(|place| !place.connection().is_evicted()),
        "nobody looked what they say"
    );
    for place in [&kept, &silent, &fresh] {
        place.connection().looked(false);
    }
    let is_closed = |place: &Place| place.connection().is_evicted();
    assert!(place(begin + LONG).is_none());
    assert_eq!([is_closed(&kept), is_closed(&silent), is_closed(&fresh)], [false, true, false]);
    drop(silent);
    let busy = place(begin + LONG).unwrap();
    let _asked = busy.connection().begin().unwrap();
    assert!(place(begin + LONG).is_none());
    assert_eq!([is_closed(&kept), is_closed(&busy), is_closed(&fresh)], [true, false, false]);
}

/// security.md A4 and A6: whoever falls behind loses the place that another one needs, long before the time-out.
#[tokio::test]
async fn dribblers_and_readers_that_stand_still_give_way() {
    let running = start(patient(2)).await;
    let post = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n\r\nx";
    let _dribbler = running.send(post).await;
    let _reader = running.send("GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").await;
    running.is_well().await;
    running.is_well().await;
}

#[tokio::test]
async fn requests_under_way_are_not_closed_for_new_connections() {
    let running = start(patient(1)).await;
    let mut first =
        running.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\nconnection: close\r\n\r\n12").await;
    let second = running.send("GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    first.write_all(b"345").await.unwrap();
    assert!(read_to_end(first).await.contains("5 bytes of true"));
    assert!(read_to_end(second).await.contains("0 bytes of true"), "it was served after the first");
}

/// Who has asked for all that it wants, and ends its side of the connection, is answered; also where the answer takes its time.
#[tokio::test]
async fn a_client_that_ends_its_side_is_answered() {
    let running = start(patient(100)).await;
    for request in
        ["GET /slow HTTP/1.1\r\nhost: h\r\n\r\n", "POST /slow HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc"]
    {
        let mut stream = running.send(request).await;
        stream.shutdown().await.unwrap();
        let answer = timeout(LONG, read_to_end(stream)).await.expect("an end");
        assert!(answer.contains("200 OK") && answer.contains("bytes of true"), "{answer:?}");
    }
    // What is cut off is none.
    let mut stream = running.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nab").await;
    stream.shutdown().await.unwrap();
    assert!(!timeout(LONG, read_to_end(stream)).await.expect("an end").contains("200 OK"));
    running.is_well().await;
}

/// security.md A4: half a request delays a stop to 20 s.
#[tokio::test]
async fn nobody_who_stands_still_delays_the_end() {
    let running = start(patient(100)).await;
    let mut open = Vec::new();
    for request in [
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nhost: h\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\n\r\nGET / HTTP/1.1\r\nho",
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n1",
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12",
        "GET /endless HTTP/1.1\r\nhost: h\r\n\r\n",
    ] {
        open.push(running.send(request).await);
    }
    running.is_well().await;
    running.ends().await;
}

/// The end of [`nobody_who_stands_still_delays_the_end`] for clients that move a byte now and then.
#[tokio::test]
async fn nobody_who_dribbles_delays_the_end() {
    let running = start(patient(100)).await;
    let mut dribbler = running.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n\r\n").await;
    let dribbling = tokio::spawn(async move {
        while dribbler.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    running.is_well().await;
    running.ends().await;
    timeout(LONG, dribbling).await.expect("its connection ended").unwrap();
}

#[tokio::test]
async fn a_request_that_goes_on_is_finished_at_the_end() {
    let running = start(patient(100)).await;
    let mut stream =
        running.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n").await;
    assert!(read_some(&mut stream).await.contains("100 Continue"));
    drop(running.stop);
    stream.write_all(b"12345").await.unwrap();
    let answer = read_to_end(stream).await;
    assert!(answer.contains("5 bytes of true") && answer.contains("connection: close"), "{answer}");
    timeout(LONG, running.serving).await.expect("it ends").unwrap().unwrap();
}

/// security.md A6: a byte now and then is no progress.
#[tokio::test]
async fn a_body_that_dribbles_is_given_up_and_answered() {
    let limits = ConnectionLimits { idle_timeout: Duration::from_millis(300), ..patient(100) };
    let running = start(limits).await;
    let stream = running.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n\r\n").await;
    let (read, mut write) = stream.into_split();
    let dribbling = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = String::new();
    // A reset after the answer is an end too.
    let _ = timeout(LONG, { read }.read_to_string(&mut answer)).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    timeout(LONG, dribbling).await.expect("its connection ended").unwrap();
}

/// security.md A4: slow readers.
#[tokio::test]
async fn a_client_that_takes_no_answer_is_closed() {
    let limits = ConnectionLimits { idle_timeout: Duration::from_millis(300), ..patient(100) };
    let mut running = start(limits).await;
    let _reader = running.send("GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!(timeout(LONG, running.ended.recv()).await.expect("its answer is dropped"), Some("endless"));
}

/// security.md A17.
#[tokio::test]
async fn a_request_without_exactly_one_host_is_refused_with_the_headers_of_every_answer() {
    let running = start(patient(100)).await;
    for hosts in ["", "host: a\r\nhost: b\r\n", "host: a\r\nHost: a\r\n", "host: user@a\r\n"] {
        let answer = running.answer(&format!("GET / HTTP/1.1\r\n{hosts}connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("nosniff"), "{hosts:?}: {answer}");
    }
    let answer = running.answer("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 400"), "{answer}");
    assert!(running.answer("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.contains("nosniff"));
}

#[tokio::test]
async fn heads_have_limits() {
    let running = start(patient(100)).await;
    let many = "x: 1\r\n".repeat(257);
    let long = format!("x: {}\r\n", "1".repeat(17 << 10));
    for more in [many, long] {
        let answer = running.answer(&format!("GET / HTTP/1.1\r\nhost: h\r\n{more}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn heads_that_do_not_come_are_given_up() {
    let running = start(ConnectionLimits { header_timeout: Duration::from_millis(50), ..patient(100) }).await;
    for half in ["", "GET / HTTP/1.1\r\nhost:"] {
        assert!(!timeout(LONG, running.answer(half)).await.expect("an end").contains("200"));
    }
}

/// Who is not on this machine has a limit of his own, and takes places from nobody else.
#[tokio::test]
async fn a_client_has_so_many_connections_and_no_more() {
    let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 1);
    let limits = ConnectionLimits {
        connections_per_client: 2,
        trusted_clients: vec!["10.0.0.9".parse().unwrap()],
        ..patient(100)
    };
    let connections = Connections::new("test", limits);
    let place = async |from: &str| match connections.admit(address(from)).await {
        Admitted::Place(place) => Some(place),
        Admitted::TooMany => None,
    };
    let mut busy = Vec::new();
    for from in ["10.0.0.7", "10.0.0.7", "2001:db8::1", "2001:db8::2"] {
        let place = place(from).await.unwrap();
        busy.push((place.connection().begin().unwrap(), place));
    }
    assert!(place("10.0.0.7").await.is_none() && place("2001:db8::3").await.is_none());
    assert!(place("10.0.0.8").await.is_some() && place("2001:db8:0:1::1").await.is_some());
    let mut many = Vec::new();
    for from in ["10.0.0.9", "127.0.0.1", "::1"].repeat(5) {
        let place = place(from).await.expect(from);
        many.push((place.connection().begin().unwrap(), place));
    }
    let (asked, freed) = busy.remove(0);
    drop((asked, freed));
    assert!(place("10.0.0.7").await.is_some(), "one of its own ended");
}

#[tokio::test]
async fn a_connection_whose_place_was_given_away_begins_no_request() {
    let connections = Connections::new("test", patient(1));
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let Admitted::Place(first) = connections.admit(address).await else { panic!("a place") };
    first.connection().looked(false);
    let second = async { matches!(connections.admit(address).await, Admitted::Place(_)) };
    let first = async {
        first.connection().evicted().await;
        assert!(first.connection().begin().is_err());
        drop(first);
    };
    assert!(tokio::join!(second, first).0);
}

#[tokio::test]
async fn an_answer_of_many_pieces_is_whole() {
    let running = start(patient(100)).await;
    let head = "POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 300000\r\n\r\n";
    let answer = running.answer(&format!("{head}{}", "x".repeat(300_000))).await;
    assert!(answer.contains("300000 bytes of true"));
    let mut reader = running.send("GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut bytes = vec![0; 1 << 20];
    reader.read_exact(&mut bytes).await.unwrap();
    // Sizes of chunks stand between.
    let longest = bytes.split(|byte| *byte != 7).map(<[u8]>::len).max();
    assert_eq!(longest, Some(SEVENS.len()));
}

/// hyper answers by itself, with a head alone, and only what cannot be read: a request that was read is the service's.
#[tokio::test]
async fn what_cannot_be_read_is_answered_in_the_service_s_words() {
    let running = start(patient(4)).await;
    for (request, status) in [
        (format!("GET / HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)), 431),
        (format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "x: y\r\n".repeat(1000)), 431),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        // It may be answered, and the rest refused, before all of it has left.
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = timeout(LONG, read_to_end(stream)).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.ends_with(&format!("{status} by the service")), "{answer}");
    }
    let kept = running.send("GET /a HTTP/1.1\r\nhost: h\r\n\r\nGET /b HTTP/1.1\r\nno colon\r\n\r\n").await;
    let both = timeout(LONG, read_to_end(kept)).await.unwrap();
    assert!(both.contains("0 bytes of true") && both.ends_with("400 by the service"), "{both}");
    let refused = running.answer("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(refused.contains("exactly one Host") && !refused.contains("by the service"), "{refused}");
    running.is_well().await;
    running.ends().await;
}
