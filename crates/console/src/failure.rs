//! What can go wrong with a page.
//!
//! A handler returns a [`Failure`]; it is written out by [`dress`](crate::dress::dress), which knows language and colours.

use std::fmt::Display;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cameo::{client::wire::ProblemBody, model::lang::Text};

/// Why there is no page.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// Somebody must log in first.
    LogIn,
    /// There is none of it, or it is none of the caller's.
    NotFound,
    /// The API refused, and said why.
    Refused(Box<ProblemBody>),
    /// The API answered something that cannot be understood.
    Garbage,
    /// A form that no page of ours sent.
    Foreign,
    /// A form that is longer than any page of ours sends.
    TooLong,
    /// Something that was typed cannot be.
    Invalid(Text),
    /// A form that none of our pages sends like this.
    Unreadable,
    /// The page is there, and does not take this method.
    Method,
}

/// What a handler returns.
pub(crate) type Answer<T> = Result<T, Failure>;

impl Failure {
    /// An answer that cannot be understood: the log has why.
    pub(crate) fn garbage(path: &str, why: impl Display) -> Self {
        tracing::warn!(path, %why, "the console does not understand an answer of the API");
        Self::Garbage
    }

    /// The status of its answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::LogIn => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Refused(problem) => StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY),
            Self::Garbage => StatusCode::BAD_GATEWAY,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

impl IntoResponse for Failure {
    /// An answer without a body, which is written once language and colours are known.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The answer to paths that the console does not have.
pub(crate) async fn no_such_page() -> Failure {
    Failure::NotFound
}
