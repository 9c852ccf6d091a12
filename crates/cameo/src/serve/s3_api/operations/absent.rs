//! What clients ask for on their own way and is not there: tags, life cycles, policies, locks and the like.
//!
//! Nothing of it can be set (501), so the answer is always the one that S3 gives for a bucket or an object without it. A client that is
//! told `NotImplemented` gives up: aws-cli reads the tags of every source that it copies in parts.

use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{
        GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput, GetBucketCorsInput,
        GetBucketCorsOutput, GetBucketEncryptionInput, GetBucketEncryptionOutput, GetBucketLifecycleConfigurationInput,
        GetBucketLifecycleConfigurationOutput, GetBucketLoggingInput, GetBucketLoggingOutput,
        GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
        GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
        GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput, GetBucketReplicationInput, GetBucketReplicationOutput,
        GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, GetBucketTaggingInput, GetBucketTaggingOutput,
        GetBucketWebsiteInput, GetBucketWebsiteOutput, GetObjectLegalHoldInput, GetObjectLegalHoldOutput,
        GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput, GetObjectRetentionInput,
        GetObjectRetentionOutput, GetObjectTaggingInput, GetObjectTaggingOutput, GetPublicAccessBlockInput,
        GetPublicAccessBlockOutput, ListBucketAnalyticsConfigurationsInput, ListBucketAnalyticsConfigurationsOutput,
        ListBucketIntelligentTieringConfigurationsInput, ListBucketIntelligentTieringConfigurationsOutput,
        ListBucketInventoryConfigurationsInput, ListBucketInventoryConfigurationsOutput,
        ListBucketMetricsConfigurationsInput, ListBucketMetricsConfigurationsOutput, Payer,
    },
    s3_error,
};

use super::{Operations, download::refuse_version};
use crate::serve::s3_api::errors::{refused, status};

/// An error that says what is not there, under a code that the service does not list, or lists with another status than S3 sends.
fn not_found(code: &'static str, message: &'static str) -> S3Error {
    status(S3ErrorCode::Custom(code.into()), message, http::StatusCode::NOT_FOUND)
}

/// Operations on a bucket that always have the same answer.
macro_rules! of_buckets {
    ($($name:ident: $input:ident -> $output:ident = $answer:expr;)*) => {
        impl Operations {
            $(
                pub(super) async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    Self::require_owner(request.input.expected_bucket_owner.as_ref())?;
                    self.require_bucket(&request.input.bucket)?;
                    let answer: S3Result<$output> = $answer;
                    answer.map(S3Response::new)
                }
            )*
        }
    };
}

of_buckets! {
    get_bucket_accelerate_configuration: GetBucketAccelerateConfigurationInput -> GetBucketAccelerateConfigurationOutput =
        Ok(GetBucketAccelerateConfigurationOutput::default());
    get_bucket_logging: GetBucketLoggingInput -> GetBucketLoggingOutput = Ok(GetBucketLoggingOutput::default());
    get_bucket_notification_configuration:
        GetBucketNotificationConfigurationInput -> GetBucketNotificationConfigurationOutput =
        Ok(GetBucketNotificationConfigurationOutput::default());
    get_bucket_request_payment: GetBucketRequestPaymentInput -> GetBucketRequestPaymentOutput =
        Ok(GetBucketRequestPaymentOutput { payer: Some(Payer::from_static(Payer::BUCKET_OWNER)) });
    get_bucket_encryption: GetBucketEncryptionInput -> GetBucketEncryptionOutput = Err(not_found(
        "ServerSideEncryptionConfigurationNotFoundError",
        "The server side encryption configuration was not found: this server encrypts nothing."
    ));
    get_bucket_lifecycle_configuration: GetBucketLifecycleConfigurationInput -> GetBucketLifecycleConfigurationOutput =
        Err(s3_error!(NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist."));
    get_bucket_ownership_controls: GetBucketOwnershipControlsInput -> GetBucketOwnershipControlsOutput =
        Err(s3_error!(OwnershipControlsNotFoundError, "The bucket ownership controls were not found."));
    get_bucket_policy: GetBucketPolicyInput -> GetBucketPolicyOutput =
        Err(s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist; rights are given by access key."));
    get_bucket_policy_status: GetBucketPolicyStatusInput -> GetBucketPolicyStatusOutput =
        Err(s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist; rights are given by access key."));
    get_bucket_replication: GetBucketReplicationInput -> GetBucketReplicationOutput =
        Err(s3_error!(ReplicationConfigurationNotFoundError, "The replication configuration was not found."));
    get_bucket_tagging: GetBucketTaggingInput -> GetBucketTaggingOutput =
        Err(s3_error!(NoSuchTagSet, "The TagSet does not exist."));
    get_bucket_website: GetBucketWebsiteInput -> GetBucketWebsiteOutput =
        Err(s3_error!(NoSuchWebsiteConfiguration, "The specified bucket does not have a website configuration."));
    get_object_lock_configuration: GetObjectLockConfigurationInput -> GetObjectLockConfigurationOutput =
        Err(s3_error!(ObjectLockConfigurationNotFoundError, "Object Lock configuration does not exist for this bucket."));
    get_public_access_block: GetPublicAccessBlockInput -> GetPublicAccessBlockOutput =
        Err(not_found("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found."));
    list_bucket_analytics_configurations:
        ListBucketAnalyticsConfigurationsInput -> ListBucketAnalyticsConfigurationsOutput =
        Ok(ListBucketAnalyticsConfigurationsOutput { is_truncated: Some(false), ..Default::default() });
    list_bucket_inventory_configurations:
        ListBucketInventoryConfigurationsInput -> ListBucketInventoryConfigurationsOutput =
        Ok(ListBucketInventoryConfigurationsOutput { is_truncated: Some(false), ..Default::default() });
    list_bucket_metrics_configurations: ListBucketMetricsConfigurationsInput -> ListBucketMetricsConfigurationsOutput =
        Ok(ListBucketMetricsConfigurationsOutput { is_truncated: Some(false), ..Default::default() });
}

impl Operations {
    /// The one rule for all buckets, where the server has one.
    pub(super) async fn get_bucket_cors(
        &self,
        request: S3Request<GetBucketCorsInput>,
    ) -> S3Result<S3Response<GetBucketCorsOutput>> {
        Self::require_owner(request.input.expected_bucket_owner.as_ref())?;
        self.require_bucket(&request.input.bucket)?;
        let rule = self.cors.rule();
        let rule = rule.ok_or_else(|| s3_error!(NoSuchCORSConfiguration, "The CORS configuration does not exist."))?;
        Ok(S3Response::new(GetBucketCorsOutput { cors_rules: Some(vec![rule]) }))
    }

    pub(super) async fn list_bucket_intelligent_tiering_configurations(
        &self,
        request: S3Request<ListBucketIntelligentTieringConfigurationsInput>,
    ) -> S3Result<S3Response<ListBucketIntelligentTieringConfigurationsOutput>> {
        self.require_bucket(&request.input.bucket)?;
        let none = ListBucketIntelligentTieringConfigurationsOutput { is_truncated: Some(false), ..Default::default() };
        Ok(S3Response::new(none))
    }

    pub(super) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        self.require_object(&input.bucket, &input.key, input.version_id.as_deref())?;
        Ok(S3Response::new(GetObjectTaggingOutput::default()))
    }

    pub(super) async fn get_object_retention(
        &self,
        request: S3Request<GetObjectRetentionInput>,
    ) -> S3Result<S3Response<GetObjectRetentionOutput>> {
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        self.require_object(&input.bucket, &input.key, input.version_id.as_deref())?;
        Err(no_lock())
    }

    pub(super) async fn get_object_legal_hold(
        &self,
        request: S3Request<GetObjectLegalHoldInput>,
    ) -> S3Result<S3Response<GetObjectLegalHoldOutput>> {
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        self.require_object(&input.bucket, &input.key, input.version_id.as_deref())?;
        Err(no_lock())
    }

    fn require_object(&self, bucket: &str, key: &str, version: Option<&str>) -> S3Result<()> {
        refuse_version(version)?;
        self.store.look_up(bucket, key).map(|_| ()).map_err(refused)
    }
}

/// What S3 answers of an object in a bucket that was created without object lock.
fn no_lock() -> S3Error {
    s3_error!(InvalidRequest, "Bucket is missing Object Lock Configuration.")
}
