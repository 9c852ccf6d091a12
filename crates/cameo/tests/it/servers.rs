//! What tests of the catalog do with a real server: open the catalog in it, and look at its tables from beside.

use async_trait::async_trait;
use cameo::{
    catalog::{
        Catalog, CatalogSettings, Use,
        contract::rules,
        limits::ServerLimits,
        mysql::{self, MySqlCatalog},
        postgres::{self, PostgresCatalog},
        schema::Migration,
        table::Table,
    },
    clock::SystemClock,
    model::error::Result,
};
use cameo_testbed::{SqlServer, mariadb::MariaDb, postgres::Postgres};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection};

/// A server with catalogs in its databases.
#[async_trait]
pub(crate) trait CatalogServer: SqlServer {
    /// Opens the catalog at an address.
    async fn open_limited(&self, url: &str, table: &Table, limits: ServerLimits) -> Result<Box<dyn Catalog>>;
    /// Runs statements as the owner of everything.
    async fn execute(&self, database: &str, sql: &str);
    /// The one value that a query returns, as text.
    async fn scalar(&self, database: &str, sql: &str) -> String;
    /// How a table is declared, where the server tells; else nothing.
    async fn show_create(&self, database: &str, table: &str) -> String;
    /// The migrations of its catalog.
    fn migrations(&self) -> &'static [Migration];

    /// Opens the catalog of a database.
    async fn open(&self, database: &str, table: &Table) -> Result<Box<dyn Catalog>> {
        self.open_limited(&self.url("root", database), table, ServerLimits::default()).await
    }

    /// Creates a database.
    async fn create_database(&self, name: &str) {
        self.execute("", &format!("CREATE DATABASE {name}")).await;
    }
}

macro_rules! catalog_server {
    ($server:ident, $catalog:ident, $connection:ident, $dialect:ident, $text:literal, $show:expr) => {
        #[async_trait]
        impl CatalogServer for $server {
            async fn open_limited(&self, url: &str, table: &Table, limits: ServerLimits) -> Result<Box<dyn Catalog>> {
                let settings = CatalogSettings { table: table.clone(), rules: rules(), limits };
                let clock = std::sync::Arc::new(SystemClock);
                Ok(Box::new($catalog::open(url, settings, clock, Use::ReadAndWrite).await?))
            }

            async fn execute(&self, database: &str, sql: &str) {
                let mut connection = $connection::connect(&self.url("root", database)).await.expect("a connection");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect(sql);
            }

            async fn scalar(&self, database: &str, sql: &str) -> String {
                let sql = format!("SELECT CAST(({sql}) AS {})", $text);
                let mut connection = $connection::connect(&self.url("root", database)).await.expect("a connection");
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("a value")
            }

            async fn show_create(&self, database: &str, table: &str) -> String {
                let show: Option<&str> = $show;
                let Some(show) = show else { return String::new() };
                let mut connection = $connection::connect(&self.url("root", database)).await.expect("a connection");
                let show = format!("{show} {table}");
                let told: (String, String) =
                    sqlx::query_as(AssertSqlSafe(show)).fetch_one(&mut connection).await.expect("a table");
                told.1
            }

            fn migrations(&self) -> &'static [Migration] {
                $dialect::MIGRATIONS
            }
        }
    };
}

catalog_server!(MariaDb, MySqlCatalog, MySqlConnection, mysql, "CHAR", Some("SHOW CREATE TABLE"));
catalog_server!(Postgres, PostgresCatalog, PgConnection, postgres, "TEXT", None);
