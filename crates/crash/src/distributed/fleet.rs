//! The workers: processes of their own, killed without a word, and started again by whoever minds them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

use super::aws::address_at;
use crate::{
    server::{self, ACCESS_KEY_ID, SECRET_ACCESS_KEY},
    settings::Settings,
};

/// Workers that run side by side. Dropping them kills them.
#[derive(Debug)]
pub(super) struct Fleet {
    program: PathBuf,
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
    workers: Vec<Child>,
    /// How many ended by themselves: one that starts while the database is away does, and its minder starts it again.
    pub(super) ended: u64,
}

impl Fleet {
    /// Starts so many. `endpoint` is where store and queues are reached.
    pub(super) fn start(
        number: usize,
        program: &Path,
        folder: &Path,
        endpoint: &str,
        (database, public_url): (&str, &str),
    ) -> Result<Self> {
        let config = folder.join("cameo.toml");
        fs::write(&config, server::config(1, &Settings::default()))
            .context("failed to write the workers' configuration")?;
        let environment = vec![
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("CAMEO_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("CAMEO_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("CAMEO_STORE_URL", address_at(endpoint, "s3")),
            ("CAMEO_QUEUE_URL", address_at(endpoint, "sqs")),
            ("CAMEO_CATALOG_URL", database.to_owned()),
            ("CAMEO_IMAGES_PUBLIC_URL", public_url.to_owned()),
            ("CAMEO_WORKER_RESIZE_CONCURRENCY", "1".to_owned()),
        ];
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let mut fleet = Self { program, folder, environment, workers: Vec::new(), ended: 0 };
        for _ in 0..number {
            let worker = fleet.spawn()?;
            fleet.workers.push(worker);
        }
        Ok(fleet)
    }

    /// What the workers logged.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("workers.log")
    }

    fn spawn(&self) -> Result<Child> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log());
        let mut command = Command::new(&self.program);
        command.arg("worker").arg("--config").arg(self.folder.join("cameo.toml"));
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.context("failed to open the workers' log")?);
        command.current_dir(&self.folder).kill_on_drop(true);
        command.spawn().with_context(|| format!("failed to start {}", self.program.display()))
    }

    /// A command beside the workers: `cameo verify`, for one. Returns its exit code and what it said.
    pub(super) async fn command(&self, words: &[&str]) -> Result<(Option<i32>, String)> {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--config").arg(self.folder.join("cameo.toml"));
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).current_dir(&self.folder).kill_on_drop(true);
        let output = command.output().await.with_context(|| format!("failed to run cameo {words:?}"))?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    }

    /// Kills one with SIGKILL and starts another in its place.
    pub(super) async fn kill_one(&mut self, which: usize) -> Result<()> {
        let at = which % self.workers.len();
        self.workers[at].kill().await.context("failed to kill a worker")?;
        self.workers[at] = self.spawn()?;
        Ok(())
    }

    /// Starts those again that ended by themselves.
    pub(super) fn mind(&mut self) -> Result<()> {
        for at in 0..self.workers.len() {
            if !matches!(self.workers[at].try_wait(), Ok(None)) {
                self.ended += 1;
                self.workers[at] = self.spawn()?;
            }
        }
        Ok(())
    }
}
