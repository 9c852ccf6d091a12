//! The whole system in one process: S3 endpoint, images, console and workers over one data folder.

use std::{future::Future, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    data_folder::{Credentials, DataFolder, Running},
    renderer,
    worker::Worker,
};
use crate::{
    catalog::{image_urls::ImageUrls, ledger::RegisterRules, sqlite::SqliteCatalog, table::Table},
    clock::Clock,
    config::{Config, Environment, Listen},
    error::{Error, Kind, Place, Result},
    flow::{Flow, reconcile::count_rows_elsewhere},
    queue::{Queue, sqlite::SqliteQueue},
    serve::{
        console::{self, Console},
        images::{self, Images},
        s3_api::{self, AccessKey, Grant, KeyRing, Rights, S3Endpoint},
    },
    sqlite::Sqlite,
    store::embedded::{Embedded, EmbeddedOptions},
};

/// How often old content and unfinished uploads are looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// How long an idle worker waits for a message before it looks whether it is to end.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);

/// A running server.
#[derive(Debug)]
pub struct Server {
    running: Running,
    credentials: Credentials,
    credentials_are_new: bool,
    stop: CancellationToken,
    tasks: JoinSet<Result<()>>,
    shutdown_timeout: Duration,
    // Last: the folder is unlocked after everything else is dropped.
    _folder: DataFolder,
}

/// The listeners that are on.
struct Listeners {
    s3: Option<TcpListener>,
    images: Option<TcpListener>,
    console: Option<TcpListener>,
}

/// Everything that the tasks share.
struct Parts {
    worker: Worker,
    store: Embedded,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
}

impl Server {
    /// Opens the data folder, starts every listener and, unless `without_worker`, the workers.
    pub async fn start(
        config: &Config,
        environment: &Environment,
        clock: Arc<dyn Clock>,
        without_worker: bool,
    ) -> Result<Self> {
        only_embedded(config)?;
        #[cfg(feature = "failpoints")]
        crate::failpoint::arm(environment.get("CAMEO_FAILPOINT"), environment.get("CAMEO_PLANTED_BUG"))
            .map_err(|doing| Error::new(Place::System, Kind::Misconfigured, doing))?;
        let folder = DataFolder::open(&config.server.data)?;
        let (credentials, credentials_are_new) = folder.credentials(environment)?;
        let listeners = Listeners {
            s3: listen("s3_listen", config.server.s3_listen).await?,
            images: listen("images_listen", config.server.images_listen).await?,
            console: listen("console_listen", config.server.console_listen).await?,
        };
        let running = listeners.running();
        let parts = open_parts(config, folder.path(), &running, &credentials, clock).await?;
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        if !without_worker {
            spawn_workers(&mut tasks, &parts, config, &stop);
        }
        spawn_listeners(&mut tasks, listeners, &parts, config, &stop, &running);
        spawn_sweeper(&mut tasks, &parts, &stop);
        spawn_address_check(&mut tasks, &parts, register_rules(config, &running).urls);
        folder.announce(&running)?;
        let shutdown_timeout = config.server.shutdown_timeout;
        Ok(Self { running, credentials, credentials_are_new, stop, tasks, shutdown_timeout, _folder: folder })
    }

    /// Where it can be reached.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The first key pair, and whether it was made at this start.
    pub fn credentials(&self) -> (&Credentials, bool) {
        (&self.credentials, self.credentials_are_new)
    }

    /// Serves until `shutdown` completes, then ends within the configured time. An error when a task could not go on.
    pub async fn serve_until(mut self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let failed = tokio::select! {
            () = shutdown => Ok(()),
            failed = first_failure(&mut self.tasks) => failed,
        };
        let stopped = self.end().await;
        failed.and(stopped)
    }

    /// Ends: nothing new is taken, what is held is finished, or given back after the configured time.
    async fn end(&mut self) -> Result<()> {
        info!("ending: finishing what is held");
        self.stop.cancel();
        let finish = async {
            let mut result = Ok(());
            while let Some(ended) = self.tasks.join_next().await {
                result = result.and(task_result(ended));
            }
            result
        };
        let finished = tokio::time::timeout(self.shutdown_timeout, finish).await;
        finished.unwrap_or_else(|_| {
            warn!("not everything finished in time; unfinished messages come again at the next start");
            Ok(())
        })
    }
}

/// Completes when a task ends with an error; tasks that end well are none of its business.
async fn first_failure(tasks: &mut JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = tasks.join_next().await {
        task_result(ended)?;
    }
    std::future::pending().await
}

fn task_result(ended: Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    ended.unwrap_or_else(|error| Err(Error::new(Place::System, Kind::Fatal, "run a task").because(error)))
}

fn only_embedded(config: &Config) -> Result<()> {
    for (key, url, known) in [
        ("store.url", &config.store.url, "embedded:"),
        ("queue.url", &config.queue.url, "sqlite:"),
        ("catalog.url", &config.catalog.url, "sqlite:"),
    ] {
        if url != known {
            let doing = format!("use {key} = {url:?}: this version serves {known:?} only");
            return Err(Error::new(Place::System, Kind::Misconfigured, doing));
        }
    }
    Ok(())
}

async fn listen(key: &str, listen: Listen) -> Result<Option<TcpListener>> {
    let Some(address) = listen.address() else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|error| {
        let doing = format!("listen on {address} (server.{key}); is another server running there?");
        Error::new(Place::System, Kind::Misconfigured, doing).because(error)
    })
}

impl Listeners {
    fn running(&self) -> Running {
        let url = |listener: &Option<TcpListener>| Some(base_url(listener.as_ref()?.local_addr().ok()?));
        Running { pid: std::process::id(), s3: url(&self.s3), images: url(&self.images), console: url(&self.console) }
    }
}

/// An address that a client on this machine can use.
fn base_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

async fn open_parts(
    config: &Config,
    folder: &Path,
    running: &Running,
    credentials: &Credentials,
    clock: Arc<dyn Clock>,
) -> Result<Parts> {
    let db = Sqlite::open(&DataFolder::database(folder)).await?;
    let queue = |name: &str| SqliteQueue::new(db.clone(), name, config.queue.max_receives, clock.clone());
    let events = queue(&config.queue.events);
    let options = EmbeddedOptions {
        keep_old: config.store.keep_old,
        keep_uploads: config.store.keep_uploads,
        ..EmbeddedOptions::new(&config.store.upload_bucket, &config.store.image_bucket, events.clone())
    };
    let store = Embedded::open(folder, db.clone(), clock.clone(), options).await?;
    let table = Table::new(&config.catalog.table, &config.catalog.columns)?;
    let rules = register_rules(config, running);
    let catalog = SqliteCatalog::open(db.clone(), &table, rules, clock.clone()).await?;
    let flow = Flow {
        store: Arc::new(store.clone()),
        catalog: Arc::new(catalog),
        render: renderer::start(config).await?,
        settings: Arc::new(config.settings()?),
    };
    let registrations = queue(&config.queue.registrations);
    for queue in [&events, &registrations] {
        queue.release_all().await?;
    }
    let registrations: Arc<dyn Queue> = Arc::new(registrations);
    let visibility_timeout = config.queue.visibility_timeout;
    let receive_wait = RECEIVE_WAIT;
    let worker = Worker { flow, events: Arc::new(events), registrations, visibility_timeout, receive_wait };
    let keys = Arc::new(KeyRing::fixed(vec![everything(credentials)]));
    Ok(Parts { worker, store, keys, clock })
}

/// Rules of registering, for a server that is reached at these addresses.
pub fn register_rules(config: &Config, running: &Running) -> RegisterRules {
    let listener = running.images.as_deref().unwrap_or("");
    let base = if config.images.public_url.is_empty() { listener } else { &config.images.public_url };
    RegisterRules { urls: ImageUrls::new(base), delete_unpublishes: config.register.delete_unpublishes }
}

/// The first key pair may do everything.
fn everything(credentials: &Credentials) -> AccessKey {
    AccessKey {
        id: credentials.access_key_id.clone(),
        secret: credentials.secret_access_key.clone(),
        grants: vec![Grant { bucket: "*".to_owned(), prefix: String::new(), rights: Rights::All }],
    }
}

fn spawn_workers(tasks: &mut JoinSet<Result<()>>, parts: &Parts, config: &Config, stop: &CancellationToken) {
    for _ in 0..renderer::concurrency(config) {
        let (worker, stop) = (parts.worker.clone(), stop.clone());
        tasks.spawn(async move { worker.resize_until(&stop).await });
    }
    let (worker, stop) = (parts.worker.clone(), stop.clone());
    tasks.spawn(async move { worker.register_until(&stop).await });
}

fn spawn_listeners(
    tasks: &mut JoinSet<Result<()>>,
    listeners: Listeners,
    parts: &Parts,
    config: &Config,
    stop: &CancellationToken,
    running: &Running,
) {
    let flow = &parts.worker.flow;
    if let Some(listener) = listeners.s3 {
        let limits = config.s3.limits(config.server.shutdown_timeout);
        let endpoint = S3Endpoint { store: parts.store.clone(), keys: parts.keys.clone(), limits };
        let stop = stop.clone().cancelled_owned();
        tasks.spawn(async move { served("S3", s3_api::serve(listener, endpoint, stop).await) });
    }
    if let Some(listener) = listeners.images {
        let images = Images::new(flow.store.clone(), &flow.settings);
        let stop = stop.clone().cancelled_owned();
        tasks.spawn(async move { served("images", images::serve(listener, images, stop).await) });
    }
    if let Some(listener) = listeners.console {
        let console = Console {
            flow: flow.clone(),
            events: parts.worker.events.clone(),
            registrations: parts.worker.registrations.clone(),
            images_url: register_rules(config, running).urls,
            clock: parts.clock.clone(),
        };
        let stop = stop.clone().cancelled_owned();
        tasks.spawn(async move { served("the console", console::serve(listener, console, stop).await) });
    }
}

fn served(what: &str, result: io::Result<()>) -> Result<()> {
    result.map_err(|error| Error::new(Place::System, Kind::Fatal, format!("serve {what}")).because(error))
}

/// Says once how many rows lead elsewhere than the configuration says.
fn spawn_address_check(tasks: &mut JoinSet<Result<()>>, parts: &Parts, urls: ImageUrls) {
    let flow = parts.worker.flow.clone();
    tasks.spawn(async move {
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

fn spawn_sweeper(tasks: &mut JoinSet<Result<()>>, parts: &Parts, stop: &CancellationToken) {
    let (store, clock, stop) = (parts.store.clone(), parts.clock.clone(), stop.clone());
    tasks.spawn(async move {
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
