//! Stores, queues and catalogs by the addresses of the configuration.

use std::sync::Arc;

use crate::{
    aws::AccessKeys,
    catalog::{self, Catalog, CatalogSettings, limits::ServerLimits, table::Table},
    clock::Clock,
    config::{Config, Environment},
    ledger::{decide::RegisterRules, image_urls::ImageUrls},
    model::error::{Error, Kind, Place, Result},
    queue::{self, Queue},
    store::{self, Store},
};

/// Whose keys open store and queues: those of `CAMEO_ACCESS_KEY_ID` and `CAMEO_SECRET_ACCESS_KEY` where they are set,
/// else what the environment has of AWS (variables, web identity, the role of a container or of a machine).
pub fn access_keys(environment: &Environment) -> Option<AccessKeys> {
    let (id, secret) = (environment.get("CAMEO_ACCESS_KEY_ID")?, environment.get("CAMEO_SECRET_ACCESS_KEY")?);
    Some(AccessKeys { id: id.to_owned(), secret: secret.to_owned() })
}

/// Opens the buckets. With `writes` it looks whether the store keeps conditions, and warns where it does not.
pub async fn open_store(config: &Config, keys: Option<AccessKeys>, writes: bool) -> Result<Arc<dyn Store>> {
    let buckets = vec![config.store.upload_bucket.clone(), config.store.image_bucket.clone()];
    let written = writes.then_some(config.store.image_bucket.as_str());
    store::open(&config.store.url, buckets, written, keys).await
}

/// The queues between the steps, in the order in which a photo passes them.
#[derive(Debug, Clone)]
pub struct Queues {
    /// From the store to `resize`.
    pub events: Arc<dyn Queue>,
    /// From `resize` to `register`.
    pub registrations: Arc<dyn Queue>,
}

/// Opens both queues.
pub async fn open_queues(config: &Config, keys: Option<AccessKeys>) -> Result<Queues> {
    let (events, registrations) = futures::try_join!(
        open_queue(config, &config.queue.events, keys.clone()),
        open_queue(config, &config.queue.registrations, keys),
    )?;
    Ok(Queues { events, registrations })
}

/// Opens a queue by its name.
pub async fn open_queue(config: &Config, name: &str, keys: Option<AccessKeys>) -> Result<Arc<dyn Queue>> {
    // The set-up of a client is large, and whoever opens queues would be as large.
    Box::pin(queue::open(&config.queue.url, name, keys)).await
}

/// Opens the database of a server; its tables are made or brought up to date where they have to be.
pub async fn open_catalog(config: &Config, rules: RegisterRules, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    catalog::open(&config.catalog.url, catalog_settings(config, rules)?, clock).await
}

/// What a catalog is opened with.
pub fn catalog_settings(config: &Config, rules: RegisterRules) -> Result<CatalogSettings> {
    let table = Table::new(&config.catalog.table, &config.catalog.columns)?;
    Ok(CatalogSettings { table, rules, limits: ServerLimits::default() })
}

/// Rules of registering, where images are served by this listener unless the configuration names a public address.
pub fn register_rules(config: &Config, images_listener: Option<&str>) -> RegisterRules {
    let listener = images_listener.unwrap_or("");
    let base = if config.images.public_url.is_empty() { listener } else { &config.images.public_url };
    RegisterRules { urls: ImageUrls::new(base), delete_unpublishes: config.register.delete_unpublishes }
}

/// The error of processes that share everything but the database.
pub fn no_server_database() -> Error {
    let doing = "open the catalog: catalog.url is sqlite:, which one process has to itself; with a store and queues that \
                 others share it must be mysql://USER:PASSWORD@HOST/DATABASE or postgres://…";
    Error::new(Place::Catalog, Kind::Misconfigured, doing)
}

/// Rows are for the public, so whoever registers must know the public's address: a configured one, or a listener of its own.
pub fn require_public_url(config: &Config, images_listener: Option<&str>) -> Result<()> {
    if !config.images.public_url.is_empty() || images_listener.is_some() {
        return Ok(());
    }
    let doing = "register: images.public_url is empty, and rows need the address under which images are served, \
                 such as https://image.mycelebs.com";
    Err(Error::new(Place::System, Kind::Misconfigured, doing))
}
