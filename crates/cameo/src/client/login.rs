//! Whom a user has logged in to: a server's address and a token, in a file that its owner alone may read.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    model::error::{Error, Kind, Place, Result},
    private_file::{self, Holds, Links},
};

/// Bytes of the file, at most.
const FILE_MAX_BYTES: u64 = 16 << 10;
const FILE: &str = "login.json";

/// A login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The server's base address.
    pub server: String,
    /// The token.
    pub token: String,
    /// The file with the certificates that the server's may come from, beside those that the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The file in a user's folder of Cameo's settings.
pub fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The login of a folder; none where nobody logged in.
pub fn read(folder: &Path) -> Result<Option<Login>> {
    let path = file_in(folder);
    let Some(bytes) = private_file::read(&path, FILE_MAX_BYTES, Holds::Secrets, Links::Refused)? else {
        return Ok(None);
    };
    // The parser's message names a place in the text, and never quotes it.
    serde_json::from_slice(&bytes).map(Some).map_err(|error| failed("read", &path, error))
}

/// Keeps a login; the folder is made where it is missing.
pub fn write(folder: &Path, login: &Login) -> Result<()> {
    let path = file_in(folder);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed("write", &path, error))?;
    let content = serde_json::to_vec_pretty(login).map_err(|error| failed("write", &path, error))?;
    private_file::replace(&path, &content)
}

/// Forgets the login; false where there was none.
pub fn remove(folder: &Path) -> Result<bool> {
    let path = file_in(folder);
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", &path, error)),
    }
}

fn failed(doing: &str, path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("{doing} {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_login_is_kept_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/cameo");
        assert_eq!(read(&folder).unwrap(), None);
        let login = Login { server: "https://h".to_owned(), token: "hidden".to_owned(), ca: Some("/ca.pem".into()) };
        write(&folder, &login).unwrap();
        assert_eq!(read(&folder).unwrap(), Some(login.clone()));
        assert!(!format!("{login:?}").contains("hidden"));
        let mode = |bits| fs::set_permissions(file_in(&folder), fs::Permissions::from_mode(bits)).unwrap();
        assert_eq!(fs::metadata(file_in(&folder)).unwrap().permissions().mode() & 0o777, 0o600);
        mode(0o644);
        assert!(read(&folder).unwrap_err().to_string().contains("chmod 600"));
        assert!(remove(&folder).unwrap() && !remove(&folder).unwrap());
    }
}
