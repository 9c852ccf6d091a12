//! The verticals, each a way to its entities.

use askama::Template;
use axum::response::Response;
use cameo::client::wire::{Page, VerticalView};

use crate::{
    address::part,
    ask::Ask,
    failure::Answer,
    layout::{Chrome, html},
    show::thousands,
    words::Here,
};

/// Verticals on a page.
const VERTICALS: usize = 200;

#[derive(Template)]
#[template(path = "entities.html")]
struct Entities {
    c: Chrome,
    verticals: Vec<VerticalView>,
    next: Option<String>,
}

/// The page.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    let after = ask.query.get("after").map(|after| format!("&after={}", part(after))).unwrap_or_default();
    let path = format!("/api/v1/verticals?limit={VERTICALS}{after}");
    let (c, verticals) = futures::try_join!(Chrome::of(&ask, Here::Entities), ask.get::<Page<VerticalView>>(&path))?;
    Ok(html(&Entities { c, verticals: verticals.items, next: verticals.next }))
}

impl Entities {
    fn n(&self, n: &u64) -> String {
        thousands(*n)
    }
}
