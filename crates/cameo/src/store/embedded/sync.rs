//! fsync, and what to do when it fails: stop at once.
//!
//! After a failed fsync the kernel may have dropped the dirty pages and report success the next time, so nobody knows
//! what the disk holds. It is never retried; the process ends, and what was not acknowledged is sent again.

use std::{
    collections::HashMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use crate::failpoint::{Bug, planted};

/// Syncs a file's content and size.
pub(super) fn sync_file(file: &File) {
    if !planted(Bug::NoFsync) {
        file.sync_all().unwrap_or_else(|error| stop(&error));
    }
}

/// Syncs a folder, so that the names in it are durable. An error where it cannot be opened, as when no more files may be open: then
/// nothing was synced, and nothing failed that the disk was asked for.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = File::open(path)?;
    sync_file(&folder);
    Ok(())
}

/// The one place that ends the process for a failed fsync.
fn stop(error: &io::Error) {
    tracing::error!(%error, "an fsync failed: the store cannot promise durability any more; stopping at once");
    std::process::abort();
}

/// Syncs folders on behalf of many threads: those that wait share the next sync.
#[derive(Debug, Default)]
pub(super) struct FolderSync {
    folders: Mutex<HashMap<PathBuf, Arc<Folder>>>,
}

#[derive(Debug, Default)]
struct Folder {
    rounds: Mutex<Rounds>,
    finished: Condvar,
}

/// How often a folder was synced: a change is durable once a round that began after it has finished.
#[derive(Debug, Default)]
struct Rounds {
    begun: u64,
    finished: u64,
}

impl FolderSync {
    /// Returns once a sync of the folder that began after this call has finished; an error where it cannot be opened.
    pub(super) fn sync(&self, path: &Path) -> io::Result<()> {
        let opened = File::open(path)?;
        let folder = self.folder(path);
        folder.wait_for_a_round(&opened);
        self.forget_if_idle(path, folder);
        Ok(())
    }

    fn folder(&self, path: &Path) -> Arc<Folder> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.entry(path.to_owned()).or_default().clone()
    }

    fn forget_if_idle(&self, path: &Path, folder: Arc<Folder>) {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        // Given up while the map is locked, as it was taken: held a moment longer, each of two would leave it to the other.
        drop(folder);
        if folders.get(path).is_some_and(|folder| Arc::strong_count(folder) == 1) {
            folders.remove(path);
        }
    }
}

impl Folder {
    fn wait_for_a_round(&self, opened: &File) {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = rounds.begun + 1;
        while rounds.finished < needed {
            if rounds.begun > rounds.finished {
                rounds = self.finished.wait(rounds).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            rounds.begun += 1;
            drop(rounds);
            sync_file(opened);
            rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
            rounds.finished = rounds.begun;
            self.finished.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_threads_are_served_and_nothing_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let sync = FolderSync::default();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| sync.sync(folder.path()).unwrap());
            }
        });
        assert!(sync.folders.lock().unwrap().is_empty());
        assert!(sync.sync(&folder.path().join("nowhere")).is_err(), "what was never synced did not fail to be");
    }
}
