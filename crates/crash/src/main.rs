//! `cameo-crash`: reads the command line, runs one way of crashing, and ends with 0 only when every promise was kept.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use cameo::failpoint::{Bug, Point};
use cameo_crash::{
    disk_full,
    distributed::{self, Database, Refusal},
    failpoints,
    findings::Summary,
    fsync_error,
    program::{self, Build},
    refusals::{self, Fault},
    restore,
    run::{Options, RunReport, power_cuts, random_kills},
    server::Launcher,
    syscalls,
};
use clap::Parser;

/// How often a server is killed where nothing else is said.
const KILLS: u64 = 100;

/// Kills the server under load and checks that nothing acknowledged is lost, nothing stands twice, nothing is left.
#[derive(Debug, Parser)]
#[command(
    name = "cameo-crash",
    max_term_width = 100,
    after_help = "Examples:\n  \
cameo-crash --kills 1000 --seed 7 --json\n  cameo-crash --failpoints --times 20\n  \
cameo-crash --planted-bug no-fsync\n  cameo-crash --syscalls 100\n  cameo-crash --disk-full\n  \
cameo-crash --fsync-error\n  cameo-crash --refusals 300\n  cameo-crash --kills 100 --reconfigure\n  cameo-crash --restore 8\n  cameo-crash --kills 100 --lazyfs \"$(scripts/lazyfs)\"\n  \
cameo-crash --distributed mariadb --kills 500 --clients 4"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
struct Cli {
    /// How often the server, or a worker, is killed [default: 100; none with --refusals]
    #[arg(long)]
    kills: Option<u64>,
    /// How often a place refuses: a full disk, revoked rights, a locked database, a refused row … (needs cc; some need root)
    #[arg(long, value_name = "FAULTS", conflicts_with_all = ["failpoints", "syscalls", "disk_full", "fsync_error", "lazyfs", "planted_bug"])]
    refusals: Option<u64>,
    /// Change settings at restarts: size sets, aliases, the public address; `cameo reconcile --apply` must make all as they say
    #[arg(long, conflicts_with_all = ["failpoints", "syscalls", "disk_full", "fsync_error", "refusals", "distributed"])]
    reconfigure: bool,
    /// Take the database away so often: gone, empty, damaged, put back from a copy; `cameo recover` must bring everything back
    #[arg(long, value_name = "TIMES", conflicts_with_all = ["failpoints", "syscalls", "disk_full", "fsync_error", "lazyfs", "refusals", "reconfigure", "distributed"])]
    restore: Option<u64>,
    /// This refusal alone
    #[arg(long, value_name = "NAME", requires = "refusals")]
    refusal: Option<String>,
    /// Data folders, one after the other, that the kills are spread over: each look at a large one takes long
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    folders: u64,
    /// Cut the power in place of killing: the program `LazyFS`, a file system that forgets what was not synced
    #[arg(long, value_name = "PATH")]
    lazyfs: Option<PathBuf>,
    /// What chance depends on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients that work side by side
    #[arg(long, default_value_t = 12)]
    clients: u64,
    /// The longest life of a server once it is ready, and the longest time between two faults, milliseconds
    #[arg(long, default_value_t = 1200)]
    life_max_ms: u64,
    /// How long a refusal lasts at most, milliseconds, but for a few that last 20 s
    #[arg(long, default_value_t = 3000)]
    fault_max_ms: u64,
    /// After so many faults everything is checked on a quiet server
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..))]
    check_every: u64,
    /// Let the server end itself at each step of the flow instead
    #[arg(long, conflicts_with_all = ["syscalls", "disk_full", "fsync_error", "lazyfs"])]
    failpoints: bool,
    /// How often at each step
    #[arg(long, default_value_t = 20)]
    times: u64,
    /// This step alone
    #[arg(long, value_name = "NAME")]
    point: Option<String>,
    /// Check the order of system calls on so many uploads instead (needs strace)
    #[arg(long, value_name = "UPLOADS", conflicts_with_all = ["disk_full", "fsync_error", "lazyfs"])]
    syscalls: Option<u64>,
    /// Fill the disk instead (needs root, for a small one of its own)
    #[arg(long, conflicts_with_all = ["fsync_error", "lazyfs"])]
    disk_full: bool,
    /// Kill workers on S3, SQS and this database instead: mariadb or postgres
    #[arg(long, value_name = "DATABASE", value_parser = database, conflicts_with_all = ["failpoints", "syscalls", "disk_full", "fsync_error", "lazyfs", "planted_bug", "folders"])]
    distributed: Option<Database>,
    /// Workers that work side by side
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// How long the database is stopped in the middle of the run, seconds
    #[arg(long, default_value_t = 60)]
    outage_s: u64,
    /// Let fsync fail instead (needs strace)
    #[arg(long, conflicts_with = "lazyfs")]
    fsync_error: bool,
    /// Plant a bug that must be caught: no-fsync, synchronous-normal, acknowledge-before-commit,
    /// delete-message-before-commit
    #[arg(long, value_name = "NAME")]
    planted_bug: Option<String>,
    /// The command under test, in place of one that is built now
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Where the run's folder is made, in place of the system's for temporary files
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print only the figures, as JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    cameo::tls::install_crypto_provider();
    match run(&cli).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cameo-crash: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs; true when every promise was kept. The folders are kept where one was not.
async fn run(cli: &Cli) -> Result<bool> {
    let bug = cli.planted_bug.as_deref().map(|name| Bug::of_name(name).with_context(|| format!("no bug is {name:?}")));
    let bug = bug.transpose()?;
    let program = match &cli.server {
        Some(path) => std::path::absolute(path)?,
        None if cli.distributed.is_some() => program::build(Build::Distributed)?,
        None if cli.failpoints || bug.is_some() => program::build(Build::Failpoints)?,
        None => program::build(Build::Embedded)?,
    };
    let mut summary: Option<Summary> = None;
    for number in 0..cli.folders {
        let next = run_in_a_folder(cli, &program, bug, number).await?;
        summary = Some(summary.map_or(next.clone(), |summary| summary.and(&next)));
    }
    let summary = summary.context("there is no folder")?;
    if cli.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        println!("{summary}");
    }
    Ok(summary.holds())
}

/// Runs in a folder of its own, the `number`-th of the run.
async fn run_in_a_folder(cli: &Cli, program: &Path, bug: Option<Bug>, number: u64) -> Result<Summary> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("cameo-crash-");
    let folder = match &cli.folder {
        Some(parent) => builder.tempdir_in(parent),
        None => builder.tempdir(),
    };
    let folder = folder.context("failed to make the run's folder")?;
    let mut launcher = Launcher::new(program, folder.path())?;
    launcher.environment.extend(bug.map(|bug| ("CAMEO_PLANTED_BUG".to_owned(), bug.name().to_owned())));
    let summary = run_in(cli, launcher, bug, number).await;
    if !matches!(&summary, Ok(summary) if summary.holds()) {
        eprintln!("the run's folder is kept: {}", folder.keep().display());
    }
    summary
}

async fn run_in(cli: &Cli, launcher: Launcher, bug: Option<Bug>, number: u64) -> Result<Summary> {
    if let Some(database) = cli.distributed {
        return run_distributed(cli, &launcher, database).await;
    }
    // Only the order of calls shows these where the disk forgets nothing.
    let needs_order = cli.lazyfs.is_none() && matches!(bug, Some(Bug::NoFsync | Bug::SynchronousNormal));
    if let Some(puts) = cli.syscalls.or(needs_order.then_some(20)) {
        return run_syscalls(cli, launcher, puts).await;
    }
    if cli.disk_full {
        return run_disk_full(cli, launcher).await;
    }
    if cli.fsync_error {
        return run_fsync_error(cli, launcher).await;
    }
    if let Some(times) = cli.restore {
        return Ok(told(restore::restore(launcher, share(times, cli, number), cli.clients, cli.seed + number).await?));
    }
    if let Some(refusals) = cli.refusals {
        return run_refusals(cli, launcher, refusals, number).await;
    }
    let options = Options {
        kills: share(cli.kills.unwrap_or(KILLS), cli, number),
        seed: cli.seed + number,
        clients: cli.clients,
        life_max: Duration::from_millis(cli.life_max_ms),
        check_every: cli.check_every,
        reconfigure: cli.reconfigure,
        stop_at_first: bug.is_some(),
    };
    if cli.failpoints {
        let (outcome, deaths) = failpoints::die_everywhere(launcher, &options, &points(cli)?, cli.times).await?;
        for deaths in deaths.iter().filter(|deaths| deaths.times < cli.times) {
            eprintln!("NOT REACHED often enough: {} ({} of {})", deaths.point.name(), deaths.times, cli.times);
        }
        return Ok(told(outcome));
    }
    Ok(told(match &cli.lazyfs {
        Some(lazyfs) => power_cuts(launcher, lazyfs, &options).await?,
        None => random_kills(launcher, &options).await?,
    }))
}

/// What falls to the `number`-th folder.
fn share(all: u64, cli: &Cli, number: u64) -> u64 {
    all / cli.folders + u64::from(number < all % cli.folders)
}

async fn run_refusals(cli: &Cli, launcher: Launcher, refusals: u64, number: u64) -> Result<Summary> {
    let only =
        cli.refusal.as_deref().map(|name| Fault::of_name(name).with_context(|| format!("no refusal is {name:?}")));
    let options = refusals::Options {
        refusals: share(refusals, cli, number),
        kills: share(cli.kills.unwrap_or(0), cli, number),
        seed: cli.seed + number,
        clients: cli.clients,
        fault_max: Duration::from_millis(cli.fault_max_ms),
        long_ones: true,
        check_every: cli.check_every,
        only: only.transpose()?,
    };
    let outcome = refusals::refuse(launcher, &options).await?;
    outcome.map(told).context("SKIPPED: nothing can be refused without a C compiler")
}

fn database(name: &str) -> Result<Database, String> {
    match name {
        "mariadb" => Ok(Database::MariaDb),
        "postgres" => Ok(Database::Postgres),
        _ => Err("known are mariadb and postgres".to_owned()),
    }
}

async fn run_distributed(cli: &Cli, launcher: &Launcher, database: Database) -> Result<Summary> {
    let known = |name| Refusal::of_name(name).with_context(|| format!("no refusal beyond one machine is {name:?}"));
    let only = cli.refusal.as_deref().map(known);
    let options = distributed::Options {
        kills: cli.kills.unwrap_or(if cli.refusals.is_some() { 0 } else { KILLS }),
        seed: cli.seed,
        clients: cli.clients,
        workers: cli.workers.into(),
        pause_max: Duration::from_millis(cli.life_max_ms),
        check_every: cli.check_every,
        outage: Duration::from_secs(cli.outage_s),
        refusals: cli.refusals.unwrap_or(0),
        only: only.transpose()?,
        fault_max: Duration::from_millis(cli.fault_max_ms),
        long_ones: true,
    };
    let Some(outcome) = distributed::run(database, &launcher.program, &launcher.folder, &options).await? else {
        bail!("SKIPPED: the database's server or ministack is not installed");
    };
    for line in outcome.findings.lines() {
        eprintln!("{line}");
    }
    eprintln!("{:?}", outcome.faults);
    Ok(outcome.summary)
}

fn points(cli: &Cli) -> Result<Vec<Point>> {
    match cli.point.as_deref() {
        None => Ok(Point::ALL.to_vec()),
        Some(name) => match Point::of_name(name) {
            Some(point) => Ok(vec![point]),
            None => bail!("no step is {name:?}"),
        },
    }
}

/// Tells what was found; returns the figures.
fn told(outcome: RunReport) -> Summary {
    for line in outcome.findings.lines() {
        eprintln!("{line}");
    }
    eprintln!("{} deletions acknowledged, {} looks at the running server", outcome.deletions, outcome.looks);
    outcome.summary
}

async fn run_syscalls(cli: &Cli, launcher: Launcher, puts: u64) -> Result<Summary> {
    let verdict = syscalls::trace(launcher, puts).await?;
    for line in verdict.broken.iter().take(20) {
        eprintln!("{line}");
    }
    eprintln!("{} of {puts} answers traced, {} broken promises", verdict.answers, verdict.broken.len());
    let findings = verdict.into_findings(puts);
    Ok(Summary::new(0, puts, 0, &findings, cli.seed))
}

async fn run_disk_full(cli: &Cli, launcher: Launcher) -> Result<Summary> {
    let Some((outcome, refusals)) = disk_full::fill(launcher, cli.seed).await? else {
        bail!("SKIPPED: a small disk cannot be mounted here; run as root");
    };
    eprintln!("{} clear refusals; healed {} ms after space returned", refusals.clear, refusals.healed_after_ms);
    Ok(told(outcome))
}

async fn run_fsync_error(cli: &Cli, launcher: Launcher) -> Result<Summary> {
    let (outcome, seen) = fsync_error::fail(launcher, cli.seed).await?;
    eprintln!("{} calls failed, {} uploads acknowledged after the first", seen.failures, seen.answered_after);
    ensure!(seen.answered_after == 0, "an upload was acknowledged after an fsync had failed");
    Ok(told(outcome))
}
