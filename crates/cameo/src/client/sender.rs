//! Sending files to signed addresses, which need no token: it would be given to whoever is there.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

use super::{build, builder, failure};
use crate::model::error::Result;

/// How long a file may take: the longest one over a line of 1 Mbit/s.
const TIMEOUT: Duration = Duration::from_mins(12);
/// Of an error so much is read for its code.
const ERROR_MAX_BYTES: usize = 16 << 10;
/// Where S3 says in which region a bucket is.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// Sends files. Connections are kept between them.
#[derive(Debug, Clone)]
pub struct Sender {
    client: reqwest::Client,
}

/// What a file that was sent is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The code of S3's error, such as `NoSuchBucket`.
    pub code: Option<String>,
    /// Its message.
    pub message: Option<String>,
    /// The region that the bucket is said to be in.
    pub region: Option<String>,
    /// What time it is there.
    pub date: Option<Timestamp>,
}

impl Sender {
    /// Nothing is sent yet.
    pub fn new() -> Result<Self> {
        Ok(Self { client: build(builder().timeout(TIMEOUT))? })
    }

    /// Puts a file where an address says, with the headers that belong to it; what was answered.
    pub async fn put(&self, url: &str, headers: &BTreeMap<String, String>, content: Bytes) -> Result<Answer> {
        let request = headers.iter().fold(self.client.put(url), |request, (name, value)| request.header(name, value));
        // An address is a secret for as long as it holds.
        let failed = |error| failure::unreachable("send a file", error);
        let mut response = request.body(content).send().await.map_err(failed)?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = header("date").and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        let (status, region) = (response.status(), header(BUCKET_REGION).map(str::to_owned));
        let mut body = Vec::new();
        // Read to its end, so that the connection can be used again.
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            let room = ERROR_MAX_BYTES - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        let text = String::from_utf8_lossy(&body);
        let (code, message) =
            if status.is_success() { (None, None) } else { (of(&text, "Code"), of(&text, "Message")) };
        Ok(Answer { status, code, message, region, date })
    }
}

/// The text of an element of S3's error document.
fn of(document: &str, element: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_s3_have_a_code_and_a_message() {
        let document = "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message> none\n</Message></Error>";
        assert_eq!(of(document, "Code").as_deref(), Some("NoSuchBucket"));
        assert_eq!(of(document, "Message").as_deref(), Some("none"));
        assert_eq!((of("<html>", "Code"), of("<Code>cut", "Code")), (None, None));
    }
}
