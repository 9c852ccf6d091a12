//! `reconcile --apply` against live uploads, replacements and deletions: in no interleaving is anything removed that is to stay.
//!
//! Everything happens in an order that chance decides, so a seed repeats it. The same harness is run with an act that does not look again,
//! which it must catch. A short form runs always; `CAMEO_RACES=1000` is the long one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cameo::{
    clock::{Clock, SystemClock},
    model::key::{ImageKey, PhotoId},
    proof::{repair::Plan, verify::Look},
    store::quarantine::{Removal, Why, kept},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::whole_system::{IMAGES, System, UPLOADS};

/// Interleavings, unless more are asked for.
const RACES: u64 = 60;
/// Interleavings in which a planted bug must show.
const RACES_WITH_BUG: u64 = 100;
/// Photos that are changed.
const PHOTOS: u64 = 4;
/// Interleavings of one system: it is begun again after so many, with an empty folder.
const RACES_A_SYSTEM: u64 = 20;

#[expect(clippy::disallowed_methods, reason = "how long a test is to run is no setting of Cameo")]
fn races() -> u64 {
    std::env::var("CAMEO_RACES").ok().and_then(|races| races.parse().ok()).unwrap_or(RACES)
}

/// How superfluous objects are taken away.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Acts {
    /// As reconciling does it, after another look.
    LookingAgain,
    /// On the word of the report: the planted bug.
    Blindly,
}

/// A system and what its upload bucket must hold.
struct Race {
    system: Arc<System>,
    random: StdRng,
    expected: BTreeMap<String, String>,
    changes: u64,
}

impl Race {
    async fn start(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { system: Arc::new(System::start().await), random, expected: BTreeMap::new(), changes: 0 }
    }

    /// Something that happens while others work.
    async fn happens(&mut self) {
        let key = format!("origin/v/{}_0.jpg", self.random.random_range(1..=PHOTOS));
        match self.random.random_range(0..8) {
            0..3 => self.put(key).await,
            3 | 4 => self.delete(key).await,
            5 | 6 => drop(self.system.worker().resize_once(Duration::ZERO).await.unwrap()),
            _ => drop(self.system.worker().register_once(Duration::ZERO).await.unwrap()),
        }
    }

    async fn put(&mut self, key: String) {
        self.changes += 1;
        let body = format!("good {}", self.changes);
        self.system.put(UPLOADS, &key, body.clone()).await;
        self.expected.insert(key, body);
    }

    async fn delete(&mut self, key: String) {
        if self.expected.remove(&key).is_some() {
            self.system.delete(UPLOADS, &key).await;
        }
    }

    /// Something is behind everybody's back what it should not be, and what reconciling is for: a rendition of a photo that is not there.
    async fn breaks(&mut self) {
        let key = |photo: u64| format!("origin/v/{photo}_0.jpg");
        let (from, to) = (self.random.random_range(1..=PHOTOS), self.random.random_range(1..=PHOTOS));
        if from == to {
            return;
        }
        self.put(key(from)).await;
        self.delete(key(to)).await;
        self.system.drain().await;
        self.system.copy(&format!("v/sq/{from}_sq_0.jpg"), &format!("v/sq/{to}_sq_0.jpg")).await;
        if self.random.random_bool(0.2) {
            self.system.delete(IMAGES, &format!("v/ve/{from}_ve_0.jpg")).await;
        }
    }

    /// A look, things that happen, the acts beside more that happens; then everything is worked off. What was wrong.
    async fn run(&mut self, acts: Acts) -> Vec<String> {
        for _ in 0..self.random.random_range(1..8) {
            self.happens().await;
        }
        self.breaks().await;
        let plan = self.system.verify(Look::Everything).await.plan;
        for _ in 0..self.random.random_range(0..8) {
            self.happens().await;
        }
        // Half of the time everything that happened is through the flow when the acts come.
        if self.random.random_bool(0.5) {
            self.system.drain().await;
        }
        let (system, beside) = (self.system.clone(), self.random.random_range(0..5));
        let applied = apply(&system, &plan, acts);
        let happening = async {
            for _ in 0..beside {
                self.happens().await;
            }
        };
        tokio::join!(applied, happening);
        self.system.drain().await;
        let mut wrong = self.wrong_originals().await;
        wrong.extend(wrong_removals(&self.system).await);
        wrong
    }

    async fn wrong_originals(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (key, body) in &self.expected {
            let object = self.system.store.get(UPLOADS, key, 1 << 20).await.unwrap();
            if object.is_none_or(|object| object.body != body.as_bytes()) {
                wrong.push(format!("the original {key} is not what was uploaded last"));
            }
        }
        wrong
    }

    /// At the end: what is still broken is repaired, and then exactly what was uploaded is there, and complete.
    async fn end(self) -> Vec<String> {
        for _ in 0..2 {
            let plan = self.system.verify(Look::Everything).await.plan;
            self.system.reconcile(&plan).await;
            self.system.drain().await;
        }
        let found = self.system.verify(Look::Deep).await;
        let mut wrong = found.lines();
        if found.summary.complete != self.expected.len() as u64 {
            wrong.push(format!("{} of {} are complete", found.summary.complete, self.expected.len()));
        }
        wrong
    }
}

async fn apply(system: &System, plan: &Plan, acts: Acts) {
    if acts == Acts::LookingAgain {
        return system.reconcile(plan).await;
    }
    let removal = Removal { at: SystemClock.now(), why: Why::Superfluous, note: None };
    for key in &plan.take_down {
        if let Some(info) = system.store.head(IMAGES, key).await.unwrap() {
            system.store.set_aside(IMAGES, key, &info.validator(), &removal).await.unwrap();
        }
    }
}

/// Renditions in quarantine that are made from the very generation that the ledger serves of their photo: nobody may take these.
async fn wrong_removals(system: &System) -> Vec<String> {
    let (mut wrong, mut ids) = (Vec::new(), Vec::new());
    let (place, prefix) = system.store.quarantine_of(IMAGES);
    for kept in kept(&*system.store, IMAGES, "", 1000).await.unwrap() {
        let ImageKey::Rendition(photo, _) = ImageKey::parse(&kept.key) else { continue };
        let made_from = system.store.head(&place, &format!("{prefix}{}", kept.id)).await.unwrap().unwrap().made_from();
        if made_from.is_some() && made_from == serving(system, &photo).await {
            wrong.push(format!("{} was removed while it was served", kept.key));
        }
        ids.push(kept.id);
    }
    system.store.expire(IMAGES, &ids).await.unwrap();
    wrong
}

async fn serving(system: &System, photo: &PhotoId) -> Option<cameo::model::generation::Generation> {
    system.worker().flow.catalog.entry(&photo.origin_key()).await.unwrap()?.serving
}

/// What is wrong after so many interleavings.
async fn wrong_in(races: u64, acts: Acts) -> Vec<String> {
    let mut wrong = Vec::new();
    for seed in 0..races.div_ceil(RACES_A_SYSTEM) {
        let mut race = Race::start(seed).await;
        for n in 0..RACES_A_SYSTEM.min(races - seed * RACES_A_SYSTEM) {
            wrong.extend(race.run(acts).await.into_iter().map(|what| format!("seed {seed}, race {n}: {what}")));
        }
        if acts == Acts::LookingAgain {
            wrong.extend(race.end().await.into_iter().map(|what| format!("seed {seed}, at the end: {what}")));
        }
    }
    wrong
}

#[tokio::test]
async fn reconciling_beside_live_changes_removes_nothing_wrongly() {
    let wrong = wrong_in(races(), Acts::LookingAgain).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_act_on_a_stale_report_is_caught() {
    let wrong = wrong_in(RACES_WITH_BUG, Acts::Blindly).await;
    assert!(!wrong.is_empty(), "{RACES_WITH_BUG} interleavings did not show a removal without another look");
}
