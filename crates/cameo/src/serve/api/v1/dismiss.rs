//! Settling what is rejected, and what of a delivery is open and has no file.

use std::collections::BTreeSet;

use axum::response::Response;

use super::{
    super::{
        input::Json,
        operate::{Asking, Question},
        rights::Operator,
        subject::{Named, checked, few_enough, reason_code},
    },
    originals::a_note,
    problems::Problems,
};
use crate::{
    client::wire::{DismissLine, DismissRequest},
    ledger::Scope,
    operate::{Subject, dismiss::Dismiss},
    serve::problem::{Answer, Problem},
};

/// Settles rejected files: they go to quarantine, and nobody lists them any more. Of a delivery also what was left out, what was promised
/// and never came, what came without being promised, and what is gone: its report says that it is dismissed, by whom and why. What is asked
/// about has to be named: keys, a reason, a vertical, ids or a delivery.
#[utoipa::path(
    post,
    path = "/api/v1/dismiss",
    operation_id = "dismiss",
    tag = "operations",
    request_body = DismissRequest,
    responses(
        (
            status = 200,
            description = "JSON objects, a line each; the schema is that of one line. The last one has the summary, or an error.",
            body = DismissLine,
            content_type = "application/x-ndjson"
        ),
        Problems
    ),
    security(("token" = ["operator"]))
)]
pub(super) async fn dismiss(
    Operator(caller): Operator,
    asking: Asking,
    Json(asked): Json<DismissRequest>,
) -> Answer<Response> {
    let DismissRequest { keys, reason, vertical, ids, delivery, note, dry_run, lang } = asked;
    if keys.is_empty() && reason.is_none() && vertical.is_none() && ids.is_none() && delivery.is_none() {
        return Err(Problem::invalid("name what to settle: keys, a reason, a vertical, ids or a delivery"));
    }
    few_enough(&keys)?;
    let reason = reason.map(|code| reason_code(&code)).transpose()?;
    let note = Some(a_note(note.unwrap_or_default(), false)?).filter(|note| !note.is_empty());
    let keys: BTreeSet<String> = keys.into_iter().collect();
    let (delivery, scope) = match delivery {
        None => (None, Named { vertical, ids, delivery: None }.scope(&caller)?),
        Some(name) => {
            let named = Named { vertical, ids: None, delivery: Some(name) };
            let Subject::Delivery(name) = named.subject(&caller)? else {
                return Err(Problem::invalid("delivery: it names none"));
            };
            let scope = match ids {
                None => Scope::All,
                Some(ids) => Scope::Ids { vertical: None, cd_idx: checked(ids)? },
            };
            (Some(name), scope)
        }
    };
    let asked = Dismiss { delivery, scope, keys, reason, note, dry_run };
    Ok(asking.answer(&caller, lang, Question::Dismiss(asked)))
}
