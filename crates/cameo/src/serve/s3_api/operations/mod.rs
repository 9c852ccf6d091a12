//! The operations of S3, one concept a file; each turns a request into a call of the store and its result into an answer.
#![allow(clippy::unused_async, reason = "all operations look alike, whether or not one has to wait")]

use std::sync::Arc;

use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput, CreateBucketOutput,
        CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput, DeleteBucketOutput,
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, GetBucketAclInput,
        GetBucketAclOutput, GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput,
        GetBucketVersioningOutput, GetObjectAclInput, GetObjectAclOutput, GetObjectAttributesInput,
        GetObjectAttributesOutput, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
        HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
        ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
        ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutBucketAclInput, PutBucketAclOutput, PutObjectAclInput,
        PutObjectAclOutput, PutObjectInput, PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput,
        UploadPartInput, UploadPartOutput,
    },
};

use super::{access::Access, errors::refused, limits::S3Limits, translate::OWNER};
use crate::store::embedded::{Embedded, Refusal};

mod acl;
mod attributes;
mod buckets;
mod copy;
mod delete;
mod download;
mod list;
mod multipart;
mod parts;
mod upload;

/// What the operations work with.
#[derive(Debug, Clone)]
pub(super) struct Operations {
    pub(super) store: Embedded,
    pub(super) access: Access,
    pub(super) limits: Arc<S3Limits>,
}

impl Operations {
    /// Refuses early, before a body is received or a page is read.
    fn require_bucket(&self, bucket: &str) -> S3Result<()> {
        if self.store.bucket_exists(bucket).map_err(refused)? { Ok(()) } else { Err(refused(Refusal::NoSuchBucket)) }
    }

    /// Refuses where the client expects somebody else's bucket.
    fn require_owner(expected: Option<&String>) -> S3Result<()> {
        match expected {
            Some(owner) if owner != OWNER => {
                Err(s3s::s3_error!(AccessDenied, "The bucket does not belong to the expected owner."))
            }
            _ => Ok(()),
        }
    }
}

/// Passes requests on to the operations, by name.
macro_rules! operations {
    ($($name:ident: $input:ident -> $output:ident),* $(,)?) => {
        #[async_trait::async_trait]
        impl S3 for Operations {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    self.$name(request).await
                }
            )*
        }
    };
}

operations! {
    abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput,
    complete_multipart_upload: CompleteMultipartUploadInput -> CompleteMultipartUploadOutput,
    copy_object: CopyObjectInput -> CopyObjectOutput,
    create_bucket: CreateBucketInput -> CreateBucketOutput,
    create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput,
    delete_bucket: DeleteBucketInput -> DeleteBucketOutput,
    delete_object: DeleteObjectInput -> DeleteObjectOutput,
    delete_objects: DeleteObjectsInput -> DeleteObjectsOutput,
    get_bucket_acl: GetBucketAclInput -> GetBucketAclOutput,
    get_bucket_location: GetBucketLocationInput -> GetBucketLocationOutput,
    get_bucket_versioning: GetBucketVersioningInput -> GetBucketVersioningOutput,
    get_object_acl: GetObjectAclInput -> GetObjectAclOutput,
    get_object: GetObjectInput -> GetObjectOutput,
    get_object_attributes: GetObjectAttributesInput -> GetObjectAttributesOutput,
    head_bucket: HeadBucketInput -> HeadBucketOutput,
    head_object: HeadObjectInput -> HeadObjectOutput,
    list_buckets: ListBucketsInput -> ListBucketsOutput,
    list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput,
    list_object_versions: ListObjectVersionsInput -> ListObjectVersionsOutput,
    list_objects: ListObjectsInput -> ListObjectsOutput,
    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output,
    list_parts: ListPartsInput -> ListPartsOutput,
    put_bucket_acl: PutBucketAclInput -> PutBucketAclOutput,
    put_object_acl: PutObjectAclInput -> PutObjectAclOutput,
    put_object: PutObjectInput -> PutObjectOutput,
    upload_part: UploadPartInput -> UploadPartOutput,
    upload_part_copy: UploadPartCopyInput -> UploadPartCopyOutput,
}
