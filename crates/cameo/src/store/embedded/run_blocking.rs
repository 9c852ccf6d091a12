//! Work that blocks, beside the tasks.

use futures::{FutureExt, future::BoxFuture};

use super::refusal::{Refusal, StoreResult};
use crate::model::error::{Error, Kind, Place};

/// Runs something that blocks on a thread of its own, at once; the future waits for its result.
pub(super) fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> StoreResult<T> + Send + 'static,
) -> BoxFuture<'static, StoreResult<T>> {
    let running = tokio::task::spawn_blocking(work);
    async move {
        running.await.unwrap_or_else(|error| {
            Err(Refusal::Failed(Error::new(Place::Store, Kind::Unavailable, "run a thread").because(error)))
        })
    }
    .boxed()
}
