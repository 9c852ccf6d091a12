//! The SHA-256s that a list gives its files: of two for one file neither is taken.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

use super::{Expectation, Unread, UnreadableCell, row::shown};

/// The SHA-256s that were read, by the names of their files.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    first: BTreeMap<String, String>,
    disputed: BTreeSet<String>,
}

impl Hashes {
    /// Notes the SHA-256 of a file; what is wrong where another row has another one.
    pub(super) fn add(&mut self, file: &str, sha256: &str, address: String) -> Option<UnreadableCell> {
        let name = key(file);
        let first = self.first.entry(name.clone()).or_insert_with(|| sha256.to_owned());
        if first == sha256 {
            return None;
        }
        self.disputed.insert(name);
        Some(UnreadableCell { address, text: shown(file), why: Unread::OtherHash })
    }

    /// Takes the SHA-256s off files that have two.
    pub(super) fn settle(&self, list: &mut Expectation) {
        for file in list.files.iter_mut().filter(|file| self.disputed.contains(&key(&file.name))) {
            file.sha256 = None;
        }
    }
}

/// What names the same file, in whatever folder.
fn key(file: &str) -> String {
    file.rsplit(['/', '\\']).next().unwrap_or(file).nfc().collect()
}
