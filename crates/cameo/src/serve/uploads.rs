//! Where files can be uploaded to, and who signs the addresses: the embedded endpoint with a key of the caller's token, or a store that
//! others share with this process's own keys.

use std::{sync::Arc, time::Duration};

use axum::http::{StatusCode, uri::Authority};

use super::{
    problem::{Answer, Problem},
    s3_api::SessionKeys,
};
use crate::{
    flow::Flow,
    model::token::Token,
    presign::{PutSigner, SignedPut, SigningKeys},
};

/// The region that addresses of the embedded endpoint name; it takes any.
const REGION: &str = "us-east-1";

/// How uploads get their addresses.
#[derive(Debug, Clone, Default)]
pub enum UploadAddresses {
    /// They get none: there is nothing to upload to.
    #[default]
    Off,
    /// At the embedded S3 endpoint.
    Endpoint {
        /// The keys that sign.
        sessions: Arc<SessionKeys>,
        /// The endpoint's address for everybody, where one is configured.
        public_url: Option<String>,
        /// Its address for this machine's own clients.
        local_url: String,
        /// Its port, for those who reach the API under the same host.
        port: u16,
    },
    /// At the store itself.
    Store {
        /// Its address for everybody, where it is not the one that the server knows it by.
        public_url: Option<String>,
        /// Where it is, as the server knows it.
        service: Service,
    },
}

/// An S3 service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// Its address; none where it is Amazon's own.
    pub endpoint: Option<String>,
    /// Its region, where one is named.
    pub region: Option<String>,
}

impl UploadAddresses {
    /// A token can be used from now on.
    pub(super) fn token_added(&self, token: &Token) {
        if let Self::Endpoint { sessions, .. } = self {
            sessions.add(token);
        }
    }

    /// A token cannot be used any more.
    pub(super) fn token_revoked(&self, token: &Token) {
        if let Self::Endpoint { sessions, .. } = self {
            sessions.remove(token);
        }
    }

    /// The service that originals are uploaded to, as a client knows it that calls this machine `host`.
    pub(super) fn service(&self, host: Option<&str>) -> Answer<Service> {
        match self {
            Self::Off => Err(nowhere()),
            Self::Store { public_url, service } => {
                let endpoint = public_url.clone().or_else(|| service.endpoint.clone());
                Ok(Service { endpoint, region: service.region.clone() })
            }
            Self::Endpoint { public_url, local_url, port, .. } => {
                let endpoint = endpoint_for(host, public_url.as_deref(), local_url, *port);
                Ok(Service { endpoint: Some(endpoint), region: Some(REGION.to_owned()) })
            }
        }
    }

    /// Addresses for objects, each with the MD5 of its content. `token` is the caller's, where they have one; `host` is what a client of
    /// another machine calls this one.
    pub(super) async fn sign(
        &self,
        flow: &Flow,
        token: Option<&Token>,
        host: Option<&str>,
        objects: &[(&str, &[u8])],
        holds: Duration,
    ) -> Answer<Vec<SignedPut>> {
        let bucket = &flow.settings.upload_bucket;
        match self {
            Self::Off => Err(nowhere()),
            Self::Store { public_url, .. } => {
                let signed = flow.store.presigned_put(bucket, objects, holds, public_url.as_deref()).await?;
                signed.ok_or_else(nowhere)
            }
            Self::Endpoint { sessions, public_url, local_url, port } => {
                let at = endpoint_for(host, public_url.as_deref(), local_url, *port);
                let key = sessions.key_for(token).ok_or_else(nowhere)?;
                let pair = SigningKeys::Pair { id: key.id.clone(), secret: key.secret.clone(), token: None };
                let signer = PutSigner::new(Some(&at), REGION, bucket, pair)?;
                let mut signed = Vec::with_capacity(objects.len());
                for (object, md5) in objects {
                    signed.push(signer.put(object, md5, holds).await?);
                }
                Ok(signed)
            }
        }
    }
}

/// The embedded endpoint, as a client knows it.
fn endpoint_for(host: Option<&str>, public_url: Option<&str>, local_url: &str, port: u16) -> String {
    let public = public_url.map(str::to_owned);
    public.or_else(|| beside(host?, local_url, port)).unwrap_or_else(|| local_url.to_owned())
}

/// The endpoint under the host that a client reached the API by.
fn beside(host: &str, local_url: &str, port: u16) -> Option<String> {
    let host: Authority = host.parse().ok()?;
    Some(format!("{}://{}:{port}", scheme_of(local_url), host.host()))
}

/// Whether an endpoint speaks TLS, as its address says.
pub(super) fn scheme_of(url: &str) -> &'static str {
    if url.starts_with("https:") { "https" } else { "http" }
}

fn nowhere() -> Problem {
    let detail = "nothing can be uploaded through this server: its S3 endpoint is off (server.s3_listen)";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "uploads.off", detail)
}
