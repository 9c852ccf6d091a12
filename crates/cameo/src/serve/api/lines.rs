//! Long answers, a JSON object a line: items, `{"progress":…}` now and then, and last of all `{"summary":…}` or `{"error":…}`.
//!
//! The work is driven by whoever reads the answer: a client that goes away takes it along, and one that reads slowly holds it up, so that
//! nothing is gathered in memory for it.

use std::convert::Infallible;

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, future, stream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    client::wire::NDJSON,
    serve::{
        problem::{Answer, Problem},
        request_id::RequestId,
    },
};

/// Lines that are held until the client takes them.
const HELD_MAX: usize = 64;

/// Where the work writes its lines.
#[derive(Debug, Clone)]
pub(super) struct LineSender(mpsc::Sender<Bytes>);

impl LineSender {
    /// Writes an item, once there is room for it.
    pub(super) async fn item(&self, value: &impl Serialize) -> Answer<()> {
        let mut line = serde_json::to_vec(value).map_err(|error| Problem::invalid(error.to_string()))?;
        line.push(b'\n');
        // Nobody reads any more: then nobody drives the work either.
        let _ = self.0.send(line.into()).await;
        Ok(())
    }

    /// Writes lines that are written out already, once there is room for them.
    pub(super) async fn written(&self, lines: Bytes) {
        // As above.
        let _ = self.0.send(lines).await;
    }

    /// Says how far the work has come.
    pub(super) async fn progress(&self, value: &impl Serialize) -> Answer<()> {
        self.item(&json!({ "progress": value })).await
    }
}

/// The answer whose lines `work` writes; what it returns is the last one.
pub(super) fn respond<W, F, S>(id: &RequestId, work: W) -> Response
where
    W: FnOnce(LineSender) -> F,
    F: Future<Output = Answer<S>> + Send + 'static,
    S: Serialize + Send,
{
    let (to, lines) = mpsc::channel(HELD_MAX);
    let (id, sender) = (id.0.clone(), LineSender(to));
    let work = work(sender.clone());
    let driven = stream::once(async move {
        let ended = match work.await {
            Ok(summary) => sender.item(&json!({ "summary": summary })).await,
            Err(problem) => sender.item(&json!({ "error": problem.body(&id) })).await,
        };
        drop(ended);
    });
    let lines = stream::unfold(lines, async |mut lines| lines.recv().await.map(|line| (line, lines)));
    // The work has no item of its own: it is there to be driven.
    let driven = driven.filter_map(|()| future::ready(None));
    let all = stream::select(lines, driven).map(Ok::<_, Infallible>);
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(all)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::StatusCode};

    use super::*;

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn lines_come_in_their_order_and_the_last_one_is_the_summary() {
        let id = RequestId("7".to_owned());
        let response = respond(&id, |lines| async move {
            for n in 0..3 * HELD_MAX {
                lines.item(&n).await?;
            }
            lines.progress(&json!({"done": 1})).await?;
            Ok(json!({"all": true}))
        });
        let text = text(response).await;
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3 * HELD_MAX + 2);
        assert_eq!((lines[0], lines[190]), ("0", "190"));
        assert_eq!(lines[lines.len() - 2..], [r#"{"progress":{"done":1}}"#, r#"{"summary":{"all":true}}"#]);
    }

    #[tokio::test]
    async fn what_fails_midway_ends_with_the_error_and_the_requests_id() {
        let response = respond(&RequestId("7".to_owned()), |lines| async move {
            lines.item(&1).await?;
            Err::<(), _>(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the store is away"))
        });
        let text = text(response).await;
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!((&last["error"]["code"], &last["error"]["request_id"]), (&json!("unavailable"), &json!("7")));
    }
}
