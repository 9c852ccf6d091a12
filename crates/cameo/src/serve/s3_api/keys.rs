//! Access keys and their rights: per bucket and prefix, for the administrator everything.
//!
//! A key without grants has no right at all: only `administrator = true` stands for everything, so that a forgotten line
//! gives nothing away. Secrets are never printed, not even by `Debug`.

use std::{collections::HashSet, fmt};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::admission::covers;

/// Characters of an id and of a secret, at most: those of a line that somebody can still compare.
const TEXT_MAX: usize = 128;

/// Characters of a secret, at least: fewer can be guessed.
const SECRET_MIN: usize = 8;

/// What an access key may do with the objects that a grant covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rights {
    /// Read and list.
    Read,
    /// Write new objects, and replace; neither read, list nor delete.
    Upload,
    /// Everything.
    All,
}

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Read an object, or list objects.
    Read,
    /// Write an object.
    Write,
    /// Delete an object, create or delete a bucket, and all else.
    Manage,
}

impl Rights {
    fn permit(self, action: Action) -> bool {
        match self {
            Self::All => true,
            Self::Read => action == Action::Read,
            Self::Upload => action == Action::Write,
        }
    }
}

/// The id that requests without a signature have in the audit trail, where a bucket is open to them. No key pair may have it.
pub(super) const ANONYMOUS: &str = "anonymous";

/// Rights on the keys of a bucket that start with a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The bucket; a `*` at the end stands for any rest.
    pub bucket: String,
    /// What keys must start with; empty for all. It must be written: a forgotten line would give the whole bucket.
    pub prefix: String,
    /// What may be done with them.
    pub rights: Rights,
}

impl Grant {
    /// Everything, everywhere.
    pub fn everything() -> Self {
        Self { bucket: "*".to_owned(), prefix: String::new(), rights: Rights::All }
    }

    /// Everything may be read and listed in this bucket; a `*` at the end stands for any rest.
    pub fn read_all(bucket: &str) -> Self {
        Self { bucket: bucket.to_owned(), prefix: String::new(), rights: Rights::Read }
    }

    /// Whether it is for this bucket.
    pub fn covers_bucket(&self, bucket: &str) -> bool {
        covers(&self.bucket, bucket)
    }

    fn permits(&self, action: Action, bucket: &str, key: &str) -> bool {
        self.covers_bucket(bucket) && key.starts_with(&self.prefix) && self.rights.permit(action)
    }
}

/// What a key may upload within 24 hours, whichever they are. What is left out is not limited.
///
/// Every byte that was taken counts, also of an object that was replaced or deleted since: what one key writes over
/// and over fills a disk as well as new objects do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Bytes of content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_day: Option<ByteSize>,
    /// Objects written; a multipart upload is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects_per_day: Option<u64>,
}

impl Quota {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A key pair with its rights.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// The public half.
    #[serde(rename = "access_key_id")]
    pub id: String,
    /// The secret half.
    #[serde(rename = "secret_access_key")]
    pub secret: String,
    /// Whether it may do everything, everywhere. It needs no grants then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administrator: bool,
    /// What it may upload in a day.
    #[serde(default, skip_serializing_if = "Quota::is_none")]
    pub quota: Quota,
    /// What it may do: the union of these, and nothing without any.
    #[serde(default)]
    pub grants: Vec<Grant>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("administrator", &self.administrator)
            .field("quota", &self.quota)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

impl AccessKey {
    /// A key pair that may do everything.
    pub fn all(id: &str, secret: &str) -> Self {
        Self { administrator: true, ..Self::with(id, secret, Vec::new()) }
    }

    /// A key pair with these rights.
    pub fn with(id: &str, secret: &str, grants: Vec<Grant>) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), grants, ..Self::default() }
    }

    pub(super) fn permits(&self, action: Action, bucket: &str, key: &str) -> bool {
        self.administrator || self.grants.iter().any(|grant| grant.permits(action, bucket, key))
    }

    /// Whether it may do anything at all with a bucket.
    pub(super) fn knows(&self, bucket: &str) -> bool {
        self.administrator || self.grants.iter().any(|grant| grant.covers_bucket(bucket))
    }

    /// What is wrong with it, if anything is. Never with the secret in it.
    pub fn fault(&self) -> Option<String> {
        let Self { id, secret, administrator, grants, .. } = self;
        fault_of_pair(id, secret).or_else(|| {
            let shown = format!("the key {id}");
            if *administrator && !grants.is_empty() {
                return Some(format!("{shown} has administrator = true and grants; leave one of them out"));
            }
            grants.iter().any(|grant| grant.bucket.is_empty()).then(|| format!("a grant of {shown} names no bucket"))
        })
    }
}

/// What is wrong with a key pair, if anything is. An id is part of what is signed, between slashes, and of log lines.
pub fn fault_of_pair(id: &str, secret: &str) -> Option<String> {
    let is_of_id = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ',' | '=' | '"' | '\\' | '&' | '%' | '+' | '#');
    if id.is_empty() || id.chars().count() > TEXT_MAX || !id.chars().all(is_of_id) {
        return Some(format!(
            "{id:?} is not a valid access key id: 1 to {TEXT_MAX} ASCII letters, digits and characters such as - _ . are one"
        ));
    }
    if id == ANONYMOUS {
        return Some(format!("{id:?} is reserved for requests without a signature; choose another access key id"));
    }
    if secret.chars().count() < SECRET_MIN || secret.chars().count() > TEXT_MAX || secret.contains(char::is_control) {
        return Some(format!(
            "the secret of {id} is shorter than {SECRET_MIN} or longer than {TEXT_MAX} characters, or has control characters in it"
        ));
    }
    None
}

/// What is wrong with several keys together, if anything is.
pub(super) fn fault_of(keys: &[AccessKey]) -> Option<String> {
    let mut ids = HashSet::new();
    keys.iter().find_map(|key| {
        key.fault().or_else(|| (!ids.insert(&key.id)).then(|| format!("the key {} is there twice", key.id)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_told_by_bucket_prefix_and_action() {
        let grants = vec![
            Grant { bucket: "uploads".into(), prefix: "origin/eye/".into(), rights: Rights::Upload },
            Grant { bucket: "img-*".into(), prefix: String::new(), rights: Rights::Read },
        ];
        let key = AccessKey::with("id", "secret", grants);
        assert!(key.permits(Action::Write, "uploads", "origin/eye/1_0.jpg"));
        assert!(!key.permits(Action::Write, "uploads", "origin/shop/1_0.jpg"));
        assert!(!key.permits(Action::Read, "uploads", "origin/eye/1_0.jpg"));
        assert!(key.permits(Action::Read, "img-a", "any"));
        assert!(!key.permits(Action::Manage, "img-a", "any"));
        assert!(key.knows("uploads") && !key.knows("other"));
    }

    /// security.md A10.
    #[test]
    fn a_key_without_grants_has_no_right_at_all() {
        let key = AccessKey::with("id", "secret", Vec::new());
        for action in [Action::Read, Action::Write, Action::Manage] {
            assert!(!key.permits(action, "uploads", "origin/eye/1_0.jpg"));
        }
        assert!(!key.knows("uploads"));
        let administrator = AccessKey::all("id", "secret");
        assert!(administrator.permits(Action::Manage, "uploads", "any") && administrator.knows("uploads"));
    }

    /// security.md A10.
    #[test]
    fn empty_and_odd_ids_and_secrets_are_refused() {
        let long = "x".repeat(TEXT_MAX + 1);
        for (id, secret) in [
            ("", "secret of somebody"),
            (" ", "secret of somebody"),
            ("a/b", "secret of somebody"),
            ("a b", "secret of somebody"),
            ("a\nb", "secret of somebody"),
            ("\u{c544}", "secret of somebody"),
            (&long, "secret of somebody"),
            (ANONYMOUS, "secret of somebody"),
            ("id", ""),
            ("id", "…"),
            ("id", "seven 7"),
            ("id", " \t"),
            ("id", "two\nlines"),
            ("id", &long),
        ] {
            assert!(fault_of_pair(id, secret).is_some(), "{id:?} {secret:?}");
        }
        assert_eq!(fault_of_pair("CAMEO-1_2.3@x", "secret of somebody"), None);
        assert!(!fault_of_pair("id", "hidden\n").unwrap().contains("hidden"));
        let both = AccessKey { grants: vec![Grant::everything()], ..AccessKey::all("id", "secret of somebody") };
        assert!(both.fault().unwrap().contains("administrator"));
        let twice = [AccessKey::all("id", "the first one"), AccessKey::with("id", "the second two", Vec::new())];
        assert!(fault_of(&twice).unwrap().contains("twice"));
    }

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", AccessKey::all("id", "hidden")).contains("hidden"));
    }
}
