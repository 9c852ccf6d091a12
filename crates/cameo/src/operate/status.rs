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
    model::{
        error::Result,
        key::{Misplaced, UploadKey, Vertical},
        lang::Lang,
        plain,
        reason::ReasonCode,
        token::Verticals,
    },
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
        let lang = self.output.lang();
        self.output.item(Some(line), || line.text(lang));
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
        let mut counts = system.places.catalog.counts().await?;
        counts.retain(|count| {
            let vertical: Option<Vertical> = count.vertical.as_deref().and_then(|name| name.parse().ok());
            system.verticals.include_of(vertical.as_ref())
        });
        writer.all(counts.into_iter().map(Line::Count)).await;
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
    let is_own = |file: &UnexpectedFile| {
        let vertical = Misplaced::parse(&file.key).map_or_else(|| UploadKey::vertical(&file.key), |file| file.vertical);
        system.verticals.include_of(vertical.as_ref())
    };
    Ok(outside.into_iter().chain(misnamed).filter(is_own).take(LISTED_MAX).collect())
}

/// Everything of a narrow scope; of all that whoever asks may see, what was rejected.
async fn originals(system: &System<'_>, scope: &Scope, writer: &mut Writer<'_, impl Output>) -> Result<()> {
    let catalog = system.places.catalog;
    if *scope == Scope::All {
        let rejected = match system.verticals {
            Verticals::All => catalog.rejected(None, LISTED_MAX).await?,
            Verticals::Only(own) => {
                let mut rejected = Vec::new();
                for vertical in own {
                    let left = LISTED_MAX - rejected.len();
                    rejected.extend(catalog.rejected(Some(vertical), left).await?);
                }
                rejected
            }
        };
        writer.all(rejected.into_iter().map(Line::Original)).await;
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
    // Those of others are no fault of what whoever asks may see.
    let dead = if *system.verticals == Verticals::All { depth.dead } else { letters.len() as u64 };
    Ok(QueueLine {
        queue: queue.name().to_owned(),
        visible: depth.visible,
        in_flight: depth.in_flight,
        dead,
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
    fn text(&self, lang: Lang) -> Vec<String> {
        match self {
            Self::Count(count) => vec![count_text(count, lang)],
            Self::Original(entry) => original_text(entry, lang),
            Self::DeadLetter(letter) => letter.text(lang),
            Self::Unexpected(file) => file_text(file, lang),
            Self::Queue(queue) => vec![queue.text(lang)],
        }
    }
}

fn count_text(count: &Count, lang: Lang) -> String {
    let Count { vertical, state, reason, originals } = count;
    let vertical = vertical.as_deref().unwrap_or(lang.pick("(no vertical)", "(버티컬 없음)"));
    let reason = reason.as_deref().map(|reason| format!(" {reason}")).unwrap_or_default();
    match lang {
        Lang::En => format!("{vertical}: {originals} {state}{reason}"),
        Lang::Ko => format!("{vertical}: {} {originals}개{reason}", korean_of(state)),
    }
}

/// The Korean for a state as it is stored; a newer version may have stored others.
fn korean_of(state: &str) -> &str {
    let rejected = State::Rejected { reason: ReasonCode::SystemUnknownReason, detail: String::new() };
    let known = [State::Serving, rejected, State::Ignored, State::Removed];
    known.iter().find(|known| known.as_str() == state).map_or(state, |known| known.korean())
}

fn state_text(key: &str, state: &State, beside: &str, lang: Lang) -> Vec<String> {
    match state {
        State::Rejected { reason, detail } => {
            let found = plain::found_in(*reason, detail, lang);
            let head = format!("{key}: {}: {reason}: {found}{beside}", lang.pick("rejected", state.korean()));
            vec![head, format!("  {}", reason.action(lang))]
        }
        state => vec![format!("{key}: {}", lang.pick(state.as_str(), state.korean()))],
    }
}

fn file_text(file: &UnexpectedFile, lang: Lang) -> Vec<String> {
    match &file.state {
        Some(state) => state_text(&file.key, state, "", lang),
        None => vec![format!("{}: {}", file.key, EntityState::Pending.name(lang))],
    }
}

fn original_text(entry: &LedgerEntry, lang: Lang) -> Vec<String> {
    let beside = plain::serves_older();
    let beside = if entry.serving.is_some() { beside.of(lang) } else { "" };
    state_text(&entry.key, &entry.state, beside, lang)
}

impl QueueLine {
    /// With the reason for waiting, while the window is closed.
    fn in_window(mut self, system: &System<'_>) -> Self {
        self.registers_at = system.window.and_then(|window| window.closed_until(system.places.clock.now()));
        self.waiting = self.registers_at.is_some().then_some(ReasonCode::WindowClosed);
        self
    }

    fn text(&self, lang: Lang) -> String {
        let Self { queue, visible, in_flight, dead, oldest, registers_at, .. } = self;
        match lang {
            Lang::En => {
                let head = format!("queue {queue}: {visible} waiting, {in_flight} in flight, {dead} dead letters");
                let oldest = oldest.as_ref().map(|oldest| format!(", oldest from {oldest}")).unwrap_or_default();
                let waits = registers_at.as_ref().map(|at| format!("; registers at {at} (window.closed)"));
                head + &oldest + &waits.unwrap_or_default()
            }
            Lang::Ko => {
                let head = format!("큐 {queue}: 대기 {visible}개, 처리 중 {in_flight}개, 데드레터 {dead}개");
                let oldest = oldest.as_ref().map(|oldest| format!(", 가장 오래된 것 {oldest}")).unwrap_or_default();
                let waits = registers_at.as_ref().map(|at| format!("; 등록 시작 {at} (window.closed)"));
                head + &oldest + &waits.unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_in_the_language_that_was_asked_for() {
        let state = State::Rejected { reason: ReasonCode::FileTruncated, detail: "no more scans".into() };
        let file = UnexpectedFile { key: "origin/v/1.jpg".into(), state: Some(state), korean: None };
        let text = |lang| file_text(&file, lang);
        let plain =
            "origin/v/1.jpg: rejected: file.truncated: the file breaks off: the lower part of the picture is missing";
        assert_eq!(text(Lang::En)[0], plain);
        assert!(text(Lang::Ko)[0].starts_with("origin/v/1.jpg: 거부: file.truncated: 파일이 중간에"));
        let count = |state: &str| Count { vertical: None, state: state.into(), reason: None, originals: 3 };
        assert_eq!(count_text(&count("serving"), Lang::En), "(no vertical): 3 serving");
        assert_eq!(count_text(&count("serving"), Lang::Ko), "(버티컬 없음): 게시 3개");
        assert_eq!(count_text(&count("removed"), Lang::Ko), "(버티컬 없음): 삭제 3개");
        assert_eq!(count_text(&count("haunted"), Lang::Ko), "(버티컬 없음): haunted 3개");
    }
}
