//! The ways in which a place of the embedded server says no, how each begins, and how it is taken back.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use object_store::{ObjectStoreExt, aws::AmazonS3};
use rusqlite::{Connection, OpenFlags};
use rustix::{
    mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount},
    process::{Pid, Signal, kill_process},
};

use super::preload::{
    Orders, Preload,
    errno::{EACCES, EAGAIN, EDQUOT, EIO, EMFILE, ENOSPC, EROFS},
};
use crate::{
    journal::Change,
    load::{Shared, impossible_photo, put},
    originals::{GOODS, Photo},
    server::{Launcher, UPLOAD_BUCKET},
};

/// Size of the disk of the data folder, bytes, where one can be mounted.
const DISK_BYTES: u64 = 4 << 30;
/// What is left on a disk that is full, bytes.
const LEFT_BYTES: u64 = 4096;
/// How long to wait for a lock of the database.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// Refuses the rows of photos that the harness made impossible.
const REFUSE_ROWS: &str = "CREATE TRIGGER harness_refuses BEFORE INSERT ON celeb_image_url \
    WHEN NEW.cd_idx >= 999000000 BEGIN SELECT RAISE(ABORT, 'refused by a trigger of the harness'); END";

/// A way in which a place says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The disk of the data folder really is full.
    DiskFull,
    /// Writing finds no space.
    NoSpace,
    /// The quota is used up, at each third call.
    Quota,
    /// The data folder is mounted to be read.
    ReadOnly,
    /// Nothing may be made or removed in the data folder.
    Denied,
    /// The disk answers with an error at each second call.
    Broken,
    /// No file can be opened.
    TooManyFiles,
    /// Another process holds the database for itself.
    Locked,
    /// No process can be started, and the engine's have just ended.
    NoProcesses,
    /// The table refuses the rows of one photo.
    RowRefused,
    /// The content of one original is gone behind the server's back.
    ContentGone,
    /// The content of one original was cut short.
    ContentCut,
}

impl Fault {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::DiskFull,
        Self::NoSpace,
        Self::Quota,
        Self::ReadOnly,
        Self::Denied,
        Self::Broken,
        Self::TooManyFiles,
        Self::Locked,
        Self::NoProcesses,
        Self::RowRefused,
        Self::ContentGone,
        Self::ContentCut,
    ];

    /// The fault of a name as it is on the command line: `disk-full`.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DiskFull => "disk-full",
            Self::NoSpace => "no-space",
            Self::Quota => "quota",
            Self::ReadOnly => "read-only",
            Self::Denied => "denied",
            Self::Broken => "broken",
            Self::TooManyFiles => "too-many-files",
            Self::Locked => "locked",
            Self::NoProcesses => "no-processes",
            Self::RowRefused => "row-refused",
            Self::ContentGone => "content-gone",
            Self::ContentCut => "content-cut",
        }
    }

    /// Whether it is about one photo, which it makes impossible.
    pub(super) const fn is_of_a_photo(self) -> bool {
        matches!(self, Self::RowRefused | Self::ContentGone | Self::ContentCut)
    }

    fn orders(self) -> Orders {
        let none = Orders::default();
        match self {
            Self::NoSpace => Orders { writes: ENOSPC, makes: ENOSPC, ..none },
            Self::Quota => Orders { writes: EDQUOT, makes: EDQUOT, every: 3, ..none },
            Self::ReadOnly => Orders { writes: EROFS, makes: EROFS, removes: EROFS, ..none },
            Self::Denied => Orders { makes: EACCES, removes: EACCES, ..none },
            Self::Broken => Orders { writes: EIO, every: 2, ..none },
            Self::TooManyFiles => Orders { opens: EMFILE, ..none },
            Self::NoProcesses => Orders { forks: EAGAIN, ..none },
            _ => none,
        }
    }
}

/// The data folder on a disk of its own, so that it can be full. Unmounted when this is dropped.
#[derive(Debug)]
pub(super) struct Disk(PathBuf);

impl Disk {
    /// None where one cannot be mounted (not root).
    pub(super) fn mount(at: PathBuf) -> Result<Option<Self>> {
        fs::create_dir_all(&at).context("failed to make the data folder")?;
        let size = std::ffi::CString::new(format!("size={DISK_BYTES},mode=0700"))?;
        let mounted = mount("tmpfs", &at, "tmpfs", MountFlags::empty(), size.as_c_str());
        Ok(mounted.is_ok().then_some(Self(at)))
    }

    fn resize(&self, bytes: u64) -> Result<()> {
        mount_remount(&self.0, MountFlags::empty(), format!("size={bytes}")).context("failed to change a disk's size")
    }

    /// Makes it as small as its content. What is written meanwhile makes it try again.
    fn fill(&self) -> Result<()> {
        for _ in 0..100 {
            if self.resize(self.used()? + LEFT_BYTES).is_ok() {
                return Ok(());
            }
        }
        self.resize(self.used()? + LEFT_BYTES)
    }

    fn used(&self) -> Result<u64> {
        let disk = rustix::fs::statvfs(&self.0).context("failed to look at a disk")?;
        Ok((disk.f_blocks - disk.f_bfree) * disk.f_frsize)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may still be in use after a failure; then it goes with the machine.
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// What faults are made with.
#[derive(Debug)]
pub(super) struct Tools<'r> {
    pub(super) launcher: &'r Launcher,
    pub(super) shared: &'r Shared,
    pub(super) preload: &'r Preload,
    pub(super) disk: Option<&'r Disk>,
}

/// A fault that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    fault: Fault,
    lock: Option<Connection>,
    photo: Option<String>,
}

impl Tools<'_> {
    /// Begins a fault of the server that runs as `pid`. `number` names the photo that it is about, where it is about one.
    pub(super) async fn begin(&self, fault: Fault, number: u64, bucket: &AmazonS3, pid: i32) -> Result<Begun> {
        let mut begun = Begun { fault, lock: None, photo: None };
        match fault {
            Fault::DiskFull => self.disk.context("there is no disk")?.fill()?,
            Fault::Locked => begun.lock = Some(self.lock()?),
            Fault::RowRefused => {
                self.writable()?.execute_batch(REFUSE_ROWS).context("failed to make the trigger")?;
                begun.photo = Some(self.upload(number, bucket).await);
            }
            Fault::ContentGone | Fault::ContentCut => begun.photo = self.damage(fault, number, bucket).await?,
            _ => {}
        }
        self.preload.order(fault.orders())?;
        if fault == Fault::NoProcesses {
            end_children(pid);
        }
        Ok(begun)
    }

    /// Takes it back.
    pub(super) fn end(&self, begun: &mut Begun) -> Result<()> {
        self.preload.order(Orders::default())?;
        match begun.fault {
            Fault::DiskFull => self.disk.context("there is no disk")?.resize(DISK_BYTES)?,
            Fault::RowRefused => {
                self.writable()?.execute_batch("DROP TRIGGER harness_refuses").context("failed to drop the trigger")?;
            }
            _ => {}
        }
        begun.lock = None;
        Ok(())
    }

    fn writable(&self) -> Result<Connection> {
        let connection = Connection::open_with_flags(self.launcher.database(), OpenFlags::SQLITE_OPEN_READ_WRITE);
        let connection = connection.context("failed to open the database for writing")?;
        connection.busy_timeout(LOCK_TIMEOUT)?;
        Ok(connection)
    }

    fn lock(&self) -> Result<Connection> {
        let connection = self.writable()?;
        connection.execute_batch("BEGIN IMMEDIATE").context("failed to lock the database")?;
        Ok(connection)
    }

    /// Uploads an original that cannot come to its rows.
    async fn upload(&self, number: u64, bucket: &AmazonS3) -> String {
        let (key, content) = (impossible_photo(number), Photo::Good(usize::try_from(number).unwrap_or(0) % GOODS));
        let acknowledged = put(bucket, &key, self.shared.pool.bytes(content)).await;
        self.shared.journal.record(&key, Change::Put(content), acknowledged);
        key
    }

    /// Uploads an original and damages its content, mostly before its turn comes.
    async fn damage(&self, fault: Fault, number: u64, bucket: &AmazonS3) -> Result<Option<String>> {
        let key = self.upload(number, bucket).await;
        let connection = crate::snapshot::open(&self.launcher.database())?;
        let statement = "SELECT file FROM cameo_objects WHERE bucket = ?1 AND object_key = ?2";
        let file = connection.query_row(statement, (UPLOAD_BUCKET, &key), |row| row.get::<_, i64>(0));
        let Ok(file) = file else { return Ok(Some(key)) };
        let path = crate::check::file_path(&self.launcher.data(), file.unsigned_abs());
        if fault == Fault::ContentGone {
            fs::remove_file(&path).with_context(|| format!("failed to remove {}", path.display()))?;
        } else {
            let length = fs::metadata(&path).with_context(|| format!("failed to look at {}", path.display()))?.size();
            let file = fs::File::options().write(true).open(&path).context("failed to open content")?;
            file.set_len(length / 2).context("failed to cut content short")?;
        }
        Ok(Some(key))
    }
}

impl Begun {
    /// Deletes the photo that the fault was about, if it was about one: what could not be done need not be any more. False when
    /// that was refused.
    pub(super) async fn clean_up(&mut self, shared: &Shared, bucket: &AmazonS3) -> bool {
        let Some(key) = &self.photo else { return true };
        let deleted = bucket.delete(&key.as_str().into()).await.is_ok();
        shared.journal.record(key, Change::Delete, deleted);
        if deleted {
            self.photo = None;
        }
        deleted
    }
}

/// Ends the processes that the server started: its engine's.
fn end_children(pid: i32) {
    for child in children(pid) {
        if let Some(child) = Pid::from_raw(child) {
            // It may have ended by itself.
            let _ = kill_process(child, Signal::KILL);
        }
    }
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Faults that can be made here, in this order again and again. Those that cannot are named.
pub(super) fn possible(has_disk: bool, only: Option<Fault>) -> Result<Vec<Fault>> {
    let can = |fault: &&Fault| has_disk || **fault != Fault::DiskFull;
    let wanted = |fault: &&Fault| only.is_none_or(|only| only == **fault);
    let faults: Vec<_> = Fault::ALL.iter().filter(can).filter(wanted).copied().collect();
    if !has_disk {
        eprintln!("SKIPPED: no disk can be mounted here (not root), so it is never really full");
    }
    ensure!(!faults.is_empty(), "no fault can be made");
    Ok(faults)
}
