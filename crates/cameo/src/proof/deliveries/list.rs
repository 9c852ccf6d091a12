//! Records in the upload bucket: written once, read by id, and listed newest first.
//!
//! What a list shows of a record is in its object's metadata too, so that listing reads no record; where a store lists no
//! metadata, or a copy of the bucket lost it, the object is looked at.

use std::{collections::BTreeMap, ops::RangeInclusive};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::record::{NewRecord, RECORD_MAX_BYTES, Record, VERSION};
use crate::{
    model::{
        error::{Error, Kind, Place, Result},
        key::{DELIVERIES_PREFIX, DeliveryId, DeliveryKey, Vertical},
        token::Verticals,
    },
    proof::verify::folders,
    store::{Attributes, Condition, ObjectInfo, Store, Written},
};

/// Ids that are tried, at most: a day has 923,521 of them.
const IDS_TRIED_MAX: u32 = 16;
/// Records of which the keys are looked at by one listing, at most.
pub const LISTED_MAX: usize = 200_000;
/// Records of late that are looked through for one of the same content.
const LOOKED_AT_MAX: usize = 100;
/// Keys fetched at a time.
const PAGE: usize = 1000;
/// Objects looked at side by side.
const HEADS: usize = 50;

const CREATED: &str = "cameo-delivery-created";
const BY: &str = "cameo-delivery-by";
const FILES: &str = "cameo-delivery-files";
const SKIPPED: &str = "cameo-delivery-skipped";
const BYTES: &str = "cameo-delivery-bytes";
const DIGEST: &str = "cameo-delivery-digest";

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The id.
    pub delivery: DeliveryId,
    /// The vertical.
    pub vertical: Vertical,
    /// When it was recorded.
    pub created: Timestamp,
    /// Who delivered.
    pub by: String,
    /// How many files it has.
    pub files: u64,
    /// How many a check refused.
    pub skipped: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// The digest of the list of files: [`NewRecord::digest`].
    pub digest: String,
}

impl Listed {
    /// What a list shows of a record.
    pub fn of(record: &Record) -> Self {
        let content = &record.content;
        Self {
            delivery: record.id.clone(),
            vertical: record.vertical.clone(),
            created: record.created,
            by: content.by.clone(),
            files: content.files.len() as u64,
            skipped: content.skipped.len() as u64,
            bytes: content.total_bytes(),
            digest: content.digest(),
        }
    }

    /// As metadata, which is ASCII.
    fn metadata(&self) -> BTreeMap<String, String> {
        let by = utf8_percent_encode(&self.by, NON_ALPHANUMERIC).to_string();
        let values = [
            (CREATED, self.created.to_string()),
            (BY, by),
            (FILES, self.files.to_string()),
            (SKIPPED, self.skipped.to_string()),
            (BYTES, self.bytes.to_string()),
            (DIGEST, self.digest.clone()),
        ];
        values.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn from_metadata(key: &DeliveryKey, metadata: &BTreeMap<String, String>) -> Option<Self> {
        let number = |name| metadata.get(name)?.parse().ok();
        Some(Self {
            delivery: key.id.clone(),
            vertical: key.vertical.clone(),
            created: metadata.get(CREATED)?.parse().ok()?,
            by: percent_decode_str(metadata.get(BY)?).decode_utf8().ok()?.into_owned(),
            files: number(FILES)?,
            skipped: number(SKIPPED)?,
            bytes: number(BYTES)?,
            digest: metadata.get(DIGEST)?.clone(),
        })
    }
}

/// Records a delivery under an id of the day in `zone`, or finds the record that has the same content: see [`create_once`].
pub async fn create(
    store: &dyn Store,
    bucket: &str,
    vertical: &Vertical,
    content: NewRecord,
    at: (Timestamp, &TimeZone),
) -> Result<Record> {
    Ok(create_once(store, bucket, vertical, content, at).await?.0)
}

/// Records a delivery under an id of the day in `zone`, and whether it is new. It is durable when this returns, and never written again.
///
/// The same content is the same delivery, whoever hands it over and however often: of the records of late the one with its digest is it.
/// Two that record at the same moment agree as well, because the id follows from the digest and the store lets one of them write it.
pub async fn create_once(
    store: &dyn Store,
    bucket: &str,
    vertical: &Vertical,
    content: NewRecord,
    (now, zone): (Timestamp, &TimeZone),
) -> Result<(Record, bool)> {
    content.check()?;
    let digest = content.digest();
    let recent = list(store, bucket, Some(vertical), None, LOOKED_AT_MAX).await?;
    if let Some(same) = recent.into_iter().find(|listed| listed.digest == digest) {
        let key = DeliveryKey { vertical: vertical.clone(), id: same.delivery };
        if let Some(record) = read(store, bucket, &key).await? {
            return Ok((record, false));
        }
    }
    let date = now.to_zoned(zone.clone()).date();
    let id = DeliveryId::new(date, lot(vertical, &digest, 0));
    let mut record = Record { version: VERSION, id, vertical: vertical.clone(), created: now, content };
    let attributes = Attributes {
        content_type: Some("application/json".to_owned()),
        metadata: Listed::of(&record).metadata(),
        ..Attributes::default()
    };
    let mut others = verticals(store, bucket).await?;
    others.retain(|other| other != vertical);
    for tried in 0..IDS_TRIED_MAX {
        record.id = DeliveryId::new(date, lot(vertical, &digest, tried));
        // People name a delivery by its id alone.
        if !with_id(store, bucket, &others, &record.id).await?.is_empty() {
            continue;
        }
        let (key, body) = (record.key(), record.to_json()?.into());
        match store.put(bucket, &key.key(), body, &attributes, Condition::Absent).await? {
            Written::Done(_) => return Ok((record, true)),
            Written::ConditionFailed => {
                if let Some(taken) = read(store, bucket, &key).await?
                    && taken.content.digest() == digest
                {
                    return Ok((taken, false));
                }
            }
        }
    }
    let doing = format!("record a delivery of {vertical}: {IDS_TRIED_MAX} ids of {date} are taken; try again");
    Err(Error::new(Place::Store, Kind::Conflict, doing))
}

/// The number that the id of a content is drawn with: the same for the same content in a vertical, another at each try.
fn lot(vertical: &Vertical, digest: &str, tried: u32) -> u32 {
    let hash = Sha256::digest(format!("{tried} {vertical} {digest}"));
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// The deliveries of this id, of some verticals.
async fn with_id(store: &dyn Store, bucket: &str, verticals: &[Vertical], id: &DeliveryId) -> Result<Vec<DeliveryKey>> {
    let of = |vertical: &Vertical| DeliveryKey { vertical: vertical.clone(), id: id.clone() };
    let keys: Vec<_> = verticals.iter().map(of).collect();
    let names: Vec<_> = keys.iter().map(DeliveryKey::key).collect();
    let mut found = Vec::new();
    for (keys, names) in keys.chunks(HEADS).zip(names.chunks(HEADS)) {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let infos = store.head_all(bucket, &names).await?;
        found.extend(keys.iter().zip(infos).filter(|(_, info)| info.is_some()).map(|(key, _)| key.clone()));
    }
    Ok(found)
}

/// The record at a key; none where there is none.
pub async fn read(store: &dyn Store, bucket: &str, key: &DeliveryKey) -> Result<Option<Record>> {
    let Some(object) = store.get(bucket, &key.key(), RECORD_MAX_BYTES).await? else { return Ok(None) };
    if object.info.size > RECORD_MAX_BYTES {
        let doing =
            format!("read the delivery {}: {} bytes are more than {RECORD_MAX_BYTES}", key.key(), object.info.size);
        return Err(Error::new(Place::Store, Kind::Corrupt, doing));
    }
    Record::from_json(&object.body, key).map(Some)
}

/// The key of a record by its id, in a vertical or in any. The same id in two verticals is an error that names both.
pub async fn find(
    store: &dyn Store,
    bucket: &str,
    vertical: Option<&Vertical>,
    id: &DeliveryId,
) -> Result<Option<DeliveryKey>> {
    let verticals = match vertical {
        Some(vertical) => vec![vertical.clone()],
        None => verticals(store, bucket).await?,
    };
    let mut found = with_id(store, bucket, &verticals, id).await?;
    match &found[..] {
        [first, second, ..] => {
            let (first, second) = (&first.vertical, &second.vertical);
            let doing = format!("find the delivery {id}: both {first} and {second} have one; name it {first}/{id}");
            let korean =
                format!("전달 {id} 은(는) {first} 와 {second} 두 곳에 있습니다. {first}/{id} 처럼 적어 주세요");
            Err(Error::new(Place::Store, Kind::Refused, doing).in_korean(korean))
        }
        _ => Ok(found.pop()),
    }
}

/// Verticals that have records.
pub async fn verticals(store: &dyn Store, bucket: &str) -> Result<Vec<Vertical>> {
    let found = folders(store, bucket, DELIVERIES_PREFIX).await?;
    let name = |folder: &String| folder[DELIVERIES_PREFIX.len()..].trim_end_matches('/').parse().ok();
    Ok(found.iter().filter_map(name).collect())
}

/// Deliveries of a vertical or of all, newest first: those behind `before` in that order, at most `max`.
pub async fn list(
    store: &dyn Store,
    bucket: &str,
    vertical: Option<&Vertical>,
    before: Option<&DeliveryKey>,
    max: usize,
) -> Result<Vec<Listed>> {
    Ok(page(store, bucket, (vertical, &Verticals::All), before, max).await?.0)
}

/// As [`list`], for somebody who may see only some verticals; and the last key of the page, where more is behind it. Others are left
/// out by their keys, so that nothing of them is read nor named.
pub async fn page(
    store: &dyn Store,
    bucket: &str,
    (vertical, seen): (Option<&Vertical>, &Verticals),
    before: Option<&DeliveryKey>,
    max: usize,
) -> Result<(Vec<Listed>, Option<DeliveryKey>)> {
    let mut keys = newest_first(keys(store, bucket, vertical, String::new()).await?);
    keys.retain(|(key, _)| seen.include(&key.vertical));
    let begin = match before {
        None => 0,
        Some(before) => match keys.iter().position(|(key, _)| key == before) {
            Some(at) => at + 1,
            None => keys.partition_point(|(key, _)| key.id.date() >= before.id.date()),
        },
    };
    let has_next = keys.len().saturating_sub(begin) > max;
    let page: Vec<_> = keys.into_iter().skip(begin).take(max).map(|(key, _)| key).collect();
    let listed = describe(store, bucket, &page).await?;
    Ok((listed, page.into_iter().next_back().filter(|_| has_next)))
}

/// Keys of the newest records of all verticals, newest first, at most `max`.
pub async fn newest(store: &dyn Store, bucket: &str, max: usize) -> Result<Vec<DeliveryKey>> {
    let keys = newest_first(keys(store, bucket, None, String::new()).await?);
    Ok(keys.into_iter().take(max).map(|(key, _)| key).collect())
}

fn newest_first(mut keys: Vec<(DeliveryKey, Timestamp)>) -> Vec<(DeliveryKey, Timestamp)> {
    keys.sort_by(|(a, at), (b, bt)| (b.id.date(), bt, &b.id, &b.vertical).cmp(&(a.id.date(), at, &a.id, &a.vertical)));
    keys
}

/// Keys of a vertical's records with ids of these days.
pub async fn keys_between(
    store: &dyn Store,
    bucket: &str,
    vertical: &Vertical,
    days: RangeInclusive<Date>,
) -> Result<Vec<DeliveryKey>> {
    let after = DeliveryKey::before_day(vertical, *days.start());
    let keys = keys(store, bucket, Some(vertical), after).await?;
    Ok(keys.into_iter().map(|(key, _)| key).filter(|key| days.contains(&key.id.date())).collect())
}

/// Every key after this one, with the time when it was written.
async fn keys(
    store: &dyn Store,
    bucket: &str,
    vertical: Option<&Vertical>,
    mut after: String,
) -> Result<Vec<(DeliveryKey, Timestamp)>> {
    let prefix = vertical.map_or_else(|| DELIVERIES_PREFIX.to_owned(), DeliveryKey::prefix);
    let mut keys = Vec::new();
    while keys.len() < LISTED_MAX {
        let page = store.list(bucket, &prefix, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        let key = |ObjectInfo { key, last_modified, .. }: &ObjectInfo| Some((DeliveryKey::parse(key)?, *last_modified));
        keys.extend(page.iter().filter_map(key));
    }
    Ok(keys)
}

async fn describe(store: &dyn Store, bucket: &str, keys: &[DeliveryKey]) -> Result<Vec<Listed>> {
    let mut listed = Vec::with_capacity(keys.len());
    for some in keys.chunks(HEADS) {
        let names: Vec<_> = some.iter().map(DeliveryKey::key).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        for (key, info) in some.iter().zip(store.head_all(bucket, &names).await?) {
            let Some(info) = info else { continue };
            match Listed::from_metadata(key, &info.metadata) {
                Some(of_metadata) => listed.push(of_metadata),
                None => listed.extend(read(store, bucket, key).await?.as_ref().map(Listed::of)),
            }
        }
    }
    Ok(listed)
}
