//! Every catalog passes the one contract.

use std::sync::Arc;

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
