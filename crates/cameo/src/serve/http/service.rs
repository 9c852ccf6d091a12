//! What a listener brings to the base: its answers to requests, and to plain ones an answer at once where it has one.

use std::{fs::File, future::Future, io};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;

use super::{body::Incoming, plain::PlainRequest};

/// What a listener serves.
pub(in crate::serve) trait Service: Clone + Send + Sync + 'static {
    /// The bodies of its answers.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// Headers that every answer gets, whatever the service says.
    const HEADERS: &'static [(&'static str, &'static str)];

    /// Whether [`direct`](Self::direct) ever has an answer.
    const IS_DIRECT: bool = false;

    /// Answers a plain request at once, where that can be done without waiting for anything but a look-up: writes the lines of the head, but
    /// for `Date` and the empty one, and gives the content. None where [`answer`](Self::answer) is to be asked.
    fn direct(&self, _request: &PlainRequest<'_>, _head: &mut Vec<u8>) -> Option<Direct> {
        None
    }

    /// Answers a request. An error closes the connection.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = io::Result<Response<Self::Body>>> + Send;

    /// The answer to a request that is refused before the service sees it.
    fn refuse(&self, status: StatusCode, why: &'static str) -> Response<Self::Body>;

    /// The whole answer, head and body, to what cannot be read as a request. None leaves it at a head without a body, as hyper has it.
    fn unreadable(_status: StatusCode) -> Option<Bytes> {
        None
    }
}

/// Content of an answer: a part of a file.
#[derive(Debug)]
pub(crate) struct FileContent {
    pub(crate) file: File,
    /// Where it begins, bytes.
    pub(crate) offset: u64,
    /// Its length, bytes.
    pub(crate) length: u64,
}

/// An answer of a service to a plain request.
#[derive(Debug)]
pub(crate) enum Direct {
    /// A head alone.
    Head,
    /// A head and content of the length that it names.
    Content(FileContent),
}
