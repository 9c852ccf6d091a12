//! The tokens of a system whose server is not running, or that has none of its own: the database is opened and written by a command.

use std::sync::Arc;

use super::{
    backends::{catalog_settings, open_catalog, register_rules},
    data_folder::DataFolder,
};
use crate::{
    catalog::{Catalog, CatalogSettings, sqlite::SqliteCatalog},
    clock::Clock,
    config::Config,
    db::Sqlite,
    model::error::Result,
    store::embedded::check_database_file,
};

/// What keeps tokens, opened for as long as this lives.
#[derive(Debug)]
pub struct Accounts {
    /// The database.
    pub catalog: Arc<dyn Catalog>,
    /// Nobody else may write to it in the meantime.
    _folder: Option<DataFolder>,
}

/// Opens the database of a system: that of the configured server, or that of the data folder, which is locked, and made where it is missing.
pub async fn open_accounts(config: &Config, clock: Arc<dyn Clock>) -> Result<Accounts> {
    let rules = register_rules(config, None);
    if !config.catalog.is_embedded() {
        return Ok(Accounts { catalog: open_catalog(config, rules, clock).await?, _folder: None });
    }
    if !config.keeps_objects()? {
        return Err(super::backends::no_server_database());
    }
    let folder = DataFolder::open(&config.server.data)?;
    let database = DataFolder::database(folder.path());
    check_database_file(folder.path(), &database)?;
    let db = Sqlite::open(&database).await?;
    let CatalogSettings { table, rules, .. } = catalog_settings(config, rules)?;
    Ok(Accounts { catalog: Arc::new(SqliteCatalog::open(db, &table, rules, clock).await?), _folder: Some(folder) })
}
