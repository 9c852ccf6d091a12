//! The embedded S3 endpoint: the door that operators' tools knock at.
//!
//! ```text
//! listener (connections, time-outs) → front: reading (what it says) → routes (what it asks for) → asked (whether that is
//!     done) → signature (who asks) → payload (its content, verified as it comes) → handover (written anew) → plain (XML,
//!     ranges, texts) → the s3s service → access (rights) → operations → the embedded store
//! ```
//!
//! Addresses are path-style, or virtual-host style below a configured domain. Keys go through byte for byte. Signatures are
//! version 4 only, and nobody is let in without one; secrets and signatures never reach a log, since the service does not
//! get to see those of clients. Over the front a watch takes notes: the audit trail, quotas, and patience with wrong signatures.

use std::{future::Future, io, sync::Arc};

use s3s::{
    S3,
    config::{S3Config, StaticConfigProvider},
    service::{S3Service, S3ServiceBuilder},
};

use crate::{serve::http::Accept, store::embedded::Embedded};

mod access;
#[cfg(any(test, feature = "fuzzing"))]
pub mod alike;
mod asked;
mod body;
mod cors;
mod declared;
mod errors;
mod front;
mod handover;
mod hosts;
mod key_file;
mod key_ring;
mod keys;
mod listener;
mod operations;
mod payload;
mod plain;
mod quota;
mod reading;
mod routes;
mod session_keys;
mod signature;
mod translate;
mod watch;
mod xml;

pub use crate::admission::S3Limits;
pub use cors::Cors;
pub use key_file::{Keys, key_file};
pub use key_ring::KeyRing;
pub use keys::{AccessKey, Grant, Quota, Rights, fault_of_pair};
pub use quota::{Amount, Usage};
pub use session_keys::SessionKeys;
pub use watch::Watch;

#[cfg(test)]
mod tests;

use access::Access;
use front::{Front, FrontSettings};
use handover::InternalSecret;
use hosts::Hosts;
use operations::Operations;

/// What the S3 endpoint is made of.
#[derive(Debug, Clone)]
pub struct S3Endpoint {
    /// Where objects are: the store of the data folder, whose streams and parts the flow does not need.
    pub store: Embedded,
    /// Who may come in, and what they may do.
    pub keys: Arc<KeyRing>,
    /// What they may ask for.
    pub limits: S3Limits,
    /// Host names below which buckets are served as `BUCKET.NAME`.
    pub domains: Vec<String>,
    /// Who looks over their requests.
    pub watch: Watch,
    /// Whose web pages may.
    pub cors: Cors,
}

/// Serves S3 on `listener` until `shutdown` completes; then requests under way get `limits.shutdown_timeout` to finish.
///
/// Never returns early: failing to accept (no file descriptors) is logged and tried again.
pub async fn serve(listener: impl Accept, endpoint: S3Endpoint, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let limits = Arc::new(endpoint.limits.clone());
    let (hosts, keys, internal) = (Hosts::new(&endpoint.domains), endpoint.keys.clone(), InternalSecret::random());
    let (watch, cors) = (endpoint.watch.clone(), endpoint.cors.clone());
    let service = service(endpoint, &limits, &internal);
    let front = Front::new(service, FrontSettings { hosts, keys, watch, cors, internal, limits: limits.clone() });
    listener::run(listener, front, limits, shutdown).await
}

fn service(endpoint: S3Endpoint, limits: &Arc<S3Limits>, internal: &InternalSecret) -> S3Service {
    let access = Access { keys: endpoint.keys, internal: internal.clone() };
    let (limits, cors) = (limits.clone(), Arc::new(endpoint.cors));
    let operations = Operations { store: endpoint.store, access: access.clone(), limits: limits.clone(), cors };
    build(operations, access, &limits)
}

fn build(operations: impl S3, access: Access, limits: &S3Limits) -> S3Service {
    let mut config = S3Config::default();
    config.xml_max_body_size = limits.xml_max_bytes;
    // The front refuses forms; were one to come through, nothing of it would be kept.
    config.post_object_max_file_size = 0;
    config.form_max_parts = 0;
    let mut builder = S3ServiceBuilder::new(operations);
    builder.set_auth(access.clone());
    builder.set_access(access);
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.build()
}
