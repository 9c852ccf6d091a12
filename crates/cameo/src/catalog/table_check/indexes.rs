//! Judging unique indexes: one on exactly the four columns that decide a row, and none in which a row of one entity could
//! be in the way of another's.

use super::{Asked, Dialect, FoundTable, KEY, Mismatch};
use crate::catalog::table::COLUMNS;

/// A part of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPart {
    /// The column; none where it is an expression.
    pub column: Option<String>,
    /// Whether it is all of the column's value, not its beginning alone.
    pub is_whole: bool,
}

/// A unique index as the database describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that the database reports")]
pub struct FoundIndex {
    /// Its name.
    pub name: String,
    /// Its parts.
    pub parts: Vec<IndexPart>,
    /// Whether it is the primary key.
    pub primary: bool,
    /// Whether it belongs to a constraint, with which it goes.
    pub of_constraint: bool,
    /// Whether some rows only are in it.
    pub is_partial: bool,
    /// Whether it was not built to its end.
    pub is_invalid: bool,
    /// Whether two rows with `NULL` are equal in it.
    pub nulls_are_equal: bool,
}

impl FoundIndex {
    /// Whether it is of all of these columns' values and of nothing else.
    pub(in crate::catalog) fn is_of_exactly(&self, columns: &[&str]) -> bool {
        self.parts.len() == columns.len() && columns.iter().all(|column| self.has(column))
    }

    /// Whether it has all of a column's value.
    pub(super) fn has(&self, column: &str) -> bool {
        self.parts.iter().any(|part| part.is_whole && part.column.as_deref() == Some(column))
    }

    fn told(&self) -> String {
        let part = |part: &IndexPart| match &part.column {
            Some(column) if part.is_whole => column.clone(),
            Some(column) => format!("the beginning of {column}"),
            None => "an expression".to_owned(),
        };
        format!("{} ({})", self.name, self.parts.iter().map(part).collect::<Vec<_>>().join(", "))
    }
}

impl FoundTable {
    /// Names of the indexes that decide a row: two writers who meet in one of them mean the same row.
    #[cfg_attr(not(any(feature = "mysql", feature = "postgres")), expect(dead_code, reason = "for SQL servers"))]
    pub(in crate::catalog) fn row_indexes(&self, table: &crate::catalog::table::Table) -> Vec<String> {
        let key = key(self, table);
        let decides = |index: &&FoundIndex| index.primary || key.iter().all(|column| index.has(column));
        self.unique_indexes.iter().filter(decides).map(|index| index.name.clone()).collect()
    }
}

/// The four columns as they are spelled in the table.
fn key<'f>(found: &'f FoundTable, table: &'f crate::catalog::table::Table) -> [&'f str; 4] {
    KEY.map(|column| {
        let name = table.column(column);
        found.column(name).map_or(name, |there| there.name.as_str())
    })
}

pub(super) fn misfits_of(asked: &Asked<'_>) -> Vec<Mismatch> {
    let key = key(asked.found, asked.table);
    let decides = |index: &FoundIndex| index.is_of_exactly(&key) && !index.is_partial && !index.is_invalid;
    let mut mismatches = Vec::new();
    if !asked.found.unique_indexes.iter().any(decides) {
        mismatches.push(lacking(asked, &key));
    }
    let harmful = asked.found.unique_indexes.iter().filter(|index| !is_harmless(asked, index, &key));
    mismatches.extend(harmful.map(|index| harmful_one(asked, index)));
    mismatches
}

/// Whether no two rows of different photos or image sizes can be equal in it.
fn is_harmless(asked: &Asked<'_>, index: &FoundIndex, key: &[&str]) -> bool {
    let ours = |name: &str| COLUMNS.iter().find(|ours| asked.table.column(ours).eq_ignore_ascii_case(name));
    let parts_rows = |part: &IndexPart| {
        let Some(column) = part.column.as_deref().filter(|_| part.is_whole) else { return false };
        let Some(there) = asked.found.column(column) else { return false };
        match ours(column) {
            // An address is made of the four.
            Some(&"image_url") => there.comparison.as_ref().is_none_or(|comparison| comparison.by_bytes),
            // One that does not number rows by itself is a mismatch of its own.
            Some(&"idx") if index.is_of_exactly(&[column]) => true,
            Some(&"idx") | None => {
                there.is_distinct_by_itself || (there.is_null_when_left_out && !index.nulls_are_equal)
            }
            Some(_) => false,
        }
    };
    key.iter().all(|column| index.has(column)) || index.parts.iter().any(parts_rows)
}

fn lacking(asked: &Asked<'_>, key: &[&str]) -> Mismatch {
    let what = "there is no unique index on what a row is known by, so a row could be there twice";
    let invalid = asked.found.unique_indexes.iter().find(|index| index.is_of_exactly(key) && index.is_invalid);
    if let Some(index) = invalid {
        let ddl = format!("REINDEX INDEX {}", asked.index(&index.name));
        return Mismatch::mended_by(format!("{what}: {} was not built to its end", index.name), ddl);
    }
    let endless = key.iter().filter_map(|column| asked.found.column(column));
    let endless =
        endless.into_iter().find(|there| asked.dialect == Dialect::MySql && there.data_type.ends_with("text"));
    match endless {
        Some(there) => Mismatch::in_words(format!(
            "{what}; {} is {}, which MySQL cannot index whole: make it VARCHAR, where nothing in it is longer",
            there.name, there.data_type
        )),
        None => Mismatch::mended_by(what, asked.dialect.create_unique(asked.names, &asked.free_name())),
    }
}

fn harmful_one(asked: &Asked<'_>, index: &FoundIndex) -> Mismatch {
    let what = format!("in the unique index {} the row of one photo can be in the way of another's", index.told());
    if index.primary {
        return Mismatch::in_words(format!("{what}, and it is the primary key: give the table another one"));
    }
    let table = asked.names.name();
    let ddl = match asked.dialect {
        Dialect::MySql => format!("ALTER TABLE {table} DROP INDEX {}", asked.dialect.quote(&index.name)),
        Dialect::Postgres if index.of_constraint => {
            format!("ALTER TABLE {table} DROP CONSTRAINT {}", asked.dialect.quote(&index.name))
        }
        Dialect::Postgres => format!("DROP INDEX {}", asked.index(&index.name)),
    };
    Mismatch::mended_by(format!("{what}; drop it, if no application needs it"), ddl)
}

impl Asked<'_> {
    /// An index of the table's schema, as PostgreSQL names it.
    fn index(&self, name: &str) -> String {
        let quoted = self.dialect.quote(name);
        self.names.name().rsplit_once('.').map_or(quoted.clone(), |(schema, _)| format!("{schema}.{quoted}"))
    }

    /// A name for the index that no other one has.
    fn free_name(&self) -> String {
        let plain: String = self.table.plain_name().chars().take(48).collect();
        let taken = |name: &String| self.found.index_names.iter().any(|other| other.eq_ignore_ascii_case(name));
        let names = (1_u32..).map(|n| if n == 1 { format!("{plain}_photo") } else { format!("{plain}_photo_{n}") });
        names.into_iter().find(|name| !taken(name)).unwrap_or_default()
    }
}
