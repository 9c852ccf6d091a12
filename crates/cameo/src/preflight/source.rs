//! What was handed over: a folder, or a ZIP archive that is read as if it were one, without unpacking it to a disk.
//!
//! A source is listed once, in the order of names, and its files are opened one by one after that. What cannot be opened
//! (a pipe, a link to nowhere, an encrypted entry) is listed with the reason: it is a finding, and no failure of the check.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    archive::Archive,
    entry::{At, Entry, wrong},
    folder,
};
use crate::model::error::Result;

/// A folder or an archive, listed.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    archive: Option<Archive>,
    entries: Vec<Entry>,
}

impl Source {
    /// Lists a folder, or a `.zip` whose entries have at most `max_bytes` each.
    pub fn open(path: &Path, max_bytes: u64) -> Result<Self> {
        let failed = |error: io::Error| wrong(path, "read").because(error);
        let metadata = std::fs::metadata(path).map_err(failed)?;
        let (archive, mut entries) = if metadata.is_dir() {
            (None, folder::list(path)?)
        } else if metadata.is_file() {
            let (archive, entries) = Archive::list(path, max_bytes)?;
            (Some(archive), entries)
        } else {
            return Err(wrong(path, "read").because("it is neither a folder nor a .zip file"));
        };
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { path: path.to_owned(), archive, entries })
    }

    /// The folder or archive.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its files, in the order of their names.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Calls `take` with a reader of an entry's content from its beginning.
    pub fn read<T>(&self, entry: &Entry, take: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> io::Result<T> {
        match (&entry.at, &self.archive) {
            (At::Archive(at), Some(archive)) => archive.read(*at, take),
            (At::Named, _) => take(&mut folder::open(&self.path.join(&entry.name))?),
            (At::Path(path), _) => take(&mut folder::open(&self.path.join(path))?),
            (At::Nowhere(why), _) => Err(io::Error::other(why.english.clone())),
            (At::Twin, _) => Err(io::Error::other("another entry of the archive has the same name")),
            (At::Folder | At::Archive(_), _) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    /// The open file of an entry that is a file of its own, for whoever uploads it.
    pub fn file(&self, entry: &Entry) -> Option<io::Result<File>> {
        match &entry.at {
            At::Named => Some(folder::open(&self.path.join(&entry.name))),
            At::Path(path) => Some(folder::open(&self.path.join(path))),
            At::Archive(_) | At::Twin | At::Nowhere(_) | At::Folder => None,
        }
    }
}
