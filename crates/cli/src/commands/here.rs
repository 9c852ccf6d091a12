//! The system that a command looks at by itself, as operations take it.

use async_trait::async_trait;
use cameo::{
    model::{error::Result, key::DeliveryKey, token::Verticals},
    operate::{System, act::Act},
    proof::{
        deliveries::dismissed_lines::DismissedLine,
        relocate::{Relocation, Staged},
        repair::Acted,
        restore::Restore,
    },
    server::deployment::Deployment,
    worker::window::Window,
};
use jiff::tz::TimeZone;

use super::{Context, changes::Changes, places::PlacesArgs};

/// What is here: a data folder, or places that addresses name.
#[derive(Debug)]
pub(crate) struct Here<'h> {
    context: &'h Context,
    /// The places.
    pub(crate) places: Deployment,
    window: Option<Window>,
    zone: TimeZone,
}

impl<'h> Here<'h> {
    /// Opens what flags or the configuration name.
    pub(crate) async fn open(context: &'h Context, places: &PlacesArgs) -> anyhow::Result<Self> {
        let register = &context.config.register;
        let (window, zone) = (register.window()?, register.time_zone()?);
        Ok(Self { context, places: places.open(context).await?, window, zone })
    }

    /// Whether it is that of a data folder on which no server runs.
    pub(crate) fn is_stopped(&self) -> bool {
        self.places.through_server && self.places.running.is_none()
    }

    /// As operations take it.
    pub(crate) fn system(&self) -> System<'_> {
        System {
            places: self.places.to_verify(),
            window: self.window.as_ref(),
            zone: &self.zone,
            verticals: &Verticals::All,
            act: self,
        }
    }

    fn changes(&self) -> Result<Changes<'_>> {
        Changes::by(self.context, &self.places)
    }
}

/// The server is looked for when something is to be changed, and not before: looking needs none.
#[async_trait]
impl Act for Here<'_> {
    async fn requeue(&self, keys: &[String]) -> Result<Vec<String>> {
        self.changes()?.requeue(keys).await
    }

    async fn redrive(&self, queue: &str, ids: &[String]) -> Result<()> {
        self.changes()?.redrive(queue, ids).await
    }

    async fn remove_absent(&self, keys: &[String]) -> Result<Acted> {
        self.changes()?.remove_absent(keys).await
    }

    async fn take_down(&self, keys: &[String]) -> Result<Acted> {
        self.changes()?.take_down(keys).await
    }

    async fn rewrite_urls(&self, keys: &[String]) -> Result<u64> {
        self.changes()?.rewrite_urls(keys).await
    }

    async fn dismiss(&self, keys: &[String], note: Option<&str>) -> Result<Acted> {
        self.changes()?.dismiss(keys, note).await
    }

    async fn restore(&self, restores: &[Restore]) -> Result<Acted> {
        self.changes()?.restore(restores).await
    }

    async fn relocate(&self, photos: &[Relocation]) -> Result<Vec<Staged>> {
        self.changes()?.relocate(photos).await
    }

    async fn dismiss_lines(&self, delivery: &DeliveryKey, lines: &[DismissedLine], note: Option<&str>) -> Result<()> {
        self.changes()?.dismiss_lines(delivery, lines, note).await
    }
}
