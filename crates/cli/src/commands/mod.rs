//! The commands, a file each.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::Common;
#[cfg(feature = "embedded")]
pub(crate) use crate::output::announce;
pub(crate) use crate::output::{json_line, json_lines, line, lines, note, own_text};
use cameo::{
    clock::{Clock, SystemClock},
    config::{Config, Environment},
    model::lang::Lang,
};

mod absent;
#[cfg(feature = "embedded")]
pub(crate) mod account;
#[cfg(feature = "embedded")]
pub(crate) mod adopt;
mod ca;
#[cfg(feature = "embedded")]
mod changes;
pub(crate) mod check;
pub(crate) mod deliveries;
#[cfg(feature = "embedded")]
pub(crate) mod demo;
pub(crate) mod dismiss;
#[cfg(feature = "embedded")]
pub(crate) mod doctor;
pub(crate) mod explain;
#[cfg(feature = "embedded")]
mod here;
#[cfg(not(feature = "embedded"))]
#[path = "nothing_here.rs"]
mod here;
#[cfg(feature = "embedded")]
pub(crate) mod keys;
pub(crate) mod lang;
pub(crate) mod login;
pub(crate) mod places;
mod printer;
mod progress;
pub(crate) mod push;
pub(crate) mod reconcile;
#[cfg(feature = "embedded")]
pub(crate) mod recover;
pub(crate) mod relocate;
mod remote;
#[cfg(feature = "embedded")]
pub(crate) mod render;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod retry;
pub(crate) mod scope;
#[cfg(feature = "embedded")]
pub(crate) mod serve;
pub(crate) mod server;
mod signals;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod verify;
mod verify_progress;
pub(crate) mod webhook;
#[cfg(feature = "embedded")]
pub(crate) mod worker;
mod write_file;

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) environment: Environment,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) json: bool,
    /// The language of what people read.
    pub(crate) lang: Lang,
    /// The file of certificates that servers' may come from, as this command was told.
    pub(crate) ca: Option<PathBuf>,
}

impl Context {
    pub(crate) fn load(common: &Common, environment: Environment, lang: Lang) -> anyhow::Result<Self> {
        let file = common.config.clone().or_else(|| environment.get("CAMEO_CONFIG").map(Into::into));
        let config = Config::load(file.as_deref(), &environment)?;
        let ca = common.ca.clone().or_else(|| environment.get("CAMEO_CA").map(Into::into));
        if let Some(ca) = &ca {
            ca::trust(ca)?;
        }
        Ok(Self { config, environment, clock: Arc::new(SystemClock), json: common.json, lang, ca })
    }

    /// The data folder that a flag names, or the configured one.
    pub(crate) fn data<'c>(&'c self, flag: Option<&'c Path>) -> &'c Path {
        flag.unwrap_or(&self.config.server.data)
    }
}
