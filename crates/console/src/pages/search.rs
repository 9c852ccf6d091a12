//! One box that finds entities, photos, files, deliveries and verticals.

use askama::Template;
use axum::response::Response;
use cameo::client::wire::{SearchHit, SearchKind, SearchResults};

use super::attention::entity_path;
use crate::{
    address::part,
    ask::Ask,
    failure::Answer,
    layout::{Chrome, html},
    show::{self, Badge},
    words::Here,
};

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    c: Chrome,
    q: String,
    results: SearchResults,
}

/// The page.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    let q = ask.query.text("q").trim().to_owned();
    let vertical =
        ask.query.get("vertical").map(|vertical| format!("&vertical={}", part(vertical))).unwrap_or_default();
    let path = format!("/api/v1/search?q={}{vertical}", part(&q));
    let search = async {
        if q.is_empty() {
            return Ok(SearchResults { query: String::new(), items: Vec::new(), truncated: false });
        }
        ask.get::<SearchResults>(&path).await
    };
    let (c, results) = futures::try_join!(Chrome::of(&ask, Here::Nowhere), search)?;
    Ok(html(&SearchPage { c, q: q.clone(), results }))
}

impl SearchPage {
    fn kind(&self, hit: &SearchHit) -> &'static str {
        let lang = self.c.lang;
        match hit.kind {
            SearchKind::Entity => lang.pick("entity", "엔티티"),
            SearchKind::Photo => lang.pick("photo", "사진"),
            SearchKind::File => lang.pick("file", "파일"),
            SearchKind::Delivery => lang.pick("delivery", "전달"),
            SearchKind::Vertical => lang.pick("vertical", "버티컬"),
        }
    }

    fn path(&self, hit: &SearchHit) -> Option<String> {
        match hit.kind {
            SearchKind::Delivery => Some(format!("/deliveries/{}", part(hit.delivery.as_deref()?))),
            SearchKind::Vertical => Some(format!("/verticals/{}", part(hit.vertical.as_deref()?))),
            SearchKind::File => Some(format!("/attention?q={}", part(&hit.title))),
            SearchKind::Entity | SearchKind::Photo => entity_path(hit.vertical.as_deref(), hit.cd_idx),
        }
    }

    fn badge(&self, state: &str) -> Badge {
        show::state(state, self.c.lang)
    }
}
