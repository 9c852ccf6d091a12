//! What was handed over: a folder, or a ZIP archive that is read as if it were one, without unpacking it to a disk.
//!
//! A source is listed once, in the order of names, and its files are opened one by one after that. What cannot be opened
//! (a pipe, a link to nowhere, an encrypted entry) is listed with the reason: it is a finding, and no failure of the check.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{archive::Archive, folder};
use crate::model::{
    error::{Error, Kind, Place, Result},
    lang::Text,
};

/// Files of a source, at most.
pub const FILES_MAX: usize = 1_000_000;

/// One file of a source.
#[derive(Debug)]
pub struct Entry {
    /// Its path inside of the source, with `/` between the parts. What is not of UTF-8 is replaced in it.
    pub name: String,
    /// Its length, bytes.
    pub size: u64,
    /// When it was changed last, where that is known.
    pub modified: Option<SystemTime>,
    pub(super) at: At,
}

/// Where the content of an entry is.
#[derive(Debug)]
pub(super) enum At {
    /// In a file of the entry's name.
    Named,
    /// In a file whose name is not of UTF-8.
    Path(Box<Path>),
    /// In an archive, at this place of its list.
    Archive(usize),
    /// In an archive, under a name that another entry of it has too.
    Twin,
    /// Nowhere that can be read: why.
    Nowhere(Box<Text>),
    /// It is a folder that has the name of a photo.
    Folder,
}

impl Entry {
    /// Why it cannot be opened, where that is known from the list.
    pub fn unreadable(&self) -> Option<&Text> {
        match &self.at {
            At::Nowhere(why) => Some(why),
            _ => None,
        }
    }

    /// Whether its content can be looked at.
    pub(super) fn has_content(&self) -> bool {
        matches!(self.at, At::Named | At::Path(_) | At::Archive(_))
    }

    /// Whether it is a folder that has the name of a photo.
    pub fn is_folder(&self) -> bool {
        matches!(self.at, At::Folder)
    }
}

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

/// An error of a source, which whoever named it must fix.
pub(super) fn wrong(path: &Path, doing: &str) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("{doing} {}", path.display()))
}

/// A source with more files than are allowed.
pub(super) fn too_many(path: &Path) -> Error {
    wrong(path, "read").because(format!("it has more than {FILES_MAX} files"))
}
