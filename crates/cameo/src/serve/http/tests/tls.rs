//! A listener that speaks TLS, from the outside: who gets through, who gives way, and what a client hears that speaks something else.

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::{
    clock::{Clock, SystemClock},
    serve::certificate::{Certificate, Reloaded, tests::Pair},
};

struct Secure {
    running: Running,
    certificate: Arc<Certificate>,
    pair: Pair,
}

async fn start_tls(limits: ConnectionLimits) -> Secure {
    let pair = Pair::new("cameo.test");
    let certificate = Arc::new(Certificate::open(pair.files()).unwrap());
    let tls = Some(Tls::new(certificate.clone()).unwrap());
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Secure { running: start_on(Listener { port, tls }, limits), certificate, pair }
}

/// A client that trusts this certificate alone.
fn client(pem: &str, versions: &[&'static rustls::SupportedProtocolVersion], protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

impl Secure {
    async fn connect_by(&self, client: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.running.address).await.unwrap();
        timeout(LONG, client.connect(ServerName::try_from("cameo.test").unwrap(), stream)).await.expect("an end")
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        self.connect_by(&client(&self.pair.chain(), &[&TLS13], &[])).await
    }

    async fn ask(&self, request: &str) -> io::Result<String> {
        let mut stream = self.connect().await?;
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("an end")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn is_well(&self) {
        let answer = self.ask("GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        assert!(answer.contains("0 bytes of true, over TLS"), "{answer}");
    }
}

#[tokio::test]
async fn both_versions_are_spoken_and_the_answer_is_whole() {
    let secure = start_tls(patient(100)).await;
    for version in [&TLS12, &TLS13] {
        for protocols in [&[][..], &["http/1.1"], &["h2", "http/1.1"]] {
            let client = client(&secure.pair.chain(), &[version], protocols);
            let mut stream = secure.connect_by(&client).await.unwrap();
            let spoken = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            assert_eq!(spoken, (!protocols.is_empty()).then(|| b"http/1.1".to_vec()), "{protocols:?}");
            let head = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 300000\r\n\r\n";
            stream.write_all(format!("{head}{}", "x".repeat(300_000)).as_bytes()).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answers = String::new();
            // The end is said: nothing was cut off.
            timeout(LONG, stream.read_to_string(&mut answers)).await.expect("an end").unwrap();
            assert!(answers.contains("300000 bytes of true, over TLS"), "{answers}");
            assert!(answers.contains("0 bytes of true, over TLS") && answers.contains("nosniff"), "{answers}");
        }
    }
    let only_h2 = client(&secure.pair.chain(), &[&TLS13], &["h2"]);
    let refused = secure.connect_by(&only_h2).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
}

#[tokio::test]
async fn a_large_answer_is_read_in_pieces() {
    let secure = start_tls(patient(100)).await;
    let mut stream = secure.connect().await.unwrap();
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut bytes = vec![0; 1 << 20];
    timeout(LONG, stream.read_exact(&mut bytes)).await.expect("an answer").unwrap();
    let longest = bytes.split(|byte| *byte != 7).map(<[u8]>::len).max();
    assert_eq!(longest, Some(SEVENS.len()));
}

#[tokio::test]
async fn a_client_that_speaks_no_tls_is_told() {
    let secure = start_tls(patient(100)).await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", "x".repeat(20_000));
    for request in ["GET / HTTP/1.1\r\nhost: h\r\n\r\n", "POST /api/v1/session HTTP/1.1\r\nhost: h\r\n\r\n", "x", &long]
    {
        let answer = timeout(LONG, secure.running.answer(request)).await.expect("an end");
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");
        assert!(answer.contains("connection: close") && !answer.contains("location"), "{answer}");
    }
    secure.is_well().await;
}

/// What hyper says by itself is in the clear for whoever decrypts it, and for nobody before.
#[tokio::test]
async fn what_cannot_be_read_is_answered_in_the_service_s_words_over_tls() {
    let secure = start_tls(patient(100)).await;
    for version in [&TLS12, &TLS13] {
        for (request, status) in [
            (format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "x: y\r\n".repeat(1000)), 431),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400),
            ("GET /a HTTP/1.1\r\nhost: h\r\n\r\nnonsense\r\n\r\n".to_owned(), 400),
        ] {
            let client = client(&secure.pair.chain(), &[version], &[]);
            let mut stream = secure.connect_by(&client).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            // What was not read may be answered with a reset behind the answer.
            let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("an end");
            let answer = String::from_utf8_lossy(&bytes);
            assert!(answer.contains(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.ends_with(&format!("{status} by the service")), "{answer}");
        }
    }
    secure.is_well().await;
}

/// The greeting of a client, as far as it goes.
fn greeting() -> Vec<u8> {
    let pair = Pair::new("cameo.test");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pair.chain().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]).unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let mut client = rustls::ClientConnection::new(config, ServerName::try_from("cameo.test").unwrap()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// Everything that stops somewhere in a handshake.
async fn half_handshakes(secure: &Secure) -> Vec<TcpStream> {
    let greeting = greeting();
    let mut open = Vec::new();
    for length in [0, 1, 3, 5, 40, greeting.len() - 1, greeting.len()] {
        let mut stream = TcpStream::connect(secure.running.address).await.unwrap();
        stream.write_all(&greeting[..length]).await.unwrap();
        open.push(stream);
    }
    open
}

/// Decision 015: who asks for nothing takes no place of somebody who asks, wherever they stop.
#[tokio::test]
async fn half_handshakes_give_way() {
    let secure = start_tls(patient(2)).await;
    let _open = half_handshakes(&secure).await;
    let _idle = secure.connect().await;
    for _ in 0..3 {
        secure.is_well().await;
    }
}

#[tokio::test]
async fn half_handshakes_end_with_the_time_for_a_head() {
    let secure = start_tls(ConnectionLimits { header_timeout: Duration::from_millis(50), ..patient(100) }).await;
    for mut stream in half_handshakes(&secure).await {
        let mut rest = Vec::new();
        let _ = timeout(LONG, stream.read_to_end(&mut rest)).await.expect("an end");
    }
    // And so does one that shook hands, and never asks.
    if let Ok(mut stream) = secure.connect().await {
        let _ = timeout(LONG, stream.read_to_end(&mut Vec::new())).await.expect("an end");
    }
}

/// The time for a handshake is not given on top of the time for a head.
#[tokio::test]
async fn a_connection_that_must_have_asked_by_then_is_ended() {
    let connections = Connections::new("test", patient(10));
    let Admitted::Place(place) = connections.admit(SocketAddr::from(([127, 0, 0, 1], 1))).await else {
        panic!("a place")
    };
    let (connection, now) = (place.connection(), Instant::now());
    connection.must_ask_by(now + Duration::from_secs(30));
    assert_eq!(connection.judge(now + Duration::from_secs(29)), Verdict::GoOn);
    assert!(matches!(connection.judge(now + Duration::from_secs(30)), Verdict::End(_)));
    drop(connection.begin().unwrap());
    assert_eq!(connection.judge(now + Duration::from_secs(90)), Verdict::GoOn);
}

#[tokio::test]
async fn nobody_in_a_handshake_delays_the_end() {
    let secure = start_tls(patient(100)).await;
    let _open = half_handshakes(&secure).await;
    let _idle = secure.connect().await.unwrap();
    let mut half = secure.connect().await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nho").await.unwrap();
    secure.is_well().await;
    secure.running.ends().await;
}

/// What is garbage after a right beginning is refused, and costs nobody else anything.
#[tokio::test]
async fn garbage_is_refused() {
    let secure = start_tls(patient(100)).await;
    let mut wrong = greeting();
    for at in (5..wrong.len()).step_by(7) {
        wrong[at] ^= 0xff;
    }
    for bytes in [&[22; 400][..], &[22, 3, 1, 255, 255, 1], &wrong] {
        let mut stream = TcpStream::connect(secure.running.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(LONG, stream.read_to_end(&mut rest)).await.expect("an end");
        assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    }
    secure.is_well().await;
}

#[tokio::test]
async fn a_new_certificate_is_used_for_new_connections_and_a_broken_one_is_not() {
    let secure = start_tls(patient(100)).await;
    let now = SystemClock.now();
    let mut old = secure.connect().await.unwrap();
    let first = secure.pair.chain();
    secure.pair.renew();
    assert!(matches!(secure.certificate.reload(now), Reloaded::New(_)));
    secure.is_well().await;
    assert!(secure.connect_by(&client(&first, &[&TLS13], &[])).await.is_err(), "the old one is not given any more");
    // What was open goes on.
    old.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(LONG, old.read_to_string(&mut answer)).await.expect("an end").unwrap();
    assert!(answer.contains("over TLS"));
    let files = secure.pair.files();
    std::fs::write(&files.key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    assert!(matches!(secure.certificate.reload(now), Reloaded::Kept(_)));
    secure.is_well().await;
}
