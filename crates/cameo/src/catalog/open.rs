//! The catalog at an address.

use std::{path::Path, sync::Arc};

use super::{Catalog, ledger::RegisterRules, limits::ServerLimits, sqlite::SqliteCatalog, table::Table};
use crate::{
    address,
    clock::Clock,
    error::{Place, Result},
    sqlite::Sqlite,
};

/// What a catalog is opened with beside its address.
#[derive(Debug, Clone)]
pub struct CatalogSettings {
    /// The public table.
    pub table: Table,
    /// How messages are registered.
    pub rules: RegisterRules,
    /// How much of a server is used.
    pub limits: ServerLimits,
}

const KEY: &str = "catalog.url";
const KNOWN: &str = "sqlite:FILE, mysql://USER:PASSWORD@HOST:PORT/DATABASE (MariaDB too) and \
    postgres://USER:PASSWORD@HOST:PORT/DATABASE";

/// Opens the catalog at `mysql://…`, `postgres://…`, or, for reading only, `sqlite:FILE`: such a file is written by
/// the one process that owns its data folder.
pub async fn open(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    match address::scheme(url).as_str() {
        "sqlite" => {
            let file = url.split_once(':').map_or("", |(_, file)| file);
            let db = Sqlite::open_read_only(Path::new(file.strip_prefix("//").unwrap_or(file))).await?;
            Ok(Arc::new(SqliteCatalog::open(db, &settings.table, settings.rules, clock).await?))
        }
        "mysql" | "mariadb" => mysql(url, settings, clock).await,
        "postgres" | "postgresql" => postgres(url, settings, clock).await,
        _ => Err(address::unknown_scheme(Place::Catalog, KEY, url, KNOWN)),
    }
}

#[cfg(feature = "mysql")]
async fn mysql(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    let CatalogSettings { table, rules, limits } = settings;
    Ok(Arc::new(super::mysql::MySqlCatalog::open(url, limits, &table, rules, clock).await?))
}

#[cfg(not(feature = "mysql"))]
async fn mysql(url: &str, _: CatalogSettings, _: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    Err(address::not_built_in(Place::Catalog, KEY, url, "mysql"))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    let CatalogSettings { table, rules, limits } = settings;
    Ok(Arc::new(super::postgres::PostgresCatalog::open(url, limits, &table, rules, clock).await?))
}

#[cfg(not(feature = "postgres"))]
async fn postgres(url: &str, _: CatalogSettings, _: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    Err(address::not_built_in(Place::Catalog, KEY, url, "postgres"))
}
