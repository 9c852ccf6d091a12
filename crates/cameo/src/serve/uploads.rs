//! Where files can be uploaded to, and who signs the addresses: the embedded endpoint with a key of the caller's token, or a store that
//! others share with this process's own keys.

use std::{sync::Arc, time::Duration};

use axum::http::{StatusCode, uri::Authority};

use super::{
    api::{Answer, Caller, Problem},
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
    },
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

    /// Addresses for objects, each with the MD5 of its content. `host` is what a client of another machine calls this one.
    pub(super) async fn sign(
        &self,
        flow: &Flow,
        caller: &Caller,
        host: Option<&str>,
        objects: &[(&str, &[u8])],
        holds: Duration,
    ) -> Answer<Vec<SignedPut>> {
        let bucket = &flow.settings.upload_bucket;
        match self {
            Self::Off => Err(nowhere()),
            Self::Store { public_url } => {
                let signed = flow.store.presigned_put(bucket, objects, holds, public_url.as_deref()).await?;
                signed.ok_or_else(nowhere)
            }
            Self::Endpoint { sessions, public_url, local_url, port } => {
                let at = public_url.clone().or_else(|| beside(host?, *port)).unwrap_or_else(|| local_url.clone());
                let key = sessions.key_for(caller.token.as_ref()).ok_or_else(nowhere)?;
                let pair = SigningKeys::Pair { id: key.id.clone(), secret: key.secret.clone() };
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

/// The endpoint under the host that a client reached the API by.
fn beside(host: &str, port: u16) -> Option<String> {
    let host: Authority = host.parse().ok()?;
    Some(format!("http://{}:{port}", host.host()))
}

fn nowhere() -> Problem {
    let detail = "nothing can be uploaded through this server: its S3 endpoint is off (server.s3_listen)";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "uploads.off", detail)
}
