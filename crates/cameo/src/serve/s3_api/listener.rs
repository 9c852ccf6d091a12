//! The S3 endpoint on the base of all listeners: connections are its business, requests are the front's.

use std::{future::Future, io, sync::Arc};

use http::{Request, Response, StatusCode};
use rand::Rng;
use s3s::{Body, S3Error, S3ErrorCode};

use super::{S3Limits, front::Front};
use crate::serve::http::{self as base, Accept, ConnectionLimits, Incoming};

/// Serves connections until `shutdown`; then those with a request under way get their time to finish.
pub(super) async fn run(
    listener: impl Accept,
    front: Front,
    limits: Arc<S3Limits>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    base::serve("s3", listener, connection_limits(&limits), Endpoint(front), shutdown).await
}

fn connection_limits(limits: &S3Limits) -> ConnectionLimits {
    ConnectionLimits {
        connections_max: limits.connections_max,
        connections_per_client: limits.connections_per_client,
        trusted_clients: limits.trusted_clients.clone(),
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        min_bytes_per_s: limits.min_bytes_per_s,
        headers_max_bytes: limits.headers_max_bytes,
        headers_max: limits.headers_max,
        shutdown_timeout: limits.shutdown_timeout,
        ..ConnectionLimits::default()
    }
}

#[derive(Clone)]
struct Endpoint(Front);

impl base::Service for Endpoint {
    type Body = Body;

    /// Objects are whatever their writers wrote: a browser that opens one must not run it under our name.
    const HEADERS: &'static [(&'static str, &'static str)] =
        &[("x-content-type-options", "nosniff"), ("content-security-policy", "sandbox; default-src 'none'")];

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        self.0.answer(request).await
    }

    fn refuse(&self, status: StatusCode, why: &'static str) -> Response<Body> {
        let mut error = S3Error::with_message(S3ErrorCode::InvalidRequest, why);
        error.set_request_id(format!("{:016X}", rand::rng().random::<u64>()));
        error.set_status_code(status);
        error.to_http_response().unwrap_or_else(|_| {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            response
        })
    }
}
