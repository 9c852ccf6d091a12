//! Every change through the console, and every refusal, is in the audit trail.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Console;
use crate::serve::{
    audit::{Event, Line, client_of, cut, only_reads},
    http::ClientAddress,
};

/// What a change named, as an extension of its answer.
#[derive(Debug, Clone)]
pub(super) struct Named(pub(super) Vec<String>);

/// Answers, and notes what was changed or refused: a line for each key that the request named.
pub(super) async fn audited(State(console): State<Console>, request: Request, next: Next) -> Response {
    let reads = only_reads(request.method());
    let client = request.extensions().get::<ClientAddress>().map(|client| client_of(client.0));
    let path = request.uri().path().to_owned();
    let answer = async move {
        let response = next.run(request).await;
        if let Some(event) = Event::of(reads, response.status()) {
            note(&console, event, client, &path, &response);
        }
        response
    };
    if reads {
        return answer.await;
    }
    // A change that was begun is finished where its client leaves, so that what is noted is what was done.
    tokio::spawn(answer).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a change through the console broke off");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

fn note(console: &Console, event: Event, client: Option<String>, path: &str, response: &Response) {
    let line = |key: Option<&str>| {
        console.audit.write(&Line {
            time: console.clock.now(),
            event,
            access_key: None,
            signed: false,
            client: client.clone(),
            operation: cut(path),
            bucket: None,
            key: key.map(cut),
            status: response.status().as_u16(),
            error: None,
            request_id: "",
        });
    };
    match response.extensions().get::<Named>() {
        Some(Named(keys)) if !keys.is_empty() => keys.iter().for_each(|key| line(Some(key))),
        _ => line(None),
    }
}
