//! The content of files that are sent, read on the blocking pool, each as a whole: none is longer than an original may be.

use std::{io::Read, sync::Arc};

use bytes::Bytes;
use cameo::{preflight::Source, push::send::Contents};

/// Files of a source, by their places in its list.
#[derive(Debug)]
pub(super) struct SourceContents {
    pub(super) source: Arc<Source>,
    /// The entry of each file.
    pub(super) places: Vec<usize>,
}

impl Contents for SourceContents {
    async fn read(&self, place: usize) -> std::io::Result<Bytes> {
        let (source, entry) = (self.source.clone(), self.places[place]);
        let read = move || {
            let entry = &source.entries()[entry];
            source.read(entry, |content| {
                let mut bytes = Vec::with_capacity(usize::try_from(entry.size).unwrap_or(0));
                // One more than it had: whatever grew is found by its hash.
                content.take(entry.size + 1).read_to_end(&mut bytes)?;
                Ok(Bytes::from(bytes))
            })
        };
        tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)?
    }
}
