//! How much of the disk is used, hour by hour, kept over a restart: `disk.json` in the data folder. From it the page of the server's health says
//! in how many days the disk is full.
//!
//! It is for showing: a history that is lost or damaged begins again, and never keeps a server from starting.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::SignedDuration;

use super::tasks::Tasks;
use crate::{
    clock::Clock,
    private_file,
    serve::host::{DISK_FILE, DiskSample, Host},
};

/// How often it is looked whether an hour has passed.
const LOOK_EVERY: Duration = Duration::from_mins(5);
/// What lies between two samples.
const EACH: SignedDuration = SignedDuration::from_hours(1);
/// Samples that are kept: two weeks of them.
const SAMPLES_MAX: usize = 14 * 24;

/// Notes how much is used, each hour.
pub(super) fn spawn(tasks: &mut Tasks, host: Host, clock: Arc<dyn Clock>, folder: &Path) {
    let folder = folder.to_owned();
    tasks.spawn(|stop| async move {
        loop {
            note(&host, &*clock, &folder);
            if tokio::time::timeout(LOOK_EVERY, stop.cancelled()).await.is_ok() {
                return Ok(());
            }
        }
    });
}

fn note(host: &Host, clock: &dyn Clock, folder: &Path) {
    let Some((free, total)) = host.disk() else { return };
    let sample = DiskSample { at: clock.now(), used_bytes: total.saturating_sub(free) };
    let Some(history) = with(host.disk_history(), sample) else { return };
    let written = serde_json::to_vec(&history).map_err(|error| error.to_string());
    let written = written.and_then(|content| {
        private_file::replace(&folder.join(DISK_FILE), &content).map_err(|error| error.to_string())
    });
    if let Err(error) = written {
        tracing::warn!(error, "how much of the disk is used could not be noted; when it is full may be shown wrongly");
    }
}

/// The history with one more, where it is time for it. What a clock that was set back left behind is forgotten.
fn with(mut history: Vec<DiskSample>, sample: DiskSample) -> Option<Vec<DiskSample>> {
    history.retain(|earlier| earlier.at <= sample.at);
    if history.last().is_some_and(|last| sample.at.duration_since(last.at) < EACH) {
        return None;
    }
    history.push(sample);
    let superfluous = history.len().saturating_sub(SAMPLES_MAX);
    history.drain(..superfluous);
    Some(history)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::clock::ManualClock;

    fn sample(minute: i64) -> DiskSample {
        DiskSample { at: Timestamp::from_second(1_700_000_000 + minute * 60).unwrap(), used_bytes: 7 }
    }

    #[test]
    fn a_sample_an_hour_is_kept_for_two_weeks() {
        assert_eq!(with(Vec::new(), sample(0)).unwrap().len(), 1);
        assert_eq!(with(vec![sample(0)], sample(59)), None);
        assert_eq!(with(vec![sample(0)], sample(60)).unwrap().len(), 2);
        assert_eq!(with(vec![sample(900)], sample(0)).unwrap(), [sample(0)], "the clock was set back");
        let long = (0..1000).map(|hour| sample(hour * 60)).collect();
        let kept = with(long, sample(60_000)).unwrap();
        assert_eq!((kept.len(), kept.last()), (SAMPLES_MAX, Some(&sample(60_000))));
    }

    #[test]
    fn what_is_noted_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host { data_folder: Some(folder.path().to_owned()), ..Host::default() };
        let clock = ManualClock::new(sample(0).at);
        note(&host, &clock, folder.path());
        note(&host, &clock, folder.path());
        let history = host.disk_history();
        assert_eq!((history.len(), history[0].at), (1, sample(0).at));
        assert!(history[0].used_bytes > 0);
    }
}
