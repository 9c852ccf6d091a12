//! Files that are to be uploaded, and the addresses that they are sent to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Files that somebody is about to upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Uploads {
    /// The vertical.
    pub vertical: String,
    /// The files: 1,000 at most.
    #[schema(max_items = 1000)]
    pub files: Vec<FileToUpload>,
    /// Whether addresses are wanted for what is to be sent. Without them the files are sent with keys of the client's own, to the bucket
    /// of `GET /api/v1/uploads`.
    #[serde(default = "wanted", skip_serializing_if = "is_wanted")]
    pub addresses: bool,
}

/// Servers that do not know the field refuse it, so it is sent only where it says something.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_wanted(addresses: &bool) -> bool {
    *addresses
}

fn wanted() -> bool {
    true
}

/// The bucket that originals are uploaded to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadBucket {
    /// Its name.
    pub bucket: String,
    /// The address of the S3 service that it is in; null where it is Amazon's own.
    pub endpoint: Option<String>,
    /// Its region, where the server names one.
    pub region: Option<String>,
}

/// A file that is to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileToUpload {
    /// Its name: `{cd_idx}_{sequence}.jpg`.
    pub name: String,
    /// Its length, bytes.
    pub size: u64,
    /// The MD5 of its content, 32 hexadecimal digits.
    #[schema(pattern = "^[0-9a-fA-F]{32}$")]
    pub md5: String,
}

/// What to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Nothing: the very same content was uploaded under this name before.
    Present,
    /// Send it to `url` with a PUT and `headers`, before `expires`; where no addresses were wanted, to the bucket.
    Upload,
    /// It cannot be uploaded: `hint` says why.
    Refused,
}

/// What to do with a file, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// The file's name.
    pub name: String,
    /// What to do.
    pub state: UploadState,
    /// Whether the content that is present is registered: it needs neither to be sent nor to be checked again.
    #[serde(default)]
    pub accepted: bool,
    /// Whether it takes the place of other content that has its name.
    #[serde(default)]
    pub replaces: bool,
    /// Where to send it.
    pub url: Option<String>,
    /// The headers that must be sent with it, as they are.
    pub headers: BTreeMap<String, String>,
    /// When the address ends.
    pub expires: Option<Timestamp>,
    /// Why it is refused.
    pub hint: Option<String>,
    /// The same in Korean.
    #[serde(default)]
    pub hint_korean: Option<String>,
}
