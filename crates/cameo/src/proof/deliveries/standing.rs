//! All of a delivery at one moment: the state of its files, what a check left out, and what was promised and never came.
//!
//! A photo is live when exactly its bytes are registered, pending when it goes on by itself, dismissed when somebody settled that it was
//! rejected, moved or unpublished when somebody did that, and failed in every other case: so these add up to the photos, and what was
//! promised and is nowhere counts as a photo that failed. An entity is counted by its number, also where only a wrong name gives it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    dismissed::Dismissed,
    dismissed_lines::{self, DismissedLine},
    gaps::{Gap, gaps},
    item::{Item, ItemState, reason_of},
    places::Places,
    record::{DeliveredFile, Expected, NewRecord, Record, SkippedFile, entity_of, photo_of},
    state::items,
    verdict,
};
use crate::{
    catalog::{Catalog, LedgerPages},
    ledger::{Scope, State},
    model::{
        error::Result,
        key::{UploadKey, Vertical},
        lang::Text,
        reason::ReasonCode,
    },
    proof::verify::EntityState,
};

/// Deliveries that a summary names, at most.
const NAMED_MAX: usize = 20;

/// Something that was promised and is not among what was handed over, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promised {
    /// The entity's number, where the list or the name gives one.
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where the name gives one.
    pub sequence: Option<u16>,
    /// The file, where the list names files.
    pub file: Option<String>,
    /// What differs; English for scripts.
    pub detail: Text,
}

/// The counts of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub struct Summary {
    /// The delivery, as people call it.
    pub delivery: String,
    /// The vertical.
    pub vertical: String,
    /// Entities that were handed over or promised.
    pub entities: u64,
    /// Photos that were handed over or promised.
    pub photos: u64,
    /// Photos whose very bytes are registered.
    pub live: u64,
    /// Photos that somebody must do something about, or that something else took the place of.
    pub failed: u64,
    /// Photos that go on by themselves.
    pub pending: u64,
    /// Photos that were rejected and that somebody settled with `cameo dismiss`.
    #[serde(default)]
    pub dismissed: u64,
    /// Photos that somebody moved to another vertical.
    #[serde(default)]
    pub moved: u64,
    /// Photos that somebody took down for a reason.
    #[serde(default)]
    pub unpublished: u64,
    /// Of the implicit delivery of a day: photos that a delivery names too which was recorded later.
    #[serde(default)]
    pub taken_over: u64,
    /// Photos that another upload took the place of: nobody need act, and they are among `failed` all the same, since these bytes are not live.
    #[serde(default)]
    pub replaced: u64,
    /// Photos of such a day that a delivery replaced which was recorded later; they are among `taken_over`.
    #[serde(default)]
    pub superseded: u64,
    /// Those deliveries: the first 20.
    #[serde(default)]
    pub taken_over_by: Vec<String>,
    /// Entities with a photo that failed.
    pub failed_entities: u64,
    /// How the delivery is, by which every command about it ends: `complete`, `rejected`, `pending` or `different`. Null from an older
    /// server.
    #[serde(default)]
    #[cfg_attr(feature = "client", schema(value_type = Option<String>))]
    pub state: Option<EntityState>,
}

impl Summary {
    /// Whether nothing goes on by itself any more.
    pub fn is_final(&self) -> bool {
        self.pending == 0
    }

    /// Whether all that was handed over and promised is live or settled.
    pub fn is_complete(&self) -> bool {
        self.live + self.dismissed + self.moved + self.unpublished + self.superseded == self.photos
    }
}

/// All of a delivery at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The delivery, as people call it.
    pub delivery: String,
    /// The vertical.
    pub vertical: Vertical,
    /// The files that were handed over.
    pub items: Vec<Item>,
    /// The files that a check refused.
    pub skipped: Vec<SkippedFile>,
    /// What was promised and was not handed over.
    pub missing: Vec<Promised>,
    /// What was handed over and was not promised.
    pub unexpected: Vec<Promised>,
    /// Sequences that its entities lack; of a recorded delivery alone.
    pub gaps: Vec<Gap>,
    /// Photos that were left out or never came, and that a later upload made live: each one's entity.
    pub settled: Vec<Option<u64>>,
    /// Who settled last what it lacked, when and why.
    pub closed: Option<Dismissed>,
}

impl Standing {
    /// Of a recorded delivery.
    pub async fn of_record(places: Places<'_>, record: &Record) -> Result<Self> {
        let items = items(places, &record.vertical, &record.wanted()).await?;
        let NewRecord { files, skipped, expected, .. } = &record.content;
        let (missing, unexpected) = match expected {
            Some(expected) => compare(&record.vertical, files, skipped, expected),
            None => (Vec::new(), Vec::new()),
        };
        let (delivery, vertical) = (record.id.to_string(), record.vertical.clone());
        let skipped = skipped.clone();
        let gaps = gaps(&vertical, &items, &skipped);
        let (settled, closed) = (Vec::new(), None);
        let mut standing = Self { delivery, vertical, items, skipped, missing, unexpected, gaps, settled, closed };
        standing.settle(places.catalog, record.created).await?;
        if standing.lacks() {
            standing.dismiss(&dismissed_lines::read(places.store, places.upload_bucket, &record.key()).await?);
        }
        Ok(standing)
    }

    /// Leaves out what a later upload has settled: a photo that was left out, or was promised and never came, and that is live since. Of one
    /// that was left out for its name alone, its own bytes have to be.
    async fn settle(&mut self, catalog: &dyn Catalog, created: Timestamp) -> Result<()> {
        let of_skipped =
            self.skipped.iter().filter_map(|file| Some((entity_of(&self.vertical, file)?, file.sequence?)));
        let of_missing = self.missing.iter().filter_map(|promised| {
            let (cd_idx, sequence) = photo_of(&self.vertical, promised.file.as_deref()?);
            Some((cd_idx?, sequence?))
        });
        let photos: BTreeSet<(u64, u16)> = of_skipped.chain(of_missing).collect();
        let entities = self.missing.iter().filter(|promised| promised.file.is_none()).filter_map(|it| it.cd_idx);
        let of_gaps = self.gaps.iter().map(|gap| gap.cd_idx);
        let ids: BTreeSet<u64> = photos.iter().map(|(cd_idx, _)| *cd_idx).chain(entities).chain(of_gaps).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let scope = Scope::Ids { vertical: Some(self.vertical.clone()), cd_idx: ids.into_iter().collect() };
        let (mut live, mut at_any_time) = (BTreeMap::new(), BTreeSet::new());
        let mut pages = LedgerPages::new(catalog, &scope);
        while let Some(page) = pages.next().await? {
            for entry in page.into_iter().filter(|entry| entry.state == State::Serving) {
                let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) else { continue };
                at_any_time.insert((photo.entity.cd_idx, photo.sequence));
                if entry.updated_at >= created {
                    live.insert((photo.entity.cd_idx, photo.sequence), entry.etag);
                }
            }
        }
        // Whoever adds to an entity leaves no gap where the photos before are live.
        for gap in &mut self.gaps {
            gap.missing.retain(|sequence| !at_any_time.contains(&(gap.cd_idx, *sequence)));
        }
        self.gaps.retain(|gap| !gap.missing.is_empty());
        let vertical = self.vertical.clone();
        let photo = |file: &SkippedFile| entity_of(&vertical, file).zip(file.sequence);
        // What was handed over beside a file for the same photo is another one: of the two nobody knows which is meant.
        let beside: BTreeSet<(u64, u16)> =
            self.items.iter().filter_map(|item| item.cd_idx.zip(item.sequence)).collect();
        let is_live = |file: &&SkippedFile| {
            let Some(photo) = photo(file) else { return false };
            live.get(&photo).is_some_and(|etag| match &file.md5 {
                // An upload in parts has no MD5, so nobody can say that it is another one.
                Some(md5) => etag.contains('-') || md5 == etag,
                None => !beside.contains(&photo),
            })
        };
        // Of two files for one photo either will do.
        let settled: BTreeSet<(u64, u16)> = self.skipped.iter().filter(is_live).filter_map(photo).collect();
        let is_settled = |file: &SkippedFile| photo(file).is_some_and(|photo| settled.contains(&photo));
        let is_kept = |promised: &Promised| match &promised.file {
            Some(file) => {
                let (cd_idx, sequence) = photo_of(&vertical, file);
                cd_idx.zip(sequence).is_some_and(|photo| live.contains_key(&photo))
            }
            None => promised.cd_idx.is_some_and(|id| live.range((id, 0)..=(id, u16::MAX)).next().is_some()),
        };
        let entities = self.skipped.iter().filter(|file| is_settled(file)).map(|file| entity_of(&vertical, file));
        let promised = self.missing.iter().filter(|promised| is_kept(promised)).map(|promised| promised.cd_idx);
        self.settled = entities.chain(promised).collect();
        self.skipped.retain(|file| !is_settled(file));
        self.missing.retain(|promised| !is_kept(promised));
        Ok(())
    }

    /// What is open and has no file that could be dismissed: files that were left out, promises that were not kept, what came without
    /// being promised, and uploads that are gone.
    pub fn open_lines(&self) -> impl Iterator<Item = DismissedLine> {
        let of_skipped = self.skipped.iter().map(|file| of_skipped(&self.vertical, file));
        let missing = self.missing.iter().map(|it| of_promised(ReasonCode::ListMissing, it));
        let unexpected = self.unexpected.iter().map(|it| of_promised(ReasonCode::ListUnexpected, it));
        of_skipped.chain(missing).chain(unexpected).chain(self.items.iter().filter_map(of_gone))
    }

    /// Whether it lacks something that somebody can settle.
    pub fn lacks(&self) -> bool {
        self.open_lines().next().is_some()
    }

    /// Takes what somebody dismissed for that. What has changed since is another matter: its line says something else, or what it says
    /// happened later.
    fn dismiss(&mut self, dismissed: &BTreeMap<DismissedLine, Dismissed>) {
        for item in &mut self.items {
            let by = of_gone(item).and_then(|line| dismissed.get(&line));
            let is_later = |by: &&Dismissed| item.later.as_ref().is_some_and(|later| later.at > by.at);
            if let Some(by) = by.filter(|by| !is_later(by)) {
                item.dismiss(by.clone());
            }
        }
        self.closed = dismissed.values().max_by_key(|by| by.at).cloned();
        let (vertical, mut settled) = (self.vertical.clone(), Vec::new());
        let mut is_open = |line: DismissedLine, (cd_idx, sequence): (Option<u64>, Option<u16>)| {
            let Some(by) = dismissed.get(&line) else { return true };
            let file = line.file.unwrap_or_default();
            let mut item = Item { cd_idx, sequence, ..Item::new(&vertical, &file, ItemState::Missing) };
            item.dismiss(by.clone());
            settled.push(item);
            false
        };
        self.skipped.retain(|file| {
            let sequence = file.sequence.or_else(|| photo_of(&vertical, &file.file).1);
            is_open(of_skipped(&vertical, file), (entity_of(&vertical, file), sequence))
        });
        self.missing.retain(|it| is_open(of_promised(ReasonCode::ListMissing, it), (it.cd_idx, it.sequence)));
        self.unexpected.retain(|it| !dismissed.contains_key(&of_promised(ReasonCode::ListUnexpected, it)));
        self.items.extend(settled);
    }

    /// How it is: what is in flight, differs, or is rejected or left out.
    pub fn state(&self) -> EntityState {
        let of_items = self.items.iter().filter_map(verdict::of_item);
        let of_skipped = self.skipped.iter().map(|_| EntityState::Rejected);
        let of_list =
            |code: ReasonCode, listed: &[Promised]| verdict::of_code(code.code(), false).filter(|_| !listed.is_empty());
        let of_lists =
            [of_list(ReasonCode::ListMissing, &self.missing), of_list(ReasonCode::ListUnexpected, &self.unexpected)];
        verdict::together(of_items.chain(of_skipped).chain(of_lists.into_iter().flatten()))
    }

    /// The counts.
    pub fn summary(&self) -> Summary {
        let (mut entities, mut failed) = (BTreeSet::new(), BTreeSet::new());
        let (mut live, mut pending) = (self.settled.len() as u64, 0);
        let of_state = |state| self.items.iter().filter(|item| item.state == state).count() as u64;
        let (dismissed, moved) = (of_state(ItemState::Dismissed), of_state(ItemState::Moved));
        let unpublished = of_state(ItemState::Unpublished);
        let superseded = self.items.iter().filter(|item| item.is_superseded()).count() as u64;
        let replaced = of_state(ItemState::Replaced) - superseded;
        let taken_over: Vec<&String> = self.items.iter().filter_map(|item| item.taken_over.as_ref()).collect();
        let taken_over_by: BTreeSet<&String> = taken_over.iter().copied().collect();
        for item in &self.items {
            entities.extend(item.cd_idx);
            live += u64::from(item.state == ItemState::Registered);
            pending += u64::from(item.state.is_pending());
            if item.state.is_failed() && !item.is_superseded() {
                failed.extend(item.cd_idx);
            }
        }
        let skipped = self.skipped.iter().map(|file| entity_of(&self.vertical, file));
        failed.extend(skipped.chain(self.missing.iter().map(|promised| promised.cd_idx)).flatten());
        entities.extend(failed.iter().copied().chain(self.settled.iter().flatten().copied()));
        let parts = [self.items.len(), self.skipped.len(), self.missing.len(), self.settled.len()];
        let photos = parts.iter().sum::<usize>() as u64;
        Summary {
            delivery: self.delivery.clone(),
            vertical: self.vertical.to_string(),
            entities: entities.len() as u64,
            photos,
            live,
            failed: photos - live - pending - dismissed - moved - unpublished - superseded,
            pending,
            dismissed,
            moved,
            unpublished,
            taken_over: taken_over.len() as u64,
            replaced,
            superseded,
            taken_over_by: taken_over_by.into_iter().take(NAMED_MAX).cloned().collect(),
            failed_entities: failed.len() as u64,
            state: Some(self.state()),
        }
    }
}

/// The line of a file that was skipped.
fn of_skipped(vertical: &Vertical, file: &SkippedFile) -> DismissedLine {
    DismissedLine::new(&file.code, Some(&file.file), entity_of(vertical, file))
}

/// The line of a promise that was not kept, or of what came without one.
fn of_promised(code: ReasonCode, promised: &Promised) -> DismissedLine {
    DismissedLine::new(code.code(), promised.file.as_deref(), promised.cd_idx)
}

/// The line of an upload that is gone, or in whose place another is.
fn of_gone(item: &Item) -> Option<DismissedLine> {
    let reason = reason_of(item).filter(|_| item.is_gone() && !item.is_superseded())?;
    Some(DismissedLine::new(reason.code(), Some(&item.file), item.cd_idx))
}

/// A list of what was promised, to look things up in.
struct List<'e> {
    ids: BTreeSet<u64>,
    /// Files with the SHA-256s that they are to have: of two each counts, so that no file has both.
    files: BTreeMap<&'e str, BTreeSet<&'e str>>,
}

impl<'e> List<'e> {
    fn new(expected: &'e Expected) -> Self {
        let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in &expected.files {
            files.entry(&file.name).or_default().extend(file.sha256.as_deref());
        }
        Self { ids: expected.ids.iter().copied().collect(), files }
    }

    /// In what a file is not what was promised: it is not on the list, or has other bytes than the list says.
    fn differs(&self, vertical: &Vertical, file: &DeliveredFile) -> Option<Promised> {
        let (cd_idx, sequence) = photo_of(vertical, &file.name);
        let listed = self.files.get(file.name.as_str());
        let is_other = |sha256: &&str| !sha256.eq_ignore_ascii_case(&file.sha256);
        let is_named = listed.is_some() || cd_idx.is_some_and(|cd_idx| self.ids.contains(&cd_idx));
        let detail = if listed.is_some_and(|hashes| hashes.iter().any(is_other)) {
            Text::new("its SHA-256 is not the one on the list", "SHA-256 값이 목록과 다릅니다")
        } else if is_named || (self.ids.is_empty() && self.files.is_empty()) {
            return None;
        } else {
            Text::new("the list does not name it", "목록에 없습니다")
        };
        Some(Promised { cd_idx, sequence, file: Some(file.name.clone()), detail })
    }
}

/// What was promised and not handed over, and what was handed over and not promised.
fn compare(
    vertical: &Vertical,
    files: &[DeliveredFile],
    skipped: &[SkippedFile],
    expected: &Expected,
) -> (Vec<Promised>, Vec<Promised>) {
    let list = List::new(expected);
    let of_files = files.iter().filter_map(|file| photo_of(vertical, &file.name).0);
    let of_skipped = skipped.iter().filter_map(|file| entity_of(vertical, file));
    let ids: BTreeSet<u64> = of_files.chain(of_skipped).collect();
    let no_file = |id: &u64| Promised {
        cd_idx: Some(*id),
        sequence: None,
        file: None,
        detail: Text::new("the entity has no file", "이 cd_idx 의 파일이 없습니다"),
    };
    let mut missing: Vec<Promised> = list.ids.difference(&ids).map(no_file).collect();
    let names = files.iter().map(|file| file.name.as_str());
    let names: BTreeSet<&str> = names.chain(skipped.iter().map(|file| file.file.as_str())).collect();
    // A file that was left out for its name is there, and is reported as that.
    let left_out: BTreeSet<(u64, u16)> =
        skipped.iter().filter_map(|file| Some((entity_of(vertical, file)?, file.sequence?))).collect();
    let is_left_out = |name: &str| match photo_of(vertical, name) {
        (Some(cd_idx), Some(sequence)) => left_out.contains(&(cd_idx, sequence)),
        _ => false,
    };
    let lacking = list.files.keys().filter(|name| !names.contains(*name) && !is_left_out(name));
    missing.extend(lacking.map(|name| Promised {
        cd_idx: photo_of(vertical, name).0,
        sequence: photo_of(vertical, name).1,
        file: Some((*name).to_owned()),
        detail: Text::new("the file was not handed over", "파일이 전달되지 않았습니다"),
    }));
    (missing, files.iter().filter_map(|file| list.differs(vertical, file)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::deliveries::record::ExpectedFile;

    fn file(name: &str) -> DeliveredFile {
        DeliveredFile { name: name.into(), size: 3, md5: "a".repeat(32), sha256: "b".repeat(64) }
    }

    fn skipped(file: &str) -> SkippedFile {
        SkippedFile {
            file: file.into(),
            code: "name.digits".into(),
            cd_idx: None,
            sequence: None,
            detail: String::new(),
            detail_korean: None,
            ..SkippedFile::default()
        }
    }

    fn item(file: &str, state: ItemState) -> Item {
        Item::new(&"v".parse().unwrap(), file, state)
    }

    /// `users.md` 2: of 21 numbers that failed the summary said 8, because names that are nearly right counted for nothing.
    #[test]
    fn entities_of_wrong_names_are_counted_and_photos_add_up() {
        let missing = vec![Promised { cd_idx: Some(9), sequence: None, file: None, detail: Text::default() }];
        let standing = Standing {
            delivery: "20261126-k3f9".into(),
            vertical: "v".parse().unwrap(),
            items: vec![
                item("1_0.jpg", ItemState::Registered),
                item("1_1.jpg", ItemState::Rejected),
                item("2_0.jpg", ItemState::Received),
                item("3_0.JPG", ItemState::Rejected),
                item("4_0.jpg", ItemState::Replaced),
                item("8_0.jpg", ItemState::Dismissed),
                item("nobody.jpg", ItemState::Rejected),
            ],
            skipped: vec![skipped("5_0 (1).jpg"), skipped("sub/6_0.jpg"), skipped("7-0.jpg")],
            missing,
            unexpected: Vec::new(),
            gaps: Vec::new(),
            settled: Vec::new(),
            closed: None,
        };
        let summary = standing.summary();
        assert_eq!((summary.entities, summary.failed_entities), (9, 7));
        assert_eq!((summary.photos, summary.live, summary.pending, summary.failed), (11, 1, 1, 8));
        assert_eq!(summary.dismissed, 1);
        assert!(!summary.is_final() && !summary.is_complete());
    }

    #[test]
    fn what_was_promised_is_compared_with_what_was_handed_over() {
        let listed = |name: &str, sha256: Option<String>| ExpectedFile { name: name.into(), sha256 };
        let expected = Expected {
            ids: vec![1, 2, 3, 3],
            files: vec![
                listed("1_0.jpg", Some("B".repeat(64))),
                listed("5_0.jpg", Some("c".repeat(64))),
                listed("6_0.jpg", None),
            ],
        };
        let files = [file("1_0.jpg"), file("2_0.jpg"), file("4_0.jpg"), file("5_0.jpg")];
        let (missing, unexpected) = compare(&"v".parse().unwrap(), &files, &[skipped("3_0.JPG")], &expected);
        let told = |found: &[Promised]| found.iter().map(|it| (it.cd_idx, it.detail.to_string())).collect::<Vec<_>>();
        assert_eq!(told(&missing), [(Some(6), "the file was not handed over".to_owned())]);
        let other = "its SHA-256 is not the one on the list".to_owned();
        assert_eq!(told(&unexpected), [(Some(4), "the list does not name it".to_owned()), (Some(5), other.clone())]);
        // Of two SHA-256s for one file it never has both, whichever comes last.
        for hashes in [["b", "c"], ["c", "b"]] {
            let files = hashes.map(|hash| listed("1_0.jpg", Some(hash.repeat(64)))).to_vec();
            let (_, unexpected) =
                compare(&"v".parse().unwrap(), &[file("1_0.jpg")], &[], &Expected { ids: Vec::new(), files });
            assert_eq!(told(&unexpected), [(Some(1), other.clone())], "{hashes:?}");
        }
        let ids = Expected { ids: vec![1, 8], files: Vec::new() };
        let (missing, _) = compare(&"v".parse().unwrap(), &files, &[], &ids);
        assert_eq!(told(&missing), [(Some(8), "the entity has no file".to_owned())]);
        assert_eq!(compare(&"v".parse().unwrap(), &files, &[], &Expected::default()), (vec![], vec![]));
    }
}
