//! The whole system in one process: S3 endpoint, images, console and workers over one data folder.

use std::{path::Path, sync::Arc, time::Duration};

use tracing::{info, warn};

use super::{
    backends::{catalog_settings, open_catalog, register_rules},
    data_folder::{Credentials, DataFolder},
    listeners::{Listeners, served},
    outage::Outages,
    renderer,
    server::{Roles, Server, spawn_workers},
    tasks::Tasks,
    worker::Worker,
};
use crate::{
    catalog::{Catalog, CatalogSettings, image_urls::ImageUrls, ledger::RegisterRules, sqlite::SqliteCatalog},
    clock::Clock,
    config::{Config, Environment},
    error::Result,
    flow::{Flow, reconcile::count_rows_elsewhere},
    queue::{Queue, sqlite::SqliteQueue},
    serve::s3_api::{self, AccessKey, KeyRing, S3Endpoint},
    sqlite::Sqlite,
    store::embedded::{Embedded, EmbeddedOptions},
};

/// How often old content and unfinished uploads are looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// How long an idle worker waits for a message before it looks whether it is to end.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);

/// Everything that the tasks share.
struct Parts {
    worker: Worker,
    store: Embedded,
    keys: Arc<KeyRing>,
}

/// Opens the data folder, starts every listener that is on and the workers.
pub(super) async fn start(
    config: &Config,
    environment: &Environment,
    clock: Arc<dyn Clock>,
    roles: Roles,
) -> Result<Server> {
    let folder = DataFolder::open(&config.server.data)?;
    let (credentials, credentials_are_new) = folder.credentials(environment)?;
    let listeners = Listeners::bind(&config.server, true).await?;
    let running = listeners.running();
    let rules = register_rules(config, running.images.as_deref());
    let parts = open_parts(config, folder.path(), rules.clone(), &credentials, clock).await?;
    let mut tasks = Tasks::new(config.server.shutdown_timeout);
    spawn_workers(&mut tasks, &parts.worker, config, roles);
    spawn_listeners(&mut tasks, listeners, &parts, config, &rules.urls);
    spawn_sweeper(&mut tasks, &parts);
    spawn_address_check(&mut tasks, &parts.worker.flow, rules.urls);
    folder.announce(&running)?;
    Ok(Server { running, credentials: Some((credentials, credentials_are_new)), tasks, folder: Some(folder) })
}

async fn open_parts(
    config: &Config,
    folder: &Path,
    rules: RegisterRules,
    credentials: &Credentials,
    clock: Arc<dyn Clock>,
) -> Result<Parts> {
    let db = Sqlite::open(&DataFolder::database(folder)).await?;
    let queue = |name: &str| SqliteQueue::new(db.clone(), name, config.queue.max_receives, clock.clone());
    let (events, registrations) = (queue(&config.queue.events), queue(&config.queue.registrations));
    let options = EmbeddedOptions {
        keep_old: config.store.keep_old,
        keep_uploads: config.store.keep_uploads,
        ..EmbeddedOptions::new(&config.store.upload_bucket, &config.store.image_bucket, events.clone())
    };
    let store = Embedded::open(folder, db.clone(), clock.clone(), options).await?;
    let flow = Flow {
        store: Arc::new(store.clone()),
        catalog: catalog(config, db, rules, clock.clone()).await?,
        render: renderer::start(config).await?,
        settings: Arc::new(config.settings()?),
    };
    for queue in [&events, &registrations] {
        queue.release_all().await?;
    }
    let (events, registrations): (Arc<dyn Queue>, Arc<dyn Queue>) = (Arc::new(events), Arc::new(registrations));
    let (visibility_timeout, window) = (config.queue.visibility_timeout, config.register.window()?);
    let receive_wait = RECEIVE_WAIT;
    let outages = Outages::default();
    let worker = Worker { flow, events, registrations, visibility_timeout, receive_wait, window, clock, outages };
    let keys = Arc::new(key_ring(config, credentials)?);
    Ok(Parts { worker, store, keys })
}

/// The database in the data folder, or that of a server: the rows of one machine's photos may stand elsewhere.
async fn catalog(config: &Config, db: Sqlite, rules: RegisterRules, clock: Arc<dyn Clock>) -> Result<Arc<dyn Catalog>> {
    if !config.catalog.is_embedded() {
        return open_catalog(config, rules, clock).await;
    }
    let CatalogSettings { table, rules, .. } = catalog_settings(config, rules)?;
    Ok(Arc::new(SqliteCatalog::open(db, &table, rules, clock).await?))
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
