//! Who is let in at the embedded S3 endpoint, and what clients may ask for. What each limit does stands at [`S3Limits`].

use std::{path::PathBuf, time::Duration};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Place, Result},
    serve::s3_api::{Cors, S3Limits},
};

/// Access keys and limits of the S3 endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    /// A file of further access keys with their rights, read again whenever it changes; empty for none. Only its owner
    /// may be able to read it.
    pub key_file: PathBuf,
    /// Origins whose web pages may use the endpoint, as browsers name them (`https://photos.example.com`; `*`: all); empty for none.
    pub cors_origins: Vec<String>,
    /// Content of one object.
    pub object_max: ByteSize,
    /// Open connections; more wait.
    pub connections_max: usize,
    /// Request bodies held in memory together.
    pub in_flight_max: ByteSize,
    /// Time for the headers of a request to arrive; also how long an idle connection is kept.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// Time without a byte while a body is received or sent.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
}

impl Default for S3 {
    fn default() -> Self {
        let limits = S3Limits::default();
        Self {
            key_file: PathBuf::new(),
            cors_origins: Vec::new(),
            object_max: ByteSize::b(limits.object_max_bytes),
            connections_max: limits.connections_max,
            in_flight_max: ByteSize::b(limits.in_flight_max_bytes),
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
        }
    }
}

impl S3 {
    /// Whose web pages may use the endpoint.
    pub fn cors(&self) -> Result<Cors> {
        Cors::new(&self.cors_origins)
            .map_err(|fault| Error::new(Place::System, Kind::Misconfigured, format!("read s3.cors_origins: {fault}")))
    }

    /// The limits, with the time that requests get to finish when the server ends.
    pub fn limits(&self, shutdown_timeout: Duration) -> S3Limits {
        S3Limits {
            object_max_bytes: self.object_max.as_u64(),
            connections_max: self.connections_max,
            in_flight_max_bytes: self.in_flight_max.as_u64(),
            header_timeout: self.header_timeout,
            idle_timeout: self.idle_timeout,
            shutdown_timeout,
            ..S3Limits::default()
        }
    }
}
