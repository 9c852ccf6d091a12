//! A disk that forgets what was never synced: `LazyFS` keeps written bytes in its own memory until an fsync asks for them.
//!
//! Ending its process is the power cut: what was not synced is gone, and whoever still writes is answered with an error.
//! Names (creating, renaming, removing) are durable at once there, so a missing fsync of a folder is not seen; the order
//! of system calls shows that one.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use rustix::mount::{UnmountFlags, unmount};

/// What the file system may hold unsynced.
const CACHE: &str = "0.5GB";
/// How long mounting may take.
const MOUNT_TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(5);

/// A mounted `LazyFS`. Unmounted when this is dropped.
#[derive(Debug)]
pub struct LazyDisk {
    program: PathBuf,
    folder: PathBuf,
    mounted_at: PathBuf,
    running: Option<Child>,
}

impl LazyDisk {
    /// Mounts a new disk at `at`; what it keeps stands in `folder`.
    pub fn mount(program: &Path, folder: &Path, at: &Path) -> Result<Self> {
        let mut disk = Self { program: program.into(), folder: folder.into(), mounted_at: at.into(), running: None };
        for needed in [&disk.kept(), &disk.mounted_at] {
            fs::create_dir_all(needed).with_context(|| format!("failed to make {}", needed.display()))?;
        }
        fs::write(disk.config(), disk.config_text()).context("failed to write the configuration of LazyFS")?;
        disk.power_on()?;
        Ok(disk)
    }

    /// What was synced.
    fn kept(&self) -> PathBuf {
        self.folder.join("disk")
    }

    fn config(&self) -> PathBuf {
        self.folder.join("lazyfs.toml")
    }

    fn config_text(&self) -> String {
        let quoted = |name: &str| format!("\"{}\"", self.folder.join(name).display());
        let (fifo, log) = (quoted("lazyfs.fifo"), quoted("lazyfs.log"));
        format!(
            "[faults]\nfifo_path={fifo}\n[cache]\napply_eviction=false\n\
            [cache.simple]\ncustom_size={CACHE:?}\nblocks_per_page=1\n\
            [filesystem]\nlog_all_operations=false\nlogfile={log}\n"
        )
    }

    /// Mounts it with what was kept.
    pub fn power_on(&mut self) -> Result<()> {
        let below = fs::metadata(&self.mounted_at).context("failed to look at the mount point")?.dev();
        let mut command = Command::new(&self.program);
        command.arg(&self.mounted_at).arg("--config-path").arg(self.config()).args(["-o", "modules=subdir", "-o"]);
        command.arg(format!("subdir={}", self.kept().display())).arg("-f");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("failed to start {}", self.program.display()))?;
        let child = self.running.insert(child);
        let deadline = Instant::now() + MOUNT_TIMEOUT;
        while fs::metadata(&self.mounted_at).is_ok_and(|metadata| metadata.dev() == below) {
            ensure!(child.try_wait()?.is_none(), "LazyFS ended; may this user mount, and is there /dev/fuse?");
            ensure!(Instant::now() < deadline, "LazyFS did not mount {}", self.mounted_at.display());
            sleep(POLL);
        }
        Ok(())
    }

    /// Cuts the power. What was not synced is lost; the mount point answers with errors until [`unplug`](Self::unplug).
    pub fn cut(&mut self) -> Result<()> {
        let Some(mut child) = self.running.take() else { return Ok(()) };
        child.kill().context("failed to end LazyFS")?;
        child.wait().context("failed to wait for LazyFS")?;
        Ok(())
    }

    /// Takes the dead mount away, once nobody uses it.
    pub fn unplug(&mut self) -> Result<()> {
        unmount(&self.mounted_at, UnmountFlags::DETACH).context("failed to unmount LazyFS")
    }
}

impl Drop for LazyDisk {
    fn drop(&mut self) {
        // After a failure it may be half gone already.
        let _ = self.cut();
        let _ = self.unplug();
    }
}
