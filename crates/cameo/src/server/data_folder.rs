//! The data folder of an embedded server: its lock, its credentials, and where it can be reached.
//!
//! Whoever may write to it decides who is let in and what is served, so a folder, or a file of these, that others may write is refused.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use rand::{Rng, distr::Alphanumeric};
use serde::{Deserialize, Serialize};

use crate::{
    config::Environment,
    local_socket,
    model::error::{Error, Kind, Place, Result},
    private_file::{self, Holds, Links},
    serve::s3_api::fault_of_pair,
};

/// The secret that keys of tokens are derived from.
const SIGNING_SECRET: &str = "signing-secret.json";
/// Bytes of it: 256 bits.
const SIGNING_SECRET_BYTES: usize = 32;
/// Bytes of a file of ours, at most.
const FILE_MAX_BYTES: u64 = 64 << 10;
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
    /// Process id of the server.
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
        private_file::check_folder(path).map_err(|error| wrong(doing(), error))?;
        let lock = private_file::open_lock(&path.join("lock")).map_err(|error| wrong(doing(), error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let doing = format!("{}: another server is running on it; stop it or choose another --data", doing());
                Err(Error::new(Place::System, Kind::Misconfigured, doing))
            }
            Err(TryLockError::Error(error)) => Err(wrong(doing(), error)),
        }
    }

    /// The folder, as it was given: it may be relative.
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
        write_private(&credentials_file(&self.path), &credentials)?;
        Ok((credentials, true))
    }

    /// The secret that the keys of tokens are derived from: the stored one, or a new one. Without it, addresses for uploads end.
    pub fn signing_secret(&self) -> Result<Vec<u8>> {
        let path = self.path.join(SIGNING_SECRET);
        if let Some(secret) = read_json::<String>(&path, Holds::Secrets)? {
            let bytes = hex::decode(&secret).ok().filter(|bytes| bytes.len() == SIGNING_SECRET_BYTES);
            return bytes.ok_or_else(|| {
                let doing = format!("read {}: it is damaged; remove it, and a new one is made", path.display());
                Error::new(Place::System, Kind::Misconfigured, doing)
            });
        }
        let secret: [u8; SIGNING_SECRET_BYTES] = rand::rng().random();
        write_private(&path, &hex::encode(secret))?;
        Ok(secret.to_vec())
    }

    /// Tells other commands where the server can be reached.
    pub fn announce(&self, running: &Running) -> Result<()> {
        write_private(&self.path.join("serve.json"), running)
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
        // Neither may ever have been made.
        let _ = fs::remove_file(self.path.join("serve.json"));
        local_socket::remove(&self.path);
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
        (Some(id), Some(secret)) => match fault_of_pair(id, secret) {
            Some(fault) => {
                let doing = "read CAMEO_ACCESS_KEY_ID and CAMEO_SECRET_ACCESS_KEY";
                Err(Error::new(Place::System, Kind::Misconfigured, doing).because(fault))
            }
            None => Ok(Some(Credentials { access_key_id: id.to_owned(), secret_access_key: secret.to_owned() })),
        },
        (None, None) => Ok(None),
        _ => {
            let doing = "read the environment: CAMEO_ACCESS_KEY_ID and CAMEO_SECRET_ACCESS_KEY must be set together";
            Err(Error::new(Place::System, Kind::Misconfigured, doing))
        }
    }
}

/// The key pair stored in a data folder.
pub fn read_credentials(folder: &Path) -> Result<Option<Credentials>> {
    let path = credentials_file(folder);
    let credentials: Option<Credentials> = read_json(&path, Holds::Secrets)?;
    let fault = credentials.as_ref().and_then(|keys| fault_of_pair(&keys.access_key_id, &keys.secret_access_key));
    match fault {
        Some(fault) => Err(wrong(format!("read {}", path.display()), fault)),
        None => Ok(credentials),
    }
}

/// Where the server of a data folder can be reached; none when none is running.
pub fn read_running(folder: &Path) -> Result<Option<Running>> {
    let running: Option<Running> = read_json(&folder.join("serve.json"), Holds::Facts)?;
    // After a crash the file is left: only the lock tells.
    let locked =
        || File::open(folder.join("lock")).is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    Ok(running.filter(|_| locked()))
}

fn credentials_file(folder: &Path) -> PathBuf {
    folder.join("credentials.json")
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path, holds: Holds) -> Result<Option<T>> {
    let Some(bytes) = private_file::read(path, FILE_MAX_BYTES, holds, Links::Refused)? else { return Ok(None) };
    // The parser's message names a place in the text, and never quotes it.
    serde_json::from_slice(&bytes).map(Some).map_err(|error| wrong(format!("read {}", path.display()), error))
}

fn write_private(path: &Path, value: &impl Serialize) -> Result<()> {
    let content =
        serde_json::to_vec_pretty(value).map_err(|error| wrong(format!("write {}", path.display()), error))?;
    private_file::replace(path, &content)
}

/// A key pair of our own making.
pub fn generate() -> Credentials {
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
        assert_eq!(mode & 0o777, private_file::OWNER_ONLY);
        assert!(!format!("{first:?}").contains(&first.secret_access_key));
    }

    /// security.md A11: the folder and its files were taken as they were found.
    #[test]
    fn what_others_could_have_written_is_refused() {
        let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        set_mode(folder.path(), 0o777);
        let error = DataFolder::open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), Kind::Misconfigured);
        assert!(error.to_string().contains("chmod go-w"), "{error}");
        set_mode(folder.path(), 0o755);
        let path = credentials_file(folder.path());
        write_private(&path, &generate()).unwrap();
        set_mode(&path, 0o666);
        let error = DataFolder::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("credentials.json"), "{error}");
        set_mode(&path, 0o644);
        let data = DataFolder::open(folder.path()).unwrap();
        assert!(data.credentials(&Environment::default()).unwrap_err().to_string().contains("chmod 600"));
        set_mode(&path, 0o600);
        assert!(data.credentials(&Environment::default()).is_ok());
    }

    /// security.md A11: a link that somebody planted gave the first key pair away.
    #[test]
    fn a_planted_link_is_neither_read_nor_written_through() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data = DataFolder::open(folder.path()).unwrap();
        let target = elsewhere.path().join("file");
        fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("credentials.new")).unwrap();
        data.credentials(&Environment::default()).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"");
        let path = credentials_file(folder.path());
        fs::rename(&path, &target).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(data.credentials(&Environment::default()).unwrap_err().to_string().contains("symbolic link"));
    }

    /// security.md A10.
    #[test]
    fn an_empty_pair_is_refused_wherever_it_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let pair = Credentials { access_key_id: "id".into(), secret_access_key: String::new() };
        write_private(&credentials_file(folder.path()), &pair).unwrap();
        assert!(data.credentials(&Environment::default()).is_err());
        let blank = Environment::of([("CAMEO_ACCESS_KEY_ID", "id"), ("CAMEO_SECRET_ACCESS_KEY", "  ")]);
        assert!(data.credentials(&blank).is_err());
    }

    #[test]
    fn the_signing_secret_is_made_once_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let secret = data.signing_secret().unwrap();
        assert_eq!((secret.len(), data.signing_secret().unwrap()), (SIGNING_SECRET_BYTES, secret));
        write_private(&folder.path().join(SIGNING_SECRET), &"abc").unwrap();
        assert!(data.signing_secret().unwrap_err().to_string().contains("damaged"));
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
        write_private(&folder.path().join("serve.json"), &running).unwrap();
        assert_eq!(read_running(folder.path()).unwrap(), None);
    }
}
