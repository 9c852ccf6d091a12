//! What stands in store, queues and database, as anybody beside the workers sees it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use cameo::{
    catalog::{self, Catalog, CatalogSettings, LedgerPages, RowPages, limits::ServerLimits, table::Table},
    clock::SystemClock,
    ledger::{self, LedgerEntry, Scope, decide::RegisterRules, image_urls::ImageUrls},
    queue::{self, Queue},
    store::{self, Store},
};

use super::aws::{LocalAws, QUEUES};
use crate::{
    server::{IMAGE_BUCKET, UPLOAD_BUCKET},
    snapshot::{Entry, Object, Row, Snapshot},
};

/// Objects that are asked for at once.
const PAGE: usize = 1000;
/// Empty objects that a start tries the store's conditions with. One stays where a worker is killed at that moment.
const PROBES: &str = "cameo-probe/";
/// Dead letters that are told, at most.
const DEAD_LETTERS_TOLD: usize = 200;

/// Store, queues and database.
#[derive(Debug)]
pub(super) struct Backends {
    store: Arc<dyn Store>,
    catalog: Arc<dyn Catalog>,
    queues: Vec<Arc<dyn Queue>>,
}

impl Backends {
    /// Opens them; the database's tables are made.
    pub(super) async fn open(aws: &LocalAws, database: &str, public_url: &str) -> Result<Self> {
        let keys = || Some(LocalAws::keys());
        let buckets = vec![UPLOAD_BUCKET.to_owned(), IMAGE_BUCKET.to_owned()];
        let mut queues = Vec::with_capacity(QUEUES.len());
        for name in QUEUES {
            queues.push(queue::open(&aws.address("sqs"), name, keys()).await?);
        }
        let rules = RegisterRules { urls: ImageUrls::new(public_url), delete_unpublishes: true };
        let settings = CatalogSettings { table: Table::default(), rules, limits: ServerLimits::default() };
        Ok(Self {
            store: store::open(&aws.address("s3"), buckets, None, keys()).await?,
            catalog: catalog::open(database, settings, Arc::new(SystemClock)).await?,
            queues,
        })
    }

    /// Messages that are not done with.
    pub(super) async fn waiting(&self) -> Result<u64> {
        let mut waiting = 0;
        for queue in &self.queues {
            let depth = queue.depth().await?;
            waiting += depth.visible + depth.in_flight;
        }
        Ok(waiting)
    }

    /// Whether the ledger says that the original is served. False while the database does not answer.
    pub(super) async fn is_serving(&self, key: &str) -> bool {
        let entry = self.catalog.entry(key).await;
        entry.is_ok_and(|entry| entry.is_some_and(|entry| entry.state.as_str() == "serving"))
    }

    /// Whether the image bucket has an object of this key.
    pub(super) async fn has_image(&self, key: &str) -> Result<bool> {
        Ok(self.store.head(IMAGE_BUCKET, key).await?.is_some())
    }

    /// Everything that stands. Nobody may work meanwhile.
    pub(super) async fn snapshot(&self) -> Result<Snapshot> {
        let mut snapshot = Snapshot {
            rows: self.rows().await.context("failed to read the rows")?,
            originals: self.objects(UPLOAD_BUCKET).await?,
            images: self.objects(IMAGE_BUCKET).await?,
            ..Snapshot::default()
        };
        let mut ledger = LedgerPages::new(&*self.catalog, &Scope::All);
        while let Some(entries) = ledger.next().await.context("failed to read the ledger")? {
            snapshot.ledger.extend(entries.into_iter().map(entry));
        }
        for queue in &self.queues {
            for letter in queue.dead_letters(DEAD_LETTERS_TOLD).await? {
                snapshot.dead_letters.push(format!("{}: {}: {}", queue.name(), letter.error, letter.body));
            }
        }
        Ok(snapshot)
    }

    async fn rows(&self) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        let mut pages = RowPages::new(&*self.catalog, &Scope::All);
        while let Some(page) = pages.next().await? {
            found.extend(page);
        }
        let row = |row: ledger::Row| {
            let (entity, sequence) = (row.photo.entity, row.photo.sequence);
            let cd_idx = i64::try_from(entity.cd_idx).unwrap_or(i64::MAX);
            Row::new(entity.vertical.as_str(), cd_idx, i64::from(sequence), row.image_size, row.etag, row.image_url)
        };
        Ok(found.into_iter().map(row).collect())
    }

    async fn objects(&self, bucket: &str) -> Result<std::collections::BTreeMap<String, Object>> {
        let mut objects = std::collections::BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = self.store.list(bucket, "", &after, PAGE).await.context("failed to list the objects")?;
            let Some(last) = page.last() else { return Ok(objects) };
            after.clone_from(&last.key);
            let object = |info: store::ObjectInfo| {
                let object = Object { file: 0, offset: 0, size: info.size, etag: info.etag, made_from: None };
                (info.key, object)
            };
            objects.extend(page.into_iter().filter(|info| !info.key.starts_with(PROBES)).map(object));
        }
    }
}

fn entry(entry: LedgerEntry) -> (String, Entry) {
    let state = entry.state.as_str().to_owned();
    (entry.key, Entry { generation: entry.generation.as_str().to_owned(), etag: entry.etag, state })
}
