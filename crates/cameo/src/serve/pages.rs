//! What pages beside the API are made from: they ask it in this process, as the browser that asks for them would.
//!
//! Pages decide nothing of their own: who may see or change what is found out by the door of the API alone, for each question anew. A page
//! hands on what came with the browser's request, so that the door sees the same client.

use std::convert::Infallible;

use axum::{Router, body::Body, extract::Request, http::Extensions, response::Response};
use tower::ServiceExt;

use super::http::{ClientAddress, OverTls, Peer};

/// The API of this process.
#[derive(Debug, Clone)]
pub struct Api(Router);

/// Makes the routes of pages that work with this API.
pub type Pages = fn(Api) -> Router;

impl Api {
    /// These routes as the API.
    pub fn new(routes: Router) -> Self {
        Self(routes)
    }

    /// What a request has from its connection, which the door looks at: for questions that are asked on its behalf. Nothing else of a
    /// request is for another one.
    pub fn connection_of(request: &Extensions) -> Extensions {
        let mut connection = Extensions::new();
        request.get::<Peer>().map(|peer| connection.insert(*peer));
        request.get::<ClientAddress>().map(|address| connection.insert(*address));
        request.get::<OverTls>().map(|over_tls| connection.insert(*over_tls));
        connection
    }

    /// What it answers. The request has the path, the headers and the extensions that it would have from a connection.
    pub async fn ask(&self, request: Request<Body>) -> Response {
        let answered: Result<Response, Infallible> = self.0.clone().oneshot(request).await;
        let Ok(response) = answered;
        response
    }
}
