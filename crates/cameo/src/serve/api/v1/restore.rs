//! Bringing back what is in quarantine.

use axum::response::Response;

use super::{
    super::{
        input::Json,
        operate::{Asking, Question},
        rights::Operator,
        subject::{Named, few_enough},
    },
    problems::Problems,
};
use crate::{
    client::wire::{RestoreLine, RestoreRequest},
    operate::restore::Restoring,
    proof::restore::Asked,
    serve::problem::{Answer, Problem},
};

/// Brings back what was deleted, replaced, moved, dismissed or superfluous, while it is kept; an original comes back as a new upload. What is
/// asked for has to be named: keys, a vertical, ids, a time, or `list`.
#[utoipa::path(
    post,
    path = "/api/v1/restore",
    operation_id = "restore",
    tag = "operations",
    request_body = RestoreRequest,
    responses(
        (
            status = 200,
            description = "JSON objects, a line each; the schema is that of one line. The last one has the summary, or an error.",
            body = RestoreLine,
            content_type = "application/x-ndjson"
        ),
        Problems
    ),
    security(("token" = ["operator"]))
)]
pub(super) async fn restore(
    Operator(caller): Operator,
    asking: Asking,
    Json(asked): Json<RestoreRequest>,
) -> Answer<Response> {
    let RestoreRequest { keys, vertical, ids, since, generation, list, dry_run, lang } = asked;
    if keys.is_empty() && vertical.is_none() && ids.is_none() && since.is_none() && !list {
        return Err(Problem::invalid("name what to bring back: keys, a vertical, ids, since, or list"));
    }
    few_enough(&keys)?;
    if generation.is_some() && keys.is_empty() {
        return Err(Problem::invalid("generation: it is one of several of a key; name the key"));
    }
    let scope = Named { vertical, ids, delivery: None }.scope(&caller)?;
    let asked = Asked { scope, keys: keys.into_iter().collect(), since, generation };
    Ok(asking.answer(&caller, lang, Question::Restore(Restoring { asked, list, dry_run })))
}
