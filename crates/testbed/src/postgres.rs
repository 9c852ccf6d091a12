//! PostgreSQL from apt (`postgresql`).

use std::{path::PathBuf, process::Command};

use crate::{
    SqlServer,
    process::{Server, as_user, program, run, skipped, start},
};

/// Where Debian keeps the programs of each version.
const FOLDERS: [&str; 3] = ["/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin"];

/// A PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    server: PathBuf,
    process: Option<Server>,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// A new server, or nothing where it is not installed.
    pub fn install() -> Option<Self> {
        let found = program("postgres", &FOLDERS).zip(program("initdb", &FOLDERS));
        let Some((server, install)) = found else {
            return skipped("postgresql (apt)");
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = as_user(&install, folder.path());
        // Not the C locale: what is compared byte by byte must not hang on the database's collation.
        command.args(["--username=root", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]);
        run(command.arg("-D").arg(folder.path().join("data")));
        let mut database = Self { server, folder, process: None };
        database.start();
        Some(database)
    }
}

impl SqlServer for Postgres {
    fn start(&mut self) {
        let mut command = as_user(&self.server, self.folder.path());
        command.arg("-D").arg(self.folder.path().join("data")).arg("-k").arg(self.folder.path());
        command.args(["-c", "listen_addresses=", "-c", "fsync=off"]);
        // Immediate shutdown: connections are cut, and the log is replayed at the next start.
        self.process = Some(start(&mut command, "ready to accept connections").0.ended_by("-QUIT"));
    }

    fn stop(&mut self) {
        drop(self.process.take());
    }

    fn database(&self) -> &'static str {
        "postgres"
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    fn url(&self, user: &str, database: &str) -> String {
        let database = if database.is_empty() { "postgres" } else { database };
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{user}@{folder}/{database}")
    }

    fn client(&self) -> Command {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", "root", "-d", self.database()]);
        command.arg("-h").arg(self.folder.path());
        command
    }

    fn url_at(&self, port: u16, database: &str) -> String {
        format!("postgres://root@127.0.0.1:{port}/{database}")
    }
}
