//! What a push knows before it looks at a file: hashes of an earlier run, and what the server has accepted.

use std::collections::BTreeMap;

use cameo::{
    preflight::{Entry, Hashes, Known},
    push::hashes::KnownHashes,
};

/// What is known of the files of a folder.
#[derive(Debug)]
pub(super) struct AcceptedFiles {
    pub(super) hashes: KnownHashes,
    /// MD5 by name.
    pub(super) accepted: BTreeMap<String, [u8; 16]>,
}

impl Known for AcceptedFiles {
    fn hashes(&self, entry: &Entry) -> Option<Hashes> {
        self.hashes.get(entry)
    }

    fn is_accepted(&self, entry: &Entry, hashes: &Hashes) -> bool {
        self.accepted.get(&entry.name) == Some(&hashes.md5)
    }
}
