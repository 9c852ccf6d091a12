//! The tasks of a process: started together, and ended together within a time.

use std::{future::Future, time::Duration};

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::error::{Error, Kind, Place, Result};

/// What runs until the process ends.
#[derive(Debug)]
pub(super) struct Tasks {
    running: JoinSet<Result<()>>,
    stop: CancellationToken,
    shutdown_timeout: Duration,
}

impl Tasks {
    /// None yet; those that are running at the end get this time to finish.
    pub(super) fn new(shutdown_timeout: Duration) -> Self {
        Self { running: JoinSet::new(), stop: CancellationToken::new(), shutdown_timeout }
    }

    /// Starts a task, which is handed the token that tells it to end.
    pub(super) fn spawn<F: Future<Output = Result<()>> + Send + 'static>(
        &mut self,
        task: impl FnOnce(CancellationToken) -> F,
    ) {
        self.running.spawn(task(self.stop.clone()));
    }

    /// Runs until `shutdown` completes, then ends within the time. An error when a task could not go on.
    pub(super) async fn run_until(mut self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let failed = tokio::select! {
            () = shutdown => Ok(()),
            failed = self.first_failure() => failed,
        };
        let stopped = self.end().await;
        failed.and(stopped)
    }

    /// Completes when a task ends with an error; tasks that end well are none of its business.
    async fn first_failure(&mut self) -> Result<()> {
        while let Some(ended) = self.running.join_next().await {
            result_of(ended)?;
        }
        std::future::pending().await
    }

    /// Ends: nothing new is taken, what is held is finished, or given back after the time.
    async fn end(&mut self) -> Result<()> {
        info!("ending: finishing what is held");
        self.stop.cancel();
        let finish = async {
            let mut result = Ok(());
            while let Some(ended) = self.running.join_next().await {
                result = result.and(result_of(ended));
            }
            result
        };
        let finished = tokio::time::timeout(self.shutdown_timeout, finish).await;
        finished.unwrap_or_else(|_| {
            warn!("not everything finished in time; unfinished messages come again");
            Ok(())
        })
    }
}

fn result_of(ended: Result<Result<()>, JoinError>) -> Result<()> {
    ended.unwrap_or_else(|error| Err(Error::new(Place::System, Kind::Fatal, "run a task").because(error)))
}
