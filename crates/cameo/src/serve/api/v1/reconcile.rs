//! Repairing what verifying finds.

use axum::response::Response;

use super::{
    super::{
        input::Json,
        operate::{Asking, Question},
        rights::Admin,
        subject::Named,
    },
    problems::Problems,
};
use crate::{
    client::wire::{ReconcileLine, ReconcileRequest},
    operate::reconcile::Reconcile,
    serve::problem::Answer,
};

/// Returns what is to be repaired, and with `apply` repairs it, each thing after another look.
#[utoipa::path(
    post,
    path = "/api/v1/reconcile",
    operation_id = "reconcile",
    tag = "operations",
    request_body = ReconcileRequest,
    responses(
        (
            status = 200,
            description = "JSON objects, a line each; the schema is that of one line. The last one has the summary, or an error.",
            body = ReconcileLine,
            content_type = "application/x-ndjson"
        ),
        Problems
    ),
    security(("token" = ["admin"]))
)]
pub(super) async fn reconcile(
    Admin(caller): Admin,
    asking: Asking,
    Json(asked): Json<ReconcileRequest>,
) -> Answer<Response> {
    let ReconcileRequest { vertical, ids, deep, apply, lang } = asked;
    let scope = Named { vertical, ids, delivery: None }.scope(&caller)?;
    Ok(asking.answer(&caller, lang, Question::Reconcile(Reconcile { scope, deep, apply })))
}
