//! `cameo check`: every fault of a folder or archive before a byte of it is sent. It asks no server.

pub(crate) mod text;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use cameo::{
    model::{
        error::{Error, Kind, Place},
        key::Vertical,
        lang::{Lang, Text},
    },
    preflight::{
        Check, Expectation, Fixed, NothingKnown, Report, Source, Summary, copy_fixed, csv_of, expect::headers_help,
    },
};
use cameo_image::{Limits, SizeSet};
use serde::Serialize;

use super::{
    Context, json_line, lines, note,
    progress::Meter,
    scope::parse_vertical,
    signals,
    write_file::{check_writable, write_file},
};
use crate::exit::Exit;

/// What is below the options; the headers of lists come behind it.
const AFTER: &str = "Examples:\n  cameo check ./photos --vertical ssgdfm_eye\n  cameo check photos.zip --vertical ssgdfm_eye --expect handed-over.xlsx\n  \
cameo check ./photos --vertical ssgdfm_eye --fix ./photos-fixed --lang ko\n  cameo check ./photos --vertical ssgdfm_eye --csv findings.csv\n\n\
It sends nothing and asks no server: names are judged by the same grammar and photos by the same engine. Exit code 3 where there are errors; warnings alone are 0.\n\n\
A list is CSV, .xlsx, .xls, text or manifest-sha256.txt.";

#[derive(Debug, clap::Args)]
#[command(after_help = format!("{AFTER}\n\n{}", headers_help(Lang::En)))]
pub(crate) struct Args {
    /// Folder with the photos, or a .zip of it
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The vertical that the photos belong to
    #[arg(long, value_name = "V", value_parser = parse_vertical)]
    vertical: Vertical,
    /// List of what was handed over: report what it names and the folder lacks, and the other way round
    #[arg(long, value_name = "LIST")]
    expect: Option<PathBuf>,
    /// Write the findings to a CSV file too, for a spreadsheet
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Copy what is unambiguous under its right name to this new folder; FOLDER is not changed
    #[arg(long, value_name = "OUT")]
    fix: Option<PathBuf>,
}

/// What the work needs, on a thread of its own.
struct Job {
    folder: PathBuf,
    vertical: Vertical,
    expectation: Option<Expectation>,
    fix: Option<PathBuf>,
    limits: Limits,
    size_set: SizeSet,
    lang: Lang,
}

/// What the work found and did.
struct Done {
    report: Report,
    fixed: Option<Fixed>,
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
struct Last<'s> {
    summary: &'s Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<&'s Fixed>,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    args.csv.iter().try_for_each(|path| check_writable(path))?;
    let settings = context.config.settings()?;
    let lang = context.lang;
    let job = Job {
        size_set: settings.size_sets.of(&args.vertical).sizes.clone(),
        limits: (&context.config.limits).into(),
        expectation: args.expect.as_deref().map(Expectation::read).transpose()?,
        folder: args.folder.clone(),
        vertical: args.vertical,
        fix: args.fix.clone(),
        lang,
    };
    let Some(done) = signals::interruptible(move |stop| job.run(&stop)).await? else {
        note(lang.pick("interrupted: run it again", "중단되었습니다. 다시 실행해 주세요"));
        return Ok(Exit::Interrupted);
    };
    let Some(Done { report, fixed }) = done? else { return Ok(Exit::Interrupted) };
    if let Some(file) = &args.csv {
        write_file(file, &csv_of(&report.findings, lang))?;
    }
    if context.json {
        report.findings.iter().try_for_each(json_line)?;
        json_line(&Last { summary: &report.summary, fixed: fixed.as_ref() })?;
    } else {
        lines(text::of_report(&report, lang))?;
        if let (Some(fixed), Some(out)) = (&fixed, &args.fix) {
            lines(text::of_fixed(fixed, out, lang))?;
        }
    }
    if report.summary.files == 0 && args.expect.is_none() {
        return Err(nothing_there(&args.folder).into());
    }
    Ok(if report.summary.errors > 0 { Exit::Refused } else { Exit::Complete })
}

/// Nothing found in nothing is no proof of anything.
fn nothing_there(folder: &Path) -> Error {
    let doing = format!("find photos in {}: it has no files", folder.display());
    let korean = format!("{} 에 파일이 없습니다. 폴더를 확인해 주세요", folder.display());
    Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean)
}

impl Job {
    fn run(self, stop: &Arc<AtomicBool>) -> cameo::model::error::Result<Option<Done>> {
        let source = Source::open(&self.folder, self.limits.max_bytes)?;
        let meter = Meter::new(&Text::new("checking", "점검 중"), self.lang);
        let check = Check {
            source: &source,
            vertical: &self.vertical,
            size_set: &self.size_set,
            limits: &self.limits,
            expectation: self.expectation.as_ref(),
            known: &NothingKnown,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            stop,
            progress: &|progress| meter.set(progress.files, progress.of_files),
        };
        let report = check.run();
        meter.finish();
        let Some(report) = report else { return Ok(None) };
        let fixed = match &self.fix {
            Some(out) => match copy_fixed(&source, &report, out, stop)? {
                Some(fixed) => Some(fixed),
                None => return Ok(None),
            },
            None => None,
        };
        Ok(Some(Done { report, fixed }))
    }
}
