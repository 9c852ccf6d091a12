//! `cameo move`: photos that were uploaded to the wrong vertical go to the right one, by the road of every upload.
//!
//! How far a move is follows from the buckets and the ledger, so running it again goes on. The file that it writes is only for the way back.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use cameo::{
    client::{
        Client, Server,
        wire::{FILES_MAX, MoveRequest, PhotoToMove},
    },
    model::{
        cause::Cause,
        error::{Error, Kind, Place},
        key::{DeliveryName, Vertical},
        lang::Lang,
    },
    operate::{
        Output,
        relocate::{self, Move, Which},
    },
    proof::{
        relocate::{Relocation, Staged},
        verify::Progress,
    },
};
use serde::Serialize;

use super::{
    Context,
    here::Here,
    note,
    places::PlacesArgs,
    printer::Printer,
    remote,
    scope::{parse_delivery, parse_vertical, read_ids},
    server::Target,
};
use crate::exit::Exit;

/// Where a server moves photos.
const PATH: &str = "/api/v1/move";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo move --from ssgdfm_ear --to ssgdfm_eye\n  cameo move --from ssgdfm_ear --to ssgdfm_eye --ids 351518,351519 --apply\n  \
cameo move --from ssgdfm_ear --to ssgdfm_eye --delivery 20261126-k3f9\n  \
cameo move --undo cameo-move-ssgdfm_ear-ssgdfm_eye.jsonl --apply\n\n\
Without --apply it only says what would move. Each original is copied to its new key and goes through the flow; only when it is \
registered there the old one goes to quarantine, with its renditions and rows. Interrupted and run again, it goes on. A photo that is \
already there with other content is a conflict, and neither is touched. With --apply the photos are written to a file, with which --undo \
goes the way back.\n\n\
Exit code 0: all moved; 5: something is to be done or in flight, run it again; 7: conflicts, photos that are rejected there, \
nothing to move, or an id that was named and has no photo."
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
    /// Do it; beside a data folder through the running server
    #[arg(long)]
    apply: bool,
    /// Where the photos are written to that move [default: cameo-move-V-W.jsonl]
    #[arg(long, value_name = "FILE", requires = "apply", conflicts_with = "undo")]
    save: Option<PathBuf>,
    /// How long to wait for what is in flight, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let (which, wait) = (which(context, &args)?, Duration::from_secs(args.wait));
    let system = match args.places.target(context)? {
        Target::Server(server) => Asked::Server(server),
        Target::Here => Asked::Here(Box::new(Here::open(context, &args.places).await?)),
    };
    let mut asked = Move { which, apply: args.apply, wait, saved: None };
    let mut is_known = true;
    if args.apply && !matches!(asked.which, Which::Listed(_)) {
        // What moves is written down before anything of it does.
        let plan = Move { apply: false, wait: Duration::ZERO, ..asked.clone() };
        let mut planned = Planned { lang: context.lang, notes: Vec::new(), photos: Vec::new() };
        let exit = system.plan(&plan, &mut planned).await?;
        if planned.photos.iter().any(|photo| photo.stage.goes_on()) {
            // Where something goes on, only an id without a photo is a difference.
            is_known = exit != Exit::Different;
            planned.notes.iter().for_each(|text| note(text));
            asked.saved = save(&args, &planned.photos)?;
            asked.which = Which::Listed(planned.photos.into_iter().map(|photo| photo.photo).collect());
        }
    }
    let exit = system.run(context, asked).await?;
    Ok(if is_known { exit } else { Exit::Different })
}

/// Whom it is asked of.
enum Asked<'h> {
    Server(Server),
    Here(Box<Here<'h>>),
}

impl Asked<'_> {
    /// Moves, or says how far it is, and prints that.
    async fn run(&self, context: &Context, asked: Move) -> anyhow::Result<Exit> {
        let mut printer = Printer::new(context);
        match self {
            Self::Server(server) => remote::ask(server, PATH, &request(asked, context.lang)?, printer).await,
            Self::Here(here) => {
                let state = relocate::run(&here.system(), &asked, &mut printer).await?;
                printer.finish()?;
                Ok(state.into())
            }
        }
    }

    /// How far each photo is, with what is said of them.
    async fn plan(&self, asked: &Move, planned: &mut Planned) -> anyhow::Result<Exit> {
        match self {
            Self::Here(here) => Ok(relocate::run(&here.system(), asked, planned).await?.into()),
            Self::Server(server) => {
                let request = request(asked.clone(), planned.lang)?;
                let mut lines = Client::new(server)?.frames(PATH, &request).await?;
                let mut exit = Exit::Unexpected;
                while let Some(frame) = lines.next_frame().await? {
                    planned.notes.extend(frame.note);
                    planned.photos.extend(frame.json.and_then(|json| serde_json::from_str::<Staged>(json.get()).ok()));
                    exit = frame.summary.map_or(exit, |ended| ended.state.into());
                }
                Ok(exit)
            }
        }
    }
}

fn request(asked: Move, lang: Lang) -> anyhow::Result<MoveRequest> {
    let Move { which, apply, wait, saved } = asked;
    let of = MoveRequest { apply, wait: wait.as_secs(), saved, lang, ..MoveRequest::default() };
    let between = |from: Vertical, to: Vertical| (Some(from.to_string()), Some(to.to_string()));
    Ok(match which {
        Which::Of { from, to, ids } => {
            let (from, to) = between(from, to);
            MoveRequest { from, to, ids, ..of }
        }
        Which::Delivery { from, to, name } => {
            let (from, to) = between(from, to);
            MoveRequest { from, to, delivery: Some(name.to_string()), ..of }
        }
        Which::Listed(photos) if photos.len() > FILES_MAX => {
            let count = photos.len();
            let doing = format!(
                "move {count} photos: a server takes {FILES_MAX} at a time; name fewer, with --ids or --delivery"
            );
            let korean = format!(
                "사진 {count}장은 한 번에 옮길 수 없습니다. --ids 나 --delivery 로 {FILES_MAX}장씩 나누어 주세요"
            );
            return Err(usage(doing).in_korean(korean).into());
        }
        Which::Listed(photos) => {
            let photos = photos.into_iter().map(|Relocation { from, to }| PhotoToMove { from, to }).collect();
            MoveRequest { photos, ..of }
        }
    })
}

/// The photos that are to move, by the flags or the file.
fn which(context: &Context, args: &Args) -> anyhow::Result<Which> {
    if let Some(file) = &args.undo {
        return Ok(Which::Listed(way_back(file)?));
    }
    let (Some(from), Some(to)) = (args.from.clone(), args.to.clone()) else { return Ok(Which::Listed(Vec::new())) };
    if let Some(name) = args.delivery.clone() {
        return Ok(Which::Delivery { from, to, name });
    }
    let ids = read_ids(context, &args.ids, args.ids_from.as_deref())?;
    Ok(Which::Of { from, to, ids })
}

/// What would move: kept, and not printed.
struct Planned {
    lang: Lang,
    notes: Vec<String>,
    photos: Vec<Staged>,
}

impl Output for Planned {
    fn lang(&self) -> Lang {
        self.lang
    }

    fn item<J: Serialize + ?Sized>(&mut self, json: Option<&J>, _: impl FnOnce() -> Vec<String>) {
        let value = json.and_then(|json| serde_json::to_value(json).ok());
        self.photos.extend(value.and_then(|value| serde_json::from_value::<Staged>(value).ok()));
    }

    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    fn progress(&mut self, _: Progress) {}
}

fn way_back(file: &Path) -> anyhow::Result<Vec<Relocation>> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| usage(format!("read {}", file.display())).in_korean(unreadable(file)).because(error))?;
    let read = |(n, line): (usize, &str)| {
        let Relocation { from, to } = serde_json::from_str(line).map_err(|error| {
            let doing = format!("read {}, line {}: it was not written by `cameo move --apply`", file.display(), n + 1);
            let korean = format!(
                "{}: {}번째 줄이 이동 기록이 아닙니다. `cameo move --apply` 가 저장한 파일을 적어 주세요",
                unreadable(file),
                n + 1
            );
            usage(doing).in_korean(korean).because(Cause::new(error.to_string(), ""))
        })?;
        Ok(Relocation { from: to, to: from })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
}

fn unreadable(file: &Path) -> String {
    format!("{} 을(를) 읽을 수 없습니다", file.display())
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}

/// Writes the photos that move, behind those of an earlier run: what moved then comes back with the rest.
fn save(args: &Args, staged: &[Staged]) -> anyhow::Result<Option<String>> {
    let (Some(from), Some(to)) = (&args.from, &args.to) else { return Ok(None) };
    let path = args.save.clone().unwrap_or_else(|| PathBuf::from(format!("cameo-move-{from}-{to}.jsonl")));
    let failed = |error: std::io::Error| {
        let path = path.display();
        usage(format!("write {path}, with which a move can be undone; nothing was moved"))
            .in_korean(format!("되돌릴 때 쓸 파일 {path} 에 쓸 수 없어 아무것도 옮기지 않았습니다"))
            .because(error)
    };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    let mut lines = String::new();
    for photo in staged.iter().filter(|photo| photo.stage.goes_on()) {
        lines += &serde_json::to_string(&photo.photo)?;
        lines.push('\n');
    }
    file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(Some(path.display().to_string()))
}
