//! What a request asks for: the one table of operations, their query names, the rights they need and the bodies they take.
//!
//! The table is an allow-list. S3 invents sub-resources every year, and a name that a router does not know runs the
//! operation beside it: `PUT key?annotation` would overwrite the photo with the XML of an annotation. So whatever is not in
//! this table is answered 501 before anything is touched.

use http::Method;
use s3s::{S3Result, s3_error};

use super::{
    keys::Action,
    reading::{Reading, Resource},
};

/// The right that an operation needs. It comes from the operation alone, never from a parameter that it does not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// A valid signature; the operation looks closer.
    Signature,
    /// Any right on the bucket; the operation looks closer.
    Bucket,
    /// This, on the whole bucket.
    Whole(Action),
    /// Reading what the listing's prefix covers.
    Prefix,
    /// This, on the key.
    Key(Action),
}

/// What an operation takes for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyKind {
    None,
    /// XML, held as a whole.
    Text,
    /// Content, streamed.
    Content,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Route {
    method: &'static str,
    resource: Resource,
    /// S3's name of it, and that of the s3s crate.
    pub(super) operation: &'static str,
    /// The parameters that ask for it.
    by: &'static [&'static str],
    /// The parameters that it takes besides.
    takes: &'static [&'static str],
    pub(super) need: Need,
    pub(super) body: BodyKind,
}

const NONE: &[&str] = &[];
const LIST: &[&str] = &["prefix", "delimiter", "marker", "max-keys", "encoding-type"];
// With `metadata`, which is MinIO's, a client asks for more than S3 lists; it does without.
const LIST_2: &[&str] = &[
    "prefix",
    "delimiter",
    "max-keys",
    "encoding-type",
    "start-after",
    "continuation-token",
    "fetch-owner",
    "metadata",
];
const LIST_VERSIONS: &[&str] = &["prefix", "delimiter", "key-marker", "version-id-marker", "max-keys", "encoding-type"];
const LIST_UPLOADS: &[&str] =
    &["prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"];
const LIST_PARTS: &[&str] = &["max-parts", "part-number-marker"];
const GET: &[&str] = &[
    "versionId",
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];
const VERSION: &[&str] = &["versionId"];

/// A read without a body.
const fn get(resource: Resource, operation: &'static str, by: &'static [&'static str], need: Need) -> Route {
    let takes = match resource {
        Resource::Object => VERSION,
        Resource::Service | Resource::Bucket => NONE,
    };
    Route { method: "GET", resource, operation, by, takes, need, body: BodyKind::None }
}

const fn list(operation: &'static str, by: &'static [&'static str], takes: &'static [&'static str]) -> Route {
    Route { method: "GET", resource: Resource::Bucket, operation, by, takes, need: Need::Prefix, body: BodyKind::None }
}

/// What clients ask about a bucket on their own way, and S3 answers "none": reads that change and show nothing.
const fn asked(operation: &'static str, by: &'static [&'static str]) -> Route {
    get(Resource::Bucket, operation, by, Need::Bucket)
}

/// A change.
const fn change(
    method: &'static str,
    resource: Resource,
    operation: &'static str,
    by: &'static [&'static str],
    need: Need,
    body: BodyKind,
) -> Route {
    Route { method, resource, operation, by, takes: NONE, need, body }
}

use Action::{Manage, Read, Write};
use BodyKind::{Content, None as NoBody, Text};
use Resource::{Bucket, Object, Service};

const WRITE: Need = Need::Key(Write);
const READ: Need = Need::Key(Read);

/// Every request that is answered. Rows of one method and resource differ in `by`, and the row of most names wins.
pub(super) const TABLE: &[Route] = &[
    Route {
        takes: &["prefix", "max-buckets", "continuation-token", "bucket-region"],
        ..get(Service, "ListBuckets", NONE, Need::Signature)
    },
    Route { method: "HEAD", ..asked("HeadBucket", NONE) },
    list("ListObjects", NONE, LIST),
    list("ListObjectsV2", &["list-type"], LIST_2),
    list("ListObjectVersions", &["versions"], LIST_VERSIONS),
    list("ListMultipartUploads", &["uploads"], LIST_UPLOADS),
    asked("GetBucketLocation", &["location"]),
    asked("GetBucketVersioning", &["versioning"]),
    asked("GetBucketAcl", &["acl"]),
    // Answered with "none", or by the service with 501 where an operation has no answer.
    asked("GetBucketAccelerateConfiguration", &["accelerate"]),
    asked("GetBucketCors", &["cors"]),
    asked("GetBucketEncryption", &["encryption"]),
    asked("GetBucketLifecycleConfiguration", &["lifecycle"]),
    asked("GetBucketLogging", &["logging"]),
    asked("GetBucketNotificationConfiguration", &["notification"]),
    asked("GetBucketOwnershipControls", &["ownershipControls"]),
    asked("GetBucketPolicy", &["policy"]),
    asked("GetBucketPolicyStatus", &["policyStatus"]),
    asked("GetBucketReplication", &["replication"]),
    asked("GetBucketRequestPayment", &["requestPayment"]),
    asked("GetBucketTagging", &["tagging"]),
    asked("GetBucketWebsite", &["website"]),
    asked("GetObjectLockConfiguration", &["object-lock"]),
    asked("GetPublicAccessBlock", &["publicAccessBlock"]),
    asked("ListBucketAnalyticsConfigurations", &["analytics"]),
    asked("ListBucketIntelligentTieringConfigurations", &["intelligent-tiering"]),
    Route { takes: &["continuation-token"], ..asked("ListBucketInventoryConfigurations", &["inventory"]) },
    asked("ListBucketMetricsConfigurations", &["metrics"]),
    change("PUT", Bucket, "CreateBucket", NONE, Need::Whole(Manage), Text),
    change("PUT", Bucket, "PutBucketAcl", &["acl"], Need::Whole(Manage), Text),
    change("DELETE", Bucket, "DeleteBucket", NONE, Need::Whole(Manage), NoBody),
    change("POST", Bucket, "DeleteObjects", &["delete"], Need::Bucket, Text),
    Route { method: "HEAD", takes: GET, ..get(Object, "HeadObject", NONE, READ) },
    Route { takes: GET, ..get(Object, "GetObject", NONE, READ) },
    get(Object, "GetObjectAcl", &["acl"], READ),
    get(Object, "GetObjectAttributes", &["attributes"], READ),
    get(Object, "GetObjectLegalHold", &["legal-hold"], READ),
    get(Object, "GetObjectRetention", &["retention"], READ),
    get(Object, "GetObjectTagging", &["tagging"], READ),
    Route { takes: LIST_PARTS, ..get(Object, "ListParts", &["uploadId"], WRITE) },
    change("PUT", Object, "PutObject", NONE, WRITE, Content),
    change("PUT", Object, "CopyObject", NONE, WRITE, NoBody),
    change("PUT", Object, "UploadPart", &["partNumber", "uploadId"], WRITE, Content),
    change("PUT", Object, "UploadPartCopy", &["partNumber", "uploadId"], WRITE, NoBody),
    Route { takes: VERSION, ..change("PUT", Object, "PutObjectAcl", &["acl"], WRITE, Text) },
    change("POST", Object, "CreateMultipartUpload", &["uploads"], WRITE, NoBody),
    change("POST", Object, "CompleteMultipartUpload", &["uploadId"], WRITE, Text),
    Route { takes: VERSION, ..change("DELETE", Object, "DeleteObject", NONE, Need::Key(Manage), NoBody) },
    change("DELETE", Object, "AbortMultipartUpload", &["uploadId"], WRITE, NoBody),
];

/// What a request says and asks for. The service carries it along, so that rights are judged by the same reading.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) reading: Reading,
    pub(super) route: &'static Route,
}

/// The operation that SDKs name beside what asks for it.
const NAMED: &str = "x-id";
/// The header that makes a copy of a `PUT`.
pub(super) const COPY_SOURCE: &str = "x-amz-copy-source";

impl Route {
    fn is_copy(&self) -> bool {
        matches!(self.operation, "CopyObject" | "UploadPartCopy")
    }

    fn is_put_of_content(&self) -> bool {
        self.is_copy() || self.body == Content
    }

    fn fits(&self, reading: &Reading, copy: bool) -> bool {
        self.method == reading.method.as_str()
            && self.resource == reading.target.resource()
            && self.by.iter().all(|name| reading.parameter(name).is_some())
            && (!self.is_put_of_content() || self.is_copy() == copy)
    }

    fn takes(&self, name: &str) -> bool {
        name == NAMED || self.by.contains(&name) || self.takes.contains(&name)
    }
}

/// The row of the table that a request asks for.
pub(super) fn find(reading: &Reading) -> S3Result<&'static Route> {
    refuse_form(reading)?;
    let copy = reading.headers.contains_key(COPY_SOURCE);
    let fitting = TABLE.iter().filter(|route| route.fits(reading, copy));
    let route = fitting.max_by_key(|route| route.by.len()).ok_or_else(|| not_implemented(reading, "This request"))?;
    if let Some((name, _)) = reading.query.iter().find(|(name, _)| !route.takes(name)) {
        return Err(not_implemented(reading, &format!("The query parameter {name:?}")));
    }
    if reading.parameter("list-type").is_some_and(|kind| kind != "2") {
        return Err(s3_error!(InvalidArgument, "list-type must be 2, or be left out."));
    }
    if reading.parameter(NAMED).is_some_and(|named| named != route.operation) {
        return Err(not_implemented(reading, "The operation that x-id names"));
    }
    if copy && !route.is_copy() {
        return Err(not_implemented(reading, "The header x-amz-copy-source"));
    }
    Ok(route)
}

fn not_implemented(reading: &Reading, what: &str) -> s3s::S3Error {
    let resource = match reading.target.resource() {
        Service => "the service",
        Bucket => "a bucket",
        Object => "an object",
    };
    let method = &reading.method;
    s3_error!(NotImplemented, "{what} is not supported by this server for {method} of {resource}. Nothing was changed.")
}

/// The type of an upload form.
const FORM: &str = "multipart/form-data";

/// Refuses the upload form of browsers (`PostObject`), whose policy, fields and file are another protocol.
fn refuse_form(reading: &Reading) -> S3Result<()> {
    let form = |kind: &str| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM));
    if reading.method != Method::POST || !reading.header("content-type").is_some_and(form) {
        return Ok(());
    }
    Err(s3_error!(
        NotImplemented,
        "Upload forms (POST with multipart/form-data) are not supported by this server. Upload with PUT, for instance to a \
         presigned URL."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_hides_another() {
        for (index, route) in TABLE.iter().enumerate() {
            let like = |other: &&Route| {
                other.method == route.method
                    && other.resource == route.resource
                    && other.by == route.by
                    && other.is_copy() == route.is_copy()
            };
            assert_eq!(TABLE.iter().position(|other| like(&other)), Some(index), "{}", route.operation);
        }
    }

    #[test]
    fn what_changes_something_needs_more_than_a_prefix() {
        for route in TABLE.iter().filter(|route| !matches!(route.method, "GET" | "HEAD")) {
            assert!(!matches!(route.need, Need::Prefix | Need::Signature), "{}", route.operation);
        }
    }
}
