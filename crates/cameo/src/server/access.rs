//! Who is let in at the S3 endpoint of a data folder: the first key pair, those of the file of keys, and everybody where buckets are public.

use std::path::{Path, PathBuf};

use crate::{
    config::Config,
    model::error::{Error, Kind, Place, Result},
    serve::s3_api::{AccessKey, Cors, KeyRing},
};

/// The file of access keys: the configured one, or the data folder's own.
pub fn key_file_of(config: &Config, data: &Path) -> PathBuf {
    match &config.s3.key_file {
        none if none.as_os_str().is_empty() => data.join("keys.toml"),
        path => path.clone(),
    }
}

/// The key pairs of the S3 endpoint: these first ones, and those of the file of keys. A file that was configured must exist.
pub fn key_ring(config: &Config, first: Vec<AccessKey>) -> Result<KeyRing> {
    let path = key_file_of(config, &config.server.data);
    let ring = if config.s3.key_file.as_os_str().is_empty() {
        KeyRing::with_optional_file(first, &path)
    } else {
        KeyRing::with_file(first, &path)
    }?;
    Ok(ring.open_to_everybody(&config.s3.public_read))
}

/// Whose web pages may use the endpoint: those that are configured, and the console of this server.
pub(super) fn cors(config: &Config, console: Option<&str>) -> Result<Cors> {
    Cors::new(&config.s3.cors_origins)
        .map(|cors| cors.with_console(console, &config.console.own_names()))
        .map_err(|fault| Error::new(Place::System, Kind::Misconfigured, format!("read s3.cors_origins: {fault}")))
}
