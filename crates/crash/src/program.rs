//! The command under test: built on demand, beside the harness and in the same profile.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// Builds `cameo`, or `cameo-failpoints` with its points and planted bugs, and returns its path.
pub fn build(with_failpoints: bool) -> Result<PathBuf> {
    let name = if with_failpoints { "cameo-failpoints" } else { "cameo" };
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "-p", "cameo-cli", "--bin", name]);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    if with_failpoints {
        command.args(["--features", "failpoints"]);
    }
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
    let folder = harness.parent().context("the harness stands in no folder")?;
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    Ok(folder.to_owned())
}
