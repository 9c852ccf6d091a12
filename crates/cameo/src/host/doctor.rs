//! Looking over a configuration before it is used: every place is reached as a server or worker would reach it.
//!
//! Nothing is made: no tables, no data folder. The one thing written is a probe in the image bucket, which tells whether the
//! store keeps conditions, and is removed again.

use std::{path::Path, sync::Arc};

use serde::Serialize;

use super::{
    backends::{access_keys, catalog_settings, open_queue, open_store, register_rules},
    data_folder::{DataFolder, read_running},
    renderer,
};
use crate::{
    catalog::{self, CatalogSettings, fit::Misfit},
    clock::Clock,
    config::{Config, Environment},
    error::{Error, Kind, Result},
    queue::Queue,
    sqlite::Sqlite,
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

    fn misfit(misfit: Misfit) -> Self {
        let kind = Some(Kind::Misconfigured);
        Self { health: Health::Bad, ddl: Some(misfit.ddl), kind, ..Self::good("table", misfit.what) }
    }
}

/// Looks at everything that the configuration names.
pub async fn examine(config: &Config, environment: &Environment, clock: Arc<dyn Clock>) -> Vec<Finding> {
    let mut findings = vec![window(config, &*clock)];
    match config.keeps_objects() {
        Ok(true) => findings.push(data_folder(&config.server.data).await),
        Ok(false) => {
            findings.push(store(config, environment).await);
            for name in [&config.queue.events, &config.queue.registrations] {
                findings.push(queue(config, environment, name).await);
            }
            findings.push(public_url(config));
        }
        Err(error) => findings.push(Finding::bad("configuration", &error)),
    }
    if !config.catalog.is_embedded() {
        findings.extend(database(config, clock).await);
    }
    findings.push(engine(config).await);
    findings
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

async fn data_folder(folder: &Path) -> Finding {
    let what = "data folder";
    let shown = folder.display();
    if !folder.exists() {
        return Finding::remark(what, format!("{shown} does not exist yet; `cameo serve` makes it"));
    }
    match (Sqlite::open_read_only(&DataFolder::database(folder)).await, read_running(folder)) {
        (Ok(_), Ok(Some(running))) => Finding::good(what, format!("{shown}, a server runs on it ({})", running.pid)),
        (Ok(_), Ok(None)) => Finding::remark(what, format!("{shown}, no server runs on it")),
        (Err(error), _) | (_, Err(error)) => Finding::bad(what, &error),
    }
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

fn public_url(config: &Config) -> Finding {
    if config.images.public_url.is_empty() {
        return Finding::remark(
            "images",
            "images.public_url is empty: no worker can register, only a server with images",
        );
    }
    Finding::good("images", format!("rows begin with {}", config.images.public_url))
}

/// The table first, told in full; then whether a worker could read what it needs.
async fn database(config: &Config, clock: Arc<dyn Clock>) -> Vec<Finding> {
    let settings = match catalog_settings(config, register_rules(config, None)) {
        Ok(settings) => settings,
        Err(error) => return vec![Finding::bad("table", &error)],
    };
    match catalog::misfits(&config.catalog.url, &settings).await {
        Err(error) => vec![Finding::bad("database", &error)],
        Ok(misfits) if misfits.is_empty() => {
            vec![
                Finding::good("table", format!("{} fits, or is made at the first start", settings.table.name())),
                ledger(config, settings, clock).await,
            ]
        }
        Ok(misfits) => misfits.into_iter().map(Finding::misfit).collect(),
    }
}

async fn ledger(config: &Config, settings: CatalogSettings, clock: Arc<dyn Clock>) -> Finding {
    let counts: Result<_> = async {
        let catalog = catalog::open_read_only(&config.catalog.url, settings, clock).await?;
        catalog.counts().await
    }
    .await;
    match counts {
        Ok(counts) => {
            let originals: u64 = counts.iter().map(|count| count.originals).sum();
            Finding::good("ledger", format!("{originals} originals"))
        }
        Err(error) if error.kind() == Kind::Misconfigured => Finding::remark("ledger", error.to_string()),
        Err(error) => Finding::bad("ledger", &error),
    }
}

async fn engine(config: &Config) -> Finding {
    match renderer::start(config).await {
        Ok(_) => Finding::good("engine", format!("{} originals side by side", renderer::concurrency(config))),
        Err(error) => Finding::bad("engine", &error),
    }
}
