//! A file that a command writes for people: whole or not at all, in the place of an older one.

use std::{fs::Permissions, io::Write, os::unix::fs::PermissionsExt, path::Path};

use cameo::model::error::{Error, Kind, Place};

/// What others may do with it, before the umask of a temporary file: a report is no secret.
const MODE: u32 = 0o644;

/// Writes a file beside its place and moves it there once it is on the disk.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(Place::System, Kind::Misconfigured, format!("write {}", path.display())).because(error)
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".cameo-").tempfile_in(folder).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.as_file().set_permissions(Permissions::from_mode(MODE)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
