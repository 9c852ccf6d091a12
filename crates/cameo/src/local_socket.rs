//! The Unix socket in a data folder: its name, and a path to it that the system takes.
//!
//! The address of a Unix socket has room for about a hundred bytes, and data folders may lie deeper. Linux reaches such a folder by an
//! open descriptor of it; elsewhere the error says what to do.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStrExt,
            fs::{FileTypeExt, PermissionsExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
};

use crate::{
    model::error::{Error, Kind, Place, Result},
    private_file::OWNER_ONLY,
};

/// Its name in the data folder.
pub const FILE: &str = "cameo.sock";

/// Bytes of a socket's path, at most, without the one that ends it.
#[cfg(target_os = "linux")]
const PATH_MAX_BYTES: usize = 107;
#[cfg(not(target_os = "linux"))]
const PATH_MAX_BYTES: usize = 103;

/// Connections that may wait to be accepted are the standard library's business; this is the path to the socket of a folder, which
/// holds for as long as this lives.
#[derive(Debug)]
pub struct SocketPath {
    path: PathBuf,
    _folder: Option<OwnedFd>,
}

impl SocketPath {
    /// The path to the socket of a data folder, whether or not there is one.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if path.as_os_str().as_bytes().len() <= PATH_MAX_BYTES {
            return Ok(Self { path, _folder: None });
        }
        Self::by_descriptor(folder)
    }

    #[cfg(target_os = "linux")]
    fn by_descriptor(folder: &Path) -> Result<Self> {
        use std::os::fd::AsRawFd;

        use rustix::fs::{Mode, OFlags, open};
        let opened = open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let folder = opened.map_err(|error| failed("reach the socket in", folder, error.into()))?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(FILE);
        Ok(Self { path, _folder: Some(folder) })
    }

    #[cfg(not(target_os = "linux"))]
    fn by_descriptor(folder: &Path) -> Result<Self> {
        let doing = format!(
            "reach the socket in {}: its path is longer than the {PATH_MAX_BYTES} bytes that this system takes; give a shorter --data, \
             such as a relative one",
            folder.display()
        );
        Err(Error::new(Place::System, Kind::Misconfigured, doing))
    }

    /// The path, for a system call.
    pub fn as_path(&self) -> &Path {
        &self.path
    }
}

/// Makes the socket of a data folder, which its one server has locked; what an earlier one left in its place is removed.
pub fn bind(folder: &Path) -> Result<UnixListener> {
    let at = SocketPath::in_folder(folder)?;
    remove(folder);
    let make = || -> io::Result<UnixListener> {
        let listener = UnixListener::bind(at.as_path())?;
        fs::set_permissions(at.as_path(), fs::Permissions::from_mode(OWNER_ONLY))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    make().map_err(|error| failed("listen on the socket in", folder, error))
}

/// Removes the socket of a data folder, if that is what is there.
pub fn remove(folder: &Path) {
    let path = folder.join(FILE);
    let is_socket = fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket {
        // Whoever needs the place says what is in it.
        let _ = fs::remove_file(&path);
    }
}

fn failed(doing: &str, folder: &Path, error: io::Error) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("{doing} {}", folder.display())).because(error)
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::net::UnixStream};

    use super::*;

    #[test]
    fn the_socket_is_its_owners_and_replaces_one_that_was_left() {
        let folder = tempfile::tempdir().unwrap();
        drop(bind(folder.path()).unwrap());
        let listener = bind(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(listener);
        remove(folder.path());
        assert!(!folder.path().join(FILE).exists());
        fs::write(folder.path().join(FILE), "a file of somebody else's").unwrap();
        remove(folder.path());
        assert!(bind(folder.path()).unwrap_err().to_string().contains("in use"));
    }

    /// A path longer than an address of a socket holds.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_lies_deep_has_a_socket_too() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let listener = bind(&deep).unwrap();
        listener.set_nonblocking(false).unwrap();
        let path = SocketPath::in_folder(&deep).unwrap();
        let mut client = UnixStream::connect(path.as_path()).unwrap();
        drop(listener.accept().unwrap());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert!(SocketPath::in_folder(&folder.path().join("x".repeat(120))).is_err(), "there is no such folder");
    }
}
