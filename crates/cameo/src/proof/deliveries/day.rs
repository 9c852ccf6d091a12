//! The implicit delivery of a vertical and day: what was uploaded without a record, so that people with plain aws-cli see theirs too.
//!
//! It is what the history registered on that day, by the zone of deliveries, and what waits or is dead in the queues and was uploaded
//! on it; without what a record names, by file and bytes. A day from before the history is empty.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use super::{
    list,
    standing::Standing,
    state::{Places, Wanted, items},
};
use crate::{
    catalog::Catalog,
    ledger::history::{ChangeKind, HistoryLine},
    model::{
        error::{Error, Kind, Place, Result},
        event,
        key::{DeliveryKey, DeliveryName, ORIGIN_PREFIX, UploadKey, Vertical},
        outcome::Outcome,
    },
    proof::verify::Queues,
    queue::dead_letter::causes,
};

/// Records of so many days before are looked at for files that were uploaded on a day.
const NAMED_WITHIN_DAYS: i32 = 7;
/// Files of a day, at most.
pub const DAY_FILES_MAX: usize = 200_000;
/// Lines fetched at a time.
const PAGE: usize = 1000;
/// Messages of a queue that are looked at, at most.
const MESSAGES_MAX: usize = 20_000;
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
        let wanted = uploaded(places, vertical, date, zone).await?;
        let items = items(places, vertical, &wanted).await?;
        let delivery = DeliveryName::Day { vertical: vertical.clone(), date }.to_string();
        let (skipped, missing, unexpected) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { delivery, vertical: vertical.clone(), items, skipped, missing, unexpected, settled: 0 })
    }
}

/// The files of the implicit delivery of a vertical and day, in the order of their keys.
pub async fn uploaded(places: Places<'_>, vertical: &Vertical, date: Date, zone: &TimeZone) -> Result<Vec<Wanted>> {
    let day = period(date, zone)?;
    let mut uploaded = registered(places.catalog, vertical, &day).await?;
    add_waiting(places, vertical, &day, &mut uploaded).await?;
    leave_out_recorded(places, vertical, date, &mut uploaded).await?;
    Ok(uploaded.into_values().collect())
}

/// Of each key the newest upload that was registered within the day.
async fn registered(
    catalog: &dyn Catalog,
    vertical: &Vertical,
    day: &Range<Timestamp>,
) -> Result<BTreeMap<String, Wanted>> {
    let (mut uploaded, mut after) = (BTreeMap::new(), None::<HistoryLine>);
    loop {
        let page = catalog.changes_on(vertical, day.clone(), after.as_ref(), PAGE).await?;
        let Some(last) = page.last().cloned() else { return Ok(uploaded) };
        for line in page.into_iter().filter(|line| line.change.change != ChangeKind::Removed) {
            let wanted = wanted(&line.change.key, line.change.size, line.change.etag);
            uploaded.insert(line.change.key, wanted);
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
    let file = key.strip_prefix(ORIGIN_PREFIX).and_then(|rest| rest.split_once('/')).map_or(key, |(_, file)| file);
    Wanted { key: key.to_owned(), file: file.to_owned(), size, md5: etag, since: Timestamp::UNIX_EPOCH }
}

/// Adds what was uploaded within the day and is in a queue, or dead.
async fn add_waiting(
    places: Places<'_>,
    vertical: &Vertical,
    day: &Range<Timestamp>,
    uploaded: &mut BTreeMap<String, Wanted>,
) -> Result<()> {
    let waiting: Vec<_> = in_queues(places.queues, vertical).await?.into_iter().collect();
    for some in waiting.chunks(HEADS) {
        let keys: Vec<_> = some.iter().map(String::as_str).collect();
        for info in places.store.head_all(places.upload_bucket, &keys).await?.into_iter().flatten() {
            if day.contains(&info.last_modified) {
                uploaded.insert(info.key.clone(), wanted(&info.key, Some(info.size), info.etag));
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

/// Leaves out what a record of the day, or of the days before it, names.
async fn leave_out_recorded(
    places: Places<'_>,
    vertical: &Vertical,
    date: Date,
    uploaded: &mut BTreeMap<String, Wanted>,
) -> Result<()> {
    let first = date.checked_sub(NAMED_WITHIN_DAYS.days()).unwrap_or(date);
    for key in list::keys_between(places.store, places.upload_bucket, vertical, first..=date).await? {
        leave_out(places, &key, uploaded).await?;
    }
    Ok(())
}

async fn leave_out(places: Places<'_>, key: &DeliveryKey, uploaded: &mut BTreeMap<String, Wanted>) -> Result<()> {
    let Some(record) = list::read(places.store, places.upload_bucket, key).await? else { return Ok(()) };
    for named in record.wanted() {
        let is_same = |wanted: &Wanted| {
            wanted.md5 == named.md5 || (wanted.md5.contains('-') && wanted.size.is_some() && wanted.size == named.size)
        };
        if uploaded.get(&named.key).is_some_and(is_same) {
            uploaded.remove(&named.key);
        }
    }
    Ok(())
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
