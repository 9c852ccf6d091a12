//! What the console and the API show and change.
//!
//! Handlers take the [`Site`]; nothing that it is made of may, so that it lies below everything that does.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::{
    audit::AuditTrail, host::Host, images::client::HttpImages, open_deliveries::OpenDeliveries, outside::Outside,
    remembered::Door, s3_api::Cors, uploads::UploadAddresses,
};
use crate::{
    clock::Clock,
    flow::Flow,
    ledger::image_urls::ImageUrls,
    model::error::Result,
    proof::{deliveries, verify::Queues},
    queue::Queue,
    webhooks::Courier,
    worker::window::Window,
};

/// What the console and the API work with.
#[derive(Debug, Clone)]
pub struct Site {
    /// Store, catalog and names.
    pub flow: Flow,
    /// From the store to `resize`.
    pub events: Arc<dyn Queue>,
    /// From `resize` to `register`.
    pub registrations: Arc<dyn Queue>,
    /// Where renditions are served.
    pub images_url: ImageUrls,
    /// Where the public gets images, for the proof.
    pub public_images: PublicImages,
    /// The zone of the dates of deliveries.
    pub zone: TimeZone,
    /// When registering runs; at once where there is none.
    pub window: Option<Window>,
    /// Where changes are noted.
    pub audit: AuditTrail,
    /// What the door of the API remembers.
    pub door: Door,
    /// Where files can be uploaded to.
    pub uploads: UploadAddresses,
    /// Whose web pages may ask the API.
    pub cors: Cors,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is known of the process and its machine.
    pub host: Host,
    /// What was found outside of `origin/` a moment ago.
    pub outside: Outside,
    /// What deliveries wait for, as of a moment ago.
    pub open: OpenDeliveries,
    /// What sends webhooks.
    pub webhooks: Courier,
    /// Cancelled when the listener ends: streams without an end of their own end then.
    pub ending: CancellationToken,
}

impl Site {
    /// The places as deliveries take them.
    pub(super) fn deliveries(&self) -> deliveries::state::Places<'_> {
        let queues = Queues { events: &*self.events, registrations: &*self.registrations };
        deliveries::state::Places {
            store: &*self.flow.store,
            upload_bucket: &self.flow.settings.upload_bucket,
            catalog: &*self.flow.catalog,
            queues: Some(queues),
        }
    }
}

/// Where the public gets images.
#[derive(Debug, Clone, Default)]
pub struct PublicImages {
    /// The base of their addresses; empty where nobody knows it.
    pub base: String,
    /// The listener behind it, where it is this process's.
    pub listener: Option<String>,
}

impl PublicImages {
    /// Fetches images for one look: what it finds out about who answers is not for the next one.
    pub fn open(&self) -> Result<HttpImages> {
        Ok(HttpImages::new(&self.base)?.behind(self.listener.as_deref()))
    }
}
