//! Repairing what verifying finds: a plan of it, and with leave what the plan says, each act after another look.

use super::{
    Output, System,
    absent::{self, Matched},
    act,
    report::Report,
};
use crate::{
    ledger::Scope,
    model::{error::Result, lang::Lang},
    proof::{
        repair::Plan,
        verify::{self, EntityReport, EntityState, Listen, Look, Progress, Question, Unowned},
    },
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Reconcile {
    /// Of which entities.
    pub scope: Scope,
    /// Read and hash every original, rendition and alias first.
    pub deep: bool,
    /// Do it.
    pub apply: bool,
}

/// Makes a plan of what verifying finds.
struct Planner<'p, O> {
    plan: Plan,
    output: &'p mut O,
}

impl<O: Output> Listen for Planner<'_, O> {
    fn entity(&mut self, report: &EntityReport) {
        self.plan.add(report);
    }

    fn unowned(&mut self, unowned: &Unowned) {
        self.plan.add_unowned(unowned);
    }

    fn progress(&mut self, progress: Progress) {
        self.output.progress(progress);
    }

    async fn ready(&mut self) {
        self.output.ready().await;
    }
}

/// Says what is to be repaired, and repairs it where that is asked for.
pub async fn run(system: &System<'_>, asked: &Reconcile, output: &mut impl Output) -> Result<EntityState> {
    let look = if asked.deep { Look::Deep } else { Look::Everything };
    let question = Question { look, ..Question::of(asked.scope.clone()) };
    let matched = absent::report(system.places, system.verticals, &question.scope, output).await?;
    if matched == Matched::Nothing {
        return Ok(EntityState::Different);
    }
    let mut planner = Planner { plan: Plan::default(), output };
    let summary = verify::verify(system.places, &question, &mut planner).await?;
    let Planner { mut plan, output } = planner;
    if let Some(why) = summary.not_fetched.as_ref().filter(|_| !plan.addresses.is_empty()) {
        output.note(&match output.lang() {
            Lang::En => format!(
                "rows would lead to where nobody answers from here: {why}; if the public does not either, correct images.public_url first"
            ),
            Lang::Ko => format!(
                "테이블의 행에 쓸 이미지 주소에 여기서는 연결할 수 없습니다({why}). 밖에서도 그렇다면 images.public_url 설정을 먼저 고쳐 주세요"
            ),
        });
    }
    // A misnamed file whose event was lost is never rejected otherwise.
    let waiting = summary.strays.iter().filter(|stray| stray.state.is_none());
    plan.render.extend(waiting.map(|stray| stray.key.clone()));
    let mut report = Report::of(&plan, asked.apply);
    if asked.apply && !plan.is_empty() {
        act::apply(system.act, &plan, &mut report).await?;
    }
    report.write(output).await;
    // Addresses and objects are done with at once; what goes through the flow is not.
    let in_flight = plan.waiting > 0 || !plan.render.is_empty() || !plan.remove.is_empty();
    let state = if in_flight || (!asked.apply && !plan.is_empty()) {
        EntityState::Pending
    } else if plan.left_total > 0 {
        EntityState::Different
    } else if summary.rejected + summary.unexpected_files > 0 {
        output.note(output.lang().pick(
            "only rejected files are left: `cameo status` lists them, and `cameo dismiss` settles them",
            "거부된 파일만 남았습니다. `cameo status` 로 볼 수 있고, `cameo dismiss` 로 정리할 수 있습니다",
        ));
        EntityState::Rejected
    } else {
        EntityState::Complete
    };
    // Whoever named an id that is not there must hear of it, whatever was repaired of the others.
    Ok(if matched == Matched::Everything { state } else { EntityState::Different })
}
