//! The tasks of a process: started together, and ended together within a time.

use std::{fmt, future::Future, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::model::error::{Error, Kind, Place, Result};

/// Whether everything ended within the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing runs any more.
    Everything,
    /// Something may still run until the process ends.
    NotEverything,
}

/// What runs until the process ends.
pub(super) struct Tasks {
    running: JoinSet<Result<()>>,
    stop: CancellationToken,
    shutdown_timeout: Duration,
    last: Option<BoxFuture<'static, Result<()>>>,
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("running", &self.running.len()).finish_non_exhaustive()
    }
}

impl Tasks {
    /// None yet; those that are running at the end get this time to finish.
    pub(super) fn new(shutdown_timeout: Duration) -> Self {
        Self { running: JoinSet::new(), stop: CancellationToken::new(), shutdown_timeout, last: None }
    }

    /// What is done when every task has ended, within the same time.
    pub(super) fn at_the_end(&mut self, last: impl Future<Output = Result<()>> + Send + 'static) {
        self.last = Some(last.boxed());
    }

    /// Starts a task, which is handed the token that tells it to end.
    pub(super) fn spawn<F: Future<Output = Result<()>> + Send + 'static>(
        &mut self,
        task: impl FnOnce(CancellationToken) -> F,
    ) {
        self.running.spawn(task(self.stop.clone()));
    }

    /// Runs until `shutdown` completes, then ends within the time: whether everything has ended. An error when a task could not go on.
    pub(super) async fn run_until(mut self, shutdown: impl Future<Output = ()>) -> (Result<()>, Ended) {
        let failed = tokio::select! {
            () = shutdown => Ok(()),
            failed = self.first_failure() => failed,
        };
        let (stopped, ended) = self.end().await;
        (failed.and(stopped), ended)
    }

    /// Completes when a task ends with an error; tasks that end well are none of its business.
    async fn first_failure(&mut self) -> Result<()> {
        while let Some(ended) = self.running.join_next().await {
            result_of(ended)?;
        }
        std::future::pending().await
    }

    /// Ends: nothing new is taken, what is held is finished, or given back after the time.
    async fn end(&mut self) -> (Result<()>, Ended) {
        info!("ending: finishing what is held");
        self.stop.cancel();
        let finish = async {
            let mut result = Ok(());
            while let Some(ended) = self.running.join_next().await {
                result = result.and(result_of(ended));
            }
            match self.last.take() {
                Some(last) => result.and(last.await),
                None => result,
            }
        };
        if let Ok(result) = tokio::time::timeout(self.shutdown_timeout, finish).await {
            return (result, Ended::Everything);
        }
        warn!("not everything finished in time; unfinished messages come again");
        (Ok(()), Ended::NotEverything)
    }
}

fn result_of(ended: Result<Result<()>, JoinError>) -> Result<()> {
    ended.unwrap_or_else(|error| Err(Error::new(Place::System, Kind::Fatal, "run a task").because(error)))
}
