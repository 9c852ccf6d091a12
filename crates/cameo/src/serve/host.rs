//! What console and API know of the process and the machine that they run on. It is for showing; the one thing that it decides is whether
//! taking a photo down is refused, where deletions do not take anything down.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use crate::{
    private_file::{self, Holds, Links},
    store::quarantine::KEEP_REMOVED,
};

/// What the disk was like, in the data folder.
pub const DISK_FILE: &str = "disk.json";
/// Bytes of that file, at most.
const DISK_FILE_MAX_BYTES: u64 = 1 << 20;
/// Whatever makes backups writes this file in the data folder when one has ended: when it was written is when that was.
const BACKUP_FILE: &str = "last-backup";
/// Over how much of the history the disk is said to fill, and over how much at least.
const FILLING_OVER: SignedDuration = SignedDuration::from_hours(7 * 24);
const FILLING_LEAST: SignedDuration = SignedDuration::from_hours(24);
const DAY_SECONDS: u64 = 86_400;

/// How much of the disk was used at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSample {
    /// When.
    pub at: Timestamp,
    /// Bytes that were used, by whomever.
    pub used_bytes: u64,
}

/// What is known of the process and its machine.
#[derive(Debug, Clone)]
pub struct Host {
    /// The data folder; none where the objects are kept elsewhere.
    pub data_folder: Option<PathBuf>,
    /// Where the files of the audit trail are; none where there is no trail.
    pub audit_folder: Option<PathBuf>,
    /// Originals that are rendered side by side; none where this process renders none.
    pub rendered_side_by_side: Option<usize>,
    /// How long what was removed is kept in quarantine.
    pub keep_removed: Duration,
    /// Whether deleting an original takes down what was made from it (`register.delete_unpublishes`).
    pub delete_unpublishes: bool,
    /// When the process started.
    pub started_at: Option<Timestamp>,
    /// The certificate of the listeners that speak TLS; none where none does.
    pub certificate: Option<Arc<Certificate>>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            data_folder: None,
            audit_folder: None,
            rendered_side_by_side: None,
            keep_removed: KEEP_REMOVED,
            delete_unpublishes: true,
            started_at: None,
            certificate: None,
        }
    }
}

impl Host {
    /// When the last backup ended, as far as somebody noted it. A time to come is none.
    pub fn last_backup(&self, now: Timestamp) -> Option<Timestamp> {
        let written = fs::metadata(self.data_folder.as_deref()?.join(BACKUP_FILE)).ok()?.modified().ok()?;
        Timestamp::try_from(written).ok().filter(|at| *at <= now)
    }

    /// What is kept of the disk's history, the oldest first; nothing where it cannot be read.
    pub fn disk_history(&self) -> Vec<DiskSample> {
        let Some(folder) = self.data_folder.as_deref() else { return Vec::new() };
        let read = private_file::read(&folder.join(DISK_FILE), DISK_FILE_MAX_BYTES, Holds::Facts, Links::Refused);
        let content = read.ok().flatten();
        content.and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default()
    }

    /// Bytes a day by which the disk fills, where that is known; 0 where it does not.
    pub fn filling(&self, now: Timestamp, used: u64) -> Option<u64> {
        filling(&self.disk_history(), now, used)
    }

    /// Bytes of the disk of the data folder that are free for us, and all of them.
    pub fn disk(&self) -> Option<(u64, u64)> {
        let found = rustix::fs::statvfs(self.data_folder.as_deref()?).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Some((bytes(found.f_bavail), bytes(found.f_blocks)))
    }
}

fn filling(history: &[DiskSample], now: Timestamp, used: u64) -> Option<u64> {
    let age = |sample: &DiskSample| now.duration_since(sample.at);
    let first =
        history.iter().find(|sample| age(sample) <= FILLING_OVER).filter(|first| age(first) >= FILLING_LEAST)?;
    let seconds = u64::try_from(age(first).as_secs()).ok().filter(|seconds| *seconds > 0)?;
    let more = u128::from(used.saturating_sub(first.used_bytes)) * u128::from(DAY_SECONDS) / u128::from(seconds);
    Some(u64::try_from(more).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap()
    }

    #[test]
    fn how_fast_a_disk_fills_is_known_after_a_day() {
        let sample = |hour, used_bytes| DiskSample { at: at(hour), used_bytes };
        assert_eq!(filling(&[], at(0), 7), None);
        assert_eq!(filling(&[sample(0, 100)], at(23), 200), None, "less than a day says nothing");
        assert_eq!(filling(&[sample(0, 100)], at(24), 340), Some(240));
        assert_eq!(filling(&[sample(0, 100), sample(24, 340)], at(48), 340), Some(120));
        assert_eq!(filling(&[sample(0, 900)], at(48), 100), Some(0), "it does not fill");
        let old = [sample(0, 0), sample(200, 1000)];
        assert_eq!(filling(&old, at(224), 1024), Some(24), "what was long ago says nothing of now");
        assert_eq!(filling(&[sample(0, 0)], at(400), 1 << 40), None, "nor does what was then alone");
        assert_eq!(filling(&[sample(500, 0)], at(0), 7), None, "nor a time to come");
    }

    #[test]
    fn the_last_backup_is_when_its_file_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host { data_folder: Some(folder.path().to_owned()), ..Host::default() };
        let now = Timestamp::MAX;
        assert_eq!(host.last_backup(now), None);
        fs::write(folder.path().join(BACKUP_FILE), "").unwrap();
        assert!(host.last_backup(now).is_some());
        assert_eq!(host.last_backup(at(0)), None, "no backup ended in the future");
        assert_eq!(Host::default().last_backup(now), None);
    }

    #[test]
    fn a_history_that_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host { data_folder: Some(folder.path().to_owned()), ..Host::default() };
        assert_eq!(host.disk_history(), []);
        fs::write(folder.path().join(DISK_FILE), "not JSON").unwrap();
        assert_eq!(host.disk_history(), []);
    }
}
