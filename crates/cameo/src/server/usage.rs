//! What keys have uploaded lately, kept over a restart: `usage.json` in the data folder.
//!
//! It is a count and no proof: one that is lost or damaged costs a day of quotas, never a start.

use std::path::Path;

use crate::{
    model::error::{Error, Kind, Place, Result},
    private_file::{self, Holds, Links},
    serve::s3_api::KeyRing,
};

const FILE: &str = "usage.json";
/// Bytes of the file, at most: ten thousand keys with 25 hours each.
const FILE_MAX_BYTES: u64 = 32 << 20;

/// Writes what was counted, where it changed. A failure is for the log alone: the next save may succeed.
pub(super) fn save(keys: &KeyRing, folder: &Path) {
    let Some(content) = keys.usage().unsaved() else { return };
    let written = content
        .map_err(|error| failed("write", error))
        .and_then(|content| private_file::replace(&folder.join(FILE), &content));
    if let Err(error) = written {
        tracing::warn!(%error, "what access keys have uploaded could not be saved; after a restart quotas begin at an older count");
    }
}

/// Goes on from what was saved.
pub(super) fn restore(keys: &KeyRing, folder: &Path) -> Result<()> {
    let Some(content) = private_file::read(&folder.join(FILE), FILE_MAX_BYTES, Holds::Facts, Links::Refused)? else {
        return Ok(());
    };
    if let Err(error) = keys.usage().restore(&content) {
        let error = failed("read", error);
        tracing::warn!(%error, "quotas begin at nothing");
    }
    Ok(())
}

fn failed(verb: &str, error: serde_json::Error) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("{verb} {FILE} in the data folder")).because(error)
}
