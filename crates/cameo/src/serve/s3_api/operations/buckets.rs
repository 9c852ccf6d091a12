//! Buckets.

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput,
        GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput,
        HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
    },
};

use super::Operations;
use crate::{
    serve::s3_api::{
        errors::{refused, unsupported},
        translate::{owner, page_size, time},
    },
    store::embedded::Refusal,
};

/// The region that this endpoint says it is in, where nobody asked for another.
const REGION: &str = "us-east-1";
/// Buckets that are read at once.
const BUCKETS_READ: u32 = 1000;

impl Operations {
    pub(super) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let input = request.input;
        if input.object_lock_enabled_for_bucket.unwrap_or(false) {
            return Err(unsupported("object lock"));
        }
        let location = input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
        let location = location.map(|location| location.as_str().to_owned()).unwrap_or_default();
        match self.store.create_bucket(&input.bucket, &location).await {
            // Creating one's own bucket again succeeds, as it does in S3's oldest region.
            Ok(()) | Err(Refusal::BucketExists) => {
                let location = Some(format!("/{}", input.bucket));
                Ok(S3Response::new(CreateBucketOutput { location }))
            }
            Err(refusal) => Err(refused(refusal)),
        }
    }

    pub(super) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        Self::require_owner(request.input.expected_bucket_owner.as_ref())?;
        self.store.delete_bucket(&request.input.bucket).await.map_err(refused)?;
        Ok(S3Response::with_status(DeleteBucketOutput {}, http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        Self::require_owner(request.input.expected_bucket_owner.as_ref())?;
        self.require_bucket(&request.input.bucket)?;
        let output = HeadBucketOutput { bucket_region: Some(REGION.to_owned()), ..HeadBucketOutput::default() };
        Ok(S3Response::new(output))
    }

    pub(super) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let location = self.store.bucket_location(&request.input.bucket).map_err(refused)?;
        let location_constraint = Some(BucketLocationConstraint::from(location));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    pub(super) async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        self.require_bucket(&request.input.bucket)?;
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }

    /// The buckets that the signer has any right on.
    pub(super) async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let signer = self.access.signer(request.credentials.as_ref())?;
        let input = request.input;
        let max = page_size(input.max_buckets, &self.limits, "max-buckets")?;
        let prefix = input.prefix.clone().unwrap_or_default();
        // One endpoint has one region, whatever its buckets were made for.
        if input.bucket_region.is_some_and(|region| region.as_str() != REGION) {
            let output =
                ListBucketsOutput { buckets: Some(Vec::new()), owner: Some(owner()), ..ListBucketsOutput::default() };
            return Ok(S3Response::new(output));
        }
        let mut after = input.continuation_token.unwrap_or_default();
        let mut known = Vec::new();
        loop {
            let page = self.store.buckets(&prefix, &after, BUCKETS_READ).await.map_err(refused)?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.name);
            known.extend(page.into_iter().filter(|bucket| signer.knows(&bucket.name)));
            if known.len() > max {
                break;
            }
        }
        let truncated = known.len() > max;
        known.truncate(max);
        let continuation_token = known.last().filter(|_| truncated).map(|bucket| bucket.name.clone());
        let bucket = |bucket: crate::store::embedded::Bucket| Bucket {
            creation_date: Some(time(bucket.created_at)),
            name: Some(bucket.name),
            ..Bucket::default()
        };
        let buckets = Some(known.into_iter().map(bucket).collect());
        let output = ListBucketsOutput { buckets, continuation_token, owner: Some(owner()), prefix: input.prefix };
        Ok(S3Response::new(output))
    }
}
