//! The public table: its name and the names of its columns, which can be those of a table that already exists.

use std::collections::BTreeMap;

use crate::model::error::{Error, Kind, Place, Result};

/// The columns of the public table, by the names that Cameo knows them by.
pub const COLUMNS: [&str; 12] = [
    "idx",
    "vertical",
    "cd_idx",
    "image_size",
    "sequence",
    "image_url",
    "width",
    "height",
    "bytes",
    "etag",
    "regist_date",
    "update_date",
];

/// Name of the public table unless configured otherwise.
pub const DEFAULT_NAME: &str = "celeb_image_url";

/// The public table as it is named in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    name: String,
    columns: BTreeMap<&'static str, String>,
}

impl Default for Table {
    fn default() -> Self {
        let columns = COLUMNS.iter().map(|column| (*column, (*column).to_owned())).collect();
        Self { name: DEFAULT_NAME.to_owned(), columns }
    }
}

impl Table {
    /// The table `name`, with some columns under other names.
    pub fn new(name: &str, renamed: &BTreeMap<String, String>) -> Result<Self> {
        let mut table = Self { name: checked(name)?.to_owned(), ..Self::default() };
        for (column, in_sql) in renamed {
            let known = COLUMNS.iter().find(|known| *known == column).ok_or_else(|| {
                misconfigured(format!("read catalog.columns: {column:?} is not one of {}", COLUMNS.join(", ")))
            })?;
            table.columns.insert(known, checked(in_sql)?.to_owned());
        }
        Ok(table)
    }

    /// The name in SQL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of a column in SQL.
    pub fn column(&self, column: &'static str) -> &str {
        self.columns.get(column).map_or(column, String::as_str)
    }

    /// The name without its schema, as names of indexes begin with it.
    pub fn plain_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// The table with its names in quotes, for statements: one that is a word of SQL, or that has capitals in PostgreSQL,
    /// is understood in quotes only. `name` is how the table itself is spelled, and `spelled` how a column is.
    pub(super) fn quoted(&self, mark: char, name: &str, spelled: impl Fn(&str) -> String) -> Self {
        let quote = |name: &str| format!("{mark}{name}{mark}");
        let columns = self.columns.iter().map(|(column, in_sql)| (*column, quote(&spelled(in_sql)))).collect();
        Self { name: name.split('.').map(quote).collect::<Vec<_>>().join("."), columns }
    }

    /// A statement in which `{table}` and `{cd_idx}` … are replaced by the names in SQL.
    pub fn statement(&self, template: &str) -> String {
        let named = template.replace("{table}", &self.name);
        self.columns.iter().fold(named, |sql, (column, in_sql)| sql.replace(&format!("{{{column}}}"), in_sql))
    }
}

/// An identifier that needs no quotes in any SQL dialect: names are put into statements, so nothing else may pass.
fn checked(name: &str) -> Result<&str> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if plain && begins && name.len() <= 64 {
        return Ok(name);
    }
    Err(misconfigured(format!(
        "read catalog: {name:?} is not a valid name of a table or column (A–Z a–z 0–9 _, at most 64)"
    )))
}

fn misconfigured(doing: String) -> Error {
    Error::new(Place::Catalog, Kind::Misconfigured, doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_carry_the_names_of_an_existing_table() {
        let renamed = BTreeMap::from([("cd_idx".to_owned(), "celeb_idx".to_owned())]);
        let table = Table::new("celeb.images", &renamed).unwrap();
        assert_eq!(table.statement("SELECT {cd_idx}, {etag} FROM {table}"), "SELECT celeb_idx, etag FROM celeb.images");
    }

    #[test]
    fn names_cannot_carry_sql() {
        assert!(Table::new("t; DROP TABLE x", &BTreeMap::new()).is_err());
        assert!(Table::new("t", &BTreeMap::from([("cd_idx".into(), "a b".into())])).is_err());
        assert!(Table::new("t", &BTreeMap::from([("nonsense".into(), "a".into())])).is_err());
    }
}
