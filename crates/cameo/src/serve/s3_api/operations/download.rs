//! Reading objects: whole, by range, by part, and only their headers; conditionally.

use std::ops::Range;

use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{self, ChecksumMode, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob},
    s3_error,
    stream::{ByteStream, RemainingLength},
};

use super::Operations;
use crate::{
    serve::s3_api::{
        errors::refused,
        translate::{checksum_type, count, describe, from_time, latin_1_metadata, length, set_sums, tag},
    },
    store::embedded::{Checksums, ContentStream, ReadConditions, StoredObject, Verdict},
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

/// The `ETag` and time conditions of a reading request.
macro_rules! read_conditions {
    ($input:expr) => {
        ReadConditions {
            if_match: $input.if_match.take().map(tag),
            if_none_match: $input.if_none_match.take().map(tag),
            if_modified_since: $input.if_modified_since.as_ref().map(from_time).transpose()?,
            if_unmodified_since: $input.if_unmodified_since.as_ref().map(from_time).transpose()?,
        }
    };
}

/// Refuses where the conditions say not to send.
fn require(conditions: &ReadConditions, object: &StoredObject) -> S3Result<()> {
    match conditions.judge(object) {
        Verdict::Send => Ok(()),
        Verdict::Failed => Err(s3_error!(PreconditionFailed, "The preconditions you specified did not hold.")),
        Verdict::NotModified => Err(not_modified(object)),
    }
}

fn not_modified(object: &StoredObject) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = http::HeaderMap::new();
    if let Ok(etag) = format!("\"{}\"", object.etag).parse() {
        headers.insert(http::header::ETAG, etag);
    }
    error.set_headers(headers);
    error
}

fn select(object: &StoredObject, range: Option<dto::Range>, part: Option<i32>) -> S3Result<Selected> {
    match (range, part) {
        (Some(_), Some(_)) => Err(s3_error!(InvalidRequest, "Range and partNumber exclude each other.")),
        (Some(range), None) => {
            let range = range.check(object.size).map_err(|_| unsatisfiable(object))?;
            Ok(Selected { range, partial: true, parts_count: None, checksums: None })
        }
        (None, Some(part)) => select_part(object, part),
        (None, None) => Ok(whole(object, false)),
    }
}

fn unsatisfiable(object: &StoredObject) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range cannot be satisfied.");
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = format!("bytes */{}", object.size).parse() {
        headers.insert(http::header::CONTENT_RANGE, value);
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
        let mut input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        refuse_version(input.version_id.as_deref())?;
        let open = self.store.open_object(&input.bucket, &input.key).map_err(refused)?;
        let object = &open.object;
        require(&read_conditions!(input), object)?;
        let selected = select(object, input.range, input.part_number)?;
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
        let headers = latin_1_metadata(object);
        let status = if selected.partial { http::StatusCode::PARTIAL_CONTENT } else { http::StatusCode::OK };
        output.body = Some(StreamingBlob::new(Sent(open.stream(selected.range))));
        Ok(S3Response { headers, ..S3Response::with_status(output, status) })
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let mut input = request.input;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        refuse_version(input.version_id.as_deref())?;
        let object = self.store.look_up(&input.bucket, &input.key).map_err(refused)?;
        require(&read_conditions!(input), &object)?;
        let selected = select(&object, input.range, input.part_number)?;
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
        let status = if selected.partial { http::StatusCode::PARTIAL_CONTENT } else { http::StatusCode::OK };
        Ok(S3Response { headers: latin_1_metadata(&object), ..S3Response::with_status(output, status) })
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
