//! Reading objects: whole, by range, by part, and only their headers; conditionally.

use std::{ops::Range, time::SystemTime};

use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_RANGE, CONTENT_SECURITY_POLICY, ETAG, RANGE, X_CONTENT_TYPE_OPTIONS},
};
use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{ChecksumMode, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob},
    s3_error,
    stream::{ByteStream, RemainingLength},
};

use super::Operations;
use crate::{
    serve::{
        conditions::precondition,
        range::{Selection, asked},
        s3_api::{
            errors::refused,
            plain::{PartialContent, ReadHeaders},
            translate::{checksum_type, count, describe, latin_1_metadata, length, set_sums},
        },
    },
    store::embedded::{Checksums, ContentStream, StoredObject},
};

/// What is sent of an object.
struct Selected {
    range: Range<u64>,
    partial: bool,
    parts_count: Option<i32>,
    checksums: Option<Checksums>,
}

impl Selected {
    fn content_range(&self, size: u64) -> Option<String> {
        self.partial.then(|| format!("bytes {}-{}/{size}", self.range.start, self.range.end.saturating_sub(1)))
    }

    fn length(&self) -> i64 {
        length(self.range.end - self.range.start)
    }
}

/// Refuses where the conditions say not to send.
fn require(object: &StoredObject, extensions: &http::Extensions) -> S3Result<()> {
    let ReadHeaders(headers) = extensions.get().cloned().unwrap_or_default();
    match precondition(&headers, &object.etag, SystemTime::from(object.modified_at)) {
        None => Ok(()),
        Some(http::StatusCode::NOT_MODIFIED) => Err(not_modified(object)),
        Some(_) => Err(s3_error!(PreconditionFailed, "The preconditions you specified did not hold.")),
    }
}

fn not_modified(object: &StoredObject) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    if let Ok(etag) = format!("\"{}\"", object.etag).parse() {
        headers.insert(ETAG, etag);
    }
    error.set_headers(headers);
    error
}

/// What the headers that stand beside the request, or its part number, ask for.
fn select(object: &StoredObject, extensions: &http::Extensions, part: Option<i32>) -> S3Result<Selected> {
    let ReadHeaders(headers) = extensions.get().cloned().unwrap_or_default();
    if let Some(part) = part {
        if headers.contains_key(RANGE) {
            return Err(s3_error!(InvalidRequest, "Cannot specify both Range header and partNumber query parameter."));
        }
        return select_part(object, part);
    }
    match asked(&headers, object.size, &object.etag, SystemTime::from(object.modified_at)) {
        Selection::Whole => Ok(whole(object, false)),
        Selection::Part(range) => Ok(Selected { range, partial: true, parts_count: None, checksums: None }),
        Selection::Unsatisfiable => Err(unsatisfiable(object)),
    }
}

/// The headers of every answer about content beside those that describe it: metadata, and that a browser must neither guess what an
/// object is nor run it as a page of this server.
fn headers_of(object: &StoredObject) -> HeaderMap {
    let mut headers = latin_1_metadata(object);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers
}

fn unsatisfiable(object: &StoredObject) -> S3Error {
    let mut error =
        s3_error!(InvalidRange, "The requested range is not satisfiable: the object has {} bytes.", object.size);
    let mut headers = HeaderMap::new();
    if let Ok(value) = format!("bytes */{}", object.size).parse() {
        headers.insert(CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

fn whole(object: &StoredObject, partial: bool) -> Selected {
    Selected { range: 0..object.size, partial, parts_count: None, checksums: Some(object.checksums.clone()) }
}

/// An object uploaded in one piece is its own first part.
fn select_part(object: &StoredObject, number: i32) -> S3Result<Selected> {
    let invalid = || s3_error!(InvalidPart, "The object has no part {number}.");
    if object.parts.is_empty() {
        return if number == 1 { Ok(whole(object, object.size > 0)) } else { Err(invalid()) };
    }
    let mut start = 0;
    for part in &object.parts {
        if i64::from(part.number) == i64::from(number) {
            let parts_count = Some(count(object.parts.len()));
            let checksums = Checksums { sums: part.sums.clone(), composite: object.checksums.composite };
            let range = start..start + part.size;
            return Ok(Selected { range, partial: part.size > 0, parts_count, checksums: Some(checksums) });
        }
        start += part.size;
    }
    Err(invalid())
}

fn wants_checksums(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

impl Operations {
    pub(super) async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        refuse_version(input.version_id.as_deref())?;
        let open = self.store.open_object(&input.bucket, &input.key).map_err(refused)?;
        let object = &open.object;
        require(object, &request.extensions)?;
        let selected = select(object, &request.extensions, input.part_number)?;
        let mut output = GetObjectOutput {
            content_length: Some(selected.length()),
            content_range: selected.content_range(object.size),
            parts_count: selected.parts_count,
            ..GetObjectOutput::default()
        };
        describe!(output, object);
        if wants_checksums(input.checksum_mode.as_ref())
            && let Some(checksums) = &selected.checksums
        {
            set_sums!(output, checksums.sums);
            output.checksum_type = checksum_type(checksums);
        }
        let headers = headers_of(object);
        let status = if selected.partial { http::StatusCode::PARTIAL_CONTENT } else { http::StatusCode::OK };
        output.body = Some(StreamingBlob::new(Sent(open.stream(selected.range))));
        Ok(S3Response { headers, ..S3Response::with_status(output, status) })
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        refuse_version(input.version_id.as_deref())?;
        let object = self.store.look_up(&input.bucket, &input.key).map_err(refused)?;
        require(&object, &request.extensions)?;
        let selected = select(&object, &request.extensions, input.part_number)?;
        let mut output = HeadObjectOutput {
            content_length: Some(selected.length()),
            content_range: selected.content_range(object.size),
            parts_count: selected.parts_count,
            ..HeadObjectOutput::default()
        };
        describe!(output, object);
        if wants_checksums(input.checksum_mode.as_ref())
            && let Some(checksums) = &selected.checksums
        {
            set_sums!(output, checksums.sums);
            output.checksum_type = checksum_type(checksums);
        }
        let mut response = S3Response::with_headers(output, headers_of(&object));
        if selected.partial {
            response.extensions.insert(PartialContent);
        }
        Ok(response)
    }
}

/// There is one version of everything, which is called `null`.
pub(super) fn refuse_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null" | "") => Ok(()),
        Some(_) => Err(s3_error!(NoSuchVersion, "There is one version of everything, which is called null.")),
    }
}

/// A content stream that knows its length, as the service wants it.
struct Sent(ContentStream);

impl futures::Stream for Sent {
    type Item = Result<bytes::Bytes, s3s::StdError>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::pin::Pin::new(&mut self.0).poll_next(cx).map_err(Into::into)
    }
}

impl ByteStream for Sent {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(usize::try_from(self.0.remaining()).unwrap_or(usize::MAX))
    }
}
