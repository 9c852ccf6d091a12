//! `cameo move`: photos that were uploaded to the wrong vertical go to the right one, by the road of every upload.
//!
//! How far a move is follows from the buckets and the ledger, so running it again goes on. The file that it writes is only for the way back.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use cameo::{
    model::{
        error::{Error, Kind, Place},
        ids::{Ids, parse_ids, parse_ids_text},
        key::{DeliveryName, Vertical},
        lang::Lang,
    },
    operate::{Subject, delivery},
    proof::relocate::{Relocation, Stage, Staged, photos, relocation, stages},
    server::deployment::Deployment,
};
use serde::Serialize;

use super::{
    Context,
    changes::Changes,
    here::Here,
    json_line, line, note,
    places::PlacesArgs,
    printer::Printer,
    scope::{parse_delivery, parse_vertical},
};
use crate::exit::Exit;

/// Pause between two looks at what is in flight.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Photos that are listed, at most; all are counted.
const LISTED_MAX: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo move --from ssgdfm_ear --to ssgdfm_eye\n  cameo move --from ssgdfm_ear --to ssgdfm_eye --ids 351518,351519 --apply\n  \
cameo move --from ssgdfm_ear --to ssgdfm_eye --delivery 20261126-k3f9\n  \
cameo move --undo cameo-move-ssgdfm_ear-ssgdfm_eye.jsonl --apply\n\n\
Without --apply it only says what would move. Each original is copied to its new key and goes through the flow; only when it is \
registered there the old one goes to quarantine, with its renditions and rows. Interrupted and run again, it goes on. A photo that is \
already there with other content is a conflict, and neither is touched. With --apply the photos are written to a file, with which --undo \
goes the way back.\n\n\
Exit code 0: all moved; 5: something is to be done or in flight, run it again; 7: conflicts, photos that are rejected there, or \
nothing to move."
)]
pub(crate) struct Args {
    /// The vertical that the photos are in
    #[arg(long, value_name = "V", value_parser = parse_vertical, required_unless_present = "undo", requires = "to")]
    from: Option<Vertical>,
    /// The vertical that they belong to
    #[arg(long, value_name = "W", value_parser = parse_vertical, requires = "from")]
    to: Option<Vertical>,
    /// Only photos of these entities
    #[arg(long, value_name = "ID,ID…", num_args = 1.., conflicts_with = "undo")]
    ids: Vec<String>,
    /// Only photos of the entities whose numbers are in a file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ids", "undo"])]
    ids_from: Option<PathBuf>,
    /// Only photos of this delivery, such as 20261126-k3f9
    #[arg(long, value_name = "DELIVERY", value_parser = parse_delivery, conflicts_with_all = ["ids", "ids_from", "undo"])]
    delivery: Option<DeliveryName>,
    /// Move the photos of such a file back
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    undo: Option<PathBuf>,
    #[command(flatten)]
    places: PlacesArgs,
    /// Do it: embedded, through the running server
    #[arg(long)]
    apply: bool,
    /// Where the photos are written to that move [default: cameo-move-V-W.jsonl]
    #[arg(long, value_name = "FILE", requires = "apply", conflicts_with = "undo")]
    save: Option<PathBuf>,
    /// How long to wait for what is in flight, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
struct Last {
    summary: BTreeMap<Stage, u64>,
    applied: bool,
    /// The file for the way back.
    saved: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let here = Here::open(context, &args.places).await?;
    let places = &here.places;
    let photos = asked(context, &args, &here).await?;
    if photos.is_empty() {
        note(context.lang.pick("there is no photo to move", "옮길 사진이 없습니다"));
        return Ok(Exit::Different);
    }
    let mut staged = stages(&places.flow(), &photos).await?;
    let mut saved = None;
    if args.apply && staged.iter().any(|photo| photo.stage.goes_on()) {
        saved = save(&args, &staged)?;
        staged = apply(context, places, staged, Duration::from_secs(args.wait)).await?;
    }
    print(context, &staged, args.apply, saved)?;
    Ok(exit_of(&staged))
}

/// The photos that are to move, by the flags or the file.
async fn asked(context: &Context, args: &Args, here: &Here<'_>) -> anyhow::Result<Vec<Relocation>> {
    if let Some(file) = &args.undo {
        return way_back(file);
    }
    let (Some(from), Some(to)) = (&args.from, &args.to) else { return Ok(Vec::new()) };
    if from == to {
        return Err(usage(format!("move photos from {from} to {to}: it is the same vertical")).into());
    }
    if let Some(name) = &args.delivery {
        return of_delivery(context, here, name, (from, to)).await;
    }
    let places = &here.places;
    let read = match &args.ids_from {
        Some(path) => Some(parse_ids(
            &std::fs::read(path).map_err(|error| usage(format!("read the ids: {}", path.display())).because(error))?,
        )),
        None if args.ids.is_empty() => None,
        None => Some(parse_ids_text(&args.ids.join(" "))),
    };
    let ids = read.transpose().map_err(|error| usage(format!("read the ids: {error}")))?.map(|Ids { ids, .. }| ids);
    Ok(photos(&*places.store, &places.settings.upload_bucket, from, to, ids.as_deref()).await?)
}

/// The photos of a delivery, which has to be of the vertical that they are in.
async fn of_delivery(
    context: &Context,
    here: &Here<'_>,
    name: &DeliveryName,
    (from, to): (&Vertical, &Vertical),
) -> anyhow::Result<Vec<Relocation>> {
    let Some(Subject::Delivery(name)) = Subject::delivery(name.clone(), Some(from)) else {
        return Err(usage(format!("move the delivery {name}: it is not of the vertical {from}")).into());
    };
    let mut printer = Printer::new(context);
    let found = delivery::find(&here.system(), &name, &mut printer).await?;
    printer.finish()?;
    let files = found.map(|delivery| delivery.files()).unwrap_or_default();
    Ok(files.iter().filter_map(|file| relocation(&file.key, to)).collect())
}

fn way_back(file: &Path) -> anyhow::Result<Vec<Relocation>> {
    let text =
        std::fs::read_to_string(file).map_err(|error| usage(format!("read {}", file.display())).because(error))?;
    let read = |(n, line): (usize, &str)| {
        let Relocation { from, to } = serde_json::from_str(line)
            .map_err(|error| usage(format!("read {}, line {}", file.display(), n + 1)).because(error))?;
        Ok(Relocation { from: to, to: from })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}

/// Writes the photos that move, behind those of an earlier run: what moved then comes back with the rest.
fn save(args: &Args, staged: &[Staged]) -> anyhow::Result<Option<String>> {
    let (Some(from), Some(to)) = (&args.from, &args.to) else { return Ok(None) };
    let path = args.save.clone().unwrap_or_else(|| PathBuf::from(format!("cameo-move-{from}-{to}.jsonl")));
    let failed = || format!("write {}, with which a move can be undone", path.display());
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).with_context(failed)?;
    let mut lines = String::new();
    for photo in staged.iter().filter(|photo| photo.stage.goes_on()) {
        lines += &serde_json::to_string(&photo.photo)?;
        lines.push('\n');
    }
    file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()).with_context(failed)?;
    Ok(Some(path.display().to_string()))
}

/// Takes steps until nothing goes on, or the time is over.
async fn apply(
    context: &Context,
    places: &Deployment,
    staged: Vec<Staged>,
    wait: Duration,
) -> anyhow::Result<Vec<Staged>> {
    let changes = Changes::by(context, places)?;
    let (mut done, mut waiting): (Vec<_>, Vec<_>) = staged.into_iter().partition(|photo| !photo.stage.goes_on());
    let began = Instant::now();
    loop {
        let photos: Vec<Relocation> = waiting.iter().map(|photo| photo.photo.clone()).collect();
        let (ended, on): (Vec<_>, Vec<_>) =
            changes.relocate(&photos, context.clock.now()).await?.into_iter().partition(|photo| !photo.stage.goes_on());
        done.extend(ended);
        waiting = on;
        if waiting.is_empty() || began.elapsed() >= wait {
            done.extend(waiting);
            done.sort_by(|a, b| a.photo.from.cmp(&b.photo.from));
            return Ok(done);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn counts(staged: &[Staged]) -> BTreeMap<Stage, u64> {
    let mut counts = BTreeMap::new();
    for photo in staged {
        *counts.entry(photo.stage).or_default() += 1;
    }
    counts
}

fn words(stage: Stage, lang: Lang) -> &'static str {
    match stage {
        Stage::ToCopy => lang.pick("to move", "옮길 것"),
        Stage::Copied => lang.pick("copied, and not registered yet", "복사했고 등록을 기다리는 중"),
        Stage::Registered => {
            lang.pick("registered, and the old one not removed yet", "등록했고 이전 것은 아직 지우지 않음")
        }
        Stage::Moved => lang.pick("moved", "옮김"),
        Stage::Conflict => {
            lang.pick("conflict: there is another photo under the new key", "충돌: 옮길 자리에 다른 사진이 있음")
        }
        Stage::Rejected => {
            lang.pick("rejected under the new key; the old one stays", "옮길 자리에서 거부됨. 이전 것은 그대로 있음")
        }
        Stage::Gone => lang.pick("gone", "없어짐"),
    }
}

fn print(context: &Context, staged: &[Staged], applied: bool, saved: Option<String>) -> anyhow::Result<()> {
    if context.json {
        staged.iter().try_for_each(json_line)?;
        return json_line(&Last { summary: counts(staged), applied, saved });
    }
    for Staged { photo: Relocation { from, to }, stage } in
        staged.iter().filter(|photo| photo.stage != Stage::Moved).take(LISTED_MAX)
    {
        line(&format!("{from} → {to}: {}", words(*stage, context.lang)))?;
    }
    let (lang, total) = (context.lang, staged.len());
    let counts: Vec<String> = counts(staged)
        .into_iter()
        .map(|(stage, n)| match lang {
            Lang::En => format!("{n} {}", words(stage, lang)),
            Lang::Ko => format!("{} {n}장", words(stage, lang)),
        })
        .collect();
    let counts = counts.join("; ");
    line(&match lang {
        Lang::En => format!("{total} photos: {counts}"),
        Lang::Ko => format!("사진 {total}장: {counts}"),
    })?;
    if let Some(file) = saved {
        note(&match lang {
            Lang::En => format!("`cameo move --undo {file} --apply` is the way back"),
            Lang::Ko => format!("되돌리려면 `cameo move --undo {file} --apply` 를 실행하세요"),
        });
    }
    Ok(())
}

fn exit_of(staged: &[Staged]) -> Exit {
    if staged.iter().any(|photo| photo.stage.goes_on()) {
        Exit::Pending
    } else if staged.iter().any(|photo| photo.stage != Stage::Moved) {
        Exit::Different
    } else {
        Exit::Complete
    }
}
