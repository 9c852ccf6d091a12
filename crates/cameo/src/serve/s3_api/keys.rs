//! Access keys and their rights: per bucket and prefix, from a file that is read again when it changes.
//!
//! A file that cannot be read or understood changes nothing: the keys of the last good one stay. Secrets are never
//! printed, not even by `Debug`.

use std::{
    collections::HashMap,
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Place, Result};

/// Access rights beyond the owner's: those who could read the secrets.
const MODE_OTHERS: u32 = 0o077;

/// What an access key may do with the objects that a grant covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rights {
    /// Read and list.
    Read,
    /// Write new objects, and replace; neither read, list nor delete.
    Upload,
    /// Everything.
    All,
}

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Read an object, or list objects.
    Read,
    /// Write an object.
    Write,
    /// Delete an object, create or delete a bucket, and all else.
    Manage,
}

impl Rights {
    fn permit(self, action: Action) -> bool {
        match self {
            Self::All => true,
            Self::Read => action == Action::Read,
            Self::Upload => action == Action::Write,
        }
    }
}

/// Rights on the keys of a bucket that start with a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The bucket; a `*` at the end stands for any rest.
    pub bucket: String,
    /// What keys must start with; empty for all.
    #[serde(default)]
    pub prefix: String,
    /// What may be done with them.
    pub rights: Rights,
}

impl Grant {
    /// Everything, everywhere.
    pub fn everything() -> Self {
        Self { bucket: "*".to_owned(), prefix: String::new(), rights: Rights::All }
    }

    fn covers_bucket(&self, bucket: &str) -> bool {
        match self.bucket.strip_suffix('*') {
            Some(start) => bucket.starts_with(start),
            None => self.bucket == bucket,
        }
    }

    fn permits(&self, action: Action, bucket: &str, key: &str) -> bool {
        self.covers_bucket(bucket) && key.starts_with(&self.prefix) && self.rights.permit(action)
    }
}

/// A key pair with its rights.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// The public half.
    #[serde(rename = "access_key_id")]
    pub id: String,
    /// The secret half.
    #[serde(rename = "secret_access_key")]
    pub secret: String,
    /// What it may do: the union of these. A file that names none means everything.
    #[serde(default = "everything")]
    pub grants: Vec<Grant>,
}

fn everything() -> Vec<Grant> {
    vec![Grant::everything()]
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("grants", &self.grants).finish_non_exhaustive()
    }
}

impl AccessKey {
    /// A key pair that may do everything.
    pub fn all(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), grants: everything() }
    }

    pub(super) fn permits(&self, action: Action, bucket: &str, key: &str) -> bool {
        self.grants.iter().any(|grant| grant.permits(action, bucket, key))
    }

    /// Whether it may do anything at all with a bucket.
    pub(super) fn knows(&self, bucket: &str) -> bool {
        self.grants.iter().any(|grant| grant.covers_bucket(bucket))
    }
}

/// A file of access keys.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    #[serde(default)]
    keys: Vec<AccessKey>,
}

/// The text of a file of access keys, as [`KeyRing::from_file`] reads it.
pub fn key_file(keys: &[AccessKey]) -> Result<String> {
    toml::to_string(&KeyFile { keys: keys.to_vec() })
        .map_err(|error| Error::new(Place::System, Kind::Misconfigured, "write access keys as TOML").because(error))
}

type Keys = Arc<HashMap<String, Arc<AccessKey>>>;

/// The access keys that are let in.
#[derive(Debug)]
pub struct KeyRing {
    /// Let in whatever a file says, unless it has a key of the same id.
    first: Keys,
    source: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: Keys,
    seen: Option<Stamp>,
}

/// What changes when a file is rewritten or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    fn of(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path).because(error))?;
        if metadata.mode() & MODE_OTHERS != 0 {
            let doing = format!("read the access keys: others may read {}; run chmod 600", path.display());
            return Err(Error::new(Place::System, Kind::Misconfigured, doing));
        }
        let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
        Ok(Self { inode: metadata.ino(), size: metadata.size(), seconds, nanoseconds })
    }
}

fn unreadable(path: &Path) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("read the access keys of {}", path.display()))
}

fn by_id(keys: Vec<AccessKey>) -> Keys {
    Arc::new(keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect())
}

fn read(path: &Path) -> Result<Keys> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path).because(error))?;
    // The parser's message would quote the line, and with it a secret.
    let file: KeyFile = toml::from_str(&text).map_err(|error| unreadable(path).because(error.message().to_owned()))?;
    Ok(by_id(file.keys))
}

impl KeyRing {
    /// These keys, for as long as the process lives.
    pub fn fixed(keys: Vec<AccessKey>) -> Self {
        Self { first: by_id(keys), source: None, state: Mutex::new(State { keys: Keys::default(), seen: None }) }
    }

    /// The keys of a file, which is read again when it changes, so that keys are rotated without a restart. Only its
    /// owner may be able to read it.
    pub fn from_file(path: &Path) -> Result<Self> {
        Self::with_file(Vec::new(), path)
    }

    /// These keys, and those of a file, as [`KeyRing::from_file`] reads them. Where both have a key of one id, the file's
    /// counts.
    pub fn with_file(first: Vec<AccessKey>, path: &Path) -> Result<Self> {
        let seen = Some(Stamp::of(path)?);
        let state = Mutex::new(State { keys: read(path)?, seen });
        Ok(Self { first: by_id(first), source: Some(path.to_owned()), state })
    }

    /// The key pair of this id, as of now.
    pub fn find(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.current().get(id).or_else(|| self.first.get(id)).cloned()
    }

    fn current(&self) -> Keys {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.source
            && let Err(error) = state.refresh(path)
        {
            tracing::warn!(%error, "the access keys stay as they were");
        }
        state.keys.clone()
    }
}

impl State {
    fn refresh(&mut self, path: &Path) -> Result<()> {
        let stamp = Stamp::of(path)?;
        if self.seen == Some(stamp) {
            return Ok(());
        }
        // A file that cannot be understood is told of once.
        self.seen = Some(stamp);
        self.keys = read(path)?;
        tracing::info!(keys = self.keys.len(), "the access keys were read again");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn grants_are_told_by_bucket_prefix_and_action() {
        let grants = vec![
            Grant { bucket: "uploads".into(), prefix: "origin/eye/".into(), rights: Rights::Upload },
            Grant { bucket: "img-*".into(), prefix: String::new(), rights: Rights::Read },
        ];
        let key = AccessKey { id: "id".into(), secret: "secret".into(), grants };
        assert!(key.permits(Action::Write, "uploads", "origin/eye/1_0.jpg"));
        assert!(!key.permits(Action::Write, "uploads", "origin/shop/1_0.jpg"));
        assert!(!key.permits(Action::Read, "uploads", "origin/eye/1_0.jpg"));
        assert!(key.permits(Action::Read, "img-a", "any"));
        assert!(!key.permits(Action::Manage, "img-a", "any"));
        assert!(key.knows("uploads") && !key.knows("other"));
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        write(&path, &key_file(&[AccessKey::all("first", "one")]).unwrap());
        let ring = KeyRing::from_file(&path).unwrap();
        assert_eq!(ring.find("first").unwrap().secret, "one");
        write(&path, &key_file(&[AccessKey::all("second", "twotwo")]).unwrap());
        assert!(ring.find("first").is_none());
        assert_eq!(ring.find("second").unwrap().secret, "twotwo");
        write(&path, "keys = 7");
        assert!(ring.find("second").is_some());
    }

    #[test]
    fn the_first_key_stays_beside_a_file_and_the_file_goes_over_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        write(&path, &key_file(&[AccessKey::all("other", "two")]).unwrap());
        let ring = KeyRing::with_file(vec![AccessKey::all("first", "one")], &path).unwrap();
        assert_eq!(ring.find("first").unwrap().secret, "one");
        assert_eq!(ring.find("other").unwrap().secret, "two");
        write(&path, &key_file(&[AccessKey::all("first", "three")]).unwrap());
        assert_eq!(ring.find("first").unwrap().secret, "three");
        assert!(ring.find("other").is_none());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(KeyRing::from_file(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", KeyRing::fixed(vec![AccessKey::all("id", "hidden")])).contains("hidden"));
    }
}
