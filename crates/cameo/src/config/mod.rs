//! Configuration: defaults, then the user's file, then `./cameo.toml`, then `CAMEO_*`, then flags; a section a file.
//!
//! This is the only module that reads the environment. An unknown key, section or variable is an error that names it.
//! `cameo.example.toml` holds every key with its default; a test keeps it so.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::{
    flow::{NamedSizeSet, Settings, SizeSets},
    model::{
        error::{Error, Kind, Place, Result},
        key::Vertical,
    },
    private_file,
};

mod audit;
mod console;
mod environment;
mod images;
mod limits;
mod oidc;
mod places;
mod register;
mod s3;
mod server;
mod size_sets;
mod tls;
mod webhooks;

pub use audit::Audit;
pub use console::Console;
pub use environment::Environment;
pub use images::Images;
pub use limits::OriginalLimits;
pub use oidc::{Grant, Oidc};
pub use places::{Catalog, Queue, Store, Worker};
pub use register::{Register, When};
pub use s3::S3;
pub use server::{Listen, Log, LogFormat, Server};
pub use size_sets::{FitName, SizeConfig, SizeSetConfig, VerticalConfig};
pub use tls::{Tls, TlsListener};
pub use webhooks::Webhooks;

/// Name of the size set of verticals that have none of their own.
const DEFAULT_SIZE_SET: &str = "default";
/// Length of a file of settings, at most.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Data folder and listeners.
    pub server: Server,
    /// `[log]`: level and format of the lines on standard error.
    pub log: Log,
    /// `[store]`: where originals and renditions are, and for how long old content is kept.
    pub store: Store,
    /// `[queue]`: where events and outcomes wait, and how often a message is tried.
    pub queue: Queue,
    /// `[catalog]`: the database, and the names of the public table in it.
    pub catalog: Catalog,
    /// `[register]`: when outcomes become rows, and what a deletion does.
    pub register: Register,
    /// `[images]`: the public address, caching, the alias.
    pub images: Images,
    /// `[console]`: who may reach it.
    pub console: Console,
    /// `[worker]`: how many originals are rendered at a time.
    pub worker: Worker,
    /// What an original may be at most.
    pub limits: OriginalLimits,
    /// What clients of the S3 endpoint may ask for.
    pub s3: S3,
    /// Who changed what at the S3 endpoint.
    pub audit: Audit,
    /// How webhooks are sent.
    pub webhooks: Webhooks,
    /// `[size_sets.NAME]`; `default` must exist, and is for verticals that name none.
    pub size_sets: BTreeMap<String, SizeSetConfig>,
    /// Settings of single verticals.
    pub verticals: BTreeMap<Vertical, VerticalConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: Server::default(),
            log: Log::default(),
            store: Store::default(),
            queue: Queue::default(),
            catalog: Catalog::default(),
            register: Register::default(),
            images: Images::default(),
            console: Console::default(),
            worker: Worker::default(),
            limits: OriginalLimits::default(),
            s3: S3::default(),
            audit: Audit::default(),
            webhooks: Webhooks::default(),
            size_sets: BTreeMap::from([(DEFAULT_SIZE_SET.to_owned(), SizeSetConfig::default())]),
            verticals: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads the configuration: `file`, or else the user's file and `./cameo.toml` where they exist; then the environment.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self> {
        let mut table = Table::new();
        match file {
            Some(path) => merge(&mut table, read_file(path)?),
            None => {
                for path in standard_files(environment).iter().filter(|path| path.exists()) {
                    merge(&mut table, read_file(path)?);
                }
            }
        }
        let defaults = Table::try_from(Self::default()).map_err(|error| wrong("write the defaults", error))?;
        merge(&mut table, environment.overrides(&defaults)?);
        let config: Self = Value::Table(table).try_into().map_err(|error| misread("read the configuration", &error))?;
        config.check()
    }

    /// Reads a configuration from the text of one file alone.
    pub fn from_toml(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text).map_err(|error| misread("read the configuration", &error))?;
        config.check()
    }

    /// The configuration, if what its parts name is there.
    fn check(self) -> Result<Self> {
        self.log.check()?;
        self.audit.check()?;
        self.webhooks.check()?;
        self.images.check()?;
        self.server.tls.check(&self.images)?;
        self.store.check()?;
        self.limits.check()?;
        self.s3.check(&self.store.upload_bucket)?;
        self.console.access()?;
        self.console.oidc.check(&self.console.public_url)?;
        #[cfg(feature = "embedded")]
        self.console.cors()?;
        self.settings()?;
        self.register.window()?;
        self.register.keep_history()?;
        Ok(self)
    }

    /// Whether this server keeps its objects and queues itself, in its data folder. The database is a choice of its own.
    ///
    /// The embedded store writes an object and its event in one transaction, so one of the two alone cannot be elsewhere.
    pub fn keeps_objects(&self) -> Result<bool> {
        match (self.store.is_embedded(), self.queue.is_embedded()) {
            (true, true) => Ok(true),
            (false, false) => Ok(false),
            (true, false) => Err(misconfigured(
                "read the configuration: queue.url is not sqlite:, but store.url is embedded:, which sends its events \
                 to the queue in its own database; set store.url too",
            )),
            (false, true) => Err(misconfigured(
                "read the configuration: store.url is not embedded:, but queue.url is sqlite:, which no other process \
                 can reach; set queue.url too, such as to sqs:",
            )),
        }
    }

    /// Names and rules of the flow.
    pub fn settings(&self) -> Result<Settings> {
        Ok(Settings {
            upload_bucket: self.store.upload_bucket.clone(),
            image_bucket: self.store.image_bucket.clone(),
            size_sets: self.resolve_size_sets()?,
            max_original_bytes: self.limits.original.as_u64(),
            cache_control: self.images.cache_control.clone(),
            publish_alias: self.images.alias,
            delete_unpublishes: self.register.delete_unpublishes,
        })
    }

    fn resolve_size_sets(&self) -> Result<SizeSets> {
        let resolve = |name: &str| -> Result<Arc<NamedSizeSet>> {
            let config = self.size_sets.get(name).ok_or_else(|| {
                let known = self.size_sets.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                misconfigured(format!("find the size set {name:?}: there are {known}"))
            })?;
            Ok(Arc::new(config.resolve(name)?))
        };
        let by_vertical =
            self.verticals.iter().map(|(vertical, config)| Ok((vertical.clone(), resolve(&config.size_set)?)));
        Ok(SizeSets { default: resolve(DEFAULT_SIZE_SET)?, by_vertical: by_vertical.collect::<Result<_>>()? })
    }
}

fn standard_files(environment: &Environment) -> Vec<PathBuf> {
    let user = environment.config_home().map(|folder| folder.join("cameo").join("cameo.toml"));
    user.into_iter().chain([PathBuf::from("cameo.toml")]).collect()
}

fn read_file(path: &Path) -> Result<Table> {
    let doing = || format!("read {}", path.display());
    let text = private_file::read_settings(path, FILE_MAX_BYTES)?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| misread(doing(), &error))?;
    // Told here, an unknown key comes with its file.
    Value::Table(table.clone()).try_into::<Config>().map_err(|error| misread(doing(), &error))?;
    Ok(table)
}

/// Puts `over` on top: tables are merged, everything else is replaced.
fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

fn misconfigured(doing: impl Into<String>) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}

/// An error of the parser in one line, without the line that it quotes: that may hold a password.
fn misread(doing: impl Into<String>, error: &toml::de::Error) -> Error {
    let text = error.to_string();
    let is_quoted = |line: &&str| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let told: Vec<&str> = text.lines().filter(|line| !is_quoted(line)).collect();
    wrong(doing, told.join(": "))
}

fn wrong(doing: impl Into<String>, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    misconfigured(doing).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../cameo.example.toml");

    #[test]
    fn the_example_holds_every_key_with_its_default() {
        let example: Table = EXAMPLE.parse().unwrap();
        assert_eq!(Config::from_toml(EXAMPLE).unwrap(), Config::default());
        let missing = missing_keys(&Table::try_from(Config::default()).unwrap(), &example, "");
        assert_eq!(missing, Vec::<String>::new(), "keys that the example does not show");
    }

    fn missing_keys(defaults: &Table, example: &Table, path: &str) -> Vec<String> {
        let mut missing = Vec::new();
        for (key, value) in defaults {
            match (value, example.get(key)) {
                (Value::Table(defaults), Some(Value::Table(example))) => {
                    missing.extend(missing_keys(defaults, example, &format!("{path}{key}.")));
                }
                (Value::Table(defaults), None) if defaults.is_empty() => {}
                (_, None) => missing.push(format!("{path}{key}")),
                _ => {}
            }
        }
        missing
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = Config::from_toml("[store]\nupload_buckett = \"x\"").unwrap_err().to_string();
        assert!(error.contains("upload_buckett"), "{error}");
    }

    #[test]
    fn an_error_is_one_line_that_quotes_nothing() {
        let error = Config::from_toml("[catalog]\nurl = \"mysql://app:hidden@db/celeb\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("hidden") && !error.contains('\n'), "{error}");
        let error = Config::from_toml("[store]\nkeep_old = \"soon\"").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains('\n'), "{error}");
    }

    #[test]
    fn the_environment_goes_over_files() {
        let environment =
            Environment::of([("CAMEO_STORE_UPLOAD_BUCKET", "uploads"), ("CAMEO_QUEUE_MAX_RECEIVES", "7")]);
        let config = Config::load(None, &environment).unwrap();
        assert_eq!((config.store.upload_bucket.as_str(), config.queue.max_receives), ("uploads", 7));
        let error = Config::load(None, &Environment::of([("CAMEO_STORE_BUKCET", "x")])).unwrap_err().to_string();
        assert!(error.contains("CAMEO_STORE_BUKCET"), "{error}");
        let environment = Environment::of([("CAMEO_SERVER_TLS_CERT", "c.pem"), ("CAMEO_SERVER_TLS_KEY", "k.pem")]);
        let config = Config::load(None, &environment).unwrap();
        assert!(config.server.tls.covers(TlsListener::Console) && config.server.tls.key.ends_with("k.pem"));
        let error = Config::load(None, &Environment::of([("CAMEO_SERVER_TLS", "c.pem")])).unwrap_err().to_string();
        assert!(error.contains("CAMEO_SERVER_TLS"), "{error}");
    }

    #[test]
    fn a_vertical_can_have_its_own_size_set() {
        let text = "[size_sets.shop]\nversion = 3\nsizes = [{ name = \"xs\", width = 64, height = 64, fit = \"cover\" }]\n\
            [size_sets.default]\n[verticals.shops]\nsize_set = \"shop\"\n";
        let settings = Config::from_toml(text).unwrap().settings().unwrap();
        assert_eq!(settings.size_sets.of(&"shops".parse().unwrap()).label, "shop/3");
        assert_eq!(settings.size_sets.of(&"others".parse().unwrap()).label, "default/1");
        assert!(Config::from_toml("[verticals.shops]\nsize_set = \"none\"").is_err());
    }
}
