//! Restoring from quarantine and dismissing rejected files, as commands ask a running server for it; both ends of each request.
//!
//! What is asked for was listed by a command that reads, and may be stale: `proof::restore` and `proof::dismiss` look again.

use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};

use super::{
    changes::{KEYS_MAX, OwnClient, answer, too_many},
    client::ApiClient,
};
use crate::{
    model::error::Result,
    proof::{
        dismiss,
        repair::Acted,
        restore::{self, Restore},
    },
    serve::site::Site,
};

/// Things to bring back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Restores {
    restores: Vec<Restore>,
}

/// Rejected files that are settled.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dismissals {
    keys: Vec<String>,
    #[serde(default)]
    note: Option<String>,
}

/// Brings back what is in quarantine.
pub(super) async fn restore(State(site): State<Site>, _: OwnClient, Json(asked): Json<Restores>) -> Response {
    if asked.restores.len() > KEYS_MAX {
        return too_many();
    }
    let restored = restore::restore(&site.flow, &asked.restores).await;
    answer(asked.restores.into_iter().map(|restore| restore.id).collect(), restored)
}

/// Moves rejected files to quarantine.
pub(super) async fn dismiss(State(site): State<Site>, _: OwnClient, Json(asked): Json<Dismissals>) -> Response {
    if asked.keys.len() > KEYS_MAX {
        return too_many();
    }
    let dismissed = dismiss::dismiss(&site.flow, &asked.keys, asked.note.as_deref(), site.clock.now()).await;
    answer(asked.keys, dismissed)
}

impl ApiClient {
    /// Brings back what is in quarantine.
    pub async fn restore(&self, restores: &[Restore]) -> Result<Acted> {
        let mut all = Acted::default();
        for batch in restores.chunks(KEYS_MAX) {
            all.add(self.post("restore", &Restores { restores: batch.to_vec() }).await?);
        }
        Ok(all)
    }

    /// Moves rejected files to quarantine.
    pub async fn dismiss(&self, keys: &[String], note: Option<&str>) -> Result<Acted> {
        let mut all = Acted::default();
        for batch in keys.chunks(KEYS_MAX) {
            let asked = Dismissals { keys: batch.to_vec(), note: note.map(str::to_owned) };
            all.add(self.post("dismiss", &asked).await?);
        }
        Ok(all)
    }
}
