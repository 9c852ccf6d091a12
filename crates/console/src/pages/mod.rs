//! The pages: a file a page, each with what it asks of the API and the template that shows it.

use axum::{
    Router,
    routing::{get, post},
};
use cameo::{client::wire::OIDC_CALLBACK_PAGE, serve::Api};

use crate::address::to_its_page;

mod activity;
mod attention;
mod delivery;
mod entities;
mod entity;
mod health;
mod home;
mod lookup;
mod oidc;
mod people;
mod reconcile;
mod search;
pub(crate) mod session;
mod tokens;
mod upload;
mod vertical;
mod webhooks;

/// The routes of the pages.
pub(crate) fn routes() -> Router<Api> {
    let reading = Router::new()
        .route("/", get(home::page))
        .route("/deliveries/{delivery}", get(delivery::page))
        .route("/deliveries/{delivery}/report.txt", get(delivery::report))
        .route("/deliveries/{delivery}/failed.csv", get(delivery::table))
        .route("/attention", get(attention::page))
        .route("/attention.csv", get(attention::table))
        .route("/entities", get(entities::page))
        .route("/verticals/{vertical}", get(vertical::page))
        .route("/verticals/{vertical}/{cd_idx}", get(entity::page))
        .route("/search", get(search::page))
        .route("/lookup", get(lookup::empty).post(lookup::page))
        .route("/upload", get(upload::page))
        .route("/activity", get(activity::page))
        .route("/health", get(health::page))
        .route("/reconcile", get(reconcile::page).post(reconcile::plan))
        .route("/people", get(people::page))
        .route("/webhooks", get(webhooks::page).post(webhooks::create))
        .route("/webhooks/{webhook}", get(webhooks::one).post(webhooks::act));
    reading.merge(changing()).merge(before_the_log_in())
}

/// What changes something: plain forms, which lead to a page again; and so does whoever opens their addresses.
fn changing() -> Router<Api> {
    Router::new()
        .route("/deliveries/{delivery}/act", post(delivery::act).get(to_its_page))
        .route("/attention/act", post(attention::act).get(to_its_page))
        .route("/attention/undo", post(attention::undo).get(to_its_page))
        .route("/verticals/{vertical}/{cd_idx}/verify", post(entity::verify).get(to_its_page))
        .route("/verticals/{vertical}/{cd_idx}/retry", post(entity::retry).get(to_its_page))
        .route("/verticals/{vertical}/{cd_idx}/unpublish", post(entity::unpublish).get(to_its_page))
        .route("/verticals/{vertical}/{cd_idx}/restore", post(entity::restore).get(to_its_page))
        .route("/lookup/retry", post(lookup::retry).get(to_its_page))
        .route("/lookup.csv", post(lookup::table).get(to_its_page))
        .route("/people/accounts", post(people::create).get(to_its_page))
        .route("/people/accounts/{account}", post(people::change).get(to_its_page))
        .route("/people/tokens", post(tokens::create).get(to_its_page))
        .route("/people/tokens/{token}/revoke", post(tokens::revoke).get(to_its_page))
        .route("/webhooks/{webhook}/replay", post(webhooks::replay).get(to_its_page))
        .route("/account", get(session::account))
        .route("/account/password", post(session::password).get(to_its_page))
        .route("/account/sessions/{session}/end", post(session::end_one).get(to_its_page))
}

fn before_the_log_in() -> Router<Api> {
    Router::new()
        .route("/login", get(session::log_in_page).post(session::log_in))
        .route("/login/oidc", get(oidc::begin))
        .route(OIDC_CALLBACK_PAGE, get(oidc::end))
        .route("/logout", post(session::log_out).get(to_its_page))
        .route("/welcome", get(session::welcome).post(session::use_link))
}
