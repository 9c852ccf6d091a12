//! What console and API work with, put together from a worker's backends; and the keys of tokens, kept as the tokens are.

use std::{sync::Arc, time::Duration};

use super::tasks::Tasks;
use crate::{
    catalog::Catalog,
    config::Config,
    ledger::image_urls::ImageUrls,
    model::{error::Result, token::Token},
    serve::{
        AuditTrail, UploadAddresses,
        api::Door,
        s3_api::SessionKeys,
        site::{PublicImages, Site},
    },
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
        door: Door::default(),
        uploads,
        cors: config.console.cors()?,
        clock: worker.clock.clone(),
    })
}

/// Reads the tokens, and gives keys to those that may upload.
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
