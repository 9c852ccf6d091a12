//! Events that were lost: originals that the ledger has not heard of, although they have been there for a while and no message is about
//! them. Their events are sent again; nothing is ever deleted.
//!
//! Upload bucket and ledger are walked side by side, a page at a time and not faster than a given rate, so that the store of a large system
//! is not busy with it. Where messages cannot be looked at (SQS), nothing is sent while a queue holds any.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use crate::{
    catalog::LedgerPages,
    flow::{Flow, requeue::requeue},
    ledger::{LedgerEntry, Scope},
    model::{
        error::Result,
        key::{ORIGIN_PREFIX, UploadKey},
    },
    proof::verify::{Queues, without_message},
    store::ObjectInfo,
};

/// Keys fetched at a time.
const PAGE: usize = 1000;

/// The bounds of a run.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How old an original must be: younger ones may have their event under way.
    pub least_age: Duration,
    /// Events that are sent in a run, at most.
    pub events_max: usize,
    /// Pause between two pages of a thousand keys.
    pub pause: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { least_age: Duration::from_mins(15), events_max: 10_000, pause: Duration::from_millis(100) }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Healed {
    /// Originals that were looked at.
    pub originals: u64,
    /// Events that were sent again.
    pub events: u64,
    /// The key of one of them.
    pub example: Option<String>,
    /// Originals that wait for nothing, and whose event was not sent for the bound of a run.
    pub left: u64,
}

/// Looks for originals whose event was lost, and sends it again.
pub async fn heal(flow: &Flow, queues: Queues<'_>, bounds: Bounds, now: Timestamp) -> Result<Healed> {
    let mut healed = Healed::default();
    let mut ledger = Ledger { pages: LedgerPages::new(&*flow.catalog, &Scope::All), entries: VecDeque::new() };
    let until = now.checked_sub(bounds.least_age).unwrap_or(Timestamp::MIN);
    let mut after = String::new();
    loop {
        let page = flow.store.list(&flow.settings.upload_bucket, ORIGIN_PREFIX, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(healed) };
        after.clone_from(&last.key);
        healed.originals += page.len() as u64;
        let mut suspects = Vec::new();
        for info in page {
            let entry = ledger.entry_of(&info.key).await?;
            if info.last_modified <= until && is_unheard_of(&info, entry.as_ref()) {
                suspects.push(info.key);
            }
        }
        send(flow, queues, bounds, now, suspects, &mut healed).await?;
        tokio::time::sleep(bounds.pause).await;
    }
}

async fn send(
    flow: &Flow,
    queues: Queues<'_>,
    bounds: Bounds,
    now: Timestamp,
    suspects: Vec<String>,
    healed: &mut Healed,
) -> Result<()> {
    if suspects.is_empty() {
        return Ok(());
    }
    let mut lost = without_message(queues, suspects).await?;
    // By now its message may be done with: then the ledger knows.
    let mut still = Vec::new();
    for key in lost.drain(..) {
        let info = flow.store.head(&flow.settings.upload_bucket, &key).await?;
        let entry = flow.catalog.entry(&key).await?;
        if info.is_some_and(|info| is_unheard_of(&info, entry.as_ref())) {
            still.push(key);
        }
    }
    let room = bounds.events_max.saturating_sub(usize::try_from(healed.events).unwrap_or(usize::MAX));
    healed.left += still.len().saturating_sub(room) as u64;
    still.truncate(room);
    if let Some(first) = still.first() {
        healed.example.get_or_insert_with(|| first.clone());
        healed.events += requeue(flow, queues.events, &still, now).await?.requeued;
    }
    Ok(())
}

/// Whether the ledger has not heard of what is there. Files that operating systems leave are none of its business.
fn is_unheard_of(info: &ObjectInfo, entry: Option<&LedgerEntry>) -> bool {
    if matches!(UploadKey::parse(&info.key), UploadKey::Ignored | UploadKey::Plain) {
        return false;
    }
    match (entry, &info.write_generation) {
        (None, _) => true,
        (Some(entry), Some(written)) => *written > entry.generation,
        (Some(entry), None) => info.etag != entry.etag,
    }
}

/// The ledger beside the walk.
struct Ledger<'l> {
    pages: LedgerPages<'l>,
    entries: VecDeque<LedgerEntry>,
}

impl Ledger<'_> {
    /// The entry of a key; keys must be asked for in their order.
    async fn entry_of(&mut self, key: &str) -> Result<Option<LedgerEntry>> {
        loop {
            match self.entries.front() {
                Some(entry) if entry.key.as_str() < key => drop(self.entries.pop_front()),
                Some(entry) if entry.key == key => return Ok(self.entries.pop_front()),
                Some(_) => return Ok(None),
                None => match self.pages.next().await? {
                    Some(page) => self.entries.extend(page),
                    None => return Ok(None),
                },
            }
        }
    }
}
