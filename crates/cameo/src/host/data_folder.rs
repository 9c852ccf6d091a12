//! The data folder of an embedded server: its lock, its credentials, and where it can be reached.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rand::{Rng, distr::Alphanumeric};
use serde::{Deserialize, Serialize};

use crate::{
    config::Environment,
    error::{Error, Kind, Place, Result},
};

const OWNER_ONLY: u32 = 0o600;
const SECRET_LENGTH: usize = 40;
const ID_LENGTH: usize = 16;

/// The folder of one server, locked for as long as this lives.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// A key pair for the S3 endpoint.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Where a running server can be reached: the content of `serve.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The process.
    pub pid: u32,
    /// Base address of the S3 endpoint.
    pub s3: Option<String>,
    /// Base address of the images.
    pub images: Option<String>,
    /// Base address of the console.
    pub console: Option<String>,
}

impl DataFolder {
    /// Creates the folder where it is missing and locks it.
    pub fn open(path: &Path) -> Result<Self> {
        let doing = || format!("open the data folder {}", path.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| wrong(doing(), error))?;
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).mode(OWNER_ONLY).open(path.join("lock"));
        let lock = lock.map_err(|error| wrong(doing(), error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let doing = format!("{}: another server is running on it; stop it or choose another --data", doing());
                Err(Error::new(Place::System, Kind::Misconfigured, doing))
            }
            Err(TryLockError::Error(error)) => Err(wrong(doing(), error)),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database file.
    pub fn database(path: &Path) -> PathBuf {
        path.join("cameo.db")
    }

    /// The key pair that the environment sets, or the stored one, or a new one; true when it was made just now.
    pub fn credentials(&self, environment: &Environment) -> Result<(Credentials, bool)> {
        if let Some(credentials) = environment_credentials(environment)? {
            return Ok((credentials, false));
        }
        if let Some(credentials) = read_credentials(&self.path)? {
            return Ok((credentials, false));
        }
        let credentials = generate();
        write_owner_only(&credentials_file(&self.path), &credentials)?;
        Ok((credentials, true))
    }

    /// Tells other commands where the server can be reached.
    pub fn announce(&self, running: &Running) -> Result<()> {
        write_owner_only(&self.path.join("serve.json"), running)
    }
}

impl DataFolder {
    /// Says that no server can be reached any more, and keeps the folder locked until the process ends.
    pub fn keep_locked(self) {
        self.renounce();
        // The system unlocks the file when the process has ended, and not before.
        std::mem::forget(self);
    }

    fn renounce(&self) {
        // It may never have been written.
        let _ = fs::remove_file(self.path.join("serve.json"));
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        self.renounce();
    }
}

/// The key pair that `CAMEO_ACCESS_KEY_ID` and `CAMEO_SECRET_ACCESS_KEY` set together.
pub fn environment_credentials(environment: &Environment) -> Result<Option<Credentials>> {
    match (environment.get("CAMEO_ACCESS_KEY_ID"), environment.get("CAMEO_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => {
            Ok(Some(Credentials { access_key_id: id.to_owned(), secret_access_key: secret.to_owned() }))
        }
        (None, None) => Ok(None),
        _ => {
            let doing = "read the environment: CAMEO_ACCESS_KEY_ID and CAMEO_SECRET_ACCESS_KEY must be set together";
            Err(Error::new(Place::System, Kind::Misconfigured, doing))
        }
    }
}

/// The key pair stored in a data folder.
pub fn read_credentials(folder: &Path) -> Result<Option<Credentials>> {
    read_json(&credentials_file(folder))
}

/// Where the server of a data folder can be reached; none when none is running.
pub fn read_running(folder: &Path) -> Result<Option<Running>> {
    let running: Option<Running> = read_json(&folder.join("serve.json"))?;
    // After a crash the file is left: only the lock tells.
    let locked =
        || File::open(folder.join("lock")).is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    Ok(running.filter(|_| locked()))
}

fn credentials_file(folder: &Path) -> PathBuf {
    folder.join("credentials.json")
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|error| wrong(format!("read {}", path.display()), error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(format!("read {}", path.display()), error)),
    }
}

fn write_owner_only(path: &Path, value: &impl Serialize) -> Result<()> {
    let write = || -> io::Result<()> {
        let temporary = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file = options.create(true).truncate(true).write(true).mode(OWNER_ONLY).open(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| wrong(format!("write {}", path.display()), error))
}

fn generate() -> Credentials {
    let text = |length| rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect::<String>();
    let access_key_id = format!("CAMEO{}", text(ID_LENGTH).to_ascii_uppercase());
    Credentials { access_key_id, secret_access_key: text(SECRET_LENGTH) }
}

fn wrong(doing: String, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing).because(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_server_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DataFolder::open(folder.path()).unwrap();
        let error = DataFolder::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("another server"), "{error}");
    }

    /// flow.md, "From reading": data folder unlocked before detached writes end.
    #[test]
    fn a_folder_that_is_kept_locked_outlives_its_server() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        data.announce(&Running { pid: 1, s3: None, images: None, console: None }).unwrap();
        data.keep_locked();
        assert!(DataFolder::open(folder.path()).unwrap_err().to_string().contains("another server"));
        assert_eq!(read_running(folder.path()).unwrap(), None);
    }

    #[test]
    fn credentials_are_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let (first, new) = data.credentials(&Environment::default()).unwrap();
        assert!(new && first.secret_access_key.len() == SECRET_LENGTH);
        assert_eq!(data.credentials(&Environment::default()).unwrap(), (first.clone(), false));
        let mode = fs::metadata(credentials_file(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, OWNER_ONLY);
        assert!(!format!("{first:?}").contains(&first.secret_access_key));
    }

    #[test]
    fn half_a_key_pair_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        assert!(data.credentials(&Environment::of([("CAMEO_ACCESS_KEY_ID", "a")])).is_err());
    }

    #[test]
    fn a_stopped_server_is_not_running() {
        let folder = tempfile::tempdir().unwrap();
        let running = Running { pid: 1, s3: None, images: None, console: None };
        {
            let data = DataFolder::open(folder.path()).unwrap();
            data.announce(&running).unwrap();
            assert_eq!(read_running(folder.path()).unwrap(), Some(running.clone()));
        }
        // As a crash leaves it.
        write_owner_only(&folder.path().join("serve.json"), &running).unwrap();
        assert_eq!(read_running(folder.path()).unwrap(), None);
    }
}
