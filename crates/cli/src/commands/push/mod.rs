//! `cameo push`: check a folder, record what is handed over, send what the server lacks, wait, and report who must act.
//!
//! It can be ended at any point and run again: it goes on, and ends in the same state.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::SystemTime,
};

use cameo::{
    aws::profile::Profile,
    client::{
        Client,
        wire::{DeliveryState, Overview, UploadBucket},
    },
    model::{
        error::{Error, Kind, Place},
        key::Vertical,
        lang::{Lang, Text},
    },
    preflight::{Check, Expectation, Report, Source, expect::headers_help},
    proof::deliveries::{Summary, report::Line},
    push::{
        delivery,
        direct::Direct,
        hashes::KnownHashes,
        plan::{Asked, accepted},
        send::{FIRST_WAIT, Sending, Sent},
        wait,
    },
};

use super::{
    Context, line, lines, note, progress::Meter, scope::parse_vertical, server::ServerArgs, signals,
    write_file::check_writable,
};
use crate::exit::Exit;

mod content;
mod gaps;
mod known;
mod output;
mod refused;
mod rights;
mod words;

use content::SourceContents;
use known::AcceptedFiles;

/// What is below the options; the headers of lists come behind it.
const AFTER: &str = "Examples:\n  cameo push ./photos --vertical ssgdfm_eye --wait\n  cameo push photos.zip --vertical ssgdfm_eye --expect handed-over.xlsx --wait --lang ko\n  \
cameo push ./photos --vertical ssgdfm_eye --skip-faulty --wait --json\n  AWS_PROFILE=photos cameo push ./photos --vertical ssgdfm_eye --s3 --wait\n\n\
The folder is checked first, as by `cameo check`; faults end it with exit code 3 before a byte is sent, unless --skip-faulty leaves the faulty files out. \
The list of what is handed over is recorded as a delivery. Run it again at any time: it goes on, and sends only what is missing or differs.\n\n\
With --s3 the files go straight to the bucket, signed with the keys of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or of the \
profile AWS_PROFILE in ~/.aws; the endpoint is that of AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, else the one that the server names. Check, record, \
waiting and report stay with the server and its token.\n\n\
Exit codes: 0 everything was sent, with --wait: is live; 3 the check found faults and nothing was sent; 4 only rejected or skipped files are left; \
5 something is pending or was not sent, run it again; 7 something promised never came, or a photo was replaced or deleted in the meantime; 6 the token or the AWS keys are not accepted; 130 interrupted, run it again.";

#[derive(Debug, clap::Args)]
#[command(after_help = format!("{AFTER}\n\n{}", headers_help(Lang::En)))]
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
    /// Send the files to the S3 endpoint with AWS keys, not to addresses that the server hands out; keys come from the environment or ~/.aws
    #[arg(long)]
    s3: bool,
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
    /// The bucket, where files go straight to it.
    direct: Option<Direct>,
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
    if let Some(path) = &args.csv {
        check_writable(path)?;
    }
    let client = args.server.client(context)?;
    // Before the folder is looked at, which may take long.
    rights::check(&client, &args.vertical).await?;
    let push = Push {
        context,
        lang: context.lang,
        direct: if args.s3 { Some(direct(context, &client).await?) } else { None },
        client,
        expectation: args.expect.as_deref().map(Expectation::read).transpose()?,
        args: &args,
    };
    let Some(mut checked) = push.check().await? else { return Ok(push.interrupted()) };
    gaps::fill(&push.client, &args.vertical, &mut checked.report).await?;
    if checked.report.files.is_empty() && push.expectation.is_none() {
        let doing = format!("find photos in {}: it has no files", args.folder.display());
        let korean = format!("{} 에 파일이 없습니다. 폴더를 확인해 주세요", args.folder.display());
        return Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean).into());
    }
    let is_faulty = checked.report.summary.errors > 0;
    if (is_faulty && !args.skip_faulty) || checked.report.summary.ready == 0 {
        push.say_refused(&checked)?;
        return Ok(Exit::Refused);
    }
    let content = output::record(&args, &checked.source, &checked.report, push.expectation.as_ref());
    let delivery = delivery::record(&push.client, &args.vertical, content).await?;
    let settled = push.settled(&delivery.delivery).await?;
    if !context.json {
        line(&output::begun(&delivery, &checked.report, push.lang))?;
        for remark in output::remarks(&checked.report, push.lang) {
            note(&remark);
        }
        for text in output::not_again(&settled, push.lang) {
            note(&text);
        }
    }
    let Some(sent) = push.send(&checked, &settled).await? else { return Ok(push.interrupted()) };
    push.finish(&delivery.delivery, &sent).await
}

/// The bucket that the server names, and the user's own keys: looked for before anything else, since without them nothing can be sent.
async fn direct(context: &Context, client: &Client) -> anyhow::Result<Direct> {
    let profile = Profile::find(|name| context.environment.get(name))?;
    let bucket: UploadBucket = client.get("/api/v1/uploads").await?;
    Ok(Direct::new(bucket, profile)?)
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
        let accepted = self.accepted(&self.known_files(&source, &hashes)).await?;
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

    /// The files that the server has and has accepted, of those whose hashes are known.
    async fn accepted(&self, files: &[Asked]) -> anyhow::Result<BTreeMap<String, [u8; 16]>> {
        Ok(accepted(&self.client, &self.args.vertical, files, self.direct.is_none()).await?)
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

    /// What the report says of files whose very bytes somebody took down, moved or dismissed: sending them again would undo that.
    async fn settled(&self, delivery: &str) -> anyhow::Result<Vec<Line>> {
        // The report of a delivery that is not sent yet has a line for each of its files: mostly the counts say that none is settled.
        let path = format!("/api/v1/deliveries/{}?quick=true", delivery::encoded(delivery));
        let Summary { dismissed, moved, unpublished, .. } = self.client.get::<DeliveryState>(&path).await?.summary;
        if dismissed + moved + unpublished == 0 {
            return Ok(Vec::new());
        }
        let report = super::report::of_server(&self.client, delivery, self.lang).await?;
        Ok(report.lines.into_iter().filter(output::is_settled).collect())
    }

    /// Sends the files that are ready and that the server lacks, but for those that are settled. None where it was interrupted.
    async fn send(&self, checked: &Checked, settled: &[Line]) -> anyhow::Result<Option<SentFiles>> {
        let settled: BTreeSet<&str> = settled.iter().filter_map(|line| line.file.as_deref()).collect();
        let (places, files) = output::ready(&checked.source, &checked.report, |name| settled.contains(name));
        let contents = SourceContents { source: checked.source.clone(), places };
        let meter = Meter::new(&Text::new("sending", "전송 중"), self.lang);
        let (done, all) = (std::sync::atomic::AtomicU64::new(0), files.len() as u64);
        let states = signals::interruptible_future(async |stop| {
            let sending = Sending {
                client: &self.client,
                vertical: &self.args.vertical,
                files: &files,
                contents: &contents,
                direct: self.direct.as_ref(),
                clock: &*self.context.clock,
                first_wait: FIRST_WAIT,
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
                let heard = |state: &DeliveryState| {
                    meter.set(state.summary.photos - state.summary.pending, state.summary.photos);
                };
                self.say_window().await;
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

    /// Says until when nothing is registered: whoever waits may wait for hours. It is a word on the way, so a server that does not answer it
    /// ends nothing.
    async fn say_window(&self) {
        let Ok(Overview { registers_at: Some(at), .. }) = self.client.get("/api/v1/overview").await else { return };
        note(&match self.lang {
            Lang::En => format!(
                "the registration window is closed: what is sent is registered at {at}; interrupt with Ctrl-C, and run it again then"
            ),
            Lang::Ko => format!(
                "지금은 등록 시간이 아닙니다. 보낸 사진은 {at}에 등록됩니다. Ctrl-C 로 중단하고 그때 다시 실행해도 됩니다"
            ),
        });
    }

    fn say_refused(&self, Checked { source, report }: &Checked) -> anyhow::Result<()> {
        if self.context.json {
            return refused::print(source, report, &self.args.vertical);
        }
        lines(super::check::text::of_report(report, self.lang))?;
        note(&refused::text(report, self.args.skip_faulty, self.lang));
        Ok(())
    }

    fn interrupted(&self) -> Exit {
        note(
            self.lang.pick("interrupted: run it again, and it goes on", "중단되었습니다. 다시 실행하면 이어서 합니다"),
        );
        Exit::Interrupted
    }
}
