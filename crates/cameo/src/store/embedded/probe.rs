//! Whether an upload would succeed now: a little of one is done, and removed again.
//!
//! What is looked at is what an upload needs: space for content, a file that can be written, synced and renamed, and a transaction of the
//! database. A look alone would succeed on a full disk, on one that was mounted read-only after an error, and beyond a quota.

use std::io::Write;

use bytesize::ByteSize;

use super::{
    Embedded,
    files::Files,
    meta,
    refusal::{Refusal, StoreResult, io_failed},
    run_blocking::run_blocking,
    sync::sync_file,
};
use crate::{
    clock::to_millis,
    model::error::{Error, Kind, Place, Result},
};

/// Space that must be left on the disk, bytes: as much as the largest original has by default. Below it some uploads succeed and others
/// fail.
pub const FREE_MIN_BYTES: u64 = 64 << 20;
/// What the probe writes: more than fits into what a file system keeps for a file's name.
const PROBE_BYTES: usize = 16 << 10;

impl Embedded {
    /// Does what an upload does, with a little content that nobody sees. An error says what an upload would fail at.
    pub async fn try_an_upload(&self) -> Result<()> {
        self.inner.generations()?;
        let files = self.inner.files.clone();
        run_blocking(move || try_files(&files)).await?;
        let now = u64::try_from(to_millis(self.now())).unwrap_or(0);
        let job = self.inner.db.write(Place::Store, "write to the database", move |connection| {
            meta::set(connection, meta::PROBED_AT, now)
        });
        job.await
    }
}

fn try_files(files: &Files) -> StoreResult<()> {
    let free_bytes = free_bytes(files)?;
    if free_bytes < FREE_MIN_BYTES {
        let (free, least) = (ByteSize::b(free_bytes), ByteSize::b(FREE_MIN_BYTES));
        let doing = format!(
            "keep uploads: {free} are free on the disk of {}, and less than {least} is too little",
            files.data().display()
        );
        return Err(Error::new(Place::Store, Kind::Unavailable, doing).into());
    }
    let mut temp = files.create_temp()?;
    temp.file.write_all(&[0x55; PROBE_BYTES]).map_err(|error| Refusal::io("write a file in tmp/", error))?;
    sync_file(&temp.file);
    files.try_name(temp).map_err(|error| Refusal::io("write to objects/", error))
}

/// Space that is left for us, bytes: what is kept for the superuser does not count.
pub(super) fn free_bytes(files: &Files) -> Result<u64> {
    let disk = rustix::fs::statvfs(files.data());
    let disk = disk.map_err(|error| io_failed("ask how much space is left", error.into()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
