//! Files and folders that only their owner may change: key pairs, the file of keys, the data folder.
//!
//! What is read here decides who is let in, so whoever else could have written it is as good as let in. The rules are those of
//! OpenSSH for its keys: a regular file, of this process's user or of root, that nobody else may write, and, where it holds
//! secrets, read. Nothing here waits (a FIFO would), follows a link that was planted, or reads without a bound.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;

use crate::model::error::{Error, Kind, Place, Result};

/// Reading and writing, for the owner alone.
pub const OWNER_ONLY: u32 = 0o600;

/// Who else may write.
const OTHERS_WRITE: u32 = 0o022;
/// Everybody may write.
const EVERYBODY_WRITES: u32 = 0o002;
/// Anything that others may do.
const OTHERS: u32 = 0o077;
/// Entering a folder.
const OTHERS_ENTER: u32 = 0o011;
/// Others may add to such a folder, and not replace what is in it.
const STICKY: u32 = 0o1000;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Secrets: nobody else may read it.
    Secrets,
    /// What others may know but not change.
    Facts,
}

/// Whether the last part of a path may be a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// A path that an operator wrote: secrets that Kubernetes mounts are links. The folder of the file itself must be safe, too.
    Followed,
    /// A path of ours, where only somebody else can have put a link.
    Refused,
}

/// From now on this process makes files and folders for its owner alone, whatever it was started with.
pub fn keep_to_owner() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(OTHERS));
}

/// How a file is opened that may be anything by now: never through a link that is not meant, and never waiting for a FIFO's other end.
fn careful(links: Links) -> OpenOptions {
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    let mut options = OpenOptions::new();
    options.custom_flags(flags.bits().cast_signed());
    options
}

/// The content of a file, of which nobody else may be the author; nothing where it does not exist.
pub fn read(path: &Path, max_bytes: u64, holds: Holds, links: Links) -> Result<Option<Vec<u8>>> {
    let file = match careful(links).read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if is_link(&error) => return Err(refused(path, "it is a symbolic link; put the file itself there")),
        Err(error) => return Err(failed("read", path, error)),
    };
    let found = file.metadata().map_err(|error| failed("read", path, error))?;
    check_file(path, &found, holds)?;
    content_of(file, path, max_bytes).map(Some)
}

/// All of an open file, of at most so many bytes.
fn content_of(file: File, path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut content).map_err(|error| failed("read", path, error))?;
    if content.len() as u64 > max_bytes {
        return Err(refused(path, &format!("it has more than {max_bytes} bytes")));
    }
    Ok(content)
}

/// Opens a file of ours for a lock, made where it is missing.
pub fn open_lock(path: &Path) -> Result<File> {
    let opened = careful(Links::Refused).create(true).truncate(false).write(true).mode(OWNER_ONLY).open(path);
    let file = opened.map_err(|error| failed("open", path, error))?;
    check_file(path, &file.metadata().map_err(|error| failed("open", path, error))?, Holds::Facts)?;
    Ok(file)
}

/// Puts a file in place in one step, durably. What somebody may have put at its temporary name is removed, never written to.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = path.with_extension("new");
    let write = || -> io::Result<()> {
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = careful(Links::Refused).write(true).create_new(true).mode(OWNER_ONLY).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder_of(path))?.sync_all()
    };
    write().map_err(|error| failed("write", path, error))
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Refuses a folder that others may write to, or, where they may enter it, anything right in it that they may write.
pub fn check_folder(path: &Path) -> Result<()> {
    let found = fs::metadata(path).map_err(|error| failed("use", path, error))?;
    if !found.is_dir() {
        return Err(refused(path, "it is not a folder"));
    }
    check_owner(path, &found)?;
    check_not_writable(path, &found, "go-w")?;
    if found.mode() & OTHERS_ENTER == 0 {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(|error| failed("use", path, error))? {
        let entry = entry.map_err(|error| failed("use", path, error))?;
        // What goes while it is looked at was somebody's temporary file.
        let Ok(found) = entry.metadata() else { continue };
        check_owner(&entry.path(), &found)?;
        if !found.is_symlink() {
            check_not_writable(&entry.path(), &found, "-R go-w")?;
        }
    }
    Ok(())
}

/// Refuses the folder of a file, links resolved, where others may put another file in its place.
pub fn check_folder_of(path: &Path) -> Result<()> {
    let real = fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    // Whoever may write to a folder above may put another one in its place.
    for folder in real.ancestors().skip(1) {
        let found = fs::metadata(folder).map_err(|error| failed("use", folder, error))?;
        check_owner(folder, &found)?;
        if found.mode() & STICKY == 0 {
            check_not_writable(folder, &found, "go-w")?;
        }
    }
    Ok(())
}

/// The settings of a file that an operator wrote, of at most so many bytes. They say whom to trust, so not everybody may write them;
/// nothing waits (a FIFO would).
pub fn read_settings(path: &Path, max_bytes: u64) -> Result<String> {
    let file = careful(Links::Followed).read(true).open(path).map_err(|error| failed("read", path, error))?;
    let found = file.metadata().map_err(|error| failed("read", path, error))?;
    if !found.is_file() {
        return Err(refused(path, "it is not a regular file"));
    }
    if found.mode() & EVERYBODY_WRITES != 0 {
        let shown = path.display();
        return Err(refused(path, &format!("everybody may write to it; run chmod o-w {shown}")));
    }
    let content = content_of(file, path, max_bytes)?;
    String::from_utf8(content).map_err(|error| failed("read", path, io::Error::other(error)))
}

fn check_file(path: &Path, found: &Metadata, holds: Holds) -> Result<()> {
    if !found.is_file() {
        return Err(refused(path, "it is not a regular file"));
    }
    // The superuser may look at what a server of another user says of itself; secrets of another user's making let nobody in.
    if holds == Holds::Secrets || !rustix::process::geteuid().is_root() {
        check_owner(path, found)?;
    }
    if holds == Holds::Secrets && found.mode() & OTHERS != 0 {
        let mode = found.mode() & 0o7777;
        let shown = path.display();
        return Err(refused(path, &format!("others may read or write it (mode {mode:04o}); run chmod 600 {shown}")));
    }
    check_not_writable(path, found, "go-w")
}

fn check_owner(path: &Path, found: &Metadata) -> Result<()> {
    let (owner, user) = (found.uid(), rustix::process::geteuid().as_raw());
    if owner == user || owner == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(refused(
        path,
        &format!(
            "it belongs to the user {owner}, and Cameo runs as {user}; run Cameo as {owner}, or chown {user} {shown}"
        ),
    ))
}

fn check_not_writable(path: &Path, found: &Metadata, change: &str) -> Result<()> {
    let mode = found.mode() & 0o7777;
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(refused(path, &format!("others may write to it (mode {mode:04o}); run chmod {change} {}", path.display())))
}

fn is_link(error: &io::Error) -> bool {
    // FreeBSD says EMLINK; Linux and macOS say ELOOP.
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("use {}: {why}", path.display()))
}

fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::StorageFull { Kind::Unavailable } else { Kind::Misconfigured };
    Error::new(Place::System, kind, format!("{doing} {}", path.display())).because(error)
}

/// Locks the folder of a file: what is replaced, and not written, cannot be locked itself.
pub fn lock_folder_of(path: &Path) -> Result<File> {
    let folder = folder_of(path);
    let opened = File::open(folder).map_err(|error| failed("open", folder, error))?;
    opened.lock().map_err(|error| failed("lock", folder, error))?;
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Kind::Misconfigured);
        error.to_string()
    }

    fn read_secrets(path: &Path) -> Result<Option<Vec<u8>>> {
        read(path, 100, Holds::Secrets, Links::Refused)
    }

    /// security.md A10: a FIFO hung the server.
    #[test]
    fn only_a_regular_file_of_a_bounded_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (file, fifo, link) = (folder.path().join("file"), folder.path().join("fifo"), folder.path().join("link"));
        assert_eq!(read_secrets(&file).unwrap(), None);
        replace(&file, b"secret").unwrap();
        assert_eq!(read_secrets(&file).unwrap().unwrap(), b"secret");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        assert!(refusal(read_secrets(&fifo)).contains("not a regular file"));
        symlink(&file, &link).unwrap();
        assert!(refusal(read_secrets(&link)).contains("symbolic link"));
        assert!(read(&link, 100, Holds::Secrets, Links::Followed).unwrap().is_some());
        assert!(refusal(read_secrets(folder.path())).contains("not a regular file"));
        assert!(refusal(read(&file, 5, Holds::Secrets, Links::Refused)).contains("more than 5 bytes"));
    }

    /// security.md A10 and A11.
    #[test]
    fn what_others_may_write_is_not_trusted_and_secrets_are_not_shared() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        replace(&file, b"{}").unwrap();
        for (bits, facts) in [(0o600, true), (0o644, true), (0o640, true), (0o620, false), (0o602, false)] {
            mode(&file, bits);
            let as_facts = read(&file, 100, Holds::Facts, Links::Refused);
            assert_eq!(as_facts.is_ok(), facts, "{bits:o}");
            if bits != 0o600 {
                assert!(refusal(read_secrets(&file)).contains("chmod 600"), "{bits:o}");
            }
        }
    }

    /// security.md A11.
    #[test]
    fn a_folder_that_others_may_write_to_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        for bits in [0o777, 0o770, 0o1777, 0o702] {
            mode(folder.path(), bits);
            assert!(refusal(check_folder(folder.path())).contains("chmod go-w"), "{bits:o}");
        }
        mode(folder.path(), 0o755);
        check_folder(folder.path()).unwrap();
        let inside = folder.path().join("objects");
        fs::create_dir(&inside).unwrap();
        mode(&inside, 0o777);
        assert!(refusal(check_folder(folder.path())).contains("objects"));
        // Nobody else gets there.
        mode(folder.path(), 0o700);
        check_folder(folder.path()).unwrap();
    }

    /// security.md A11: whoever may write to a folder above puts another one in its place.
    #[test]
    fn every_folder_above_a_file_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let (above, below) = (folder.path().join("above"), folder.path().join("above/below"));
        fs::create_dir_all(&below).unwrap();
        let file = below.join("keys.toml");
        replace(&file, b"secret").unwrap();
        check_folder_of(&file).unwrap();
        mode(&above, 0o777);
        assert!(refusal(check_folder_of(&file)).contains("chmod go-w"));
        mode(&above, 0o1777);
        check_folder_of(&file).unwrap();
    }

    /// security.md A10.
    #[test]
    fn settings_are_a_file_that_not_everybody_may_write() {
        let folder = tempfile::tempdir().unwrap();
        let (file, fifo) = (folder.path().join("cameo.toml"), folder.path().join("fifo"));
        replace(&file, b"[log]").unwrap();
        mode(&file, 0o664);
        assert_eq!(read_settings(&file, 10).unwrap(), "[log]");
        assert!(refusal(read_settings(&file, 4)).contains("more than 4 bytes"));
        mode(&file, 0o666);
        assert!(refusal(read_settings(&file, 10)).contains("chmod o-w"));
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        assert!(refusal(read_settings(&fifo, 10)).contains("not a regular file"));
    }

    /// security.md A11: `credentials.new` was opened as it was found.
    #[test]
    fn what_was_planted_at_the_temporary_name_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (planted, elsewhere) = (folder.path().join("credentials.new"), folder.path().join("elsewhere"));
        fs::write(&elsewhere, "of somebody else").unwrap();
        symlink(&elsewhere, &planted).unwrap();
        let path = folder.path().join("credentials.json");
        replace(&path, b"secret").unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"of somebody else");
        assert!(!path.is_symlink());
        let held = File::create(&planted).unwrap();
        mode(&planted, 0o666);
        replace(&path, b"newer").unwrap();
        assert_eq!(held.metadata().unwrap().len(), 0, "whoever held the planted file open sees nothing");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, OWNER_ONLY);
    }
}
