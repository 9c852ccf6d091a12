//! `cameo reconcile`: repair what verifying finds.

use cameo::proof::{
    repair::Plan,
    verify::{self, EntityReport, Listen, Question, Unowned},
};

use super::{
    Context,
    changes::{Changes, Report, print},
    note,
    places::PlacesArgs,
    scope::{Matched, ScopeArgs, say_absent},
    verify_progress::Progress,
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo reconcile\n  cameo reconcile --vertical ssgdfm_eye --apply\n\n\
Without --apply it only says what it would do. Nothing in the upload bucket is ever changed; of the image bucket only what Cameo wrote \
and nobody owns is moved to quarantine, from where `cameo restore` brings it back. What it cannot repair it names, with who must act.\n\n\
Exit code 5 while something is to be done, or is in flight after --apply; 7 where only a person can go on; 4 where only rejected \
originals are left; 0 where nothing is left to do.")]
pub(crate) struct ReconcileArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Do it: embedded, through the running server
    #[arg(long)]
    apply: bool,
    /// Read and hash every original, rendition and alias first
    #[arg(long)]
    deep: bool,
}

/// Makes a plan of what verifying finds.
struct Planner {
    plan: Plan,
    progress: Progress,
    printed: anyhow::Result<()>,
}

impl Listen for Planner {
    fn entity(&mut self, report: &EntityReport) {
        self.plan.add(report);
    }

    fn unowned(&mut self, unowned: &Unowned) {
        self.plan.add_unowned(unowned);
    }

    fn progress(&mut self, progress: verify::Progress) {
        if self.printed.is_ok() {
            self.printed = self.progress.at(progress);
        }
    }
}

pub(crate) async fn reconcile(context: &Context, args: ReconcileArgs) -> anyhow::Result<Exit> {
    let places = args.places.open(context).await?;
    let look = if args.deep { verify::Look::Deep } else { verify::Look::Everything };
    let question = Question { look, ..Question::of(args.scope.scope()?) };
    if say_absent(context, &places, &question.scope).await? == Matched::Nothing {
        return Ok(Exit::Different);
    }
    let progress = Progress::start("looking what is to be repaired", context.json, false);
    let mut planner = Planner { plan: Plan::default(), progress, printed: Ok(()) };
    let summary = verify::verify(places.to_verify(), &question, &mut planner).await?;
    planner.progress.end();
    planner.printed?;
    let mut plan = planner.plan;
    if let Some(why) = summary.not_fetched.as_ref().filter(|_| !plan.addresses.is_empty()) {
        note(&format!(
            "rows would lead to where nobody answers from here: {why}; if the public does not either, correct images.public_url first"
        ));
    }
    // A misnamed file whose event was lost is never rejected otherwise.
    let waiting = summary.strays.iter().filter(|stray| stray.state.is_none());
    plan.render.extend(waiting.map(|stray| stray.key.clone()));
    let mut report = Report::of(&plan, args.apply);
    if args.apply && !plan.is_empty() {
        Changes::by(context, &places)?.apply(&plan, &mut report).await?;
    }
    print(context, &report)?;
    // Addresses and objects are done with at once; what goes through the flow is not.
    let in_flight = plan.waiting > 0 || !plan.render.is_empty() || !plan.remove.is_empty();
    Ok(if in_flight || (!args.apply && !plan.is_empty()) {
        Exit::Pending
    } else if plan.left_total > 0 {
        Exit::Different
    } else if summary.rejected + summary.unexpected_files > 0 {
        note("only rejected files are left: `cameo status` lists them, and `cameo dismiss` settles them");
        Exit::Rejected
    } else {
        Exit::Complete
    })
}
