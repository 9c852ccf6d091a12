//! The content of a body: its framing taken off, and its hash or the signatures of its chunks verified as it passes.
//!
//! Nothing is gathered: a chunk of any declared size is handed on as it comes, since some SDKs send a whole part as one. A wrong
//! signature ends the body with an error behind content that was handed on already; so whoever stores it replaces
//! nothing before the end came. The s3s crate would gather a chunk in memory, up to 4 GiB.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use ring::digest;
use thiserror::Error;

use super::{body::RequestBody, reading::Payload, signature::Chain};
use crate::store::embedded::Algorithm;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The line before a chunk, bytes, at most: a length and a signature.
const LINE_MAX_BYTES: usize = 256;
/// A trailer, bytes, at most.
const TRAILER_MAX_BYTES: usize = 8 * 1024;
/// The signature in a trailer.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// What is wrong with a body. Each begins with the word by which `errors` knows it.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum PayloadError {
    #[error("Sha256Mismatch: the body is not the one of x-amz-content-sha256")]
    Sha256Mismatch,
    #[error("SignatureMismatch: a chunk or the trailer is not as signed")]
    SignatureMismatch,
    #[error("FormatError: {0}")]
    Format(&'static str),
    #[error("Incomplete: {got} bytes came, {declared} were declared")]
    Length { got: u64, declared: u64 },
    #[error("Incomplete: the body ended within a chunk")]
    Cut,
}

/// The headers behind a body, once it was read to its end. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Trailers(Arc<Mutex<Option<HeaderMap>>>);

impl Trailers {
    /// Takes them, if they came.
    pub(super) fn take(&self) -> Option<HeaderMap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, headers: HeaderMap) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(headers);
    }
}

/// The verified content of a request.
pub(super) struct SentContent {
    inner: RequestBody,
    check: Check,
    /// What the body gave and was not looked at yet.
    pending: Bytes,
    ended: bool,
    length: Option<u64>,
}

enum Check {
    None,
    Hash(Box<Hash>),
    Chunks(Box<Chunks>),
}

/// The hash of a body without framing.
struct Hash {
    sum: [u8; 32],
    /// None once it was looked at.
    digest: Option<digest::Context>,
    /// Bytes that are to come, if known.
    left: Option<u64>,
}

impl SentContent {
    /// The content of `inner`, which comes with `content_length` bytes if that is known.
    pub(super) fn new(
        inner: RequestBody,
        payload: &Payload,
        content_length: Option<u64>,
        chain: Option<Chain>,
        trailers: Trailers,
    ) -> Self {
        let (check, length) = match payload {
            Payload::Unsigned => (Check::None, content_length),
            Payload::Hashed(sum) => {
                let digest = Some(digest::Context::new(&digest::SHA256));
                (Check::Hash(Box::new(Hash { sum: *sum, digest, left: content_length })), content_length)
            }
            Payload::Chunked { trailer, decoded_bytes, .. } => {
                (Check::Chunks(Box::new(Chunks::new(chain, *trailer, *decoded_bytes, trailers))), Some(*decoded_bytes))
            }
        };
        Self { inner, check, pending: Bytes::new(), ended: false, length }
    }

    /// Bytes of the content, if known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next bytes of the body as it is transferred; none at its end.
    fn poll_raw(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                None => self.ended = true,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                // Trailers of HTTP are no part of S3.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    fn poll_chunked(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            if let Check::Chunks(chunks) = &mut self.check {
                match chunks.next(&mut self.pending) {
                    Ok(Some(content)) => return Poll::Ready(Some(Ok(content))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(error.into()))),
                }
            }
            match ready!(self.poll_raw(cx)) {
                Some(Ok(bytes)) => self.pending = bytes,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let Check::Chunks(chunks) = &mut self.check else { return Poll::Ready(None) };
                    return Poll::Ready(chunks.end().err().map(|error| Err(error.into())));
                }
            }
        }
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if matches!(self.check, Check::Chunks(_)) {
            return self.poll_chunked(cx);
        }
        let raw = ready!(self.poll_raw(cx));
        let Check::Hash(hash) = &mut self.check else { return Poll::Ready(raw) };
        if let (Some(Ok(bytes)), Some(digest)) = (&raw, hash.digest.as_mut()) {
            digest.update(bytes);
            hash.left = hash.left.map(|left| left.saturating_sub(bytes.len() as u64));
        }
        // A reader that knows the length may stop at the last byte: the hash is looked at before that one is given out.
        let is_last = raw.is_none() || hash.left == Some(0);
        if is_last && hash.digest.take().is_some_and(|digest| digest.finish().as_ref() != hash.sum.as_slice()) {
            return Poll::Ready(Some(Err(PayloadError::Sha256Mismatch.into())));
        }
        Poll::Ready(raw)
    }
}

impl Body for SentContent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.get_mut().poll_content(cx).map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Where in the framing the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In the line before a chunk.
    Line,
    /// So many bytes before the end of a chunk.
    Data(u64),
    /// In the line break behind a chunk.
    Break,
    /// Behind the last chunk.
    Trailer,
}

/// Takes off aws-chunked framing.
struct Chunks {
    at: At,
    /// A line or trailer that is not complete yet.
    held: Vec<u8>,
    chain: Option<Chain>,
    has_trailer: bool,
    trailers: Trailers,
    digest: digest::Context,
    signature: [u8; 32],
    declared: u64,
    received: u64,
}

impl Chunks {
    fn new(chain: Option<Chain>, has_trailer: bool, declared: u64, trailers: Trailers) -> Self {
        let digest = digest::Context::new(&digest::SHA256);
        let (at, held, signature, received) = (At::Line, Vec::new(), [0; 32], 0);
        Self { at, held, chain, has_trailer, trailers, digest, signature, declared, received }
    }

    /// The next content in `bytes`; none when all of them were looked at.
    fn next(&mut self, bytes: &mut Bytes) -> Result<Option<Bytes>, PayloadError> {
        while !bytes.is_empty() {
            match self.at {
                At::Line => {
                    if let Some(line) = self.line(bytes, LINE_MAX_BYTES)? {
                        self.begin(&line)?;
                    }
                }
                At::Data(left) => return self.data(bytes, left).map(Some),
                At::Break => {
                    if let Some(line) = self.line(bytes, 2)? {
                        if line != b"\r\n" {
                            return Err(PayloadError::Format("a chunk is longer than it says"));
                        }
                        self.at = At::Line;
                    }
                }
                At::Trailer => {
                    if self.held.len() + bytes.len() > TRAILER_MAX_BYTES {
                        return Err(PayloadError::Format("the trailer is too long"));
                    }
                    self.held.extend_from_slice(bytes);
                    bytes.clear();
                }
            }
        }
        Ok(None)
    }

    /// A line with its break, once it is complete.
    fn line(&mut self, bytes: &mut Bytes, max: usize) -> Result<Option<Vec<u8>>, PayloadError> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = bytes.split_to(end.map_or(bytes.len(), |end| end + 1));
        if self.held.len() + taken.len() > max {
            return Err(PayloadError::Format("the line before a chunk is too long"));
        }
        self.held.extend_from_slice(&taken);
        Ok(end.map(|_| std::mem::take(&mut self.held)))
    }

    fn begin(&mut self, line: &[u8]) -> Result<(), PayloadError> {
        let malformed = PayloadError::Format("the line before a chunk is malformed");
        let line = line.strip_suffix(b"\r\n").and_then(|line| std::str::from_utf8(line).ok());
        let Some(line) = line else { return Err(malformed) };
        let (size, signature) = match line.split_once(";chunk-signature=") {
            Some((size, signature)) => (size, Some(signature)),
            None => (line, None),
        };
        let digits = (1..=16).contains(&size.len()) && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = if digits { u64::from_str_radix(size, 16).ok() } else { None };
        let (Some(size), true) = (size, signature.is_some() == self.chain.is_some()) else { return Err(malformed) };
        if let Some(signature) = signature {
            hex::decode_to_slice(signature, &mut self.signature).map_err(|_| malformed)?;
        }
        self.digest = digest::Context::new(&digest::SHA256);
        if size == 0 {
            self.verify_chunk()?;
            self.at = At::Trailer;
            return Ok(());
        }
        let received = self.received.saturating_add(size);
        if received > self.declared {
            return Err(PayloadError::Length { got: received, declared: self.declared });
        }
        self.received = received;
        self.at = At::Data(size);
        Ok(())
    }

    fn data(&mut self, bytes: &mut Bytes, left: u64) -> Result<Bytes, PayloadError> {
        let taken = bytes.split_to(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
        if self.chain.is_some() {
            self.digest.update(&taken);
        }
        self.at = At::Data(left - taken.len() as u64);
        if self.at == At::Data(0) {
            self.verify_chunk()?;
            self.at = At::Break;
        }
        Ok(taken)
    }

    fn verify_chunk(&mut self) -> Result<(), PayloadError> {
        let Some(chain) = &mut self.chain else { return Ok(()) };
        let sum = self.digest.clone().finish();
        if chain.chunk(sum.as_ref(), &self.signature) { Ok(()) } else { Err(PayloadError::SignatureMismatch) }
    }

    /// What must hold at the end of the body.
    fn end(&mut self) -> Result<(), PayloadError> {
        if self.at != At::Trailer {
            return Err(PayloadError::Cut);
        }
        if self.received != self.declared {
            return Err(PayloadError::Length { got: self.received, declared: self.declared });
        }
        let text = String::from_utf8(std::mem::take(&mut self.held));
        let text = text.map_err(|_| PayloadError::Format("the trailer is not UTF-8"))?;
        self.trailer(&text)
    }

    fn trailer(&mut self, text: &str) -> Result<(), PayloadError> {
        let malformed = || PayloadError::Format("the trailer is malformed");
        let (mut lines, mut signature) = (Vec::new(), None);
        for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).filter(|line| !line.is_empty())
        {
            let (name, value) = line.split_once(':').ok_or_else(malformed)?;
            let (name, value) = (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
            if name == TRAILER_SIGNATURE {
                signature = Some(hex::decode(value).map_err(|_| malformed())?);
            } else {
                lines.push((name, value.to_owned()));
            }
        }
        if !self.has_trailer {
            return if lines.is_empty() && signature.is_none() { Ok(()) } else { Err(malformed()) };
        }
        if lines.is_empty() {
            return Err(PayloadError::Format("the trailer was announced and did not come"));
        }
        lines.sort_unstable();
        let canonical = lines.iter().fold(String::new(), |text, (name, value)| text + name + ":" + value + "\n");
        let signed = match (&mut self.chain, signature) {
            (Some(chain), Some(signature)) => chain.trailer(&canonical, &signature),
            (None, None) => true,
            _ => return Err(malformed()),
        };
        if !signed {
            return Err(PayloadError::SignatureMismatch);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            let (name, value) = header.ok_or_else(malformed)?;
            if Algorithm::from_header(name.as_str()).is_none() {
                return Err(PayloadError::Format("a trailer is not a checksum that is verified"));
            }
            if headers.insert(name, value).is_some() {
                return Err(PayloadError::Format("a trailer came more than once"));
            }
        }
        self.trailers.put(headers);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::s3_api::signature::SigningKey;

    /// Takes the framing off, with the body in pieces of `step` bytes.
    fn read(mut chunks: Chunks, body: &[u8], step: usize) -> Result<Vec<u8>, PayloadError> {
        let mut content = Vec::new();
        for piece in body.chunks(step) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(bytes) = chunks.next(&mut piece)? {
                content.extend_from_slice(&bytes);
            }
        }
        chunks.end().map(|()| content)
    }

    fn unsigned(declared: u64, trailers: &Trailers) -> Chunks {
        Chunks::new(None, true, declared, trailers.clone())
    }

    const PLAIN: &[u8] = b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Amz-Checksum-Crc32: AAAAAA== \r\n\r\n";

    #[test]
    fn framing_is_taken_off_wherever_the_pieces_end() {
        for step in 1..PLAIN.len() {
            let trailers = Trailers::default();
            assert_eq!(read(unsigned(13, &trailers), PLAIN, step).unwrap(), b"abc0123456789");
            assert_eq!(trailers.take().unwrap()["x-amz-checksum-crc32"], "AAAAAA==");
        }
    }

    #[test]
    fn a_body_that_is_not_as_it_says_is_refused() {
        let refused = |body: &[u8], declared| read(unsigned(declared, &Trailers::default()), body, 7).unwrap_err();
        assert!(matches!(refused(PLAIN, 12), PayloadError::Length { .. }));
        assert!(matches!(refused(PLAIN, 14), PayloadError::Length { .. }));
        let last = PLAIN.len() - b"X-Amz-Checksum-Crc32: AAAAAA== \r\n\r\n".len();
        for end in 0..last {
            assert_eq!(refused(&PLAIN[..end], 13), PayloadError::Cut, "{end}");
        }
        assert!(matches!(refused(&PLAIN[..last], 13), PayloadError::Format(_)), "the trailer is missing");
        for body in [
            "3\r\nabcd\r\n0\r\n\r\n",
            "3\nabc\r\n0\r\n\r\n",
            "+3\r\nabc\r\n0\r\n\r\n",
            "-3\r\nabc\r\n0\r\n\r\n",
            "0x3\r\nabc\r\n0\r\n\r\n",
            "\r\nabc\r\n0\r\n\r\n",
            "3;chunk-signature=00\r\nabc\r\n0\r\n\r\n",
            "3;name=value\r\nabc\r\n0\r\n\r\n",
            "FFFFFFFFFFFFFFFFF\r\n",
            "3\r\nabc\r\n0\r\nx-amz-checksum-sha512:AAAA\r\n\r\n",
            "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:1\r\nx-amz-checksum-crc32:2\r\n\r\n",
            "3\r\nabc\r\n0\r\nx-amz-trailer-signature:00\r\n\r\n",
            "3\r\nabc\r\n0\r\nno colon\r\n\r\n",
        ] {
            assert!(matches!(refused(body.as_bytes(), 3), PayloadError::Format(_)), "{body}");
        }
        assert!(matches!(refused(b"FFFFFFFFFFFFFFFF\r\n", 3), PayloadError::Length { .. }));
        assert!(matches!(refused(&[b'1'; 300], 3), PayloadError::Format(_)));
        let long = [b"0\r\n".to_vec(), vec![b'a'; TRAILER_MAX_BYTES + 1]].concat();
        assert!(matches!(refused(&long, 0), PayloadError::Format(_)));
    }

    /// The example of the S3 API Reference, "Transferring payload in multiple chunks", with and without a trailer.
    fn example(seed: &str, chunks: [&str; 3], trailer: &str) -> (Chunks, Vec<u8>) {
        let key = SigningKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524T000000Z", "us-east-1");
        let chain = Chain::new(key, &hex::decode(seed).unwrap());
        let content = [vec![b'a'; 65536], vec![b'a'; 1024], Vec::new()];
        let mut body = Vec::new();
        for (content, signature) in content.iter().zip(chunks) {
            body.extend_from_slice(format!("{:x};chunk-signature={signature}\r\n", content.len()).as_bytes());
            body.extend_from_slice(content);
            if !content.is_empty() {
                body.extend_from_slice(b"\r\n");
            }
        }
        body.extend_from_slice(trailer.as_bytes());
        (Chunks::new(Some(chain), !trailer.trim().is_empty(), 66560, Trailers::default()), body)
    }

    fn without_trailer() -> (Chunks, Vec<u8>) {
        let chunks = [
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ];
        example("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", chunks, "\r\n")
    }

    fn with_trailer() -> (Chunks, Vec<u8>) {
        let chunks = [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ];
        let trailer = "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:\
                       d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
        example("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", chunks, trailer)
    }

    #[test]
    fn signed_chunks_are_those_of_the_reference() {
        for step in [1, 1000, 100_000] {
            for (chunks, body) in [without_trailer(), with_trailer()] {
                assert_eq!(read(chunks, &body, step).unwrap(), vec![b'a'; 66560]);
            }
        }
    }

    #[test]
    fn a_changed_byte_of_signed_chunks_is_noticed() {
        for example in [without_trailer, with_trailer] {
            let length = example().1.len();
            let ends = (0..120).chain(65_600..65_900).chain(length - 300..length - 4);
            for at in ends {
                let (chunks, mut body) = example();
                body[at] ^= 1;
                assert!(read(chunks, &body, 4096).is_err(), "byte {at} of {length}");
            }
        }
    }
}
