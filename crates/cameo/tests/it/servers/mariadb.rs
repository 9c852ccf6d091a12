//! MariaDB from apt (`mariadb-server`).

use std::{path::PathBuf, process::Command};

use async_trait::async_trait;
use cameo::{
    catalog::{
        Catalog,
        contract::rules,
        limits::ServerLimits,
        mysql::{MIGRATIONS, MySqlCatalog},
        schema::Migration,
        table::Table,
    },
    clock::SystemClock,
    error::Result,
};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::SqlServer;
use crate::process::{Server, program, run, skipped, start};

#[derive(Debug)]
pub(crate) struct MariaDb {
    server: PathBuf,
    process: Option<Server>,
    folder: tempfile::TempDir,
}

impl MariaDb {
    /// A new server, or nothing where it is not installed.
    pub(crate) fn install() -> Option<Self> {
        let found = program("mariadbd", &["/usr/sbin"]).zip(program("mariadb-install-db", &[]));
        let Some((server, install)) = found else {
            return skipped("mariadb-server");
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = super::as_user(&install, folder.path());
        command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        run(command.arg(format!("--datadir={}", folder.path().join("data").display())));
        let mut database = Self { server, folder, process: None };
        database.start();
        Some(database)
    }

    async fn connect(&self, database: &str) -> MySqlConnection {
        MySqlConnection::connect(&self.url("root", database)).await.expect("a connection")
    }
}

#[async_trait]
impl SqlServer for MariaDb {
    fn start(&mut self) {
        let mut command: Command = super::as_user(&self.server, self.folder.path());
        command.args(["--no-defaults", "--skip-networking", "--innodb-flush-log-at-trx-commit=2"]);
        command.arg(format!("--datadir={}", self.folder.path().join("data").display()));
        command.arg(format!("--socket={}", self.socket().display()));
        self.process = Some(start(&mut command, "ready for connections").0);
    }

    fn stop(&mut self) {
        drop(self.process.take());
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("mysql.sock")
    }

    fn url(&self, user: &str, database: &str) -> String {
        format!("mysql://{user}@localhost/{database}?socket={}", self.socket().display())
    }

    fn url_at(&self, port: u16, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{port}/{database}")
    }

    async fn open_limited(&self, url: &str, table: &Table, limits: ServerLimits) -> Result<Box<dyn Catalog>> {
        let catalog = MySqlCatalog::open(url, limits, table, rules(), std::sync::Arc::new(SystemClock)).await?;
        Ok(Box::new(catalog))
    }

    async fn execute(&self, database: &str, sql: &str) {
        let mut connection = self.connect(database).await;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect(sql);
    }

    async fn scalar(&self, database: &str, sql: &str) -> String {
        let sql = format!("SELECT CAST(({sql}) AS CHAR)");
        let mut connection = self.connect(database).await;
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("a value")
    }

    fn migrations(&self) -> &'static [Migration] {
        MIGRATIONS
    }
}
