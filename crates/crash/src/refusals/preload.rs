//! The library that makes the server's calls fail: compiled here, loaded into the server, told what to refuse through a file.
//!
//! What `strace` would do by stopping every call of every thread costs nothing this way, and it can begin and end while the server
//! runs. Its source is `refuse.c`.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::server::Launcher;

const SOURCE: &str = include_str!("refuse.c");
/// Length of the file of orders, bytes: seven numbers of 32 bits.
const ORDERS_BYTES: usize = 28;
/// Where it counts what was refused.
const REFUSED_AT: u64 = 24;

/// Error numbers of Linux, as `refuse.c` hands them on.
pub(super) mod errno {
    /// No such right.
    pub(in crate::refusals) const EACCES: i32 = 13;
    /// Try again: no more processes.
    pub(in crate::refusals) const EAGAIN: i32 = 11;
    /// The disk's own error.
    pub(in crate::refusals) const EIO: i32 = 5;
    /// Too many open files.
    pub(in crate::refusals) const EMFILE: i32 = 24;
    /// No space is left.
    pub(in crate::refusals) const ENOSPC: i32 = 28;
    /// A file system that is mounted to be read only.
    pub(in crate::refusals) const EROFS: i32 = 30;
    /// The quota is used up.
    pub(in crate::refusals) const EDQUOT: i32 = 122;
}

/// What fails, with which error; 0: nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// Writing content.
    pub(super) writes: i32,
    /// Making names.
    pub(super) makes: i32,
    /// Removing names.
    pub(super) removes: i32,
    /// Opening files.
    pub(super) opens: i32,
    /// Starting processes.
    pub(super) forks: i32,
    /// Each so many-th call alone; below 2: all of them.
    pub(super) every: i32,
}

/// The library, loaded into every server that the launcher starts.
#[derive(Debug)]
pub(super) struct Preload {
    orders: PathBuf,
}

impl Preload {
    /// Compiles the library and tells the launcher of it. None where there is no C compiler.
    pub(super) fn install(launcher: &mut Launcher) -> Result<Option<Self>> {
        let [source, library, orders] = ["refuse.c", "refuse.so", "orders"].map(|name| launcher.folder.join(name));
        fs::write(&source, SOURCE).context("failed to write the library's source")?;
        if !compile(&source, &library)? {
            return Ok(None);
        }
        fs::write(&orders, [0; ORDERS_BYTES]).context("failed to write the orders")?;
        let variables = [("LD_PRELOAD", &library), ("REFUSALS_FILE", &orders), ("REFUSALS_UNDER", &launcher.data())]
            .map(|(name, path)| (name.to_owned(), path.display().to_string()));
        launcher.environment.extend(variables);
        Ok(Some(Self { orders }))
    }

    /// From here on calls fail as told.
    pub(super) fn order(&self, orders: Orders) -> Result<()> {
        let Orders { writes, makes, removes, opens, forks, every } = orders;
        let bytes: Vec<u8> =
            [writes, makes, removes, opens, forks, every].iter().flat_map(|n| n.to_ne_bytes()).collect();
        let file = File::options().write(true).open(&self.orders).context("failed to open the orders")?;
        file.write_all_at(&bytes, 0).context("failed to write the orders")
    }

    /// How many calls were refused so far.
    pub(super) fn refused(&self) -> Result<i32> {
        let mut bytes = [0; 4];
        let file = File::open(&self.orders).context("failed to open the orders")?;
        file.read_exact_at(&mut bytes, REFUSED_AT).context("failed to read the orders")?;
        Ok(i32::from_ne_bytes(bytes))
    }
}

/// Compiles; false where there is no compiler.
fn compile(source: &Path, library: &Path) -> Result<bool> {
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(library).arg(source).arg("-ldl");
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: there is no C compiler (cc)");
            Ok(false)
        }
        Err(error) => Err(error).context("failed to run cc"),
        Ok(output) => {
            ensure!(output.status.success(), "failed to compile refuse.c: {}", String::from_utf8_lossy(&output.stderr));
            Ok(true)
        }
    }
}
