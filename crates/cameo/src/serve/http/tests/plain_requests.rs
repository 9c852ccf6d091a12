//! Connections of which some requests are answered from a file, without hyper: the same places, pace, time-outs and end.

use std::io::Write;

use super::*;

/// More than the buffers of both sides take.
const FILE_BYTES: usize = 8 << 20;
/// What a file that was cut off has.
const CUT_BYTES: usize = 100;

/// Content for `/file`, and for `/cut` content that is shorter than its head says.
pub(super) fn direct(request: &PlainRequest<'_>, head: &mut Vec<u8>) -> Option<Direct> {
    let bytes = match request.path {
        "/file" => FILE_BYTES,
        "/cut" => CUT_BYTES,
        _ => return None,
    };
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"ab").unwrap();
    file.set_len(bytes as u64).unwrap();
    head.extend_from_slice(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", FILE_BYTES - 1).as_bytes());
    Some(Direct::Content(FileContent { file, offset: 1, length: FILE_BYTES as u64 - 1 }))
}

/// Reads an answer of `/file` from a connection that is kept; its head.
async fn read_file(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let head = loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "{:?}", String::from_utf8_lossy(&bytes));
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break bytes.drain(..end + 4).collect::<Vec<_>>();
        }
    };
    let have = bytes.len();
    bytes.resize(FILE_BYTES - 1, 0);
    stream.read_exact(&mut bytes[have..]).await.unwrap();
    assert!(bytes[0] == b'b' && bytes[1..].iter().all(|byte| *byte == 0));
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn requests_of_one_connection_are_answered_in_order_by_whom_they_are_for() {
    let running = start(patient(100)).await;
    let file = "GET /file HTTP/1.1\r\nhost: h\r\n\r\n";
    let mut stream = running.send(file).await;
    let head = read_file(&mut stream).await;
    assert!(head.contains("\r\ndate: ") && head.contains(" GMT\r\n") && !head.contains("connection"), "{head}");
    // All at once, and the last one is hyper's. A head in two pieces is one.
    let last = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 31\r\nconnection: close\r\n\r\n";
    stream.write_all(format!("{file}{file}{last}GET /file HTTP/1.1\r\nhost: h\r").as_bytes()).await.unwrap();
    read_file(&mut stream).await;
    read_file(&mut stream).await;
    stream.write_all(b"\n\r\n").await.unwrap();
    let answer = timeout(LONG, read_to_end(stream)).await.unwrap();
    assert!(answer.contains("31 bytes of true"), "what looks like a request in a body is none: {answer}");
}

#[tokio::test]
async fn whoever_asks_and_ends_its_side_gets_the_file() {
    let running = start(patient(100)).await;
    let mut stream = running.send("GET /file HTTP/1.1\r\nhost: h\r\n\r\n").await;
    stream.shutdown().await.unwrap();
    timeout(LONG, read_file(&mut stream)).await.unwrap();
    assert_eq!(read_to_end(stream).await, "");
}

/// security.md A4 and A6.
#[tokio::test]
async fn a_reader_of_a_file_that_stands_still_gives_way() {
    let running = start(patient(1)).await;
    let _reader = running.send("GET /file HTTP/1.1\r\nhost: h\r\n\r\n").await;
    running.is_well().await;
}

#[tokio::test]
async fn a_reader_of_a_file_that_takes_nothing_is_closed() {
    let limits = ConnectionLimits { idle_timeout: Duration::from_millis(200), ..patient(100) };
    let running = start(limits).await;
    let stream = running.send("GET /file HTTP/1.1\r\nhost: h\r\n\r\n").await;
    timeout(LONG, async {
        while stream.take_error().unwrap().is_none() {
            tokio::task::yield_now().await
        }
    })
    .await
    .expect("it is reset");
}

#[tokio::test]
async fn half_a_head_and_an_idle_connection_have_the_time_of_a_head() {
    let running = start(ConnectionLimits { header_timeout: Duration::from_millis(100), ..patient(100) }).await;
    for half in ["", "GET /file HTTP/1.1\r\nho"] {
        assert_eq!(timeout(LONG, running.answer(half)).await.expect("an end"), "", "{half}");
    }
    let mut kept = running.send("GET /file HTTP/1.1\r\nhost: h\r\n\r\n").await;
    read_file(&mut kept).await;
    assert_eq!(timeout(LONG, read_to_end(kept)).await.expect("an end"), "");
}

#[tokio::test]
async fn what_is_refused_is_refused_by_hyper() {
    let running = start(patient(100)).await;
    for (request, status) in [
        ("GET /file HTTP/1.1\r\n\r\n", "400"),
        ("GET /file HTTP/1.1\r\nhost: h\r\nhost: h\r\n\r\n", "400"),
        ("GET /file HTTP/1.1\r\nhost: a b\r\n\r\n", "400"),
        ("GET /file HTTP/1.1\r\nhost: h\r\nx y: z\r\n\r\n", "400"),
        (&format!("GET /file HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "y".repeat(20_000)), "431"),
    ] {
        let mut stream = running.send(request).await;
        // A connection whose request is refused for its host is kept. One that is closed already may be reset.
        let _ = stream.shutdown().await;
        let answer = timeout(LONG, read_to_end(stream)).await.expect("an end");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer} to {request}");
    }
}

#[tokio::test]
async fn an_answer_whose_file_was_cut_off_ends_with_the_connection() {
    let running = start(patient(100)).await;
    let answer = timeout(LONG, running.answer("GET /cut HTTP/1.1\r\nhost: h\r\n\r\n")).await.expect("an end");
    let (_, content) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(content.len() < CUT_BYTES, "{}", content.len());
}

/// Who takes the answer gets it whole, also where the listener ends in the middle; who does not is not waited for.
#[tokio::test]
async fn a_file_that_is_being_taken_is_sent_to_its_end() {
    let running = start(patient(100)).await;
    let mut takes = running.send("GET /file HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let _stands_still = running.send("GET /file HTTP/1.1\r\nhost: h\r\n\r\n").await;
    takes.read_exact(&mut [0; 15]).await.unwrap();
    let taking = tokio::spawn(async move {
        let mut bytes = Vec::new();
        takes.read_to_end(&mut bytes).await.map(|_| bytes.len())
    });
    running.is_well().await;
    running.ends().await;
    assert!(timeout(LONG, taking).await.unwrap().unwrap().unwrap() > FILE_BYTES);
}
