//! What console and API work with, put together from a worker's backends; and the keys of tokens, kept as the tokens are.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{audit_log, renderer, tasks::Tasks};
use crate::{
    catalog::Catalog,
    config::Config,
    ledger::image_urls::ImageUrls,
    model::{error::Result, token::Token},
    serve::{
        AuditTrail, Door, OpenDeliveries, Outside, UploadAddresses,
        host::Host,
        s3_api::SessionKeys,
        site::{PublicImages, Site},
    },
    webhooks::Courier,
    worker::Worker,
};

/// How often the tokens are read again: another process may have revoked one.
const TOKENS_EVERY: Duration = Duration::from_secs(1);
/// Tokens that are read at a time.
const TOKENS_AT_ONCE: usize = 1000;

/// What console and API work with.
pub(super) fn site_of(
    worker: &Worker,
    images_url: ImageUrls,
    audit: AuditTrail,
    uploads: UploadAddresses,
    public_images: PublicImages,
    config: &Config,
) -> Result<Site> {
    Ok(Site {
        flow: worker.flow.clone(),
        events: worker.events.clone(),
        registrations: worker.registrations.clone(),
        images_url,
        public_images,
        zone: config.register.time_zone()?,
        window: worker.window.clone(),
        audit,
        door: Door::new(config.console.access_with_oidc()?),
        uploads,
        cors: config.console.cors()?,
        clock: worker.clock.clone(),
        host: host_of(config, worker.clock.now()),
        outside: Outside::default(),
        open: OpenDeliveries::default(),
        webhooks: Courier::new(config.webhooks.settings()?),
        ending: CancellationToken::new(),
    })
}

/// What is known of a process without a data folder; who has one adds it.
fn host_of(config: &Config, now: Timestamp) -> Host {
    Host {
        rendered_side_by_side: Some(renderer::concurrency(config)),
        keep_removed: config.store.keep_removed,
        delete_unpublishes: config.register.delete_unpublishes,
        started_at: Some(now),
        ..Host::default()
    }
}

/// The same on a machine with a data folder.
pub(super) fn in_folder(host: Host, config: &Config, data: &Path) -> Host {
    let host = Host { data_folder: Some(data.to_owned()), ..host };
    let audit_folder = config.audit.enabled.then(|| audit_log::audit_folder(&config.audit, data));
    Host { audit_folder, ..host }
}

/// Reads the tokens and accounts, and gives keys to those that may upload.
pub(super) async fn refresh(sessions: &SessionKeys, catalog: &dyn Catalog) -> Result<()> {
    let changes = sessions.changes();
    let mut all: Vec<Token> = Vec::new();
    loop {
        let after = all.last().map_or("", |token| token.id.as_str());
        let page = catalog.tokens(after, TOKENS_AT_ONCE).await?;
        let is_last = page.len() < TOKENS_AT_ONCE;
        all.extend(page);
        if is_last {
            break;
        }
    }
    let mut after = String::new();
    loop {
        let page = catalog.accounts(&after, TOKENS_AT_ONCE).await?;
        // Those who are logged in upload with keys of their accounts.
        all.extend(page.iter().filter(|account| account.disabled_at.is_none()).map(|account| account.as_token(None)));
        match page.last().filter(|_| page.len() == TOKENS_AT_ONCE) {
            Some(last) => after.clone_from(&last.id),
            None => break,
        }
    }
    sessions.replace(&all, changes);
    Ok(())
}

/// Keeps the keys of tokens as the tokens are.
pub(super) fn spawn_refresher(tasks: &mut Tasks, sessions: Arc<SessionKeys>, catalog: Arc<dyn Catalog>) {
    tasks.spawn(|stop| async move {
        let mut is_failing = false;
        while tokio::time::timeout(TOKENS_EVERY, stop.cancelled()).await.is_err() {
            match refresh(&sessions, &*catalog).await {
                Ok(()) => is_failing = false,
                Err(error) if !is_failing => {
                    tracing::warn!(%error, "the tokens could not be read again; upload addresses of revoked ones hold until they can");
                    is_failing = true;
                }
                Err(_) => {}
            }
        }
        Ok(())
    });
}
