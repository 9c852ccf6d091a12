//! What is done around every request of the API: it gets an id, and its errors the form that they must have.

use std::time::Instant;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::{
    client::wire::{PROBLEM_JSON, REQUEST_ID, V1},
    serve::{
        problem::Problem,
        request_id::{RequestId, is_of_api},
    },
};

/// Bytes of the text of an error that becomes a detail.
const TEXT_MAX_BYTES: usize = 8 << 10;

fn is_v1(path: &str) -> bool {
    path.strip_prefix(V1).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Gives a request its id, and its answer the id and, where it is an error of `/api/v1`, the form of a problem document.
pub(in crate::serve) async fn finish(mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if !is_of_api(&path) {
        return next.run(request).await;
    }
    let (method, id, begun) = (request.method().clone(), RequestId::of(&request), Instant::now());
    request.extensions_mut().insert(id.clone());
    let answered = next.run(request).await;
    let mut response = written(answered, is_v1(&path), &id.0).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HeaderName::from_static(REQUEST_ID), value);
    }
    // The query is left out: nobody knows what clients write into it.
    tracing::debug!(
        %method, path, status = response.status().as_u16(), request_id = id.0, ms = begun.elapsed().as_millis(), "API request"
    );
    response
}

async fn written(answered: Response, is_v1: bool, id: &str) -> Response {
    let status = answered.status();
    let (mut parts, body) = answered.into_parts();
    if let Some(problem) = parts.extensions.remove::<Problem>() {
        return problem.written(id);
    }
    let is_problem = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if !is_v1 || is_problem || !(status.is_client_error() || status.is_server_error()) {
        return Response::from_parts(parts, body);
    }
    let mut response = Problem::of_answer(status, &text_of(body).await).written(id);
    // Such as the methods that are allowed.
    for (name, value) in &parts.headers {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

async fn text_of(body: Body) -> String {
    let bytes = to_bytes(body, TEXT_MAX_BYTES).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// The answer to paths that the API does not have.
pub(super) fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "the API has no such path; /api/v1/openapi.json lists those that it has",
    )
}
