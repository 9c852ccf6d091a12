//! The whole system in one process: S3 endpoint, images, console and workers over one data folder.

use std::{path::Path, sync::Arc, time::Duration};

use tracing::{info, warn};

use super::{
    backends::{catalog_settings, open_catalog, register_rules},
    data_folder::{Credentials, DataFolder},
    listeners::{Listeners, served},
    public_url, renderer,
    server::{Roles, Server, spawn_workers},
    tasks::Tasks,
    worker::Worker,
};
use crate::{
    catalog::{
        Catalog, CatalogSettings, LedgerPages, Scope, image_urls::ImageUrls, ledger::RegisterRules,
        sqlite::SqliteCatalog,
    },
    clock::Clock,
    config::{Config, Environment},
    error::{Error, Kind, Place, Result},
    flow::{Flow, reconcile::count_rows_elsewhere},
    queue::{Queue, sqlite::SqliteQueue},
    serve::s3_api::{self, AccessKey, KeyRing, S3Endpoint},
    sqlite::Sqlite,
    store::embedded::{Embedded, EmbeddedOptions, check_database_file, way_on},
};

/// How often old content and unfinished uploads are looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// How long an idle worker waits for a message before it looks whether it is to end.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);

/// Generations are stored as signed numbers; far below their end, since a counter that has come there can never go on.
const COUNTER_MAX: u64 = 1 << 62;

/// Everything that the tasks share.
struct Parts {
    worker: Worker,
    store: Embedded,
    db: Sqlite,
    keys: Arc<KeyRing>,
}

/// Opens the data folder, starts every listener that is on and the workers.
pub(super) async fn start(
    config: &Config,
    environment: &Environment,
    clock: Arc<dyn Clock>,
    roles: Roles,
) -> Result<Server> {
    let (folder, listeners) = open_folder_and_bind(config).await?;
    let (credentials, credentials_are_new) = folder.credentials(environment)?;
    let running = listeners.running();
    let rules = register_rules(config, running.images.as_deref());
    let parts = open_parts(config, folder.path(), rules.clone(), &credentials, clock).await?;
    let mut tasks = Tasks::new(config.server.shutdown_timeout);
    spawn_workers(&mut tasks, &parts.worker, config, roles);
    spawn_listeners(&mut tasks, listeners, &parts, config, &rules.urls);
    spawn_sweeper(&mut tasks, &parts);
    spawn_address_check(&mut tasks, &parts.worker.flow, rules.urls);
    public_url::spawn_check(&mut tasks, config);
    tasks.at_the_end(end(parts.store, parts.db));
    folder.announce(&running)?;
    Ok(Server { running, credentials: Some((credentials, credentials_are_new)), tasks, folder: Some(folder) })
}

/// A folder that is there is locked first, since another server on it is the better thing to say than a port that it holds; one that is
/// not is made last, so that a start that ends at a port leaves nothing behind.
async fn open_folder_and_bind(config: &Config) -> Result<(DataFolder, Listeners)> {
    let path = &config.server.data;
    if path.exists() {
        let folder = DataFolder::open(path)?;
        return Ok((folder, Listeners::bind(&config.server, true).await?));
    }
    let listeners = Listeners::bind(&config.server, true).await?;
    Ok((DataFolder::open(path)?, listeners))
}

/// What is left to do when every task has ended: changes whose clients went away, and the log of the database.
async fn end(store: Embedded, db: Sqlite) -> Result<()> {
    store.changes_ended().await;
    if let Err(error) = db.fold_log().await {
        warn!(%error, "the log of the database is left beside it, and is needed with it");
    }
    Ok(())
}

async fn open_parts(
    config: &Config,
    folder: &Path,
    rules: RegisterRules,
    credentials: &Credentials,
    clock: Arc<dyn Clock>,
) -> Result<Parts> {
    let database = DataFolder::database(folder);
    check_database_file(folder, &database)?;
    let db = Sqlite::open(&database).await.map_err(|error| with_way_on(error, folder))?;
    let queue = |name: &str| SqliteQueue::new(db.clone(), name, config.queue.max_receives, clock.clone());
    let (events, registrations) = (queue(&config.queue.events), queue(&config.queue.registrations));
    let options = EmbeddedOptions {
        keep_old: config.store.keep_old,
        keep_uploads: config.store.keep_uploads,
        keep_quarantine: config.store.keep_quarantine,
        ..EmbeddedOptions::new(&config.store.upload_bucket, &config.store.image_bucket, events.clone())
    };
    let store = Embedded::open(folder, db.clone(), clock.clone(), options).await?;
    let catalog = catalog(config, db.clone(), rules, clock.clone()).await?;
    count_above_ledger(&store, &*catalog).await?;
    let flow = Flow {
        store: Arc::new(store.clone()),
        catalog,
        render: renderer::start(config).await?,
        settings: Arc::new(config.settings()?),
    };
    for queue in [&events, &registrations] {
        queue.release_all().await?;
    }
    let (events, registrations): (Arc<dyn Queue>, Arc<dyn Queue>) = (Arc::new(events), Arc::new(registrations));
    let (visibility_timeout, window) = (config.queue.visibility_timeout, config.register.window()?);
    let receive_wait = RECEIVE_WAIT;
    let worker = Worker { flow, events, registrations, visibility_timeout, receive_wait, window, clock };
    let keys = Arc::new(key_ring(config, credentials)?);
    Ok(Parts { worker, store, db, keys })
}

/// A database that cannot be read has a way on, like one that does not belong to the content.
fn with_way_on(error: Error, folder: &Path) -> Error {
    let is_damaged = ["file is not a database", "malformed"].iter().any(|text| error.to_string().contains(text));
    if !is_damaged {
        return error;
    }
    let doing = format!("open the store in {}: cameo.db is damaged; {}", folder.display(), way_on(folder));
    Error::new(Place::Store, Kind::Misconfigured, doing).because(error)
}

/// The database in the data folder, or that of a server: the rows of one machine's photos may stand elsewhere.
async fn catalog(config: &Config, db: Sqlite, rules: RegisterRules, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    if !config.catalog.is_embedded() {
        return open_catalog(config, rules, clock).await;
    }
    let CatalogSettings { table, rules, .. } = catalog_settings(config, rules)?;
    Ok(Arc::new(SqliteCatalog::open(db, &table, rules, clock).await?))
}

/// A ledger that has seen more than this data folder would take what is uploaded now for old, and drop it: the folder is new, or an older
/// copy, or the photos came from another store since.
async fn count_above_ledger(store: &Embedded, catalog: &dyn Catalog) -> Result<()> {
    let scope = Scope::All;
    let (mut pages, mut highest) = (LedgerPages::new(catalog, &scope), 0);
    while let Some(entries) = pages.next().await? {
        let counters = entries.iter().filter_map(|entry| counter_above(entry.generation.as_str()));
        highest = counters.max().unwrap_or(0).max(highest);
    }
    store.count_above(highest).await
}

/// The counter from which on generations are above this one; none where no counter is, and where it is no number of ours.
fn counter_above(generation: &str) -> Option<u64> {
    const DIGITS: usize = 16;
    let digits = generation.get(..DIGITS.min(generation.len()))?;
    let counter = u64::from_str_radix(&format!("{digits:0<DIGITS$}"), 16).ok()?;
    (counter < COUNTER_MAX).then_some(counter)
}

/// The first key pair, which may do everything, and those of the file of keys.
fn key_ring(config: &Config, credentials: &Credentials) -> Result<KeyRing> {
    let first = vec![AccessKey::all(&credentials.access_key_id, &credentials.secret_access_key)];
    match &config.s3.key_file {
        none if none.as_os_str().is_empty() => Ok(KeyRing::fixed(first)),
        path => KeyRing::with_file(first, path),
    }
}

fn spawn_listeners(tasks: &mut Tasks, mut listeners: Listeners, parts: &Parts, config: &Config, urls: &ImageUrls) {
    if let Some(listener) = listeners.s3.take() {
        let limits = config.s3.limits(config.server.shutdown_timeout);
        let endpoint = S3Endpoint { store: parts.store.clone(), keys: parts.keys.clone(), limits };
        tasks
            .spawn(|stop| async move { served("S3", s3_api::serve(listener, endpoint, stop.cancelled_owned()).await) });
    }
    listeners.spawn(tasks, &parts.worker, urls.clone());
}

/// Says once how many rows lead elsewhere than the configuration says.
fn spawn_address_check(tasks: &mut Tasks, flow: &Flow, urls: ImageUrls) {
    let flow = flow.clone();
    tasks.spawn(|_| async move {
        match count_rows_elsewhere(&flow, &urls).await {
            Ok(0) => {}
            Ok(rows) => warn!(
                rows,
                "rows have addresses that are not under images.public_url; `cameo reconcile --apply` rewrites them"
            ),
            Err(error) => warn!(%error, "the addresses of the rows could not be checked"),
        }
        Ok(())
    });
}

fn spawn_sweeper(tasks: &mut Tasks, parts: &Parts) {
    let (store, clock) = (parts.store.clone(), parts.worker.clock.clone());
    tasks.spawn(|stop| async move {
        loop {
            match store.sweep(clock.now()).await {
                Ok(swept) if swept.files + swept.uploads > 0 => info!(?swept, "swept what nothing refers to"),
                Ok(_) => {}
                Err(error) => warn!(%error, "sweeping failed; it is tried again"),
            }
            if tokio::time::timeout(SWEEP_EVERY, stop.cancelled()).await.is_ok() {
                return Ok(());
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::Generation;

    /// flow.md 4.
    #[test]
    fn the_counter_begins_above_every_generation_that_a_ledger_may_hold() {
        for generation in ["0000000000000007", "0055AED6DCD90281E5", "0068", "000000000000000701", "0"] {
            let counter = counter_above(generation).expect(generation);
            assert!(Generation::from_counter(counter + 1) > Generation::new(generation), "{generation}");
        }
        assert_eq!(counter_above("ffffffffffffffff"), None);
        assert_eq!(counter_above("no number"), None);
    }
}
