//! Sending files to presigned addresses, which need no token: it would be given to whoever is there.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::StatusCode;

use super::{build, builder, failure};
use crate::model::error::Result;

/// How long a file may take: the longest one over a line of 1 Mbit/s.
const TIMEOUT: Duration = Duration::from_mins(12);

/// Sends files. Connections are kept between them.
#[derive(Debug, Clone)]
pub struct Sender {
    client: reqwest::Client,
}

impl Sender {
    /// Nothing is sent yet.
    pub fn new() -> Result<Self> {
        Ok(Self { client: build(builder().timeout(TIMEOUT))? })
    }

    /// Puts a file where an address says, with the headers that belong to it; what was answered.
    pub async fn put(&self, url: &str, headers: &BTreeMap<String, String>, content: Bytes) -> Result<StatusCode> {
        let request = headers.iter().fold(self.client.put(url), |request, (name, value)| request.header(name, value));
        // An address is a secret for as long as it holds.
        let failed = |error| failure::unreachable("send a file", error);
        let response = request.body(content).send().await.map_err(failed)?;
        let status = response.status();
        // Read to its end, so that the connection can be used again.
        response.bytes().await.map_err(failed)?;
        Ok(status)
    }
}
