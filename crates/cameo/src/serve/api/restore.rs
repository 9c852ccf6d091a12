//! Restoring from quarantine and dismissing rejected files.
//!
//! What is asked for was listed by a command that reads, and may be stale: `proof::restore` and `proof::dismiss` look again.

use axum::{Json, extract::State, response::Response};

use super::{
    changes::{OwnClient, answer, of_originals, too_many},
    rights::{Admin, Operator},
};
use crate::{
    client::wire::{Dismissals, DismissedLines, KEYS_MAX, Restores},
    model::{
        actor::Actor,
        key::{DeliveryKey, DeliveryName},
    },
    proof::{
        deliveries::{dismissed::Dismissed, dismissed_lines},
        dismiss::{self, Settling},
        repair::Acted,
        restore,
    },
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
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
    let flow = site.flow.acting_for(Actor::new(&caller.name).as_ref());
    let restored = restore::restore(&flow, &asked.restores).await;
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
    let (by, note, at) = (Actor::new(&caller.name), asked.note.as_deref(), site.clock.now());
    let flow = site.flow.acting_for(by.as_ref());
    let dismissed = dismiss::dismiss(&flow, &asked.keys, &Settling { by, note, at }).await;
    Ok(answer(asked.keys, dismissed))
}

/// Notes that lines of the report of a delivery are settled.
pub(super) async fn dismiss_lines(
    State(site): State<Site>,
    _: OwnClient,
    Operator(caller): Operator,
    Json(asked): Json<DismissedLines>,
) -> Answer<Response> {
    if asked.lines.len() > dismissed_lines::LINES_MAX {
        return Ok(too_many());
    }
    let Ok(DeliveryName::Recorded { vertical: Some(vertical), id }) = asked.delivery.parse() else {
        return Err(Problem::invalid("delivery: name it with its vertical, such as ssgdfm_eye/20261126-k3f9"));
    };
    caller.change([Some(vertical.clone())])?;
    let delivery = DeliveryKey { vertical, id };
    let dismissed = Dismissed::new(site.clock.now(), Actor::new(&caller.name), asked.note.as_deref());
    let (store, bucket, done) = (&*site.flow.store, &site.flow.settings.upload_bucket, asked.lines.len() as u64);
    let noted = dismissed_lines::write(store, bucket, &delivery, (&asked.lines, &dismissed)).await;
    site.open.forget_one(&delivery).await;
    Ok(answer(vec![delivery.key()], noted.map(|()| Acted { done, ..Acted::default() })))
}
