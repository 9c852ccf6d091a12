//! Cleaning up: what nothing refers to is removed from time to time.
//!
//! Nothing is removed on the word of an old look: references are looked at again in the writer's own order, and content
//! without any cannot get one again.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Embedded, Swept, garbage, meta,
    probe::{FREE_MIN_BYTES, free_bytes},
    quarantine,
    refusal::Refusal,
    run_blocking::run_blocking,
    stamp,
    start::is_known,
};
use crate::{
    db::{Done, Sqlite},
    failpoint::{Point, reached},
    model::error::{Place, Result},
};

/// Files that are removed between two looks, at most.
const BATCH: i64 = 500;

/// Space on the disk, bytes, below which replaced content goes early: long before uploads are refused for want of it.
const NEARLY_FULL_BYTES: u64 = 16 * FREE_MIN_BYTES;
/// How long replaced content stays even then: who has begun to read it may finish.
const KEEP_OLD_LEAST: Duration = Duration::from_mins(1);

/// What was done on a disk that is nearly full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MadeRoom {
    /// Bytes that were free before.
    pub free_bytes: u64,
    /// Files of replaced content that were removed.
    pub files: u64,
    /// Objects in quarantine that were removed before `store.keep_removed`, the oldest first: they cannot be restored any more.
    pub expired: u64,
}

/// Changes in doubt from which on new ones wait for them to be settled. Each may have left content.
const DOUBTS_MAX: usize = 256;

/// Changes in doubt that are settled in one job.
const DOUBTS_AT_ONCE: usize = 1000;

impl Embedded {
    /// Removes old content that nothing refers to, and multipart uploads left unfinished. To be called from time to
    /// time; it does no harm at any time.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept> {
        let Some(options) = self.inner.options.as_ref() else {
            return Ok(Swept::default());
        };
        let before = |age| now.checked_sub(age).unwrap_or(Timestamp::MIN);
        self.settle().await?;
        self.expire_quarantine(now, options.keep_quarantine).await?;
        let uploads = self.expire_uploads(before(options.keep_uploads)).await?;
        self.remove_strange_upload_folders().await?;
        while self.expire_kept(Some(before(options.keep_removed)), now).await? > 0 {}
        let files = self.sweep_until(before(options.keep_old)).await?;
        self.raise_swept_through().await?;
        self.describe_old_content(&options.image_bucket).await?;
        Ok(Swept { files, uploads })
    }

    /// Where the disk is nearly full, removes replaced content before its time, and then the oldest of the quarantine; what was done, where anything had to be. Otherwise a key that is
    /// written over and over would fill the disk within `keep_old`.
    pub async fn make_room(&self, now: Timestamp) -> Result<Option<MadeRoom>> {
        let free_bytes = free_bytes(&self.inner.files)?;
        if free_bytes >= NEARLY_FULL_BYTES || self.inner.options.is_none() {
            return Ok(None);
        }
        let files = self.sweep_until(now.checked_sub(KEEP_OLD_LEAST).unwrap_or(Timestamp::MIN)).await?;
        let mut made = MadeRoom { free_bytes, files, expired: 0 };
        while self::free_bytes(&self.inner.files)? < NEARLY_FULL_BYTES {
            // Nobody reads what is in quarantine, so its content needs no time to be read to the end.
            let expired = self.expire_kept(None, Timestamp::MIN).await?;
            if expired == 0 {
                break;
            }
            made.expired += expired;
            made.files += self.sweep_until(Timestamp::UNIX_EPOCH).await?;
        }
        Ok(Some(made))
    }

    /// Removes content that lost its last reference at `until` or before.
    async fn sweep_until(&self, until: Timestamp) -> Result<u64> {
        let mut files = 0;
        loop {
            let removed = self.sweep_batch(until).await?;
            files += removed;
            if removed < BATCH.unsigned_abs() {
                return Ok(files);
            }
        }
    }

    async fn sweep_batch(&self, until: Timestamp) -> Result<u64> {
        let job = self.inner.db.read(Place::Store, "look for old content", move |connection| {
            Ok((garbage::candidates(connection, until, BATCH)?, garbage::has_notes(connection, until)?))
        });
        let (candidates, has_notes) = job.await?;
        if !has_notes {
            return Ok(0);
        }
        let job = self.inner.db.write(Place::Store, "look again for old content", move |connection| {
            garbage::unreferenced(connection, &candidates, until)
        });
        let (files, store) = (job.await?, self.inner.files.clone());
        if files.is_empty() {
            return Ok(0);
        }
        reached(Point::SweepChosen);
        let removed = run_blocking(move || {
            let removed = files.iter().try_for_each(|&file| store.remove_object(file));
            removed.map(|()| files).map_err(|e| Refusal::io("remove old content", e))
        });
        let removed = removed.await?;
        let count = removed.len() as u64;
        reached(Point::SweepRemoved);
        // Forgotten only after they are gone: a crash in between repeats the removal, and leaves nothing behind.
        let job = self
            .inner
            .db
            .write(Place::Store, "forget old content", move |connection| garbage::forget(connection, &removed));
        job.await?;
        Ok(count)
    }

    /// Removes what changes left behind that failed, as while a disk says no to some calls. A sweep does so too; to be called more often,
    /// since each failed upload may leave its content. It costs nothing where nothing failed.
    pub async fn settle(&self) -> Result<()> {
        self.settle_doubts().await?;
        let files = self.inner.files.clone();
        run_blocking(move || files.remove_left().map_err(|e| Refusal::io("remove a file from tmp/", e))).await?;
        Ok(())
    }

    /// Bounds what failed changes leave behind: before more content is placed, it must be known what became of that of the earlier ones.
    pub(super) async fn bound_doubts(&self) -> Result<()> {
        let is_full = self.inner.generations()?.in_doubt(DOUBTS_MAX).len() == DOUBTS_MAX;
        if is_full { self.settle_doubts().await } else { Ok(()) }
    }

    /// Finds out what became of changes whose commit ended without an answer, as when the disk was full: where it did not happen, their
    /// content goes. The writer knows, since it commits one transaction after the other.
    async fn settle_doubts(&self) -> Result<()> {
        let generations = self.inner.generations()?;
        loop {
            let in_doubt = generations.in_doubt(DOUBTS_AT_ONCE);
            if in_doubt.is_empty() {
                return Ok(());
            }
            let job = self.inner.db.write(Place::Store, "settle changes in doubt", move |connection| {
                in_doubt.into_iter().map(|file| Ok((file, is_known(connection, file)?))).collect::<Done<Vec<_>>>()
            });
            let (settled, store) = (job.await?, self.inner.files.clone());
            let removed = run_blocking(move || {
                let unknown = settled.iter().filter(|(_, known)| !known);
                let removed = unknown.map(|(file, _)| *file).try_for_each(|file| store.remove_object(file));
                removed.map(|()| settled).map_err(|e| Refusal::io("remove content of a change that did not happen", e))
            });
            for (file, _) in removed.await? {
                generations.settle(file);
            }
        }
    }

    async fn expire_quarantine(&self, now: Timestamp, keep: Duration) -> Result<()> {
        let files = self.inner.files.clone();
        let expired = run_blocking(move || {
            quarantine::expire(&files, now, keep).map_err(|e| Refusal::io("remove old folders of quarantine/", e))
        });
        match expired.await? {
            0 => {}
            folders => tracing::info!(folders, "removed what a start had moved to quarantine"),
        }
        Ok(())
    }

    /// Tells the next start how little it has to look at, and gives index and content a new stamp: a copy of the database from before is
    /// then known for what it is.
    async fn raise_swept_through(&self) -> Result<()> {
        let settled = self.inner.generations()?.oldest_in_flight() - 1;
        if settled <= swept_through(&self.inner.db)? {
            return Ok(());
        }
        let job = self.inner.db.write(Place::Store, "remember how far was swept", move |connection| {
            meta::raise(connection, meta::SWEPT_THROUGH, settled)
        });
        job.await?;
        stamp::renew(&self.inner.files, &self.inner.db).await
    }
}

fn swept_through(db: &Sqlite) -> Result<u64> {
    let doing = "look how far was swept";
    db.look_up(Place::Store, doing, |connection| meta::read(connection, meta::SWEPT_THROUGH))
}
