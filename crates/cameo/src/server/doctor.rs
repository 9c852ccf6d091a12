//! Looking over a configuration before it is used: every place is reached as a server or worker would reach it, by the
//! functions that they call at their start, so that neither is content with what the other refuses.
//!
//! Nothing is made: no tables, no data folder. What is written is a probe in the image bucket, which tells whether the store
//! keeps conditions, and one in the data folder, which tells whether its disk takes anything; both are removed again.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use serde::Serialize;

use super::{
    access::key_ring,
    audit_log,
    backends::{
        access_keys, catalog_settings, no_server_database, open_queue, open_store, register_rules, require_public_url,
    },
    certificate,
    data_folder::{DataFolder, Running, environment_credentials, read_credentials, read_running},
    embedded::with_way_on,
    listeners::{Listeners, warnings},
    renderer,
    running::no_worker_beside,
};
use crate::{
    catalog::{self, Catalog, CatalogSettings, ForeignRows, sqlite, table_check::Mismatch},
    client::wire::WebhookTrouble,
    clock::Clock,
    config::{Config, Environment},
    db::Sqlite,
    model::error::{Error, Kind, Place, Result},
    private_file::check_folder,
    queue::Queue,
    serve::Door,
    store::embedded::{check_belongs_together, check_database_file},
};

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should.
    Good,
    /// It will work, but somebody should know.
    Remark,
    /// It will not work.
    Bad,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub told: String,
    /// The statement that mends it, where it is a statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ddl: Option<String>,
    /// What kind of error it is, for the exit code.
    #[serde(skip)]
    pub kind: Option<Kind>,
}

impl Finding {
    fn good(what: &'static str, told: impl Into<String>) -> Self {
        Self { what, health: Health::Good, told: told.into(), ddl: None, kind: None }
    }

    fn remark(what: &'static str, told: impl Into<String>) -> Self {
        Self { health: Health::Remark, ..Self::good(what, told) }
    }

    fn bad(what: &'static str, error: &Error) -> Self {
        Self { health: Health::Bad, kind: Some(error.kind()), ..Self::good(what, error.to_string()) }
    }

    fn mismatch(mismatch: Mismatch) -> Self {
        let kind = Some(Kind::Misconfigured);
        Self { health: Health::Bad, ddl: mismatch.ddl, kind, ..Self::good("table", mismatch.what) }
    }
}

/// What a configuration is to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// `cameo serve`.
    Server,
    /// `cameo worker`, and the functions.
    Worker,
    /// Whatever the configuration can be used for.
    Anyone,
}

/// Bytes of the probe in the data folder: more than a block, so that a full disk has no room for it.
const PROBE_BYTES: usize = 64 * 1024;

/// Looks at everything that the configuration names.
pub async fn examine(
    config: &Config,
    environment: &Environment,
    clock: Arc<dyn Clock>,
    audience: Audience,
) -> Vec<Finding> {
    let mut findings = vec![window(config, &*clock)];
    findings.extend(tls(config, &*clock).filter(|_| audience != Audience::Worker));
    match config.keeps_objects() {
        Ok(true) if audience == Audience::Worker => findings.push(Finding::bad("configuration", &no_worker_beside())),
        Ok(true) => findings.extend(of_one_machine(config, environment, clock.clone()).await),
        Ok(false) => {
            findings.push(store(config, environment).await);
            for name in [&config.queue.events, &config.queue.registrations] {
                findings.push(queue(config, environment, name).await);
            }
            findings.push(public_url(config, audience));
            if audience != Audience::Worker {
                findings.push(listeners(config, false, None));
            }
            if config.catalog.is_embedded() {
                findings.push(Finding::bad("database", &no_server_database()));
            }
        }
        Err(error) => findings.push(Finding::bad("configuration", &error)),
    }
    if !config.catalog.is_embedded() {
        findings.extend(database(config, clock).await);
    }
    if audience != Audience::Worker {
        findings.extend(log_in(config).await);
    }
    findings.push(engine(config).await);
    findings
}

/// What a server looks at that keeps everything in its data folder.
async fn of_one_machine(config: &Config, environment: &Environment, clock: Arc<dyn Clock>) -> Vec<Finding> {
    let folder = &config.server.data;
    let running = read_running(folder);
    let mut findings = vec![keys(config, environment)];
    findings.extend(public_address(config).await);
    match running {
        Ok(running) => {
            findings.push(listeners(config, true, running.as_ref()));
            findings.push(data_folder(config, folder, running).await);
            if config.catalog.is_embedded() {
                findings.extend(webhooks_of_folder(config, folder, clock).await);
            }
        }
        Err(error) => findings.push(Finding::bad("data folder", &error)),
    }
    findings
}

/// The key pairs of the S3 endpoint.
fn keys(config: &Config, environment: &Environment) -> Finding {
    let folder = &config.server.data;
    let found = environment_credentials(environment).and_then(|set| match set {
        None if folder.is_dir() => read_credentials(folder),
        set => Ok(set),
    });
    // Without a data folder there is no file of keys in it; what is wrong with the folder is said of the folder.
    let no_file = config.s3.key_file.as_os_str().is_empty() && !folder.is_dir();
    match found.and_then(|_| if no_file { Ok(()) } else { key_ring(config, Vec::new()).map(drop) }) {
        Ok(()) => Finding::good("keys", "the access keys of the S3 endpoint can be read"),
        Err(error) => Finding::bad("keys", &error),
    }
}

/// Binds what a server would, and lets it go again. A server of ours has them already.
fn listeners(config: &Config, has_endpoint: bool, running: Option<&Running>) -> Finding {
    let what = "listeners";
    if let Err(error) = config.console.check(&config.server) {
        return Finding::bad(what, &error);
    }
    if let Some(running) = running {
        return Finding::good(what, format!("process {} has them", running.pid));
    }
    match Listeners::bind(config, has_endpoint) {
        Ok(_) => match warnings(config, has_endpoint) {
            none if none.is_empty() => Finding::good(what, "the addresses are free"),
            warnings => Finding::remark(what, format!("the addresses are free; {}", warnings.join("; "))),
        },
        // Where objects are elsewhere, nothing tells whether it is our own server that has them.
        Err(error) if !has_endpoint => Finding::remark(what, format!("{error}; a running `cameo serve` is well")),
        Err(error) => Finding::bad(what, &error),
    }
}

/// The certificate of the listeners: one that a start would refuse, and what somebody should know of one that it takes.
fn tls(config: &Config, clock: &dyn Clock) -> Option<Finding> {
    let what = "certificate";
    let files = certificate::files_of(config)?;
    let facts = match config.server.tls.check(&config.images).and_then(|()| files.load()) {
        Ok(loaded) => loaded.facts,
        Err(error) => return Some(Finding::bad(what, &error)),
    };
    let names = certificate::names_without(config, &facts);
    let without = (!names.is_empty())
        .then(|| format!("it is not for {}, by which clients are to reach the server", names.join(", ")));
    let of_time = facts.warning(clock.now()).map(|warning| warning.english);
    let remarks: Vec<String> = [of_time, files.warning_of_key(), without].into_iter().flatten().collect();
    let found = format!("{} until {}", facts.names.join(", "), facts.ends);
    Some(if remarks.is_empty() {
        Finding::good(what, found)
    } else {
        Finding::remark(what, format!("{found}; {}", remarks.join("; ")))
    })
}

/// The provider that people log in through. One that is away keeps no server from starting, and nobody from logging in with a password.
async fn log_in(config: &Config) -> Option<Finding> {
    let what = "log-in";
    if !config.console.oidc.is_on() {
        return None;
    }
    let door = match config.console.access_with_oidc().map(Door::new) {
        Ok(door) => door,
        Err(error) => return Some(Finding::bad(what, &error)),
    };
    Some(match door.probe_oidc().await? {
        Ok(()) => Finding::good(what, format!("{} answers, and names itself so", config.console.oidc.issuer)),
        Err(error) => Finding::remark(what, error.to_string()),
    })
}

fn window(config: &Config, clock: &dyn Clock) -> Finding {
    match config.register.window() {
        Err(error) => Finding::bad("registering", &error),
        Ok(None) => Finding::good("registering", "at once"),
        Ok(Some(window)) => match window.closed_until(clock.now()) {
            None => Finding::good("registering", "in a window, which is open"),
            Some(at) => Finding::remark("registering", format!("in a window, which is closed: registers at {at}")),
        },
    }
}

async fn data_folder(config: &Config, folder: &Path, running: Option<Running>) -> Finding {
    let what = "data folder";
    let shown = folder.display();
    if let Err(error) = probe(folder) {
        return Finding::bad(what, &error);
    }
    if !folder.exists() {
        if let Err(error) = audit_log::check(&config.audit, folder) {
            return Finding::bad(what, &error);
        }
        return Finding::remark(what, format!("{shown} does not exist yet; `cameo serve` makes it"));
    }
    if !folder.is_dir() {
        let doing = format!("use the data folder {shown}: it is not a folder");
        return Finding::bad(what, &Error::new(Place::System, Kind::Misconfigured, doing));
    }
    // What a start refuses is not called well.
    let trusted = check_folder(folder).and_then(|()| audit_log::check(&config.audit, folder));
    if let Err(error) = trusted {
        return Finding::bad(what, &error);
    }
    let file = DataFolder::database(folder);
    if let Err(error) = check_database_file(folder, &file) {
        return Finding::bad(what, &error);
    }
    if !file.metadata().is_ok_and(|found| found.len() > 0) {
        return Finding::remark(what, format!("{shown} has no database yet; `cameo serve` makes it"));
    }
    match (database_of(config, folder, &file).await.map_err(|error| with_way_on(error, folder)), running) {
        (Ok(()), Some(running)) => Finding::good(what, format!("{shown}, a server runs on it ({})", running.pid)),
        (Ok(()), None) => Finding::remark(what, format!("{shown}, no server runs on it")),
        (Err(error), _) => Finding::bad(what, &error),
    }
}

/// Opens the database for reading, and looks whether it is that of the content, and at its public table where that is the one in use.
async fn database_of(config: &Config, folder: &Path, file: &Path) -> Result<()> {
    let writable = OpenOptions::new().write(true).open(file);
    writable.map_err(|error| unwritable(format!("write to {}", file.display()), &error))?;
    let db = Sqlite::open_read_only(file).await?;
    check_belongs_together(folder, &db)?;
    if !config.catalog.is_embedded() {
        return Ok(());
    }
    let settings = catalog_settings(config, register_rules(config, None))?;
    sqlite::check(&db, &settings.table).await
}

/// Writes a file to the data folder, or to where it would be made, down to the disk; and removes it.
fn probe(folder: &Path) -> Result<()> {
    let there = folder.ancestors().find(|folder| folder.is_dir());
    // A relative name of one part has the empty path above it, which is the folder of this process.
    let there = there.unwrap_or_else(|| Path::new("."));
    let path = there.join(format!(".cameo-probe-{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    };
    let written = write();
    let removed = if path.exists() { fs::remove_file(&path) } else { Ok(()) };
    written.and(removed).map_err(|error| unwritable(format!("write to {}", there.display()), &error))
}

fn unwritable(doing: String, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Kind::Unavailable,
        _ => Kind::Misconfigured,
    };
    Error::new(Place::System, kind, doing).because(error.to_string())
}

async fn store(config: &Config, environment: &Environment) -> Finding {
    let what = "store";
    let (upload, image) = (&config.store.upload_bucket, &config.store.image_bucket);
    match open_store(config, access_keys(environment), true).await {
        Ok(_) => Finding::good(what, format!("the buckets {upload} and {image} are there, and {image} can be written")),
        Err(error) => Finding::bad(what, &error),
    }
}

async fn queue(config: &Config, environment: &Environment, name: &str) -> Finding {
    let depth = async {
        let queue: Arc<dyn Queue> = open_queue(config, name, access_keys(environment)).await?;
        Ok::<_, Error>((queue.depth().await?, queue.max_receives()))
    };
    let (depth, max_receives) = match depth.await {
        Ok(found) => found,
        Err(error) => return Finding::bad("queue", &error),
    };
    if max_receives.is_none() {
        return Finding::remark("queue", no_redrive_policy(name));
    }
    if depth.dead > 0 {
        return Finding::remark("queue", format!("{name}: {} dead letters", depth.dead));
    }
    Finding::good("queue", format!("{name}: {} waiting", depth.visible))
}

/// What is lacking where a queue has no dead-letter queue.
fn no_redrive_policy(name: &str) -> String {
    format!(
        "{name} has no redrive policy: a message that nobody can read stays in it and is tried again and again; \
         give it a dead-letter queue"
    )
}

/// A worker has no listener of its own, so it must be told where images are served.
fn public_url(config: &Config, audience: Audience) -> Finding {
    let listener = config.server.images_listen.address().map(|address| address.to_string());
    let listener = listener.as_deref().filter(|_| audience == Audience::Server);
    match require_public_url(config, listener) {
        Err(error) => Finding::bad("images", &error),
        Ok(()) if config.images.public_url.is_empty() => Finding::remark(
            "images",
            "images.public_url is empty: rows begin with the address of this server's listener",
        ),
        Ok(()) => Finding::good("images", format!("rows begin with {}", config.images.public_url)),
    }
}

/// Whether anybody answers where a server's rows are to lead; a server may well be kept from the address that its public uses.
async fn public_address(config: &Config) -> Option<Finding> {
    let url = &config.images.public_url;
    if url.is_empty() {
        return None;
    }
    Some(match super::public_url::fault_of(url).await {
        None => Finding::good("images", format!("rows begin with {url}, which answers")),
        Some(fault) => Finding::remark(
            "images",
            format!(
                "rows begin with {url} (images.public_url), which does not answer from here: {fault}; correct it, unless \
                 the public reaches it"
            ),
        ),
    })
}

/// The table first, told in full; then whether a worker could write and read what it needs.
async fn database(config: &Config, clock: Arc<dyn Clock>) -> Vec<Finding> {
    let settings = match catalog_settings(config, register_rules(config, None)) {
        Ok(settings) => settings,
        Err(error) => return vec![Finding::bad("table", &error)],
    };
    match catalog::check(&config.catalog.url, &settings).await {
        Err(error) => vec![Finding::bad("database", &error)],
        Ok(mismatches) if mismatches.is_empty() => {
            let fits = format!("{} fits and can be written, or is made at the first start", settings.table.name());
            let mut findings =
                vec![Finding::good("table", fits), ledger(config, settings.clone(), clock.clone()).await];
            if let Ok(catalog) = catalog::open_read_only(&config.catalog.url, settings, clock).await {
                findings.extend(webhooks(&*catalog).await);
            }
            findings
        }
        Ok(mismatches) => mismatches.into_iter().map(Finding::mismatch).collect(),
    }
}

async fn ledger(config: &Config, settings: CatalogSettings, clock: Arc<dyn Clock>) -> Finding {
    let what = "ledger";
    let counts: Result<_> = async {
        let catalog = catalog::open_read_only(&config.catalog.url, settings, clock).await?;
        let drifted = catalog.counts_drifted().await?;
        Ok((catalog.counts().await?, catalog.foreign_rows().await, drifted))
    }
    .await;
    let (originals, others) = match counts {
        Ok((.., true)) => {
            let fix = "a process that registers counts again within worker.reconcile_every";
            return Finding::remark(what, format!("the counts that are kept differ from the ledger: {fix}"));
        }
        Ok((counts, others, false)) => (counts.iter().map(|count| count.originals).sum::<u64>(), others),
        Err(error) if error.kind() == Kind::Misconfigured => return Finding::remark(what, error.to_string()),
        Err(error) => return Finding::bad(what, &error),
    };
    match others {
        Ok(ForeignRows { rows, example: Some(example) }) => {
            let left = "rows of the table cannot be Cameo's and are left alone, such as that of";
            Finding::remark(what, format!("{originals} originals; {rows} {left} {example}"))
        }
        Ok(_) => Finding::good(what, format!("{originals} originals")),
        // It reads the whole table, which may take longer than a statement may.
        Err(error) => Finding::remark(what, format!("{originals} originals; {error}")),
    }
}

/// The webhooks of a data folder; what is wrong with its database is reported of that.
async fn webhooks_of_folder(config: &Config, folder: &Path, clock: Arc<dyn Clock>) -> Option<Finding> {
    let file = DataFolder::database(folder);
    if !file.metadata().is_ok_and(|found| found.len() > 0) {
        return None;
    }
    let settings = catalog_settings(config, register_rules(config, None)).ok()?;
    let url = format!("sqlite:{}", file.display());
    webhooks(&*catalog::open_read_only(&url, settings, clock).await.ok()?).await
}

/// How the webhooks are, where there are any.
async fn webhooks(catalog: &dyn Catalog) -> Option<Finding> {
    let all = catalog.webhooks().await.ok()?;
    let troubles: Vec<_> = all.iter().filter_map(WebhookTrouble::of).collect();
    let what = "webhooks";
    let Some(first) = troubles.first() else {
        return (!all.is_empty()).then(|| Finding::good(what, format!("{} webhooks, none fails", all.len())));
    };
    let WebhookTrouble { webhook, last_error, disabled_at, .. } = first;
    let error = last_error.as_deref().unwrap_or("no answer");
    let state = if disabled_at.is_some() { "is disabled for it" } else { "is tried again" };
    let fix = "`cameo webhook attempts` shows more, `cameo webhook enable` sends what was missed";
    Some(Finding::remark(what, format!("{} of {} fail; {webhook} {state}: {error}; {fix}", troubles.len(), all.len())))
}

async fn engine(config: &Config) -> Finding {
    match renderer::start(config).await {
        Ok(_) => Finding::good("engine", format!("{} originals side by side", renderer::concurrency(config))),
        Err(error) => Finding::bad("engine", &error),
    }
}
