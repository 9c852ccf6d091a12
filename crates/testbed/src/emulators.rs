//! Emulators of AWS from pip (`moto[server]`, `ministack`), on a free port, with a clock that the test moves.
//!
//! The clock is libfaketime's (`faketime` from apt), so that visibility timeouts end without anybody waiting for them.

use std::{
    path::PathBuf,
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::process::{Server, program, skipped, start};

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    _server: Server,
    folder: tempfile::TempDir,
    url: String,
    passed: Mutex<Duration>,
}

impl Emulator {
    /// `moto_server`, or nothing where it is not installed.
    pub fn moto() -> Option<Self> {
        let moto = program("moto_server", &[]).or_else(|| skipped("moto[server] (pip)"))?;
        let mut command = Command::new(moto);
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        Self::start(command)
    }

    /// `ministack`, or nothing where it is not installed.
    pub fn ministack() -> Option<Self> {
        let ministack = program("ministack", &[]).or_else(|| skipped("ministack (pip)"))?;
        let mut command = Command::new(ministack);
        command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", "0");
        Self::start(command)
    }

    fn start(mut command: Command) -> Option<Self> {
        let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"];
        let clock = program("libfaketimeMT.so.1", &folders).or_else(|| skipped("faketime (apt)"))?;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("clock"), "+0\n").expect("a file");
        command
            .env("LD_PRELOAD", clock)
            .env("FAKETIME_TIMESTAMP_FILE", folder.path().join("clock"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .current_dir(folder.path());
        let (server, line) = start(&mut command, "Running on http://");
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address").to_owned();
        Some(Self { _server: server, folder, url, passed: Mutex::default() })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Moves its clock.
    pub fn pass(&self, by: Duration) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        *passed += by;
        // Renamed, so that it is never read half written.
        let (new, clock): (PathBuf, _) = (self.folder.path().join("new"), self.folder.path().join("clock"));
        std::fs::write(&new, format!("+{}s\n", passed.as_secs())).expect("a file");
        std::fs::rename(new, clock).expect("a file");
    }
}
