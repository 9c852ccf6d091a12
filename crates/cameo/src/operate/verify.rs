//! The proof, entity by entity, of a scope, of a folder that was handed over, or of a delivery.

use serde::Serialize;

use super::{
    NO_JSON, Output, Subject, System, absent, delivery, delivery_status,
    verify_text::{text_of, unowned_text},
};
use crate::{
    ledger::Scope,
    model::{error::Result, key::Vertical, lang::Lang},
    proof::{
        deliveries::{Standing, standing::Promised},
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
    let Some((scope, delivery, promised)) = asked_about(system, asked.about, output).await? else {
        return Ok(EntityState::Different);
    };
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
    let question = Question { scope, delivery, look, sample: asked.sample };
    let mut reporter = Reporter { all: asked.all, output };
    let mut summary = verify::verify(system.places, &question, &mut reporter).await?;
    absent::show_own(system.verticals, &mut summary.unmatched);
    let lang = output.lang();
    // What was promised and never came is no entity of any place, and yet the delivery is not complete without it.
    for missing in &promised {
        output.item(Some(&delivery_status::Line::Missing(missing)), || {
            delivery_status::Line::Missing(missing).text(lang)
        });
    }
    output.item(Some(&Last { summary: &summary }), || text_of(&summary, lang));
    output.ready().await;
    Ok(if promised.is_empty() { summary.state() } else { summary.state().max(EntityState::Different) })
}

/// The entities, the list of what was handed over, and what was promised and never came; none where there is no such delivery.
async fn asked_about(
    system: &System<'_>,
    about: About,
    output: &mut impl Output,
) -> Result<Option<(Scope, Option<Delivery>, Vec<Promised>)>> {
    let name = match about {
        About::Files(vertical, files) => return Ok(Some((Scope::Vertical(vertical), Some(files), Vec::new()))),
        About::Subject(Subject::Scope(scope)) => return Ok(Some((scope, None, Vec::new()))),
        About::Subject(Subject::Delivery(name)) => name,
    };
    let Some(found) = delivery::find(system, &name, output).await? else { return Ok(None) };
    Ok(Some(match found {
        delivery::Delivery::Recorded(record) => {
            let missing = Standing::of_record(system.deliveries(), &record).await?.missing;
            (Scope::Vertical(record.vertical.clone()), Some(record.to_verify()), missing)
        }
        // Nobody listed its bytes, so its entities are verified as they are now.
        delivery::Delivery::Day { vertical, files, .. } => {
            let (cd_idx, unnamed) = delivery::entities_of(&vertical, &files);
            if unnamed > 0 {
                output.note(&match output.lang() {
                    Lang::En => format!("{unnamed} files of {name} name no entity: `cameo status {name}` lists them"),
                    Lang::Ko => format!(
                        "{name}: 이름에 cd_idx 가 없는 파일이 {unnamed}개 있습니다. `cameo status {name}` 로 볼 수 있습니다"
                    ),
                });
            }
            (Scope::Ids { vertical: Some(vertical), cd_idx }, None, Vec::new())
        }
    }))
}
