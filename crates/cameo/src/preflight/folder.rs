//! The files of a folder, and of the folders in it.
//!
//! Links to files are followed, as clients that upload follow them; links to folders are not, since they may lead in a circle. Pipes and
//! devices are never opened: reading one would wait for whoever writes to it.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::entry::{At, Entry, FILES_MAX, too_many, wrong};
use crate::model::{
    cause::{self, Cause},
    error::Result,
    key::{ORIGIN_PREFIX, UploadKey},
    lang::Text,
};

/// Folders inside of each other, at most: what is deeper is reported and not looked into.
const DEPTH_MAX: usize = 64;

fn too_deep() -> io::Error {
    io::Error::other(Cause::new("too many folders inside of each other", "폴더 안의 폴더가 너무 깊습니다"))
}

/// Lists a folder with all that is in it.
pub(super) fn list(root: &Path) -> Result<Vec<Entry>> {
    let mut listing = Listing { root, entries: Vec::new() };
    let first = fs::read_dir(root).map_err(|error| wrong(root, "read the folder").because(error))?;
    let mut waiting = listing.take_all(first, 0)?;
    while let Some((folder, depth)) = waiting.pop() {
        match fs::read_dir(&folder) {
            Ok(found) => waiting.extend(listing.take_all(found, depth)?),
            Err(error) => listing.add_unreadable(&folder, &error),
        }
    }
    Ok(listing.entries)
}

/// Opens a file without waiting for anybody, should it have become a pipe.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

struct Listing<'r> {
    root: &'r Path,
    entries: Vec<Entry>,
}

impl Listing<'_> {
    /// Takes what a folder holds; gives the folders in it, with their depth.
    fn take_all(&mut self, found: fs::ReadDir, depth: usize) -> Result<Vec<(PathBuf, usize)>> {
        let mut folders = Vec::new();
        for entry in found {
            let entry = entry.map_err(|error| wrong(self.root, "read the folder").because(error))?;
            if self.entries.len() >= FILES_MAX {
                return Err(too_many(self.root));
            }
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => {
                    self.add_if_named_as_photo(&path);
                    folders.push((path, depth + 1));
                }
                Ok(kind) if kind.is_dir() => self.add_unreadable(&path, &too_deep()),
                _ => self.add_file(&path),
            }
        }
        Ok(folders)
    }

    fn add_file(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => self.add(path, Some(&metadata), None),
            Ok(metadata) if metadata.is_dir() => {
                self.add(path, None, Some(Text::new("a link to a folder", "폴더로 연결되는 링크입니다")));
            }
            Ok(_) => self.add(
                path,
                None,
                Some(Text::new(
                    "not a regular file (a pipe, socket or device)",
                    "일반 파일이 아닙니다(파이프, 소켓, 장치)",
                )),
            ),
            Err(error) => self.add_unreadable(path, &error),
        }
    }

    /// A folder that has the name of a photo was evidently meant to be one.
    fn add_if_named_as_photo(&mut self, path: &Path) {
        let name = self.name_of(path);
        let file_name = name.rsplit('/').next().unwrap_or(&name);
        if matches!(UploadKey::parse(&format!("{ORIGIN_PREFIX}v/{file_name}")), UploadKey::Photo(_)) {
            self.entries.push(Entry { name, size: 0, modified: None, at: At::Folder });
        }
    }

    fn add_unreadable(&mut self, path: &Path, why: &io::Error) {
        let korean = format!("읽을 수 없습니다: {}", cause::in_korean(why));
        self.add(path, None, Some(Text::new(format!("it cannot be read: {why}"), korean)));
    }

    fn add(&mut self, path: &Path, metadata: Option<&Metadata>, unreadable: Option<Text>) {
        let relative = path.strip_prefix(self.root).unwrap_or(path);
        let at = match (unreadable, relative.to_str()) {
            (Some(why), _) => At::Nowhere(Box::new(why)),
            (None, Some(_)) => At::Named,
            (None, None) => At::Path(relative.into()),
        };
        let (size, modified) = metadata.map_or((0, None), |metadata| (metadata.len(), metadata.modified().ok()));
        self.entries.push(Entry { name: self.name_of(path), size, modified, at });
    }

    fn name_of(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn whatever_is_in_a_folder_is_listed_and_nothing_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        fs::create_dir(root.join("7_0.jpg")).unwrap();
        for name in ["1_0.jpg", "sub/2_0.jpg", "sub/deep/3_0.jpg"] {
            fs::write(root.join(name), name).unwrap();
        }
        symlink(root.join("1_0.jpg"), root.join("4_0.jpg")).unwrap();
        symlink(root.join("nowhere"), root.join("5_0.jpg")).unwrap();
        symlink(root, root.join("circle")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("6_0.jpg"), rustix::fs::Mode::RUSR).unwrap();
        let mut entries = list(root).unwrap();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let told: Vec<_> = entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.unreadable().is_some(), entry.is_folder()))
            .collect();
        assert_eq!(
            told,
            [
                ("1_0.jpg", false, false),
                ("4_0.jpg", false, false),
                ("5_0.jpg", true, false),
                ("6_0.jpg", true, false),
                ("7_0.jpg", false, true),
                ("circle", true, false),
                ("sub/2_0.jpg", false, false),
                ("sub/deep/3_0.jpg", false, false),
            ]
        );
        assert!(open(&root.join("6_0.jpg")).is_err(), "a pipe is not waited for");
    }
}
