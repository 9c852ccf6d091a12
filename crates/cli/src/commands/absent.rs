//! A vertical that nobody knows is said so, here and by a server, wherever a command finds nothing of it.

use cameo::{
    client::{Client, Server, wire::StatusRequest},
    model::key::{CD_IDX_MAX, Vertical},
};

#[cfg(feature = "embedded")]
use super::printer::Printer;
use super::{Context, json_lines, note};
#[cfg(feature = "embedded")]
use cameo::{
    ledger::Scope,
    model::token::Verticals,
    operate::absent::{self, Matched},
    server::deployment::Deployment,
};

/// Whether anything is known of a vertical here; where nothing is, that is reported as `status` reports it.
#[cfg(feature = "embedded")]
pub(super) async fn is_known_here(context: &Context, places: &Deployment, of: &Vertical) -> anyhow::Result<bool> {
    let (mut printer, scope) = (Printer::new(context), Scope::Vertical(of.clone()));
    let matched = absent::report(places.to_verify(), &Verticals::All, &scope, &mut printer).await?;
    printer.finish()?;
    Ok(matched != Matched::Nothing)
}

/// Whether a server knows anything of a vertical; where it does not, that is reported as `status` reports it.
///
/// It is asked how one entity is, so that the answer is short whatever the vertical holds; what becomes of the entity is of no interest.
pub(super) async fn is_known_at(context: &Context, server: &Server, of: &Vertical) -> anyhow::Result<bool> {
    let question = StatusRequest {
        vertical: Some(of.to_string()),
        ids: Some(vec![CD_IDX_MAX]),
        lang: context.lang,
        ..StatusRequest::default()
    };
    let mut answer = Client::new(server)?.frames("/api/v1/status", &question).await?;
    let mut notes = Vec::new();
    while let Some(frame) = answer.next_frame().await? {
        notes.extend(frame.note);
        let Some(json) = frame.json else { continue };
        let absent: serde_json::Value = serde_json::from_str(json.get())?;
        if absent.get("unmatched").is_some_and(|unmatched| !unmatched.is_null()) {
            for text in &notes {
                note(text);
            }
            if context.json {
                json_lines([json.get()])?;
            }
            return Ok(false);
        }
    }
    Ok(true)
}
