//! Verifying beside live load: what is in work is pending, never different; and afterwards everything is complete.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cameo::proof::verify::{EntityState, Look};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::whole_system::{System, UPLOADS};

/// Runs of verifying beside the load.
const RUNS: usize = 220;

/// Uploads, replaces and deletes photos of a few entities, good and bad ones, until told to stop.
async fn load(system: Arc<System>, stop: Arc<AtomicBool>) -> u64 {
    let (mut random, mut changes) = (StdRng::seed_from_u64(7), 0);
    while !stop.load(Ordering::Relaxed) {
        let key = format!("origin/v/{}_{}.jpg", random.random_range(1..10), random.random_range(0..3));
        match random.random_range(0..10) {
            0..3 => {
                if system.store.head(UPLOADS, &key).await.unwrap().is_some() {
                    system.delete(UPLOADS, &key).await;
                }
            }
            3 => system.put(UPLOADS, &key, format!("bad {changes}")).await,
            _ => system.put(UPLOADS, &key, format!("good {changes}")).await,
        }
        changes += 1;
        tokio::task::yield_now().await;
    }
    changes
}

async fn work(system: Arc<System>, stop: Arc<AtomicBool>) {
    let worker = system.worker();
    while !stop.load(Ordering::Relaxed) {
        worker.resize_once(std::time::Duration::ZERO).await.unwrap();
        worker.register_once(std::time::Duration::ZERO).await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// flow.md, questionable: "verify 7 beside work (2 % of runs)"; users.md 30.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn hundreds_of_runs_beside_live_load_raise_no_false_alarm() {
    let system = Arc::new(System::start().await);
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(load(system.clone(), stop.clone()));
    let work = tokio::spawn(work(system.clone(), stop.clone()));
    let mut alarms = Vec::new();
    for run in 0..RUNS {
        let found = system.verify(Look::Everything).await;
        if found.state() == EntityState::Different {
            let different = found.reports.iter().filter(|report| report.state == EntityState::Different);
            let findings: Vec<_> = different.flat_map(|report| report.findings.clone()).collect();
            alarms.push(format!("run {run}: {findings:?} {:?} {:?}", found.unowned, found.summary));
        }
    }
    stop.store(true, Ordering::Relaxed);
    let changes = load.await.unwrap();
    work.await.unwrap();
    assert!(alarms.is_empty(), "{} of {RUNS} runs beside {changes} changes:\n{}", alarms.len(), alarms.join("\n"));
    system.drain().await;
    let found = system.verify(Look::Deep).await;
    assert!(matches!(found.state(), EntityState::Complete | EntityState::Rejected), "{:?}", found.lines());
}
