//! Verifying: the proof that nothing is missing, entity by entity, in four places: the original in the upload bucket,
//! the rendition in the image bucket, the row in the public table, and the image as it is served.
//!
//! It only reads. Rows and ledger are fetched in chunks of entities, so that memory grows with the number of originals
//! by about a hundred bytes each, not with what is known of them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, TryStreamExt};

use super::Settings;
use crate::{
    catalog::{Catalog, LedgerEntry, Row, Scope},
    error::Result,
    key::{EntityId, PhotoId, Vertical},
    store::Store,
};

mod collect;
mod judge;
mod report;

pub use report::{Cell, EntityReport, EntityState, PlaceState, Stray, Summary};

/// Entities whose rows and ledger entries are held at a time.
const CHUNK: usize = 200;
/// Entities that are judged side by side.
const CONCURRENCY: usize = 8;

/// An image as the public sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedImage {
    /// The `ETag` that it was served with, without quotes.
    pub etag: Option<String>,
    /// MD5 of the body, in hexadecimal.
    pub md5: String,
}

/// Looks at images as the public does.
#[async_trait]
pub trait Served: Send + Sync + std::fmt::Debug {
    /// Fetches the image at a key; none when the answer is not 200. An error when nobody answers.
    async fn fetch(&self, key: &str) -> Result<Option<ServedImage>>;
}

/// A file that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// Length in bytes.
    pub size: u64,
    /// MD5 of the content, in hexadecimal.
    pub md5: String,
}

/// What is to be verified.
#[derive(Debug, Clone)]
pub struct Question {
    /// Which entities.
    pub scope: Scope,
    /// The list of what was handed over: these originals must be there, as they are, and only their entities are looked at.
    pub delivery: Option<Delivery>,
}

/// A list of what was handed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The originals.
    pub originals: BTreeMap<PhotoId, HandedOver>,
    /// Files that no place can take, because of their names: they stand rejected.
    pub misnamed: Vec<Stray>,
    /// Files that operating systems leave.
    pub ignored: u64,
}

/// The places to look at.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The buckets.
    pub store: &'a dyn Store,
    /// The ledger and the rows.
    pub catalog: &'a dyn Catalog,
    /// The public side.
    pub served: &'a dyn Served,
    /// Names and rules.
    pub settings: &'a Settings,
}

/// What is known of one photo.
#[derive(Debug, Clone, Default)]
struct PhotoFacts {
    original: Option<collect::OriginalFacts>,
    handed_over: Option<HandedOver>,
    ledger: Option<LedgerEntry>,
    rows: BTreeMap<String, Row>,
}

type EntityFacts = BTreeMap<u16, PhotoFacts>;

/// Answers a question; `tell` hears of each entity in order.
pub async fn verify(places: Places<'_>, question: &Question, mut tell: impl FnMut(&EntityReport)) -> Result<Summary> {
    let mut found = collect::originals(places, question).await?;
    let entities = collect::entities(places, question, &found).await?;
    let mut summary = Summary::of_strays(std::mem::take(&mut found.strays));
    if let Some(delivery) = &question.delivery {
        summary.strays.clone_from(&delivery.misnamed);
        summary.ignored = delivery.ignored;
    }
    let entities: Vec<EntityId> = entities.into_iter().collect();
    for chunk in entities.chunks(CHUNK) {
        let facts = collect::facts(places, chunk, &mut found, question.delivery.as_ref()).await?;
        // Boxed, because the compiler cannot prove the bare futures to be `Send`.
        let judged: Vec<_> = facts.iter().map(|(entity, facts)| judge::entity(places, entity, facts).boxed()).collect();
        let mut reports = futures::stream::iter(judged).buffered(CONCURRENCY);
        while let Some(report) = reports.try_next().await? {
            if let Some(report) = report {
                summary.add(&report);
                tell(&report);
            }
        }
    }
    if let Scope::Ids { cd_idx, .. } = &question.scope {
        let seen: BTreeSet<u64> = entities.iter().map(|entity| entity.cd_idx).collect();
        summary.unknown_ids = cd_idx.iter().copied().filter(|id| !seen.contains(id)).collect();
    }
    Ok(summary)
}

/// The prefix under which the originals of a vertical stand.
fn origin_prefix(vertical: &Vertical) -> String {
    format!("{}{vertical}/", crate::key::ORIGIN_PREFIX)
}
