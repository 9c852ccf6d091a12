//! The embedded S3 endpoint: the door that operators' tools knock at.
//!
//! ```text
//! listener (connections, time-outs) → front (id, limits, first look) → the s3s service (signatures, XML)
//!     → access (rights) → operations → the embedded store
//! ```
//!
//! Over the front a watch takes notes: the audit trail, quotas, and patience with wrong signatures.
//!
//! Addresses are path-style. Keys go through byte for byte. Signatures are version 4 only, and nobody is let in without
//! one; secrets and signatures never reach a log (the service's own messages do not go further than its targets, which
//! hosts must keep above `debug`).

use std::{future::Future, io, sync::Arc};

use s3s::{
    config::{S3Config, StaticConfigProvider},
    service::S3ServiceBuilder,
};
use tokio::net::TcpListener;

use crate::store::embedded::Embedded;

mod access;
mod audit;
mod body;
mod errors;
mod failures;
mod front;
mod key_file;
mod key_ring;
mod keys;
mod limits;
mod listener;
mod operations;
mod quota;
mod signature;
mod translate;
mod watch;

pub use audit::{AuditLines, AuditTrail};
pub use key_file::{Keys, key_file};
pub use key_ring::KeyRing;
pub use keys::{AccessKey, Grant, Quota, Rights, fault_of_pair};
pub use limits::S3Limits;
pub use quota::{Amount, Usage};
pub use watch::Watch;

#[cfg(test)]
mod tests;

use access::Access;
use front::Front;
use operations::Operations;

/// What the S3 endpoint is made of.
#[derive(Debug, Clone)]
pub struct S3Endpoint {
    /// The buckets.
    pub store: Embedded,
    /// Who may come in, and what they may do.
    pub keys: Arc<KeyRing>,
    /// What they may ask for.
    pub limits: S3Limits,
    /// Who looks over their requests.
    pub watch: Watch,
}

/// Serves S3 on `listener` until `shutdown` completes; then requests under way get `limits.shutdown_timeout` to finish.
///
/// Never returns early: failing to accept (no file descriptors) is logged and tried again.
pub async fn serve(listener: TcpListener, endpoint: S3Endpoint, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let limits = Arc::new(endpoint.limits.clone());
    let (keys, watch) = (endpoint.keys.clone(), endpoint.watch.clone());
    let front = Front::new(service(endpoint, &limits), limits.clone(), keys, watch);
    listener::run(listener, front, limits, shutdown).await
}

fn service(endpoint: S3Endpoint, limits: &Arc<S3Limits>) -> s3s::service::S3Service {
    let access = Access(endpoint.keys);
    let operations = Operations { store: endpoint.store, access: access.clone(), limits: limits.clone() };
    let mut config = S3Config::default();
    config.xml_max_body_size = limits.xml_max_bytes;
    config.post_object_max_file_size = limits.form_max_bytes;
    let mut builder = S3ServiceBuilder::new(operations);
    builder.set_auth(access.clone());
    builder.set_access(access);
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.build()
}
