//! How much was uploaded with each key in the last 24 hours, for keys that have a quota.
//!
//! Counted in hours, so that what a key holds is small and the window slides: no time of day at which a whole day's worth comes free.
//! Bytes are counted when they are announced, so that many uploads at once cannot pass together what none may pass alone;
//! they are given back only where the upload was answered with a failure, never because the client went away.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys::{AccessKey, Quota};

const HOUR_SECONDS: i64 = 3600;
/// Hours that count, beside the one that has begun.
const HOURS: i64 = 24;
/// Keys whose use is kept, at most: as many as a file of keys can hold.
const KEYS_MAX: usize = 10_000;

/// Uploads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Bytes of content that were taken.
    pub bytes: u64,
    /// Objects written; a multipart upload is one.
    pub objects: u64,
}

impl Amount {
    fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(other.bytes), objects: self.objects.saturating_add(other.objects) }
    }

    fn minus(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(other.bytes), objects: self.objects.saturating_sub(other.objects) }
    }
}

type Hours = BTreeMap<i64, Amount>;

/// What was uploaded with each key, hour by hour.
#[derive(Debug, Default)]
pub struct Usage {
    keys: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    keys: HashMap<String, Hours>,
    is_changed: bool,
}

/// What was counted for an upload, to be given back if it fails.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Charge {
    id: String,
    hour: i64,
    amount: Amount,
}

fn hour_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(HOUR_SECONDS)
}

impl Usage {
    /// Counts an upload that a key announces; the reason in words where its quota has no room for it. Keys without a quota are not counted.
    pub(super) fn charge(&self, key: &AccessKey, amount: Amount, now: Timestamp) -> Result<Option<Charge>, String> {
        if key.quota == Quota::default() {
            return Ok(None);
        }
        let hour = hour_of(now);
        let mut counted = self.lock();
        let hours = counted.keys.entry(key.id.clone()).or_default();
        hours.retain(|counted, _| counted + HOURS >= hour);
        let used = hours.values().fold(Amount::default(), |sum, amount| sum.plus(*amount));
        if let Some(why) = beyond(&key.quota, used, amount) {
            return Err(format!("{why}. {}", room_at(hours, hour)));
        }
        let this_hour = hours.entry(hour).or_default();
        *this_hour = this_hour.plus(amount);
        counted.is_changed = true;
        counted.forget_old(hour);
        Ok(Some(Charge { id: key.id.clone(), hour, amount }))
    }

    /// Takes back what a failed upload was counted with.
    pub(super) fn give_back(&self, charge: Charge) {
        let mut counted = self.lock();
        if let Some(amount) = counted.keys.get_mut(&charge.id).and_then(|hours| hours.get_mut(&charge.hour)) {
            *amount = amount.minus(charge.amount);
            counted.is_changed = true;
        }
    }

    /// Everything that was counted, where anything changed since this was asked last.
    pub fn unsaved(&self) -> Option<serde_json::Result<Vec<u8>>> {
        let mut counted = self.lock();
        std::mem::take(&mut counted.is_changed).then(|| serde_json::to_vec(&counted.keys))
    }

    /// Goes on from what [`Usage::unsaved`] once gave.
    pub fn restore(&self, saved: &[u8]) -> serde_json::Result<()> {
        let mut counted = self.lock();
        counted.keys = serde_json::from_slice(saved)?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Keys are removed from their file, and their ids may be many in the course of time.
    fn forget_old(&mut self, hour: i64) {
        if self.keys.len() > KEYS_MAX {
            self.keys.retain(|_, hours| hours.keys().next_back().is_some_and(|last| last + HOURS >= hour));
        }
    }
}

fn beyond(quota: &Quota, used: Amount, amount: Amount) -> Option<String> {
    let after = used.plus(amount);
    match (quota.bytes_per_day, quota.objects_per_day) {
        (Some(most), _) if amount.bytes > 0 && after.bytes > most.as_u64() => {
            let used = ByteSize::b(used.bytes);
            Some(format!("The access key may upload {most} in 24 hours, {used} of them are used"))
        }
        (_, Some(most)) if amount.objects > 0 && after.objects > most => {
            let used = used.objects;
            Some(format!("The access key may upload {most} objects in 24 hours, {used} of them are used"))
        }
        _ => None,
    }
}

/// When the oldest of what is counted does not count any more.
fn room_at(hours: &Hours, hour: i64) -> String {
    let oldest = hours.iter().find(|(_, amount)| **amount != Amount::default()).map_or(hour, |(hour, _)| *hour);
    let at = Timestamp::from_second((oldest + HOURS + 1) * HOUR_SECONDS);
    let when = at.map_or_else(|_| "later".to_owned(), |at| format!("after {at}"));
    format!("Try again {when}, or have the quota of the key raised")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: Option<u64>, objects: Option<u64>) -> AccessKey {
        let quota = Quota { bytes_per_day: bytes.map(ByteSize::b), objects_per_day: objects };
        AccessKey { quota, ..AccessKey::with("id", "secret", Vec::new()) }
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * HOUR_SECONDS + 60).unwrap()
    }

    fn upload(bytes: u64) -> Amount {
        Amount { bytes, objects: 1 }
    }

    #[test]
    fn bytes_and_objects_count_for_24_hours_and_slide() {
        let (usage, key) = (Usage::default(), key(Some(100), Some(3)));
        usage.charge(&key, upload(40), at(0)).unwrap().unwrap();
        usage.charge(&key, upload(60), at(10)).unwrap().unwrap();
        let why = usage.charge(&key, upload(1), at(20)).unwrap_err();
        assert!(why.contains("100 B in 24 hours") && why.contains("1970-01-02T01:00:00Z"), "{why}");
        usage.charge(&key, Amount { bytes: 0, objects: 1 }, at(20)).unwrap();
        assert!(usage.charge(&key, upload(0), at(20)).unwrap_err().contains("3 objects"));
        // The first hour is over, the tenth is not.
        usage.charge(&key, upload(40), at(25)).unwrap().unwrap();
        assert!(usage.charge(&key, Amount { bytes: 1, objects: 0 }, at(25)).is_err());
    }

    #[test]
    fn what_failed_is_given_back_and_other_keys_are_not_counted() {
        let (usage, key) = (Usage::default(), key(Some(100), None));
        let charge = usage.charge(&key, upload(100), at(0)).unwrap().unwrap();
        assert!(usage.charge(&key, upload(100), at(0)).is_err());
        usage.give_back(charge);
        assert!(usage.charge(&key, upload(100), at(0)).is_ok());
        let other = AccessKey::all("other", "secret");
        assert_eq!(usage.charge(&other, upload(u64::MAX), at(0)), Ok(None));
    }

    #[test]
    fn what_is_counted_outlives_the_process() {
        let (usage, key) = (Usage::default(), key(Some(100), None));
        usage.charge(&key, upload(100), at(0)).unwrap();
        let saved = usage.unsaved().unwrap().unwrap();
        assert!(usage.unsaved().is_none());
        let later = Usage::default();
        later.restore(&saved).unwrap();
        assert!(later.charge(&key, upload(1), at(1)).is_err());
    }
}
