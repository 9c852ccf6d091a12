//! Content in pieces, a request each: a reader who takes his time holds one piece, and no connection to the store.
//!
//! Every piece but the first is asked for under the condition that the object is still the same, so that no answer is glued
//! together from two.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::{Method, StatusCode};

use super::{
    client::{Client, Request, S3Response},
    failure, header, info,
};
use crate::{
    model::error::{Error, Kind, Place, Result},
    store::{ObjectInfo, Reading},
};

/// Bytes of a piece. Nearly every rendition is one.
const PIECE_BYTES: u64 = 512 << 10;

/// Reads a range of an object, or all of it.
pub(super) async fn read(
    client: Arc<Client>,
    bucket: &str,
    key: &str,
    range: Option<Range<u64>>,
) -> Result<Option<Reading>> {
    let asked = range.unwrap_or(0..u64::MAX);
    let source = Source { client, bucket: bucket.to_owned(), key: key.to_owned() };
    let Some((info, first)) = source.first(asked.start..asked.end.min(asked.start.saturating_add(PIECE_BYTES))).await?
    else {
        return Ok(None);
    };
    let (at, end) = (asked.start + first.len() as u64, asked.end.min(info.size));
    let rest = stream::try_unfold((source, at, info.etag.clone()), move |(source, at, etag)| async move {
        if at >= end {
            return Ok(None);
        }
        let piece = source.next(at..end.min(at + PIECE_BYTES), &etag).await?;
        let next = at + piece.len() as u64;
        Ok(Some((piece, (source, next, etag))))
    });
    Ok(Some(Reading { info, pieces: stream::iter([Ok(first)]).chain(rest).boxed() }))
}

struct Source {
    client: Arc<Client>,
    bucket: String,
    key: String,
}

impl Source {
    async fn ask(&self, range: &Range<u64>, etag: Option<&str>) -> Result<S3Response> {
        let mut request = Request { body_max_bytes: PIECE_BYTES, ..Request::new(Method::GET, &self.bucket, &self.key) };
        request.set("range", &format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        if let Some(etag) = etag {
            request.set("if-match", &format!("\"{etag}\""));
        }
        self.client.send(&request).await
    }

    /// The first piece and what is known of the object; `None` where there is none.
    async fn first(&self, range: Range<u64>) -> Result<Option<(ObjectInfo, Bytes)>> {
        let answer = self.ask(&range, None).await?;
        match answer.status() {
            StatusCode::NOT_FOUND if !failure::is_missing_bucket(&answer.body) => Ok(None),
            StatusCode::PARTIAL_CONTENT => {
                let size =
                    header(answer.headers(), "content-range").and_then(whole_size).ok_or_else(|| self.no_range())?;
                Ok(Some((info(&self.key, size, answer.headers())?, answer.body)))
            }
            // An empty object has no range.
            StatusCode::RANGE_NOT_SATISFIABLE if range.start == 0 => {
                let answer = self.client.send(&Request::new(Method::HEAD, &self.bucket, &self.key)).await?;
                match answer.status() {
                    StatusCode::OK => Ok(Some((info(&self.key, 0, answer.headers())?, Bytes::new()))),
                    StatusCode::NOT_FOUND => Ok(None),
                    _ => Err(answer.refused()),
                }
            }
            // A store that knows no ranges sends all of it, of which a piece is all that is taken.
            StatusCode::OK if range.start == 0 => {
                let size = header(answer.headers(), "content-length").and_then(|length| length.parse().ok());
                let size = size.unwrap_or(answer.body.len() as u64);
                let length = usize::try_from(range.end).unwrap_or(usize::MAX).min(answer.body.len());
                if size > answer.body.len() as u64 {
                    return Err(self.no_range());
                }
                Ok(Some((info(&self.key, size, answer.headers())?, answer.body.slice(..length))))
            }
            StatusCode::OK => Err(self.no_range()),
            _ => Err(answer.refused()),
        }
    }

    async fn next(&self, range: Range<u64>, etag: &str) -> Result<Bytes> {
        let answer = self.ask(&range, Some(etag)).await?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT if !answer.body.is_empty() => Ok(answer.body),
            StatusCode::PARTIAL_CONTENT | StatusCode::OK => Err(self.no_range()),
            StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND => {
                let doing = format!("read {}/{}: it changed while it was read", self.bucket, self.key);
                Err(Error::new(Place::Store, Kind::Conflict, doing))
            }
            _ => Err(answer.refused()),
        }
    }

    fn no_range(&self) -> Error {
        let doing = format!("read {}/{}: the store does not answer requests for a range", self.bucket, self.key);
        Error::new(Place::Store, Kind::Unavailable, doing)
    }
}

/// The size of the whole in `bytes 0-9/100`.
fn whole_size(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.parse().ok()
}
