//! The client of the JSON API: how commands change things through a running server.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::changes::{ASKED_BY, KEYS_MAX, Keys, Letters, Redriven, Rewritten};
use crate::{
    flow::requeue::Requeued,
    model::error::{Error, Kind, Place, Result},
    proof::repair::Acted,
};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_mins(10);

/// A running server's API.
#[derive(Debug)]
pub struct ApiClient {
    client: reqwest::Client,
    base: String,
}

impl ApiClient {
    /// The API under the base address of the operator's listener.
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

    /// Tells the flow of originals that are gone.
    pub async fn remove_absent(&self, keys: &[String]) -> Result<Acted> {
        self.act("remove-absent", keys).await
    }

    /// Moves objects of the image bucket to quarantine that nobody owns.
    pub async fn take_down(&self, keys: &[String]) -> Result<Acted> {
        self.act("take-down", keys).await
    }

    async fn act(&self, what: &str, keys: &[String]) -> Result<Acted> {
        let mut all = Acted::default();
        for batch in keys.chunks(KEYS_MAX) {
            all.add(self.post(what, &Keys { keys: batch.to_vec() }).await?);
        }
        Ok(all)
    }

    /// Rewrites the addresses of rows of these originals that are not under the server's public address.
    pub async fn rewrite_urls(&self, keys: &[String]) -> Result<u64> {
        let mut all = 0;
        for batch in keys.chunks(KEYS_MAX) {
            let done: Rewritten = self.post("rewrite-urls", &Keys { keys: batch.to_vec() }).await?;
            all += done.rewritten;
        }
        Ok(all)
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, what: &str, body: &impl Serialize) -> Result<T> {
        let url = format!("{}/api/{what}", self.base);
        let failed = |error| Error::new(Place::System, Kind::Unavailable, format!("ask {url}")).because(error);
        let request = self.client.post(&url).header(ASKED_BY, "cameo").json(body);
        let response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
        response.json().await.map_err(failed)
    }
}
