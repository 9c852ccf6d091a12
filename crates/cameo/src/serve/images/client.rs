//! Images as the public gets them: over HTTP, under the base of `images.public_url`, redirects followed.
//!
//! What nobody answers is not taken for missing: it could not be looked at. After a few such answers in a row nobody is asked
//! any more, so that an address that leads nowhere costs seconds, not hours.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Response, StatusCode,
    header::{AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED},
};

use crate::{
    flow::frame::frame_size,
    ledger::image_urls::ImageUrls,
    model::{
        error::{Error, Kind, Place, Result},
        lang::Text,
    },
    proof::verify::{Fetched, Served, ServedImage},
};

/// How long one image may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to reach who serves it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Images in a row that nobody answers for, after which nobody is asked any more.
const UNANSWERED_MAX: u32 = 3;
/// Length of an image, at most, bytes: what is longer is none of ours.
const IMAGE_MAX_BYTES: usize = 64 << 20;
/// The beginning of an image in which its frame header is looked for, bytes.
const HEAD_MAX_BYTES: usize = 256 << 10;

/// Fetches images from a base address.
#[derive(Debug)]
pub struct HttpImages {
    client: reqwest::Client,
    public: Option<ImageUrls>,
    behind: Option<ImageUrls>,
    unanswered: AtomicU32,
    why_not: Mutex<Option<String>>,
}

impl HttpImages {
    /// Images under `base`; with an empty base nothing can be fetched, and every fetch says so.
    pub fn new(base: &str) -> Result<Self> {
        let client = crate::tls::client().timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT).no_proxy();
        let client = client
            .build()
            .map_err(|error| Error::new(Place::System, Kind::Misconfigured, "set up the HTTP client").because(error))?;
        let public = (!base.is_empty()).then(|| ImageUrls::new(base));
        Ok(Self { client, public, behind: None, unanswered: AtomicU32::new(0), why_not: Mutex::new(None) })
    }

    /// The same, with the listener behind the public address, where it is another.
    #[must_use]
    pub fn behind(mut self, listener: Option<&str>) -> Self {
        // One with TLS has a certificate for the public name, and answers to its own address with nothing that counts.
        let listener = listener.filter(|listener| !listener.is_empty() && !listener.starts_with("https:"));
        let listener = listener.map(ImageUrls::new);
        self.behind = listener.filter(|listener| self.public.as_ref() != Some(listener));
        self
    }

    async fn fetch_under(&self, urls: &ImageUrls, key: &str) -> std::result::Result<Fetched, Failure> {
        let url = urls.of_key(key);
        let failed = |error: reqwest::Error| Failure {
            why: format!("fetch {url}: {}", with_causes(&error)),
            is_answered: false,
        };
        let response = self.client.get(&url).send().await.map_err(failed)?;
        let status = response.status();
        let passes = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
        if status.is_server_error() || passes.contains(&status) {
            return Err(Failure { why: format!("fetch {url}: the answer is {status}"), is_answered: true });
        }
        if status != StatusCode::OK {
            return Ok(Fetched::Absent(Text::new(format!("the answer is {status}"), format!("응답: {status}"))));
        }
        image(response).await.map_err(failed)
    }

    /// Notes that somebody answered, or why nobody did.
    fn note(&self, failure: Option<&Failure>) {
        if failure.is_none_or(|failure| failure.is_answered) {
            self.unanswered.store(0, Ordering::Relaxed);
        } else {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(Failure { why, .. }) = failure {
            let mut why_not = self.why_not.lock().unwrap_or_else(PoisonError::into_inner);
            why_not.get_or_insert_with(|| why.clone());
        }
    }
}

/// Why it is not known what is served.
struct Failure {
    why: String,
    /// Whether somebody answered, if only that they cannot now: then the next image may be had.
    is_answered: bool,
}

fn no_base() -> Error {
    let doing = "look at the images: no server is running on this data folder; start it, or of a system elsewhere give \
                 --images-url, or set images.public_url";
    Error::new(Place::Store, Kind::Unavailable, doing)
}

#[async_trait]
impl Served for HttpImages {
    async fn fetch(&self, key: &str) -> Result<Fetched> {
        let Some(public) = &self.public else { return Err(no_base()) };
        if self.unanswered.load(Ordering::Relaxed) >= UNANSWERED_MAX {
            return Ok(Fetched::Unreachable(self.why_not().unwrap_or_default()));
        }
        let mut fetched = self.fetch_under(public, key).await;
        if fetched.is_err() {
            // Once more: a connection that was kept may have been closed just now.
            fetched = self.fetch_under(public, key).await;
        }
        self.note(fetched.as_ref().err());
        Ok(fetched.unwrap_or_else(|failure| Fetched::Unreachable(failure.why)))
    }

    async fn fetch_behind(&self, key: &str) -> Result<Fetched> {
        let Some(behind) = &self.behind else { return Ok(Fetched::NotAsked) };
        let fetched = self.fetch_under(behind, key).await;
        Ok(fetched.unwrap_or_else(|failure| Fetched::Unreachable(failure.why)))
    }

    fn why_not(&self) -> Option<String> {
        self.why_not.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn has_base(&self) -> bool {
        self.public.is_some()
    }

    async fn probe(&self) -> Result<()> {
        let Some(public) = &self.public else { return Err(no_base()) };
        let url = public.of_key("");
        let answer = self.client.head(&url).send().await;
        answer.map(drop).map_err(|error| {
            Error::new(Place::System, Kind::Unavailable, format!("look at the images: reach {url}")).because(error)
        })
    }

    fn address(&self, key: &str) -> String {
        self.public.as_ref().map_or_else(|| key.to_owned(), |public| public.of_key(key))
    }
}

/// An error with its causes: that of a connection stands in them.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let told = next.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = next.source();
    }
    text
}

async fn image(mut response: Response) -> std::result::Result<Fetched, reqwest::Error> {
    let mut image = of_headers(response.headers());
    let (mut md5, mut head, mut length) = (fast_md5::Md5::new(), Vec::new(), 0);
    while let Some(chunk) = response.chunk().await? {
        length += chunk.len();
        if length > IMAGE_MAX_BYTES {
            return Ok(Fetched::Absent(Text::new(
                format!("the answer is longer than {IMAGE_MAX_BYTES} bytes"),
                format!("응답이 {IMAGE_MAX_BYTES}바이트보다 깁니다"),
            )));
        }
        md5.update(&chunk);
        if head.len() < HEAD_MAX_BYTES {
            head.extend_from_slice(&chunk);
        }
    }
    image.md5 = hex::encode(md5.finalize());
    image.size = frame_size(&head);
    Ok(Fetched::Image(image))
}

fn of_headers(headers: &HeaderMap) -> ServedImage {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let seconds = |text: &str| text.trim().trim_matches('"').parse().ok().map(Duration::from_secs);
    let directives = text(CACHE_CONTROL).unwrap_or_default().split(',').filter_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        let of_caches = name.eq_ignore_ascii_case("max-age") || name.eq_ignore_ascii_case("s-maxage");
        of_caches.then(|| seconds(value))?
    });
    ServedImage {
        etag: text(ETAG).map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned()),
        md5: String::new(),
        content_type: text(CONTENT_TYPE).map(str::to_owned),
        size: None,
        last_modified: text(LAST_MODIFIED).and_then(http_date),
        age: text(AGE).and_then(seconds),
        max_age: directives.max(),
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
