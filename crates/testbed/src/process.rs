//! Programs that tests start: found, started, waited for, and ended with the test.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A server that ends with its handle.
#[derive(Debug)]
pub struct Server {
    child: Child,
    ends_by: &'static str,
}

impl Server {
    /// The same server, ended by this signal.
    #[must_use]
    pub fn ended_by(self, signal: &'static str) -> Self {
        let mut server = self;
        server.ends_by = signal;
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = Command::new("kill").arg(self.ends_by).arg(self.child.id().to_string()).status();
            let _ = self.child.wait();
        }
    }
}

/// The program in one of these folders or on the path.
#[expect(clippy::disallowed_methods, reason = "the path is where programs are")]
pub fn program(name: &str, folders: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().map(PathBuf::from).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|file| file.exists())
}

/// Tells loudly that something is not installed. With `CAMEO_TEST_ALL` set the test fails instead, so that nobody takes
/// a skipped test for a passed one.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says whether all must run")]
pub fn skipped<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CAMEO_TEST_ALL").is_none(), "not installed: {what}");
    eprintln!("SKIPPED: {what} is not installed");
    None
}

/// Runs a program to its end.
pub fn run(command: &mut Command) {
    let output = command.output().expect("a program that starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Starts a server and waits until it says that it is ready, on its standard error; returns the line that said it.
pub fn start(command: &mut Command, ready: &str) -> (Server, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a server that starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
    let server = Server { child, ends_by: "-KILL" };
    let mut said = String::new();
    let line = loop {
        let line = lines.next().and_then(std::io::Result::ok).unwrap_or_else(|| panic!("it did not start:\n{said}"));
        if line.contains(ready) {
            break line;
        }
        said.push_str(&line);
        said.push('\n');
    };
    // Somebody must read on, or a full pipe stops the server.
    std::thread::spawn(move || lines.for_each(drop));
    (server, line)
}

/// Whom servers run as, since PostgreSQL refuses to run as root.
const USER: &str = "nobody";

/// A command that runs as somebody who is not root and may write to `folder`.
pub fn as_user(program: &Path, folder: &Path) -> Command {
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

/// A client of a SQL server that stays, and so does what it locked. It ends with its handle.
#[derive(Debug)]
pub struct Session {
    child: Child,
    /// Open, so that the client waits for more.
    _input: std::process::ChildStdin,
}

impl Session {
    /// Starts the client and lets it run the statements.
    pub(crate) fn start(mut command: Command, statements: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("a client of the SQL server");
        let mut input = child.stdin.take().expect("its input");
        // A client that the server does not let in has ended: that is for the caller to see.
        let _ = std::io::Write::write_all(&mut input, statements.as_bytes());
        let _ = std::io::Write::flush(&mut input);
        Self { child, _input: input }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
