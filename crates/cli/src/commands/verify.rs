//! `cameo verify`: the proof, entity by entity, in four places, and that nothing else is published.

use std::path::PathBuf;

use cameo::{
    ledger::{Scope, State},
    model::error::{Error, Kind, Place},
    proof::{
        delivery::DeliveryFolder,
        verify::{
            self, EntityReport, EntityState, Listen, Look, OtherImages, Question, SAMPLE_MAX, Sample, Sampled, Summary,
            UnexpectedFile, Unowned,
        },
    },
};
use serde::Serialize;

use super::{
    Context, json_line, lines, note,
    places::PlacesArgs,
    scope::{ScopeArgs, absent_text},
    verify_progress::Progress,
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo verify --vertical ssgdfm_eye\n  cameo verify ./photos --vertical ssgdfm_eye\n  \
cameo verify --ids 351518,351519\n  cameo verify --ids-from handed-over.csv --json\n  cameo verify --vertical ssgdfm_eye --sample 1000 --seed 7\n  cameo verify --endpoint-url https://s3.example --images-url https://image.example --catalog mysql://app:secret@db/celeb\n\nOnly what is not complete is listed, \
unless --all is given. Images are fetched as the public gets them, under images.public_url; without it the server of the data folder must be running.\n\n\
FOLDER needs --vertical: the names of its files do not say of which they are.\n\n\
Exit code 7 where a place differs, and where nothing is known of what was asked about: an id that is unknown, or of which everything is deleted."
)]
pub(crate) struct Args {
    /// Folder that was handed over (needs --vertical): exactly its photos must be there
    #[arg(value_name = "FOLDER", requires = "vertical", conflicts_with_all = ["ids", "ids_from"])]
    folder: Option<PathBuf>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// List complete entities too (always so with --json)
    #[arg(long)]
    all: bool,
    /// Read and hash every original, rendition and alias: finds a disk that rots
    #[arg(long)]
    deep: bool,
    /// Fetch only so many of the served images, chosen by chance; everything else is looked at as ever
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=SAMPLE_MAX as u64))]
    sample: Option<u64>,
    /// Choose the same images again [default: by chance, and reported]
    #[arg(long, value_name = "SEED", requires = "sample")]
    seed: Option<u64>,
    /// With --json: lines that say how far it is
    #[arg(long, requires = "json")]
    progress: bool,
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
struct Last<'s> {
    summary: &'s Summary,
}

/// Prints what is found, until printing fails.
struct Printer<'p> {
    context: &'p Context,
    all: bool,
    progress: Progress,
    printed: anyhow::Result<()>,
}

impl Printer<'_> {
    fn print(&mut self, print: impl FnOnce() -> anyhow::Result<()>) {
        if self.printed.is_ok() {
            self.printed = self.progress.beside(print);
        }
    }
}

impl Listen for Printer<'_> {
    fn entity(&mut self, report: &EntityReport) {
        if self.context.json {
            self.print(|| json_line(report));
        } else if self.all || (report.state != EntityState::Complete && !report.is_said_in_summary()) {
            self.print(|| lines(entity_text(report)));
        }
    }

    fn unowned(&mut self, unowned: &Unowned) {
        // In JSON the summary lists them.
        if !self.context.json {
            self.print(|| lines([format!("{}: unexpected in the image bucket: {}", unowned.key, unowned.why)]));
        }
    }

    fn progress(&mut self, progress: verify::Progress) {
        if self.printed.is_ok() {
            self.printed = self.progress.at(progress);
        }
    }
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let scope = args.scope.scope()?;
    let progress = Progress::start("verifying", context.json, args.progress);
    let places = args.places.open(context).await?;
    let question = question(&args, scope)?;
    // Before anything else is printed: a list that ends with it would look like an answer.
    if let Err(error) = places.images.probe().await {
        if !places.images.has_base() {
            return Err(error.into());
        }
        note(&format!("{error}; everything else is verified"));
    }
    let mut printer = Printer { context, all: args.all, progress, printed: Ok(()) };
    let summary = verify::verify(places.to_verify(), &question, &mut printer).await?;
    printer.progress.end();
    printer.printed?;
    if context.json {
        json_line(&Last { summary: &summary })?;
    } else {
        lines(text_of(&summary))?;
    }
    Ok(summary.state().into())
}

fn question(args: &Args, scope: Scope) -> anyhow::Result<Question> {
    let look = if args.deep { Look::Deep } else { Look::Everything };
    let seed = args.seed.unwrap_or_else(rand_seed);
    let sample = args.sample.map(|images| Sample { images: usize::try_from(images).unwrap_or(SAMPLE_MAX), seed });
    let (Some(folder), Some(vertical)) = (&args.folder, &args.scope.vertical) else {
        return Ok(Question { look, sample, ..Question::of(scope) });
    };
    let delivery = DeliveryFolder::of_folder(folder, vertical)?;
    if delivery.originals.is_empty() {
        let doing = format!("find originals in {}: name them {{cd_idx}}_{{sequence}}.jpg", folder.display());
        return Err(Error::new(Place::System, Kind::Misconfigured, doing).into());
    }
    Ok(Question { scope, delivery: Some(delivery.to_verify()?), look, sample })
}

/// A seed by chance.
fn rand_seed() -> u64 {
    u64::from(rand::random::<u32>())
}

/// An entity's lines: its state, and what was found; of one that never arrived, a line a photo.
pub(crate) fn entity_text(report: &EntityReport) -> Vec<String> {
    let head = format!("{}/{}: {}", report.vertical, report.cd_idx, state_name(report.state));
    if report.never_arrived() {
        return report.findings.clone();
    }
    let findings = report.findings.iter().map(|finding| format!("  {finding}"));
    [head].into_iter().chain(findings).collect()
}

fn state_name(state: EntityState) -> &'static str {
    match state {
        EntityState::Complete => "complete",
        EntityState::Rejected => "rejected",
        EntityState::Pending => "pending",
        EntityState::Different => "mismatch",
    }
}

/// What is said once for all entities, and the counts.
fn text_of(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary.unmatched.iter().map(ToString::to_string).collect();
    lines.extend(absent_text(&summary.unknown_ids, &summary.deleted_ids));
    lines.extend(summary.strays.iter().map(|UnexpectedFile { key, state }| match state {
        Some(State::Rejected { reason, detail }) => format!("{key}: rejected: {reason}: {detail}"),
        _ => format!("{key}: pending"),
    }));
    lines.extend(summary.outdated.iter().map(|outdated| {
        format!(
            "{} photos were made by the size set {}, and the current one is {}: `cameo reconcile --apply` renders them again",
            outdated.photos, outdated.made_by, outdated.size_set
        )
    }));
    if let Some(OtherImages { count, example }) = &summary.other_images {
        lines.push(format!("{count} JPEGs in the image bucket are in folders of unknown verticals, such as {example}"));
    }
    if let Some(Sampled { fetched, of, seed }) = &summary.sampled {
        lines.push(format!("{fetched} of {of} served images were fetched (--seed {seed})"));
    }
    if let Some(why) = &summary.not_fetched {
        lines.push(format!("served images could not be looked at: {why}"));
    }
    lines.push(counts_of(summary));
    lines
}

fn counts_of(summary: &Summary) -> String {
    let Summary { entities, photos, rows, complete, pending, rejected, different, .. } = summary;
    let mut text = format!(
        "{entities} entities, {photos} photos, {rows} rows: {complete} complete, {pending} pending, \
         {rejected} with rejected originals, {different} mismatches; {} unexpected files, {} ignored",
        summary.unexpected_files, summary.ignored
    );
    if summary.unowned_objects > 0 {
        text += &format!("; {} unexpected objects in the image bucket", summary.unowned_objects);
    }
    text
}
