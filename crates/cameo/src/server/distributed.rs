//! A process over backends that others share: buckets of S3, queues of SQS, the database of a server.
//!
//! Any number of them run side by side, on any machine. There is no S3 endpoint: originals are uploaded to the store itself,
//! and its notifications bring the events.

use std::{sync::Arc, time::Duration};

use tracing::info;

use super::{
    backends::{
        Queues, access_keys, no_server_database, open_catalog, open_queues, open_store, register_rules,
        require_public_url,
    },
    certificate,
    deployment::public_base,
    expiry, healing,
    history::spawn_forgetting,
    listeners::{Listeners, Operator},
    people::announced_link,
    public_url, renderer,
    running::{Roles, Server, spawn_workers},
    site::site_of,
    tasks::Tasks,
    webhooks,
};
use crate::{
    aws::AwsAccess,
    catalog::{Catalog, unused::UnusedCatalog},
    clock::Clock,
    config::{Config, Environment},
    flow::Flow,
    ledger::decide::RegisterRules,
    model::error::{Place, Result},
    render::{Render, unused::UnusedEngine},
    serve::{
        AuditTrail, Pages, Service, UploadAddresses,
        host::Host,
        site::{PublicImages, Site},
    },
    worker::{Worker, outage::Outages},
};

/// How long an idle worker waits for a message. A wait costs one request, so it is longer than embedded, and shorter than
/// the time that a process which is told to end gets to finish.
const RECEIVE_WAIT: Duration = Duration::from_secs(5);

/// Opens the backends, starts images and console where they are on, and the workers of these roles.
pub(super) async fn start(
    config: &Config,
    environment: &Environment,
    clock: Arc<dyn Clock>,
    roles: Roles,
    pages: Option<Pages>,
) -> Result<Server> {
    let listeners = Listeners::bind(config, false)?;
    let (running, shares) = (listeners.running(), listeners.shares(config));
    let shows = running.images.is_some() || running.console.is_some();
    let rules = register_rules(config, running.images.as_deref());
    if roles.register {
        require_public_url(config, running.images.as_deref())?;
    }
    let worker = open(config, environment, clock, roles, rules.clone(), shows).await?;
    let mut tasks = Tasks::new(config.server.shutdown_timeout);
    spawn_workers(&mut tasks, &worker, config, roles);
    // Machines that come and go keep no files of their own; the log has the lines (target cameo::audit, level debug).
    let service = store_service(config, environment)?;
    let uploads = UploadAddresses::Store { public_url: config.s3.public_url(), service };
    let base = public_base(config, running.images.as_deref()).unwrap_or_default().to_owned();
    let public_images = PublicImages { base, listener: None };
    let first_link = announced_link(config, &running, &*worker.flow.catalog, worker.clock.now()).await;
    let site = site_of(&worker, rules.urls, AuditTrail::off(), uploads, public_images, config)?;
    let site = Site { host: Host { certificate: listeners.certificate.clone(), ..site.host.clone() }, ..site };
    certificate::watch(&mut tasks, listeners.certificate.clone(), config, worker.clock.clone());
    if roles.register || shows {
        webhooks::spawn(&mut tasks, &worker, &site, config);
    }
    listeners.spawn(&mut tasks, &worker, Operator { site, pages, socket: None }, config, shares);
    if roles.register {
        public_url::spawn_check(&mut tasks, config);
        let (catalog, clock) = (worker.flow.catalog.clone(), worker.clock.clone());
        spawn_forgetting(&mut tasks, catalog, clock, config.register.keep_history()?);
        healing::spawn(&mut tasks, &worker, config);
        expiry::spawn(&mut tasks, &worker, config);
    }
    Ok(Server { running, credentials: None, first_link, tasks, folder: None })
}

/// Where the store is: what its address leaves out the environment says, as it does for whoever opens it.
fn store_service(config: &Config, environment: &Environment) -> Result<Service> {
    let access = AwsAccess::from_url(Place::Store, &config.store.url)?;
    let first_of = |names: &[&str]| names.iter().find_map(|name| environment.get(name)).map(str::to_owned);
    Ok(Service {
        endpoint: access.endpoint.or_else(|| first_of(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])),
        region: access.region.or_else(|| first_of(&["AWS_REGION", "AWS_DEFAULT_REGION"])),
    })
}

async fn open(
    config: &Config,
    environment: &Environment,
    clock: Arc<dyn Clock>,
    roles: Roles,
    rules: RegisterRules,
    shows: bool,
) -> Result<Worker> {
    let keys = access_keys(environment);
    let store = open_store(config, keys.clone(), roles != Roles::NONE).await?;
    let Queues { events, registrations } = open_queues(config, keys).await?;
    let catalog: Arc<dyn Catalog> = if roles.register || shows {
        if config.catalog.is_embedded() {
            return Err(no_server_database());
        }
        open_catalog(config, rules, clock.clone()).await?
    } else {
        Arc::new(UnusedCatalog)
    };
    let render: Arc<dyn Render> = if roles.resize { renderer::start(config).await? } else { Arc::new(UnusedEngine) };
    info!(resize = roles.resize, register = roles.register, "store, queues and database answer");
    Ok(Worker {
        flow: Flow { store, catalog, render, settings: Arc::new(config.settings()?) },
        events,
        registrations,
        visibility_timeout: config.queue.visibility_timeout,
        receive_wait: RECEIVE_WAIT,
        window: config.register.window()?,
        clock,
        outages: Outages::default(),
    })
}
