//! Who may do what: the bridge from the access keys to the S3 service.
//!
//! Signatures are checked by the service before anything here is asked. Anonymous requests are refused. What a request
//! names beside its path (the source of a copy, the keys of a bulk delete) is checked where it is read.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{Credentials, S3Auth, SecretKey},
    path::S3Path,
    s3_error,
};

use super::{
    errors::check_key,
    keys::{AccessKey, Action, KeyRing},
    operations::ABSENT,
};

/// The service's view of the key ring.
#[derive(Debug, Clone)]
pub(super) struct Access(pub(super) Arc<KeyRing>);

#[async_trait::async_trait]
impl S3Auth for Access {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.find(access_key) {
            Some(key) => Ok(SecretKey::from(key.secret.clone())),
            None => Err(s3_error!(InvalidAccessKeyId, "The access key id you provided does not exist.")),
        }
    }
}

impl Access {
    /// The key pair that signed a request.
    pub(super) fn signer(&self, credentials: Option<&Credentials>) -> S3Result<Arc<AccessKey>> {
        credentials
            .and_then(|credentials| self.0.find(&credentials.access_key))
            .ok_or_else(|| s3_error!(AccessDenied, "Requests must be signed."))
    }

    /// Refuses what the signer may not do with a key.
    pub(super) fn require(
        &self,
        credentials: Option<&Credentials>,
        action: Action,
        bucket: &str,
        key: &str,
    ) -> S3Result<()> {
        if self.signer(credentials)?.permits(action, bucket, key) { Ok(()) } else { Err(denied()) }
    }
}

fn denied() -> s3s::S3Error {
    s3_error!(AccessDenied, "The access key has no right to do this.")
}

/// What an operation needs, told from its name.
enum Need {
    /// A valid signature; the operation looks closer.
    Signature,
    /// Any right on the bucket; the operation looks closer.
    Bucket,
    /// This action on the path's key, or on the listing's prefix.
    Act(Action),
}

fn need(operation: &str) -> Need {
    match operation {
        "ListBuckets" => Need::Signature,
        "HeadBucket" | "GetBucketLocation" | "GetBucketVersioning" | "DeleteObjects" | "PostObject" => Need::Bucket,
        "GetObject"
        | "HeadObject"
        | "GetObjectAttributes"
        | "GetObjectAcl"
        | "GetBucketAcl"
        | "ListObjects"
        | "ListObjectsV2"
        | "ListObjectVersions"
        | "ListMultipartUploads" => Need::Act(Action::Read),
        "PutObject"
        | "PutObjectAcl"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "UploadPartCopy"
        | "ListParts"
        | "CompleteMultipartUpload"
        | "AbortMultipartUpload" => Need::Act(Action::Write),
        name if ABSENT.contains(&name) => Need::Act(Action::Read),
        _ => Need::Act(Action::Manage),
    }
}

/// The `prefix` of a query string, decoded.
fn prefix_of(query: &str) -> String {
    let pair = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
    let spaced = pair.unwrap_or_default().replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let credentials = super::verified::credentials(cx);
        let signer = self.signer(credentials.as_ref())?;
        let (bucket, key) = match cx.s3_path() {
            S3Path::Root => ("", String::new()),
            S3Path::Bucket { bucket } => (&**bucket, prefix_of(cx.uri().query().unwrap_or_default())),
            S3Path::Object { bucket, key } => {
                check_key(key)?;
                (&**bucket, key.to_string())
            }
        };
        let allowed = match need(cx.s3_op().name()) {
            Need::Signature => true,
            Need::Bucket => signer.knows(bucket),
            Need::Act(action) => signer.permits(action, bucket, &key),
        };
        if allowed { Ok(()) } else { Err(denied()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_decoded() {
        assert_eq!(prefix_of("list-type=2&prefix=a%2Fb+c%2B&x"), "a/b c+");
        assert_eq!(prefix_of("delimiter=%2F"), "");
    }
}
