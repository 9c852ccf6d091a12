//! What changed just now: the data of the events of `GET /api/v1/events` (Server-Sent Events).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The data of an event `changed`: what to ask for again. At most one a second. Other events: `hello` (the stream begins), and comments as
/// heartbeat. The stream ends by itself after some minutes and when the server stops; browsers come back, and are let in again if they may.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// When it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether counts or queues of the overview changed.
    pub overview: bool,
    /// Whether the work list changed.
    pub attention: bool,
    /// Whether how far deliveries are changed: something was registered, or more or less is under way.
    pub deliveries: bool,
}
