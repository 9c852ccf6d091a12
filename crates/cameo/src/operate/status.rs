//! What waits, what is served, what was rejected and why; and of a delivery how far it came.

use serde::Serialize;

use super::{
    Output, Subject, System,
    absent::{self, Matched},
    delivery, delivery_status,
    letters::{self, LetterLine},
};
use crate::{
    catalog::LedgerPages,
    ledger::{Count, LedgerEntry, Scope, State},
    model::{error::Result, reason::ReasonCode},
    proof::verify::{self, EntityState, UnexpectedFile},
    queue::Queue,
};

/// Rejected originals and dead letters listed, at most, unless a scope is given.
const LISTED_MAX: usize = 1000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Status {
    /// Of what.
    pub subject: Subject,
    /// Whether registered files of a delivery are listed too.
    pub all: bool,
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

/// Writes lines, and remembers how things are.
struct Writer<'w, O> {
    output: &'w mut O,
    in_flight: bool,
    rejected: bool,
}

impl<O: Output> Writer<'_, O> {
    fn write(&mut self, line: &Line) {
        self.in_flight |= line.is_in_flight();
        self.rejected |= line.is_rejected();
        self.output.item(Some(line), || line.text());
    }

    async fn all(&mut self, lines: impl IntoIterator<Item = Line> + Send) {
        lines.into_iter().for_each(|line| self.write(&line));
        self.output.ready().await;
    }

    /// What is in flight comes before what is rejected: trying again may show more.
    fn state(&self) -> EntityState {
        if self.in_flight {
            EntityState::Pending
        } else if self.rejected {
            EntityState::Rejected
        } else {
            EntityState::Complete
        }
    }
}

/// Shows how things are.
pub async fn run(system: &System<'_>, asked: &Status, output: &mut impl Output) -> Result<EntityState> {
    match &asked.subject {
        Subject::Scope(scope) => of_scope(system, scope, output).await,
        Subject::Delivery(name) => match delivery::find(system, name, output).await? {
            Some(delivery) => delivery_status::run(system, &delivery, asked.all, output).await,
            None => Ok(EntityState::Different),
        },
    }
}

async fn of_scope(system: &System<'_>, scope: &Scope, output: &mut impl Output) -> Result<EntityState> {
    let matched = absent::report(system.places, system.verticals, scope, output).await?;
    let mut writer = Writer { output, in_flight: false, rejected: false };
    if *scope == Scope::All {
        writer.all(system.places.catalog.counts().await?.into_iter().map(Line::Count)).await;
    }
    originals(system, scope, &mut writer).await?;
    let unexpected = unexpected(system, scope).await?;
    writer.all(unexpected.into_iter().map(Line::Unexpected)).await;
    if let Some(queues) = system.places.queues {
        writer.all(letters::of_scope(system, scope).await?.into_iter().map(Line::DeadLetter)).await;
        let events = queue_line(system, queues.events).await?;
        let registrations = queue_line(system, queues.registrations).await?.in_window(system);
        writer.all([events, registrations].map(Line::Queue)).await;
    }
    // As `verify` judges it: of every id that was asked about something must be there.
    Ok(if matched == Matched::Everything { writer.state() } else { EntityState::Different })
}

/// Photos outside of `origin/`, and of single entities their misnamed files, which the ledger knows by their keys alone.
async fn unexpected(system: &System<'_>, scope: &Scope) -> Result<Vec<UnexpectedFile>> {
    let places = system.places;
    let bucket = &places.settings.upload_bucket;
    let outside = verify::misplaced(places.store, bucket, scope, verify::OUTSIDE_MAX).await?;
    let misnamed = verify::misnamed_with_ids(places, scope).await?;
    Ok(outside.into_iter().chain(misnamed).take(LISTED_MAX).collect())
}

/// Everything of a narrow scope; of all, what was rejected.
async fn originals(system: &System<'_>, scope: &Scope, writer: &mut Writer<'_, impl Output>) -> Result<()> {
    let catalog = system.places.catalog;
    if *scope == Scope::All {
        writer.all(catalog.rejected(None, LISTED_MAX).await?.into_iter().map(Line::Original)).await;
        return Ok(());
    }
    let mut pages = LedgerPages::new(catalog, scope);
    while let Some(page) = pages.next().await? {
        writer.all(page.into_iter().map(Line::Original)).await;
    }
    Ok(())
}

async fn queue_line(system: &System<'_>, queue: &dyn Queue) -> Result<QueueLine> {
    let depth = queue.depth().await?;
    let mut letters = queue.dead_letters(LISTED_MAX).await?;
    letters.retain(|letter| letters::is_own(system.verticals, &letter.keys));
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

impl Line {
    fn is_in_flight(&self) -> bool {
        matches!(self, Self::Queue(queue) if queue.visible + queue.in_flight > 0)
    }

    fn is_rejected(&self) -> bool {
        match self {
            Self::Count(count) => count.state == "rejected",
            Self::Original(entry) => matches!(entry.state, State::Rejected { .. }),
            Self::DeadLetter(_) => true,
            Self::Unexpected(file) => matches!(file.state, Some(State::Rejected { .. })),
            Self::Queue(queue) => queue.dead > 0,
        }
    }

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
    fn in_window(mut self, system: &System<'_>) -> Self {
        self.registers_at = system.window.and_then(|window| window.closed_until(system.places.clock.now()));
        self.waiting = self.registers_at.is_some().then_some(ReasonCode::WindowClosed);
        self
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
