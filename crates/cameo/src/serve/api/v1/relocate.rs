//! Moving photos to another vertical.

use std::time::Duration;

use axum::response::Response;

use super::{
    super::{
        changes::of_originals,
        input::Json,
        operate::{Asking, Question},
        rights::Operator,
        subject::checked,
    },
    problems::Problems,
};
use crate::{
    client::wire::{FILES_MAX, MoveLine, MoveRequest},
    model::key::DeliveryName,
    operate::relocate::{Move, Which},
    proof::relocate::Relocation,
    serve::problem::{Answer, Problem},
};

/// Seconds that a request waits for what is in flight, at most; asked again it goes on.
const WAIT_MAX_S: u64 = 3600;
/// Characters of the name of a file, at most.
const SAVED_MAX_CHARS: usize = 4096;

/// Moves photos that were uploaded to the wrong vertical, by the road of every upload; without `apply` it only says how far each is. Either
/// `from` and `to` say which, or `photos` lists them. What has ended is in the answer; asked again it goes on.
#[utoipa::path(
    post,
    path = "/api/v1/move",
    operation_id = "move",
    tag = "operations",
    request_body = MoveRequest,
    responses(
        (
            status = 200,
            description = "JSON objects, a line each; the schema is that of one line. The last one has the summary, or an error.",
            body = MoveLine,
            content_type = "application/x-ndjson"
        ),
        Problems
    ),
    security(("token" = ["operator"]))
)]
pub(super) async fn relocate(
    Operator(caller): Operator,
    asking: Asking,
    Json(asked): Json<MoveRequest>,
) -> Answer<Response> {
    let MoveRequest { from, to, ids, delivery, photos, apply, wait, saved, lang } = asked;
    let which = match (from, to) {
        (Some(from), Some(to)) if photos.is_empty() => {
            let (from, to) = (caller.vertical(&from)?, caller.vertical(&to)?);
            if from == to {
                return Err(Problem::invalid(format!("to: the photos of {from} are in it already")));
            }
            match (delivery, ids) {
                (Some(_), Some(_)) => return Err(Problem::invalid("ids and delivery: name one of the two")),
                (Some(name), None) => {
                    let name: DeliveryName =
                        name.parse().map_err(|error| Problem::invalid(format!("delivery: {error}")))?;
                    Which::Delivery { from, to, name }
                }
                (None, ids) => Which::Of { from, to, ids: ids.map(checked).transpose()? },
            }
        }
        (None, None) if !photos.is_empty() && ids.is_none() && delivery.is_none() => {
            if photos.len() > FILES_MAX {
                return Err(Problem::invalid(format!("{} photos: at most {FILES_MAX} at a time", photos.len())));
            }
            let keys: Vec<String> = photos.iter().flat_map(|photo| [photo.from.clone(), photo.to.clone()]).collect();
            caller.change(of_originals(&keys))?;
            Which::Listed(photos.into_iter().map(|photo| Relocation { from: photo.from, to: photo.to }).collect())
        }
        _ => return Err(Problem::invalid("name from and to, or list the photos")),
    };
    if wait > WAIT_MAX_S {
        return Err(Problem::invalid(format!("wait: at most {WAIT_MAX_S} seconds; ask again, it goes on")));
    }
    if saved.as_ref().is_some_and(|saved| saved.chars().count() > SAVED_MAX_CHARS) {
        return Err(Problem::invalid(format!("saved: at most {SAVED_MAX_CHARS} characters")));
    }
    let asked = Move { which, apply, wait: Duration::from_secs(wait), saved };
    Ok(asking.answer(&caller, lang, Question::Move(asked)))
}
