//! Every catalog passes the one contract.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use cameo::{
    catalog::{
        Catalog,
        contract::{Fixture, check_all, rules},
        memory::MemoryCatalog,
        sqlite::SqliteCatalog,
        table::Table,
    },
    clock::SystemClock,
    error::Kind,
    sqlite::Sqlite,
};

#[derive(Debug)]
struct Memory;

#[async_trait]
impl Fixture for Memory {
    async fn empty_catalog(&self) -> Box<dyn Catalog> {
        Box::new(MemoryCatalog::new(rules(), Arc::new(SystemClock)))
    }
}

#[derive(Debug)]
struct InSqlite {
    folder: tempfile::TempDir,
    table: Table,
}

#[async_trait]
impl Fixture for InSqlite {
    async fn empty_catalog(&self) -> Box<dyn Catalog> {
        let file = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        let db = Sqlite::open(&file.path().with_extension("db")).await.unwrap();
        Box::new(SqliteCatalog::open(db, &self.table, rules(), Arc::new(SystemClock)).await.unwrap())
    }
}

#[tokio::test]
async fn memory_passes() {
    check_all(&Memory).await;
}

#[tokio::test]
async fn sqlite_passes() {
    check_all(&InSqlite { folder: tempfile::tempdir().unwrap(), table: Table::default() }).await;
}

#[tokio::test]
async fn sqlite_passes_with_a_table_of_other_names() {
    let renamed = [("cd_idx", "celeb_idx"), ("image_url", "url"), ("sequence", "seq")];
    let renamed = renamed.map(|(column, name)| (column.to_owned(), name.to_owned())).into();
    let table = Table::new("celeb_images", &renamed).unwrap();
    check_all(&InSqlite { folder: tempfile::tempdir().unwrap(), table }).await;
}

/// A table in which a row that is registered again would stand twice, and one that lacks a column, are refused at start.
#[tokio::test]
async fn a_table_in_sqlite_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cameo.db");
    let open = async |table: &str, renamed: &[(&str, &str)]| {
        let renamed: BTreeMap<_, _> = renamed.iter().map(|(column, name)| ((*column).into(), (*name).into())).collect();
        let db = Sqlite::open(&path).await.unwrap();
        let table = Table::new(table, &renamed).unwrap();
        SqliteCatalog::open(db, &table, rules(), Arc::new(SystemClock)).await
    };
    open("celeb_image_url", &[]).await.unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE copied AS SELECT * FROM celeb_image_url").unwrap();
    for (table, renamed, told) in [
        ("copied", &[][..], "CREATE UNIQUE INDEX copied_photo ON copied (vertical, cd_idx, image_size, sequence)"),
        ("celeb_image_url", &[("etag", "digest")][..], "digest"),
    ] {
        let error = open(table, renamed).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}
