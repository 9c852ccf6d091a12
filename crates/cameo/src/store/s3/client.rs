//! One signed request, tried a bounded number of times while the store is busy or the connection breaks.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use object_store::{
    RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, AwsCredentialProvider},
    client::{HttpRequest, HttpRequestBody},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::Rng;
use sha2::{Digest, Sha256};

use super::{METADATA, S3Limits, failure};
use crate::{
    aws::AwsAccess,
    model::error::{Error, Kind, Place, Result},
    presign::{PutSigner, SigningKeys},
    store::{Attributes, Condition},
};

/// What stays as it is in a path, as `SigV4` has it.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What stays as it is in a query.
const QUERY: &AsciiSet = &PATH.add(b'/');
/// Answers that are no object are never longer than this.
const ANSWER_MAX_BYTES: u64 = 16 << 20;
/// Pause before a request is tried again: doubles from this, and is drawn at random up to there.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// How long keys are asked for where the environment has none: a machine without a role would wait for minutes.
const KEYS_TIMEOUT: Duration = Duration::from_secs(10);
/// How often.
const KEYS_TRIES: usize = 3;
/// The region where none is given and the service is not Amazon's.
const DEFAULT_REGION: &str = "us-east-1";

/// Sends requests to one service.
pub(super) struct Client {
    http: reqwest::Client,
    credentials: AwsCredentialProvider,
    endpoint: Option<String>,
    region: String,
    limits: S3Limits,
}

/// A request that can be sent more than once.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Content of the answer, at most; of a longer one nothing is read.
    pub(super) body_max_bytes: u64,
}

/// An answer with its content.
#[derive(Debug)]
pub(super) struct S3Response {
    what: String,
    status: StatusCode,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    pub(super) fn new(method: Method, bucket: &str, key: &str) -> Self {
        Self {
            method,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            body_max_bytes: ANSWER_MAX_BYTES,
        }
    }

    pub(super) fn with_query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Sets a header; a value that no header can carry is left out, which only metadata from outside could be.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            self.headers.insert(name, value);
        }
    }

    pub(super) fn set_attributes(&mut self, attributes: &Attributes) {
        let Attributes { content_type, cache_control, metadata } = attributes;
        for (name, value) in [("content-type", content_type), ("cache-control", cache_control)] {
            if let Some(value) = value {
                self.set(name, value);
            }
        }
        for (name, value) in metadata {
            self.set(&format!("{METADATA}{name}"), value);
        }
    }

    /// Sets what must hold for the key.
    pub(super) fn set_condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Always => {}
            Condition::Absent => self.set("if-none-match", "*"),
            Condition::Matches(etag) => self.set("if-match", &format!("\"{etag}\"")),
        }
    }

    /// What it asks for, for errors.
    fn what(&self) -> String {
        format!("{} {}/{}", self.method, self.bucket, self.key)
    }
}

impl S3Response {
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The error of an answer that the caller has no use for.
    pub(super) fn refused(&self) -> Error {
        failure::refused(&self.what, self.status, &self.body)
    }
}

/// A bucket and a key as a header names them.
pub(super) fn path_of(bucket: &str, key: &str) -> String {
    format!("/{bucket}/{}", utf8_percent_encode(key, PATH))
}

impl Client {
    pub(super) fn new(access: &AwsAccess, limits: S3Limits) -> Result<Self> {
        let misconfigured =
            |what: &str| Error::new(Place::Store, Kind::Misconfigured, format!("open the store: {what}"));
        crate::tls::install_crypto_provider();
        let environment = AmazonS3Builder::from_env();
        let configured = |key| environment.get_config_value(&key);
        let endpoint = access.endpoint.clone().or_else(|| configured(AmazonS3ConfigKey::Endpoint));
        let region = access.region.clone().or_else(|| configured(AmazonS3ConfigKey::Region));
        let region = match (region, &endpoint) {
            (Some(region), _) => region,
            (None, Some(_)) => DEFAULT_REGION.to_owned(),
            (None, None) => return Err(misconfigured("no region; set AWS_REGION or ?region= in store.url")),
        };
        let builder = match &access.keys {
            Some(keys) => AmazonS3Builder::new().with_access_key_id(&keys.id).with_secret_access_key(&keys.secret),
            None => environment,
        };
        // The bucket is asked for and not used: only the keys are.
        let retry = RetryConfig { max_retries: KEYS_TRIES - 1, retry_timeout: KEYS_TIMEOUT, ..RetryConfig::default() };
        let built = builder.with_bucket_name("cameo").with_region(&region).with_retry(retry).build();
        let built = built.map_err(|error| misconfigured("find the keys").because(error))?;
        let http = crate::tls::client()
            .connect_timeout(limits.connect_timeout)
            .timeout(limits.request_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| misconfigured("set up the HTTP client").because(error))?;
        let endpoint = endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned());
        Ok(Self { http, credentials: built.credentials().clone(), endpoint, region, limits })
    }

    /// Sends the request until it is answered with anything but "busy".
    pub(super) async fn send(&self, request: &Request) -> Result<S3Response> {
        let mut tried = 1;
        loop {
            let answer = self.send_once(request).await;
            let busy = match &answer {
                Ok(answer) => failure::is_busy(answer.status),
                Err(error) => error.kind() == Kind::Unavailable,
            };
            if !busy || tried >= self.limits.tries {
                return answer;
            }
            let pause = (FIRST_PAUSE * 2u32.saturating_pow(tried)).mul_f64(rand::rng().random_range(0.0..1.0));
            tokio::time::sleep(pause).await;
            tried += 1;
        }
    }

    async fn send_once(&self, request: &Request) -> Result<S3Response> {
        let what = request.what();
        let unavailable = |error: reqwest::Error| {
            Error::new(Place::Store, Kind::Unavailable, what.clone()).because(with_causes(&error.without_url()))
        };
        let signed = self.sign(request).await?;
        let sent = self.http.request(request.method.clone(), signed.uri().to_string());
        let sent = sent.headers(signed.headers().clone()).body(request.body.clone()).send();
        let response = sent.await.map_err(unavailable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        // What was refused is told in a few lines, however little content was asked for.
        let body_max_bytes = if status.is_success() { request.body_max_bytes } else { ANSWER_MAX_BYTES };
        if response.content_length().is_none_or(|length| length <= body_max_bytes) {
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                body.extend_from_slice(&chunk.map_err(unavailable)?);
                if body.len() as u64 > body_max_bytes {
                    body.clear();
                    break;
                }
            }
        }
        Ok(S3Response { what, status, headers, body: body.freeze() })
    }

    /// Signs uploads for clients that know the service by `public`, where that is another address than ours.
    pub(super) fn put_signer(&self, bucket: &str, public: Option<&str>) -> Result<PutSigner> {
        let endpoint = public.or(self.endpoint.as_deref());
        PutSigner::new(endpoint, &self.region, bucket, SigningKeys::Of(self.credentials.clone()))
    }

    async fn sign(&self, request: &Request) -> Result<HttpRequest> {
        let failed =
            |kind, doing: &'static str| move |error| Error::new(Place::Store, kind, doing).because(BoxedError(error));
        let finding =
            "find keys for the store: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor a role give any";
        let credential = self.credentials.get_credential().await.map_err(failed(Kind::Denied, finding))?;
        let mut signed = HttpRequest::new(HttpRequestBody::empty());
        *signed.method_mut() = request.method.clone();
        *signed.uri_mut() = self.url(request).parse().map_err(|error: http::uri::InvalidUri| {
            Error::new(Place::Store, Kind::Malformed, format!("address {}", request.what())).because(error)
        })?;
        *signed.headers_mut() = request.headers.clone();
        let authorizer = AwsAuthorizer::new(&credential, "s3", &self.region);
        let digest = Sha256::digest(&request.body);
        authorizer
            .try_authorize(&mut signed, Some(digest.as_slice()))
            .map_err(failed(Kind::Unlisted, "sign a request"))?;
        Ok(signed)
    }

    fn url(&self, Request { bucket, key, query, .. }: &Request) -> String {
        let key = utf8_percent_encode(key, PATH);
        let mut url = match &self.endpoint {
            Some(endpoint) => format!("{endpoint}/{bucket}/{key}"),
            // A dot in its name would not fit the certificate.
            None if bucket.contains('.') => format!("https://s3.{}.{}/{bucket}/{key}", self.region, self.domain()),
            None => format!("https://{bucket}.s3.{}.{}/{key}", self.region, self.domain()),
        };
        for (at, (name, value)) in query.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(&format!("{name}={}", utf8_percent_encode(value, QUERY)));
        }
        url
    }

    fn domain(&self) -> &'static str {
        if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).field("region", &self.region).finish_non_exhaustive()
    }
}

/// An error of `object_store`, which is an error and nothing more here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BoxedError(object_store::Error);

/// The error with what caused it: the outermost one alone says only that something failed.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}
