//! Deleting objects, one or many. What is not there counts as deleted.

use futures::{StreamExt, stream};
use s3s::{
    S3Error, S3Request, S3Response, S3Result,
    auth::Credentials,
    dto::{
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
        ObjectIdentifier,
    },
    s3_error,
};

use super::{Operations, download::refuse_version};
use crate::{
    serve::s3_api::{
        errors::{check_key, refused},
        keys::Action,
        translate::{from_time, tag, unsigned},
        watch,
        xml::readable,
    },
    store::embedded::{Tag, WriteConditions},
};

/// Deletions of one request that are under way at a time.
const DELETES_AT_ONCE: usize = 16;

impl Operations {
    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let store = self.store_of(request.credentials.as_ref());
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        refuse_version(input.version_id.as_deref())?;
        let conditions = WriteConditions {
            if_match: input.if_match.map(tag),
            if_size: input.if_match_size.map(|size| unsigned(size, "x-amz-if-match-size")).transpose()?,
            if_modified_at: input.if_match_last_modified_time.as_ref().map(from_time).transpose()?,
            if_none_match: None,
        };
        store.delete_object(&input.bucket, &input.key, conditions).await.map_err(refused)?;
        Ok(S3Response::with_status(DeleteObjectOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        self.require_bucket(&input.bucket)?;
        let max = self.limits.delete_max;
        if input.delete.objects.is_empty() || input.delete.objects.len() > max {
            return Err(s3_error!(MalformedXML, "Between 1 and {max} keys can be deleted at once."));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        let (credentials, bucket) = (request.credentials.as_ref(), &input.bucket);
        // Side by side, since those that come together share fsyncs and commits; answered in their order.
        let deletions = input.delete.objects.into_iter().map(|object| async move {
            let result = self.delete_one(credentials, bucket, &object).await;
            (object, result)
        });
        let mut deletions = stream::iter(deletions).buffered(DELETES_AT_ONCE);
        while let Some((object, result)) = deletions.next().await {
            watch::touched(&object.key, &result);
            match result {
                Ok(()) if quiet => {}
                Ok(()) => deleted.push(DeletedObject {
                    key: Some(readable(&object.key)),
                    version_id: object.version_id,
                    ..DeletedObject::default()
                }),
                Err(error) => errors.push(told(object, &error)),
            }
        }
        let output = DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), request_charged: None };
        Ok(S3Response::new(output))
    }

    async fn delete_one(
        &self,
        credentials: Option<&Credentials>,
        bucket: &str,
        object: &ObjectIdentifier,
    ) -> S3Result<()> {
        check_key(&object.key)?;
        self.access.require(credentials, Action::Manage, bucket, &object.key)?;
        refuse_version(object.version_id.as_deref())?;
        let conditions = WriteConditions {
            if_match: object.e_tag.as_ref().map(|etag| Tag::Is(etag.value().to_owned())),
            if_size: object.size.map(|size| unsigned(size, "Size")).transpose()?,
            if_modified_at: object.last_modified_time.as_ref().map(from_time).transpose()?,
            if_none_match: None,
        };
        self.store_of(credentials).delete_object(bucket, &object.key, conditions).await.map_err(refused)?;
        Ok(())
    }
}

fn told(object: ObjectIdentifier, error: &S3Error) -> Error {
    Error {
        code: Some(error.code().as_str().to_owned()),
        message: error.message().map(str::to_owned),
        key: Some(readable(&object.key)),
        version_id: object.version_id,
    }
}
