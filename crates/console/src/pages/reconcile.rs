//! What would be repaired, and doing it: the plan first, always.

use askama::Template;
use axum::response::Response;
use cameo::client::wire::ReconcileRequest;

use crate::{
    ask::{Ask, Sent},
    failure::{Answer, Failure},
    form::Form,
    layout::{Chrome, html},
    show::{self, Badge},
    words::Here,
};

/// Lines that are shown; `cameo reconcile` shows all.
const LINES_MAX: usize = 2000;

#[derive(Template)]
#[template(path = "reconcile.html")]
struct ReconcilePage {
    c: Chrome,
    vertical: String,
    plan: Option<Plan>,
}

/// What would be done, or was.
struct Plan {
    lines: Vec<String>,
    notes: Vec<String>,
    left_out: usize,
    applied: bool,
    badge: Badge,
}

/// The page before anything was looked at.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    let c = Chrome::of(&ask, Here::Reconcile).await?;
    Ok(html(&ReconcilePage { c, vertical: ask.query.text("vertical").to_owned(), plan: None }))
}

/// Looks, and does it where that was asked for.
pub(crate) async fn plan(ask: Ask, Form(form): Form) -> Answer<Response> {
    let apply = match form.get("act") {
        Some("plan") => false,
        Some("apply") => true,
        _ => return Err(Failure::Unreadable),
    };
    let vertical = form.get("vertical").map(str::to_owned);
    let lang = ask.lang;
    let asked = ReconcileRequest { vertical: vertical.clone(), apply, lang, ..ReconcileRequest::default() };
    let c = Chrome::of(&ask, Here::Reconcile).await?;
    let frames = ask.frames("/api/v1/reconcile", Sent::json(&asked).by(&form)).await?;
    let state = frames.last().and_then(|frame| frame.summary).and_then(|ended| serde_json::to_value(ended.state).ok());
    let state = state.as_ref().and_then(|state| state.as_str()).unwrap_or_default();
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    for frame in frames {
        lines.extend(frame.text.into_iter().flatten());
        notes.extend(frame.note);
    }
    let left_out = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    let plan = Plan { lines, notes, left_out, applied: apply, badge: show::state(state, lang) };
    Ok(html(&ReconcilePage { c, vertical: vertical.unwrap_or_default(), plan: Some(plan) }))
}
