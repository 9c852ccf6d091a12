//! Every catalog passes the one contract.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use cameo::{
    catalog::{
        Catalog, LedgerReader, Registry,
        contract::{Fixture, check_all, rendered, rules},
        memory::MemoryCatalog,
        sqlite::{self, SqliteCatalog},
        table::Table,
    },
    clock::SystemClock,
    db::Sqlite,
    ledger::{Row, Scope},
    model::error::Kind,
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

/// A database with the rows of one photo, and a connection to spoil it by.
async fn filled(folder: &std::path::Path) -> (SqliteCatalog, rusqlite::Connection) {
    let path = folder.join("cameo.db");
    let db = Sqlite::open(&path).await.unwrap();
    let catalog = SqliteCatalog::open(db, &Table::default(), rules(), Arc::new(SystemClock)).await.unwrap();
    catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq", "ve"])]).await.unwrap();
    (catalog, rusqlite::Connection::open(path).unwrap())
}

/// `flow.md` 6 and 18, embedded: refused by the start and by what `doctor` asks, and nothing is made in its place.
#[tokio::test]
async fn a_table_in_sqlite_that_could_mix_rows_or_is_away_is_refused() {
    const COLUMNS: &str = "vertical, cd_idx, image_size, sequence";
    for (spoil, told) in [
        ("CREATE UNIQUE INDEX u ON celeb_image_url (cd_idx, image_size, sequence)".to_owned(), "index u"),
        (
            format!("CREATE UNIQUE INDEX u ON celeb_image_url ({})", COLUMNS.replace("vertical", "lower(vertical)")),
            "index u",
        ),
        (
            format!(
                "CREATE TABLE t AS SELECT * FROM celeb_image_url; DROP TABLE celeb_image_url; ALTER TABLE t RENAME TO \
                celeb_image_url; CREATE UNIQUE INDEX n ON celeb_image_url ({})",
                COLUMNS.replace("vertical", "vertical COLLATE NOCASE")
            ),
            "",
        ),
        ("ALTER TABLE celeb_image_url RENAME TO aside".to_owned(), "rename it back"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, connection) = filled(folder.path()).await;
        connection.execute_batch(&spoil).unwrap();
        drop(catalog);
        let path = folder.path().join("cameo.db");
        let db = Sqlite::open(&path).await.unwrap();
        let start = SqliteCatalog::open(db, &Table::default(), rules(), Arc::new(SystemClock)).await.expect_err(&spoil);
        let check = sqlite::check(&Sqlite::open_read_only(&path).await.unwrap(), &Table::default()).await.unwrap_err();
        for error in [&start, &check] {
            assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}

/// `flow.md` 12 and 19, embedded: columns that would give back something else than what is written, and others without which no row can be
/// written.
#[tokio::test]
async fn a_table_in_sqlite_whose_columns_do_not_fit_is_refused() {
    for (from, to, told) in [
        ("cd_idx INTEGER", "cd_idx TEXT", Some("column cd_idx is TEXT, and must be INTEGER")),
        ("width INTEGER", "width REAL", Some("column width is REAL, and must be INTEGER")),
        ("vertical TEXT", "vertical NUMERIC", Some("column vertical is NUMERIC, and must be TEXT")),
        ("etag TEXT", "owner INT NOT NULL, etag TEXT", Some("without its column owner")),
        ("etag TEXT", "owner INT NOT NULL DEFAULT 1, note TEXT, etag VARCHAR(64)", None),
        ("cd_idx INTEGER", "cd_idx BIGINT", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, connection) = filled(folder.path()).await;
        let query = "SELECT sql FROM sqlite_schema WHERE name = 'celeb_image_url'";
        let sql: String = connection.query_row(query, (), |row| row.get(0)).unwrap();
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ").replace(from, to);
        assert!(sql.contains(to), "{sql}");
        connection.execute_batch(&format!("DROP TABLE celeb_image_url; {sql}")).unwrap();
        drop(catalog);
        let path = folder.path().join("cameo.db");
        let check = sqlite::check(&Sqlite::open_read_only(&path).await.unwrap(), &Table::default()).await;
        let db = Sqlite::open(&path).await.unwrap();
        let start = SqliteCatalog::open(db, &Table::default(), rules(), Arc::new(SystemClock)).await;
        for answer in [start.map(drop), check] {
            match (answer, told) {
                (Err(error), Some(told)) => {
                    assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
                    assert!(error.to_string().contains(told), "{error}");
                }
                (answer, told) => assert!(answer.is_ok() && told.is_none(), "{to}: {answer:?}"),
            }
        }
    }
}

/// `flow.md` 11, embedded, and "From reading": more numbers than a statement has values for.
#[tokio::test]
async fn foreign_rows_and_a_hundred_thousand_numbers_in_sqlite_are_no_matter() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, connection) = filled(folder.path()).await;
    let others = [
        "'a b', 1, 'sq', 0",
        "'v', 0, 'sq', 0",
        "'v', 1.5, 'sq', 0",
        "'v', 'x', 'sq', 0",
        "'v', 1, 'sq', 70000",
        "'v', 1, '', 0",
    ];
    for row in others {
        let insert = "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag,
            regist_date, update_date) VALUES";
        connection.execute_batch(&format!("{insert} ({row}, '', 'wide', 1, 1, '', '', '')")).unwrap();
    }
    connection
        .execute_batch("UPDATE celeb_image_url SET width = 'wide' WHERE cd_idx = 1 AND image_size = 'sq'")
        .unwrap();
    for vertical in [Some("v".parse().unwrap()), None] {
        let scope = Scope::Ids { vertical, cd_idx: (1..=100_000).collect() };
        assert_eq!(catalog.rows(&scope, None, 100).await.unwrap().len(), 2);
        assert_eq!(catalog.ledger(&scope, "", 100).await.unwrap().len(), 1);
    }
    let mut seen: Vec<Row> = Vec::new();
    while let Some(page) =
        Some(catalog.rows(&Scope::All, seen.last(), 1).await.unwrap()).filter(|page| !page.is_empty())
    {
        seen.extend(page);
    }
    assert_eq!((seen.len(), seen[0].width), (2, 0));
    assert_eq!(catalog.foreign_rows().await.unwrap().rows, others.len() as u64);
    catalog.register(&[rendered("origin/v/1_0.jpg", 2, &["sq", "ve"])]).await.unwrap();
    assert_eq!(catalog.rows(&Scope::All, None, 100).await.unwrap()[0].width, 320);
}
