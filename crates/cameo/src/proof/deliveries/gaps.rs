//! Sequences that a delivery lacks: what a check calls a gap, of a delivery that was pushed all the same.
//!
//! No photo failed for it, so it is a warning beside the counts. A file that was left out is no gap: it is reported as what it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    item::Item,
    record::{SkippedFile, entity_of, photo_of},
};
use crate::model::{key::Vertical, lang::Text};

/// Missing sequences that are listed, at most.
const LISTED_MAX: usize = 10;

/// An entity whose sequences do not run from 0 without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The entity.
    pub cd_idx: u64,
    /// The sequences that are missing, in order.
    pub missing: Vec<u16>,
}

impl Gap {
    /// What is missing.
    pub fn detail(&self) -> Text {
        let listed: Vec<String> = self.missing.iter().take(LISTED_MAX).map(ToString::to_string).collect();
        let more = if self.missing.len() > LISTED_MAX { ", …" } else { "" };
        let listed = listed.join(", ") + more;
        Text::new(format!("missing: {listed}"), format!("빠진 순번: {listed}"))
    }
}

/// The gaps of what was handed over.
pub(super) fn gaps(vertical: &Vertical, items: &[Item], skipped: &[SkippedFile]) -> Vec<Gap> {
    let mut sequences: BTreeMap<u64, BTreeSet<u16>> = BTreeMap::new();
    let mut unknown: BTreeMap<u64, usize> = BTreeMap::new();
    for item in items {
        if let (Some(cd_idx), Some(sequence)) = (item.cd_idx, item.sequence) {
            sequences.entry(cd_idx).or_default().insert(sequence);
        }
    }
    for file in skipped {
        let Some(cd_idx) = entity_of(vertical, file) else { continue };
        match file.sequence.or_else(|| photo_of(vertical, &file.file).1) {
            Some(sequence) => drop(sequences.entry(cd_idx).or_default().insert(sequence)),
            None => *unknown.entry(cd_idx).or_default() += 1,
        }
    }
    let gap = |(cd_idx, sequences): (u64, BTreeSet<u16>)| {
        let last = *sequences.last()?;
        let missing: Vec<u16> = (0..last).filter(|sequence| !sequences.contains(sequence)).collect();
        // Whoever has no sequence may be the one that is missing.
        let is_gap = missing.len() > unknown.get(&cd_idx).copied().unwrap_or(0);
        is_gap.then_some(Gap { cd_idx, missing })
    };
    sequences.into_iter().filter_map(gap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::deliveries::item::ItemState;

    #[test]
    fn sequences_run_from_0_without_a_gap() {
        let vertical: Vertical = "v".parse().unwrap();
        let item = |file: &str| Item::new(&vertical, file, ItemState::Registered);
        let skipped = |file: &str, cd_idx, sequence| SkippedFile {
            file: file.into(),
            code: "file.empty".into(),
            cd_idx: Some(cd_idx),
            sequence,
            detail: String::new(),
            detail_korean: None,
            ..SkippedFile::default()
        };
        let items = ["1_0.jpg", "1_1.jpg", "2_0.jpg", "2_2.jpg", "3_1.jpg", "4_0.jpg", "4_2.jpg", "5_1.jpg"].map(item);
        let left_out = [skipped("4_1.jpg", 4, Some(1)), skipped("5 x.jpg", 5, None)];
        let found = gaps(&vertical, &items, &left_out);
        assert_eq!(found, [Gap { cd_idx: 2, missing: vec![1] }, Gap { cd_idx: 3, missing: vec![0] }]);
        let many = Gap { cd_idx: 1, missing: (0..20).collect() }.detail();
        assert_eq!(many.english, "missing: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …");
    }
}
