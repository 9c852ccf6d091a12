//! A file that a command writes for people: whole or not at all, in the place of an older one.

use std::{fs::Permissions, io::Write, os::unix::fs::PermissionsExt, path::Path};

use cameo::model::error::{Error, Kind, Place};
use tempfile::NamedTempFile;

/// What others may do with it, before the umask of a temporary file: a report is no secret.
const MODE: u32 = 0o644;

/// Refuses a file that could not be written, before anything is done whose outcome it is for.
pub(crate) fn check_writable(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return Err(failed(path, std::io::ErrorKind::IsADirectory.into()).into());
    }
    tempfile_beside(path).map(drop).map_err(|error| failed(path, error).into())
}

/// Writes a file beside its place and moves it there once it is on the disk.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let failed = |error| failed(path, error);
    let mut file = tempfile_beside(path).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.as_file().set_permissions(Permissions::from_mode(MODE)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn tempfile_beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".cameo-").tempfile_in(folder)
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let (doing, korean) = (format!("write {}", path.display()), format!("{} 에 쓸 수 없습니다", path.display()));
    Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean).because(error)
}
