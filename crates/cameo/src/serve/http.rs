//! What the image and console listeners share: serving a router until told to stop.

use std::{future::Future, io};

use axum::Router;
use tokio::net::TcpListener;

/// Serves until `shutdown` completes; then finishes the requests under way.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}
