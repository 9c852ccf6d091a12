//! Where the content of an object is in a file, for those who pass it on without reading it.
//!
//! A store that keeps content in files hands this out (`locate` of the trait); what is known of the object is what was committed when it
//! was handed out. Content of a file never changes under its name, so whoever has this has one write of the object, whole.

use std::{fs::File, io, path::PathBuf, sync::OnceLock};

use bytes::Bytes;
use jiff::Timestamp;

/// Content of an object in a file, and what a read needs to know of the object.
#[derive(Debug)]
pub struct Located {
    /// Length of the content in bytes.
    pub size: u64,
    /// The strong validator, without quotes.
    pub etag: String,
    /// When the object was written.
    pub last_modified: Timestamp,
    /// The media type that it was written with.
    pub content_type: Option<String>,
    /// Where in the file the content begins, bytes.
    pub offset: u64,
    /// The file.
    pub path: PathBuf,
    /// What a reader made of the rest once, to have it the next time: the headers that the object is served with.
    pub prepared: OnceLock<Bytes>,
}

impl Located {
    /// Opens the file. An error where it is not there, or shorter than the content: nothing of it may be sent then.
    pub fn open(&self) -> io::Result<File> {
        let file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        if self.offset.saturating_add(self.size) > length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than the content"));
        }
        Ok(file)
    }
}
