//! Which delivery an upload came with that a line of the history is about: the newest record that names its file and bytes, else the
//! implicit one of its day.
//!
//! It is found on reading, so that registering pays nothing for it and plain aws-cli's uploads have one too. A record is written once, so
//! what is remembered of it (`KnownRecords`) is right for good. A photo that is registered again, by another size set for example, came
//! when its generation was registered first, which its own earlier lines say.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use super::{
    list,
    places::{Places, SLACK},
    record::Record,
};
use crate::{
    ledger::history::{ChangeKind, HistoryLine},
    model::{
        error::Result,
        key::{DeliveryKey, DeliveryName, Vertical},
    },
    proof::last_good::LINES,
};

/// Records of so many days before are looked at for files that were uploaded on a day.
pub(super) const NAMED_WITHIN_DAYS: i32 = 7;
/// Files that are remembered, at most: 24 bytes each, and always one record.
const REMEMBERED_MAX_FILES: usize = 1_000_000;
/// Records that are looked through for a page of lines, at most: the newest ones.
const LOOKED_AT_MAX: usize = 1000;

/// What is remembered of records. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct KnownRecords(Arc<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// Keyed by chance, so that nobody can make names that are taken for one another.
    digests: RandomState,
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    by_key: BTreeMap<DeliveryKey, Arc<Named>>,
    /// The one that was read first comes first.
    order: VecDeque<DeliveryKey>,
    files: usize,
}

/// The files that a record names, in the order of their digests.
#[derive(Debug)]
struct Named {
    created: Timestamp,
    files: Vec<NamedFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct NamedFile {
    key: u64,
    md5: u64,
    size: u64,
}

/// A line of which the delivery is asked: its place, and when its upload was registered first.
struct Asked<'l> {
    place: usize,
    line: &'l HistoryLine,
    at: Timestamp,
    /// The day of that moment, where records of the same day count that were written after it; as the implicit delivery of the day has it.
    day: Option<Date>,
}

impl KnownRecords {
    /// The deliveries that the lines' uploads came with, in their order: the ids of recorded ones, as people call them. None of a removal,
    /// which no delivery is, and of what belongs to no vertical.
    pub async fn of_lines(
        &self,
        places: Places<'_>,
        zone: &TimeZone,
        lines: &[HistoryLine],
    ) -> Result<Vec<Option<String>>> {
        let mut names: Vec<Option<String>> = vec![None; lines.len()];
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let uploads = lines.iter().enumerate().filter(|(_, line)| is_upload(line));
        let mut asked: Vec<Asked<'_>> = uploads
            .map(|(place, line)| Asked { place, line, at: line.change.at, day: Some(day(line.change.at)) })
            .collect();
        self.fill(places, &asked, &mut names).await?;
        asked.retain(|asked| names[asked.place].is_none());
        let mut earlier = Vec::new();
        for asked in &mut asked {
            let first = registered_first(places, asked.line).await?;
            if first != asked.at {
                (asked.at, asked.day) = (first, Some(day(first)));
                earlier.push(Asked { ..*asked });
            }
        }
        self.fill(places, &earlier, &mut names).await?;
        for Asked { place, line, at, .. } in asked {
            let (name, vertical) = (&mut names[place], line.change.vertical.clone());
            if let (None, Some(vertical)) = (&name, vertical) {
                *name = Some(DeliveryName::Day { vertical, date: day(at) }.to_string());
            }
        }
        Ok(names)
    }

    /// The recorded deliveries that the lines' uploads came with, in their order; none of what nobody recorded.
    pub(super) async fn recorded(&self, places: Places<'_>, lines: &[HistoryLine]) -> Result<Vec<Option<String>>> {
        let mut names = vec![None; lines.len()];
        let uploads = lines.iter().enumerate().filter(|(_, line)| is_upload(line));
        let asked: Vec<_> = uploads.map(|(place, line)| Asked { place, line, at: line.change.at, day: None }).collect();
        self.fill(places, &asked, &mut names).await?;
        Ok(names)
    }

    /// Names the deliveries of lines that records name.
    async fn fill(&self, places: Places<'_>, asked: &[Asked<'_>], names: &mut [Option<String>]) -> Result<()> {
        let mut by_vertical = BTreeMap::<&Vertical, Vec<&Asked<'_>>>::new();
        for asked in asked {
            if let Some(vertical) = &asked.line.change.vertical {
                by_vertical.entry(vertical).or_default().push(asked);
            }
        }
        for (vertical, asked) in by_vertical {
            self.fill_vertical(places, vertical, asked, names).await?;
        }
        Ok(())
    }

    /// Looks through the records of a vertical, newest day first, until every line has its own.
    async fn fill_vertical(
        &self,
        places: Places<'_>,
        vertical: &Vertical,
        mut open: Vec<&Asked<'_>>,
        names: &mut [Option<String>],
    ) -> Result<()> {
        let days = open.iter().map(|asked| window(asked.at));
        let Some((first, last)) = days.reduce(|(a, b), (c, d)| (a.min(c), b.max(d))) else { return Ok(()) };
        let keys = list::keys_between(places.store, places.upload_bucket, vertical, first..=last).await?;
        let mut by_day = BTreeMap::<Date, Vec<DeliveryKey>>::new();
        for key in keys.into_iter().rev().take(LOOKED_AT_MAX) {
            by_day.entry(key.id.date()).or_default().push(key);
        }
        for (day, keys) in by_day.into_iter().rev() {
            let mut of_day = Vec::with_capacity(keys.len());
            for key in keys {
                of_day.extend(self.read(places, &key).await?.map(|named| (key, named)));
            }
            open.retain(|asked| {
                let (first, last) = window(asked.at);
                let named = (first..=last).contains(&day).then(|| self.newest(asked, &of_day)).flatten();
                let Some((key, was_there)) = named else { return true };
                // One that was recorded after the upload counts where no earlier one names it.
                names[asked.place] = Some(key.id.to_string());
                !was_there
            });
            if open.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// The record of a day that names a line's file and bytes, and whether it was there when the line was written: the newest of those,
    /// else the first of the later ones.
    fn newest<'k>(
        &self,
        asked: &Asked<'_>,
        of_day: &'k [(DeliveryKey, Arc<Named>)],
    ) -> Option<(&'k DeliveryKey, bool)> {
        let change = &asked.line.change;
        let file = self.digest(&change.key, &change.etag, change.size.unwrap_or_default());
        let by_size = change.etag.contains('-') && change.size.is_some();
        let naming = of_day.iter().filter(|(_, named)| named.names(file, by_size));
        let end = asked.at.saturating_add(SLACK).unwrap_or(asked.at);
        let (before, after): (Vec<_>, Vec<_>) = naming.partition(|(_, named)| named.created <= end);
        let newest = before.into_iter().max_by_key(|(_, named)| named.created).map(|(key, _)| (key, true));
        let of_day = |key: &DeliveryKey| asked.day.is_some_and(|day| key.id.date() <= day);
        let after = after.into_iter().filter(|(key, _)| of_day(key));
        newest.or_else(|| after.min_by_key(|(_, named)| named.created).map(|(key, _)| (key, false)))
    }

    fn digest(&self, key: &str, md5: &str, size: u64) -> NamedFile {
        NamedFile { key: self.0.digests.hash_one(key), md5: self.0.digests.hash_one(md5), size }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, places: Places<'_>, key: &DeliveryKey) -> Result<Option<Arc<Named>>> {
        if let Some(known) = self.records().by_key.get(key) {
            return Ok(Some(known.clone()));
        }
        let Some(record) = list::read(places.store, places.upload_bucket, key).await? else { return Ok(None) };
        let named = Arc::new(self.named(&record));
        self.records().keep(key, &named);
        Ok(Some(named))
    }

    fn named(&self, record: &Record) -> Named {
        let wanted = record.wanted().into_iter();
        let mut files: Vec<_> =
            wanted.map(|file| self.digest(&file.key, &file.md5, file.size.unwrap_or_default())).collect();
        files.sort_unstable();
        Named { created: record.created, files }
    }
}

impl Records {
    /// Remembers a record, and forgets those that were read first where there are too many.
    fn keep(&mut self, key: &DeliveryKey, named: &Arc<Named>) {
        if self.by_key.insert(key.clone(), named.clone()).is_some() {
            return;
        }
        self.order.push_back(key.clone());
        self.files += named.files.len();
        while self.files > REMEMBERED_MAX_FILES && self.order.len() > 1 {
            let Some(first) = self.order.pop_front() else { break };
            self.files -= self.by_key.remove(&first).map_or(0, |named| named.files.len());
        }
    }
}

impl Named {
    /// Whether it names the file with these bytes; what was uploaded in parts has no MD5, so its length decides.
    fn names(&self, file: NamedFile, by_size: bool) -> bool {
        let from = self.files.partition_point(|named| named.key < file.key);
        let mut of_key = self.files[from..].iter().take_while(|named| named.key == file.key);
        of_key.any(|named| if by_size { named.size == file.size } else { named.md5 == file.md5 })
    }
}

fn is_upload(line: &HistoryLine) -> bool {
    line.change.change != ChangeKind::Removed && line.change.vertical.is_some()
}

/// The dates that records may have which name an upload of this moment, whatever the zone: it may have waited for a week.
fn window(at: Timestamp) -> (Date, Date) {
    let date = at.to_zoned(TimeZone::UTC).date();
    let first = date.checked_sub((NAMED_WITHIN_DAYS + 1).days()).unwrap_or(date);
    (first, date.checked_add(1.day()).unwrap_or(date))
}

/// When the generation of a line was registered first, as far as the history goes back.
async fn registered_first(places: Places<'_>, line: &HistoryLine) -> Result<Timestamp> {
    let change = &line.change;
    // What was not served before is no second look at the same upload.
    let Some(photo) = change.photo().filter(|_| change.change != ChangeKind::Registered) else { return Ok(change.at) };
    let (entity, before) = (&photo.entity, Some(line.position));
    let earlier = places.catalog.history_of(entity, Some(photo.sequence), before, LINES).await?;
    let same = earlier.iter().filter(|earlier| earlier.change.generation == change.generation);
    Ok(same.map(|earlier| earlier.change.at).min().unwrap_or(change.at))
}
