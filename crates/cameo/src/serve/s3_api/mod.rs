//! The embedded S3 endpoint: the door that operators' tools knock at.
//!
//! ```text
//! listener (connections, time-outs) → front (id, limits, first look) → the s3s service (signatures)
//!     → verified (XML, ranges, texts) → the s3s service (operation) → access (rights) → operations → the embedded store
//! ```
//!
//! Addresses are path-style. Keys go through byte for byte. Signatures are version 4 only, and nobody is let in without
//! one; secrets and signatures never reach a log (the service's own messages do not go further than its targets, which
//! hosts must keep above `debug`).

use std::{future::Future, io, sync::Arc};

use s3s::{
    config::{S3Config, StaticConfigProvider},
    service::{S3Service, S3ServiceBuilder},
};
use tokio::net::TcpListener;

use crate::store::embedded::Embedded;

mod access;
mod body;
mod cors;
mod errors;
mod front;
mod keys;
mod limits;
mod listener;
mod operations;
mod signature;
mod translate;
mod verified;
mod xml;

pub use cors::Cors;
pub use keys::{AccessKey, Grant, KeyRing, Rights, key_file};
pub use limits::S3Limits;

#[cfg(test)]
mod tests;

use access::Access;
use front::Front;
use operations::Operations;
use verified::Verified;

/// What the S3 endpoint is made of.
#[derive(Debug, Clone)]
pub struct S3Endpoint {
    /// The buckets.
    pub store: Embedded,
    /// Who may come in, and what they may do.
    pub keys: Arc<KeyRing>,
    /// What they may ask for.
    pub limits: S3Limits,
    /// Whose web pages may.
    pub cors: Cors,
}

/// Serves S3 on `listener` until `shutdown` completes; then requests under way get `limits.shutdown_timeout` to finish.
///
/// Never returns early: failing to accept (no file descriptors) is logged and tried again.
pub async fn serve(listener: TcpListener, endpoint: S3Endpoint, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let limits = Arc::new(endpoint.limits.clone());
    let cors = Arc::new(endpoint.cors.clone());
    let front = Front::new(service(endpoint, &limits, &cors), limits.clone(), cors);
    listener::run(listener, front, limits, shutdown).await
}

/// Two services: the outer one checks signatures, and the inner one does what was asked (see `verified`).
fn service(endpoint: S3Endpoint, limits: &Arc<S3Limits>, cors: &Arc<Cors>) -> S3Service {
    let access = Access(endpoint.keys);
    let (limits, cors) = (limits.clone(), cors.clone());
    let operations = Operations { store: endpoint.store, access: access.clone(), limits, cors };
    let inner = builder(&operations, &access).build();
    let mut outer = builder(&operations, &access);
    outer.set_route(Verified { inner, xml_max_bytes: operations.limits.xml_max_bytes });
    outer.build()
}

fn builder(operations: &Operations, access: &Access) -> S3ServiceBuilder {
    let mut config = S3Config::default();
    config.xml_max_body_size = operations.limits.xml_max_bytes;
    config.post_object_max_file_size = operations.limits.form_max_bytes;
    let mut builder = S3ServiceBuilder::new(operations.clone());
    builder.set_auth(access.clone());
    builder.set_access(access.clone());
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder
}
