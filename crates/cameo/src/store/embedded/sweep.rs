//! Cleaning up: what nothing refers to is removed, at start and from time to time.
//!
//! Nothing is removed on the word of an old look: references are looked at again in the writer's own order, and content
//! without any cannot get one again.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    Embedded, Swept,
    files::Files,
    garbage, meta,
    refusal::{Refusal, io_failed},
    staging::blocking,
};
use crate::{
    error::{Place, Result},
    failpoint::{Point, reached},
    sqlite::{Done, Sqlite, integer},
};

/// Files that are removed between two looks, at most.
const BATCH: i64 = 500;

const KNOWN_FILES: &str = "SELECT file FROM cameo_objects WHERE file BETWEEN ?1 AND ?2
    UNION SELECT file FROM cameo_garbage WHERE file BETWEEN ?1 AND ?2";

impl Embedded {
    /// Removes old content that nothing refers to, and multipart uploads left unfinished. To be called from time to
    /// time; it does no harm at any time.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept> {
        let Some(options) = self.inner.options.as_ref() else {
            return Ok(Swept::default());
        };
        let before = |age| now.checked_sub(age).unwrap_or(Timestamp::MIN);
        let uploads = self.expire_uploads(before(options.keep_uploads)).await?;
        self.remove_strange_upload_folders().await?;
        let mut files = 0;
        loop {
            let removed = self.sweep_batch(before(options.keep_old)).await?;
            files += removed;
            if removed < BATCH.unsigned_abs() {
                break;
            }
        }
        self.raise_swept_through().await?;
        Ok(Swept { files, uploads })
    }

    async fn sweep_batch(&self, until: Timestamp) -> Result<u64> {
        let job = self.inner.db.read(Place::Store, "look for old content", move |connection| {
            garbage::candidates(connection, until, BATCH)
        });
        let candidates = job.await?;
        if candidates.is_empty() {
            return Ok(0);
        }
        let job = self.inner.db.write(Place::Store, "look again for old content", move |connection| {
            garbage::unreferenced(connection, &candidates, until)
        });
        let (files, store) = (job.await?, self.inner.files.clone());
        reached(Point::SweepChosen);
        let removed = blocking(move || {
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

    /// Tells the next start how little it has to look at.
    async fn raise_swept_through(&self) -> Result<()> {
        let settled = self.inner.generations()?.oldest_in_flight() - 1;
        if settled <= swept_through(&self.inner.db)? {
            return Ok(());
        }
        let job = self.inner.db.write(Place::Store, "remember how far was swept", move |connection| {
            meta::raise(connection, meta::SWEPT_THROUGH, settled)
        });
        job.await
    }

    /// Removes content that no row knows: of changes that were under way when the process ended. For the start, while
    /// nothing else runs. Returns the highest generation that ever named a file.
    pub(super) async fn remove_unknown_files(files: &Files, db: &Sqlite) -> Result<u64> {
        let swept_through = swept_through(db)?;
        let shards = files.shards_from(swept_through).map_err(|e| io_failed("list objects/", e))?;
        let mut highest = swept_through;
        for shard in shards {
            let present = files.files_of_shard(shard).map_err(|e| io_failed("list a folder of objects/", e))?;
            highest = present.iter().copied().max().unwrap_or(0).max(highest);
            let bounds = Files::bounds_of_shard(shard);
            let look = move |connection: &Connection| known_files(connection, bounds);
            let known = db.read(Place::Store, "look for known content", look).await?;
            for file in present.into_iter().filter(|file| !known.contains(file)) {
                files.remove_object(file).map_err(|e| io_failed("remove content that nothing knows", e))?;
                reached(Point::UnknownRemoved);
                tracing::info!(generation = format!("{file:016x}"), "removed content of an unfinished change");
            }
        }
        Ok(highest)
    }
}

fn swept_through(db: &Sqlite) -> Result<u64> {
    let doing = "look how far was swept";
    db.look_up(Place::Store, doing, |connection| meta::read(connection, meta::SWEPT_THROUGH))
}

fn known_files(connection: &Connection, (first, last): (u64, u64)) -> Done<HashSet<u64>> {
    let mut query = connection.prepare_cached(KNOWN_FILES)?;
    let files = query.query_map((integer(first), integer(last)), |row| row.get(0).map(i64::unsigned_abs))?;
    Ok(files.collect::<Result<_, _>>()?)
}
