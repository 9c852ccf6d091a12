//! Errors of the API as RFC 9457 has them: what is wrong, what to do, a code for programs, and the id of the request.
//!
//! A handler returns a [`Problem`]; it is written out by [`finish`](super::api::finish), which alone knows the request's id and which
//! makes a problem of everything else that goes wrong too: routes that do not exist, bodies that cannot be read.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    client::wire::{ForeignVertical, PROBLEM_JSON, ProblemBody},
    model::error::{Error, Kind},
};

/// What went wrong with a request.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    foreign: Option<Box<ForeignVertical>>,
}

/// What a handler returns.
pub(super) type Answer<T> = Result<T, Problem>;

impl Problem {
    /// A problem of this code. The detail says what is wrong and what to do.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), headers: Vec::new(), foreign: None }
    }

    /// The same, with a header of the answer.
    #[must_use]
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// There is none of it, or it is none of the caller's: which of the two is not said.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what}, or this token may not see it"))
    }

    /// A vertical was named that is none of the caller's; whether there is such a one is not said.
    pub(super) fn foreign(called: &str, vertical: String, own: Vec<String>) -> Self {
        let detail = format!(
            "{called} is limited to {}, and may not see {vertical}, if there is such a vertical: check its name, or ask for more rights",
            own.join(", ")
        );
        let foreign = Some(Box::new(ForeignVertical { vertical: Some(vertical), own }));
        Self { foreign, ..Self::new(StatusCode::NOT_FOUND, "not_found", detail) }
    }

    /// Several verticals are the caller's, and one of them has to be named.
    pub(super) fn name_one(own: Vec<String>) -> Self {
        let detail = format!("this token is limited to verticals: name one of them ({}) as vertical", own.join(", "));
        let foreign = Some(Box::new(ForeignVertical { vertical: None, own }));
        Self { foreign, ..Self::new(StatusCode::FORBIDDEN, "auth.vertical", detail) }
    }

    /// What was asked for has the right form and cannot be.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid", detail)
    }

    /// Everything that the server can do for a moment is being done.
    pub(super) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many requests are being worked on; try again")
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// An answer of somebody else's with this status and text.
    pub(super) fn of_answer(status: StatusCode, text: &str) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => "request.malformed",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::PAYLOAD_TOO_LARGE => "request.too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "request.media_type",
            StatusCode::UNPROCESSABLE_ENTITY => "request.invalid",
            StatusCode::MISDIRECTED_REQUEST => "request.host",
            status if status.is_client_error() => "request.refused",
            _ => "internal",
        };
        let detail = if text.is_empty() { status.canonical_reason().unwrap_or("refused") } else { text };
        Self::new(status, code, detail)
    }

    /// As it is sent.
    pub(super) fn body(&self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:cameo:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.to_owned(),
            request_id: request_id.to_owned(),
            foreign: self.foreign.as_deref().cloned(),
        }
    }

    /// The answer.
    pub(super) fn written(&self, request_id: &str) -> Response {
        let mut response = (self.status, Json(self.body(request_id))).into_response();
        response.headers_mut().extend(self.headers.clone());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind() {
            // Whoever asked has done nothing wrong: a place is away, refuses the server, or does not fit.
            Kind::Unavailable | Kind::Denied | Kind::Misconfigured => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Kind::Conflict => (StatusCode::CONFLICT, "conflict"),
            Kind::Malformed | Kind::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "request.invalid"),
            Kind::Unlisted | Kind::Corrupt | Kind::Fatal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        tracing::warn!(%error, "a request of the API failed");
        Self::new(status, code, error.to_string())
    }
}

impl IntoResponse for Problem {
    /// An answer without a body, which is written once the request's id is known.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
