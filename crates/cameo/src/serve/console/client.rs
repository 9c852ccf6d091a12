//! The client of the JSON API: how commands change things through a running server.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::api::{ASKED_BY, KEYS_MAX, Keys, Letters, Redriven, Rewritten};
use crate::{
    error::{Error, Kind, Place, Result},
    flow::reconcile::Requeued,
};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_mins(10);

/// A running server's API.
#[derive(Debug)]
pub struct ConsoleClient {
    client: reqwest::Client,
    base: String,
}

impl ConsoleClient {
    /// The API under the base address of a console.
    pub fn new(base: &str) -> Result<Self> {
        crate::tls::install_crypto_provider();
        let client =
            reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build().map_err(|error| {
                Error::new(Place::System, Kind::Misconfigured, "set up the HTTP client").because(error)
            })?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// Sends originals through the flow again.
    pub async fn requeue(&self, keys: &[String]) -> Result<Requeued> {
        let mut all = Requeued::default();
        for batch in keys.chunks(KEYS_MAX) {
            let done: Requeued = self.post("requeue", &Keys { keys: batch.to_vec() }).await?;
            all.requeued += done.requeued;
            all.gone.extend(done.gone);
        }
        Ok(all)
    }

    /// Sends dead letters of a queue again; returns how many there were.
    pub async fn redrive(&self, queue: &str, ids: &[String]) -> Result<u64> {
        let mut redriven = 0;
        for batch in ids.chunks(KEYS_MAX) {
            let letters = Letters { queue: queue.to_owned(), ids: batch.to_vec() };
            redriven += self.post::<Redriven>("redrive", &letters).await?.redriven;
        }
        Ok(redriven)
    }

    /// Rewrites the addresses of rows that are not under the server's public address.
    pub async fn rewrite_urls(&self) -> Result<u64> {
        let done: Rewritten = self.post("rewrite-urls", &serde_json::json!({})).await?;
        Ok(done.rewritten)
    }

    async fn post<T: DeserializeOwned>(&self, what: &str, body: &impl Serialize) -> Result<T> {
        let url = format!("{}/api/{what}", self.base);
        let failed = |error| Error::new(Place::System, Kind::Unavailable, format!("ask {url}")).because(error);
        let request = self.client.post(&url).header(ASKED_BY, "cameo").json(body);
        let response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
        response.json().await.map_err(failed)
    }
}
