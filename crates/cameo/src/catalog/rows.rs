//! Rows of the public table as a database holds them, and which of them can be Cameo's.
//!
//! Other applications may write into the table, and it may be older than Cameo. So every column is read as text or `NULL`:
//! no value ends a reading. A row whose key is not of the grammar is skipped; one with such a key and a value that is not
//! ours is read with 0 or an empty text, so that it differs from what should be there and is repaired.
//! Long lists of numbers are asked for in parts, which no server's limit on the values of a statement bounds.

use std::collections::VecDeque;

#[cfg(any(test, feature = "mysql", feature = "postgres"))]
use crate::model::key::UploadKey;
use crate::{
    ledger::{Row, Scope},
    model::key::{CD_IDX_MAX, EntityId, PhotoId},
};

/// Numbers of entities in one statement, at most, where they can be asked for in the order of the answer. From 1000 values
/// on, MariaDB makes a list a table of its own (`in_predicate_conversion_threshold`).
const IDS_AT_ONCE: usize = 500;

/// A row of the public table as it is read.
#[derive(Debug, Clone, Default)]
#[cfg_attr(any(feature = "mysql", feature = "postgres"), derive(sqlx::FromRow))]
pub(super) struct RowColumns {
    pub(super) vertical: Option<String>,
    pub(super) cd_idx: Option<String>,
    pub(super) image_size: Option<String>,
    pub(super) sequence: Option<String>,
    pub(super) image_url: Option<String>,
    pub(super) width: Option<String>,
    pub(super) height: Option<String>,
    pub(super) bytes: Option<String>,
    pub(super) etag: Option<String>,
}

/// The key of a row, as pages go on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) vertical: String,
    pub(super) cd_idx: i64,
    pub(super) sequence: i64,
    pub(super) image_size: String,
}

impl RowColumns {
    /// The row; none where it cannot be Cameo's.
    pub(super) fn row(self) -> Option<Row> {
        let vertical = self.vertical?.parse().ok()?;
        let cd_idx = whole(self.cd_idx.as_deref()?).filter(|id| (1..=CD_IDX_MAX).contains(id))?;
        let sequence = u16::try_from(whole(self.sequence.as_deref()?)?).ok()?;
        let image_size = self.image_size.filter(|name| !name.is_empty())?;
        let number = |text: Option<String>| text.as_deref().and_then(whole).unwrap_or(0);
        Some(Row {
            photo: PhotoId { entity: EntityId { vertical, cd_idx }, sequence },
            image_size,
            image_url: self.image_url.unwrap_or_default(),
            width: u32::try_from(number(self.width)).unwrap_or(0),
            height: u32::try_from(number(self.height)).unwrap_or(0),
            bytes: number(self.bytes),
            etag: self.etag.unwrap_or_default(),
        })
    }

    /// Where the next page begins. A number with a fraction, which is nobody's, is passed by the next whole one.
    fn cursor(&self) -> Cursor {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let vertical = text(&self.vertical);
        let (cd_idx, is_whole) = floor(self.cd_idx.as_deref().unwrap_or_default());
        if !is_whole {
            return Cursor { vertical, cd_idx: cd_idx.saturating_add(1), sequence: -1, image_size: String::new() };
        }
        match floor(self.sequence.as_deref().unwrap_or_default()) {
            (sequence, true) => Cursor { vertical, cd_idx, sequence, image_size: text(&self.image_size) },
            (sequence, false) => {
                Cursor { vertical, cd_idx, sequence: sequence.saturating_add(1), image_size: String::new() }
            }
        }
    }

    /// The key, for a person to find the row.
    pub(super) fn shown(&self) -> String {
        let shown = |text: &Option<String>| text.as_ref().map_or_else(|| "NULL".to_owned(), |text| format!("{text:?}"));
        format!(
            "vertical {}, cd_idx {}, image_size {}, sequence {}",
            shown(&self.vertical),
            self.cd_idx.as_deref().unwrap_or("NULL"),
            shown(&self.image_size),
            self.sequence.as_deref().unwrap_or("NULL")
        )
    }
}

/// A number as columns hold it: `7`, `007`, and `7.00` of a decimal.
fn whole(text: &str) -> Option<u64> {
    let (number, fraction) = text.split_once('.').unwrap_or((text, ""));
    fraction.bytes().all(|digit| digit == b'0').then(|| number.parse().ok()).flatten()
}

/// The largest whole number that is not above it, and whether it is that number.
fn floor(text: &str) -> (i64, bool) {
    let (number, fraction) = text.split_once('.').unwrap_or((text, ""));
    let floor = number.parse().unwrap_or(0);
    (floor, fraction.bytes().all(|digit| digit == b'0'))
}

/// Rows that can be Cameo's.
pub(super) fn ours(found: Vec<RowColumns>) -> Vec<Row> {
    found.into_iter().filter_map(RowColumns::row).collect()
}

/// A page of rows in the making: what to ask for next, and what was found.
#[derive(Debug)]
pub(super) struct RowPage {
    parts: VecDeque<Scope>,
    after: Option<Cursor>,
    max: usize,
    rows: Vec<Row>,
}

impl RowPage {
    /// Rows of the scope after a row, at most `max`.
    pub(super) fn new(scope: &Scope, after: Option<&Row>, max: usize) -> Self {
        let after = after.map(|Row { photo, image_size, .. }| Cursor {
            vertical: photo.entity.vertical.as_str().to_owned(),
            cd_idx: i64::try_from(photo.entity.cd_idx).unwrap_or(i64::MAX),
            sequence: photo.sequence.into(),
            image_size: image_size.clone(),
        });
        let passed = after.as_ref().map_or(0, |after| after.cd_idx.unsigned_abs());
        let parts = parts(scope, |id| *id, |id| *id >= passed);
        Self { parts: parts.into(), after, max, rows: Vec::new() }
    }

    /// What to ask for: a scope, the row to go on after, and how many rows; none when the page is complete.
    pub(super) fn question(&self) -> Option<(&Scope, Option<&Cursor>, usize)> {
        let lacking = self.max.saturating_sub(self.rows.len());
        let scope = self.parts.front().filter(|_| lacking > 0)?;
        Some((scope, self.after.as_ref(), lacking))
    }

    /// Takes the answer.
    pub(super) fn answer(&mut self, found: Vec<RowColumns>) {
        let asked = self.max.saturating_sub(self.rows.len());
        // A page that does not lead further would be asked for without end.
        let further = found.last().filter(|_| found.len() >= asked).map(RowColumns::cursor);
        match further.filter(|further| self.after.as_ref() != Some(further)) {
            Some(further) => self.after = Some(further),
            None => drop(self.parts.pop_front()),
        }
        self.rows.extend(ours(found));
    }

    /// The page.
    pub(super) fn rows(self) -> Vec<Row> {
        self.rows
    }
}

/// Parts of a scope in which the ledger's keys come in their order: numbers as text, each ended as a key ends it.
#[cfg(any(test, feature = "mysql", feature = "postgres"))]
pub(super) fn ledger_parts(scope: &Scope, after: &str) -> Vec<Scope> {
    let order = |id: &u64| format!("{id}_");
    let passed = match UploadKey::parse(after) {
        UploadKey::Photo(photo) => order(&photo.entity.cd_idx),
        _ => String::new(),
    };
    parts(scope, order, |id| order(id) >= passed)
}

/// The parts of a scope, in order. Numbers of one vertical are sorted, and split where they are many.
fn parts<K: Ord>(scope: &Scope, order: impl Fn(&u64) -> K, wanted: impl Fn(&u64) -> bool) -> Vec<Scope> {
    let Scope::Ids { vertical: Some(vertical), cd_idx } = scope else { return vec![scope.clone()] };
    let mut ids: Vec<u64> = cd_idx.iter().copied().filter(wanted).collect();
    ids.sort_by_cached_key(order);
    ids.dedup();
    let part = |ids: &[u64]| Scope::Ids { vertical: Some(vertical.clone()), cd_idx: ids.to_vec() };
    ids.chunks(IDS_AT_ONCE).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(vertical: &str, cd_idx: &str, sequence: &str) -> RowColumns {
        let text = |text: &str| (text != "NULL").then(|| text.to_owned());
        let [vertical, cd_idx, sequence] = [vertical, cd_idx, sequence].map(text);
        RowColumns { vertical, cd_idx, sequence, image_size: Some("sq".into()), ..RowColumns::default() }
    }

    /// `flow.md` 11.
    #[test]
    fn a_row_of_somebody_else_is_skipped_and_one_of_ours_is_read_whatever_it_holds() {
        for (vertical, cd_idx, sequence) in [
            ("NULL", "7", "0"),
            ("v w", "7", "0"),
            ("v ", "7", "0"),
            ("v", "NULL", "0"),
            ("v", "0", "0"),
            ("v", "-7", "0"),
            ("v", "7.5", "0"),
            ("v", "NaN", "0"),
            ("v", "9007199254740992", "0"),
            ("v", "7", "65536"),
            ("v", "7", "-1"),
        ] {
            assert_eq!(columns(vertical, cd_idx, sequence).row(), None, "{vertical} {cd_idx} {sequence}");
        }
        let row = RowColumns { width: Some("abc".into()), ..columns("v", "007.00", "1") }.row().unwrap();
        assert_eq!((row.photo.to_string().as_str(), row.width, row.etag.as_str()), ("v/7_1", 0, ""));
    }

    #[test]
    fn a_page_of_foreign_rows_does_not_end_the_reading() {
        let mut page = RowPage::new(&Scope::All, None, 2);
        page.answer(vec![columns("a b", "1", "0"), columns("a b", "2.5", "0")]);
        let after = Cursor { vertical: "a b".into(), cd_idx: 3, sequence: -1, image_size: String::new() };
        assert_eq!(page.question(), Some((&Scope::All, Some(&after), 2)));
        page.answer(vec![columns("c", "1", "0")]);
        assert_eq!(page.question(), None);
        assert_eq!(page.rows().len(), 1);
    }

    /// `flow.md`, "From reading": `--ids` allows 100,000.
    #[test]
    fn many_numbers_are_asked_for_in_parts_and_in_order() {
        let scope = Scope::Ids { vertical: Some("v".parse().unwrap()), cd_idx: (1..=2500).rev().collect() };
        let of = |scope: &Scope| match scope {
            Scope::Ids { cd_idx, .. } => (cd_idx[0], *cd_idx.last().unwrap(), cd_idx.len()),
            _ => panic!("{scope:?}"),
        };
        let parts: Vec<_> = RowPage::new(&scope, None, 10).parts.iter().map(of).collect();
        assert_eq!((parts.len(), parts[0], parts[4]), (5, (1, 500, 500), (2001, 2500, 500)));
        let keys: Vec<_> = ledger_parts(&scope, "").iter().map(of).collect();
        assert_eq!((keys[0].0, keys.len()), (1000, 5));
        let rest: usize = ledger_parts(&scope, "origin/v/2499_0.jpg").iter().map(|part| of(part).2).sum();
        let after = |id: &u64| format!("{id}_").as_str() >= "2499_";
        assert_eq!(rest, (1..=2500).filter(after).count());
    }
}
