//! The proof, entity by entity, of a scope, of a folder that was handed over, or of a delivery.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    NO_JSON, Output, Subject, System, absent, delivery, delivery_status,
    verify_text::{text_of, unowned_text},
};
use crate::{
    ledger::Scope,
    model::{
        error::{Error, Kind, Place, Result},
        key::{PhotoId, Vertical},
        lang::Lang,
    },
    proof::{
        deliveries::{
            Record, Standing,
            standing::Promised,
            state::{Item, ItemState},
            verdict,
        },
        verify::{
            self, Delivery, EntityReport, EntityState, Listen, Look, Progress, Question, Sample, Summary, Unowned,
        },
    },
};

pub use super::verify_text::entity_text;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Verify {
    /// Of what.
    pub about: About,
    /// Whether complete entities are listed too.
    pub all: bool,
    /// Read and hash every original, rendition and alias.
    pub deep: bool,
    /// Which served images are fetched; all of them where nothing is said.
    pub sample: Option<Sample>,
    /// Read every original of a delivery, and compare its SHA-256 with the recorded one.
    pub hashes: bool,
}

/// What is verified.
#[derive(Debug, Clone)]
pub enum About {
    /// Entities, or a delivery.
    Subject(Subject),
    /// Files that were handed over for a vertical.
    Files(Vertical, Delivery),
}

/// The last object.
#[derive(Debug, Serialize)]
struct Last<'s> {
    summary: &'s Summary,
}

/// Passes on what is found.
struct Reporter<'r, O> {
    all: bool,
    output: &'r mut O,
}

impl<O: Output> Listen for Reporter<'_, O> {
    fn entity(&mut self, report: &EntityReport) {
        if self.all || (report.state != EntityState::Complete && !report.is_said_in_summary()) {
            let lang = self.output.lang();
            self.output.item(Some(report), || entity_text(report, lang));
        }
    }

    fn unowned(&mut self, unowned: &Unowned) {
        // For scripts the summary lists them.
        let lang = self.output.lang();
        let text = || vec![unowned_text(unowned, lang)];
        self.output.item(NO_JSON, text);
    }

    fn progress(&mut self, progress: Progress) {
        self.output.progress(progress);
    }

    async fn ready(&mut self) {
        self.output.ready().await;
    }
}

/// Verifies what is asked about.
pub async fn run(system: &System<'_>, asked: Verify, output: &mut impl Output) -> Result<EntityState> {
    let Some(Found { scope, delivery, promised, listed, state }) = asked_about(system, asked.about, output).await?
    else {
        return Ok(EntityState::Different);
    };
    if asked.hashes {
        require_hashes(delivery.as_ref())?;
    }
    // Before anything else is shown: a list that ends with it would look like an answer.
    if let Err(error) = system.places.served.probe().await {
        if !system.places.served.has_base() {
            return Err(error);
        }
        output.note(&match output.lang() {
            Lang::En => format!("{error}; everything else is verified"),
            Lang::Ko => format!("이미지 주소에 연결할 수 없어 나머지만 확인합니다: {error}"),
        });
    }
    let look = if asked.deep { Look::Deep } else { Look::Everything };
    let question = Question { scope, delivery, look, sample: asked.sample, hashes: asked.hashes };
    let mut reporter = Reporter { all: asked.all, output };
    let mut summary = verify::verify(system.places, &question, &mut reporter).await?;
    absent::show_own(system.verticals, &mut summary.unmatched);
    let lang = output.lang();
    // Nobody looks for what is settled, nor for bytes of a day that are there no more, and yet that is no silence.
    for item in &listed {
        let line = delivery_status::Line::Item(item);
        output.item(Some(&line), || line.text(lang, system.zone));
    }
    // What was promised and never came is no entity of any place, and yet the delivery is not complete without it.
    for missing in &promised {
        output.item(Some(&delivery_status::Line::Missing(missing)), || {
            delivery_status::Line::Missing(missing).text(lang, system.zone)
        });
    }
    output.item(Some(&Last { summary: &summary }), || text_of(&summary, lang));
    output.ready().await;
    Ok(verdict::together([summary.state(), state]))
}

/// What is to be verified.
struct Found {
    scope: Scope,
    /// What was handed over.
    delivery: Option<Delivery>,
    /// What was promised and never came.
    promised: Vec<Promised>,
    /// Files that no place is asked about: settled ones, and of a day those whose bytes are there no more.
    listed: Vec<Item>,
    /// How the delivery is, whatever the places hold.
    state: EntityState,
}

impl Found {
    fn of(scope: Scope, delivery: Option<Delivery>) -> Self {
        Self { scope, delivery, promised: Vec::new(), listed: Vec::new(), state: EntityState::Complete }
    }

    fn of_record(record: &Record, standing: Standing) -> Self {
        let state = standing.state();
        let is_settled = |item: &Item| item.state.settlement().is_some();
        let listed: Vec<Item> = standing.items.into_iter().filter(is_settled).collect();
        let mut delivery = record.to_verify();
        let left_out: BTreeSet<&str> = standing.skipped.iter().map(|file| file.file.as_str()).collect();
        let live_since = record.content.skipped.iter().map(|file| file.file.as_str());
        // What was left out and is live since is no fault any more.
        let live_since = live_since.filter(|file| !left_out.contains(file));
        delivery.leave_out(&record.vertical, listed.iter().map(|item| item.file.as_str()));
        delivery.leave_out_misnamed(live_since);
        let promised = standing.missing;
        Self { promised, listed, state, ..Self::of(Scope::Vertical(record.vertical.clone()), Some(delivery)) }
    }

    /// Nobody listed the bytes of a day, so its entities are verified as they are now; but for files whose bytes are settled, replaced or
    /// gone, of which the places say nothing, and for misnamed ones that are not found by their number.
    fn of_day(vertical: Vertical, standing: Standing) -> Self {
        let state = standing.state();
        let is_gone = |item: &Item| item.state.is_failed() && item.state != ItemState::Rejected;
        let is_found = |item: &Item| PhotoId::parse(&vertical, &item.file).is_ok() || item.cd_idx.is_some();
        let (listed, left): (Vec<Item>, Vec<Item>) = standing
            .items
            .into_iter()
            .partition(|item| item.state.settlement().is_some() || is_gone(item) || !is_found(item));
        // What is served of a photo that was replaced is verified with the rest.
        let replaced = listed.iter().filter(|item| item.state == ItemState::Replaced);
        let ids: BTreeSet<u64> = left.iter().chain(replaced).filter_map(|item| item.cd_idx).collect();
        let scope = Scope::Ids { vertical: Some(vertical), cd_idx: ids.into_iter().collect() };
        Self { listed, state, ..Self::of(scope, None) }
    }
}

/// What was asked to be proven must be there: nothing was recorded of the day's uploads, nor of entities.
fn require_hashes(delivery: Option<&Delivery>) -> Result<()> {
    let mut originals = delivery.iter().flat_map(|delivery| delivery.originals.values());
    if originals.any(|handed_over| handed_over.sha256.is_some()) {
        return Ok(());
    }
    let doing =
        "compare SHA-256s: no photo was handed over with one; name a delivery that was recorded, or leave --hashes out";
    let korean = "SHA-256 값을 기록한 사진이 없어 비교할 수 없습니다. 기록된 전달 번호를 적거나 --hashes 를 빼 주세요";
    Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean))
}

/// What is to be verified; none where there is no such delivery.
async fn asked_about(system: &System<'_>, about: About, output: &mut impl Output) -> Result<Option<Found>> {
    let name = match about {
        About::Files(vertical, files) => return Ok(Some(Found::of(Scope::Vertical(vertical), Some(files)))),
        About::Subject(Subject::Scope(scope)) => return Ok(Some(Found::of(scope, None))),
        About::Subject(Subject::Delivery(name)) => name,
    };
    let Some(found) = delivery::find(system, &name, output).await? else { return Ok(None) };
    Ok(Some(match found {
        delivery::Delivery::Recorded(record) => {
            let standing = Standing::of_record(system.deliveries(), &record).await?;
            Found::of_record(&record, standing)
        }
        day @ delivery::Delivery::Day { .. } => {
            let standing = day.standing(system).await?;
            let unnamed = standing.items.iter().filter(|item| item.cd_idx.is_none()).count();
            if unnamed > 0 {
                output.note(&match output.lang() {
                    Lang::En => format!("{unnamed} files of {name} name no entity: `cameo status {name}` lists them"),
                    Lang::Ko => format!(
                        "{name}: 이름에 cd_idx 가 없는 파일이 {unnamed}개 있습니다. `cameo status {name}` 로 볼 수 있습니다"
                    ),
                });
            }
            Found::of_day(day.vertical().clone(), standing)
        }
    }))
}
