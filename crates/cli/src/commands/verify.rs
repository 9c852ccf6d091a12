//! `cameo verify`: the proof, entity by entity, in four places, and that nothing else is published.

use std::path::{Path, PathBuf};

use cameo::{
    client::wire::{FILES_MAX, HandedOverFile, MisnamedFile, VerifyRequest},
    ledger::{Scope, State},
    model::{
        error::{Error, Kind, Place},
        key::{DeliveryName, Vertical},
    },
    operate::{
        Subject,
        verify::{self, About, Verify},
    },
    proof::{
        delivery::DeliveryFolder,
        verify::{Delivery, SAMPLE_MAX, Sample, UnexpectedFile},
    },
};

use super::{
    Context,
    here::Here,
    places::PlacesArgs,
    printer::Printer,
    remote,
    scope::{ScopeArgs, parse_delivery},
    server::Target,
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo verify --vertical ssgdfm_eye\n  cameo verify ./photos --vertical ssgdfm_eye\n  cameo verify 20261126-k3f9 --hashes\n  \
cameo verify --ids 351518,351519\n  cameo verify --ids-from handed-over.csv --json\n  cameo verify --vertical ssgdfm_eye --sample 1000 --seed 7\n  cameo verify --endpoint-url https://s3.example --images-url https://image.example --catalog mysql://app:secret@db/celeb\n\nOnly what is not complete is listed, \
unless --all is given. Images are fetched as the public gets them, under images.public_url; without it the server of the data folder must be running. \
With --server the server looks, and fetches the images.\n\n\
FOLDER needs --vertical: the names of its files do not say of which they are.\n\n\
Exit code 7 where a place differs, and where nothing is known of what was asked about: an id that is unknown, or of which everything is deleted."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// Folder that was handed over (needs --vertical), or a delivery by its name: exactly its photos must be there
    #[arg(value_name = "FOLDER|DELIVERY", conflicts_with_all = ["ids", "ids_from"])]
    handed_over: Option<PathBuf>,
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
    /// Read every original of a delivery, and compare its SHA-256 with the one that was recorded at the hand-over
    #[arg(long)]
    hashes: bool,
    /// Fetch only so many of the served images, chosen by chance, and read as many originals of a delivery; everything else is looked at as ever
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=SAMPLE_MAX as u64))]
    sample: Option<u64>,
    /// Choose the same images again [default: by chance, and reported]
    #[arg(long, value_name = "SEED", requires = "sample")]
    seed: Option<u64>,
    /// With --json: lines that say how far it is
    #[arg(long, requires = "json")]
    progress: bool,
}

/// What is verified, before a folder is read.
enum Asked {
    Subject(Subject),
    Folder(PathBuf, Vertical),
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let asked = asked(context, &args)?;
    let target = args.places.target(context)?;
    let mut printer = Printer::showing(context, context.lang.pick("verifying", "확인 중"), args.progress);
    printer.start();
    let (all, deep) = (args.all || context.json, args.deep);
    if let Target::Server(server) = target {
        let of = VerifyRequest {
            all,
            deep,
            hashes: args.hashes,
            lang: context.lang,
            sample: args.sample,
            seed: args.seed,
            ..VerifyRequest::default()
        };
        return remote::ask(&server, "/api/v1/verify", &request(asked, of)?, printer).await;
    }
    let here = Here::open(context, &args.places).await?;
    let about = match asked {
        Asked::Subject(subject) => About::Subject(subject),
        Asked::Folder(folder, vertical) => {
            let files = files_of(&folder, &vertical)?;
            About::Files(vertical, files)
        }
    };
    let question = Verify { about, all, deep, sample: sample(&args), hashes: args.hashes };
    let state = verify::run(&here.system(), question, &mut printer).await?;
    printer.finish()?;
    Ok(state.into())
}

fn asked(context: &Context, args: &Args) -> anyhow::Result<Asked> {
    let Some(handed_over) = &args.handed_over else { return Ok(Asked::Subject(args.scope.subject(context, None)?)) };
    if let Some(name) = delivery_of(handed_over) {
        return Ok(Asked::Subject(args.scope.subject(context, Some(name))?));
    }
    let Some(vertical) = args.scope.vertical.clone() else {
        let doing = format!(
            "verify {}: it is a folder, or no such delivery; of a folder give --vertical, which the names of its files do not say",
            handed_over.display()
        );
        let korean = format!(
            "{}: 폴더이거나 없는 전달 번호입니다. 폴더이면 --vertical 로 버티컬을 함께 적어 주세요",
            handed_over.display()
        );
        return Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean).into());
    };
    Ok(Asked::Folder(handed_over.clone(), vertical))
}

/// The delivery of this name, unless there is such a folder.
fn delivery_of(path: &Path) -> Option<DeliveryName> {
    parse_delivery(path.to_str()?).ok().filter(|_| !path.exists())
}

/// The folder as verifying takes it, with length and MD5 of every original.
fn files_of(folder: &Path, vertical: &Vertical) -> anyhow::Result<Delivery> {
    let delivery = DeliveryFolder::of_folder(folder, vertical)?;
    if delivery.originals.is_empty() {
        let doing = format!("find originals in {}: name them {{cd_idx}}_{{sequence}}.jpg", folder.display());
        let korean =
            format!("{}: 사진이 없습니다. 이름을 {{cd_idx}}_{{순번}}.jpg 형식으로 적어 주세요", folder.display());
        return Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean).into());
    }
    Ok(delivery.to_verify()?)
}

fn sample(args: &Args) -> Option<Sample> {
    let seed = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    args.sample.map(|images| Sample { images: usize::try_from(images).unwrap_or(SAMPLE_MAX), seed })
}

fn request(asked: Asked, of: VerifyRequest) -> anyhow::Result<VerifyRequest> {
    Ok(match asked {
        Asked::Subject(Subject::Delivery(name)) => VerifyRequest { delivery: Some(name.to_string()), ..of },
        Asked::Subject(Subject::Scope(scope)) => in_scope(scope, of),
        Asked::Folder(folder, vertical) => {
            let files = files_of(&folder, &vertical)?;
            let count = files.originals.len().max(files.misnamed.len());
            if count > FILES_MAX {
                let doing = format!(
                    "verify {}: {count} files are more than the {FILES_MAX} that a server takes at a time; verify parts of it",
                    folder.display()
                );
                let korean = format!(
                    "{}: 파일이 {count}개입니다. 한 번에 {FILES_MAX}개까지 확인할 수 있으니 나누어 확인해 주세요",
                    folder.display()
                );
                return Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean).into());
            }
            of_files(vertical, files, of)
        }
    })
}

fn in_scope(scope: Scope, of: VerifyRequest) -> VerifyRequest {
    let (vertical, ids) = remote::named(scope);
    VerifyRequest { vertical, ids, ..of }
}

fn of_files(vertical: Vertical, files: Delivery, of: VerifyRequest) -> VerifyRequest {
    let originals = files.originals.into_iter().map(|(photo, handed_over)| HandedOverFile {
        name: photo.file_name(),
        size: handed_over.size,
        md5: handed_over.md5,
    });
    let misnamed = files.misnamed.into_iter().map(|UnexpectedFile { key, state, .. }| {
        let hint = match state {
            Some(State::Rejected { detail, .. }) => detail,
            _ => String::new(),
        };
        MisnamedFile { name: key, hint }
    });
    VerifyRequest {
        vertical: Some(vertical.to_string()),
        files: Some(originals.collect()),
        misnamed: misnamed.collect(),
        ignored: files.ignored,
        ..of
    }
}
