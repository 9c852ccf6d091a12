//! What deliveries wait for that no original shows: files that a check left out, and photos that were promised or recorded and never came.
//!
//! A delivery's state is computed from its record and every file of it, so what was found is kept for a while: an open delivery is looked at
//! again soon, one that came to its end now and then, and looking takes no more than a share of the time. A delivery that nobody has looked at
//! yet is counted as that: it must never be taken for complete.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use jiff::{Timestamp, tz::TimeZone};
use tokio::sync::Mutex;

use crate::{
    model::{
        error::{Error, Kind, Result},
        key::{DeliveryKey, UploadKey},
        lang::{Lang, Text},
        reason::Owner,
    },
    proof::deliveries::{
        Record, Report, Standing, list,
        report::Line,
        state::{Item, ItemState, Places},
    },
};

/// Deliveries that are looked at: the newest ones.
const DELIVERIES_MAX: usize = 1000;
/// Lines of a delivery with the same code that are kept; of more how many there are is said.
const LINES_MAX: usize = 100;
/// How long what was found counts for a delivery that is open, and for one that came to its end.
const OPEN_HOLDS: Duration = Duration::from_secs(3);
const ENDED_HOLDS: Duration = Duration::from_mins(10);
/// How long one request looks at deliveries; then the others are left to the next one.
const LOOK_FOR: Duration = Duration::from_secs(2);
/// Nothing is looked at for so many times as long as the last look took.
const REST_FACTOR: u32 = 4;
/// Deliveries that are looked at side by side.
const SIDE_BY_SIDE: usize = 4;

/// What a delivery waits for, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenGroup {
    /// The delivery.
    pub(super) delivery: DeliveryKey,
    /// When it was recorded.
    pub(super) created: Timestamp,
    /// Who delivered.
    pub(super) by: String,
    /// The code as it is stored: that of a newer version may be unknown here.
    pub(super) code: String,
    /// The first lines, in the order of their places.
    pub(super) lines: Vec<OpenLine>,
    /// How many there are.
    pub(super) items: u64,
}

/// A photo or file that a delivery waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OpenLine {
    /// What names it among the lines of its delivery and code.
    pub(super) place: String,
    /// The entity's number, where it is unambiguous.
    pub(super) cd_idx: Option<u64>,
    /// The photo's sequence.
    pub(super) sequence: Option<u16>,
    /// The file; none where a number was promised and has no file.
    pub(super) file: Option<String>,
    /// What was found; empty where the code says it all.
    pub(super) found: Text,
}

/// What is known of deliveries, as of a moment ago. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct OpenDeliveries(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    looks: BTreeMap<DeliveryKey, Look>,
    /// Until when nothing is looked at again.
    rests_until: Option<Instant>,
}

/// What a look at a delivery found.
#[derive(Debug, Clone)]
struct Look {
    at: Instant,
    /// Whether something of it goes on by itself.
    is_pending: bool,
    /// None where its record cannot be read.
    groups: Option<Arc<[OpenGroup]>>,
}

impl Look {
    fn is_ended(&self) -> bool {
        !self.is_pending && self.groups.as_ref().is_none_or(|groups| groups.is_empty())
    }

    fn is_due(&self) -> bool {
        self.at.elapsed() >= if self.is_ended() { ENDED_HOLDS } else { OPEN_HOLDS }
    }
}

/// What was found of all deliveries.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// What they wait for, oldest delivery first.
    pub(super) groups: Vec<OpenGroup>,
    /// Deliveries that nobody has looked at yet, or whose records cannot be read.
    pub(super) unknown: Vec<DeliveryKey>,
}

impl OpenDeliveries {
    /// What deliveries wait for. The memory is held while they are looked at, so that they are looked at once for all who ask.
    pub(super) async fn of(&self, places: Places<'_>, zone: &TimeZone) -> Result<Found> {
        let mut kept = self.0.lock().await;
        // Without the queues: their dead letters are in the work list by themselves.
        let places = Places { queues: None, ..places };
        let keys = list::newest(places.store, places.upload_bucket, DELIVERIES_MAX).await?;
        if kept.rests_until.is_none_or(|until| Instant::now() >= until) {
            kept.look(places, zone, &keys).await?;
        }
        let mut found = Found::default();
        for key in keys.iter().rev() {
            match kept.looks.get(key).map(|look| &look.groups) {
                Some(Some(groups)) => found.groups.extend(groups.iter().cloned()),
                Some(None) | None => found.unknown.push(key.clone()),
            }
        }
        Ok(found)
    }

    /// Looks again the next time at a delivery that somebody changed, however it was.
    pub(super) async fn forget_one(&self, delivery: &DeliveryKey) {
        let mut kept = self.0.lock().await;
        kept.rests_until = None;
        kept.looks.remove(delivery);
    }

    /// Looks again the next time at what is open, since somebody changed something.
    pub(super) async fn forget(&self) {
        let mut kept = self.0.lock().await;
        kept.rests_until = None;
        kept.looks.retain(|_, look| look.is_ended());
    }
}

impl Kept {
    /// Looks at what is due of these deliveries, which are newest first, as long as there is time.
    async fn look(&mut self, places: Places<'_>, zone: &TimeZone, keys: &[DeliveryKey]) -> Result<()> {
        let there: BTreeSet<&DeliveryKey> = keys.iter().collect();
        self.looks.retain(|key, _| there.contains(key));
        // First what nobody knows, then what is open, then the others.
        let urgency = |key: &&DeliveryKey| self.looks.get(*key).map(Look::is_ended);
        let is_due = |key: &&DeliveryKey| self.looks.get(*key).is_none_or(Look::is_due);
        let mut due: Vec<&DeliveryKey> = keys.iter().filter(is_due).collect();
        due.sort_by_key(urgency);
        let begun = Instant::now();
        for some in due.chunks(SIDE_BY_SIDE) {
            if begun.elapsed() >= LOOK_FOR {
                break;
            }
            for (key, look) in some.iter().zip(join_all(some.iter().map(|key| look_at(places, zone, key))).await) {
                if let Some(look) = look? {
                    self.looks.insert((*key).clone(), look);
                }
            }
        }
        let rest = OPEN_HOLDS.max(begun.elapsed() * REST_FACTOR);
        self.rests_until = Instant::now().checked_add(rest);
        Ok(())
    }
}

/// Looks at a delivery; none where it is gone.
async fn look_at(places: Places<'_>, zone: &TimeZone, key: &DeliveryKey) -> Result<Option<Look>> {
    let at = Instant::now();
    let record = match list::read(places.store, places.upload_bucket, key).await {
        Ok(Some(record)) => record,
        Ok(None) => return Ok(None),
        Err(error) => return unreadable(key, at, error),
    };
    match Standing::of_record(places, &record).await {
        Ok(standing) => {
            let is_pending = standing.items.iter().any(|item| item.state.is_pending());
            let groups = groups(key, &record, standing, zone);
            Ok(Some(Look { at, is_pending, groups: Some(groups.into()) }))
        }
        Err(error) => unreadable(key, at, error),
    }
}

/// A record that is damaged says nothing of the others; a place that is away is everybody's failure.
fn unreadable(key: &DeliveryKey, at: Instant, error: Error) -> Result<Option<Look>> {
    match error.kind() {
        Kind::Corrupt | Kind::Misconfigured => {
            tracing::warn!(%error, delivery = %key.key(), "the work list lacks a delivery that cannot be read");
            Ok(Some(Look { at, is_pending: false, groups: None }))
        }
        _ => Err(error),
    }
}

/// Whether a file is in the work list by itself: as a rejected original.
fn is_listed(standing: &Standing, item: &Item) -> bool {
    let is_ignored = || UploadKey::of_file(&standing.vertical, &item.file) == UploadKey::Ignored;
    item.state == ItemState::Rejected && !is_ignored()
}

/// What somebody must do something about, by code.
fn groups(key: &DeliveryKey, record: &Record, standing: Standing, zone: &TimeZone) -> Vec<OpenGroup> {
    let items = standing.items.iter().filter(|item| !is_listed(&standing, item)).cloned().collect();
    let standing = Standing { items, ..standing };
    let report = Report::of(&standing, Lang::Ko, zone);
    let mut by_code = BTreeMap::<&str, Vec<OpenLine>>::new();
    for line in report.failures().filter(|line| line.owner != Owner::Nobody) {
        by_code.entry(&line.code).or_default().push(OpenLine::of(line));
    }
    let group = |(code, mut lines): (&str, Vec<OpenLine>)| {
        lines.sort();
        let items = lines.len() as u64;
        lines.truncate(LINES_MAX);
        let (delivery, created, by) = (key.clone(), record.created, record.content.by.clone());
        OpenGroup { delivery, created, by, code: code.to_owned(), lines, items }
    };
    by_code.into_iter().map(group).collect()
}

impl OpenLine {
    fn of(line: &Line) -> Self {
        let Line { cd_idx, sequence, file, detail, found, .. } = line;
        let name = file.as_deref().unwrap_or_default();
        let place = format!("{:020}_{:05}_{name}", cd_idx.unwrap_or(u64::MAX), sequence.unwrap_or(u16::MAX));
        let found = Text::new(detail.clone().unwrap_or_default(), found.clone().unwrap_or_default());
        Self { place, cd_idx: *cd_idx, sequence: *sequence, file: file.clone(), found }
    }
}

impl OpenGroup {
    /// What names the delivery among all: the groups are in the order of it.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.delivery.id, self.delivery.vertical)
    }

    /// How many there are besides the lines.
    pub(super) fn more(&self) -> u64 {
        self.items - self.lines.len() as u64
    }
}
