//! Restoring from quarantine and dismissing rejected files.
//!
//! What is asked for was listed by a command that reads, and may be stale: `proof::restore` and `proof::dismiss` look again.

use axum::{Json, extract::State, response::Response};

use super::{
    changes::{OwnClient, answer, of_originals, too_many},
    problem::Answer,
    rights::{Admin, Operator},
};
use crate::{
    client::wire::{Dismissals, KEYS_MAX, Restores},
    proof::{dismiss, restore},
    serve::site::Site,
};

/// Brings back what is in quarantine, of any vertical.
pub(super) async fn restore(
    State(site): State<Site>,
    _: OwnClient,
    Admin(caller): Admin,
    Json(asked): Json<Restores>,
) -> Answer<Response> {
    if asked.restores.len() > KEYS_MAX {
        return Ok(too_many());
    }
    // An id does not say of which vertical it is.
    caller.change([None])?;
    let restored = restore::restore(&site.flow, &asked.restores).await;
    Ok(answer(asked.restores.into_iter().map(|restore| restore.id).collect(), restored))
}

/// Moves rejected files to quarantine.
pub(super) async fn dismiss(
    State(site): State<Site>,
    _: OwnClient,
    Operator(caller): Operator,
    Json(asked): Json<Dismissals>,
) -> Answer<Response> {
    if asked.keys.len() > KEYS_MAX {
        return Ok(too_many());
    }
    caller.change(of_originals(&asked.keys))?;
    let dismissed = dismiss::dismiss(&site.flow, &asked.keys, asked.note.as_deref(), site.clock.now()).await;
    Ok(answer(asked.keys, dismissed))
}
