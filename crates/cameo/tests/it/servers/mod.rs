//! Real SQL servers for tests: own data folder, own user, a socket in that folder instead of a port.
//!
//! A test never uses a server that happens to run. Where a server is not installed its tests say so and pass.

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
    process::Command,
};

use async_trait::async_trait;
use cameo::{
    catalog::{Catalog, limits::ServerLimits, schema::Migration, table::Table},
    error::Result,
};

pub(crate) mod mariadb;
pub(crate) mod postgres;
pub(crate) mod proxy;

/// A server under test.
#[async_trait]
pub(crate) trait SqlServer: Send + Sync + Debug {
    /// Starts it again after [`SqlServer::stop`].
    fn start(&mut self);
    /// Stops it; its data stay.
    fn stop(&mut self);
    /// Where it listens.
    fn socket(&self) -> PathBuf;
    /// Its address for a user and a database.
    fn url(&self, user: &str, database: &str) -> String;
    /// Its address behind a proxy on this machine.
    fn url_at(&self, port: u16, database: &str) -> String;
    /// Opens the catalog at an address.
    async fn open_limited(&self, url: &str, table: &Table, limits: ServerLimits) -> Result<Box<dyn Catalog>>;
    /// Runs statements as the owner of everything.
    async fn execute(&self, database: &str, sql: &str);
    /// The one value that a query returns, as text.
    async fn scalar(&self, database: &str, sql: &str) -> String;
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

/// Whom servers run as, since PostgreSQL refuses to run as root.
const USER: &str = "nobody";

/// A command that runs as somebody who is not root and may write to `folder`.
fn as_user(program: &Path, folder: &Path) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !root {
        return Command::new(program);
    }
    let owned = Command::new("chown").arg("-R").arg(USER).arg(folder).status();
    assert!(owned.is_ok_and(|status| status.success()), "{} must become {USER}'s", folder.display());
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--clear-groups"]).arg(program);
    command
}
