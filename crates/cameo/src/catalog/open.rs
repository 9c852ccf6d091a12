//! The catalog at an address.

use std::sync::Arc;

use super::{
    Catalog,
    settings::{CatalogSettings, Use},
    table_check::Mismatch,
};
use crate::{
    address,
    clock::Clock,
    model::error::{Error, Kind, Place, Result},
};

const KEY: &str = "catalog.url";
const KNOWN: &str = "sqlite:FILE, mysql://USER:PASSWORD@HOST:PORT/DATABASE (MariaDB too) and \
    postgres://USER:PASSWORD@HOST:PORT/DATABASE";

/// Opens the catalog at `mysql://…` or `postgres://…`. A `sqlite:FILE` can only be read: it is written by the one process that owns
/// its data folder.
pub async fn open(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    open_for(Use::ReadAndWrite, url, settings, clock).await
}

/// Opens the catalog at an address for reading: no table is made or tried, and the user needs no right to write.
pub async fn open_read_only(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    open_for(Use::Read, url, settings, clock).await
}

async fn open_for(
    for_use: Use,
    url: &str,
    settings: CatalogSettings,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Catalog>> {
    match kind_of(url, for_use)? {
        Database::Sqlite => sqlite(url, settings, clock).await,
        Database::MySql => mysql(url, settings, clock, for_use).await,
        Database::Postgres => postgres(url, settings, clock, for_use).await,
    }
}

/// What an address leads to.
enum Database {
    Sqlite,
    MySql,
    Postgres,
}

/// The one judgement of an address, for whoever opens it and for whoever looks over it before.
fn kind_of(url: &str, for_use: Use) -> Result<Database> {
    match (address::scheme(url).as_str(), for_use) {
        ("sqlite", Use::Read) => Ok(Database::Sqlite),
        ("sqlite", Use::ReadAndWrite) => {
            let doing = format!(
                "open the catalog: {KEY} = {url:?} is a database file that is only read; write sqlite: for that of the data folder, or \
                 mysql://… or postgres://…"
            );
            Err(Error::new(Place::Catalog, Kind::Misconfigured, doing))
        }
        ("mysql" | "mariadb", _) => Ok(Database::MySql),
        ("postgres" | "postgresql", _) => Ok(Database::Postgres),
        _ => Err(address::unknown_scheme(Place::Catalog, KEY, url, KNOWN)),
    }
}

/// What [`open`] would refuse at an address, found without making anything: what of the public table does not fit, or the
/// error of what cannot be reached or is not allowed. An embedded table is looked at by whoever opens its data folder.
pub async fn check(url: &str, settings: &CatalogSettings) -> Result<Vec<Mismatch>> {
    match kind_of(url, Use::ReadAndWrite)? {
        Database::Sqlite => Ok(Vec::new()),
        Database::MySql => mysql_check(url, settings).await,
        Database::Postgres => postgres_check(url, settings).await,
    }
}

#[cfg(feature = "mysql")]
async fn mysql_check(url: &str, settings: &CatalogSettings) -> Result<Vec<Mismatch>> {
    super::mysql::MySqlCatalog::check(url, settings).await
}

#[cfg(not(feature = "mysql"))]
#[expect(clippy::unused_async, reason = "called as the one that is built in is")]
async fn mysql_check(url: &str, _: &CatalogSettings) -> Result<Vec<Mismatch>> {
    Err(address::not_built_in(Place::Catalog, KEY, url, "mysql"))
}

#[cfg(feature = "postgres")]
async fn postgres_check(url: &str, settings: &CatalogSettings) -> Result<Vec<Mismatch>> {
    super::postgres::PostgresCatalog::check(url, settings).await
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "called as the one that is built in is")]
async fn postgres_check(url: &str, _: &CatalogSettings) -> Result<Vec<Mismatch>> {
    Err(address::not_built_in(Place::Catalog, KEY, url, "postgres"))
}

#[cfg(feature = "embedded")]
async fn sqlite(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    let file = url.split_once(':').map_or("", |(_, file)| file);
    let file = std::path::Path::new(file.strip_prefix("//").unwrap_or(file));
    let db = crate::db::Sqlite::open_read_only(file).await?;
    Ok(Arc::new(super::sqlite::SqliteCatalog::open(db, &settings.table, settings.rules, clock).await?))
}

#[cfg(not(feature = "embedded"))]
#[expect(clippy::unused_async, reason = "called as the one that is built in is")]
async fn sqlite(url: &str, _: CatalogSettings, _: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    Err(address::not_built_in(Place::Catalog, KEY, url, "embedded"))
}

#[cfg(feature = "mysql")]
async fn mysql(url: &str, settings: CatalogSettings, clock: Arc<dyn Clock>, for_use: Use) -> Result<Arc<dyn Catalog>> {
    Ok(Arc::new(super::mysql::MySqlCatalog::open(url, settings, clock, for_use).await?))
}

#[cfg(not(feature = "mysql"))]
#[expect(clippy::unused_async, reason = "called as the one that is built in is")]
async fn mysql(url: &str, _: CatalogSettings, _: Arc<dyn Clock>, _: Use) -> Result<Arc<dyn Catalog>> {
    Err(address::not_built_in(Place::Catalog, KEY, url, "mysql"))
}

#[cfg(feature = "postgres")]
async fn postgres(
    url: &str,
    settings: CatalogSettings,
    clock: Arc<dyn Clock>,
    for_use: Use,
) -> Result<Arc<dyn Catalog>> {
    Ok(Arc::new(super::postgres::PostgresCatalog::open(url, settings, clock, for_use).await?))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "called as the one that is built in is")]
async fn postgres(url: &str, _: CatalogSettings, _: Arc<dyn Clock>, _: Use) -> Result<Arc<dyn Catalog>> {
    Err(address::not_built_in(Place::Catalog, KEY, url, "postgres"))
}
