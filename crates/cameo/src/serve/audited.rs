//! Every change through the console and the API, and every refusal, is in the audit trail.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};

use super::{request_id::RequestId, site::Site};
use crate::serve::{
    audit::{Event, Line, client_of, cut, only_reads},
    http::ClientAddress,
};

/// Who asks, once it is known: an extension of every request, which the door of the API fills.
#[derive(Debug, Clone, Default)]
pub(super) struct Who(Arc<OnceLock<String>>);

impl Who {
    /// It is somebody of this name.
    pub(super) fn is(&self, name: &str) {
        // A request comes through the door once.
        let _ = self.0.set(name.to_owned());
    }
}

/// What a change named, as an extension of its answer.
#[derive(Debug, Clone)]
pub(super) struct Named(pub(super) Vec<String>);

/// Why a change was made, as an extension of its answer.
#[derive(Debug, Clone)]
pub(super) struct Note(pub(super) String);

/// An extension of the answer of whoever notes by itself what it changes, key by key, while it answers.
#[derive(Debug, Clone)]
pub(super) struct NotesItself;

/// Answers, and notes what was changed or refused: a line for each key that the request named.
pub(super) async fn audited(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let reads = only_reads(request.method());
    let trail = Trail {
        site,
        who: Who::default(),
        request_id: request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
        client: request.extensions().get::<ClientAddress>().map(|client| client_of(client.0)),
        path: request.uri().path().to_owned(),
    };
    request.extensions_mut().insert(trail.who.clone());
    request.extensions_mut().insert(trail.clone());
    let mut pending = Pending { trail, named: None, why: None, is_open: !reads };
    let response = next.run(request).await;
    pending.is_open = false;
    let reads = reads || response.extensions().get::<NotesItself>().is_some();
    if let Some(event) = Event::of(reads, response.status()) {
        let extensions = response.extensions();
        let why = extensions.get::<Note>();
        pending.trail.note(event, response.status().as_u16(), extensions.get::<Named>(), why);
    }
    response
}

/// What lines of a request say, whatever happens to it: an extension of every request.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    site: Site,
    who: Who,
    request_id: String,
    client: Option<String>,
    path: String,
}

/// A change under way.
pub(super) struct Pending {
    trail: Trail,
    /// What it names, where that is known already.
    named: Option<Named>,
    /// Why it is made, where somebody said.
    why: Option<Note>,
    /// Whether it may have changed something, and has not ended yet.
    is_open: bool,
}

impl Pending {
    /// Notes how it ended.
    pub(super) fn end(mut self, event: Event, status: StatusCode) {
        self.is_open = false;
        self.trail.note(event, status.as_u16(), self.named.as_ref(), self.why.as_ref());
    }
}

impl Trail {
    /// A change of these keys begins, for a reason where one is given.
    pub(super) fn open(&self, named: Named, why: Option<&str>) -> Pending {
        let why = why.map(|why| Note(why.to_owned()));
        Pending { trail: self.clone(), named: Some(named), why, is_open: true }
    }

    fn note(&self, event: Event, status: u16, named: Option<&Named>, why: Option<&Note>) {
        let line = |key: Option<&str>| {
            self.site.audit.write(&Line {
                actor: self.who.0.get().map(String::as_str),
                // Whoever came through the door is no stranger, whose lines are counted.
                signed: self.who.0.get().is_some(),
                client: self.client.clone(),
                request_id: &self.request_id,
                key: key.map(cut),
                status,
                note: why.map(|note| cut(&note.0)),
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
            self.trail.note(Event::BrokenOff, 0, self.named.as_ref(), self.why.as_ref());
        }
    }
}
