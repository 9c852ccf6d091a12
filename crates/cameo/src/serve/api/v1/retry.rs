//! Another try of what was rejected and of dead letters, once the cause is fixed.

use axum::response::Response;

use super::{
    super::{
        input::Json,
        operate::{Asking, Question},
        rights::Operator,
        subject::{Named, reason_code},
    },
    problems::Problems,
};
use crate::{
    client::wire::{RetryLine, RetryRequest},
    operate::retry::Retry,
    serve::problem::{Answer, Problem},
};

/// Sends rejected originals and dead letters through the flow again. What is asked about has to be named: a reason, a vertical, ids or
/// a delivery.
#[utoipa::path(
    post,
    path = "/api/v1/retry",
    operation_id = "retry",
    tag = "operations",
    request_body = RetryRequest,
    responses(
        (
            status = 200,
            description = "JSON objects, a line each; the schema is that of one line. The last one has the summary, or an error.",
            body = RetryLine,
            content_type = "application/x-ndjson"
        ),
        Problems
    ),
    security(("token" = ["operator"]))
)]
pub(super) async fn retry(
    Operator(caller): Operator,
    asking: Asking,
    Json(asked): Json<RetryRequest>,
) -> Answer<Response> {
    let RetryRequest { reason, vertical, ids, delivery, dry_run, lang } = asked;
    if reason.is_none() && vertical.is_none() && ids.is_none() && delivery.is_none() {
        return Err(Problem::invalid("name what to try again: a reason, a vertical, ids or a delivery"));
    }
    let reason = reason.map(|code| reason_code(&code)).transpose()?;
    let subject = Named { vertical, ids, delivery }.subject(&caller)?;
    Ok(asking.answer(&caller, lang, Question::Retry(Retry { subject, reason, dry_run })))
}
