//! The whole system in one process: S3 endpoint, images, console and workers over one data folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::net::UnixListener;
use tracing::{info, warn};

use super::{
    access::{cors, key_ring},
    address_check::AddressCheck,
    audit_log::AuditLog,
    backends::{catalog_settings, open_catalog, register_rules},
    certificate,
    data_folder::{Credentials, DataFolder, Running},
    deployment::public_base,
    descriptors::Shares,
    disk_history, healing,
    history::spawn_forgetting,
    listeners::{Listeners, Operator, served},
    people::announced_link,
    public_url, renderer,
    running::{Roles, Server, spawn_workers},
    site::{in_folder, refresh, site_of, spawn_refresher},
    tasks::Tasks,
    usage, webhooks,
};
use crate::{
    catalog::{Catalog, CatalogSettings, sqlite::SqliteCatalog},
    clock::Clock,
    config::{Config, Environment},
    db::Sqlite,
    flow::Flow,
    ledger::decide::RegisterRules,
    local_socket,
    model::{
        error::{Error, Kind, Place, Result},
        generation::counter_above,
    },
    queue::{Queue, sqlite::SqliteQueue},
    serve::{
        Pages, UploadAddresses,
        host::Host,
        s3_api::{self, AccessKey, KeyRing, S3Endpoint, S3Limits, SessionKeys, Watch},
        site::{PublicImages, Site},
    },
    store::embedded::{Embedded, EmbeddedOptions, check_database_file, way_on},
    worker::{Worker, outage::Outages},
};

/// How often it is looked after what failed changes left behind.
const SETTLE_EVERY: Duration = Duration::from_mins(1);
/// Old content and unfinished uploads are looked for each so many times.
const SWEEP_EACH: u32 = 10;

/// How long an idle worker waits for a message before it looks whether it is to end.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);

/// Everything that the tasks share.
struct Parts {
    worker: Worker,
    store: Embedded,
    db: Sqlite,
    keys: Arc<KeyRing>,
    sessions: Arc<SessionKeys>,
    watch: Watch,
    addresses: AddressCheck,
}

/// Opens the data folder, starts every listener that is on and the workers.
pub(super) async fn start(
    config: &Config,
    environment: &Environment,
    clock: Arc<dyn Clock>,
    roles: Roles,
    pages: Option<Pages>,
) -> Result<Server> {
    let (folder, listeners) = open_folder_and_bind(config)?;
    let (credentials, credentials_are_new) = folder.credentials(environment)?;
    let (running, shares) = (listeners.running(), listeners.shares(config));
    let rules = register_rules(config, running.images.as_deref());
    let (trail, audit) = AuditLog::start(&config.audit, folder.path(), &clock)?;
    let watch = Watch::new(clock.clone(), trail.clone());
    let sessions = SessionKeys::new(&folder.signing_secret()?, &config.store.upload_bucket, clock.clone());
    let parts =
        open_parts(config, folder.path(), rules.clone(), &credentials, clock, (watch, Arc::new(sessions))).await;
    // A database that is damaged anywhere that a start reads has a way on.
    let parts = parts.map_err(|error| with_way_on(error, folder.path()))?;
    let mut tasks = Tasks::new(config.server.shutdown_timeout);
    spawn_workers(&mut tasks, &parts.worker, config, roles);
    let uploads = upload_addresses(config, &listeners, &running, &parts);
    let base = public_base(config, running.images.as_deref()).unwrap_or_default().to_owned();
    let public_images = PublicImages { base, listener: running.images.clone() };
    let site = site_of(&parts.worker, rules.urls.clone(), trail, uploads, public_images, config)?;
    let host = in_folder(site.host.clone(), config, folder.path());
    let site = Site { host: Host { certificate: listeners.certificate.clone(), ..host }, ..site };
    certificate::watch(&mut tasks, listeners.certificate.clone(), config, parts.worker.clock.clone());
    disk_history::spawn(&mut tasks, site.host.clone(), site.clock.clone(), folder.path());
    webhooks::spawn(&mut tasks, &parts.worker, &site, config);
    let operator = Operator { site, pages, socket: Some(bind_socket(folder.path())?) };
    spawn_listeners(&mut tasks, listeners, &parts, operator, config, shares)?;
    spawn_refresher(&mut tasks, parts.sessions.clone(), parts.worker.flow.catalog.clone());
    if roles.register {
        healing::spawn(&mut tasks, &parts.worker, config);
    }
    let (flow, now) = (&parts.worker.flow, parts.worker.clock.now());
    let first_link = announced_link(config, &running, &*flow.catalog, now).await;
    spawn_sweeper(&mut tasks, &parts);
    if roles.register {
        let (catalog, clock) = (parts.worker.flow.catalog.clone(), parts.worker.clock.clone());
        spawn_forgetting(&mut tasks, catalog, clock, config.register.keep_history()?);
    }
    parts.addresses.spawn(&mut tasks, &parts.worker.flow);
    public_url::spawn_check(&mut tasks, config);
    spawn_usage_saver(&mut tasks, parts.keys.clone(), folder.path());
    tasks.at_the_end(end(parts.store, parts.db, parts.keys, parts.watch, folder.path().to_owned(), audit));
    folder.announce(&running)?;
    Ok(Server {
        running,
        credentials: Some((credentials, credentials_are_new)),
        first_link,
        tasks,
        folder: Some(folder),
    })
}

/// A folder that is there is locked first, since another server on it is the better thing to say than a port that it holds; one that is
/// not is made last, so that a start that ends at a port leaves nothing behind.
fn open_folder_and_bind(config: &Config) -> Result<(DataFolder, Listeners)> {
    let path = &config.server.data;
    if path.exists() {
        let folder = DataFolder::open(path)?;
        return Ok((folder, Listeners::bind(config, true)?));
    }
    let listeners = Listeners::bind(config, true)?;
    Ok((DataFolder::open(path)?, listeners))
}

/// What is left to do when every task has ended: changes whose clients went away, and the log of the database.
async fn end(
    store: Embedded,
    db: Sqlite,
    keys: Arc<KeyRing>,
    watch: Watch,
    folder: PathBuf,
    audit: Option<AuditLog>,
) -> Result<()> {
    store.changes_ended().await;
    usage::save(&keys, &folder);
    // The trail ends with the last who could write to it.
    drop(watch);
    if let Some(audit) = audit {
        audit.ended().await;
    }
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
    (watch, sessions): (Watch, Arc<SessionKeys>),
) -> Result<Parts> {
    let database = DataFolder::database(folder);
    check_database_file(folder, &database)?;
    let db = Sqlite::open(&database).await?;
    let queue = |name: &str| SqliteQueue::new(db.clone(), name, config.queue.max_receives, clock.clone());
    let (events, registrations) = (queue(&config.queue.events), queue(&config.queue.registrations));
    let options = EmbeddedOptions {
        keep_old: config.store.keep_old,
        keep_uploads: config.store.keep_uploads,
        keep_quarantine: config.store.keep_quarantine,
        keep_removed: config.store.keep_removed,
        ..EmbeddedOptions::new(&config.store.upload_bucket, &config.store.image_bucket, events.clone())
    };
    let store = Embedded::open(folder, db.clone(), clock.clone(), options).await?;
    let urls = rules.urls.clone();
    let (catalog, in_folder) = catalog(config, db.clone(), rules, clock.clone()).await?;
    // Before a worker writes a row under an address that the rows were not found under.
    let addresses = AddressCheck::begin(in_folder, urls, clock.clone()).await?;
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
    let outages = Outages::default();
    let worker = Worker { flow, events, registrations, visibility_timeout, receive_wait, window, clock, outages };
    let first = AccessKey::all(&credentials.access_key_id, &credentials.secret_access_key);
    refresh(&sessions, &*worker.flow.catalog).await?;
    let keys = Arc::new(key_ring(config, vec![first])?.with_sessions(sessions.clone()));
    usage::restore(&keys, folder)?;
    Ok(Parts { worker, store, db, keys, sessions, watch, addresses })
}

/// A database that cannot be read has a way on, like one that does not belong to the content.
pub(super) fn with_way_on(error: Error, folder: &Path) -> Error {
    let is_damaged = ["file is not a database", "malformed"].iter().any(|text| error.to_string().contains(text));
    if !is_damaged {
        return error;
    }
    let doing = format!("open the store in {}: cameo.db is damaged; {}", folder.display(), way_on(folder));
    Error::new(Place::Store, Kind::Misconfigured, doing).because(error)
}

/// The database in the data folder, or that of a server: the rows of one machine's photos may stand elsewhere.
/// The second is there where it is the database in the data folder.
async fn catalog(
    config: &Config,
    db: Sqlite,
    rules: RegisterRules,
    clock: Arc<dyn Clock>,
) -> Result<(Arc<dyn Catalog>, Option<Arc<SqliteCatalog>>)> {
    if !config.catalog.is_embedded() {
        return Ok((open_catalog(config, rules, clock).await?, None));
    }
    let CatalogSettings { table, rules, .. } = catalog_settings(config, rules)?;
    let catalog = Arc::new(SqliteCatalog::open(db, &table, rules, clock).await?);
    Ok((catalog.clone(), Some(catalog)))
}

/// A ledger that has seen more than this data folder would take what is uploaded now for old, and drop it: the folder is new, or an older
/// copy, or the photos came from another store since.
async fn count_above_ledger(store: &Embedded, catalog: &dyn Catalog) -> Result<()> {
    let Some(highest) = catalog.highest_generation().await? else { return Ok(()) };
    if let Some(counter) = counter_above(&highest) {
        return store.count_above(counter).await;
    }
    warn!(
        generation = %highest,
        "the ledger has a generation that no counter can pass; uploads of its key are lifted above it one by one"
    );
    Ok(())
}

/// Where the API has files uploaded to: the endpoint of this process, where it is on.
fn upload_addresses(config: &Config, listeners: &Listeners, running: &Running, parts: &Parts) -> UploadAddresses {
    let port = listeners.s3.as_ref().and_then(|listener| listener.port.local_addr().ok()).map(|address| address.port());
    match (port, &running.s3) {
        (Some(port), Some(local_url)) => UploadAddresses::Endpoint {
            sessions: parts.sessions.clone(),
            public_url: config.s3.public_url(),
            local_url: local_url.clone(),
            port,
        },
        _ => UploadAddresses::Off,
    }
}

/// The socket by which commands beside the server reach it.
fn bind_socket(folder: &Path) -> Result<UnixListener> {
    let doing = || format!("listen on the socket in {}", folder.display());
    UnixListener::from_std(local_socket::bind(folder)?)
        .map_err(|error| Error::new(Place::System, Kind::Misconfigured, doing()).because(error))
}

fn spawn_listeners(
    tasks: &mut Tasks,
    mut listeners: Listeners,
    parts: &Parts,
    operator: Operator,
    config: &Config,
    shares: Shares,
) -> Result<()> {
    let console = listeners.running().console;
    if let Some(listener) = listeners.s3.take() {
        let limits = S3Limits { connections_max: shares.s3, ..config.s3.limits(&config.server) };
        let (store, keys, watch) = (parts.store.clone(), parts.keys.clone(), parts.watch.clone());
        let (domains, cors) = (config.s3.all_domains(), cors(config, console.as_deref())?);
        let endpoint = S3Endpoint { store, keys, limits, domains, watch, cors };
        tasks
            .spawn(|stop| async move { served("S3", s3_api::serve(listener, endpoint, stop.cancelled_owned()).await) });
    }
    listeners.spawn(tasks, &parts.worker, operator, config, shares);
    Ok(())
}

async fn sweep(store: &Embedded, now: Timestamp) {
    match store.sweep(now).await {
        Ok(swept) if swept.files + swept.uploads > 0 => info!(?swept, "swept what nothing refers to"),
        Ok(_) => {}
        Err(error) => warn!(%error, "sweeping failed; it is tried again"),
    }
}

/// What keys have uploaded is saved each minute: after a crash a quota lacks a minute, not a day.
fn spawn_usage_saver(tasks: &mut Tasks, keys: Arc<KeyRing>, folder: &Path) {
    let folder = folder.to_owned();
    tasks.spawn(|stop| async move {
        while tokio::time::timeout(SETTLE_EVERY, stop.cancelled()).await.is_err() {
            usage::save(&keys, &folder);
        }
        Ok(())
    });
}

fn spawn_sweeper(tasks: &mut Tasks, parts: &Parts) {
    let (store, clock) = (parts.store.clone(), parts.worker.clock.clone());
    tasks.spawn(|stop| async move {
        loop {
            sweep(&store, clock.now()).await;
            for _ in 0..SWEEP_EACH {
                if tokio::time::timeout(SETTLE_EVERY, stop.cancelled()).await.is_ok() {
                    return Ok(());
                }
                match store.make_room(clock.now()).await {
                    Ok(Some(made)) if made.expired > 0 => warn!(
                        ?made,
                        "the disk is nearly full: the oldest deleted and replaced originals were removed before store.keep_removed \
                         and cannot be restored any more; make room on the disk"
                    ),
                    Ok(Some(made)) if made.files > 0 => {
                        warn!(?made, "the disk is nearly full: replaced content was removed before store.keep_old");
                    }
                    Ok(_) => {}
                    Err(error) => warn!(%error, "the space on the disk could not be looked after; it is tried again"),
                }
                if let Err(error) = store.settle().await {
                    warn!(%error, "what failed changes left behind could not be removed; it is tried again");
                }
            }
        }
    });
}
