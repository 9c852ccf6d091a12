//! `cameo status`: what waits, what is served, what was rejected and why.

use cameo::{
    catalog::LedgerPages,
    ledger::{Count, LedgerEntry, Scope, State},
    model::reason::ReasonCode,
    proof::verify::{self, UnexpectedFile},
    queue::Queue,
    server::{backends::Queues, deployment::Deployment},
};
use serde::Serialize;

use super::{
    Context,
    dead_letters::{LetterLine, letters},
    json_line, lines, note,
    places::PlacesArgs,
    scope::{Matched, ScopeArgs, say_absent},
};
use crate::exit::Exit;

/// Rejected originals and dead letters listed, at most, unless a scope is given.
const LISTED_MAX: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo status\n  cameo status --ids 351518,351519\n  cameo status --vertical ssgdfm_eye --json\n\n\
Exit code 7 where an id that was asked about is unknown, or everything of it is deleted; the same as that of `cameo verify`."
)]
pub(crate) struct Args {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
}

/// A line about a queue.
#[derive(Debug, Serialize)]
struct QueueLine {
    queue: String,
    visible: u64,
    in_flight: u64,
    dead: u64,
    oldest: Option<String>,
    dead_letters: Vec<String>,
    /// Why what is visible is not taken: `window.closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<ReasonCode>,
    /// When it will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    registers_at: Option<String>,
}

/// A line about a count, an original, a dead letter or a queue.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Count(Count),
    Original(LedgerEntry),
    DeadLetter(LetterLine),
    /// A file outside of `origin/` that was evidently meant to be an original.
    Unexpected(UnexpectedFile),
    Queue(QueueLine),
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let scope = args.scope.scope()?;
    let places = args.places.open(context).await?;
    if places.through_server && places.running.is_none() {
        note("no server is running on this data folder: nothing is accepted, rendered or served; start it");
    }
    let matched = say_absent(context, &places, &scope).await?;
    let mut found = match &scope {
        Scope::All => counts(&places).await?,
        _ => Vec::new(),
    };
    found.extend(originals(&places, &scope).await?);
    found.extend(unexpected(&places, &scope).await?);
    if let Some(queues @ Queues { events, registrations }) = &places.queues {
        found.extend(letters(queues, &scope).await?.into_iter().map(Line::DeadLetter));
        found.push(Line::Queue(queue_line(&**events).await?));
        found.push(Line::Queue(queue_line(&**registrations).await?.in_window(context)?));
    }
    for told in &found {
        if context.json { json_line(told)? } else { lines(told.text())? }
    }
    // As `verify` judges it: of every id that was asked about something must be there.
    Ok(if matched == Matched::Everything { exit_of(&found) } else { Exit::Different })
}

/// Photos outside of `origin/`, and of single entities their misnamed files, which the ledger knows by their keys alone.
async fn unexpected(places: &Deployment, scope: &Scope) -> anyhow::Result<Vec<Line>> {
    let bucket = &places.settings.upload_bucket;
    let outside = verify::misplaced(&*places.store, bucket, scope, verify::OUTSIDE_MAX).await?;
    let misnamed = verify::misnamed_with_ids(places.to_verify(), scope).await?;
    Ok(outside.into_iter().chain(misnamed).take(LISTED_MAX).map(Line::Unexpected).collect())
}

async fn counts(places: &Deployment) -> anyhow::Result<Vec<Line>> {
    Ok(places.catalog.counts().await?.into_iter().map(Line::Count).collect())
}

/// Everything of a narrow scope; of all, what was rejected.
async fn originals(places: &Deployment, scope: &Scope) -> anyhow::Result<Vec<Line>> {
    if *scope == Scope::All {
        return Ok(places.catalog.rejected(None, LISTED_MAX).await?.into_iter().map(Line::Original).collect());
    }
    let mut lines = Vec::new();
    let mut pages = LedgerPages::new(&*places.catalog, scope);
    while let Some(page) = pages.next().await? {
        lines.extend(page.into_iter().map(Line::Original));
    }
    Ok(lines)
}

async fn queue_line(queue: &dyn Queue) -> anyhow::Result<QueueLine> {
    let depth = queue.depth().await?;
    let letters = queue.dead_letters(LISTED_MAX).await?;
    Ok(QueueLine {
        queue: queue.name().to_owned(),
        visible: depth.visible,
        in_flight: depth.in_flight,
        dead: depth.dead,
        oldest: depth.oldest.map(|oldest| oldest.to_string()),
        dead_letters: letters.into_iter().map(|letter| format!("{}: {}", letter.error, letter.body)).collect(),
        waiting: None,
        registers_at: None,
    })
}

/// What is in flight comes before what is rejected: trying again may show more.
fn exit_of(lines: &[Line]) -> Exit {
    let in_flight = |line: &Line| matches!(line, Line::Queue(queue) if queue.visible + queue.in_flight > 0);
    let rejected = |line: &Line| match line {
        Line::Count(count) => count.state == "rejected",
        Line::Original(entry) => matches!(entry.state, State::Rejected { .. }),
        Line::DeadLetter(_) => true,
        Line::Unexpected(file) => matches!(file.state, Some(State::Rejected { .. })),
        Line::Queue(queue) => queue.dead > 0,
    };
    if lines.iter().any(in_flight) {
        Exit::Pending
    } else if lines.iter().any(rejected) {
        Exit::Rejected
    } else {
        Exit::Complete
    }
}

impl Line {
    /// Its lines of text.
    fn text(&self) -> Vec<String> {
        match self {
            Self::Count(Count { vertical, state, reason, originals }) => {
                let vertical = vertical.as_deref().unwrap_or("(no vertical)");
                let reason = reason.as_deref().map(|reason| format!(" {reason}")).unwrap_or_default();
                vec![format!("{vertical}: {originals} {state}{reason}")]
            }
            Self::Original(entry) => original_text(entry),
            Self::DeadLetter(letter) => letter.text(),
            Self::Unexpected(file) => file_text(file),
            Self::Queue(queue) => vec![queue.text()],
        }
    }
}

fn file_text(file: &UnexpectedFile) -> Vec<String> {
    match &file.state {
        Some(State::Rejected { reason, detail }) => {
            vec![format!("{}: rejected: {reason}: {detail}", file.key), format!("  {}", reason.action_english())]
        }
        Some(state) => vec![format!("{}: {}", file.key, state.as_str())],
        None => vec![format!("{}: pending", file.key)],
    }
}

fn original_text(entry: &LedgerEntry) -> Vec<String> {
    match &entry.state {
        State::Rejected { reason, detail } => {
            let beside = if entry.serving.is_some() { " (the last good original is being served)" } else { "" };
            let head = format!("{}: rejected: {reason}: {detail}{beside}", entry.key);
            vec![head, format!("  {}", reason.action_english())]
        }
        state => vec![format!("{}: {}", entry.key, state.as_str())],
    }
}

impl QueueLine {
    /// With the reason for waiting, while the window is closed.
    fn in_window(mut self, context: &Context) -> anyhow::Result<Self> {
        let window = context.config.register.window()?;
        self.registers_at = window.and_then(|window| window.closed_until(context.clock.now()));
        self.waiting = self.registers_at.is_some().then_some(ReasonCode::WindowClosed);
        Ok(self)
    }

    fn text(&self) -> String {
        let head = format!(
            "queue {}: {} waiting, {} in flight, {} dead letters",
            self.queue, self.visible, self.in_flight, self.dead
        );
        let oldest = self.oldest.as_ref().map(|oldest| format!(", oldest from {oldest}")).unwrap_or_default();
        let waits = self.registers_at.as_ref().map(|at| format!("; registers at {at} (window.closed)"));
        head + &oldest + &waits.unwrap_or_default()
    }
}
