//! Handing a folder over in the browser: the page alone, since its script talks to the API itself (`static/upload.js`).

use askama::Template;
use axum::response::Response;
use cameo::client::wire::{Page, VerticalView};

use crate::{
    ask::Ask,
    failure::Answer,
    layout::{Chrome, html},
    words::Here,
};

#[derive(Template)]
#[template(path = "upload.html")]
struct UploadPage {
    c: Chrome,
    vertical: String,
    verticals: Vec<VerticalView>,
}

/// The page.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    let verticals = "/api/v1/verticals?limit=1000";
    let (c, verticals) = futures::try_join!(Chrome::of(&ask, Here::Upload), ask.get::<Page<VerticalView>>(verticals))?;
    Ok(html(&UploadPage { c, vertical: ask.query.text("vertical").to_owned(), verticals: verticals.items }))
}
