//! What client and server of the API say to each other: the bodies of requests and answers, in one place for both.
//!
//! Field names are promises: one may be added, none goes and none changes its meaning.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::token::{Role, Verticals};

mod changes;
mod changes_feed;
mod deliveries;
mod entities;
mod names;
mod operate;
mod tokens;
mod uploads;

pub use changes::{Dismissals, Keys, Letters, Redriven, Relocations, Restores, Rewritten, Stages};
pub use changes_feed::{ChangeView, Changes};
pub use deliveries::{DayView, DeliveryState, DeliveryView, NewDelivery};
pub use entities::{
    CellView, EntitiesSummary, EntitySummary, EntityView, ImageSizeView, PhotoView, ReasonView, Texts, VerticalCounts,
    VerticalView,
};
pub use names::{CheckedName, NameState, NamesToCheck};
pub use operate::{
    Ended, FILES_MAX, Frame, HandedOverFile, MisnamedFile, Part, ProgressView, ReconcileRequest, RetryRequest,
    StatusRequest, StepView, VerifyRequest,
};
pub use tokens::{CreatedToken, NewToken, Revoked};
pub use uploads::{FileToUpload, Upload, UploadState, Uploads};

/// Header that every change without a token must carry, whatever its value: no web page of somebody else's can send it.
pub const ASKED_BY: &str = "x-cameo-client";
/// Header with the id of a request.
pub const REQUEST_ID: &str = "x-request-id";
/// Where the versioned API begins.
pub const V1: &str = "/api/v1";
/// The media type of errors (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";
/// The media type of long answers, a JSON object a line.
pub const NDJSON: &str = "application/x-ndjson";
/// Keys, names or files in one request, at most.
pub const KEYS_MAX: usize = 1000;

/// An error, as RFC 9457 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// Names the kind of error: `urn:cameo:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// The code of the error, for programs; codes may be added and are never renamed.
    pub code: String,
    /// The id of the request, which the server's log has too.
    pub request_id: String,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to give as `after` for the next part; null where there is none.
    pub next: Option<String>,
}

/// Who a request is from, and what it may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Whoami {
    /// The token's name; `local` over the socket in the data folder, `loopback` before there are tokens.
    pub name: String,
    /// The token's id; null where none is needed.
    pub id: Option<String>,
    /// What may be asked for.
    pub role: Role,
    /// The verticals that it is limited to; null where it is not.
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Verticals,
    /// When the token ends; null where it never does by itself.
    pub expires: Option<Timestamp>,
    /// The version of the server.
    pub version: String,
}
