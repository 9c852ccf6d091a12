//! The parts of a multipart upload: sent, copied from an object, and listed.

use std::ops::Range;

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        self, CopyPartResult, ListPartsInput, ListPartsOutput, StorageClass, StreamingBlob, UploadPartCopyInput,
        UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};

use super::{Operations, copy::source_conditions, multipart::initiator, upload::Declared};
use crate::{
    serve::s3_api::{
        errors::refused,
        payload::Trailers,
        translate::{count, etag, from_time, length, owner, page_size, set_sums, sums_of, tag, time, unsigned},
        watch,
        xml::readable,
    },
    store::embedded::{OpenObject, Part, ReadConditions, Refusal, Sums, Upload, Verdict},
};

impl Operations {
    fn part_number(&self, number: i32) -> S3Result<u32> {
        let max = self.limits.parts_max;
        u32::try_from(number)
            .ok()
            .filter(|number| (1..=max).contains(number))
            .ok_or_else(|| s3_error!(InvalidArgument, "Part number must be an integer between 1 and {max}, inclusive"))
    }

    /// An upload that is not completed.
    async fn open_upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<Upload> {
        let upload = self.store.upload(bucket, key, id).map_err(refused)?;
        if upload.completed_etag.is_some() { Err(refused(Refusal::NoSuchUpload)) } else { Ok(upload) }
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let number = self.part_number(input.part_number)?;
        let upload = self.open_upload(&input.bucket, &input.key, &input.upload_id).await?;
        let max_bytes = self.limits.part_max_bytes;
        let trailers = request.extensions.get::<Trailers>().cloned();
        let mut declared = Declared::new(&request.headers, trailers, sums_of!(input), max_bytes)?;
        declared.length = input.content_length;
        declared.md5 = input.content_md5;
        // The object's checksum is made of its parts', whether or not the client sends them.
        declared.algorithm = upload.algorithm.or(declared.algorithm);
        let staged = self.receive(input.body, declared).await?;
        let part = self.store.put_part(&upload, number, staged).await.map_err(refused)?;
        let mut output = UploadPartOutput { e_tag: Some(etag(&part.etag)), ..UploadPartOutput::default() };
        set_sums!(output, part.sums);
        Ok(S3Response::new(output))
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let from = self.source(&request, &request.input.copy_source)?;
        let signer = self.access.signer(request.credentials.as_ref())?;
        let mut input = request.input;
        let number = self.part_number(input.part_number)?;
        let upload = self.open_upload(&input.bucket, &input.key, &input.upload_id).await?;
        let range = input.copy_source_range.as_deref().map(parse_range).transpose()?;
        let conditions = source_conditions!(input);
        let open = self.store.open_object(&from.0, &from.1).map_err(refused)?;
        if conditions.judge(&open.object) != Verdict::Send {
            return Err(refused(Refusal::ConditionFailed));
        }
        let range = range_of(open.object.size, range)?;
        watch::charge_bytes(&self.access.keys, &signer, range.end - range.start)?;
        let part = self.copy_range(&upload, number, open, range).await?;
        let mut result = CopyPartResult {
            e_tag: Some(etag(&part.etag)),
            last_modified: Some(time(part.modified_at)),
            ..CopyPartResult::default()
        };
        set_sums!(result, part.sums);
        Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() }))
    }

    async fn copy_range(&self, upload: &Upload, number: u32, open: OpenObject, range: Range<u64>) -> S3Result<Part> {
        let mut declared = Declared::new(&http::HeaderMap::new(), None, Sums::new(), self.limits.part_max_bytes)?;
        declared.length = Some(length(range.end - range.start));
        declared.algorithm = upload.algorithm;
        let staged = self.receive(Some(StreamingBlob::wrap(open.stream(range))), declared).await?;
        self.store.put_part(upload, number, staged).await.map_err(refused)
    }

    pub(super) async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let upload = self.open_upload(&input.bucket, &input.key, &input.upload_id).await?;
        let max = page_size(input.max_parts, &self.limits, "max-parts")?;
        let after = unsigned(input.part_number_marker.unwrap_or(0), "part-number-marker")?;
        let parts = self.store.parts(&upload.id).await.map_err(refused)?;
        let rest: Vec<Part> = parts.into_iter().filter(|part| u64::from(part.number) > after).collect();
        let truncated = rest.len() > max;
        let page: Vec<dto::Part> = rest.iter().take(max).map(told).collect();
        let output = ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(readable(&input.key)),
            upload_id: Some(input.upload_id),
            initiator: Some(initiator()),
            owner: Some(owner()),
            is_truncated: Some(truncated),
            max_parts: Some(count(max)),
            next_part_number_marker: page.last().filter(|_| truncated).and_then(|part| part.part_number),
            part_number_marker: Some(i32::try_from(after).unwrap_or(i32::MAX)),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            checksum_algorithm: upload.algorithm.map(|a| dto::ChecksumAlgorithm::from_static(a.name())),
            parts: Some(page),
            ..ListPartsOutput::default()
        };
        Ok(S3Response::new(output))
    }
}

fn told(part: &Part) -> dto::Part {
    let mut told = dto::Part {
        part_number: i32::try_from(part.number).ok(),
        e_tag: Some(etag(&part.etag)),
        last_modified: Some(time(part.modified_at)),
        size: Some(length(part.size)),
        ..dto::Part::default()
    };
    set_sums!(told, part.sums);
    told
}

/// The bytes to copy of a source of this size.
fn range_of(size: u64, asked: Option<(u64, u64)>) -> S3Result<Range<u64>> {
    match asked {
        None => Ok(0..size),
        Some((first, last)) if last < size => Ok(first..last + 1),
        Some(_) => Err(s3_error!(InvalidRange, "The range is not within the source, which has {size} bytes.")),
    }
}

/// `bytes=first-last`, both needed.
fn parse_range(text: &str) -> S3Result<(u64, u64)> {
    let bounds = text.strip_prefix("bytes=").and_then(|text| text.split_once('-'));
    let bounds = bounds.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    bounds.filter(|(first, last)| first <= last).ok_or_else(|| {
        s3_error!(InvalidArgument, "The x-amz-copy-source-range value must be of the form bytes=first-last.")
    })
}
