//! What the server has of a delivery already, and where to send what it lacks.

use std::collections::BTreeMap;

use crate::{
    client::{
        Client,
        wire::{FileToUpload, KEYS_MAX, Page, Upload, UploadState, Uploads},
    },
    model::{
        error::{Error, Kind, Place, Result},
        key::Vertical,
    },
    preflight::Hashes,
};

/// A file, as the server is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its hashes.
    pub hashes: Hashes,
}

/// What the server says of each file, in their order; with addresses where they are wanted.
pub async fn uploads_of(client: &Client, vertical: &Vertical, files: &[Asked], addresses: bool) -> Result<Vec<Upload>> {
    let mut uploads = Vec::with_capacity(files.len());
    for some in files.chunks(KEYS_MAX) {
        let file = |asked: &Asked| FileToUpload {
            name: asked.name.clone(),
            size: asked.size,
            md5: hex::encode(asked.hashes.md5),
        };
        let files = some.iter().map(file).collect();
        let body = Uploads { vertical: vertical.to_string(), files, addresses };
        let page: Page<Upload> = client.post("/api/v1/uploads", &body).await?;
        let is_whole = page.items.len() == some.len() && page.items.iter().zip(some).all(|(a, b)| a.name == b.name);
        if !is_whole {
            let doing = "ask the server which files it has: it answered about others";
            return Err(Error::new(Place::System, Kind::Unlisted, doing));
        }
        uploads.extend(page.items);
    }
    Ok(uploads)
}

/// The files that the server holds as they are and has accepted, by name, with their MD5: they need not be checked again.
pub async fn accepted(
    client: &Client,
    vertical: &Vertical,
    files: &[Asked],
    addresses: bool,
) -> Result<BTreeMap<String, [u8; 16]>> {
    let uploads = uploads_of(client, vertical, files, addresses).await?;
    let is_accepted = |upload: &Upload| upload.state == UploadState::Present && upload.accepted;
    let known = uploads.iter().zip(files).filter(|(upload, _)| is_accepted(upload));
    Ok(known.map(|(_, file)| (file.name.clone(), file.hashes.md5)).collect())
}
