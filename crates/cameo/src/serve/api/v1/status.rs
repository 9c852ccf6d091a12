//! How things are: what waits, what is served, what was rejected and why, and how far a delivery came.

use axum::response::Response;

use super::{
    super::{
        input::Json,
        operate::{Asking, Question},
        rights::Viewer,
        subject::Named,
    },
    problems::Problems,
};
use crate::{
    client::wire::{StatusLine, StatusRequest},
    operate::status::Status,
    serve::problem::Answer,
};

/// Shows what is pending, served and rejected of everything that the token may see, or of what is named: a frame a count, an original, a dead letter or a queue; of a delivery a frame a file.
#[utoipa::path(
    post,
    path = "/api/v1/status",
    operation_id = "status",
    tag = "operations",
    request_body = StatusRequest,
    responses(
        (
            status = 200,
            description = "JSON objects, a line each; the schema is that of one line. The last one has the summary, or an error.",
            body = StatusLine,
            content_type = "application/x-ndjson"
        ),
        Problems
    ),
    security(("token" = ["viewer"]))
)]
pub(super) async fn status(
    Viewer(caller): Viewer,
    asking: Asking,
    Json(asked): Json<StatusRequest>,
) -> Answer<Response> {
    let StatusRequest { vertical, ids, delivery, all, lang } = asked;
    let subject = Named { vertical, ids, delivery }.subject_or_all(&caller)?;
    Ok(asking.answer(&caller, lang, Question::Status(Status { subject, all })))
}
