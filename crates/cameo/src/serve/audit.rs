//! The audit trail: who changed what at the S3 endpoint and through the console, and who was refused; one JSON object a line.
//!
//! Here lines are made and handed over; a host writes them to files. Handing over never waits: what nobody takes in time is
//! counted, and the trail says how many lines it lacks. No line holds a secret, a signature or a query.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Serialize;

use crate::escape::visible_json;

/// Lines on their way to the file.
const WAITING_MAX: usize = 8192;
/// Bytes of a text from a client in a line: a key has 1,024 at most, what is refused may be anything.
const TEXT_MAX_BYTES: usize = 2048;
/// Bytes of such a text in a line about a request that nobody signed.
const UNSIGNED_TEXT_MAX_BYTES: usize = 256;
/// Lines a second about requests that nobody signed: a flood of them must not push everything else out of the trail.
const UNSIGNED_LINES_A_SECOND: u32 = 50;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// Something was changed.
    Change,
    /// Nothing was, and the answer said so.
    Refusal,
    /// The client went away before the answer; whether it was changed, the store knows.
    BrokenOff,
}

impl Event {
    /// What an answer is to the trail: reading, and finding nothing, is neither a change nor a refusal.
    pub(super) fn of(reads: bool, status: StatusCode) -> Option<Self> {
        let failed = status.is_client_error() || status.is_server_error();
        let found_nothing = matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE
        );
        match (failed, reads) {
            (true, true) if found_nothing => None,
            (true, _) => Some(Self::Refusal),
            (false, false) => Some(Self::Change),
            (false, true) => None,
        }
    }
}

/// A line.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line<'l> {
    pub(super) time: Timestamp,
    pub(super) event: Event,
    /// The id that was claimed; whether by its owner, `signed` says.
    pub(super) access_key: Option<&'l str>,
    pub(super) signed: bool,
    /// Whose token it was; how somebody without one came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor: Option<&'l str>,
    pub(super) client: Option<String>,
    /// S3's name of the operation, or the method where it did not come so far; the path of a change through the console.
    pub(super) operation: &'l str,
    pub(super) bucket: Option<&'l str>,
    pub(super) key: Option<&'l str>,
    /// What was copied, or was to be: bucket and key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<&'l str>,
    /// So many further keys of the request, without lines of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) more: Option<usize>,
    pub(super) status: u16,
    /// Why somebody made the change, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'l str>,
    /// S3's code of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'l str>,
    pub(super) request_id: &'l str,
}

impl<'l> Line<'l> {
    /// A line of which no more is known, about a request that nobody signed.
    pub(super) fn new(time: Timestamp, event: Event, operation: &'l str) -> Self {
        Self {
            time,
            event,
            access_key: None,
            signed: false,
            actor: None,
            client: None,
            operation,
            bucket: None,
            key: None,
            source: None,
            more: None,
            status: 0,
            note: None,
            error: None,
            request_id: "",
        }
    }
}

/// A line as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// The JSON object.
    pub text: String,
    /// Whether it is about something that was refused. Such lines anybody can make: they are kept apart, so that no number of them
    /// pushes out a change.
    pub is_refusal: bool,
}

/// The end of the trail where lines begin. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct AuditTrail {
    to: Option<SyncSender<AuditLine>>,
    lost: Arc<AtomicU64>,
    unsigned: Arc<Unsigned>,
}

/// Lines about refused requests that nobody signed.
#[derive(Debug, Default)]
struct Unsigned {
    /// The second that they are counted in.
    second: AtomicI64,
    lines: AtomicU32,
}

impl Unsigned {
    fn has_room(&self, now: Timestamp) -> bool {
        let second = now.as_second();
        // Two that begin a second at once count a few lines too few or too many.
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.lines.store(0, Ordering::Relaxed);
        }
        self.lines.fetch_add(1, Ordering::Relaxed) < UNSIGNED_LINES_A_SECOND
    }
}

/// The end of the trail where lines are written.
#[derive(Debug)]
pub struct AuditLines {
    lines: Receiver<AuditLine>,
    lost: Arc<AtomicU64>,
}

impl AuditTrail {
    /// No trail.
    pub fn off() -> Self {
        Self::default()
    }

    /// A trail, and where its lines come out until every clone of it is gone.
    pub fn new() -> (Self, AuditLines) {
        let (to, lines) = sync_channel(WAITING_MAX);
        let lost = Arc::<AtomicU64>::default();
        (Self { to: Some(to), lost: lost.clone(), unsigned: Arc::default() }, AuditLines { lines, lost })
    }

    pub(super) fn write<'l>(&self, line: &Line<'l>) {
        if line.event == Event::Refusal && !line.signed && !self.unsigned.has_room(line.time) {
            return self.lose(1);
        }
        // What nobody signed names whatever it likes.
        let short = |text: &'l str| &text[..text.floor_char_boundary(UNSIGNED_TEXT_MAX_BYTES)];
        let unsigned;
        let line = if line.signed || line.event != Event::Refusal {
            line
        } else {
            unsigned = Line { bucket: line.bucket.map(short), key: line.key.map(short), ..line.clone() };
            &unsigned
        };
        let Ok(text) = serde_json::to_string(line) else { return };
        let text = visible_json(&text);
        // For whoever gathers logs in one place: a target of its own.
        tracing::debug!(target: "cameo::audit", line = %text);
        if let Some(to) = &self.to
            && to.try_send(AuditLine { text: text.into_owned(), is_refusal: line.event == Event::Refusal }).is_err()
        {
            self.lose(1);
        }
    }

    /// Counts lines that were not even made.
    pub(crate) fn lose(&self, lines: u64) {
        self.lost.fetch_add(lines, Ordering::Relaxed);
    }
}

impl AuditLines {
    /// The next line, once there is one; nothing once no more can come.
    pub fn next(&self) -> Option<AuditLine> {
        self.lines.recv().ok()
    }

    /// How many lines were lost since this was asked last.
    pub fn lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

/// Whether a method only reads.
pub(super) fn only_reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A client as lines tell it.
pub(super) fn client_of(peer: SocketAddr) -> String {
    peer.ip().to_canonical().to_string()
}

/// A client's text, cut to what a line may hold.
pub(super) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_MAX_BYTES)]
}
