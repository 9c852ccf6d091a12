//! Whether a table that exists can be the public table, and what would make it one: a pure judgement of what was found,
//! and the statements that a person may run. Nothing is changed here.

use super::table::{COLUMNS, Table};

/// A column as the database describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the database names it, in lower case: `varchar`, `bigint`, `timestamp with time zone`.
    pub data_type: String,
    /// How many characters it holds, where it is text with a bound.
    pub max_characters: Option<u64>,
    /// Whether a row may be written without a value for it.
    pub may_be_left_out: bool,
    /// Whether the database numbers its rows by it.
    pub numbers_rows: bool,
}

/// A table as the database describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundTable {
    /// Its columns; none where there is no such table.
    pub columns: Vec<FoundColumn>,
    /// The columns of each unique index.
    pub unique_indexes: Vec<Vec<String>>,
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
pub struct Misfit {
    /// What it is.
    pub what: String,
    /// The statement that mends it.
    pub ddl: String,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Number,
    /// Text of at least so many characters.
    Text(u64),
    Date,
}

/// What the columns hold: the lengths are those of the longest values that Cameo writes, addresses as long as is usual.
fn holds(column: &str) -> Holds {
    match column {
        "vertical" => Holds::Text(64),
        "image_size" => Holds::Text(16),
        "image_url" => Holds::Text(255),
        "etag" => Holds::Text(32),
        "regist_date" | "update_date" => Holds::Date,
        _ => Holds::Number,
    }
}

/// What of a table does not fit. Nothing, where there is no table: it is created at the first start.
pub fn misfits(table: &Table, found: &FoundTable, dialect: Dialect) -> Vec<Misfit> {
    if found.columns.is_empty() {
        return Vec::new();
    }
    let ours = COLUMNS.iter().filter_map(|column| misfit_of(table, found, dialect, column));
    let others = found.columns.iter().filter_map(|column| misfit_of_other(table, dialect, column));
    ours.chain(others).chain(misfit_of_index(table, found)).collect()
}

fn misfit_of(table: &Table, found: &FoundTable, dialect: Dialect, column: &'static str) -> Option<Misfit> {
    let (name, table_name) = (table.column(column), table.name());
    let Some(there) = found.columns.iter().find(|there| there.name.eq_ignore_ascii_case(name)) else {
        let ddl = format!("ALTER TABLE {table_name} ADD COLUMN {name} {}", dialect.definition(column));
        let what =
            format!("the column {} is missing; or name the one that it is in catalog.columns", told(name, column));
        return Some(Misfit { what, ddl });
    };
    let change = || dialect.change_type(table_name, name, column);
    if column == "idx" {
        let misfit = || Misfit { what: format!("{name} does not number new rows by itself"), ddl: change() };
        return (!there.numbers_rows && !there.may_be_left_out).then(misfit);
    }
    let what = match holds(column) {
        Holds::Number if !is_number(&there.data_type) => "does not hold whole numbers".to_owned(),
        Holds::Date if !is_date(&there.data_type) => "does not hold date and time".to_owned(),
        Holds::Text(_) if !is_text(&there.data_type) => "does not hold text".to_owned(),
        Holds::Text(least) if there.max_characters.is_some_and(|most| most < least) => {
            format!("holds {} characters, {least} are needed", there.max_characters.unwrap_or(0))
        }
        _ => return None,
    };
    Some(Misfit { what: format!("{} is {} and {what}", told(name, column), there.data_type), ddl: change() })
}

/// A column's name, with ours where it has another there.
fn told(name: &str, column: &str) -> String {
    if name == column { name.to_owned() } else { format!("{name} ({column})") }
}

/// A column that Cameo does not know must do without a value.
fn misfit_of_other(table: &Table, dialect: Dialect, column: &FoundColumn) -> Option<Misfit> {
    let ours = COLUMNS.iter().any(|ours| table.column(ours).eq_ignore_ascii_case(&column.name));
    if ours || column.may_be_left_out {
        return None;
    }
    let what = format!("{} is not Cameo's, and a row cannot be written without it", column.name);
    Some(Misfit { what, ddl: dialect.allow_null(table.name(), column) })
}

fn misfit_of_index(table: &Table, found: &FoundTable) -> Option<Misfit> {
    let wanted = ["vertical", "cd_idx", "image_size", "sequence"].map(|column| table.column(column));
    let is_it = |index: &Vec<String>| {
        index.len() == wanted.len()
            && wanted.iter().all(|name| index.iter().any(|there| there.eq_ignore_ascii_case(name)))
    };
    if found.unique_indexes.iter().any(is_it) {
        return None;
    }
    let plain = table.name().rsplit('.').next().unwrap_or_default();
    let ddl = format!("CREATE UNIQUE INDEX {plain}_photo ON {} ({})", table.name(), wanted.join(", "));
    let what = "there is no unique index on what a row is known by, so a row could stand twice".to_owned();
    Some(Misfit { what, ddl })
}

fn is_number(data_type: &str) -> bool {
    data_type.ends_with("int") || ["integer", "numeric", "decimal"].contains(&data_type)
}

fn is_text(data_type: &str) -> bool {
    data_type.contains("char") || data_type.ends_with("text")
}

fn is_date(data_type: &str) -> bool {
    data_type == "datetime" || data_type.starts_with("timestamp")
}

impl Dialect {
    /// A column as it is added to a table that has rows already.
    fn definition(self, column: &str) -> String {
        let column_type = self.column_type(column);
        match (column, self, holds(column)) {
            ("idx", Self::MySql, _) => format!("{column_type} NOT NULL AUTO_INCREMENT UNIQUE"),
            ("idx", Self::Postgres, _) => format!("{column_type} GENERATED BY DEFAULT AS IDENTITY"),
            (_, _, Holds::Number) => format!("{column_type} NOT NULL DEFAULT 0"),
            (_, _, Holds::Text(_)) => format!("{column_type} NOT NULL DEFAULT ''"),
            (_, Self::MySql, Holds::Date) => format!("{column_type} NOT NULL DEFAULT '1970-01-01 00:00:00'"),
            (_, Self::Postgres, Holds::Date) => format!("{column_type} NOT NULL DEFAULT 'epoch'"),
        }
    }

    fn column_type(self, column: &str) -> &'static str {
        match (column, self) {
            ("vertical", Self::MySql) => "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            ("image_size", Self::MySql) => "VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            ("image_url", Self::MySql) => "VARCHAR(2048)",
            ("etag", Self::MySql) => "VARCHAR(255)",
            ("vertical" | "image_size", Self::Postgres) => "TEXT COLLATE \"C\"",
            ("image_url" | "etag", Self::Postgres) => "TEXT",
            ("regist_date" | "update_date", Self::MySql) => "DATETIME",
            ("regist_date" | "update_date", Self::Postgres) => "TIMESTAMPTZ",
            ("sequence" | "width" | "height", _) => "INTEGER",
            _ => "BIGINT",
        }
    }

    fn change_type(self, table: &str, name: &str, column: &str) -> String {
        match (self, column) {
            (Self::MySql, "idx") => format!("ALTER TABLE {table} MODIFY {name} BIGINT NOT NULL AUTO_INCREMENT"),
            (Self::Postgres, "idx") => {
                format!("ALTER TABLE {table} ALTER COLUMN {name} ADD GENERATED BY DEFAULT AS IDENTITY")
            }
            (Self::MySql, _) => format!("ALTER TABLE {table} MODIFY {name} {} NOT NULL", self.column_type(column)),
            (Self::Postgres, _) => {
                let to = self.column_type(column);
                let plain = to.split(" COLLATE").next().unwrap_or(to);
                format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {to} USING {name}::{plain}")
            }
        }
    }

    fn allow_null(self, table: &str, column: &FoundColumn) -> String {
        let name = &column.name;
        match self {
            Self::MySql => {
                let length = column.max_characters.map(|length| format!("({length})")).unwrap_or_default();
                format!("ALTER TABLE {table} MODIFY {name} {}{length} NULL", column.data_type.to_ascii_uppercase())
            }
            Self::Postgres => format!("ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn column(name: &str, data_type: &str) -> FoundColumn {
        let (name, data_type) = (name.to_owned(), data_type.to_owned());
        let max_characters = data_type.starts_with("varchar").then_some(255);
        FoundColumn { numbers_rows: name == "idx", may_be_left_out: false, max_characters, name, data_type }
    }

    fn fitting() -> FoundTable {
        let of = |column: &&str| match holds(column) {
            Holds::Number => "bigint",
            Holds::Text(_) => "varchar",
            Holds::Date => "datetime",
        };
        let columns = COLUMNS.iter().map(|name| column(name, of(name))).collect();
        let unique = ["image_size", "VERTICAL", "cd_idx", "sequence"].map(str::to_owned).to_vec();
        FoundTable { columns, unique_indexes: vec![vec!["idx".to_owned()], unique] }
    }

    fn text(table: &Table, found: &FoundTable, dialect: Dialect) -> Vec<String> {
        misfits(table, found, dialect).into_iter().map(|misfit| format!("{}\n  {}", misfit.what, misfit.ddl)).collect()
    }

    #[test]
    fn a_table_that_fits_needs_nothing_and_none_is_made() {
        for dialect in [Dialect::MySql, Dialect::Postgres] {
            assert_eq!(misfits(&Table::default(), &fitting(), dialect), []);
            assert_eq!(misfits(&Table::default(), &FoundTable::default(), dialect), []);
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_the_statement_that_mends_it() {
        let mut found = fitting();
        found.columns.retain(|column| column.name != "etag");
        found.columns.push(column("owner", "varchar"));
        found.unique_indexes.pop();
        for there in &mut found.columns {
            match there.name.as_str() {
                "idx" => there.numbers_rows = false,
                "cd_idx" => "varchar".clone_into(&mut there.data_type),
                "image_url" => there.max_characters = Some(100),
                "regist_date" => "date".clone_into(&mut there.data_type),
                _ => {}
            }
        }
        let of = |dialect| text(&Table::default(), &found, dialect).join("\n");
        insta::assert_snapshot!(format!("{}\n\n{}", of(Dialect::MySql), of(Dialect::Postgres)));
    }

    #[test]
    fn columns_go_by_the_names_that_they_are_mapped_to() {
        let mut found = fitting();
        for there in found.columns.iter_mut().filter(|there| there.name == "cd_idx") {
            "celeb_idx".clone_into(&mut there.name);
        }
        found.unique_indexes[1][2] = "celeb_idx".to_owned();
        let renamed = BTreeMap::from([("cd_idx".to_owned(), "celeb_idx".to_owned())]);
        assert_eq!(misfits(&Table::new("celeb.images", &renamed).unwrap(), &found, Dialect::MySql), []);
        assert_eq!(misfits(&Table::default(), &found, Dialect::MySql).len(), 3);
    }
}
