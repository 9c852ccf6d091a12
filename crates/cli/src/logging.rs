//! Log lines, on standard error: standard output belongs to the command's answer.

use std::io::{self, IsTerminal};

use cameo::{
    config::{Environment, Log, LogFormat},
    error::{Error, Kind, Place},
};
use tracing_subscriber::EnvFilter;

/// Silences the S3 protocol library.
const S3S_OFF: &str = "s3s=off";

/// Starts logging as configured; `CAMEO_LOG` goes over the level.
pub(crate) fn start(log: &Log, environment: &Environment) -> anyhow::Result<()> {
    let (name, level) = match environment.get("CAMEO_LOG") {
        Some(level) => ("CAMEO_LOG", level),
        None => ("log.level", log.level.as_str()),
    };
    Log::check_level(name, level)?;
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Error::new(Place::System, Kind::Misconfigured, format!("read {name} = {level:?}")).because(error)
    })?;
    // s3s logs whole requests, their signatures included: whatever the level, nothing secret goes into a log.
    let filter = filter.add_directive(S3S_OFF.parse()?);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    if text {
        subscriber.with_target(false).init();
    } else {
        subscriber.json().init();
    }
    Ok(())
}
