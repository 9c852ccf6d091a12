//! `cameo report`: what of a delivery is not live, by who must act: ready to be pasted, as a table, or as JSON.

use std::path::{Path, PathBuf};

use cameo::{
    client::{Client, Line as StreamLine},
    model::{
        error::{Error, Kind, Place},
        key::DeliveryName,
        lang::Lang,
    },
    proof::deliveries::Report,
    push::delivery::encoded,
};

use super::{
    Context, json_lines, lines, note,
    places::PlacesArgs,
    server::Target,
    write_file::{check_writable, write_file},
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo report 20261126-k3f9\n  cameo report 20261126-k3f9 --lang ko --csv failed.csv\n  cameo report 20261126-day-ssgdfm_eye --json\n  \
cameo report 20261126-k3f9 --manifest manifest-sha256.txt\n\n\
The text is sorted by who must act and lists every cd_idx that failed. With --json everything is English, whatever --lang says. The table opens in a spreadsheet. The manifest is checked with `sha256sum -c` in the folder that was handed over.\n\n\
What is odd although nothing failed, such as a gap in the sequences, comes last and does not change the exit code.\n\n\
Exit codes, as those of `cameo status`, `verify` and `push --wait` about a delivery: 0 all live or settled; 4 only rejected or skipped files are left; \
5 something is pending; 7 a photo never arrived, was replaced or deleted, something promised never came or something came that was not promised, or nothing is \
known of the delivery."
)]
pub(crate) struct Args {
    /// The delivery's id, or the day of a vertical: 20261126-day-ssgdfm_eye
    #[arg(value_name = "DELIVERY")]
    delivery: DeliveryName,
    /// Write the table of what failed to this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the list of what was handed over, with SHA-256, to this file
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    places: PlacesArgs,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    args.csv.iter().chain(&args.manifest).try_for_each(|path| check_writable(path))?;
    let lang = context.lang;
    let name = args.delivery.to_string();
    let (report, manifest) = match args.places.target(context)? {
        Target::Server(server) => {
            let client = Client::new(&server)?;
            let report = of_server(&client, &name, lang).await?;
            let path = format!("/api/v1/deliveries/{}/manifest-sha256.txt", encoded(&name));
            let manifest = if args.manifest.is_some() { Some(client.get_text(&path).await?) } else { None };
            (report, manifest)
        }
        #[cfg(not(feature = "embedded"))]
        Target::Here => match args.places.open(context).await? {},
        #[cfg(feature = "embedded")]
        Target::Here => {
            let places = args.places.open(context).await?;
            let zone = context.config.register.time_zone()?;
            let standing = cameo::proof::deliveries::standing(places.deliveries(), &args.delivery, &zone).await?;
            let standing = standing.ok_or_else(|| unknown(&name))?;
            let record = cameo::proof::deliveries::record(places.deliveries(), &args.delivery).await?;
            (Report::of(&standing, lang, &zone), record.map(|record| record.manifest()))
        }
    };
    if let Some(path) = &args.manifest {
        let manifest = manifest.ok_or_else(|| {
            let doing = format!("write the manifest of {name}: nobody recorded what was handed over");
            let korean = format!("전달 {name} 은 파일 목록을 기록하지 않고 올린 것이라 목록을 만들 수 없습니다");
            Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean)
        })?;
        write_file(path, manifest.as_bytes())?;
    }
    print(context, &report)?;
    if let Some(path) = &args.csv {
        write_table(path, &report, lang)?;
    }
    Ok(report.state().into())
}

/// The report that a server gives.
pub(super) async fn of_server(client: &Client, delivery: &str, lang: Lang) -> anyhow::Result<Report> {
    let path = format!("/api/v1/deliveries/{}/report?lang={}", encoded(delivery), lang.code());
    let stream = client.stream(http::Method::GET, &path, None::<&()>).await;
    let mut stream = stream.map_err(|error| {
        let is_unknown = error.kind() == Kind::Misconfigured && error.to_string().contains("such delivery");
        if is_unknown { unknown(delivery) } else { error }
    })?;
    let mut lines = Vec::new();
    while let Some(line) = stream.next().await? {
        match line {
            StreamLine::Progress(_) => {}
            summary @ StreamLine::Summary(_) => return Ok(Report { lang, lines, summary: summary.read()? }),
            item => lines.push(item.read()?),
        }
    }
    Err(Error::new(Place::System, Kind::Unlisted, format!("ask for the report of {delivery}: it has no summary"))
        .into())
}

/// Prints a report.
pub(super) fn print(context: &Context, report: &Report) -> anyhow::Result<()> {
    if context.json { json_lines(report.in_english().json_lines()) } else { lines(report.text().lines()) }
}

/// Writes the table of a report, after the report was printed: a file that cannot be written takes nothing away.
pub(super) fn write_table(path: &Path, report: &Report, lang: Lang) -> anyhow::Result<()> {
    write_file(path, report.csv().as_bytes())?;
    let path = path.display();
    note(&match lang {
        Lang::En => format!("the table is in {path}"),
        Lang::Ko => format!("표를 {path} 에 저장했습니다"),
    });
    Ok(())
}

/// Nothing is known of a delivery.
pub(super) fn unknown(delivery: &str) -> Error {
    Error::new(
        Place::System,
        Kind::Corrupt,
        format!(
            "find the delivery {delivery}: there is no record and no upload of it, or this token may not see it; `cameo deliveries` lists them"
        ),
    )
    .in_korean(format!("전달 {delivery} 을 찾을 수 없습니다. `cameo deliveries` 로 전달 번호를 확인해 주세요"))
}
