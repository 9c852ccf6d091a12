//! The watcher: looks at the database and the files again and again while the server works, and once when it lies dead.
//!
//! It never looks while a server starts, so that the start finds the database alone, as after a real crash.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    check,
    findings::{Broken, Findings},
    snapshot::Snapshot,
};

/// Pause between two looks, at least; more where a look takes long, so that the watcher does not slow down the server.
const PAUSE: Duration = Duration::from_millis(150);

/// What has been seen.
#[derive(Debug)]
struct Seen {
    database: PathBuf,
    data: PathBuf,
    may_look: bool,
    files: BTreeSet<(u64, u64)>,
    generations: BTreeMap<String, String>,
    findings: Findings,
    looks: u64,
}

/// The running watcher.
#[derive(Debug)]
pub struct Watcher {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<Result<()>>,
}

impl Watcher {
    /// Starts, and waits for a server that is ready.
    pub fn start(database: PathBuf, data: PathBuf) -> Self {
        let seen = Arc::new(Mutex::new(Seen {
            database,
            data,
            may_look: false,
            files: BTreeSet::new(),
            generations: BTreeMap::new(),
            findings: Findings::default(),
            looks: 0,
        }));
        let task = tokio::spawn(watch(seen.clone()));
        Self { seen, task }
    }

    /// A server is ready.
    pub async fn server_is_up(&self) {
        self.seen.lock().await.may_look = true;
    }

    /// The server was killed: one more look, then none until the next is ready.
    pub async fn server_is_dead(&self) -> Result<()> {
        let mut seen = self.seen.lock().await;
        seen.may_look = false;
        seen.look()
    }

    /// What was seen before a power cut proves nothing: every file is looked at again.
    pub async fn forget_files(&self) {
        self.seen.lock().await.files.clear();
    }

    /// The database is another one: its ledger may be older, until everything has gone through the flow again.
    pub async fn forget_generations(&self) {
        self.seen.lock().await.generations.clear();
    }

    /// No look from here on.
    pub async fn pause(&self) {
        self.seen.lock().await.may_look = false;
    }

    /// Whether something was found.
    pub async fn has_findings(&self) -> bool {
        !self.seen.lock().await.findings.is_empty()
    }

    /// Ends; returns what was found, and how often it was looked.
    pub async fn end(self) -> Result<(Findings, u64)> {
        self.task.abort();
        if let Ok(ended) = self.task.await {
            ended?;
        }
        let mut seen = self.seen.lock().await;
        Ok((std::mem::take(&mut seen.findings), seen.looks))
    }
}

async fn watch(seen: Arc<Mutex<Seen>>) -> Result<()> {
    loop {
        let began = Instant::now();
        {
            let mut seen = seen.lock().await;
            if seen.may_look {
                seen.look()?;
            }
        }
        tokio::time::sleep(PAUSE.max(began.elapsed() * 3)).await;
    }
}

impl Seen {
    fn look(&mut self) -> Result<()> {
        if !self.database.exists() {
            return Ok(());
        }
        let snapshot = Snapshot::of(&self.database)?;
        self.looks += 1;
        self.findings.extend(check::rows_have_objects(&snapshot));
        if !check::objects_have_files(&snapshot, &self.data, &mut self.files).is_empty() {
            // It may have been replaced, and swept, since.
            let again = Snapshot::of(&self.database)?;
            self.findings.extend(check::objects_have_files(&again, &self.data, &mut self.files));
        }
        self.check_order(snapshot);
        Ok(())
    }

    /// Generations of a key never go back, neither in the ledger nor on its renditions.
    fn check_order(&mut self, snapshot: Snapshot) {
        let of_images = snapshot.images.into_iter().filter_map(|(key, object)| Some((key, object.made_from?)));
        let of_ledger = snapshot.ledger.into_iter().map(|(key, entry)| (key, entry.generation));
        for (key, generation) in of_ledger.chain(of_images) {
            match self.generations.get(&key) {
                Some(newest) if *newest > generation => {
                    let what = format!("older after newer: {generation} after {newest}");
                    self.findings.add(Broken::Lost, format!("{key} (order)"), what);
                }
                _ => drop(self.generations.insert(key, generation)),
            }
        }
    }
}
