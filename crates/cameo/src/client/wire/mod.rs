//! What client and server of the API say to each other: the bodies of requests and answers, in one place for both.
//!
//! Field names are promises: one may be added, none goes and none changes its meaning.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::model::account::WELCOME_PAGE;
use crate::model::token::{Role, Verticals};

mod accounts;
mod activity;
mod attention;
mod changes;
mod changes_feed;
mod deliveries;
mod entities;
mod health;
pub mod lines;
mod live;
mod lookup;
mod names;
mod operate;
mod originals;
mod overview;
mod search;
mod session;
mod tokens;
mod uploads;
mod webhooks;

pub use accounts::{
    AccountChange, AccountLink, AccountSession, AccountView, EndedSessions, NewAccount, RemovedAccount,
};
pub use activity::{Activity, ActivityLine, ActivitySource};
pub use attention::{Attention, AttentionGroup, AttentionItem, AttentionKind};
pub use changes::{Dismissals, DismissedLines, Keys, Letters, Redriven, Relocations, Restores, Rewritten, Stages};
pub use changes_feed::{ChangeView, Changes};
pub use deliveries::{DayView, DeliveryState, DeliveryView, LackToDismiss, NewDelivery};
pub use entities::{
    CellView, EntitiesPage, EntitiesSummary, EntitySummary, EntityView, ImageSizeView, OriginalView, PhotoView,
    ReasonView, Texts, VerticalCounts, VerticalView,
};
pub use health::{CertificateView, CheckView, DiskView, HealthView, MemoryView, WebhookTrouble};
pub use lines::{
    DismissLine, ItemView, ListLine, MoveLine, ReconcileLine, ReportedPhoto, RestoreLine, RetryLine, StatusLine,
    VerifyLine,
};
pub use live::Changed;
pub use lookup::{LookedUp, LookupAnswer, LookupProblem, LookupRequest, LookupState, LookupSummary, UnreadableId};
pub use names::{CheckedName, NameState, NamesToCheck};
pub use operate::{
    DismissRequest, Ended, FILES_MAX, Frame, HandedOverFile, MisnamedFile, MoveRequest, Part, PhotoToMove,
    ProgressView, ReconcileRequest, RestoreRequest, RetryRequest, StatusRequest, StepView, VerifyRequest,
};
pub use originals::{
    KeptOriginal, LettersRetried, LettersToRetry, OriginalsRestored, OriginalsRetried, OriginalsToDismiss,
    OriginalsToRestore, OriginalsToRetry, QuarantineView, SetAside, Undo, Unpublish,
};
pub use overview::{AttentionCounts, Overview, OverviewCounts, QueueView, VerticalOverview};
pub use search::{SearchHit, SearchKind, SearchResults};
pub use session::{
    COOKIE_IN_THE_CLEAR, COOKIE_OVER_TLS, CSRF, CSRF_FIELD, LinkToCheck, LinkUse, LinkView, LogIn, NewPassword,
    OIDC_CALLBACK_PAGE, OidcBegin, OidcBegun, OidcReturn, OidcSession, OidcView, OwnChange, SessionView, Typed,
};
pub use tokens::{CreatedToken, NewToken, Revoked};
pub use uploads::{FileToUpload, Upload, UploadBucket, UploadState, Uploads};
pub use webhooks::{
    CreatedWebhook, NewWebhook, RemovedWebhook, Replayed, RotatedWebhook, WebhookAttempt, WebhookChange,
    WebhookMessage, WebhookReplay, WebhookRotation, WebhookView,
};

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

/// What the listener of images answers to an address that has none, by which a client knows that it asks the wrong listener.
pub const NO_SUCH_IMAGE: &str = "no such image";

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
    /// Present where a vertical was named that is none of the caller's, or one of theirs has to be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<ForeignVertical>,
}

/// A vertical that is none of the caller's, if there is such a one; or that one of theirs has to be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForeignVertical {
    /// The vertical that was named; left out where one has to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// Those that the caller is limited to.
    pub own: Vec<String>,
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
