//! A run: the server is killed again and again under load, and what stands is compared with what was acknowledged.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use md5::{Digest, Md5};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    check::{self, Leftovers},
    findings::{Broken, Findings, Summary},
    journal::Journal,
    lazyfs::LazyDisk,
    load::{Habits, Load, Shared},
    originals::Pool,
    server::{Addresses, KEEP_OLD, Launcher, Server},
    snapshot::{Snapshot, messages},
    watch::Watcher,
};

/// How long a server may take to handle any message of those that wait, and to sweep.
const QUIET_TIMEOUT: Duration = Duration::from_mins(4);
/// How long a server may take to remove what failed changes left behind: it looks each minute.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(150);
/// How often it is looked whether it is quiet.
const POLL: Duration = Duration::from_millis(100);
/// One life of so many is ended while the server still starts.
const STARTS_KILLED: u32 = 8;

/// The exit code of a verification whose only findings are rejected originals.
const REJECTED: i32 = 4;
/// The exit code of a command that sent something on its way.
const IN_FLIGHT: i32 = 5;
/// What is told of a command's output, characters.
const TOLD_OF_OUTPUT: usize = 600;
/// One start of so many has other settings.
const STARTS_CHANGED: u32 = 3;

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often the server is killed.
    pub kills: u64,
    /// What chance depends on.
    pub seed: u64,
    /// Clients that work side by side.
    pub clients: u64,
    /// The longest life of a server after it is ready.
    pub life_max: Duration,
    /// After so many kills everything is checked on a quiet server.
    pub check_every: u64,
    /// Whether settings change at restarts.
    pub reconfigure: bool,
    /// Whether the run ends with the first finding.
    pub stop_at_first: bool,
}

/// What came out of a run.
#[derive(Debug)]
pub struct RunReport {
    /// The figures.
    pub summary: Summary,
    /// What was found.
    pub findings: Findings,
    /// Deletions that were acknowledged.
    pub deletions: u64,
    /// How often the watcher looked.
    pub looks: u64,
}

/// A server under load, with its watcher.
#[derive(Debug)]
pub struct Run {
    launcher: Launcher,
    shared: Arc<Shared>,
    watcher: Watcher,
    findings: Findings,
    rejected: u64,
    dead_letters: u64,
    /// Whether settings change at restarts: then everything is as they say after `cameo reconcile --apply`.
    reconfigures: bool,
    habits: Habits,
    /// Whether files may lie about until a start.
    pub(crate) leftovers: Leftovers,
    seed: u64,
    // Last: unmounted after nothing looks at it any more.
    disk: Option<LazyDisk>,
}

impl Run {
    /// Nothing has run yet.
    pub fn new(launcher: Launcher, seed: u64) -> Result<Self> {
        let watcher = Watcher::start(launcher.database(), launcher.data());
        Ok(Self {
            launcher,
            shared: Shared::new()?,
            watcher,
            findings: Findings::default(),
            rejected: 0,
            dead_letters: 0,
            reconfigures: false,
            habits: Habits::All,
            leftovers: Leftovers::InQuarantine,
            seed,
            disk: None,
        })
    }

    /// Nothing has run yet, and the data folder is a disk that forgets what was not synced: `lazyfs` is the program.
    pub fn on_lazy_disk(launcher: Launcher, lazyfs: &Path, seed: u64) -> Result<Self> {
        let disk = LazyDisk::mount(lazyfs, &launcher.folder, &launcher.data())?;
        Ok(Self { disk: Some(disk), ..Self::new(launcher, seed)? })
    }

    /// Starts clients; they work whenever a server is up.
    pub fn load(&self, clients: u64) -> Load {
        Load::start(&self.shared, clients, self.seed, self.habits)
    }

    /// Starts a server with these variables; none when it ended before it was ready.
    pub async fn start(&self, variables: &[(&str, String)]) -> Result<(Server, Option<Addresses>)> {
        let (server, addresses) = self.start_unwatched(variables).await?;
        if addresses.is_some() {
            self.watch().await;
        }
        Ok((server, addresses))
    }

    /// The same, and nobody looks beside it before [`watch`](Self::watch).
    pub(crate) async fn start_unwatched(&self, variables: &[(&str, String)]) -> Result<(Server, Option<Addresses>)> {
        let mut server = self.launcher.spawn(variables)?;
        let addresses = server.ready().await?;
        if let Some(addresses) = &addresses {
            self.launcher.publish(addresses);
            self.shared.announce(&addresses.s3)?;
        }
        Ok((server, addresses))
    }

    /// From here on the watcher looks.
    pub(crate) async fn watch(&self) {
        self.watcher.server_is_up().await;
    }

    /// How servers are started.
    pub(crate) fn launcher(&self) -> &Launcher {
        &self.launcher
    }

    /// Clients that are started from here on put no bad originals over good ones: what is rendered of those cannot be made again.
    pub(crate) fn keep_to_what_can_be_made_again(&mut self) {
        self.habits = Habits::NoBadReplacements;
    }

    /// The database was lost, or is another one.
    pub(crate) async fn forget_the_database(&self) {
        self.watcher.forget_files().await;
        self.watcher.forget_generations().await;
    }

    /// What clients and the run share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Notes a finding of somebody who looks beside the checks.
    pub(crate) fn note(&mut self, broken: Broken, subject: impl Into<String>, what: impl std::fmt::Display) {
        self.findings.add(broken, subject, what);
    }

    /// What is uploaded.
    pub fn pool(&self) -> &Pool {
        &self.shared.pool
    }

    /// What was acknowledged.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Ends the server at once: by SIGKILL, or by a power cut where the disk forgets. Then it is looked at what stands.
    pub async fn cut(&mut self, server: &mut Server) -> Result<()> {
        if let Some(disk) = &mut self.disk {
            self.watcher.pause().await;
            disk.cut()?;
            server.kill().await?;
            disk.unplug()?;
            disk.power_on()?;
            self.watcher.forget_files().await;
        } else {
            server.kill().await?;
        }
        self.look_at_the_dead().await
    }

    /// The server is dead: a last look before the next one starts.
    pub async fn look_at_the_dead(&self) -> Result<()> {
        self.watcher.server_is_dead().await
    }

    /// Whether something was found so far.
    pub async fn has_findings(&self) -> bool {
        !self.findings.is_empty() || self.watcher.has_findings().await
    }

    /// Holds the clients, waits until everything is handled, and checks everything.
    pub async fn check(&mut self, addresses: Option<&Addresses>) -> Result<()> {
        let shared = self.shared.clone();
        let _nobody_works = shared.gate.write().await;
        self.wait_or_note().await;
        if self.reconfigures {
            self.reconcile().await?;
            self.wait_or_note().await;
        }
        let snapshot = Snapshot::of(&self.launcher.database())?;
        let data = self.launcher.data();
        let (findings, rejected) = check::when_quiet(
            &snapshot,
            &data,
            self.leftovers,
            &self.launcher.settings,
            &shared.pool,
            &shared.journal,
        )?;
        self.findings.extend(findings);
        self.rejected = rejected;
        self.dead_letters = (snapshot.dead_letters.len() - snapshot.unexplained_letters().count()) as u64;
        if addresses.is_some() || self.reconfigures || self.leftovers == Leftovers::WaitForTheSweep {
            self.verify().await?;
        }
        if let Some(addresses) = addresses {
            self.findings.extend(check_served(&snapshot, addresses).await?);
        }
        Ok(())
    }

    async fn wait_or_note(&mut self) {
        if let Err(error) = self.wait_until_quiet().await {
            self.findings.add(Broken::Lost, "messages", format!("{error:#}"));
        }
    }

    /// Brings everything to what the current settings say.
    async fn reconcile(&mut self) -> Result<()> {
        let (code, said) = self.launcher.command(&["reconcile", "--apply"]).await?;
        if !code.is_some_and(|code| [0, REJECTED, IN_FLIGHT].contains(&code)) {
            let what = format!("it ended with {code:?}: {}", tail(&said));
            self.findings.add(Broken::Lost, format!("cameo reconcile ({})", self.launcher.settings.told()), what);
        }
        Ok(())
    }

    /// `cameo verify` says what the harness found: everything is complete, or some originals are rejected.
    async fn verify(&mut self) -> Result<()> {
        let ended = self.launcher.command(&["verify"]).await?;
        if let Some(what) = verify_differs(ended, self.rejected) {
            self.findings.add(Broken::Lost, format!("cameo verify ({})", self.launcher.settings.told()), what);
        }
        Ok(())
    }

    /// Waits until every message is handled: as long as they become fewer, however slow the machine is.
    pub async fn wait_until_quiet(&self) -> Result<()> {
        let database = self.launcher.database();
        let (mut fewest, mut since) = (None, Instant::now());
        loop {
            let waiting = messages(&database)?;
            if waiting == 0 {
                return Ok(());
            }
            if fewest.is_none_or(|fewest| waiting < fewest) {
                (fewest, since) = (Some(waiting), Instant::now());
            }
            ensure!(since.elapsed() < QUIET_TIMEOUT, "{waiting} messages are still waiting");
            sleep(POLL).await;
        }
    }

    /// Checks everything on a server of its own, then after a clean end and the clean-up times once more.
    pub async fn finish(mut self, kills: u64) -> Result<RunReport> {
        if self.leftovers == Leftovers::WaitForTheSweep {
            self.leftovers = if kills == 0 { Leftovers::AreWrong } else { Leftovers::InQuarantine };
        }
        for swept in [false, true] {
            let (server, addresses) = self.start(&[]).await?;
            let addresses = addresses.context("the server ended while it started")?;
            if swept {
                // Before anything is repaired: what that replaces is old content too, and a server sweeps at its start and then each ten minutes.
                self.check_swept().await?;
            }
            self.check(Some(&addresses)).await?;
            self.watcher.pause().await;
            server.end().await?;
            if !swept {
                sleep(KEEP_OLD + Duration::from_secs(1)).await;
            }
        }
        self.told(kills).await
    }

    /// What was found so far, without a look at what was not.
    async fn told(mut self, kills: u64) -> Result<RunReport> {
        let (watched, looks) = self.watcher.end().await?;
        self.findings.extend(watched);
        let (uploads, deletions) = self.shared.journal.acknowledged();
        let summary = Summary::new(kills, uploads, self.rejected, &self.findings, self.seed);
        let summary = Summary { dead_letters: self.dead_letters, ..summary };
        Ok(RunReport { summary, findings: self.findings, deletions, looks })
    }

    /// The server that lives removes by itself what failed changes left behind.
    pub(crate) async fn check_settled(&mut self) -> Result<()> {
        self.check_until(SETTLE_TIMEOUT, check::strange_files).await
    }

    async fn check_swept(&mut self) -> Result<()> {
        self.check_until(QUIET_TIMEOUT, check::when_swept).await
    }

    /// Looks until nothing is found, or the time is over: what is found then stays a finding.
    async fn check_until(
        &mut self,
        timeout: Duration,
        check: impl Fn(&Snapshot, &Path) -> Result<Findings>,
    ) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let snapshot = Snapshot::of(&self.launcher.database())?;
            let findings = check(&snapshot, &self.launcher.data())?;
            if findings.is_empty() || Instant::now() > deadline {
                self.findings.extend(findings);
                return Ok(());
            }
            sleep(POLL).await;
        }
    }
}

/// The bytes that the public side sends are those of the rows.
async fn check_served(snapshot: &Snapshot, addresses: &Addresses) -> Result<Findings> {
    let mut findings = Findings::default();
    let client = reqwest::Client::builder().no_proxy().build().context("failed to set up the HTTP client")?;
    for row in &snapshot.rows {
        let response = client.get(format!("{}/{}", addresses.images, row.rendition)).send().await;
        let response = response.with_context(|| format!("failed to get {}", row.rendition))?;
        let status = response.status();
        let body = response.bytes().await.with_context(|| format!("failed to read {}", row.rendition))?;
        if !status.is_success() || hex::encode(Md5::digest(&body)) != row.etag {
            findings.add(Broken::Dangling, &row.rendition, format!("served with {status}, not as the row says"));
        }
    }
    Ok(findings)
}

/// Kills at random moments.
pub async fn random_kills(launcher: Launcher, options: &Options) -> Result<RunReport> {
    let run = Run::new(launcher, options.seed)?;
    many_lives(run, options).await
}

/// Cuts the power at random moments; `lazyfs` is the program that plays the disk.
pub async fn power_cuts(launcher: Launcher, lazyfs: &Path, options: &Options) -> Result<RunReport> {
    let run = Run::on_lazy_disk(launcher, lazyfs, options.seed)?;
    many_lives(run, options).await
}

/// The end of an output.
pub(crate) fn tail(output: &str) -> String {
    let from = output.char_indices().rev().nth(TOLD_OF_OUTPUT).map_or(0, |(at, _)| at);
    output[from..].replace('\n', " | ")
}

/// How a verification ended otherwise than the harness expects: everything is complete, or so many originals are rejected.
pub(crate) fn verify_differs((code, said): (Option<i32>, String), rejected: u64) -> Option<String> {
    let expected = if rejected == 0 { 0 } else { REJECTED };
    (code != Some(expected)).then(|| format!("it ended with {code:?}, not {expected}: {}", but_rejected(&said)))
}

/// What a verification says beside the originals that it calls rejected.
fn but_rejected(output: &str) -> String {
    let is_told = |line: &&str| !["rejected", " file.", " name."].iter().any(|word| line.contains(word));
    let (told, sums) = (output.lines().filter(is_told).collect::<Vec<_>>(), output.lines().last().unwrap_or_default());
    tail(&format!("{}\n{sums}", told.join("\n")))
}

async fn many_lives(mut run: Run, options: &Options) -> Result<RunReport> {
    if options.reconfigure {
        run.reconfigures = true;
        run.keep_to_what_can_be_made_again();
    }
    let mut rng = StdRng::seed_from_u64(options.seed);
    let load = run.load(options.clients);
    let mut kills = 0;
    while kills < options.kills {
        one_life(&mut run, &mut rng, options, kills).await?;
        kills += 1;
        if kills % 50 == 0 {
            let (uploads, _) = run.shared.journal.acknowledged();
            eprintln!("{kills} of {} kills, {uploads} uploads acknowledged", options.kills);
        }
        if options.stop_at_first && run.has_findings().await {
            break;
        }
    }
    load.end().await;
    // What is broken may never get quiet.
    let broken = options.stop_at_first && run.has_findings().await;
    if broken { run.told(kills).await } else { run.finish(kills).await }
}

async fn one_life(run: &mut Run, rng: &mut StdRng, options: &Options, number: u64) -> Result<()> {
    if number > 0 && rng.random_ratio(1, STARTS_KILLED) {
        let mut server = run.launcher.spawn(&[])?;
        sleep(Duration::from_millis(rng.random_range(0..150))).await;
        return run.cut(&mut server).await;
    }
    if options.reconfigure && rng.random_ratio(1, STARTS_CHANGED) {
        run.launcher.settings = run.launcher.settings.changed(rng);
    }
    let (mut server, addresses) = run.start(&[]).await?;
    ensure!(addresses.is_some(), "the server ended while it started; see {}", run.launcher.log().display());
    if number > 0 && number.is_multiple_of(options.check_every) {
        run.check(None).await?;
    }
    sleep(options.life_max.mul_f64(rng.random())).await;
    ensure!(server.is_running(), "the server ended by itself; see {}", run.launcher.log().display());
    run.cut(&mut server).await
}
