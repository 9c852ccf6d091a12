//! Real SQL servers for tests: own data folder, own user, a socket in that folder instead of a port.
//!
//! A test never uses a server that happens to run. Where a server is not installed its tests say so and pass; with
//! `CAMEO_TEST_ALL` set they fail instead, so that nobody takes a skipped test for a passed one.

use std::{
    fmt::Debug,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use async_trait::async_trait;
use cameo::{
    catalog::{Catalog, schema::Migration, server::ServerLimits, table::Table},
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

/// The program in one of these folders or on the path.
pub(crate) fn program(name: &str, folders: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().map(PathBuf::from).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|file| file.exists())
}

/// Tells loudly that something is not installed.
pub(crate) fn skipped(what: &str) {
    assert!(std::env::var_os("CAMEO_TEST_ALL").is_none(), "not installed: {what}");
    eprintln!("SKIPPED: {what} is not installed");
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

fn run(command: &mut Command) {
    let output = command.output().expect("a program that starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Starts a server and waits until it says that it is ready.
fn start(command: &mut Command, ready: &str) -> Child {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a server that starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
    let mut said = String::new();
    loop {
        let line = lines.next().and_then(std::io::Result::ok).unwrap_or_else(|| panic!("it did not start:\n{said}"));
        if line.contains(ready) {
            break;
        }
        said.push_str(&line);
        said.push('\n');
    }
    // Somebody must read on, or a full pipe stops the server.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

/// Asks a server to end in a way that it treats as a crash of its clients, not of itself, and waits for that.
fn stop(child: &mut Child, signal: &str) {
    let told = Command::new("kill").arg(signal).arg(child.id().to_string()).status();
    assert!(told.is_ok_and(|status| status.success()), "the server is there to be told");
    child.wait().expect("a server that ends");
}
