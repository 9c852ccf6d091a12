//! What a command beside a server looks at: the server's database and files for reading, its images over HTTP.

use std::{path::Path, sync::Arc};

use super::{
    data_folder::{DataFolder, Running, read_running},
    embedded::register_rules,
};
use crate::{
    catalog::{Catalog, sqlite::SqliteCatalog, table::Table},
    clock::Clock,
    config::Config,
    error::Result,
    flow::{Settings, verify},
    queue::{Queue, sqlite::SqliteQueue},
    serve::images::client::HttpImages,
    sqlite::Sqlite,
    store::{Store, embedded::Embedded},
};

/// The places of one server.
#[derive(Debug)]
pub struct Places {
    /// The buckets.
    pub store: Box<dyn Store>,
    /// The ledger and the rows.
    pub catalog: Box<dyn Catalog>,
    /// From the store to `resize`.
    pub events: Box<dyn Queue>,
    /// From `resize` to `register`.
    pub registrations: Box<dyn Queue>,
    /// The public side.
    pub images: HttpImages,
    /// Names and rules.
    pub settings: Settings,
    /// Where the server can be reached; none when none is running.
    pub running: Option<Running>,
}

impl Places {
    /// Opens the places of the server of a data folder, for reading.
    pub async fn of_data_folder(config: &Config, folder: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let db = Sqlite::open_read_only(&DataFolder::database(folder)).await?;
        let running = read_running(folder)?;
        let images_url = running.as_ref().and_then(|running| running.images.clone()).unwrap_or_default();
        let nobody = Running { pid: 0, s3: None, images: None, console: None };
        let rules = register_rules(config, running.as_ref().unwrap_or(&nobody));
        let table = Table::new(&config.catalog.table, &config.catalog.columns)?;
        let queue = |name: &str| SqliteQueue::new(db.clone(), name, config.queue.max_receives, clock.clone());
        Ok(Self {
            store: Box::new(Embedded::read_only(folder, db.clone())),
            catalog: Box::new(SqliteCatalog::open(db.clone(), &table, rules, clock.clone()).await?),
            events: Box::new(queue(&config.queue.events)),
            registrations: Box::new(queue(&config.queue.registrations)),
            images: HttpImages::new(&images_url)?,
            settings: config.settings()?,
            running,
        })
    }

    /// The places as verifying takes them.
    pub fn to_verify(&self) -> verify::Places<'_> {
        verify::Places { store: &*self.store, catalog: &*self.catalog, served: &self.images, settings: &self.settings }
    }
}
