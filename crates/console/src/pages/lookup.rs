//! Any mess of ids, pasted: which are complete, which are not and why, which nobody knows.

use askama::Template;
use axum::{http::Method, response::Response};
use cameo::client::wire::{LookedUp, LookupAnswer, LookupRequest, LookupState, RetryRequest};

use super::attention::entity_path;
use crate::{
    ask::{Ask, Sent},
    failure::{Answer, Failure},
    form::{Fields, Form},
    layout::{Chrome, html},
    notice::Done,
    show::{self, Badge, thousands},
    words::Here,
};

/// Rows that are shown; all of them are in the table.
const SHOWN: usize = 1000;

#[derive(Template)]
#[template(path = "lookup.html")]
struct LookupPage {
    c: Chrome,
    text: String,
    vertical: String,
    answer: Option<LookupAnswer>,
    /// Those that are not complete first.
    items: Vec<LookedUp>,
    left_out: usize,
    failed: String,
    retried: bool,
}

/// The page before anything was pasted.
pub(crate) async fn empty(ask: Ask) -> Answer<Response> {
    let c = Chrome::of(&ask, Here::Lookup).await?;
    let (text, vertical) = (String::new(), ask.query.text("vertical").to_owned());
    let retried = ask.done() == Some(Done::EntityRetried);
    let (items, failed) = (Vec::new(), String::new());
    Ok(html(&LookupPage { c, text, vertical, answer: None, items, left_out: 0, failed, retried }))
}

fn asked(form: &Fields) -> LookupRequest {
    LookupRequest { text: form.text("text").to_owned(), vertical: form.get("vertical").map(str::to_owned) }
}

/// The page with what was found.
pub(crate) async fn page(ask: Ask, Form(form): Form) -> Answer<Response> {
    let asked = asked(&form);
    let sent = Sent::json(&asked).by(&form);
    let (c, mut answer) = futures::try_join!(
        Chrome::of(&ask, Here::Lookup),
        ask.send::<LookupAnswer>(Method::POST, "/api/v1/lookup", sent),
    )?;
    let mut items = std::mem::take(&mut answer.items);
    items.sort_by_key(|item| (rank(item.state), item.cd_idx));
    let failed = items.iter().filter(|item| item.state != LookupState::Complete);
    let failed = failed.map(|item| item.cd_idx.to_string()).collect::<Vec<_>>().join("\n");
    let left_out = items.len().saturating_sub(SHOWN);
    items.truncate(SHOWN);
    let (text, vertical) = (asked.text, asked.vertical.unwrap_or_default());
    Ok(html(&LookupPage { c, text, vertical, answer: Some(answer), items, left_out, failed, retried: false }))
}

/// What needs a look comes first.
fn rank(state: LookupState) -> u8 {
    match state {
        LookupState::Incomplete => 0,
        LookupState::Unknown => 1,
        LookupState::Pending => 2,
        LookupState::Complete => 3,
    }
}

/// The same as a table for spreadsheets.
pub(crate) async fn table(ask: Ask, Form(form): Form) -> Answer<Response> {
    let sent = Sent::json(&asked(&form)).by(&form);
    ask.response(Method::POST, &format!("/api/v1/lookup.csv?lang={}", ask.lang.code()), sent).await
}

/// Sends those that are not complete through the flow again.
pub(crate) async fn retry(ask: Ask, Form(form): Form) -> Answer<Response> {
    let ids: Option<Vec<u64>> = form.text("ids").split_whitespace().map(|id| id.parse().ok()).collect();
    // None at all must not come to mean every one.
    let ids = ids.filter(|ids| !ids.is_empty()).ok_or(Failure::Unreadable)?;
    let vertical = form.get("vertical").map(str::to_owned);
    let asked = RetryRequest { ids: Some(ids), vertical, ..RetryRequest::default() };
    ask.frames("/api/v1/retry", Sent::json(&asked).by(&form)).await?;
    Ok(ask.lead("/lookup", Done::EntityRetried))
}

impl LookupPage {
    fn n(&self, n: &u64) -> String {
        thousands(*n)
    }

    fn count(&self, n: &usize) -> String {
        thousands(*n as u64)
    }

    fn badge(&self, state: &LookupState) -> Badge {
        let code = match state {
            LookupState::Complete => "complete",
            LookupState::Incomplete => "incomplete",
            LookupState::Pending => "pending",
            LookupState::Unknown => "unknown",
        };
        show::state(code, self.c.lang)
    }

    fn path(&self, item: &LookedUp) -> Option<String> {
        entity_path(item.vertical.as_deref(), Some(item.cd_idx))
    }
}
