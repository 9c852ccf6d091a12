//! The operations of S3, one concept a file; each turns a request into a call of the store and its result into an answer.
#![allow(clippy::unused_async, reason = "all operations look alike, whether or not one has to wait")]

use std::sync::Arc;

use s3s::{
    S3, S3Request, S3Response, S3Result,
    auth::Credentials,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput, CreateBucketOutput,
        CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput, DeleteBucketOutput,
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
        GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput, GetBucketAclInput,
        GetBucketAclOutput, GetBucketCorsInput, GetBucketCorsOutput, GetBucketEncryptionInput,
        GetBucketEncryptionOutput, GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput,
        GetBucketLocationInput, GetBucketLocationOutput, GetBucketLoggingInput, GetBucketLoggingOutput,
        GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
        GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
        GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput, GetBucketReplicationInput, GetBucketReplicationOutput,
        GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, GetBucketTaggingInput, GetBucketTaggingOutput,
        GetBucketVersioningInput, GetBucketVersioningOutput, GetBucketWebsiteInput, GetBucketWebsiteOutput,
        GetObjectAclInput, GetObjectAclOutput, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectInput,
        GetObjectLegalHoldInput, GetObjectLegalHoldOutput, GetObjectLockConfigurationInput,
        GetObjectLockConfigurationOutput, GetObjectOutput, GetObjectRetentionInput, GetObjectRetentionOutput,
        GetObjectTaggingInput, GetObjectTaggingOutput, GetPublicAccessBlockInput, GetPublicAccessBlockOutput,
        HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketAnalyticsConfigurationsInput,
        ListBucketAnalyticsConfigurationsOutput, ListBucketIntelligentTieringConfigurationsInput,
        ListBucketIntelligentTieringConfigurationsOutput, ListBucketInventoryConfigurationsInput,
        ListBucketInventoryConfigurationsOutput, ListBucketMetricsConfigurationsInput,
        ListBucketMetricsConfigurationsOutput, ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput,
        ListMultipartUploadsOutput, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput,
        ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutBucketAclInput,
        PutBucketAclOutput, PutObjectAclInput, PutObjectAclOutput, PutObjectInput, PutObjectOutput,
        UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
    },
};

use super::{S3Limits, access::Access, cors::Cors, errors::refused, translate::OWNER};
use crate::{
    model::actor::Actor,
    store::embedded::{Embedded, Refusal},
};

mod absent;
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
    pub(super) cors: Arc<Cors>,
}

impl Operations {
    /// The store, for changes of whoever signed the request: their events name the access key id.
    fn store_of(&self, credentials: Option<&Credentials>) -> Embedded {
        self.store.acting_for(credentials.and_then(|credentials| Actor::new(&credentials.access_key)))
    }

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
    get_bucket_accelerate_configuration: GetBucketAccelerateConfigurationInput -> GetBucketAccelerateConfigurationOutput,
    get_bucket_acl: GetBucketAclInput -> GetBucketAclOutput,
    get_bucket_cors: GetBucketCorsInput -> GetBucketCorsOutput,
    get_bucket_encryption: GetBucketEncryptionInput -> GetBucketEncryptionOutput,
    get_bucket_lifecycle_configuration: GetBucketLifecycleConfigurationInput -> GetBucketLifecycleConfigurationOutput,
    get_bucket_location: GetBucketLocationInput -> GetBucketLocationOutput,
    get_bucket_logging: GetBucketLoggingInput -> GetBucketLoggingOutput,
    get_bucket_notification_configuration:
        GetBucketNotificationConfigurationInput -> GetBucketNotificationConfigurationOutput,
    get_bucket_ownership_controls: GetBucketOwnershipControlsInput -> GetBucketOwnershipControlsOutput,
    get_bucket_policy: GetBucketPolicyInput -> GetBucketPolicyOutput,
    get_bucket_policy_status: GetBucketPolicyStatusInput -> GetBucketPolicyStatusOutput,
    get_bucket_replication: GetBucketReplicationInput -> GetBucketReplicationOutput,
    get_bucket_request_payment: GetBucketRequestPaymentInput -> GetBucketRequestPaymentOutput,
    get_bucket_tagging: GetBucketTaggingInput -> GetBucketTaggingOutput,
    get_bucket_versioning: GetBucketVersioningInput -> GetBucketVersioningOutput,
    get_bucket_website: GetBucketWebsiteInput -> GetBucketWebsiteOutput,
    get_object: GetObjectInput -> GetObjectOutput,
    get_object_acl: GetObjectAclInput -> GetObjectAclOutput,
    get_object_attributes: GetObjectAttributesInput -> GetObjectAttributesOutput,
    get_object_legal_hold: GetObjectLegalHoldInput -> GetObjectLegalHoldOutput,
    get_object_lock_configuration: GetObjectLockConfigurationInput -> GetObjectLockConfigurationOutput,
    get_object_retention: GetObjectRetentionInput -> GetObjectRetentionOutput,
    get_object_tagging: GetObjectTaggingInput -> GetObjectTaggingOutput,
    get_public_access_block: GetPublicAccessBlockInput -> GetPublicAccessBlockOutput,
    head_bucket: HeadBucketInput -> HeadBucketOutput,
    head_object: HeadObjectInput -> HeadObjectOutput,
    list_bucket_analytics_configurations: ListBucketAnalyticsConfigurationsInput -> ListBucketAnalyticsConfigurationsOutput,
    list_bucket_intelligent_tiering_configurations: ListBucketIntelligentTieringConfigurationsInput -> ListBucketIntelligentTieringConfigurationsOutput,
    list_bucket_inventory_configurations: ListBucketInventoryConfigurationsInput -> ListBucketInventoryConfigurationsOutput,
    list_bucket_metrics_configurations: ListBucketMetricsConfigurationsInput -> ListBucketMetricsConfigurationsOutput,
    list_buckets: ListBucketsInput -> ListBucketsOutput,
    list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput,
    list_object_versions: ListObjectVersionsInput -> ListObjectVersionsOutput,
    list_objects: ListObjectsInput -> ListObjectsOutput,
    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output,
    list_parts: ListPartsInput -> ListPartsOutput,
    put_bucket_acl: PutBucketAclInput -> PutBucketAclOutput,
    put_object: PutObjectInput -> PutObjectOutput,
    put_object_acl: PutObjectAclInput -> PutObjectAclOutput,
    upload_part: UploadPartInput -> UploadPartOutput,
    upload_part_copy: UploadPartCopyInput -> UploadPartCopyOutput,
}
