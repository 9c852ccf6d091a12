//! How a system is changed: by whoever has its queues and database, each act looking again at the moment it acts.
//!
//! Beside a data folder a command has the running server act; a server, and a command that reaches the shared places, act directly.

use async_trait::async_trait;
use jiff::Timestamp;

use super::report::Report;
use crate::{
    flow::{Flow, requeue::requeue},
    ledger::image_urls::ImageUrls,
    model::{
        actor::Actor,
        error::{Error, Kind, Place, Result},
        key::DeliveryKey,
    },
    proof::{
        deliveries::{
            dismissed::Dismissed,
            dismissed_lines::{self, DismissedLine},
        },
        dismiss::{Settling, dismiss},
        relocate::{self, Relocation, Staged},
        repair::{Acted, Plan, remove_absent, rewrite_urls, take_down},
        restore::{self, Restore},
    },
    queue::Queue,
};

/// Changes a system.
#[async_trait]
pub trait Act: Send + Sync + std::fmt::Debug {
    /// Sends originals through the flow again; returns the keys that have no original any more.
    async fn requeue(&self, keys: &[String]) -> Result<Vec<String>>;
    /// Sends dead letters of a queue again.
    async fn redrive(&self, queue: &str, ids: &[String]) -> Result<()>;
    /// Has the flow take down what is left of originals that are gone.
    async fn remove_absent(&self, keys: &[String]) -> Result<Acted>;
    /// Moves objects of the image bucket to quarantine that nobody owns.
    async fn take_down(&self, keys: &[String]) -> Result<Acted>;
    /// Rewrites the addresses of rows of these originals; returns how many.
    async fn rewrite_urls(&self, keys: &[String]) -> Result<u64>;
    /// Moves rejected files to quarantine.
    async fn dismiss(&self, keys: &[String], note: Option<&str>) -> Result<Acted>;
    /// Brings back what is in quarantine.
    async fn restore(&self, restores: &[Restore]) -> Result<Acted>;
    /// Takes one step with each photo that moves; how far each is then.
    async fn relocate(&self, photos: &[Relocation]) -> Result<Vec<Staged>>;
    /// Notes that lines of the report of a delivery are settled.
    async fn dismiss_lines(&self, delivery: &DeliveryKey, lines: &[DismissedLine], note: Option<&str>) -> Result<()>;
}

/// Acts on the places themselves.
#[derive(Debug)]
pub struct Direct<'d> {
    /// Store, catalog and names.
    pub flow: &'d Flow,
    /// The queues; none where they cannot be reached.
    pub queues: Option<[&'d dyn Queue; 2]>,
    /// The base that rows must have; none where nobody knows it, and no row is rewritten.
    pub urls: Option<&'d ImageUrls>,
    /// The time.
    pub now: Timestamp,
    /// Who acts, where that is known.
    pub by: Option<Actor>,
}

impl Direct<'_> {
    /// What is removed and written in the name of whoever acts: the history says it.
    fn acting(&self) -> Flow {
        self.flow.acting_for(self.by.as_ref())
    }

    /// The queue of events, which is the first one.
    fn events(&self) -> Result<&dyn Queue> {
        let unknown = || {
            let doing = "send events: the queue is not known here; set queue.url to that of the system";
            Error::new(Place::System, Kind::Unavailable, doing)
        };
        self.queues.map(|[events, _]| events).ok_or_else(unknown)
    }
}

#[async_trait]
impl Act for Direct<'_> {
    async fn requeue(&self, keys: &[String]) -> Result<Vec<String>> {
        Ok(requeue(self.flow, self.events()?, keys, self.now).await?.gone)
    }

    async fn redrive(&self, queue: &str, ids: &[String]) -> Result<()> {
        for known in self.queues.into_iter().flatten().filter(|known| known.name() == queue) {
            known.redrive(ids).await?;
        }
        Ok(())
    }

    async fn remove_absent(&self, keys: &[String]) -> Result<Acted> {
        remove_absent(self.flow, self.events()?, keys, self.now).await
    }

    async fn take_down(&self, keys: &[String]) -> Result<Acted> {
        take_down(self.flow, keys, self.now).await
    }

    async fn rewrite_urls(&self, keys: &[String]) -> Result<u64> {
        match self.urls {
            Some(urls) => rewrite_urls(self.flow, urls, keys).await,
            None => Ok(0),
        }
    }

    async fn dismiss(&self, keys: &[String], note: Option<&str>) -> Result<Acted> {
        dismiss(&self.acting(), keys, &Settling { by: self.by.clone(), note, at: self.now }).await
    }

    async fn restore(&self, restores: &[Restore]) -> Result<Acted> {
        restore::restore(&self.acting(), restores).await
    }

    async fn relocate(&self, photos: &[Relocation]) -> Result<Vec<Staged>> {
        relocate::advance(self.by.as_ref(), &self.acting(), photos, self.now).await
    }

    async fn dismiss_lines(&self, delivery: &DeliveryKey, lines: &[DismissedLine], note: Option<&str>) -> Result<()> {
        let dismissed = Dismissed::new(self.now, self.by.clone(), note);
        let (store, bucket) = (&*self.flow.store, &self.flow.settings.upload_bucket);
        dismissed_lines::write(store, bucket, delivery, (lines, &dismissed)).await
    }
}

/// Does what a plan says.
pub(super) async fn apply(act: &dyn Act, plan: &Plan, report: &mut Report) -> Result<()> {
    let addresses: Vec<String> = plan.addresses.keys().filter(|key| !plan.render.contains(*key)).cloned().collect();
    // What is in the way of an alias goes before the alias is written again.
    report.taken_down = act.take_down(&report.take_down).await?;
    if !report.removals.is_empty() {
        report.removed = act.remove_absent(&report.removals).await?;
    }
    report.rewritten_urls = act.rewrite_urls(&addresses).await?;
    report.gone = act.requeue(&report.keys).await?;
    Ok(())
}
