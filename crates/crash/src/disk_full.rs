//! A disk that fills up, and has space again: clear refusals meanwhile, nothing lost, and it heals by itself.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use object_store::{ObjectStoreExt, PutPayload, aws::AmazonS3};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tokio::time::{Instant, sleep};

use crate::{
    journal::Change,
    load::bucket,
    originals::{GOODS, Photo},
    run::{Run, RunReport},
    server::Launcher,
};

/// Size of the small disk, and of what fills most of it at first.
const DISK_BYTES: usize = 24 << 20;
const BALLAST_BYTES: usize = 16 << 20;
/// Refusals that are waited for before space returns.
const REFUSALS: u32 = 50;
/// How long the disk stays full: longer than a few tries of a message take.
const FULL: Duration = Duration::from_secs(20);
/// How often a message is received before it is set aside: the default. A full disk must not use it up.
const MAX_RECEIVES: u32 = 5;
/// How long filling the disk may take, and how long a server may take to heal.
const FILL_TIMEOUT: Duration = Duration::from_mins(3);

/// A file system in memory, unmounted when this is dropped.
#[derive(Debug)]
struct SmallDisk<'p>(&'p Path);

impl<'p> SmallDisk<'p> {
    fn mount(at: &'p Path) -> Result<Self> {
        let size = std::ffi::CString::new(format!("size={DISK_BYTES},mode=700"))?;
        mount("tmpfs", at, "tmpfs", MountFlags::empty(), size.as_c_str()).context("failed to mount a small disk")?;
        Ok(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // It may still be in use after a failure; then it goes with the machine.
        let _ = unmount(self.0, UnmountFlags::DETACH);
    }
}

/// What clients were answered while the disk was full.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Answers with a 5xx status.
    pub clear: u32,
    /// Anything else that was no success, in words.
    pub unclear: Vec<String>,
    /// How long after space returned the first upload succeeded, milliseconds.
    pub healed_after_ms: u64,
}

/// Fills the disk under a server and gives the space back. None where a disk cannot be mounted (not root).
pub async fn fill(mut launcher: Launcher, seed: u64) -> Result<Option<(RunReport, Refusals)>> {
    launcher.max_receives = MAX_RECEIVES;
    let data = launcher.data();
    fs::create_dir_all(&data)?;
    let Ok(_disk) = SmallDisk::mount(&data) else { return Ok(None) };
    fs::write(data.join("ballast"), vec![0; BALLAST_BYTES]).context("failed to write the ballast")?;
    let run = Run::new(launcher, seed)?;
    let (mut server, addresses) = run.start(&[]).await?;
    let addresses = addresses.context("the server ended while it started")?;
    let bucket = bucket(&addresses.s3)?;
    let mut filler = Filler { run: &run, bucket: &bucket, next: 0, refusals: Refusals::default() };
    let deadline = Instant::now() + FILL_TIMEOUT;
    while filler.refusals.clear < REFUSALS {
        filler.upload().await;
        ensure!(filler.refusals.unclear.is_empty(), "unclear: {:?}", filler.refusals.unclear);
        ensure!(Instant::now() < deadline, "the disk did not fill up");
    }
    sleep(FULL).await;
    fs::remove_file(data.join("ballast")).context("failed to remove the ballast")?;
    let freed = Instant::now();
    while !filler.upload().await {
        ensure!(freed.elapsed() < FILL_TIMEOUT, "the server did not heal");
        sleep(Duration::from_millis(20)).await;
    }
    let mut refusals = filler.refusals;
    refusals.healed_after_ms = u64::try_from(freed.elapsed().as_millis())?;
    ensure!(server.is_running(), "the server ended while the disk was full");
    run.wait_until_quiet().await?;
    server.kill().await?;
    run.look_at_the_dead().await?;
    Ok(Some((run.finish(1).await?, refusals)))
}

struct Filler<'r> {
    run: &'r Run,
    bucket: &'r AmazonS3,
    next: u64,
    refusals: Refusals,
}

impl Filler<'_> {
    /// Uploads the next original; true when it was acknowledged.
    async fn upload(&mut self) -> bool {
        self.next += 1;
        let content = Photo::Good(usize::try_from(self.next).unwrap_or(0) % GOODS);
        let key = format!("origin/crash/{}_0.jpg", self.next);
        let payload = PutPayload::from(self.run.pool().bytes(content));
        let answer = self.bucket.put(&key.as_str().into(), payload).await;
        self.run.journal().record(&key, Change::Put(content), answer.is_ok());
        let Err(error) = answer else { return true };
        let text = format!("{error:?}");
        // The client's error holds the status only as text.
        if ["500", "503", "507"].iter().any(|status| text.contains(status)) {
            self.refusals.clear += 1;
        } else {
            self.refusals.unclear.push(text);
        }
        false
    }
}
