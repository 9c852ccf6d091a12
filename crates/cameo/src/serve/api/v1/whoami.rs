//! Who asks: what a client needs to know of its own token.

use axum::Json;

use super::{super::rights::Viewer, problems::Problems};
use crate::client::wire::Whoami;

/// Who a request is from, and what it may ask for.
#[utoipa::path(
    get,
    path = "/api/v1/whoami",
    operation_id = "whoami",
    tag = "server",
    responses((status = 200, description = "The caller.", body = Whoami), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn whoami(Viewer(caller): Viewer) -> Json<Whoami> {
    Json(Whoami {
        id: caller.token.as_ref().map(|token| token.id.clone()),
        expires: caller.expires(),
        name: caller.name,
        role: caller.role,
        verticals: caller.verticals,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
