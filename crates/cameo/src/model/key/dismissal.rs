//! Where it is noted that a rejected file is settled: `dismissals/{vertical}/{SHA-256 of the file's key}.json` in the upload bucket.
//!
//! A digest, since the name of a rejected file may be as long as a key can be and hold anything.

use sha2::{Digest, Sha256};

use super::{UploadKey, Vertical};

/// The folder of the upload bucket that holds the notes on dismissed files.
pub const DISMISSALS_PREFIX: &str = "dismissals/";

/// Where the note on a dismissed file is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DismissalKey {
    vertical: Vertical,
    digest: String,
}

impl DismissalKey {
    /// Of the file at a key of the upload bucket; none where the key names no vertical, since no delivery can have such a file.
    pub fn of(key: &str) -> Option<Self> {
        Some(Self { vertical: UploadKey::vertical(key)?, digest: hex::encode(Sha256::digest(key)) })
    }

    /// The key in the upload bucket.
    pub fn key(&self) -> String {
        format!("{}{}.json", Self::prefix(&self.vertical), self.digest)
    }

    /// What the keys of a vertical's notes begin with.
    pub fn prefix(vertical: &Vertical) -> String {
        format!("{DISMISSALS_PREFIX}{vertical}/")
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Misplaced, *};

    /// A note causes no event, is no photo, is never rejected, and has its place whatever the file is called.
    #[test]
    fn notes_are_plain_objects_of_the_upload_bucket() {
        let long = format!("origin/가나/{}.jpg", "x".repeat(1000));
        for key in ["origin/ssgdfm_eye/1 (1).jpg", &long] {
            let noted = DismissalKey::of(key).unwrap().key();
            assert!(noted.starts_with(DISMISSALS_PREFIX) && noted.len() < 400, "{noted}");
            assert_eq!((UploadKey::parse(&noted), Misplaced::parse(&noted)), (UploadKey::Plain, None));
        }
        let (one, other) = (DismissalKey::of("origin/v/1.jpg").unwrap(), DismissalKey::of("origin/v/2.jpg").unwrap());
        assert!(one != other && one.key().starts_with(&DismissalKey::prefix(&"v".parse().unwrap())));
        assert_eq!(DismissalKey::of("readme.txt"), None);
    }
}
