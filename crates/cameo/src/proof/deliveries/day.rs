//! The implicit delivery of a vertical and day: what was uploaded without a record, so that people with plain aws-cli see theirs too.
//!
//! It is what the history registered on that day, by the zone of deliveries, and what waits or is dead in the queues and was uploaded
//! on it; without what came with a record, by file and bytes. What a delivery names that was recorded after the upload stays, and says so:
//! else a day would lose what somebody uploaded on it. A day from before the history is empty.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use super::{
    came_with::NAMED_WITHIN_DAYS,
    item::{ItemState, Wanted},
    list,
    places::{Places, SLACK},
    standing::Standing,
    state::{is_content, items, originals},
};
use crate::{
    catalog::Catalog,
    ledger::history::{ChangeKind, HistoryLine},
    model::{
        error::{Error, Kind, Place, Result},
        event,
        key::{DeliveryKey, DeliveryName, UploadKey, Vertical},
        outcome::Outcome,
    },
    proof::verify::Queues,
    queue::dead_letter::causes,
};

/// Files of a day, at most.
pub const DAY_FILES_MAX: usize = 200_000;
/// Lines fetched at a time.
const PAGE: usize = 1000;
/// Messages of a queue that are looked at, at most.
const MESSAGES_MAX: usize = 20_000;
/// Contents of a key within a day that are told apart, at most: the newest.
const CONTENTS_MAX: usize = 16;
/// Objects that are looked at side by side.
const HEADS: usize = 50;

/// The day in `zone`.
pub fn period(date: Date, zone: &TimeZone) -> Result<Range<Timestamp>> {
    let begin = |date: Date| date.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
    let next = date.checked_add(1.day()).and_then(begin);
    match (begin(date), next) {
        (Ok(start), Ok(end)) => Ok(start..end),
        (Err(error), _) | (_, Err(error)) => {
            let doing = format!("find the day {date} of a delivery");
            Err(Error::new(Place::System, Kind::Misconfigured, doing).because(error))
        }
    }
}

/// Days of a vertical on which something was registered, newest first: those before a day, at most `max`.
pub async fn days(
    catalog: &dyn Catalog,
    vertical: &Vertical,
    before: Option<Date>,
    max: usize,
    zone: &TimeZone,
) -> Result<Vec<DeliveryName>> {
    let mut end = before.map(|date| period(date, zone)).transpose()?.map_or(Timestamp::MAX, |day| day.start);
    let mut days = Vec::new();
    while days.len() < max {
        let Some(line) = catalog.last_change_before(vertical, end).await? else { break };
        let date = line.change.at.to_zoned(zone.clone()).date();
        end = period(date, zone)?.start;
        days.push(DeliveryName::Day { vertical: vertical.clone(), date });
    }
    Ok(days)
}

impl Standing {
    /// Of the implicit delivery of a vertical and day.
    pub async fn of_day(places: Places<'_>, vertical: &Vertical, date: Date, zone: &TimeZone) -> Result<Self> {
        let uploaded = uploaded(places, vertical, date, zone).await?;
        let name = DeliveryName::Day { vertical: vertical.clone(), date };
        Self::of_uploads(places, vertical, &name, &uploaded).await
    }

    /// Of what was uploaded on a day.
    pub async fn of_uploads(
        places: Places<'_>,
        vertical: &Vertical,
        name: &DeliveryName,
        uploaded: &[Uploaded],
    ) -> Result<Self> {
        let wanted: Vec<Wanted> = uploaded.iter().map(|file| file.wanted.clone()).collect();
        let mut items = items(places, vertical, &wanted).await?;
        for (item, file) in items.iter_mut().zip(uploaded) {
            item.taken_over.clone_from(&file.taken_over);
            if item.state == ItemState::Replaced {
                let delivery = item.later.as_ref().and_then(|later| later.delivery.clone());
                item.taken_over = delivery.or(item.taken_over.take());
            }
        }
        let (skipped, missing, unexpected) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            delivery: name.to_string(),
            vertical: vertical.clone(),
            items,
            skipped,
            missing,
            unexpected,
            gaps: Vec::new(),
            settled: Vec::new(),
            closed: None,
        })
    }
}

/// A file that was uploaded on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The file with its bytes.
    pub wanted: Wanted,
    /// When the day knew of these bytes first.
    pub first: Timestamp,
    /// The first delivery that was recorded after the upload and names it too.
    pub taken_over: Option<String>,
}

impl Uploaded {
    fn new(wanted: Wanted, first: Timestamp) -> Self {
        Self { wanted, first, taken_over: None }
    }
}

/// Of each key what was uploaded within the day, each content once, the newest last.
type Uploads = BTreeMap<String, Vec<Uploaded>>;

/// Adds an upload that is newer than what is known of its key.
fn add(uploads: &mut Uploads, wanted: Wanted, at: Timestamp) {
    let of_key = uploads.entry(wanted.key.clone()).or_default();
    let known = of_key.iter().position(|known| known.wanted.md5 == wanted.md5).map(|known| of_key.remove(known));
    let first = known.map_or(at, |known| known.first.min(at));
    of_key.push(Uploaded::new(wanted, first));
    if of_key.len() > CONTENTS_MAX {
        of_key.remove(0);
    }
}

/// The files of the implicit delivery of a vertical and day, in the order of their keys.
pub async fn uploaded(places: Places<'_>, vertical: &Vertical, date: Date, zone: &TimeZone) -> Result<Vec<Uploaded>> {
    let day = period(date, zone)?;
    let mut uploaded = registered(places.catalog, vertical, &day).await?;
    add_waiting(places, vertical, &day, &mut uploaded).await?;
    leave_out_recorded(places, vertical, date, &mut uploaded).await?;
    // Where the newest came with a record, the one before it is what nobody recorded, and was replaced by that.
    Ok(uploaded.into_values().filter_map(|mut of_key| of_key.pop()).collect())
}

/// The uploads that were registered within the day.
async fn registered(catalog: &dyn Catalog, vertical: &Vertical, day: &Range<Timestamp>) -> Result<Uploads> {
    let (mut uploaded, mut after) = (Uploads::new(), None::<HistoryLine>);
    loop {
        let page = catalog.changes_on(vertical, day.clone(), after.as_ref(), PAGE).await?;
        let Some(last) = page.last().cloned() else { return Ok(uploaded) };
        for line in page.into_iter().filter(|line| line.change.change != ChangeKind::Removed) {
            let wanted = wanted(&line.change.key, line.change.size, line.change.etag);
            add(&mut uploaded, wanted, line.change.at);
        }
        bound(uploaded.len(), vertical)?;
        after = Some(last);
    }
}

fn bound(files: usize, vertical: &Vertical) -> Result<()> {
    if files <= DAY_FILES_MAX {
        return Ok(());
    }
    let doing = format!(
        "list what was uploaded without a record: more than {DAY_FILES_MAX} files in a day; \
         ask about the vertical: cameo verify --vertical {vertical}"
    );
    Err(Error::new(Place::Catalog, Kind::Refused, doing))
}

/// Other bytes at the key came later, whenever that was: these had been there.
fn wanted(key: &str, size: Option<u64>, etag: String) -> Wanted {
    let file = UploadKey::below_vertical(key).to_owned();
    Wanted { key: key.to_owned(), file, size, md5: etag, since: Timestamp::UNIX_EPOCH }
}

/// Adds what was uploaded within the day and is in a queue, or dead.
async fn add_waiting(
    places: Places<'_>,
    vertical: &Vertical,
    day: &Range<Timestamp>,
    uploaded: &mut Uploads,
) -> Result<()> {
    let waiting: Vec<_> = in_queues(places.queues, vertical).await?.into_iter().collect();
    for some in waiting.chunks(HEADS) {
        let keys: Vec<_> = some.iter().map(String::as_str).collect();
        for info in places.store.head_all(places.upload_bucket, &keys).await?.into_iter().flatten() {
            if day.contains(&info.last_modified) {
                add(uploaded, wanted(&info.key, Some(info.size), info.etag), info.last_modified);
            }
        }
    }
    bound(uploaded.len(), vertical)
}

/// Keys of a vertical that messages or dead letters are about.
async fn in_queues(queues: Option<Queues<'_>>, vertical: &Vertical) -> Result<BTreeSet<String>> {
    let Some(Queues { events, registrations }) = queues else { return Ok(BTreeSet::new()) };
    let mut keys: BTreeSet<String> = causes(&[registrations, events]).await?.into_keys().collect();
    for body in events.bodies(MESSAGES_MAX).await?.unwrap_or_default() {
        keys.extend(event::keys(&body));
    }
    for body in registrations.bodies(MESSAGES_MAX).await?.unwrap_or_default() {
        keys.extend(Outcome::from_json(&body).ok().map(|outcome| outcome.key));
    }
    keys.retain(|key| {
        UploadKey::vertical(key).as_ref() == Some(vertical) && UploadKey::parse(key) != UploadKey::Ignored
    });
    Ok(keys)
}

/// Leaves out what came with a record of the day, or of the days around it; what was there before its record stays, with its name.
async fn leave_out_recorded(places: Places<'_>, vertical: &Vertical, date: Date, uploaded: &mut Uploads) -> Result<()> {
    let first = date.checked_sub(NAMED_WITHIN_DAYS.days()).unwrap_or(date);
    let last = date.checked_add(NAMED_WITHIN_DAYS.days()).unwrap_or(date);
    for key in list::keys_between(places.store, places.upload_bucket, vertical, first..=last).await? {
        if uploaded.is_empty() {
            break;
        }
        leave_out(places, &key, uploaded).await?;
    }
    Ok(())
}

async fn leave_out(places: Places<'_>, key: &DeliveryKey, uploaded: &mut Uploads) -> Result<()> {
    let Some(record) = list::read(places.store, places.upload_bucket, key).await? else { return Ok(()) };
    let is_same = |wanted: &Wanted, named: &Wanted| {
        wanted.md5 == named.md5 || (wanted.md5.contains('-') && wanted.size.is_some() && wanted.size == named.size)
    };
    let find = |uploaded: &Uploads, named: &Wanted| {
        uploaded.get(&named.key)?.iter().position(|file| is_same(&file.wanted, named))
    };
    let mut found: Vec<(String, usize)> =
        record.wanted().into_iter().filter_map(|named| Some((named.key.clone(), find(uploaded, &named)?))).collect();
    found.sort();
    // What the day knew well before the record needs no look; of the rest the upload's own time decides.
    let is_long_before = |file: &Uploaded| file.first.saturating_add(SLACK).is_ok_and(|first| first < record.created);
    let unsure = found.iter().filter(|(key, place)| !is_long_before(&uploaded[key][*place]));
    let unsure: Vec<&str> = unsure.map(|(key, _)| key.as_str()).collect();
    let objects = originals(places, &key.vertical, &unsure).await?;
    for (key, place) in &found {
        let Some(of_key) = uploaded.get_mut(key) else { continue };
        let file = &mut of_key[*place];
        let object = objects.get(key).filter(|object| is_content(&file.wanted, object));
        let was_there = match object {
            Some(object) => is_before(object.last_modified, record.created),
            None => file.first < record.created,
        };
        if was_there {
            file.taken_over.get_or_insert_with(|| record.id.to_string());
        } else {
            of_key.remove(*place);
        }
    }
    Ok(())
}

/// Whether an object was uploaded before a record was written. Stores that give whole seconds cut them off, and their clock is not ours.
fn is_before(uploaded: Timestamp, recorded: Timestamp) -> bool {
    if uploaded.subsec_nanosecond() == 0 {
        uploaded.saturating_add(SLACK).is_ok_and(|uploaded| uploaded < recorded)
    } else {
        uploaded < recorded
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_is_that_of_the_zone() {
        let zone = TimeZone::get("Asia/Seoul").unwrap();
        let day = period(date(2026, 11, 26), &zone).unwrap();
        assert_eq!(day.start.to_string(), "2026-11-25T15:00:00Z");
        assert_eq!(day.end.to_string(), "2026-11-26T15:00:00Z");
        let short = period(date(2026, 3, 29), &TimeZone::get("Europe/Berlin").unwrap()).unwrap();
        assert_eq!(short.end.duration_since(short.start).as_hours(), 23);
        assert!(period(Date::MAX, &zone).is_err());
    }
}
