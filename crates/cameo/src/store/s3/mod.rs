//! Buckets of Amazon S3, or of what speaks like it.
//!
//! Whole objects over HTTP, a request each: `object_store` finds the keys and signs, but its paths cannot name every key
//! that a bucket may hold (`a//b`), and its deletes have no condition, so the requests are made here. A write that was
//! tried again after a lost answer may find its own object: the caller looks again, as after every failed condition.
//!
//! A store must have conditional writes to be safe with several workers; [`S3Store::learn_conditions`] finds out.

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::try_join_all;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;

use super::{Attributes, Condition, Copied, NewKey, Object, ObjectInfo, Reading, Store, Written};
use crate::{
    aws::AwsAccess,
    model::error::{Error, Kind, Place, Result},
    presign::SignedPut,
};

mod client;
mod conditions;
mod copying;
mod failure;
mod listing;
mod reading;
mod recent;

use client::{Client, Request, S3Response};
pub use conditions::KeptConditions;
use recent::Recent;

/// Prefix of user metadata in headers.
const METADATA: &str = "x-amz-meta-";

/// Limits of the use of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Limits {
    /// Time for a connection.
    pub connect_timeout: Duration,
    /// Time for a request and its answer.
    pub request_timeout: Duration,
    /// How often a request is tried that the store is too busy for.
    pub tries: u32,
}

impl Default for S3Limits {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), request_timeout: Duration::from_mins(1), tries: 4 }
    }
}

/// The buckets of one store.
#[derive(Debug)]
pub struct S3Store {
    client: Arc<Client>,
    buckets: Vec<String>,
    conditions: KeptConditions,
    recent: Recent,
}

impl S3Store {
    /// A store; nothing is sent yet, and it is taken to keep the conditions of writes. `buckets` are those that [`Store::ping`] asks for.
    pub fn new(access: &AwsAccess, buckets: Vec<String>, limits: S3Limits) -> Result<Self> {
        let client = Arc::new(Client::new(access, limits)?);
        Ok(Self { client, buckets, conditions: KeptConditions::default(), recent: Recent::default() })
    }

    async fn request_of_get(&self, method: Method, bucket: &str, key: &str) -> Result<Option<S3Response>> {
        let answer = self.client.send(&Request::new(method, bucket, key)).await?;
        match answer.status() {
            StatusCode::NOT_FOUND if !failure::is_missing_bucket(&answer.body) => Ok(None),
            StatusCode::OK => Ok(Some(answer)),
            _ => Err(answer.refused()),
        }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What an answer says of an object. A store names each by an `ETag`: an answer without one is somebody else's, such as the page of a
/// proxy, and says neither what the object is nor that it was written.
fn info(key: &str, size: u64, headers: &HeaderMap) -> Result<ObjectInfo> {
    let etag = header(headers, "etag").unwrap_or_default().trim_matches('"').to_owned();
    if etag.is_empty() {
        let doing =
            format!("read what the store answered about {key}: it has no ETag, so the store did not answer itself");
        return Err(Error::new(Place::Store, Kind::Unavailable, doing));
    }
    let date = header(headers, "last-modified").or_else(|| header(headers, "date"));
    let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
    let own = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(METADATA)?;
        Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
    });
    Ok(ObjectInfo {
        key: key.to_owned(),
        size,
        etag,
        last_modified: date.unwrap_or(Timestamp::UNIX_EPOCH),
        content_type: header(headers, "content-type").map(str::to_owned),
        metadata: own.collect::<BTreeMap<_, _>>(),
        write_generation: None,
    })
}

fn info_of_answer(key: &str, answer: &S3Response) -> Result<ObjectInfo> {
    let size = header(answer.headers(), "content-length").and_then(|length| length.parse().ok());
    info(key, size.unwrap_or(answer.body.len() as u64), answer.headers())
}

#[async_trait]
impl Store for S3Store {
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        let request = Request { body_max_bytes: max_bytes, ..Request::new(Method::GET, bucket, key) };
        let answer = self.client.send(&request).await?;
        match answer.status() {
            StatusCode::NOT_FOUND if !failure::is_missing_bucket(&answer.body) => Ok(None),
            StatusCode::OK => Ok(Some(Object { info: info_of_answer(key, &answer)?, body: answer.body })),
            _ => Err(answer.refused()),
        }
    }

    async fn read(&self, bucket: &str, key: &str, range: Option<Range<u64>>) -> Result<Option<Reading>> {
        reading::read(self.client.clone(), bucket, key, range).await
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        let answer = self.request_of_get(Method::HEAD, bucket, key).await?;
        answer.map(|answer| info_of_answer(key, &answer)).transpose()
    }

    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written> {
        let size = body.len() as u64;
        let mut request = Request { body, ..Request::new(Method::PUT, bucket, key) };
        request.set_attributes(attributes);
        request.set_condition(&condition);
        let answer = self.client.send(&request).await?;
        match answer.status() {
            StatusCode::OK => {
                let mut info = info(key, size, answer.headers())?;
                info.content_type.clone_from(&attributes.content_type);
                info.metadata.clone_from(&attributes.metadata);
                if !self.conditions.copies {
                    self.recent.keep(bucket, key, &info.etag, &request.body);
                }
                Ok(Written::Done(info))
            }
            // 409: somebody else writes the key at this moment. 404: there is none to match.
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Ok(Written::ConditionFailed),
            StatusCode::NOT_FOUND if condition != Condition::Always && !failure::is_missing_bucket(&answer.body) => {
                Ok(Written::ConditionFailed)
            }
            _ => Err(answer.refused()),
        }
    }

    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        self.read_and_write(bucket, from, to, attributes, condition).await
    }

    async fn copy_all(&self, bucket: &str, copies: Vec<NewKey>) -> Result<Vec<Copied>> {
        try_join_all(copies.into_iter().map(|new| self.copy_one(bucket, new))).await
    }

    fn writes_first(&self) -> bool {
        self.conditions.writes
    }

    /// A copy within the store, for what nobody else writes to: its content does not come here.
    async fn duplicate(&self, bucket: &str, info: &ObjectInfo, to: &str, attributes: &Attributes) -> Result<bool> {
        self.duplicate_within(bucket, info, to, attributes).await
    }

    /// The ETag is looked at first and sent as a condition; a store that ignores it leaves a moment in between.
    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool> {
        match self.head(bucket, key).await? {
            None => return Ok(true),
            Some(info) if info.etag != etag => return Ok(false),
            Some(_) => {}
        }
        let mut request = Request::new(Method::DELETE, bucket, key);
        request.set("if-match", &format!("\"{etag}\""));
        let answer = self.client.send(&request).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(true),
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Ok(false),
            _ => Err(answer.refused()),
        }
    }

    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>> {
        let mut found: Vec<ObjectInfo> = Vec::new();
        while found.len() < max {
            let after = found.last().map_or(after, |info| info.key.as_str());
            let request = listing::request(bucket, prefix, after, max - found.len());
            let answer = self.client.send(&request).await?;
            if answer.status() != StatusCode::OK {
                return Err(answer.refused());
            }
            let page = listing::parse(&answer.body)?;
            let (more, before) = (page.more, found.len());
            found.extend(page.objects);
            if !more || found.len() == before {
                break;
            }
        }
        Ok(found)
    }

    async fn presigned_put(
        &self,
        bucket: &str,
        keys: &[(&str, &[u8])],
        holds: Duration,
        public: Option<&str>,
    ) -> Result<Option<Vec<SignedPut>>> {
        let signer = self.client.put_signer(bucket, public)?;
        let mut signed = Vec::with_capacity(keys.len());
        for (key, md5) in keys {
            signed.push(signer.put(key, md5, holds).await?);
        }
        Ok(Some(signed))
    }

    async fn ping(&self) -> Result<()> {
        for bucket in &self.buckets {
            let answer = self.client.send(&Request::new(Method::HEAD, bucket, "")).await?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND => {
                    let doing = format!("reach the bucket {bucket}: it does not exist");
                    return Err(Error::new(Place::Store, Kind::Misconfigured, doing));
                }
                _ => return Err(answer.refused()),
            }
        }
        Ok(())
    }
}
