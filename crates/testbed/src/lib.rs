//! Real servers and emulators for tests: MariaDB, PostgreSQL, emulators of AWS, and a proxy that cuts connections.
//!
//! Each is started on demand with a folder of its own, as somebody who is not root, and ends with its handle. A test never
//! uses a server that happens to run. Where a program is not installed, `install` and its like say so and return nothing.
//! For development only; it knows nothing of Cameo.

#![expect(clippy::missing_panics_doc, reason = "a test bed that cannot be set up ends its test; everything here may")]

use std::{
    fmt::Debug,
    path::PathBuf,
    process::{Command, Stdio},
};

pub mod emulators;
pub mod http_proxy;
pub mod mariadb;
pub mod postgres;
pub mod process;
pub mod proxy;

/// A SQL server whose owner is `root`, without a password.
pub trait SqlServer: Send + Sync + Debug {
    /// Starts it again after [`SqlServer::stop`].
    fn start(&mut self);
    /// Stops it at once, as a crash would; its data stay.
    fn stop(&mut self);
    /// A database that is there from the start.
    fn database(&self) -> &'static str;
    /// Where it listens.
    fn socket(&self) -> PathBuf;
    /// Its address for a user and a database.
    fn url(&self, user: &str, database: &str) -> String;
    /// Its address behind a [proxy](proxy::Proxy) on this machine.
    fn url_at(&self, port: u16, database: &str) -> String;
    /// A command that runs, as `root` in its [database](Self::database), the statements that it reads.
    fn client(&self) -> Command;

    /// A session that has begun to run these statements and stays: what they lock is locked until it is dropped.
    fn session(&self, statements: &str) -> process::Session {
        process::Session::start(self.client(), statements)
    }

    /// Runs statements as `root`.
    ///
    /// # Errors
    /// What the server said, where it refused one.
    fn run(&self, statements: &str) -> Result<String, String> {
        let mut child = self
            .client()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        if let Some(mut input) = child.stdin.take() {
            std::io::Write::write_all(&mut input, statements.as_bytes()).map_err(|error| error.to_string())?;
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
