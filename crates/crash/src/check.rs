//! The promise, compared with what stands.
//!
//! [`rows_have_objects`] and [`objects_have_files`] hold always, also while the server works or lies dead. [`when_quiet`]
//! holds once every message is handled and no client works. None of them changes anything on disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use cameo_image::ImageSize;

use crate::{
    findings::{Broken, Findings},
    journal::{History, Journal, KeyState},
    load::names_an_impossible_photo,
    originals::{Photo, Pool},
    settings::Settings,
    snapshot::{Entry, Row, Snapshot},
};

/// What may never be otherwise: a row has its objects.
pub fn rows_have_objects(snapshot: &Snapshot) -> Findings {
    let mut findings = Findings::default();
    for row in &snapshot.rows {
        if !snapshot.images.contains_key(&row.rendition) {
            findings.add(Broken::Dangling, &row.rendition, "a row without its rendition");
        }
    }
    findings
}

/// What may never be otherwise: an object has its part of its file. What was `seen` (file, and where in it an object ends) is not looked
/// at again. While a server works, what is found must be looked at again: the object may have been replaced since.
pub fn objects_have_files(snapshot: &Snapshot, data: &Path, seen: &mut BTreeSet<(u64, u64)>) -> Findings {
    let mut findings = Findings::default();
    for (key, object) in snapshot.referenced() {
        let end = object.offset + object.size;
        // Content of an impossible photo may be damaged: that was the fault.
        if seen.contains(&(object.file, end)) || names_an_impossible_photo(key) {
            continue;
        }
        let found = fs::metadata(file_path(data, object.file)).map(|metadata| metadata.len());
        if found.as_ref().is_ok_and(|length| *length >= end) {
            seen.insert((object.file, end));
        } else {
            let what = format!("bytes {} to {end} of the file {:016x}: {found:?}", object.offset, object.file);
            findings.add(Broken::Dangling, key, what);
        }
    }
    findings
}

/// Where the store keeps the content of a generation.
pub(crate) fn file_path(data: &Path, file: u64) -> PathBuf {
    data.join("objects").join(format!("{:x}", file >> 10)).join(format!("{file:016x}"))
}

/// Files that nothing refers to while a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftovers {
    /// They are wrong, and so is what a start moved to quarantine: nothing was under way when a server ended.
    AreWrong,
    /// A commit or their removal may have been refused: the server removes them within minutes.
    WaitForTheSweep,
    /// They are wrong, but in quarantine: servers were killed, or a lost database was recovered.
    InQuarantine,
}

/// What must hold when everything is handled. What stands is written back to the journal, which is settled by it.
/// Returns the findings and how many originals stand rejected.
pub fn when_quiet(
    snapshot: &Snapshot,
    data: &Path,
    leftovers: Leftovers,
    settings: &Settings,
    pool: &Pool,
    journal: &Journal,
) -> Result<(Findings, u64)> {
    let (mut findings, rejected) = what_stands(snapshot, settings, pool, journal);
    findings.extend(objects_have_files(snapshot, data, &mut BTreeSet::new()));
    if leftovers != Leftovers::WaitForTheSweep {
        findings.extend(strange_files(snapshot, data)?);
    }
    if leftovers == Leftovers::AreWrong {
        check_quarantine(data, &mut findings)?;
    }
    Ok((findings, rejected))
}

/// The same, but for the files: where the store is somebody else's.
pub fn what_stands(snapshot: &Snapshot, settings: &Settings, pool: &Pool, journal: &Journal) -> (Findings, u64) {
    let sizes = settings.sizes();
    let mut findings = rows_have_objects(snapshot);
    let mut rows = BTreeMap::<&str, Vec<&Row>>::new();
    for row in &snapshot.rows {
        rows.entry(&row.original).or_default().push(row);
    }
    let mut rejected = 0;
    for (key, history) in journal.histories() {
        let key_rows = rows.remove(key.as_str()).unwrap_or_default();
        let stands = Stands { snapshot, pool, sizes: &sizes, key: &key, rows: key_rows };
        match stands.final_state(&history) {
            Ok((original, serving)) => journal.settle(&key, original, serving),
            Err(what) => findings.add(Broken::Lost, &key, format!("{what}; {}", told(&history))),
        }
        stands.check_counts(&mut findings);
        rejected += u64::from(snapshot.ledger.get(&key).is_some_and(|entry| entry.state == "rejected"));
    }
    for (key, _) in rows {
        findings.add(Broken::Dangling, key, "rows of an original that nobody uploaded");
    }
    for letter in snapshot.unexplained_letters() {
        findings.add(Broken::Lost, letter, "a dead letter");
    }
    check_images(snapshot, settings, &mut findings);
    (findings, rejected)
}

/// The changes of a key in words, for the report.
fn told(history: &History) -> String {
    let recent = history.changes.iter().rev().take(6).rev();
    let words: Vec<_> = recent.map(|(change, ok)| format!("{change:?}{}", if *ok { "" } else { "?" })).collect();
    format!("changes: {}", words.join(", "))
}

/// What stands for one key.
struct Stands<'s> {
    snapshot: &'s Snapshot,
    pool: &'s Pool,
    sizes: &'s [ImageSize],
    key: &'s str,
    rows: Vec<&'s Row>,
}

type Settled = (Option<Photo>, BTreeSet<Option<usize>>);

impl Stands<'_> {
    /// The one possible state that stands, or what is wrong with the most likely one.
    fn final_state(&self, history: &History) -> Result<Settled, String> {
        let mut wrong = String::from("no state is possible");
        for state in &history.states {
            match self.agrees(state) {
                Ok(settled) => return Ok(settled),
                Err(what) => wrong = what,
            }
        }
        Err(wrong)
    }

    fn agrees(&self, state: &KeyState) -> Result<Settled, String> {
        let stored = self.snapshot.originals.get(self.key);
        let entry = self.snapshot.ledger.get(self.key);
        match (state.original, stored) {
            (None, None) => self.agrees_absent(entry),
            (Some(content), Some(object)) if self.pool.is(content, &object.etag) => {
                let entry = entry.filter(|entry| entry.etag == object.etag);
                let entry = entry.ok_or("the ledger does not know the original that is there")?;
                self.agrees_present(content, entry, state)
            }
            (expected, found) => Err(format!("the store has {found:?}, not {expected:?}")),
        }
    }

    fn agrees_absent(&self, entry: Option<&Entry>) -> Result<Settled, String> {
        match entry {
            Some(entry) if entry.state != "removed" => Err(format!("deleted, and the ledger says {}", entry.state)),
            _ if !self.rows.is_empty() => Err(format!("deleted, and {} rows remain", self.rows.len())),
            _ => Ok((None, [None].into())),
        }
    }

    fn agrees_present(&self, content: Photo, entry: &Entry, state: &KeyState) -> Result<Settled, String> {
        let expected = match content {
            _ if self.key.ends_with(".DS_Store") => "ignored",
            Photo::Good(_) => "serving",
            Photo::Bad(_) => "rejected",
        };
        if entry.state != expected {
            return Err(format!("the ledger says {}, not {expected}", entry.state));
        }
        match content {
            Photo::Good(good) if self.serves(|other| other == good) => Ok((Some(content), [Some(good)].into())),
            Photo::Good(good) => Err(format!("{} rows, not the renditions of photo {good}", self.rows.len())),
            Photo::Bad(_) => self.agrees_beside_a_bad_one(&state.serving).map(|serving| (Some(content), serving)),
        }
    }

    /// Beside a bad original an earlier good one serves, or none did. After a crash between two publications each image
    /// size may be of another good one: the originals are gone, so the rows follow what stands.
    fn agrees_beside_a_bad_one(&self, serving: &BTreeSet<Option<usize>>) -> Result<BTreeSet<Option<usize>>, String> {
        if self.rows.is_empty() && serving.contains(&None) {
            return Ok([None].into());
        }
        let goods: Vec<usize> = serving.iter().copied().flatten().collect();
        if let Some(good) = goods.iter().copied().find(|good| self.serves(|other| other == *good)) {
            return Ok([Some(good)].into());
        }
        if self.serves(|good| goods.contains(&good)) {
            return Ok(serving.clone());
        }
        Err(format!("{} rows, not the renditions of any of {serving:?}", self.rows.len()))
    }

    /// Whether there is a row for each image size, of a rendition of one of these photos, which stands.
    fn serves(&self, is_one: impl Fn(usize) -> bool) -> bool {
        let each = self.sizes.iter().all(|size| {
            let Some(row) = self.rows.iter().find(|row| row.image_size == size.name) else { return false };
            let stands = self.snapshot.images.get(&row.rendition).is_some_and(|object| object.etag == row.etag);
            stands && self.pool.photo_of(size, &row.etag).is_some_and(&is_one)
        });
        each && self.rows.len() == self.sizes.len()
    }

    fn check_counts(&self, findings: &mut Findings) {
        let mut sizes = BTreeSet::new();
        for row in &self.rows {
            if !sizes.insert(&row.image_size) {
                findings.add(Broken::Twice, &row.rendition, "two rows of one photo and image size");
            }
        }
    }
}

/// Every rendition has a row of its content and its address, every alias is that of its entity's first photo, and nothing else is
/// published: renditions of deleted photos and of dropped image sizes, aliases that nobody wants.
fn check_images(snapshot: &Snapshot, settings: &Settings, findings: &mut Findings) {
    let mut expected = BTreeMap::<&str, (&Row, &str)>::new();
    for row in &snapshot.rows {
        expected.insert(&row.rendition, (row, "rendition"));
        if row.image_url != format!("{}/{}", settings.public_url, row.rendition) {
            findings.add(Broken::Dangling, &row.rendition, format!("the row leads to {}", row.image_url));
        }
        if !settings.alias {
            continue;
        }
        let alias = expected.entry(&row.alias).or_insert((row, "alias"));
        if row.photo < alias.0.photo {
            alias.0 = row;
        }
    }
    for (key, object) in &snapshot.images {
        match expected.remove(key.as_str()) {
            None => findings.add(Broken::Orphan, key, "an image without a row"),
            Some((row, what)) if row.etag != object.etag => {
                findings.add(Broken::Dangling, key, format!("the {what} is not that of the row"));
            }
            Some(_) => {}
        }
    }
    for (key, (_, what)) in expected {
        findings.add(Broken::Dangling, key, format!("a row without its {what}"));
    }
}

/// No file but those that the index or the note of old content names; nothing in `tmp/` and `parts/`.
pub fn strange_files(snapshot: &Snapshot, data: &Path) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut known: BTreeSet<u64> = snapshot.referenced().map(|(_, object)| object.file).collect();
    known.extend(&snapshot.garbage);
    for shard in entries(&data.join("objects"))?.into_iter().filter(|path| path.is_dir()) {
        for path in entries(&shard)? {
            let file = path.file_name().and_then(|name| name.to_str()).map(|name| u64::from_str_radix(name, 16));
            if !file.is_some_and(|file| file.is_ok_and(|file| known.contains(&file))) {
                findings.add(Broken::Orphan, path.display().to_string(), "content that nothing refers to");
            }
        }
    }
    for path in entries(&data.join("tmp"))? {
        findings.add(Broken::Orphan, path.display().to_string(), "a temporary file");
    }
    Ok(findings)
}

/// Nothing was moved aside: the server knows its own leftovers.
fn check_quarantine(data: &Path, findings: &mut Findings) -> Result<()> {
    let quarantine = data.join("quarantine");
    if quarantine.exists() {
        for path in entries(&quarantine)? {
            findings.add(Broken::Orphan, path.display().to_string(), "in quarantine, and it was the server's own");
        }
    }
    Ok(())
}

/// After the clean-up times: no old content, no unfinished upload.
pub fn when_swept(snapshot: &Snapshot, data: &Path) -> Result<Findings> {
    let mut findings = Findings::default();
    for file in &snapshot.garbage {
        findings.add(Broken::Orphan, format!("{file:016x}"), "old content that was not swept");
    }
    for path in entries(&data.join("parts"))? {
        findings.add(Broken::Orphan, path.display().to_string(), "parts of an upload that nobody goes on with");
    }
    Ok(findings)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let doing = || format!("failed to list {}", folder.display());
    let entries = fs::read_dir(folder).with_context(doing)?;
    entries.map(|entry| Ok(entry.with_context(doing)?.path())).collect()
}
