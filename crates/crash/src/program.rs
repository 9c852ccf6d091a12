//! The command under test: built on demand, beside the harness and in the same profile.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// What is built into the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// What is by default.
    Embedded,
    /// Points of death and planted bugs besides.
    Failpoints,
    /// The backends beyond one machine besides, as the tests of the workspace build it.
    Distributed,
}

/// Builds `cameo`, or `cameo-failpoints`, and returns its path.
pub fn build(build: Build) -> Result<PathBuf> {
    let name = if build == Build::Failpoints { "cameo-failpoints" } else { "cameo" };
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--bin", name]).args(match build {
        Build::Embedded => ["-p", "cameo-cli"].as_slice(),
        Build::Failpoints => &["-p", "cameo-cli", "--features", "failpoints"],
        Build::Distributed => &["--workspace", "--features", "cameo-cli/distributed"],
    });
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command.status().context("failed to run cargo")?;
    ensure!(status.success(), "failed to build {name}: {status}; or name a built one with --server");
    Ok(folder()?.join(name))
}

/// The folder of the profile: the harness stands in it, or, as a test, in its `deps`.
fn folder() -> Result<PathBuf> {
    let harness = std::env::current_exe().context("failed to find the harness itself")?;
    let folder = harness.parent().context("the harness is in no folder")?;
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    Ok(folder.to_owned())
}
