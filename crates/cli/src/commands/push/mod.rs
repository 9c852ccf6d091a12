//! `cameo push`: check a folder, record what is handed over, send what the server lacks, wait, and report who must act.
//!
//! It can be ended at any point and run again: it goes on, and ends in the same state.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use cameo::{
    client::Client,
    model::{
        error::{Error, Kind, Place},
        key::Vertical,
        lang::{Lang, Text},
    },
    preflight::{Check, Expectation, Report, Source},
    push::{
        delivery,
        hashes::KnownHashes,
        plan::{Asked, accepted},
        send::{Sending, Sent},
        wait,
    },
};

use super::{Context, line, lines, note, progress::Meter, scope::parse_vertical, server::ServerArgs, signals};
use crate::exit::Exit;

mod content;
mod known;
mod output;

use content::SourceContents;
use known::AcceptedFiles;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo push ./photos --vertical ssgdfm_eye --wait\n  cameo push photos.zip --vertical ssgdfm_eye --expect handed-over.xlsx --wait --lang ko\n  \
cameo push ./photos --vertical ssgdfm_eye --skip-faulty --wait --json\n\n\
The folder is checked first, as by `cameo check`; faults end it with exit code 3 before a byte is sent, unless --skip-faulty leaves the faulty files out. \
The list of what is handed over is recorded as a delivery. Run it again at any time: it goes on, and sends only what is missing or differs.\n\n\
Exit codes: 0 everything was sent, with --wait: is live; 3 the check found faults and nothing was sent; 4 only rejected, skipped or promised photos are left; \
5 something is pending or was not sent, run it again; 6 the token is not accepted; 130 interrupted, run it again."
)]
pub(crate) struct Args {
    /// Folder with the photos, or a .zip of it
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The vertical that the photos belong to
    #[arg(long, value_name = "V", value_parser = parse_vertical)]
    vertical: Vertical,
    /// Wait until nothing is pending
    #[arg(long)]
    wait: bool,
    /// Send what is ready and leave out what is faulty; the report lists it
    #[arg(long)]
    skip_faulty: bool,
    /// List of what was promised; it is kept with the delivery, which is complete only with all of it
    #[arg(long, value_name = "LIST")]
    expect: Option<PathBuf>,
    /// A note that is kept with the delivery
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Where the table of what failed is written [default: failed.csv, where something failed]
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

/// One push.
struct Push<'p> {
    context: &'p Context,
    args: &'p Args,
    lang: Lang,
    client: Client,
    expectation: Option<Expectation>,
}

/// A folder that was looked at.
struct Checked {
    source: Arc<Source>,
    report: Report,
}

/// What became of the files that are ready.
struct SentFiles {
    files: Vec<Asked>,
    states: Vec<Sent>,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let push = Push {
        context,
        lang: context.lang,
        client: args.server.client(context)?,
        expectation: args.expect.as_deref().map(Expectation::read).transpose()?,
        args: &args,
    };
    let Some(checked) = push.check().await? else { return Ok(push.interrupted()) };
    if checked.report.files.is_empty() && push.expectation.is_none() {
        let doing = format!("find photos in {}: it has no files", args.folder.display());
        return Err(Error::new(Place::System, Kind::Misconfigured, doing).into());
    }
    let is_faulty = checked.report.summary.errors > 0;
    if (is_faulty && !args.skip_faulty) || checked.report.summary.ready == 0 {
        push.say_refused(&checked.report)?;
        return Ok(Exit::Refused);
    }
    let content = output::record(&args, &checked.source, &checked.report, push.expectation.as_ref());
    let delivery = delivery::record(&push.client, &args.vertical, content).await?;
    if !context.json {
        line(&output::begun(&delivery, &checked.report, push.lang))?;
    }
    let Some(sent) = push.send(&checked).await? else { return Ok(push.interrupted()) };
    push.finish(&delivery.delivery, &sent).await
}

impl Push<'_> {
    /// Looks at the folder; what the server has accepted as it is is not decoded again. None where it was interrupted.
    async fn check(&self) -> anyhow::Result<Option<Checked>> {
        let settings = self.context.config.settings()?;
        let limits: cameo_image::Limits = (&self.context.config.limits).into();
        let size_set = settings.size_sets.of(&self.args.vertical).sizes.clone();
        let (folder, max_bytes) = (self.args.folder.clone(), limits.max_bytes);
        let source = Arc::new(tokio::task::spawn_blocking(move || Source::open(&folder, max_bytes)).await??);
        let cache = self.context.environment.cache_folder();
        let hashes = KnownHashes::of(&source, cache.as_deref());
        let accepted = accepted(&self.client, &self.args.vertical, &self.known_files(&source, &hashes)).await?;
        let mut known = AcceptedFiles { hashes, accepted };
        let (vertical, expectation, lang) = (self.args.vertical.clone(), self.expectation.clone(), self.lang);
        let now = SystemTime::from(self.context.clock.now());
        let work = {
            let source = source.clone();
            move |stop: Arc<std::sync::atomic::AtomicBool>| {
                let meter = Meter::new(&Text::new("checking", "점검 중"), lang);
                let check = Check {
                    source: &source,
                    vertical: &vertical,
                    size_set: &size_set,
                    limits: &limits,
                    expectation: expectation.as_ref(),
                    known: &known,
                    threads: std::thread::available_parallelism().map_or(1, usize::from),
                    stop: &stop,
                    progress: &|progress| meter.set(progress.files, progress.of_files),
                };
                let report = check.run();
                meter.finish();
                if let Some(report) = &report {
                    let found =
                        report.files.iter().filter_map(|file| Some((&source.entries()[file.entry], file.hashes?)));
                    known.hashes.replace(found, now);
                }
                report
            }
        };
        let report = signals::interruptible(work).await?.flatten();
        Ok(report.map(|report| Checked { source, report }))
    }

    /// The photos whose hashes are known from an earlier run.
    fn known_files(&self, source: &Source, hashes: &KnownHashes) -> Vec<Asked> {
        let is_photo = |name: &str| cameo::model::key::PhotoId::parse(&self.args.vertical, name).is_ok();
        let entries = source.entries().iter().filter(|entry| is_photo(&entry.name));
        let known = |entry: &cameo::preflight::Entry| {
            Some(Asked { name: entry.name.clone(), size: entry.size, hashes: hashes.get(entry)? })
        };
        entries.filter_map(known).collect()
    }

    /// Sends the files that are ready and that the server lacks. None where it was interrupted.
    async fn send(&self, checked: &Checked) -> anyhow::Result<Option<SentFiles>> {
        let (places, files) = output::ready(&checked.source, &checked.report);
        let contents = SourceContents { source: checked.source.clone(), places };
        let meter = Meter::new(&Text::new("sending", "전송 중"), self.lang);
        let (done, all) = (std::sync::atomic::AtomicU64::new(0), files.len() as u64);
        let states = signals::interruptible_future(async |stop| {
            let sending = Sending {
                client: &self.client,
                vertical: &self.args.vertical,
                files: &files,
                contents: &contents,
                stop,
            };
            let heard = |_: &Asked, _: &Sent| {
                meter.set(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, all);
            };
            sending.run(heard).await
        });
        let states = states.await?;
        meter.finish();
        let Some(states) = states.transpose()? else { return Ok(None) };
        Ok(Some(SentFiles { files, states }))
    }

    /// Waits where that was asked for, and reports.
    async fn finish(&self, delivery: &str, sent: &SentFiles) -> anyhow::Result<Exit> {
        if !self.context.json {
            line(&output::sent(sent, self.lang))?;
        }
        if self.args.wait {
            let meter = Meter::new(&Text::new("registering", "등록 중"), self.lang);
            let waited = signals::interruptible_future(async |stop| {
                let heard = |state: &cameo::client::wire::DeliveryState| {
                    meter.set(state.summary.photos - state.summary.pending, state.summary.photos);
                };
                wait::until_final(&self.client, delivery, stop, heard).await
            });
            let waited = waited.await?;
            meter.finish();
            if waited.transpose()?.flatten().is_none() {
                return Ok(self.interrupted());
            }
        }
        let report = super::report::of_server(&self.client, delivery, self.lang).await?;
        output::finish(self.context, self.args, &output::with_failures(report, sent), self.lang)
    }

    fn say_refused(&self, report: &Report) -> anyhow::Result<()> {
        if self.context.json {
            return output::print_refused(report, &self.args.vertical, self.lang);
        }
        lines(super::check::text::of_report(report, self.lang))?;
        note(self.lang.pick(
            "nothing was sent; fix the faults, or leave the faulty files out with --skip-faulty",
            "아무것도 올리지 않았습니다. 오류를 고치거나 --skip-faulty 로 문제 있는 파일을 빼고 올리세요",
        ));
        Ok(())
    }

    fn interrupted(&self) -> Exit {
        note(
            self.lang.pick("interrupted: run it again, and it goes on", "중단되었습니다. 다시 실행하면 이어서 합니다"),
        );
        Exit::Interrupted
    }
}
