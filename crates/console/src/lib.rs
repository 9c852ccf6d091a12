//! The console: pages for operators, made from what the API of the same process answers.
//!
//! ```text
//! browser → page (`pages`) → what to ask (`ask`) → the API behind its door → types of the wire → template (`layout`) → browser
//! ```
//!
//! A page decides nothing: the API is asked as the browser would ask it, with its cookie and from its address, so that who may do what is
//! said in one place. What it refuses becomes a styled page (`failure_page`). Everything can be read without a script; forms are plain ones
//! (`form`), and the one script (`static/console.js`) only makes them quicker.

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "templates call methods of what they show, and hand arguments over by reference"
)]

use axum::{Router, middleware};
use cameo::serve::Api;
use tower::limit::GlobalConcurrencyLimitLayer;

mod address;
mod ask;
mod assets;
mod cookie;
mod detail;
mod dress;
mod failure;
mod failure_page;
mod form;
mod layout;
mod notice;
mod pages;
mod preferences;
mod show;
mod words;

/// Pages that are made side by side; more wait.
const PAGES_MAX: usize = 16;

/// The routes of the console.
pub fn routes(api: Api) -> Router {
    pages::routes()
        .layer(GlobalConcurrencyLimitLayer::new(PAGES_MAX))
        .merge(assets::routes())
        .fallback(failure::no_such_page)
        .layer(middleware::from_fn(dress::dress))
        .with_state(api)
}
