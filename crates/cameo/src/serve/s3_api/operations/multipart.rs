//! Multipart uploads: begin, complete, abort, and list those under way.

use std::sync::Arc;

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType, CommonPrefix,
        CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload,
        StorageClass,
    },
    s3_error,
};

use super::{Operations, list::Encoding, upload::require_standard};
use crate::{
    serve::s3_api::{
        errors::{refused, unsupported},
        routes::Admitted,
        signature::encode_path,
        translate::{
            OWNER, algorithm, checksum_type, count, described, etag, owner, page_size, set_sums, sums_of, tag, time,
            unsigned,
        },
        xml::readable,
    },
    store::embedded::{Algorithm, Completion, NamedPart, NewUpload, Upload, WriteConditions},
};

/// Whether the object gets a checksum of its whole content. What S3 does where the client does not say.
fn is_full_object(algorithm: Option<Algorithm>, asked: Option<&ChecksumType>) -> S3Result<bool> {
    let hash = matches!(algorithm, Some(Algorithm::Sha1 | Algorithm::Sha256));
    match (asked.map(ChecksumType::as_str), algorithm) {
        (Some(ChecksumType::FULL_OBJECT), _) if hash => {
            Err(s3_error!(InvalidRequest, "This algorithm has composite checksums only."))
        }
        (Some(ChecksumType::COMPOSITE), Some(Algorithm::Crc64nvme)) => {
            Err(s3_error!(InvalidRequest, "CRC64NVME has checksums of full objects only."))
        }
        (Some(ChecksumType::FULL_OBJECT), _) | (None, Some(Algorithm::Crc64nvme)) => Ok(true),
        (Some(ChecksumType::COMPOSITE) | None, _) => Ok(false),
        (Some(_), _) => Err(s3_error!(InvalidArgument, "The checksum type is neither COMPOSITE nor FULL_OBJECT.")),
    }
}

/// The address of an object, where the client reached the server: the service itself sees another host.
fn location(extensions: &http::Extensions, bucket: &str, key: &str) -> String {
    let reading = extensions.get::<Arc<Admitted>>().map(|admitted| &admitted.reading);
    match reading.and_then(|reading| Some((reading.header("host")?, &reading.path.1))) {
        Some((host, path)) => format!("http://{host}{}", encode_path(path)),
        None => format!("/{bucket}/{}", encode_path(key)),
    }
}

fn algorithm_told(upload: &Upload) -> Option<ChecksumAlgorithm> {
    upload.algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name()))
}

fn type_told(upload: &Upload) -> Option<ChecksumType> {
    let name = if upload.full_object { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE };
    upload.algorithm.map(|_| ChecksumType::from_static(name))
}

pub(super) fn initiator() -> Initiator {
    Initiator { display_name: Some(OWNER.to_owned()), id: Some(OWNER.to_owned()) }
}

impl Operations {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut input = request.input;
        if input.server_side_encryption.is_some() || input.sse_customer_algorithm.is_some() {
            return Err(unsupported("server-side encryption"));
        }
        if input.tagging.is_some() {
            return Err(unsupported("tags"));
        }
        require_standard(input.storage_class.as_ref())?;
        let algorithm = input.checksum_algorithm.as_ref().map(|named| algorithm(named.as_str())).transpose()?;
        let full_object = is_full_object(algorithm, input.checksum_type.as_ref())?;
        let description = described!(input, request.extensions).check(&self.limits)?;
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let new = NewUpload { bucket, key, description, algorithm, full_object };
        let id = self.store.create_upload(new).await.map_err(refused)?;
        let upload = self.store.upload(&input.bucket, &input.key, &id).map_err(refused)?;
        let output = CreateMultipartUploadOutput {
            checksum_algorithm: algorithm_told(&upload),
            checksum_type: type_told(&upload),
            bucket: Some(input.bucket),
            key: Some(readable(&input.key)),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        };
        Ok(S3Response::new(output))
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let store = self.store_of(request.credentials.as_ref());
        let input = request.input;
        let declared_sums = sums_of!(input);
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let upload = self.store.upload(&input.bucket, &input.key, &input.upload_id).map_err(refused)?;
        if named.is_empty() || named.len() > self.limits.parts_max as usize {
            return Err(s3_error!(MalformedXML, "Between 1 and {} parts must be named.", self.limits.parts_max));
        }
        let completion = Completion {
            parts: named.into_iter().map(named_part).collect::<S3Result<_>>()?,
            part_min_bytes: self.limits.part_min_bytes,
            declared_size: input.mpu_object_size.map(|size| unsigned(size, "x-amz-mp-object-size")).transpose()?,
            declared_sums,
            conditions: WriteConditions {
                if_match: input.if_match.map(tag),
                if_none_match: input.if_none_match.map(tag),
                ..WriteConditions::default()
            },
        };
        let object = store.complete_upload(&upload, completion).await.map_err(refused)?;
        let mut output = CompleteMultipartUploadOutput {
            e_tag: Some(etag(&object.etag)),
            checksum_type: checksum_type(&object.checksums),
            location: Some(location(&request.extensions, &object.bucket, &object.key)),
            bucket: Some(object.bucket),
            key: Some(readable(&object.key)),
            ..CompleteMultipartUploadOutput::default()
        };
        set_sums!(output, object.checksums.sums);
        Ok(S3Response::new(output))
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let upload = self.store.upload(&input.bucket, &input.key, &input.upload_id).map_err(refused)?;
        self.store.abort_upload(&upload).await.map_err(refused)?;
        Ok(S3Response::with_status(AbortMultipartUploadOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        self.require_bucket(&input.bucket)?;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max = page_size(input.max_uploads, &self.limits, "max-uploads")?;
        let (prefix, delimiter) = (input.prefix.unwrap_or_default(), input.delimiter.unwrap_or_default());
        let key_marker = input.key_marker.unwrap_or_default();
        let upload_marker = input.upload_id_marker.unwrap_or_default();
        // Without an upload to go on after, all uploads of the marker's key are passed over.
        let after_upload = if upload_marker.is_empty() && !key_marker.is_empty() { "~" } else { &upload_marker };
        let uploads = self.store.uploads(&input.bucket, &prefix, (&key_marker, after_upload), max + 1).await;
        let mut uploads = uploads.map_err(refused)?;
        let truncated = uploads.len() > max;
        uploads.truncate(max);
        let names =
            uploads.iter().map(|upload| &*upload.key).chain([&*prefix, &delimiter, &key_marker, &upload_marker]);
        let encoding = encoding.fitting(names);
        let last = uploads.last().filter(|_| truncated).map(|last| (encoding.name(&last.key), last.id.clone()));
        let (listed, common_prefixes) = group(uploads, &prefix, &delimiter, encoding);
        let output = ListMultipartUploadsOutput {
            next_key_marker: last.as_ref().map(|last| last.0.clone()),
            next_upload_id_marker: last.map(|last| last.1),
            bucket: Some(input.bucket),
            common_prefixes: Some(common_prefixes),
            delimiter: Some(encoding.name(&delimiter)).filter(|delimiter| !delimiter.is_empty()),
            encoding_type: encoding.told(),
            is_truncated: Some(truncated),
            key_marker: Some(encoding.name(&key_marker)),
            max_uploads: Some(count(max)),
            prefix: Some(encoding.name(&prefix)),
            upload_id_marker: Some(readable(&upload_marker)),
            uploads: Some(listed),
            request_charged: None,
        };
        Ok(S3Response::new(output))
    }
}

fn named_part(part: CompletedPart) -> S3Result<NamedPart> {
    let number = part.part_number.and_then(|number| u32::try_from(number).ok());
    let number = number.ok_or_else(|| s3_error!(MalformedXML, "Each part must have a number."))?;
    let sums = sums_of!(part);
    let etag = part.e_tag.map(s3s::dto::ETag::into_value);
    let etag = etag.ok_or_else(|| s3_error!(MalformedXML, "Each part must have an ETag."))?;
    Ok(NamedPart { number, etag, sums })
}

/// Gathers uploads under common prefixes, where there is a delimiter.
fn group(
    uploads: Vec<Upload>,
    prefix: &str,
    delimiter: &str,
    encoding: Encoding,
) -> (Vec<MultipartUpload>, Vec<CommonPrefix>) {
    let (mut listed, mut prefixes) = (Vec::new(), Vec::<CommonPrefix>::new());
    for upload in uploads {
        let rest = &upload.key[prefix.len()..];
        let end = if delimiter.is_empty() { None } else { rest.find(delimiter) };
        match end {
            None => listed.push(told(&upload, encoding)),
            Some(end) => {
                let common = encoding.name(&upload.key[..prefix.len() + end + delimiter.len()]);
                if prefixes.last().and_then(|last| last.prefix.as_ref()) != Some(&common) {
                    prefixes.push(CommonPrefix { prefix: Some(common) });
                }
            }
        }
    }
    (listed, prefixes)
}

fn told(upload: &Upload, encoding: Encoding) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: algorithm_told(upload),
        checksum_type: type_told(upload),
        initiated: Some(time(upload.started_at)),
        initiator: Some(initiator()),
        key: Some(encoding.name(&upload.key)),
        owner: Some(owner()),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        upload_id: Some(upload.id.clone()),
    }
}
