//! Where services that speak like Amazon's are, and whose keys open them.
//!
//! An address says only what differs from AWS: `sqs:` and `s3:` are Amazon's own, in the region and with the keys that
//! the environment gives (variables, web identity, container or instance role). Keys never stand in an address.

#[cfg(feature = "client")]
pub mod profile;

use percent_encoding::percent_decode_str;

use crate::model::error::{Error, Kind, Place, Result};

/// Where a service is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsAccess {
    /// The address of a service that is not Amazon's: `http://127.0.0.1:9000`.
    pub endpoint: Option<String>,
    /// The region; from the environment where there is none.
    pub region: Option<String>,
    /// The keys; from the environment where there are none.
    pub keys: Option<AccessKeys>,
}

/// The key pair that requests to AWS, or to what speaks like it, are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKeys {
    /// The public part.
    pub id: String,
    /// The secret part, as it was issued; never printed.
    pub secret: String,
}

impl std::fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKeys").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AwsAccess {
    /// Reads `sqs:`, `s3://?endpoint=http://127.0.0.1:9000&region=us-east-1`.
    pub fn from_url(place: Place, url: &str) -> Result<Self> {
        let misconfigured =
            |what: String| Error::new(place, Kind::Misconfigured, format!("read the address {url:?}: {what}"));
        let rest = url.split_once(':').map_or("", |(_, rest)| rest).trim_start_matches('/');
        let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !name.is_empty() {
            let mend = "buckets and queues are named in the configuration; \
                an endpoint is ?endpoint=http://HOST:PORT behind the scheme";
            return Err(misconfigured(format!("{name:?} is too much, {mend}")));
        }
        let mut access = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match key {
                "endpoint" if value.starts_with("http://") || value.starts_with("https://") => {
                    access.endpoint = Some(value.trim_end_matches('/').to_owned());
                }
                "endpoint" => return Err(misconfigured("the endpoint must begin with http:// or https://".to_owned())),
                "region" => access.region = Some(value),
                other => return Err(misconfigured(format!("{other:?} is neither endpoint nor region"))),
            }
        }
        Ok(access)
    }

    /// The same place, opened with these keys.
    #[must_use]
    pub fn with_keys(self, keys: Option<AccessKeys>) -> Self {
        Self { keys, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_differs_from_aws() {
        let read = |url| AwsAccess::from_url(Place::Queue, url);
        assert_eq!(read("sqs:").unwrap(), AwsAccess::default());
        let local = read("s3://?endpoint=http://127.0.0.1:9000/&region=eu-1").unwrap();
        assert_eq!((local.endpoint.as_deref(), local.region.as_deref()), (Some("http://127.0.0.1:9000"), Some("eu-1")));
        for wrong in ["s3://bucket", "sqs://?endpoint=localhost:1", "sqs://?regoin=x"] {
            assert_eq!(read(wrong).unwrap_err().kind(), Kind::Misconfigured, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_not_told() {
        let keys = AccessKeys { id: "id".into(), secret: "hidden".into() };
        assert!(!format!("{keys:?}").contains("hidden"));
    }
}
