//! A ZIP archive as vendors send it, read as a folder: names in UTF-8 or CP949, and bombs bounded.
//!
//! Nothing of it is unpacked to a disk. Its list is taken as it is, names that occur twice included; an entry that is
//! encrypted, leads out of the archive or unpacks to more than is allowed is a finding. A single folder at the top of
//! the archive is what vendors pack, and counts as the folder itself.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use zip::{
    CompressionMethod, ZipArchive, ZipReadOptions,
    read::{Config, ZipArchiveMetadata, ZipFileEntry},
    result::ZipResult,
    unstable::read::ZipIterable,
};

use super::{
    entry::{At, Entry, FILES_MAX, too_many, wrong},
    positioned::Positioned,
};
use crate::model::{
    cause::{self, Cause},
    error::Result,
    key::is_litter,
    lang::Text,
};

/// How many times its packed length an entry may have, where it is larger than [`SMALL_BYTES`]. Photos hardly shrink.
const RATIO_MAX: u64 = 200;
/// Up to here an entry may unpack to whatever it does: a picture of one colour shrinks a lot. 4 MiB.
const SMALL_BYTES: u64 = 4 << 20;
/// How many times its length all of an archive may unpack to, beyond [`TOTAL_SMALL_BYTES`].
const TOTAL_RATIO_MAX: u64 = 50;
/// Up to here all entries together may unpack to whatever they do. 1 GiB.
const TOTAL_SMALL_BYTES: u64 = 1 << 30;

/// An open archive.
#[derive(Debug)]
pub(super) struct Archive {
    file: Arc<File>,
    list: Arc<ZipArchiveMetadata>,
}

/// What an archive may still unpack to.
struct Budget {
    max_bytes: u64,
    left_bytes: u64,
}

impl Archive {
    /// Opens an archive and lists its files; entries have at most `max_bytes` each.
    pub(super) fn list(path: &Path, max_bytes: u64) -> Result<(Self, Vec<Entry>)> {
        let failed = |error: &(dyn std::error::Error + 'static)| {
            let english = format!("{error}; it must be a folder or a .zip file");
            wrong(path, "read the archive").because(Cause::new(english, cause::in_korean(error)))
        };
        let file = Arc::new(File::open(path).map_err(|error| failed(&error))?);
        let length = file.metadata().map_err(|error| failed(&error))?.len();
        let listed =
            ZipIterable::try_new(Positioned::new(file.clone()), Config::default()).map_err(|error| failed(&error))?;
        if listed.len() > FILES_MAX {
            return Err(too_many(path));
        }
        let list = ZipArchive::new(Positioned::new(file.clone())).map_err(|error| failed(&error))?.metadata();
        let archive = Self { file, list };
        let mut entries = archive.entries(length, max_bytes).map_err(|error| failed(&error))?;
        if archive.list.has_duplicate_names() {
            archive.add_twins(listed, &mut entries).map_err(|error| failed(&error))?;
        }
        strip_top_folder(&mut entries);
        Ok((archive, entries))
    }

    fn entries(&self, length: u64, max_bytes: u64) -> ZipResult<Vec<Entry>> {
        let mut budget =
            Budget { max_bytes, left_bytes: length.saturating_mul(TOTAL_RATIO_MAX).max(TOTAL_SMALL_BYTES) };
        let mut entries = Vec::with_capacity(self.list.len());
        for index in 0..self.list.len() {
            let entry = self.list.entry(index)?;
            if !is_folder(&entry) {
                entries.push(budget.take(&entry, index));
            }
        }
        Ok(entries)
    }

    /// Adds the entries that have the name of another one: the list by name has one of each.
    fn add_twins(&self, mut listed: ZipIterable<Positioned>, entries: &mut Vec<Entry>) -> ZipResult<()> {
        let mut known = BTreeSet::new();
        for index in 0..self.list.len() {
            known.insert(self.list.entry(index)?.central_header_start());
        }
        for entry in listed.files()? {
            let entry = entry?;
            if !is_folder(&entry) && !known.contains(&entry.central_header_start()) {
                entries.push(Entry { name: name_of(&entry), size: entry.size(), modified: None, at: At::Twin });
            }
        }
        Ok(())
    }

    /// Calls `take` with a reader of the entry at a place of the list.
    pub(super) fn read<T>(&self, index: usize, take: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> io::Result<T> {
        let mut reader = Positioned::new(self.file.clone());
        let mut content = self.list.entry(index)?.with_reader(&mut reader, ZipReadOptions::default())?;
        take(&mut content)
    }
}

fn is_folder(entry: &ZipFileEntry<'_>) -> bool {
    entry.name_raw().ends_with(b"/") || entry.name_raw().ends_with(b"\\")
}

impl Budget {
    fn take(&mut self, entry: &ZipFileEntry<'_>, index: usize) -> Entry {
        let name = name_of(entry);
        let at = match self.refuse(&name, entry) {
            Some(why) => At::Nowhere(Box::new(why)),
            None => At::Archive(index),
        };
        Entry { name, size: entry.size(), modified: None, at }
    }

    /// Why an entry is not read.
    fn refuse(&mut self, name: &str, entry: &ZipFileEntry<'_>) -> Option<Text> {
        let size = entry.size();
        let is_supported = matches!(
            entry.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated | CompressionMethod::Deflate64
        );
        if leads_out(name) {
            return Some(Text::new("its path leads out of the archive", "압축 파일 밖을 가리키는 경로입니다"));
        }
        if entry.encrypted() {
            return Some(Text::new("it is encrypted", "암호가 걸려 있습니다"));
        }
        if entry.is_symlink() {
            return Some(Text::new("it is a link", "링크입니다"));
        }
        if !is_supported {
            return Some(Text::new(
                "it is packed by a method that is not supported",
                "지원하지 않는 방식으로 압축되어 있습니다",
            ));
        }
        // What is too large is not unpacked, and its length alone rejects it.
        if size > self.max_bytes {
            return None;
        }
        let is_bomb = size > SMALL_BYTES && size / RATIO_MAX > entry.compressed_size();
        let Some(left) = self.left_bytes.checked_sub(size).filter(|_| !is_bomb) else {
            return Some(Text::new(
                "it unpacks to far more than a photo would",
                "사진이라고 보기 어려울 만큼 크게 풀리는 압축입니다",
            ));
        };
        self.left_bytes = left;
        None
    }
}

fn name_of(entry: &ZipFileEntry<'_>) -> String {
    decode(entry.name_raw()).replace('\\', "/")
}

/// Whether a path is absolute, names a drive, or goes upwards.
fn leads_out(name: &str) -> bool {
    let has_drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    name.starts_with('/') || has_drive || name.contains('\0') || name.split('/').any(|part| part == "..")
}

/// A name in UTF-8, or in CP949 as Korean Windows packs it: few texts of one are valid in the other.
fn decode(raw: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(raw) {
        return text.to_owned();
    }
    let (text, _, _) = encoding_rs::EUC_KR.decode(raw);
    text.into_owned()
}

/// Takes the one folder that everything is in off the names.
fn strip_top_folder(entries: &mut [Entry]) {
    let is_litter_of_systems =
        |name: &str| name.starts_with("__MACOSX/") || is_litter(name.rsplit('/').next().unwrap_or(name));
    let mut names = entries.iter().map(|entry| entry.name.as_str()).filter(|name| !is_litter_of_systems(name));
    let Some((top, _)) = names.next().and_then(|name| name.split_once('/')) else { return };
    let top = format!("{top}/");
    if top == "/" || leads_out(&top) || names.any(|name| !name.starts_with(&top)) {
        return;
    }
    for entry in entries {
        if let Some(inner) = entry.name.strip_prefix(&top) {
            entry.name = inner.to_owned();
        }
    }
}

/// Reads all of an archive's entries and drops them, until they have more than `max_bytes`; how many there are.
pub(super) fn unpacked_bytes(content: &[u8], max_bytes: u64) -> io::Result<u64> {
    let mut listed = ZipIterable::try_new(io::Cursor::new(content), Config::default())?;
    let mut sum = 0;
    for entry in listed.files()? {
        let mut reader = io::Cursor::new(content);
        let unpacked = entry?.with_reader(&mut reader, ZipReadOptions::default())?;
        sum += io::copy(&mut unpacked.take(max_bytes - sum + 1), &mut io::sink())?;
        if sum > max_bytes {
            let english = format!("it unpacks to more than {max_bytes} bytes");
            return Err(io::Error::other(Cause::new(english, format!("풀면 {max_bytes}바이트를 넘습니다"))));
        }
    }
    Ok(sum)
}
