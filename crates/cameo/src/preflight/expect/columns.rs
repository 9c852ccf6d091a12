//! The columns of a list, as its header names them.

use super::{
    cell::plain,
    headers::{self, Column, VAGUE_HEADERS},
    row::Row,
};
use crate::model::ids::{GROUPS_MAX, clear_header, is_thousands};

/// The columns of a table.
#[derive(Debug, Default, Clone)]
pub(super) struct Columns {
    pub(super) id: Option<usize>,
    pub(super) file: Option<usize>,
    pub(super) sequence: Option<usize>,
    pub(super) count: Option<usize>,
    pub(super) sha256: Option<usize>,
    /// Whether the column of ids has a name that nothing else has.
    pub(super) is_clear: bool,
    /// Cells of a whole row.
    cells: usize,
    /// Columns up to the last one with a name.
    pub(super) width: usize,
}

impl Columns {
    /// The columns that a row names, if it is a header.
    pub(super) fn of(row: &Row) -> Option<Self> {
        let names: Vec<String> = row.cells.iter().map(|text| headers::name_of(&plain(text))).collect();
        let (id, file) = (headers::find(&names, Column::Id), headers::find(&names, Column::File));
        let is_vague = |column: &usize| id.is_some() && VAGUE_HEADERS.contains(&names[*column].as_str());
        let columns = Self {
            id,
            file: file.filter(|column| !is_vague(column)),
            sequence: headers::find(&names, Column::Sequence),
            count: headers::find(&names, Column::Count),
            sha256: headers::find(&names, Column::Sha256),
            is_clear: id.is_some_and(|id| clear_header(&names[id]).is_some()),
            cells: names.len(),
            width: names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1),
        };
        (columns.id.is_some() || columns.file.is_some()).then_some(columns)
    }

    /// The columns that are read.
    pub(super) fn read(&self) -> Vec<usize> {
        [self.id, self.file, self.sequence, self.count, self.sha256].into_iter().flatten().collect()
    }

    /// Whether a row is a header that is understood.
    pub(super) fn is_header(row: &Row) -> bool {
        Self::of(row).is_some()
    }

    /// Whether a row has more cells than the header, so that the one of the id may be another one's, or a part of it.
    pub(super) fn is_moved(&self, row: &Row) -> bool {
        let beyond = row.cells.get(self.cells..).unwrap_or_default();
        let Some(first) = self.id.or(self.file).filter(|_| !beyond.is_empty() && self.cells > 1) else { return false };
        let ends = (first + 2..=row.cells.len()).take(GROUPS_MAX);
        let may_be_split = ends.into_iter().any(|end| is_thousands(&row.cells[first..end].join(",")));
        let is_longer = beyond.iter().any(|text| !plain(text).is_empty());
        (is_longer && first > 0) || may_be_split
    }
}
