//! Moving photos to another vertical, a step at a time.

use axum::{Json, extract::State, response::Response};

use super::{
    changes::{OwnClient, answer, of_originals, too_many},
    rights::Admin,
};
use crate::{
    client::wire::{KEYS_MAX, Relocations, Stages},
    model::actor::Actor,
    proof::relocate,
    serve::{problem::Answer, site::Site},
};

/// Takes one step with each photo.
pub(super) async fn relocate(
    State(site): State<Site>,
    _: OwnClient,
    Admin(caller): Admin,
    Json(asked): Json<Relocations>,
) -> Answer<Response> {
    if asked.photos.len() > KEYS_MAX {
        return Ok(too_many());
    }
    let staged = {
        let keys: Vec<String> = asked.photos.iter().flat_map(|photo| [photo.from.clone(), photo.to.clone()]).collect();
        caller.change(of_originals(&keys))?;
        let by = Actor::new(&caller.name);
        relocate::advance(by.as_ref(), &site.flow.acting_for(by.as_ref()), &asked.photos, site.clock.now()).await
    };
    let named = asked.photos.into_iter().flat_map(|photo| [photo.from, photo.to]).collect();
    Ok(answer(named, staged.map(|photos| Stages { photos })))
}
