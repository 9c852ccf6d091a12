//! Refusals of store, queues and database while clients upload and workers work.
//!
//! Each begins, lasts a random time, and is taken back. Workers must not end for it, and everything that waited must be done by itself
//! within a minute; only photos that the harness made impossible may be dead letters.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use object_store::ObjectStoreExt;
use rand::{Rng, seq::SliceRandom};
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use super::{
    Options, POLL, Run,
    refusal::{Refusal, Tools},
};
use crate::{
    findings::Broken,
    journal::Change,
    load::{Shared, VERTICAL, bucket, impossible_cd_idx, impossible_photo, probe_photo, put},
    originals::{GOODS, Photo},
    run::tail,
};

/// The exit code of a verification that found a difference.
const DIFFERENT: i32 = 7;

/// How long after a refusal a photo that is uploaded then may take to its rows: what waited goes before it. How long it took is told.
const HEAL_TIMEOUT: Duration = Duration::from_mins(3);
/// One refusal of so many lasts as long as [`LONG`]: longer than the receives of a message would.
const LONG_ONES: u64 = 12;
/// A refusal of one photo lasts so long at least: its turn must come.
const REACHED_WITHIN: Duration = Duration::from_secs(8);
const LONG: Duration = Duration::from_secs(30);

impl Run {
    /// So many refusals, one after the other, beside the clients.
    pub(super) async fn refuse(&mut self, options: &Options) -> Result<()> {
        let mut turn = Vec::new();
        for number in 0..options.refusals {
            if turn.is_empty() {
                turn = options.only.map_or_else(|| Refusal::ALL.to_vec(), |only| vec![only]);
                turn.shuffle(&mut self.rng);
            }
            let refusal = turn.pop().context("there is no refusal")?;
            self.one_refusal(refusal, number, options).await?;
            self.faults.refusals += 1;
            if (number + 1).is_multiple_of(options.check_every) {
                self.check().await?;
                let acknowledged = self.shared.journal.acknowledged().0;
                eprintln!("{} of {} refusals, {acknowledged} uploads acknowledged", number + 1, options.refusals);
            }
            self.wait_for_workers().await?;
        }
        Ok(())
    }

    async fn one_refusal(&mut self, refusal: Refusal, number: u64, options: &Options) -> Result<()> {
        sleep(options.pause_max.mul_f64(self.rng.random::<f64>() / 2.0)).await;
        let subject = format!("{} (refusal {number})", refusal.name());
        self.fleet.mind()?;
        let ended_before = self.fleet.ended;
        let tools = Tools { database: self.database, server: &*self.server, proxy: &self.http_proxy };
        let begun = block_in_place(|| tools.begin(refusal))?;
        let is_long = options.long_ones && number % LONG_ONES == LONG_ONES - 1;
        let lasts = if is_long { LONG } else { options.fault_max.mul_f64(self.rng.random_range(0.1..1.0)) };
        let lasts = if refusal.is_of_a_photo() { lasts.max(REACHED_WITHIN) } else { lasts };
        if refusal.is_of_a_photo() {
            self.upload(&impossible_photo(number), Photo::Good(usize::try_from(number)? % GOODS)).await?;
        }
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            sleep(POLL.min(until - Instant::now())).await;
            // A client whose request failed goes on.
            self.shared.announce(&self.endpoint)?;
        }
        let tools = Tools { database: self.database, server: &*self.server, proxy: &self.http_proxy };
        if let Some(wrong) = block_in_place(|| tools.end(begun))? {
            self.findings.add(Broken::Lost, &subject, wrong);
        }
        self.heals(refusal, number, &subject).await?;
        // Nobody started a worker while the place refused: one that ended had run before, and should have gone on.
        self.fleet.mind()?;
        let ended = self.fleet.ended - ended_before;
        if ended > 0 {
            self.findings.add(Broken::Stopped, &subject, format!("{ended} workers ended by themselves"));
        }
        Ok(())
    }

    /// What is uploaded now comes to its rows within a minute; what was impossible is deleted.
    async fn heals(&mut self, refusal: Refusal, number: u64, subject: &str) -> Result<()> {
        let shared = self.shared.clone();
        let _nobody_uploads = shared.gate.write().await;
        let probe = probe_photo(number);
        if !self.upload(&probe, Photo::Good(0)).await? {
            self.findings.add(Broken::Stopped, subject, "the emulator took no upload");
            return Ok(());
        }
        let healed = Instant::now();
        while !self.places.is_serving(&probe).await {
            if healed.elapsed() > HEAL_TIMEOUT {
                let what = format!("nothing was registered for {} s after it", HEAL_TIMEOUT.as_secs());
                self.findings.add(Broken::Stopped, subject, what);
                break;
            }
            sleep(POLL).await;
            self.fleet.mind()?;
        }
        eprintln!("{subject}: {} ms after it a new photo was registered", healed.elapsed().as_millis());
        if refusal == Refusal::StoreLies {
            self.is_seen_by_verify(number, subject).await?;
        }
        if refusal.is_of_a_photo() {
            let key = impossible_photo(number);
            let deleted = bucket(&self.endpoint)?.delete(&key.as_str().into()).await.is_ok();
            self.shared.journal.record(&key, Change::Delete, deleted);
            // A constraint, the next refusal perhaps, is not taken by a table that still has a row against it.
            let begun = Instant::now();
            while self.places.is_serving(&key).await && begun.elapsed() < HEAL_TIMEOUT {
                sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// The store said yes and has nothing, which nobody can know then. Once the photo is registered, `cameo verify` names it, unless the
    /// flow has seen it by itself and rendered the photo again.
    async fn is_seen_by_verify(&mut self, number: u64, subject: &str) -> Result<()> {
        let key = impossible_photo(number);
        let begun = Instant::now();
        while !self.places.is_serving(&key).await && begun.elapsed() < HEAL_TIMEOUT {
            sleep(POLL).await;
        }
        let cd_idx = impossible_cd_idx(number).to_string();
        let (code, said) = self.fleet.command(&["verify", "--ids", &cd_idx]).await?;
        let rendition = format!("{VERTICAL}/sq/{cd_idx}_sq_0.jpg");
        if code != Some(DIFFERENT) && !self.places.has_image(&rendition).await? {
            let what =
                format!("verify ends with {code:?}, not {DIFFERENT}, of what the store dropped: {}", tail(&said));
            self.findings.add(Broken::Lost, subject, what);
        }
        Ok(())
    }

    /// Uploads beside the clients; true when it was acknowledged.
    async fn upload(&self, key: &str, content: Photo) -> Result<bool> {
        let shared: Arc<Shared> = self.shared.clone();
        let acknowledged = put(&bucket(&self.endpoint)?, key, shared.pool.bytes(content)).await;
        shared.journal.record(key, Change::Put(content), acknowledged);
        Ok(acknowledged)
    }
}
