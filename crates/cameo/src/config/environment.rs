//! The environment, read once at start: `CAMEO_{SECTION}_{KEY}` sets a key, and a few names stand for themselves.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{misconfigured, wrong};
use crate::model::{error::Result, lang::Lang};

/// Names that are no configuration keys.
const SPECIAL: [&str; 7] = [
    "CAMEO_ACCESS_KEY_ID",
    "CAMEO_SECRET_ACCESS_KEY",
    "CAMEO_CONFIG",
    "CAMEO_LOG",
    "CAMEO_SERVER",
    "CAMEO_TOKEN",
    "CAMEO_CA",
];
/// Names that only a build for crash tests knows.
const OF_CRASH_TESTS: [&str; 2] = ["CAMEO_FAILPOINT", "CAMEO_PLANTED_BUG"];

/// The variables that Cameo may look at.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        Self(std::env::vars().collect())
    }

    /// These variables.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The language of people here: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set decides, as POSIX has it.
    pub fn lang(&self) -> Lang {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| self.get(name));
        locale.map_or(Lang::En, Lang::of_locale)
    }

    /// The user's folder of Cameo's settings and of the login; none where the user has no home.
    pub fn user_folder(&self) -> Option<PathBuf> {
        self.config_home().map(|folder| folder.join("cameo"))
    }

    /// The user's folder of what can be made again; none where the user has no home.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let home = || Some(Path::new(self.get("HOME")?).join(".cache"));
        let cache = self.get("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        cache.map(|folder| folder.join("cameo"))
    }

    /// The folder of users' configuration files.
    pub(super) fn config_home(&self) -> Option<PathBuf> {
        let home = || self.get("HOME").map(|home| PathBuf::from(home).join(".config"));
        self.get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)
    }

    /// The keys that variables set, of the types that the defaults have.
    pub(super) fn overrides(&self, defaults: &Table) -> Result<Table> {
        let mut overrides = Table::new();
        for (name, value) in &self.0 {
            let Some(rest) = name.strip_prefix("CAMEO_") else { continue };
            let of_crash_tests = cfg!(feature = "failpoints") && OF_CRASH_TESTS.contains(&name.as_str());
            if of_crash_tests || SPECIAL.contains(&name.as_str()) {
                continue;
            }
            let (path, default) = find(defaults, rest).ok_or_else(|| {
                misconfigured(format!("read the environment: {name} names no key; see cameo.example.toml"))
            })?;
            put(&mut overrides, &path, parse(name, value, default)?);
        }
        Ok(overrides)
    }
}

/// `STORE_UPLOAD_BUCKET` → (`store`, `upload_bucket`; its default), `SERVER_TLS_CERT` → (`server`, `tls`, `cert`; its default).
fn find<'d>(defaults: &'d Table, name: &str) -> Option<(Vec<&'d str>, &'d Value)> {
    defaults.iter().find_map(|(key, value)| {
        let rest = name.strip_prefix(&key.to_ascii_uppercase())?;
        match value {
            Value::Table(section) => {
                let (mut path, default) = find(section, rest.strip_prefix('_')?)?;
                path.insert(0, key);
                Some((path, default))
            }
            // A key alone is in no section, and tables have names that people choose.
            default => rest.is_empty().then(|| (vec![key.as_str()], default)),
        }
    })
}

/// Puts a value where its path leads; the sections on it are made.
fn put(table: &mut Table, path: &[&str], value: Value) {
    match path {
        [] => {}
        [key] => drop(table.insert((*key).to_owned(), value)),
        [section, rest @ ..] => {
            let section = table.entry(*section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                put(section, rest, value);
            }
        }
    }
}

fn parse(name: &str, value: &str, default: &Value) -> Result<Value> {
    let doing = || format!("read {name}={value:?}");
    match default {
        Value::Integer(_) => value.parse().map(Value::Integer).map_err(|error| wrong(doing(), error)),
        Value::Boolean(_) => value.parse().map(Value::Boolean).map_err(|error| wrong(doing(), error)),
        Value::String(_) => Ok(Value::String(value.to_owned())),
        _ => Err(misconfigured(format!("{}: set this one in cameo.toml", doing()))),
    }
}
