//! Whether a table that exists can be the public table, and what would make it one: a pure judgement of what was found,
//! and the statements that a person may run. Nothing is changed here.
//!
//! Opening for registering and `cameo doctor` ask the same function, so neither is content with what the other refuses.
//! A row is decided by four columns alone: whatever could let one entity's row take another's is a mismatch. A statement only
//! ever widens, and keeps the rest of a column's definition; what cannot be mended without a loss is said in words.

use super::table::{COLUMNS, Table};

mod columns;
mod definition;
mod indexes;
mod statements;

#[cfg(feature = "mysql")]
pub(super) use definition::definitions;
pub use indexes::{FoundIndex, IndexPart};

/// The columns that decide a row, in the order of their index.
pub(super) const KEY: [&str; 4] = ["vertical", "cd_idx", "image_size", "sequence"];

/// A column as the database describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that the database reports")]
pub struct FoundColumn {
    /// Its name, as it is spelled there.
    pub name: String,
    /// Its type, as the database names it, in lower case: `varchar`, `bigint`, `timestamp with time zone`.
    pub data_type: String,
    /// How many characters it holds, where it is text with a bound.
    pub max_characters: Option<u64>,
    /// Its whole definition as it was declared, where the database tells it (MySQL): `int(11) NOT NULL COMMENT 'x'`.
    pub definition: Option<String>,
    /// Whether a row may be written without a value for it.
    pub may_be_left_out: bool,
    /// Whether a row that is written without a value for it has `NULL` there.
    pub is_null_when_left_out: bool,
    /// Whether each row that is written without a value for it gets another one: it is numbered, or drawn at random.
    pub is_distinct_by_itself: bool,
    /// Whether the database computes it, or does not let anybody else number it.
    pub is_generated: bool,
    /// How texts are compared; none where the column holds none.
    pub comparison: Option<Comparison>,
    /// Whether an index, unique or not, has it.
    pub is_indexed: bool,
    /// Whether an index begins with it.
    pub leads_index: bool,
}

/// How a column compares and stores texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The collation's name.
    pub collation: String,
    /// Whether texts are equal only when their bytes are.
    pub by_bytes: bool,
    /// Whether it holds every character.
    pub holds_unicode: bool,
}

/// A table as the database describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundTable {
    /// Its name as it is spelled there, without its schema; none where there is no such table.
    pub name: Option<String>,
    /// Its schema as it is spelled there, where the database tells.
    pub schema: Option<String>,
    /// Its columns.
    pub columns: Vec<FoundColumn>,
    /// Its unique indexes.
    pub unique_indexes: Vec<FoundIndex>,
    /// Names of all its indexes.
    pub index_names: Vec<String>,
    /// What is wrong with the table as a whole, with the statement that mends it where there is one.
    pub faults: Vec<Mismatch>,
    /// Whether the ledger says that photos are served, which then have rows somewhere.
    pub ledger_serves: bool,
}

/// Whose SQL the statements are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What it is, and in words what mends it where that is no statement.
    pub what: String,
    /// The statement that mends it; none where it cannot be mended without the loss of something.
    pub ddl: Option<String>,
}

impl Mismatch {
    /// What no statement mends without a loss.
    pub(super) fn in_words(what: impl Into<String>) -> Self {
        Self { what: what.into(), ddl: None }
    }

    /// What a statement mends.
    pub(super) fn mended_by(what: impl Into<String>, ddl: impl Into<String>) -> Self {
        Self { what: what.into(), ddl: Some(ddl.into()) }
    }
}

impl FoundTable {
    /// A column by its name: as it is spelled, or else in any case, as SQL takes names without quotes.
    pub(super) fn column(&self, name: &str) -> Option<&FoundColumn> {
        let spelled = self.columns.iter().find(|column| column.name == name);
        spelled.or_else(|| self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// The table's names as statements to this database have them.
    pub(super) fn named(&self, table: &Table, dialect: Dialect) -> Table {
        let name = match (&self.name, table.name().rsplit_once('.')) {
            (None, _) => dialect.fold(table.name()),
            (Some(name), None) => name.clone(),
            (Some(name), Some((schema, _))) => {
                let schema = self.schema.clone().unwrap_or_else(|| dialect.fold(schema));
                format!("{schema}.{name}")
            }
        };
        let spelled = |name: &str| self.column(name).map_or_else(|| dialect.fold(name), |there| there.name.clone());
        table.quoted(dialect.mark(), &name, spelled)
    }
}

/// What of a table does not fit. Nothing, where there is no table and none is missed: it is created at the first start.
pub fn mismatches(table: &Table, found: &FoundTable, dialect: Dialect) -> Vec<Mismatch> {
    let names = found.named(table, dialect);
    if found.name.is_none() {
        return missing(table, found, dialect).into_iter().chain(found.faults.iter().cloned()).collect();
    }
    if found.faults.iter().any(|fault| fault.ddl.is_none()) {
        // It is another table, or another database, that is needed.
        return found.faults.clone();
    }
    let asked = Asked { table, names: &names, found, dialect };
    let columns = COLUMNS.iter().filter_map(|column| columns::misfit_of(&asked, column));
    let others = found.columns.iter().filter_map(|column| columns::misfit_of_other(&asked, column));
    let found_wrong = found.faults.iter().cloned();
    found_wrong.chain(columns).chain(others).chain(indexes::misfits_of(&asked)).collect()
}

/// What is judged, and by which names.
pub(super) struct Asked<'a> {
    table: &'a Table,
    /// The same table with names as statements have them.
    names: &'a Table,
    found: &'a FoundTable,
    dialect: Dialect,
}

/// A table that is away for a moment must not be replaced by an empty one: photos are served, and had rows.
fn missing(table: &Table, found: &FoundTable, dialect: Dialect) -> Option<Mismatch> {
    let what = format!(
        "the table {} does not exist, but the ledger has photos that are served from it: rename it back, name it in \
         catalog.table, or create it empty and run `cameo reconcile --apply`",
        table.name()
    );
    found.ledger_serves.then(|| Mismatch::mended_by(what, dialect.create_table(table)))
}

#[cfg(test)]
mod tests;
