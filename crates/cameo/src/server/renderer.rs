//! The engine as a host starts it: in child processes of this very executable.

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use tracing::warn;

use crate::{
    config::Config,
    model::error::{Error, Kind, Place, Result},
    render::{
        Render, child,
        children::{self, Children},
        in_process::InProcess,
    },
};

/// Starts the render children, and says once which guards this machine cannot put around them.
pub async fn start(config: &Config) -> Result<Arc<dyn Render>> {
    let setup = children::Config {
        limits: (&config.limits).into(),
        render_cpu: config.limits.render_cpu,
        render_wall: config.limits.render_wall,
        render_memory_bytes: config.limits.render_memory.as_u64(),
        originals_per_child: config.worker.originals_per_child,
        ..children::Config::new(executable()?, [OsString::from(child::SUBCOMMAND)], concurrency(config))
    };
    let failed = |error| Error::new(Place::Engine, Kind::Unavailable, "start the render children").because(error);
    let children = tokio::task::spawn_blocking(|| Children::start(setup)).await.map_err(failed)??;
    for protection in children.protections().iter().filter(|protection| !protection.stands()) {
        warn!(%protection, "a guard around the render children is missing on this machine");
    }
    Ok(Arc::new(children))
}

/// Starts the render children, or renders in this process where none can be started, as in a sandbox that allows no
/// other process: then a broken original is bounded by its size alone, not by time and memory of its own.
pub async fn start_or_in_process(config: &Config) -> Arc<dyn Render> {
    match start(config).await {
        Ok(children) => children,
        Err(error) => {
            warn!(%error, "originals are rendered in this process, without a guard around them");
            Arc::new(InProcess::new((&config.limits).into(), concurrency(config)))
        }
    }
}

/// On Linux this path stays the running executable even when its file is replaced by an upgrade.
fn executable() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe()
        .map_err(|error| Error::new(Place::Engine, Kind::Misconfigured, "find this executable").because(error))
}

/// How many originals are rendered side by side.
pub fn concurrency(config: &Config) -> usize {
    match config.worker.resize_concurrency {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    }
}
