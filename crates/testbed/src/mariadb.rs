//! MariaDB from apt (`mariadb-server`).

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    SqlServer,
    process::{Server, as_user, program, run, skipped, start},
};

/// The database that each has.
const DATABASE: &str = "celeb";

/// A MariaDB server.
#[derive(Debug)]
pub struct MariaDb {
    server: PathBuf,
    process: Option<Server>,
    folder: tempfile::TempDir,
}

impl MariaDb {
    /// A new server, or nothing where it is not installed.
    pub fn install() -> Option<Self> {
        let found = program("mariadbd", &["/usr/sbin"]).zip(program("mariadb-install-db", &[]));
        let Some((server, install)) = found else {
            return skipped("mariadb-server (apt)");
        };
        let folder = tempfile::tempdir().expect("a folder");
        let create = format!("CREATE DATABASE IF NOT EXISTS {DATABASE};\n");
        std::fs::write(folder.path().join("init.sql"), create).expect("a file");
        let mut command = as_user(&install, folder.path());
        command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        command.arg(temporary_files(folder.path()));
        run(command.arg(format!("--datadir={}", folder.path().join("data").display())));
        let mut database = Self { server, folder, process: None };
        database.start();
        Some(database)
    }
}

/// Each server has a folder of its own for temporary tables: one that starts removes all that it finds there, in `/tmp` those of its neighbours.
fn temporary_files(folder: &Path) -> String {
    format!("--tmpdir={}", folder.display())
}

impl SqlServer for MariaDb {
    fn start(&mut self) {
        let mut command: Command = as_user(&self.server, self.folder.path());
        command.args(["--no-defaults", "--skip-networking", "--innodb-flush-log-at-trx-commit=2"]);
        command.arg(format!("--datadir={}", self.folder.path().join("data").display()));
        command.arg(temporary_files(self.folder.path()));
        command.arg(format!("--socket={}", self.socket().display()));
        command.arg(format!("--init-file={}", self.folder.path().join("init.sql").display()));
        self.process = Some(start(&mut command, "ready for connections").0);
    }

    fn stop(&mut self) {
        drop(self.process.take());
    }

    fn database(&self) -> &'static str {
        DATABASE
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("mysql.sock")
    }

    fn url(&self, user: &str, database: &str) -> String {
        format!("mysql://{user}@localhost/{database}?socket={}", self.socket().display())
    }

    fn client(&self) -> Command {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--batch", "--skip-column-names", "--unbuffered", "--user=root"]);
        command.arg(format!("--socket={}", self.socket().display())).arg(DATABASE);
        command
    }

    fn url_at(&self, port: u16, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{port}/{database}")
    }
}
