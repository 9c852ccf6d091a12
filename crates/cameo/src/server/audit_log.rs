//! The files of the audit trail: written by a thread of their own, begun again when they are full, and never more than so many.
//!
//! Changes and refusals are in files of their own. Everybody who reaches the endpoint can make refusals, and must not be able to push
//! changes out.
//!
//! Nothing waits for it. While a file cannot be written (a full disk), lines are lost; the log says so once, and the trail itself how many,
//! as soon as it can be written again.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use rustix::fs::OFlags;
use tracing::{info, warn};

use crate::{
    clock::Clock,
    config::Audit,
    model::error::{Error, Kind, Place, Result},
    private_file,
    serve::{AuditLine, AuditLines, AuditTrail},
};

/// The file of changes that is written now; older ones have a number behind the name, the newest 1.
const CHANGES: &str = "audit.jsonl";
/// The file of refusals, likewise.
const REFUSALS: &str = "refusals.jsonl";
/// How long the end of a process waits for the last lines.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Where the files are.
pub(super) fn audit_folder(config: &Audit, data: &Path) -> PathBuf {
    if config.folder.as_os_str().is_empty() { data.join("audit") } else { config.folder.clone() }
}

/// The thread that writes.
#[derive(Debug)]
pub(super) struct AuditLog {
    writer: JoinHandle<()>,
}

impl AuditLog {
    /// Opens the files, and returns the trail that leads there.
    pub(super) fn start(config: &Audit, data: &Path, clock: &Arc<dyn Clock>) -> Result<(AuditTrail, Option<Self>)> {
        if !config.enabled {
            return Ok((AuditTrail::off(), None));
        }
        let folder = audit_folder(config, data);
        let open = |name| Files::open(folder.clone(), name, config.file_max.as_u64(), config.files_max);
        let files = Both { changes: open(CHANGES)?, refusals: open(REFUSALS)? };
        let (trail, lines) = AuditTrail::new();
        let clock = clock.clone();
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write(files, &lines, &*clock))
            .map_err(|error| Error::new(Place::System, Kind::Unavailable, "start the audit log").because(error))?;
        Ok((trail, Some(Self { writer })))
    }

    /// Waits for the last lines, once nobody can write any more; not for ever, as a disk may.
    pub(super) async fn ended(self) {
        let joined = tokio::task::spawn_blocking(move || self.writer.join());
        if tokio::time::timeout(END_WITHIN, joined).await.is_err() {
            warn!("the audit log could not be written to its end in time");
        }
    }
}

/// What a start would refuse: the folder, and files in it that are none.
pub(super) fn check(config: &Audit, data: &Path) -> Result<()> {
    let folder = audit_folder(config, data);
    if !config.enabled || !folder.exists() {
        return Ok(());
    }
    private_file::check_folder(&folder)?;
    for name in [CHANGES, REFUSALS] {
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(cannot_open(&folder).because(format!("{name} is not a regular file")));
        }
    }
    Ok(())
}

fn cannot_open(folder: &Path) -> Error {
    let doing = format!("open the audit log in {} (audit.folder)", folder.display());
    Error::new(Place::System, Kind::Misconfigured, doing)
}

/// The files of changes, and those of refusals.
struct Both {
    changes: Files,
    refusals: Files,
}

impl Both {
    fn append(&mut self, line: &AuditLine) -> io::Result<()> {
        let files = if line.is_refusal { &mut self.refusals } else { &mut self.changes };
        files.append(&line.text)
    }
}

fn write(mut files: Both, lines: &AuditLines, clock: &dyn Clock) {
    let (mut lost, mut is_failing) = (0, false);
    while let Some(line) = lines.next() {
        lost += lines.lost();
        let noted = if lost == 0 { Ok(()) } else { files.changes.append(&lost_line(lost, clock)) };
        let written = noted.and_then(|()| {
            lost = 0;
            files.append(&line)
        });
        match written {
            Ok(()) => {
                if std::mem::take(&mut is_failing) {
                    info!("the audit log is written again");
                }
            }
            Err(error) => {
                lost += 1;
                if !std::mem::replace(&mut is_failing, true) {
                    warn!(%error, folder = %files.changes.folder.display(), "the audit log cannot be written; its lines are lost until it can");
                }
            }
        }
    }
    lost += lines.lost();
    if lost > 0 && files.changes.append(&lost_line(lost, clock)).is_err() {
        warn!(lost, "lines of the audit log were lost");
    }
}

fn lost_line(lines: u64, clock: &dyn Clock) -> String {
    serde_json::json!({ "time": clock.now(), "event": "lost", "lines": lines }).to_string()
}

/// The files, and how full the newest is.
#[derive(Debug)]
struct Files {
    folder: PathBuf,
    name: &'static str,
    file: Option<(File, u64)>,
    max_bytes: u64,
    kept: usize,
}

impl Files {
    fn open(folder: PathBuf, name: &'static str, max_bytes: u64, kept: usize) -> Result<Self> {
        let failed = |error: io::Error| cannot_open(&folder).because(error);
        make_folder(&folder).map_err(failed)?;
        private_file::check_folder(&folder)?;
        let mut files = Self { folder: folder.clone(), name, file: None, max_bytes, kept };
        files.opened().map_err(failed)?;
        Ok(files)
    }

    fn path(&self, number: usize) -> PathBuf {
        let name = self.name;
        self.folder.join(if number == 0 { name.to_owned() } else { format!("{name}.{number}") })
    }

    fn opened(&mut self) -> io::Result<&mut (File, u64)> {
        if let Some(file) = self.file.take() {
            return Ok(self.file.insert(file));
        }
        make_folder(&self.folder)?;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(private_file::OWNER_ONLY);
        let file = options.custom_flags(flags.bits().cast_signed()).open(self.path(0))?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other(format!("{} is not a regular file", self.name)));
        }
        Ok(self.file.insert((file, found.len())))
    }

    /// Writes a line whole. What a failed write leaves of it is cut off, or is closed by a line break of its own. A file that somebody
    /// moved or removed is left, and another begun in its place.
    fn append(&mut self, line: &str) -> io::Result<()> {
        let path = self.path(0);
        self.file.take_if(|(file, _)| !is_at(file, &path));
        let bytes = line.len() as u64 + 1;
        let max = self.max_bytes;
        let length = self.opened()?.1;
        if length > 0 && length + bytes > max {
            self.rotate()?;
        }
        let (file, length) = self.opened()?;
        let written = file.write_all(format!("{line}\n").as_bytes());
        if let Err(error) = written {
            // A file that cannot even be cut is begun again by the next line.
            let cut = file.set_len(*length);
            if cut.is_err() {
                self.file = None;
            }
            return Err(error);
        }
        *length += bytes;
        Ok(())
    }

    /// Gives each file the next number; the oldest goes.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        let oldest = self.kept.max(1) - 1;
        if oldest == 0 {
            return gone(fs::remove_file(self.path(0)));
        }
        gone(fs::remove_file(self.path(oldest)))?;
        for number in (0..oldest).rev() {
            gone(fs::rename(self.path(number), self.path(number + 1)))?;
        }
        Ok(())
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether an open file is the one of this path.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |found: io::Result<Metadata>| found.ok().map(|found| (found.dev(), found.ino()));
    id(file.metadata()).is_some_and(|open| id(fs::symlink_metadata(path)) == Some(open))
}

/// What is not there need not be moved or removed.
fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_begun_again_and_are_never_more_than_so_many() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let mut files = Files::open(path.clone(), CHANGES, 20, 3).unwrap();
        for n in 0..10 {
            files.append(&format!("line {n}")).unwrap();
        }
        drop(files);
        let mut files = Files::open(path.clone(), CHANGES, 20, 3).unwrap();
        files.append("line 10").unwrap();
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
        assert_eq!(read("audit.jsonl"), "line 10\n");
        assert_eq!(read("audit.jsonl.1"), "line 8\nline 9\n");
        assert_eq!(read("audit.jsonl.2"), "line 6\nline 7\n");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 3);
        assert_eq!(fs::metadata(path.join("audit.jsonl")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_link_that_was_planted_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        symlink(&target, folder.path().join(CHANGES)).unwrap();
        Files::open(folder.path().to_owned(), CHANGES, 1000, 3).unwrap_err();
        assert!(!target.exists());
    }

    /// As logrotate does, or somebody who tidies up.
    #[test]
    fn a_file_that_was_moved_or_removed_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let mut files = Files::open(path.clone(), CHANGES, 1000, 3).unwrap();
        files.append("one").unwrap();
        fs::rename(path.join(CHANGES), path.join("moved")).unwrap();
        files.append("two").unwrap();
        fs::remove_file(path.join(CHANGES)).unwrap();
        files.append("three").unwrap();
        assert_eq!(fs::read_to_string(path.join(CHANGES)).unwrap(), "three\n");
        fs::remove_dir_all(&path).unwrap();
        files.append("four").unwrap();
        assert_eq!(fs::read_to_string(path.join(CHANGES)).unwrap(), "four\n");
    }

    /// Whoever may send requests must not be able to push out what was changed.
    #[test]
    fn refusals_push_out_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name| Files::open(folder.path().to_owned(), name, 100, 2).unwrap();
        let mut files = Both { changes: open(CHANGES), refusals: open(REFUSALS) };
        files.append(&AuditLine { text: "a change".to_owned(), is_refusal: false }).unwrap();
        for n in 0..100 {
            files.append(&AuditLine { text: format!("refusal {n}"), is_refusal: true }).unwrap();
        }
        assert_eq!(fs::read_to_string(folder.path().join(CHANGES)).unwrap(), "a change\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn lines_that_were_lost_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name| Files::open(folder.path().to_owned(), name, 1000, 3).unwrap();
        let files = Both { changes: open(CHANGES), refusals: open(REFUSALS) };
        let (trail, lines) = AuditTrail::new();
        trail.lose(7);
        drop(trail);
        write(files, &lines, &crate::clock::SystemClock);
        let text = fs::read_to_string(folder.path().join(CHANGES)).unwrap();
        assert!(text.contains(r#""event":"lost""#) && text.contains(r#""lines":7"#), "{text}");
    }
}
