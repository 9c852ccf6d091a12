//! The folders of the embedded store, and how a file becomes durable.
//!
//! A file is written in `tmp/` with its record behind the content, synced, renamed to its place and its folder synced; only then may the index name it. Content that is at hand needs
//! no waiting place: its file is created where it belongs.
//! Until a row names it a guard holds the file, and removes it when it is dropped. Names are numbers, never keys.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    generations::InFlight,
    object::Position,
    record::Record,
    refusal::{Refusal, StoreResult},
    sync::{FolderSync, sync_file, sync_folder},
    watermark::Watermark,
};
use crate::failpoint::{Point, reached};

/// The folder of content.
const OBJECTS: &str = "objects";
/// Files in one folder of `objects/`: 2^10.
const SHARD_BITS: u32 = 10;
/// The name that a probe has in `objects/` for a moment.
const PROBE: &str = "probe";
/// Files whose removal was refused that are remembered, at most: more are left to the next start.
const LEFT_MAX: usize = 10_000;
/// Folders of `objects/` that are remembered as durable, at most.
const SHARDS_REMEMBERED: usize = 64;

/// The folders `objects/`, `parts/` and `tmp/` of a data folder, and the names of the files in them.
#[derive(Debug)]
pub(super) struct Files {
    data: PathBuf,
    temp_count: AtomicU64,
    durable_shards: Mutex<BTreeSet<u64>>,
    folder_sync: FolderSync,
    watermark: Watermark,
    left: Arc<Left>,
}

/// Files of `tmp/` whose removal was refused, as it is while a disk may only be read: tried again by the sweep.
#[derive(Debug, Default)]
struct Left(Mutex<BTreeSet<PathBuf>>);

impl Left {
    fn note(&self, path: &Path) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if left.len() < LEFT_MAX {
            left.insert(path.to_owned());
        }
    }
}

/// A file in `tmp/`, removed when it is dropped.
#[derive(Debug)]
pub(super) struct TempFile {
    pub(super) file: File,
    path: PathBuf,
    moved: bool,
    left: Arc<Left>,
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.moved && !remove_quietly(&self.path) {
            self.left.note(&self.path);
        }
    }
}

/// A file in its place that no row names yet; removed when it is dropped, unless it was kept.
#[derive(Debug)]
pub(super) struct Placed {
    path: PathBuf,
    kept: bool,
    in_flight: Option<InFlight>,
}

impl Placed {
    /// A row is about to name the file: it stays.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    /// Nobody knows whether the row that names the file was committed: it stays, and the next sweep finds out.
    pub(super) fn doubt(mut self) {
        self.kept = true;
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.doubt();
        }
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.kept || remove_quietly(&self.path) {
            return;
        }
        // The sweep finds that no row names it. Until then it counts as under way, so that a start looks there.
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.doubt();
        }
    }
}

/// Removes a file that nobody refers to; false where that was refused.
fn remove_quietly(path: &Path) -> bool {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "a file could not be removed; it is tried again");
            false
        }
        _ => true,
    }
}

impl Files {
    pub(super) fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            temp_count: AtomicU64::new(0),
            durable_shards: Mutex::default(),
            folder_sync: FolderSync::default(),
            watermark: Watermark::new(data.join(OBJECTS)),
            left: Arc::default(),
        }
    }

    /// Creates what is missing, durably, and empties `tmp/`.
    pub(super) fn prepare(&self) -> io::Result<()> {
        for folder in [self.tmp(), self.objects(), self.parts()] {
            fs::create_dir_all(folder)?;
        }
        for entry in fs::read_dir(self.tmp())? {
            fs::remove_file(entry?.path())?;
        }
        remove_quietly(&self.objects().join(PROBE));
        reached(Point::TempEmptied);
        sync_folder(&self.data)
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.data.join("tmp")
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.data.join(OBJECTS)
    }

    pub(super) fn parts(&self) -> PathBuf {
        self.data.join("parts")
    }

    /// The note of the highest generation that was committed.
    pub(super) fn watermark(&self) -> &Watermark {
        &self.watermark
    }

    fn shard_path(&self, file: u64) -> PathBuf {
        self.objects().join(format!("{:x}", shard_of(file)))
    }

    pub(super) fn quarantine(&self) -> PathBuf {
        self.data.join("quarantine")
    }

    /// The data folder.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Where the content of a generation stands.
    pub(super) fn object_path(&self, file: u64) -> PathBuf {
        self.shard_path(file).join(format!("{file:016x}"))
    }

    /// The folder of a multipart upload. The id must be one of ours.
    pub(super) fn upload_path(&self, upload: &str) -> PathBuf {
        self.parts().join(upload)
    }

    /// Where the content of a part stands.
    pub(super) fn part_path(&self, upload: &str, file: u64) -> PathBuf {
        self.upload_path(upload).join(format!("{file:016x}"))
    }

    /// A new file in `tmp/`.
    pub(super) fn create_temp(&self) -> StoreResult<TempFile> {
        let path = self.tmp().join(self.temp_count.fetch_add(1, Ordering::Relaxed).to_string());
        let opened = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = opened.map_err(|e| Refusal::io("create a file in tmp/", e))?;
        Ok(TempFile { file, path, moved: false, left: self.left.clone() })
    }

    /// Removes what could not be removed from `tmp/` before.
    pub(super) fn remove_left(&self) -> io::Result<()> {
        let left = || self.left.0.lock().unwrap_or_else(PoisonError::into_inner);
        let paths = left().clone();
        for path in paths {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            left().remove(&path);
        }
        Ok(())
    }

    /// Whether a name can be made in `objects/`, which may be another disk: the file of a probe gets one, and loses it again.
    pub(super) fn try_name(&self, mut temp: TempFile) -> io::Result<()> {
        let path = self.objects().join(PROBE);
        fs::rename(&temp.path, &path)?;
        temp.moved = true;
        fs::remove_file(path)
    }

    /// Puts a file with a record behind its content in the place of its generation, durably.
    pub(super) fn place(&self, mut temp: TempFile, record: &Record, in_flight: InFlight) -> StoreResult<Placed> {
        let file = in_flight.number();
        temp.file.write_all(&record.to_bytes()?).map_err(|e| Refusal::io("write a record", e))?;
        self.ensure_shard(file)?;
        self.rename_durably(temp, self.object_path(file), Some(in_flight))
    }

    /// A file of a record alone, in the place of its generation, durably.
    pub(super) fn place_record(&self, record: &Record, in_flight: InFlight) -> StoreResult<Placed> {
        let (mut file, placed) = self.create_in_place(in_flight)?;
        file.write_all(&record.to_bytes()?).map_err(|e| Refusal::io("write a record", e))?;
        self.make_durable(&file, &placed)?;
        Ok(placed)
    }

    /// A new file in the place of its generation, for content that is at hand: no row names it before it is [durable](Self::make_durable).
    pub(super) fn create_in_place(&self, in_flight: InFlight) -> StoreResult<(File, Placed)> {
        let number = in_flight.number();
        self.ensure_shard(number)?;
        let path = self.object_path(number);
        let opened = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = opened.map_err(|e| Refusal::io("create a file in objects/", e))?;
        Ok((file, Placed { path, kept: false, in_flight: Some(in_flight) }))
    }

    /// Syncs a file that was created in its place, and its name.
    pub(super) fn make_durable(&self, file: &File, placed: &Placed) -> StoreResult<()> {
        sync_file(file);
        reached(Point::FileSynced);
        self.sync_name(placed)
    }

    /// Puts a file in the place of a part, durably.
    pub(super) fn place_part(&self, temp: TempFile, upload: &str, in_flight: InFlight) -> StoreResult<Placed> {
        let folder = self.upload_path(upload);
        match fs::create_dir(&folder) {
            Ok(()) => sync_folder(&self.parts()).map_err(|error| Refusal::io("sync parts/", error))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Refusal::io("create the folder of a multipart upload", error)),
        }
        let path = self.part_path(upload, in_flight.number());
        self.rename_durably(temp, path, Some(in_flight))
    }

    fn rename_durably(&self, mut temp: TempFile, path: PathBuf, in_flight: Option<InFlight>) -> StoreResult<Placed> {
        sync_file(&temp.file);
        reached(Point::FileSynced);
        fs::rename(&temp.path, &path).map_err(|e| Refusal::io("move content to its place", e))?;
        temp.moved = true;
        drop(temp);
        let placed = Placed { path, kept: false, in_flight };
        reached(Point::FileRenamed);
        self.sync_name(&placed)?;
        Ok(placed)
    }

    fn sync_name(&self, placed: &Placed) -> StoreResult<()> {
        if let Some(folder) = placed.path.parent() {
            self.folder_sync.sync(folder).map_err(|error| Refusal::io("sync a folder of objects/", error))?;
        }
        reached(Point::FolderSynced);
        Ok(())
    }

    /// Creates the folder that a generation's content goes to, durably.
    fn ensure_shard(&self, file: u64) -> StoreResult<()> {
        let mut durable = self.durable_shards.lock().unwrap_or_else(PoisonError::into_inner);
        if durable.contains(&shard_of(file)) {
            return Ok(());
        }
        match fs::create_dir(self.shard_path(file)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Refusal::io("create a folder in objects/", error));
            }
            _ => sync_folder(&self.objects()).map_err(|error| Refusal::io("sync objects/", error))?,
        }
        durable.insert(shard_of(file));
        if durable.len() > SHARDS_REMEMBERED {
            durable.pop_first();
        }
        Ok(())
    }

    /// Whether there is any content in `objects/`.
    pub(super) fn has_content(&self) -> io::Result<bool> {
        for shard in self.shards_from(0)? {
            if !self.files_of_shard(shard)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The shards of `objects/` that may hold generations from `generation` on.
    pub(super) fn shards_from(&self, generation: u64) -> io::Result<Vec<u64>> {
        let shard = |name: &str| u64::from_str_radix(name, 16).ok().filter(|shard| *shard >= shard_of(generation));
        let mut shards: Vec<u64> = names_in(&self.objects())?.iter().filter_map(|name| shard(name)).collect();
        shards.sort_unstable();
        Ok(shards)
    }

    /// The generations whose content stands in a shard.
    pub(super) fn files_of_shard(&self, shard: u64) -> io::Result<Vec<u64>> {
        let names = names_in(&self.objects().join(format!("{shard:x}")))?;
        Ok(names.iter().filter_map(|name| u64::from_str_radix(name, 16).ok()).collect())
    }

    /// The first and the last generation of a shard.
    pub(super) fn bounds_of_shard(shard: u64) -> (u64, u64) {
        let first = shard << SHARD_BITS;
        (first, first | ((1 << SHARD_BITS) - 1))
    }

    /// Removes the content of a generation. Content that is gone already is fine.
    pub(super) fn remove_object(&self, file: u64) -> io::Result<()> {
        match fs::remove_file(self.object_path(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes a part's content that was replaced.
    pub(super) fn remove_part(&self, upload: &str, file: u64) {
        remove_quietly(&self.part_path(upload, file));
    }

    /// Removes everything of a multipart upload.
    pub(super) fn remove_upload(&self, upload: &str) {
        match fs::remove_dir_all(self.upload_path(upload)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(upload, %error, "the parts of a finished upload were left; the next start removes them");
            }
            _ => {}
        }
    }

    /// The multipart uploads that have a folder.
    pub(super) fn upload_folders(&self) -> io::Result<Vec<String>> {
        names_in(&self.parts())
    }
}

/// The names in a folder; none where it does not exist.
pub(super) fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
    }
}

fn shard_of(file: u64) -> u64 {
    file >> SHARD_BITS
}

/// Whether a file has the content that a row names it for: it is there and long enough, and does not say that it holds something else.
pub(super) fn is_held(files: &Files, at: Position, size: u64, etag: &str) -> io::Result<bool> {
    let file = match File::open(files.object_path(at.file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    if file.metadata()?.len() < at.offset.saturating_add(size) {
        return Ok(false);
    }
    // An alias has no record of its own, and shows the same bytes as its rendition.
    Ok(Record::read(&file, at.file)?.is_none_or(|record| record.names(at, size, etag)))
}
