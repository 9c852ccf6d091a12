//! PostgreSQL from apt (`postgresql`).

use std::path::PathBuf;

use async_trait::async_trait;
use cameo::{
    catalog::{
        Catalog,
        contract::rules,
        limits::ServerLimits,
        postgres::{MIGRATIONS, PostgresCatalog},
        schema::Migration,
        table::Table,
    },
    clock::SystemClock,
    error::Result,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::SqlServer;
use crate::process::{Server, program, run, skipped, start};

#[derive(Debug)]
pub(crate) struct Postgres {
    server: PathBuf,
    process: Option<Server>,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// A new server, or nothing where it is not installed.
    pub(crate) fn install() -> Option<Self> {
        let folders = ["/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin"];
        let found = program("postgres", &folders).zip(program("initdb", &folders));
        let Some((server, install)) = found else {
            return skipped("postgresql");
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = super::as_user(&install, folder.path());
        // Not the C locale: what is compared byte by byte must not hang on the database's collation.
        command.args(["--username=root", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]);
        run(command.arg("-D").arg(folder.path().join("data")));
        let mut database = Self { server, folder, process: None };
        database.start();
        Some(database)
    }

    async fn connect(&self, database: &str) -> PgConnection {
        PgConnection::connect(&self.url("root", database)).await.expect("a connection")
    }
}

#[async_trait]
impl SqlServer for Postgres {
    fn start(&mut self) {
        let mut command = super::as_user(&self.server, self.folder.path());
        command.arg("-D").arg(self.folder.path().join("data")).arg("-k").arg(self.folder.path());
        command.args(["-c", "listen_addresses=", "-c", "fsync=off"]);
        // Immediate shutdown: connections are cut, and the log is replayed at the next start.
        self.process = Some(start(&mut command, "ready to accept connections").0.ended_by("-QUIT"));
    }

    fn stop(&mut self) {
        drop(self.process.take());
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    fn url(&self, user: &str, database: &str) -> String {
        let database = if database.is_empty() { "postgres" } else { database };
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{user}@{folder}/{database}")
    }

    fn url_at(&self, port: u16, database: &str) -> String {
        format!("postgres://root@127.0.0.1:{port}/{database}")
    }

    async fn open_limited(&self, url: &str, table: &Table, limits: ServerLimits) -> Result<Box<dyn Catalog>> {
        let catalog = PostgresCatalog::open(url, limits, table, rules(), std::sync::Arc::new(SystemClock)).await?;
        Ok(Box::new(catalog))
    }

    async fn execute(&self, database: &str, sql: &str) {
        let mut connection = self.connect(database).await;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect(sql);
    }

    async fn scalar(&self, database: &str, sql: &str) -> String {
        let sql = format!("SELECT CAST(({sql}) AS TEXT)");
        let mut connection = self.connect(database).await;
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("a value")
    }

    fn migrations(&self) -> &'static [Migration] {
        MIGRATIONS
    }
}
