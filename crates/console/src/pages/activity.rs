//! Who did what, newest first.

use askama::Template;
use axum::response::Response;
use cameo::client::wire::{Activity, ActivityLine, ActivitySource};

use super::{attention::entity_path, entity::change};
use crate::{
    address::{and, part},
    ask::Ask,
    detail,
    failure::Answer,
    layout::{Chrome, html},
    show::Time,
    words::Here,
};

/// Lines of a page.
const LINES: usize = 100;
/// Filters of the list.
const FILTERS: [&str; 4] = ["vertical", "entity", "actor", "after"];

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    c: Chrome,
    lines: Vec<ActivityLine>,
    next: Option<String>,
    vertical: String,
    entity: String,
    actor: String,
}

/// The page.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    let filters = and(FILTERS.into_iter().filter_map(|name| Some((name, ask.query.get(name)?))));
    let path = format!("/api/v1/activity?limit={LINES}{filters}");
    let (c, found) = futures::try_join!(Chrome::of(&ask, Here::Activity), ask.get::<Activity>(&path))?;
    let next = found.next.map(|next| {
        let kept = ask.query.query_without(&["after", "lang", "theme"]);
        format!("?{kept}{}after={}", if kept.is_empty() { "" } else { "&" }, part(&next))
    });
    let text = |name: &str| ask.query.text(name).to_owned();
    let (vertical, entity, actor) = (text("vertical"), text("entity"), text("actor"));
    Ok(html(&ActivityPage { c, lines: found.items, next, vertical, entity, actor }))
}

impl ActivityPage {
    fn time(&self, at: &jiff::Timestamp) -> Time {
        Time(*at)
    }

    /// What was done; of the audit trail as it is written there.
    fn what<'l>(&self, line: &'l ActivityLine) -> &'l str {
        match line.source {
            ActivitySource::History => change(line.act.as_deref().unwrap_or(&line.what), self.c.lang),
            ActivitySource::Audit => &line.what,
        }
    }

    /// What was found or noted, in the language of the page.
    fn found(&self, line: &ActivityLine) -> Option<String> {
        let detail = line.detail.as_deref()?;
        Some(detail::found(line.code.as_deref(), detail, self.c.lang))
    }

    fn path(&self, line: &ActivityLine) -> Option<String> {
        entity_path(line.vertical.as_deref(), line.cd_idx)
    }

    fn is_refused(&self, line: &ActivityLine) -> bool {
        line.status.is_some_and(|status| status >= 400)
    }
}
