//! The commands, a file each.

use std::{io::Write, path::Path, sync::Arc};

use cameo::{
    clock::{Clock, SystemClock},
    config::{Config, Environment},
};
use serde::Serialize;

use crate::Common;

pub(crate) mod adopt;
mod dead_letters;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod mend;
pub(crate) mod places;
pub(crate) mod recover;
pub(crate) mod render;
pub(crate) mod scope;
pub(crate) mod serve;
mod signals;
pub(crate) mod status;
pub(crate) mod verify;
pub(crate) mod worker;

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) environment: Environment,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) json: bool,
}

impl Context {
    pub(crate) fn load(common: &Common) -> anyhow::Result<Self> {
        let environment = Environment::of_process();
        let file = common.config.clone().or_else(|| environment.get("CAMEO_CONFIG").map(Into::into));
        let config = Config::load(file.as_deref(), &environment)?;
        Ok(Self { config, environment, clock: Arc::new(SystemClock), json: common.json })
    }

    /// The data folder that a flag names, or the configured one.
    pub(crate) fn data<'c>(&'c self, flag: Option<&'c Path>) -> &'c Path {
        flag.unwrap_or(&self.config.server.data)
    }
}

/// Writes one JSON object as a line.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    write_out(&line)
}

/// Writes a line of text.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    write_out(format!("{text}\n").as_bytes())
}

/// A reader that goes away (`cameo status | head`) ends the command quietly.
fn write_out(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}
