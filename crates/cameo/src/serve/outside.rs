//! Files outside of `origin/`, as they were found a moment ago.
//!
//! Looking lists the bucket, so what was found counts for a while; whoever changes something has it looked for again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::{
    ledger::Scope,
    model::error::Result,
    proof::verify::{self, OUTSIDE_MAX, UnexpectedFile},
    store::Store,
};

/// How long what was found outside of `origin/` counts: looking lists the bucket.
const OUTSIDE_HOLDS: Duration = Duration::from_secs(3);

/// What is outside of `origin/`, as of a moment ago. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Outside(Arc<Mutex<Option<Found>>>);

/// When it was looked, and what was there.
type Found = (Instant, Vec<UnexpectedFile>);

impl Outside {
    /// What is there.
    pub(super) async fn of(&self, store: &dyn Store, bucket: &str) -> Result<Vec<UnexpectedFile>> {
        let mut last = self.0.lock().await;
        if let Some((at, files)) = last.as_ref()
            && at.elapsed() < OUTSIDE_HOLDS
        {
            return Ok(files.clone());
        }
        let files = verify::misplaced(store, bucket, &Scope::All, OUTSIDE_MAX).await?;
        *last = Some((Instant::now(), files.clone()));
        Ok(files)
    }

    /// Looks anew the next time, since somebody changed something.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}
