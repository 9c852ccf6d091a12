//! Places that answer and refuse: a disk that is full, rights that are gone, a database that somebody locks, an engine that cannot
//! start, a row that the table does not take, an original that rotted.
//!
//! Each fault begins while clients upload, lasts a random time, and is taken back. The server must neither end nor lose anything; when
//! it is healed it takes the next upload at once and does by itself what waited. Only photos that the harness made impossible may be dead
//! letters. Unlike the rest of the harness, this writes beside the server: a trigger, a lock, a damaged file.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use object_store::aws::AmazonS3;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio::time::{Instant, sleep};

pub use self::fault::Fault;
use self::{
    fault::{Begun, Disk, Tools, possible},
    preload::Preload,
};
use crate::{
    check::Leftovers,
    findings::Broken,
    journal::Change,
    load::{Shared, bucket, probe_photo, put},
    originals::Photo,
    run::{Run, RunReport},
    server::{Addresses, Launcher, Server},
};

mod fault;
mod preload;

/// How often it is looked whether the server still runs, and clients whose request failed go on.
const POLL: Duration = Duration::from_millis(100);
/// One fault of so many lasts as long as [`LONG`]: longer than the receives of a message would, with the short visibility timeout here.
const LONG_ONES: u64 = 12;
/// A refusal of one photo lasts so long at least: its turn must come.
const REACHED_WITHIN: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(20);
/// How long a server may take to accept uploads again.
const HEAL_TIMEOUT: Duration = Duration::from_mins(2);
/// How often a server that ends by itself is started again, until the fault is taken back.
const STARTS_MAX: u32 = 3;
/// How often a message is received before it is a dead letter: the default. No fault may use it up.
const MAX_RECEIVES: u32 = 5;

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many faults there are.
    pub refusals: u64,
    /// How often the server is killed besides.
    pub kills: u64,
    /// What chance depends on.
    pub seed: u64,
    /// Clients that work side by side.
    pub clients: u64,
    /// How long a fault lasts at most, but for the few long ones.
    pub fault_max: Duration,
    /// Whether some faults are long.
    pub long_ones: bool,
    /// After so many faults everything is checked.
    pub check_every: u64,
    /// This fault alone.
    pub only: Option<Fault>,
}

/// Lets places refuse while clients upload. None where there is no C compiler.
pub async fn refuse(mut launcher: Launcher, options: &Options) -> Result<Option<RunReport>> {
    if options.kills == 0 {
        launcher.max_receives = MAX_RECEIVES;
    }
    let disk = Disk::mount(launcher.data())?;
    let Some(preload) = Preload::install(&mut launcher)? else { return Ok(None) };
    let faults = possible(disk.is_some(), options.only)?;
    let mut run = Run::new(launcher.clone(), options.seed)?;
    run.leftovers = Leftovers::WaitForTheSweep;
    let load = run.load(options.clients);
    let shared = run.shared().clone();
    let tools = Tools { launcher: &launcher, shared: &shared, preload: &preload, disk: disk.as_ref() };
    let mut refused =
        Refused { rng: StdRng::seed_from_u64(options.seed), options, tools, live: None, done: 0, kills: 0 };
    let mut turn = Vec::new();
    while refused.done < options.refusals {
        if turn.is_empty() {
            turn.clone_from(&faults);
            turn.shuffle(&mut refused.rng);
        }
        let fault = turn.pop().context("there is no fault")?;
        refused.one(&mut run, fault).await?;
        refused.look(&mut run).await?;
    }
    load.end().await;
    if let Some(mut live) = refused.live.take() {
        run.check(None).await?;
        run.check_settled().await?;
        live.server.kill().await?;
        run.look_at_the_dead().await?;
    }
    let (kills, refusals) = (refused.kills, refused.done);
    eprintln!("{} calls were refused", preload.refused()?);
    let mut outcome = run.finish(kills).await?;
    outcome.summary.refusals = refusals;
    Ok(Some(outcome))
}

/// A server that runs.
struct Live {
    server: Server,
    addresses: Addresses,
    bucket: AmazonS3,
}

struct Refused<'r> {
    rng: StdRng,
    options: &'r Options,
    tools: Tools<'r>,
    live: Option<Live>,
    done: u64,
    kills: u64,
}

impl Refused<'_> {
    /// One fault, from its beginning until the server is healed.
    async fn one(&mut self, run: &mut Run, fault: Fault) -> Result<()> {
        self.start_without_fault(run).await?;
        sleep(self.options.fault_max.mul_f64(self.rng.random::<f64>() / 4.0)).await;
        let live = self.live.as_ref().context("no server runs")?;
        let mut begun = self.tools.begin(fault, self.done, &live.bucket, live.addresses.pid()).await?;
        let is_long = self.options.long_ones && self.done % LONG_ONES == LONG_ONES - 1;
        let lasts = if is_long { LONG } else { self.options.fault_max.mul_f64(self.rng.random_range(0.1..1.0)) };
        let lasts = if fault.is_of_a_photo() { lasts.max(REACHED_WITHIN) } else { lasts };
        let stops = self.last(run, fault, lasts).await?;
        self.tools.end(&mut begun)?;
        if stops > 0 {
            let what = format!("the server ended by itself, {stops} times");
            run.note(Broken::Stopped, format!("{} (fault {})", fault.name(), self.done), what);
        }
        self.start_without_fault(run).await?;
        self.heals(run, fault, &mut begun).await?;
        self.done += 1;
        Ok(())
    }

    /// The fault lasts; returns how often the server ended by itself.
    async fn last(&mut self, run: &Run, fault: Fault, lasts: Duration) -> Result<u32> {
        let (until, mut stops) = (Instant::now() + lasts, 0);
        while Instant::now() < until {
            sleep(POLL.min(until - Instant::now())).await;
            let is_running = self.live.as_mut().is_some_and(|live| live.server.is_running());
            if is_running {
                run.shared().announce(&self.live.as_ref().context("no server runs")?.addresses.s3)?;
                continue;
            }
            if self.live.take().is_some() {
                stops += 1;
                eprintln!("{}: the server ended by itself; see {}", fault.name(), self.tools.launcher.log().display());
                run.look_at_the_dead().await?;
            }
            if stops < STARTS_MAX {
                // It may refuse to start on a place that says no; that is no finding.
                self.live = start(run).await?;
            }
        }
        Ok(stops)
    }

    /// A server runs, on places that do not refuse.
    async fn start_without_fault(&mut self, run: &Run) -> Result<()> {
        if self.live.as_mut().is_some_and(|live| live.server.is_running()) {
            return Ok(());
        }
        self.live = start(run).await?;
        ensure!(self.live.is_some(), "the server does not start; see {}", self.tools.launcher.log().display());
        Ok(())
    }

    /// The server accepts uploads again, by itself; then the photo that was made impossible is deleted.
    async fn heals(&mut self, run: &mut Run, fault: Fault, begun: &mut Begun) -> Result<()> {
        let shared: Arc<Shared> = run.shared().clone();
        let healed = Instant::now();
        let (key, content) = (probe_photo(self.done), Photo::Good(0));
        let mut is_acknowledged = false;
        while !(is_acknowledged && begun.clean_up(&shared, &self.live()?.bucket).await) {
            if healed.elapsed() > HEAL_TIMEOUT {
                let what = format!("no upload was accepted {} s after the fault", HEAL_TIMEOUT.as_secs());
                run.note(Broken::Stopped, format!("{} (fault {})", fault.name(), self.done), what);
                return Ok(());
            }
            if !self.live.as_mut().is_some_and(|live| live.server.is_running()) {
                run.note(Broken::Stopped, format!("{} (fault {})", fault.name(), self.done), "ended after the fault");
                self.live = None;
                self.start_without_fault(run).await?;
            }
            is_acknowledged = put(&self.live()?.bucket, &key, shared.pool.bytes(content)).await;
            shared.journal.record(&key, Change::Put(content), is_acknowledged);
            shared.announce(&self.live()?.addresses.s3)?;
            if !is_acknowledged {
                sleep(POLL).await;
            }
        }
        eprintln!("{} (fault {}): healed {} ms after it", fault.name(), self.done, healed.elapsed().as_millis());
        Ok(())
    }

    fn live(&self) -> Result<&Live> {
        self.live.as_ref().context("no server runs")
    }

    /// Everything is checked now and then, and the server is killed now and then.
    async fn look(&mut self, run: &mut Run) -> Result<()> {
        if self.done.is_multiple_of(self.options.check_every) {
            run.check(None).await?;
            let acknowledged = run.journal().acknowledged().0;
            eprintln!("{} of {} refusals, {acknowledged} uploads acknowledged", self.done, self.options.refusals);
        }
        let wanted = self.options.kills * self.done / self.options.refusals;
        while self.kills < wanted {
            let Some(mut live) = self.live.take() else { bail!("no server runs") };
            run.cut(&mut live.server).await?;
            self.kills += 1;
            self.live = start(run).await?;
        }
        Ok(())
    }
}

/// Starts a server; none when it ended before it was ready.
async fn start(run: &Run) -> Result<Option<Live>> {
    let (server, addresses) = run.start(&[]).await?;
    let Some(addresses) = addresses else { return Ok(None) };
    let bucket = bucket(&addresses.s3)?;
    Ok(Some(Live { server, addresses, bucket }))
}
