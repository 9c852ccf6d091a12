//! Copying within the server. Nothing is copied: both keys share the content.

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETagCondition, MetadataDirective},
    s3_error,
};

use super::{Operations, download::refuse_version, upload::require_standard};
use crate::{
    serve::s3_api::{
        errors::{check_key, refused, unsupported},
        keys::Action,
        translate::{checksum_type, described, etag, from_time, set_sums, tag, time},
        watch,
    },
    store::embedded::{Copy, ReadConditions, Tag, WriteConditions},
};

/// The conditions on the source of a copy.
macro_rules! source_conditions {
    ($input:expr) => {
        ReadConditions {
            if_match: $input.copy_source_if_match.take().map(tag),
            if_none_match: $input.copy_source_if_none_match.take().map(tag),
            if_modified_since: $input.copy_source_if_modified_since.as_ref().map(from_time).transpose()?,
            if_unmodified_since: $input.copy_source_if_unmodified_since.as_ref().map(from_time).transpose()?,
        }
    };
}

pub(super) use source_conditions;

impl Operations {
    /// Bucket and key of a copy's source, if the signer may read it.
    pub(super) fn source<T>(&self, request: &S3Request<T>, source: &CopySource) -> S3Result<(String, String)> {
        let spaced = with_spaces(&request.headers);
        let CopySource::Bucket { bucket, key, version_id } = spaced.as_ref().unwrap_or(source) else {
            return Err(unsupported("access points"));
        };
        watch::copies(bucket, key);
        refuse_version(version_id.as_deref())?;
        check_key(key)?;
        self.access.require(request.credentials.as_ref(), Action::Read, bucket, key)?;
        Ok((bucket.to_string(), key.to_string()))
    }

    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let from = self.source(&request, &request.input.copy_source)?;
        let conditions = destination_conditions(&request.headers)?;
        let store = self.store_of(request.credentials.as_ref());
        let mut input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        require_standard(input.storage_class.as_ref())?;
        if input.server_side_encryption.is_some() || input.sse_customer_algorithm.is_some() {
            return Err(unsupported("server-side encryption"));
        }
        let source_conditions = source_conditions!(input);
        let to = (input.bucket.clone(), input.key.clone());
        let replaces = input.metadata_directive.as_ref().is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
        if from == to && !replaces {
            let message = "A copy of an object to itself must replace its metadata.";
            return Err(s3_error!(InvalidRequest, "{message}"));
        }
        let description =
            if replaces { Some(described!(input, request.extensions).check(&self.limits)?) } else { None };
        let copy = Copy { from, source_conditions, to, description, conditions };
        let object = store.copy_object(copy).await.map_err(refused)?;
        let mut result = CopyObjectResult {
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(time(object.modified_at)),
            checksum_type: checksum_type(&object.checksums),
            ..CopyObjectResult::default()
        };
        set_sums!(result, object.checksums.sums);
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() }))
    }
}

/// The source of a copy read as S3 reads it, where it differs: `+` is a space, as s5cmd sends it.
fn with_spaces(headers: &http::HeaderMap) -> Option<CopySource> {
    let text = headers.get("x-amz-copy-source")?.to_str().ok()?;
    if text.contains('+') { CopySource::parse(&text.replace('+', "%20")).ok() } else { None }
}

/// The conditions on the key of the copy, which the service does not read.
fn destination_conditions(headers: &http::HeaderMap) -> S3Result<WriteConditions> {
    let condition = |name: http::HeaderName| -> S3Result<Option<Tag>> {
        let Some(value) = headers.get(&name) else { return Ok(None) };
        let parsed = ETagCondition::parse_http_header(value.as_bytes());
        parsed.map(|condition| Some(tag(condition))).map_err(|_| s3_error!(InvalidArgument, "{name} is not an ETag."))
    };
    Ok(WriteConditions {
        if_match: condition(http::header::IF_MATCH)?,
        if_none_match: condition(http::header::IF_NONE_MATCH)?,
        ..WriteConditions::default()
    })
}
