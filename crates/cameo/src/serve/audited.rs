//! Every change through the console and the API, and every refusal, is in the audit trail.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::site::Site;
use crate::serve::{
    audit::{Event, Line, client_of, cut, only_reads},
    http::ClientAddress,
};

/// What a change named, as an extension of its answer.
#[derive(Debug, Clone)]
pub(super) struct Named(pub(super) Vec<String>);

/// Answers, and notes what was changed or refused: a line for each key that the request named.
pub(super) async fn audited(State(site): State<Site>, request: Request, next: Next) -> Response {
    let reads = only_reads(request.method());
    let mut pending = Pending {
        site,
        client: request.extensions().get::<ClientAddress>().map(|client| client_of(client.0)),
        path: request.uri().path().to_owned(),
        is_open: !reads,
    };
    let response = next.run(request).await;
    pending.is_open = false;
    if let Some(event) = Event::of(reads, response.status()) {
        pending.note(event, response.status().as_u16(), response.extensions().get::<Named>());
    }
    response
}

/// A request that is being answered.
struct Pending {
    site: Site,
    client: Option<String>,
    path: String,
    /// Whether it may have changed something, and has no answer yet.
    is_open: bool,
}

impl Pending {
    fn note(&self, event: Event, status: u16, named: Option<&Named>) {
        let line = |key: Option<&str>| {
            self.site.audit.write(&Line {
                client: self.client.clone(),
                key: key.map(cut),
                status,
                ..Line::new(self.site.clock.now(), event, cut(&self.path))
            });
        };
        match named {
            Some(Named(keys)) if !keys.is_empty() => keys.iter().for_each(|key| line(Some(key))),
            _ => line(None),
        }
    }
}

/// A client that goes away takes its request with it; what was changed until then, the store and the catalog know.
impl Drop for Pending {
    fn drop(&mut self) {
        if self.is_open {
            self.note(Event::BrokenOff, 0, None);
        }
    }
}
