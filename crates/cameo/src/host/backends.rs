//! Stores, queues and catalogs by the addresses of the configuration.

use std::sync::Arc;

use crate::{
    aws::AccessKeys,
    catalog::{
        self, Catalog, CatalogSettings, image_urls::ImageUrls, ledger::RegisterRules, limits::ServerLimits,
        table::Table,
    },
    clock::Clock,
    config::{Config, Environment},
    error::Result,
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

/// Opens a queue by its name.
pub async fn open_queue(config: &Config, name: &str, keys: Option<AccessKeys>) -> Result<Arc<dyn Queue>> {
    queue::open(&config.queue.url, name, keys).await
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
