//! Moving photos to another vertical, a step at a time, as commands ask a running server for it; both ends of the request.

use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};

use super::{
    changes::{KEYS_MAX, OwnClient, answer, too_many},
    client::ApiClient,
};
use crate::{
    model::error::Result,
    proof::relocate::{self, Relocation, Staged},
    serve::site::Site,
};

/// Photos that move.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Relocations {
    photos: Vec<Relocation>,
}

/// How far each is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stages {
    photos: Vec<Staged>,
}

/// Takes one step with each photo.
pub(super) async fn relocate(State(site): State<Site>, _: OwnClient, Json(asked): Json<Relocations>) -> Response {
    if asked.photos.len() > KEYS_MAX {
        return too_many();
    }
    let staged = relocate::advance(&site.flow, &asked.photos, site.clock.now()).await;
    let named = asked.photos.into_iter().flat_map(|photo| [photo.from, photo.to]).collect();
    answer(named, staged.map(|photos| Stages { photos }))
}

impl ApiClient {
    /// Takes one step with each photo that moves; how far each is then.
    pub async fn relocate(&self, photos: &[Relocation]) -> Result<Vec<Staged>> {
        let mut all = Vec::with_capacity(photos.len());
        for batch in photos.chunks(KEYS_MAX) {
            let stages: Stages = self.post("move", &Relocations { photos: batch.to_vec() }).await?;
            all.extend(stages.photos);
        }
        Ok(all)
    }
}
