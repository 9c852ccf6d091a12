//! `cameo verify`: the proof, entity by entity, in four places.

use std::path::PathBuf;

use cameo::{
    catalog::{Scope, State},
    error::{Error, Kind, Place},
    flow::verify::{self, EntityReport, EntityState, Question, Stray, Summary},
};
use serde::Serialize;

use super::{Context, json_line, line, places::PlacesArgs, scope::ScopeArgs};
use crate::{delivery::Delivery, exit::Exit};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo verify --vertical ssgdfm_eye\n  cameo verify ./photos --vertical ssgdfm_eye\n  \
cameo verify --ids 351518,351519\n  cameo verify --ids-from handed-over.txt --json\n  cameo verify --endpoint-url https://s3.example --images-url https://image.example --catalog mysql://app:secret@db/celeb\n\nOnly what is not complete is listed, \
unless --all is given. Images are fetched as the public gets them, so that of a data folder the server must be running."
)]
pub(crate) struct Args {
    /// Folder that was handed over: exactly its photos must be there
    #[arg(value_name = "FOLDER", requires = "vertical", conflicts_with_all = ["ids", "ids_from"])]
    folder: Option<PathBuf>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// List complete entities too (always so with --json)
    #[arg(long)]
    all: bool,
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
struct Last<'s> {
    summary: &'s Summary,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let scope = args.scope.scope()?;
    let places = args.places.open(context).await?;
    let question = question(&args, scope)?;
    let mut printed = Ok(());
    let tell = |report: &EntityReport| {
        if let (Ok(()), Some(text)) = (&printed, told(context, args.all, report)) {
            printed = line(&text);
        }
    };
    let summary = verify::verify(places.to_verify(), &question, tell).await?;
    printed?;
    if context.json {
        json_line(&Last { summary: &summary })?;
    } else {
        line(&text_of(&summary))?;
    }
    Ok(summary.state().into())
}

fn question(args: &Args, scope: Scope) -> anyhow::Result<Question> {
    let (Some(folder), Some(vertical)) = (&args.folder, &args.scope.vertical) else {
        return Ok(Question { scope, delivery: None });
    };
    let delivery = Delivery::of_folder(folder, vertical)?;
    if delivery.originals.is_empty() {
        let doing = format!("find originals in {}: name them {{cd_idx}}_{{sequence}}.jpg", folder.display());
        return Err(Error::new(Place::System, Kind::Misconfigured, doing).into());
    }
    Ok(Question { scope, delivery: Some(delivery.to_verify()?) })
}

fn told(context: &Context, all: bool, report: &EntityReport) -> Option<String> {
    if context.json {
        return serde_json::to_string(report).ok();
    }
    let wanted = all || report.state != EntityState::Complete;
    wanted.then(|| entity_text(report))
}

pub(crate) fn entity_text(report: &EntityReport) -> String {
    let head = format!("{}/{}: {}", report.vertical, report.cd_idx, state_name(report.state));
    let findings = report.findings.iter().map(|finding| format!("\n  {finding}"));
    findings.fold(head, |text, finding| text + &finding)
}

fn state_name(state: EntityState) -> &'static str {
    match state {
        EntityState::Complete => "complete",
        EntityState::Rejected => "rejected",
        EntityState::Pending => "pending",
        EntityState::Different => "different",
    }
}

fn text_of(summary: &Summary) -> String {
    let mut text = String::new();
    for id in &summary.unknown_ids {
        text += &format!("{id}: no place knows it\n");
    }
    for Stray { key, state } in &summary.strays {
        text += &match state {
            Some(State::Rejected { reason, detail }) => {
                format!("{key}: rejected: {reason}: {detail}\n")
            }
            _ => format!("{key}: on its way\n"),
        };
    }
    text + &format!(
        "{} entities, {} photos, {} rows: {} complete, {} pending, {} with rejected originals, {} different; \
         {} other files rejected or waiting, {} ignored",
        summary.entities,
        summary.photos,
        summary.rows,
        summary.complete,
        summary.pending,
        summary.rejected,
        summary.different,
        summary.strays.len(),
        summary.ignored
    )
}
