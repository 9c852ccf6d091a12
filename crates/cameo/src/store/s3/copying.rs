//! A second key for an object: by a copy within the store, or read and written again.
//!
//! A copy within the store costs one request and moves no content, but its condition is younger than most stores. So it is used where
//! the store keeps that condition ([`KeptConditions`](super::KeptConditions)), and where nobody else writes to the second key. Everywhere else
//! the content is written under a condition: from memory where this process has just written it, else after it was read.

use http::{Method, StatusCode};

use super::{
    S3Store,
    client::{self, Request, S3Response},
    failure,
};
use crate::{
    model::error::{Error, Kind, Place, Result},
    store::{Attributes, Condition, Copied, NewKey, ObjectInfo, Store, Written},
};

/// Content of a copy, at most: renditions are far smaller.
const COPY_MAX_BYTES: u64 = 64 << 20;

impl S3Store {
    /// One of several copies.
    pub(super) async fn copy_one(&self, bucket: &str, new: NewKey) -> Result<Copied> {
        let NewKey { from, etag, to, attributes, condition } = new;
        if self.conditions.copies {
            return self.copy_within(bucket, &from, &to, &attributes, condition).await;
        }
        let written = match self.recent.take(bucket, &from, &etag) {
            Some(body) => Some(self.put(bucket, &to, body, &attributes, condition).await?),
            None => self.read_and_write(bucket, &from, &to, &attributes, condition).await?,
        };
        Ok(written.into())
    }

    /// Reads the object and writes it again.
    pub(super) async fn read_and_write(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        let Some(source) = self.get(bucket, from, COPY_MAX_BYTES).await? else { return Ok(None) };
        if source.info.size > COPY_MAX_BYTES {
            let doing = format!("copy {bucket}/{from}: {} bytes are more than {COPY_MAX_BYTES}", source.info.size);
            return Err(Error::new(Place::Store, Kind::Malformed, doing));
        }
        self.put(bucket, to, source.body, attributes, condition).await.map(Some)
    }

    /// Has the store copy, under a condition on the second key.
    pub(super) async fn copy_within(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Copied> {
        let mut request = copy_request(bucket, from, to, attributes);
        request.set_condition(&condition);
        let answer = self.client.send(&request).await?;
        match answer.status() {
            StatusCode::OK => copied(&answer).map(|()| Copied::Done),
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Ok(Copied::ConditionFailed),
            StatusCode::NOT_FOUND if !failure::is_missing_bucket(&answer.body) => {
                self.absent_of_copy(bucket, from, &condition).await
            }
            _ => Err(answer.refused()),
        }
    }

    /// Which of the two keys of a copy is the one that does not exist: the source, or that which a condition asked for.
    async fn absent_of_copy(&self, bucket: &str, from: &str, condition: &Condition) -> Result<Copied> {
        if matches!(condition, Condition::Matches(_)) && self.head(bucket, from).await?.is_some() {
            return Ok(Copied::ConditionFailed);
        }
        Ok(Copied::NoSource)
    }

    /// Has the store copy what was seen of an object to a key that nobody else writes to; false where it is another by now.
    pub(super) async fn duplicate_within(
        &self,
        bucket: &str,
        info: &ObjectInfo,
        to: &str,
        attributes: &Attributes,
    ) -> Result<bool> {
        let mut request = copy_request(bucket, &info.key, to, attributes);
        request.set("x-amz-copy-source-if-match", &format!("\"{}\"", info.etag));
        let answer = self.client.send(&request).await?;
        match answer.status() {
            StatusCode::OK => copied(&answer).map(|()| true),
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Ok(false),
            StatusCode::NOT_FOUND if !failure::is_missing_bucket(&answer.body) => Ok(false),
            _ => Err(answer.refused()),
        }
    }
}

fn copy_request(bucket: &str, from: &str, to: &str, attributes: &Attributes) -> Request {
    let mut request = Request::new(Method::PUT, bucket, to);
    request.set_attributes(attributes);
    request.set("x-amz-copy-source", &client::path_of(bucket, from));
    request.set("x-amz-metadata-directive", "REPLACE");
    request
}

/// Whether a copy that is answered with success was made: the status comes before the copy is done, and an error that is met later is in the
/// body.
fn copied(answer: &S3Response) -> Result<()> {
    if failure::is_error(&answer.body) { Err(answer.refused()) } else { Ok(()) }
}
