//! All of a delivery at one moment: the state of its files, what a check left out, and what was promised and never came.
//!
//! A photo is live when exactly its bytes are registered, pending when it goes on by itself, and failed in every other case: so the
//! three add up to the photos, and what was promised and is nowhere counts as a photo that failed. An entity is counted by its number,
//! also where only the beginning of a wrong name gives it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    record::{DeliveredFile, Expected, NewRecord, Record, SkippedFile, photo_of},
    state::{Item, ItemState, Places, items},
};
use crate::{
    catalog::{Catalog, LedgerPages},
    ledger::{Scope, State},
    model::{
        error::Result,
        key::{UploadKey, Vertical},
        lang::Text,
    },
};

/// Something that was promised and is not among what was handed over, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promised {
    /// The entity's number, where the list or the name gives one.
    pub cd_idx: Option<u64>,
    /// The file, where the list names files.
    pub file: Option<String>,
    /// What differs; English for scripts.
    pub detail: Text,
}

/// The counts of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "embedded", derive(utoipa::ToSchema))]
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
    /// Entities with a photo that failed.
    pub failed_entities: u64,
}

impl Summary {
    /// Whether nothing goes on by itself any more.
    pub fn is_final(&self) -> bool {
        self.pending == 0
    }

    /// Whether all that was handed over and promised is live.
    pub fn is_complete(&self) -> bool {
        self.live == self.photos
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
    /// Photos that were left out or never came, and that a later upload made live.
    pub settled: u64,
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
        let mut standing = Self { delivery, vertical, items, skipped, missing, unexpected, settled: 0 };
        standing.settle(places.catalog, record.created).await?;
        Ok(standing)
    }

    /// Leaves out what a later upload has settled: a photo that was left out for its name, or was promised and never came, and that is
    /// live since.
    async fn settle(&mut self, catalog: &dyn Catalog, created: Timestamp) -> Result<()> {
        let of_skipped =
            self.skipped.iter().filter_map(|file| Some((entity_of(&self.vertical, file)?, file.sequence?)));
        let of_missing = self.missing.iter().filter_map(|promised| {
            let (cd_idx, sequence) = photo_of(&self.vertical, promised.file.as_deref()?);
            Some((cd_idx?, sequence?))
        });
        let photos: BTreeSet<(u64, u16)> = of_skipped.chain(of_missing).collect();
        let entities = self.missing.iter().filter(|promised| promised.file.is_none()).filter_map(|it| it.cd_idx);
        let ids: BTreeSet<u64> = photos.iter().map(|(cd_idx, _)| *cd_idx).chain(entities).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let scope = Scope::Ids { vertical: Some(self.vertical.clone()), cd_idx: ids.into_iter().collect() };
        let (mut live, mut pages) = (BTreeSet::new(), LedgerPages::new(catalog, &scope));
        while let Some(page) = pages.next().await? {
            let later = page.into_iter().filter(|entry| entry.state == State::Serving && entry.updated_at >= created);
            live.extend(later.filter_map(|entry| match UploadKey::parse(&entry.key) {
                UploadKey::Photo(photo) => Some((photo.entity.cd_idx, photo.sequence)),
                _ => None,
            }));
        }
        let before = self.skipped.len() + self.missing.len();
        let vertical = self.vertical.clone();
        self.skipped.retain(|file| {
            let photo = entity_of(&vertical, file).zip(file.sequence);
            !photo.is_some_and(|photo| live.contains(&photo))
        });
        self.missing.retain(|promised| match &promised.file {
            Some(file) => {
                let (cd_idx, sequence) = photo_of(&vertical, file);
                !cd_idx.zip(sequence).is_some_and(|photo| live.contains(&photo))
            }
            None => promised.cd_idx.is_none_or(|id| live.range((id, 0)..=(id, u16::MAX)).next().is_none()),
        });
        self.settled = (before - self.skipped.len() - self.missing.len()) as u64;
        Ok(())
    }

    /// The counts.
    pub fn summary(&self) -> Summary {
        let (mut entities, mut failed) = (BTreeSet::new(), BTreeSet::new());
        let (mut live, mut pending) = (self.settled, 0);
        for item in &self.items {
            entities.extend(item.cd_idx);
            live += u64::from(item.state == ItemState::Registered);
            pending += u64::from(item.state.is_pending());
            if item.state != ItemState::Registered && !item.state.is_pending() {
                failed.extend(item.cd_idx);
            }
        }
        let skipped = self.skipped.iter().map(|file| entity_of(&self.vertical, file));
        failed.extend(skipped.chain(self.missing.iter().map(|promised| promised.cd_idx)).flatten());
        entities.extend(failed.iter().copied());
        let photos = (self.items.len() + self.skipped.len() + self.missing.len()) as u64 + self.settled;
        Summary {
            delivery: self.delivery.clone(),
            vertical: self.vertical.to_string(),
            entities: entities.len() as u64,
            photos,
            live,
            failed: photos - live - pending,
            pending,
            failed_entities: failed.len() as u64,
        }
    }
}

/// The entity of a file that was skipped.
pub(super) fn entity_of(vertical: &Vertical, file: &SkippedFile) -> Option<u64> {
    file.cd_idx.or_else(|| photo_of(vertical, &file.file).0)
}

/// A list of what was promised, to look things up in.
struct List<'e> {
    ids: BTreeSet<u64>,
    files: BTreeMap<&'e str, Option<&'e str>>,
}

impl<'e> List<'e> {
    fn new(expected: &'e Expected) -> Self {
        let files = expected.files.iter().map(|file| (file.name.as_str(), file.sha256.as_deref()));
        Self { ids: expected.ids.iter().copied().collect(), files: files.collect() }
    }

    /// In what a file is not what was promised: it is not on the list, or has other bytes than the list says.
    fn differs(&self, vertical: &Vertical, file: &DeliveredFile) -> Option<Promised> {
        let (cd_idx, _) = photo_of(vertical, &file.name);
        let listed = self.files.get(file.name.as_str());
        let is_other = |sha256: &str| !sha256.eq_ignore_ascii_case(&file.sha256);
        let is_named = listed.is_some() || cd_idx.is_some_and(|cd_idx| self.ids.contains(&cd_idx));
        let detail = if listed.is_some_and(|sha256| sha256.is_some_and(is_other)) {
            Text::new("its SHA-256 is not the one on the list", "SHA-256 값이 목록과 다릅니다")
        } else if is_named || (self.ids.is_empty() && self.files.is_empty()) {
            return None;
        } else {
            Text::new("the list does not name it", "목록에 없습니다")
        };
        Some(Promised { cd_idx, file: Some(file.name.clone()), detail })
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
        }
    }

    fn item(file: &str, state: ItemState) -> Item {
        let (cd_idx, sequence) = photo_of(&"v".parse().unwrap(), file);
        Item { file: file.into(), cd_idx, sequence, state, reason: None, detail: None, later: None }
    }

    /// `users.md` 2: of 21 numbers that failed the summary said 8, because names that are nearly right counted for nothing.
    #[test]
    fn entities_of_wrong_names_are_counted_and_photos_add_up() {
        let missing = vec![Promised { cd_idx: Some(9), file: None, detail: Text::default() }];
        let standing = Standing {
            delivery: "20261126-k3f9".into(),
            vertical: "v".parse().unwrap(),
            items: vec![
                item("1_0.jpg", ItemState::Registered),
                item("1_1.jpg", ItemState::Rejected),
                item("2_0.jpg", ItemState::Received),
                item("3_0.JPG", ItemState::Rejected),
                item("4_0.jpg", ItemState::Replaced),
                item("nobody.jpg", ItemState::Rejected),
            ],
            skipped: vec![skipped("5_0 (1).jpg"), skipped("sub/6_0.jpg"), skipped("7-0.jpg")],
            missing,
            unexpected: Vec::new(),
            settled: 0,
        };
        let summary = standing.summary();
        assert_eq!((summary.entities, summary.failed_entities), (8, 7));
        assert_eq!((summary.photos, summary.live, summary.pending, summary.failed), (10, 1, 1, 8));
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
        assert_eq!(told(&unexpected), [(Some(4), "the list does not name it".to_owned()), (Some(5), other)]);
        let ids = Expected { ids: vec![1, 8], files: Vec::new() };
        let (missing, _) = compare(&"v".parse().unwrap(), &files, &[], &ids);
        assert_eq!(told(&missing), [(Some(8), "the entity has no file".to_owned())]);
        assert_eq!(compare(&"v".parse().unwrap(), &files, &[], &Expected::default()), (vec![], vec![]));
    }
}
