//! What is known of a folder's files from an earlier run: length, time of the last change, and hashes, in the user's cache.
//!
//! A cache may be lost or wrong at any time: it saves work and decides nothing. A file counts as known only where length and time are
//! those of then, and where it had been left alone for a while when it was read: within the clock's step a change does not
//! show. What is sent is hashed again as it is read.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::preflight::{Entry, Hashes, Source};

/// Length of a cache in bytes, at most: a million files have 200 MB.
const FILE_MAX_BYTES: u64 = 256 << 20;
/// How long a file must have been left alone when it was read.
const LEFT_ALONE_FOR: Duration = Duration::from_secs(2);
const VERSION: u32 = 1;

/// Hashes of the files of one folder.
#[derive(Debug, Default)]
pub struct KnownHashes {
    path: Option<PathBuf>,
    files: BTreeMap<String, Known>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    size: u64,
    /// Since the epoch.
    modified_ns: u128,
    md5: String,
    sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    files: BTreeMap<String, Known>,
}

impl KnownHashes {
    /// What is known of a source. Nothing of an archive, whose entries are read anyway, and nothing where there is no cache.
    pub fn of(source: &Source, cache: Option<&Path>) -> Self {
        let folder = source.path();
        let Some(path) = cache.filter(|_| folder.is_dir()).and_then(|cache| file_of(cache, folder)) else {
            return Self::default();
        };
        Self { files: read(&path).unwrap_or_default(), path: Some(path) }
    }

    /// The hashes of an entry that is as it was.
    pub fn get(&self, entry: &Entry) -> Option<Hashes> {
        let known = self.files.get(&entry.name)?;
        if known.size != entry.size || Some(known.modified_ns) != entry.modified.and_then(since_epoch) {
            return None;
        }
        let (mut md5, mut sha256) = ([0; 16], [0; 32]);
        hex::decode_to_slice(&known.md5, &mut md5).ok()?;
        hex::decode_to_slice(&known.sha256, &mut sha256).ok()?;
        Some(Hashes { md5, sha256 })
    }

    /// Remembers these hashes for the next run, and nothing else. A cache that cannot be written is none.
    pub fn replace<'e>(&mut self, found: impl Iterator<Item = (&'e Entry, Hashes)>, now: SystemTime) {
        let Some(path) = &self.path else { return };
        let is_settled = |modified: SystemTime| now.duration_since(modified).is_ok_and(|age| age >= LEFT_ALONE_FOR);
        let known = |(entry, hashes): (&Entry, Hashes)| {
            let modified = entry.modified.filter(|modified| is_settled(*modified))?;
            let (md5, sha256) = (hex::encode(hashes.md5), hex::encode(hashes.sha256));
            Some((entry.name.clone(), Known { size: entry.size, modified_ns: since_epoch(modified)?, md5, sha256 }))
        };
        self.files = found.filter_map(known).collect();
        if let Err(error) = write(path, &self.files) {
            tracing::debug!(%error, path = %path.display(), "the hashes could not be remembered");
        }
    }
}

fn since_epoch(time: SystemTime) -> Option<u128> {
    time.duration_since(UNIX_EPOCH).ok().map(|age| age.as_nanos())
}

/// The cache of a folder, named by where the folder really is.
fn file_of(cache: &Path, folder: &Path) -> Option<PathBuf> {
    let folder = fs::canonicalize(folder).ok()?;
    let name = hex::encode(&Sha256::digest(folder.as_os_str().as_encoded_bytes())[..16]);
    Some(cache.join("hashes").join(format!("{name}.json")))
}

fn read(path: &Path) -> Option<BTreeMap<String, Known>> {
    let is_small = fs::metadata(path).ok()?.len() <= FILE_MAX_BYTES;
    let content: Content = serde_json::from_slice(&fs::read(path).ok().filter(|_| is_small)?).ok()?;
    (content.version == VERSION).then_some(content.files)
}

fn write(path: &Path, files: &BTreeMap<String, Known>) -> std::io::Result<()> {
    let content = Content { version: VERSION, files: files.clone() };
    let folder = path.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&unfinished, serde_json::to_vec(&content)?)?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASHES: Hashes = Hashes { md5: [1; 16], sha256: [2; 32] };

    fn source(folder: &Path) -> Source {
        Source::open(folder, 1 << 20).unwrap()
    }

    #[test]
    fn a_file_is_known_until_it_changes() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = folder.path().join("1_0.jpg");
        fs::write(&file, "abc").unwrap();
        let old = source(folder.path());
        let later = old.entries()[0].modified.unwrap() + Duration::from_mins(1);
        let mut known = KnownHashes::of(&old, Some(cache.path()));
        assert_eq!(known.get(&old.entries()[0]), None);
        known.replace(old.entries().iter().map(|entry| (entry, HASHES)), later);
        assert_eq!(KnownHashes::of(&old, Some(cache.path())).get(&old.entries()[0]), Some(HASHES));
        fs::write(&file, "abcd").unwrap();
        let new = source(folder.path());
        assert_eq!(KnownHashes::of(&new, Some(cache.path())).get(&new.entries()[0]), None);
    }

    #[test]
    fn a_file_that_was_just_written_is_not_remembered() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(folder.path().join("1_0.jpg"), "abc").unwrap();
        let source = source(folder.path());
        let mut known = KnownHashes::of(&source, Some(cache.path()));
        known.replace(source.entries().iter().map(|entry| (entry, HASHES)), source.entries()[0].modified.unwrap());
        assert_eq!(known.get(&source.entries()[0]), None);
    }

    #[test]
    fn a_damaged_cache_is_none() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(folder.path().join("1_0.jpg"), "abc").unwrap();
        let source = source(folder.path());
        let path = file_of(cache.path(), folder.path()).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for content in ["{", "{\"version\":9,\"files\":{}}", ""] {
            fs::write(&path, content).unwrap();
            assert_eq!(KnownHashes::of(&source, Some(cache.path())).get(&source.entries()[0]), None);
        }
    }
}
