//! Why the embedded store did not do what it was asked.
//!
//! Most of it is the caller's to mend and has a name in S3. Whatever it is, nothing was changed.

use std::fmt;

use crate::model::error::{Error, Kind, Place};

/// An answer of the embedded store.
pub type StoreResult<T> = std::result::Result<T, Refusal>;

/// What a body's stream may fail with.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Why the embedded store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such bucket.
    #[error("the bucket does not exist")]
    NoSuchBucket,
    /// There is a bucket of this name.
    #[error("the bucket exists")]
    BucketExists,
    /// The bucket holds objects.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// The bucket is one that the service needs.
    #[error("the bucket is needed by the service")]
    BucketNeeded,
    /// There is no object at the key.
    #[error("the key does not exist")]
    NoSuchKey,
    /// There is no such multipart upload, or it has been completed or aborted.
    #[error("the multipart upload does not exist")]
    NoSuchUpload,
    /// A part that was named is not there, or is not as named.
    #[error("part {0} was not found, or its ETag differs")]
    InvalidPart(u32),
    /// Parts were not named in ascending order.
    #[error("the parts are not in ascending order")]
    InvalidPartOrder,
    /// A part that is not the last one is too small.
    #[error("part {number} is smaller than the {min_bytes} bytes that every part but the last must have")]
    PartTooSmall {
        /// Its number.
        number: u32,
        /// The least size, bytes.
        min_bytes: u64,
    },
    /// The condition of a conditional request does not hold.
    #[error("the condition does not hold")]
    ConditionFailed,
    /// The body is not what was declared.
    #[error("the {0} that was declared does not match the body")]
    DigestMismatch(&'static str),
    /// The body is shorter or longer than declared.
    #[error("the body has {got} bytes; {declared} were declared")]
    LengthMismatch {
        /// Bytes received.
        got: u64,
        /// Bytes declared.
        declared: u64,
    },
    /// The body is longer than allowed.
    #[error("the body is longer than the {0} bytes allowed")]
    TooLarge(u64),
    /// The body ended with an error: the client went away, or a signature in it was wrong.
    #[error("the body could not be read: {0}")]
    Body(BodyError),
    /// The disk is full. Nothing was replaced; it heals when there is space again.
    #[error("the disk is full")]
    DiskFull,
    /// Something else failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Refusal {
    /// An error of the file system, while `doing` something.
    pub(super) fn io(doing: &str, error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge => {
                Self::DiskFull
            }
            _ => Self::Failed(io_failed(doing, error)),
        }
    }
}

/// An error of the file system, told as what to do about it.
pub(super) fn io_failed(doing: &str, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Kind::Denied,
        _ => Kind::Unavailable,
    };
    Error::new(Place::Store, kind, doing).because(error)
}

/// The content of one object is missing or damaged: nobody else's failure, and nothing that waiting repairs.
pub(super) fn corrupt(name: &str, what: impl fmt::Display) -> Error {
    let doing = format!("read the content of {name}: {what}; upload it again, or put its file back from a backup");
    Error::new(Place::Store, Kind::Corrupt, doing)
}

/// For callers that know only [`Error`].
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Failed(error) => return error,
            Refusal::DiskFull | Refusal::Body(_) => Kind::Unavailable,
            Refusal::ConditionFailed => Kind::Conflict,
            _ => Kind::Misconfigured,
        };
        Self::new(Place::Store, kind, "use the embedded store").because(refusal)
    }
}
