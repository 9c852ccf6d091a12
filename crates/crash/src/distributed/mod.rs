//! Workers beyond one machine: killed at random, beside a database that stops and connections that are cut at `COMMIT`; or on places
//! that answer and refuse.
//!
//! Clients upload to an emulator of S3, whose notifications reach the workers through SQS; rows go to a real MariaDB or
//! PostgreSQL, behind a proxy. The clients never stop meanwhile. In the end, and on the way, everything is compared as it
//! is for the embedded server, but for the files: those are the emulator's.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use cameo_testbed::{
    SqlServer,
    http_proxy::HttpProxy,
    mariadb::MariaDb,
    postgres::Postgres,
    proxy::{Cut, Proxy},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use self::{aws::LocalAws, fleet::Fleet, places::Backends};
use crate::{
    check,
    findings::{Broken, Findings, Summary},
    load::{Habits, Load, Shared},
    run::verify_differs,
    server::IMAGE_BUCKET,
    settings::Settings,
};

mod aws;
mod fleet;
mod places;
mod refusal;
mod refused;

pub use self::refusal::Refusal;

/// How long the workers may take for what waits.
const QUIET_TIMEOUT: Duration = Duration::from_mins(10);
/// How often it is looked whether anything waits, and how often in a row nothing must: a notification may be on its way.
const POLL: Duration = Duration::from_millis(300);
const QUIET_LOOKS: u32 = 4;
/// Messages that may wait before the clients do: the emulator is slower than they are.
const WAITING_MAX: u64 = 150;
/// More receives than a message can come to under kills, and those of the deployed queues.
const MANY_RECEIVES: u32 = 1000;
const DEPLOYED_RECEIVES: u32 = 20;
/// A database that is stopped at random is away so long at most.
const STOP_MAX: Duration = Duration::from_secs(3);

/// Whose database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// MariaDB.
    MariaDb,
    /// PostgreSQL.
    Postgres,
}

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often a worker is killed.
    pub kills: u64,
    /// What chance depends on.
    pub seed: u64,
    /// Clients that work side by side.
    pub clients: u64,
    /// Workers that work side by side.
    pub workers: usize,
    /// The longest time between two faults.
    pub pause_max: Duration,
    /// After so many kills everything is checked while nothing waits.
    pub check_every: u64,
    /// How long the database is away, once, in the middle of the run.
    pub outage: Duration,
    /// How often a place refuses, in place of kills.
    pub refusals: u64,
    /// This refusal alone.
    pub only: Option<Refusal>,
    /// How long a refusal lasts at most, but for the few long ones.
    pub fault_max: Duration,
    /// Whether some refusals are long.
    pub long_ones: bool,
}

/// What came out of a run.
#[derive(Debug)]
pub struct FleetReport {
    /// The figures.
    pub summary: Summary,
    /// What was found.
    pub findings: Findings,
    /// What was done beside killing.
    pub faults: Faults,
}

/// Faults beside kills.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// Connections that were cut before the server heard of a `COMMIT`.
    pub cut_before_commit: u64,
    /// Connections that were cut after a `COMMIT`, before its answer.
    pub cut_after_commit: u64,
    /// How often the database was stopped.
    pub stops: u64,
    /// Workers that ended by themselves and were started again.
    pub ended: u64,
    /// How often a place refused.
    pub refusals: u64,
    /// Requests that were answered in the place of store and queues.
    pub answered: u64,
}

struct Run {
    database: Database,
    server: Box<dyn SqlServer>,
    http_proxy: HttpProxy,
    proxy: Proxy,
    places: Backends,
    fleet: Fleet,
    shared: std::sync::Arc<Shared>,
    endpoint: String,
    rng: StdRng,
    findings: Findings,
    faults: Faults,
    rejected: u64,
    dead_letters: u64,
    settings: Settings,
    _aws: LocalAws,
}

/// Runs; none where a server or the emulator is not installed.
pub async fn run(database: Database, program: &Path, folder: &Path, options: &Options) -> Result<Option<FleetReport>> {
    let server: Option<Box<dyn SqlServer>> = match database {
        Database::MariaDb => MariaDb::install().map(|server| Box::new(server) as _),
        Database::Postgres => Postgres::install().map(|server| Box::new(server) as _),
    };
    let (Some(server), Some(aws)) = (server, LocalAws::start(max_receives(options)).await?) else { return Ok(None) };
    let mut run = Run::start(database, server, aws, program, folder, options).await?;
    let load = Load::start(&run.shared, options.clients, options.seed, Habits::All);
    let mut kills = 0;
    run.refuse(options).await?;
    let mut outage = Some(options.outage);
    while kills < options.kills {
        let killed = run.one_fault(options).await?;
        kills += killed;
        if killed > 0 && kills.is_multiple_of(options.check_every) {
            run.check().await?;
            eprintln!(
                "{kills} of {} kills, {} uploads acknowledged",
                options.kills,
                run.shared.journal.acknowledged().0
            );
        }
        if let Some(outage) = outage.take_if(|_| kills >= options.kills / 2) {
            run.stop_database(outage).await?;
        }
        run.wait_for_workers().await?;
    }
    load.end().await;
    run.check().await?;
    Ok(Some(run.outcome(kills, options.seed)))
}

/// How often the queues let a message be received. Kills count as receives; refusals must not use them up, so then it is what
/// `deploy/aws` has.
fn max_receives(options: &Options) -> u32 {
    if options.kills == 0 { DEPLOYED_RECEIVES } else { MANY_RECEIVES }
}

impl Run {
    async fn start(
        database: Database,
        server: Box<dyn SqlServer>,
        aws: LocalAws,
        program: &Path,
        folder: &Path,
        options: &Options,
    ) -> Result<Self> {
        let proxy = Proxy::start(server.socket()).await;
        let name = server.database();
        refusal::make_user(database, &*server)?;
        let http_proxy = HttpProxy::start(aws.endpoint());
        // The bucket itself is where the world gets images.
        let settings = Settings::at(&format!("{}/{IMAGE_BUCKET}", http_proxy.url));
        let places = Backends::open(&aws, &server.url(refusal::USER, name), &settings.public_url).await?;
        let url = server.url_at(proxy.port, name).replacen("root@", &format!("{}@", refusal::USER), 1);
        let fleet = Fleet::start(options.workers, program, folder, &http_proxy.url, (&url, &settings.public_url))?;
        let shared = Shared::new()?;
        shared.announce(aws.endpoint())?;
        Ok(Self {
            database,
            http_proxy,
            proxy,
            places,
            fleet,
            shared,
            endpoint: aws.endpoint().to_owned(),
            rng: StdRng::seed_from_u64(options.seed),
            findings: Findings::default(),
            faults: Faults::default(),
            rejected: 0,
            dead_letters: 0,
            settings,
            server,
            _aws: aws,
        })
    }

    /// After a while, one fault; returns how many workers were killed.
    async fn one_fault(&mut self, options: &Options) -> Result<u64> {
        sleep(options.pause_max.mul_f64(self.rng.random())).await;
        self.fleet.mind()?;
        // A client whose request failed goes on.
        self.shared.announce(&self.endpoint)?;
        match self.rng.random_range(0..12) {
            0 => self.cut(Cut::BeforeCommit),
            1 => self.cut(Cut::AfterCommit),
            2 => {
                let away = STOP_MAX.mul_f64(self.rng.random());
                self.stop_database(away).await?;
            }
            which => {
                self.fleet.kill_one(which).await?;
                return Ok(1);
            }
        }
        Ok(0)
    }

    /// Tells the proxy to cut; what it was told before is counted if it was done.
    fn cut(&mut self, cut: Cut) {
        let told = self.proxy.cut(cut);
        if told != Cut::Never {
            // Nobody committed since.
            self.count(told, -1);
        }
        self.count(cut, 1);
    }

    fn count(&mut self, cut: Cut, by: i64) {
        let counted = match cut {
            Cut::BeforeCommit => &mut self.faults.cut_before_commit,
            Cut::AfterCommit => &mut self.faults.cut_after_commit,
            Cut::Never | Cut::AfterSaid(_) => return,
        };
        *counted = counted.saturating_add_signed(by);
    }

    async fn stop_database(&mut self, away: Duration) -> Result<()> {
        tokio::task::block_in_place(|| self.server.stop());
        self.faults.stops += 1;
        let back = Instant::now() + away;
        while Instant::now() < back {
            sleep(POLL.min(back - Instant::now())).await;
            self.fleet.mind()?;
        }
        tokio::task::block_in_place(|| self.server.start());
        Ok(())
    }

    /// Holds the clients while too much waits.
    async fn wait_for_workers(&mut self) -> Result<()> {
        if self.places.waiting().await? > WAITING_MAX {
            let shared = self.shared.clone();
            let _nobody_uploads = shared.gate.write().await;
            self.wait_until(WAITING_MAX / 2, 1).await?;
        }
        Ok(())
    }

    /// Waits until at most so many messages wait, seen so often in a row.
    async fn wait_until(&mut self, most: u64, looks: u32) -> Result<()> {
        let deadline = Instant::now() + QUIET_TIMEOUT;
        let mut seen = 0;
        while seen < looks {
            let waiting = self.places.waiting().await?;
            seen = if waiting <= most { seen + 1 } else { 0 };
            ensure!(Instant::now() < deadline, "{waiting} messages still wait; see {}", self.fleet.log().display());
            sleep(POLL).await;
            self.fleet.mind()?;
        }
        Ok(())
    }

    /// Holds the clients, waits until everything is handled, and compares everything.
    async fn check(&mut self) -> Result<()> {
        let shared = self.shared.clone();
        let _nobody_uploads = shared.gate.write().await;
        self.cut(Cut::Never);
        if let Err(error) = self.wait_until(0, QUIET_LOOKS).await {
            self.findings.add(Broken::Lost, "messages", format!("{error:#}"));
        }
        let snapshot = self.places.snapshot().await.context("failed to look at what is there")?;
        let (findings, rejected) = check::what_stands(&snapshot, &self.settings, &shared.pool, &shared.journal);
        self.findings.extend(findings);
        self.rejected = rejected;
        self.verify().await?;
        self.dead_letters = (snapshot.dead_letters.len() - snapshot.unexplained_letters().count()) as u64;
        Ok(())
    }

    /// `cameo verify` says what the harness found: everything is complete, or some originals are rejected.
    async fn verify(&mut self) -> Result<()> {
        let ended = self.fleet.command(&["verify"]).await?;
        if let Some(what) = verify_differs(ended, self.rejected) {
            self.findings.add(Broken::Lost, "cameo verify", what);
        }
        Ok(())
    }

    fn outcome(self, kills: u64, seed: u64) -> FleetReport {
        let (uploads, _) = self.shared.journal.acknowledged();
        let summary = Summary::new(kills, uploads, self.rejected, &self.findings, seed);
        let summary = Summary { refusals: self.faults.refusals, dead_letters: self.dead_letters, ..summary };
        let faults = Faults { ended: self.fleet.ended, answered: self.http_proxy.struck(), ..self.faults };
        FleetReport { summary, findings: self.findings, faults }
    }
}
