//! `cameo recover`: index and content of a data folder made to belong together again, while no server runs on it.

use std::path::Path;

use jiff::Timestamp;

use super::data_folder::DataFolder;
use crate::{
    config::Config,
    model::error::{Error, Kind, Place, Result},
    store::embedded::{self, Recovered, Recovery, Side},
};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Which side counts.
    pub side: Side,
    /// Whether content in `quarantine/` is moved back first.
    pub with_quarantine: bool,
    /// Whether only to say what would be done.
    pub dry_run: bool,
}

/// Recovers the data folder `data`, or says what would be done. `progress` gets the number of files looked at.
pub async fn recover(
    config: &Config,
    data: &Path,
    what: Wanted,
    now: Timestamp,
    mut progress: impl FnMut(u64) + Send + 'static,
) -> Result<Recovered> {
    let misconfigured = |doing: String| Error::new(Place::System, Kind::Misconfigured, doing);
    if !config.keeps_objects()? {
        let doing = "recover a data folder: store.url is not embedded:, so no data folder holds the objects";
        return Err(misconfigured(doing.to_owned()));
    }
    if !data.is_dir() {
        let doing = format!("recover {}: there is no such folder; is --data the folder of a server?", data.display());
        return Err(misconfigured(doing));
    }
    let folder = DataFolder::open(data)?;
    let recovery = Recovery {
        side: what.side,
        with_quarantine: what.with_quarantine,
        dry_run: what.dry_run,
        upload_bucket: config.store.upload_bucket.clone(),
        image_bucket: config.store.image_bucket.clone(),
        events: config.queue.events.clone(),
        keep_old: config.store.keep_old,
        keep_removed: config.store.keep_removed,
    };
    let run = move || embedded::recover(folder.path(), &recovery, now, &mut progress);
    tokio::task::spawn_blocking(run).await.unwrap_or_else(|error| {
        Err(Error::new(Place::System, Kind::Unavailable, "run a thread for the recovery").because(error))
    })
}
