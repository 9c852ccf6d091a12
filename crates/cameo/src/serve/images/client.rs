//! Images as the public gets them: over HTTP, from the outside.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    catalog::image_urls::ImageUrls,
    error::{Error, Kind, Place, Result},
    flow::verify::{Served, ServedImage},
};

/// How long one image may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Fetches images from a base address.
#[derive(Debug)]
pub struct HttpImages {
    client: reqwest::Client,
    urls: Option<ImageUrls>,
}

impl HttpImages {
    /// Images under `base`; with an empty base nothing can be fetched, and every fetch says so.
    pub fn new(base: &str) -> Result<Self> {
        crate::tls::install_crypto_provider();
        let client =
            reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build().map_err(|error| {
                Error::new(Place::System, Kind::Misconfigured, "set up the HTTP client").because(error)
            })?;
        Ok(Self { client, urls: (!base.is_empty()).then(|| ImageUrls::new(base)) })
    }
}

#[async_trait]
impl Served for HttpImages {
    async fn fetch(&self, key: &str) -> Result<Option<ServedImage>> {
        let unavailable = |doing: String| Error::new(Place::Store, Kind::Unavailable, doing);
        let urls = self.urls.as_ref();
        let urls = urls.ok_or_else(|| {
            unavailable(
                "look at the images: no server is running on this data folder; of a system elsewhere give --images-url, \
                 or set images.public_url"
                    .into(),
            )
        })?;
        let url = urls.of_key(key);
        let failed = |error| unavailable(format!("fetch {url}")).because(error);
        let response = self.client.get(&url).send().await.map_err(failed)?;
        if response.status().is_server_error() {
            return Err(unavailable(format!("fetch {url}: the answer is {}", response.status())));
        }
        if response.status() != reqwest::StatusCode::OK {
            return Ok(None);
        }
        let etag = response.headers().get(reqwest::header::ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.map(|etag| etag.trim_matches('"').to_owned());
        let body = response.bytes().await.map_err(failed)?;
        Ok(Some(ServedImage { etag, md5: hex::encode(fast_md5::digest(&body)) }))
    }
}
