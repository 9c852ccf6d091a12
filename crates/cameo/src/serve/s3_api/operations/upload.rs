//! Uploading in one piece. All that was declared of a body is verified before anything is replaced.

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{PutObjectInput, PutObjectOutput, StorageClass, StreamingBlob},
    s3_error,
};

use super::Operations;
use crate::{
    serve::s3_api::{
        declared,
        errors::{refused, unsupported},
        payload::Trailers,
        translate::{algorithm, checksum_type, described, etag, set_sums, sums_of, tag, trailer_sums, unsigned},
    },
    store::embedded::{Algorithm, Checksums, Digests, NewObject, Refusal, Staged, Sums, WriteConditions},
};

/// The header by which clients name the checksum that they are about to send.
const SDK_ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";

/// What a client declared of a body.
pub(super) struct Declared {
    pub(super) length: Option<i64>,
    pub(super) md5: Option<String>,
    pub(super) sums: Sums,
    /// An algorithm to compute, with or without a declared value.
    pub(super) algorithm: Option<Algorithm>,
    /// The checksums announced for the trailer.
    announced: Vec<Algorithm>,
    trailers: Option<Trailers>,
    max_bytes: u64,
}

impl Declared {
    pub(super) fn new(
        headers: &http::HeaderMap,
        trailers: Option<Trailers>,
        sums: Sums,
        max_bytes: u64,
    ) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let announced = declared::announced(text("x-amz-trailer").unwrap_or_default()).collect();
        let algorithm = text(SDK_ALGORITHM).map(algorithm).transpose()?;
        Ok(Self { length: None, md5: None, sums, algorithm, announced, trailers, max_bytes })
    }

    fn algorithms(&self) -> Vec<Algorithm> {
        let mut algorithms: Vec<_> = self.sums.keys().copied().chain(self.announced.iter().copied()).collect();
        algorithms.extend(self.algorithm);
        algorithms.sort_unstable();
        algorithms.dedup();
        algorithms
    }

    /// Refuses where the body is not as declared.
    fn verify(mut self, digests: &Digests) -> S3Result<()> {
        if let Some(declared) = self.length.map(|length| unsigned(length, "Content-Length")).transpose()?
            && declared != digests.size
        {
            return Err(refused(Refusal::LengthMismatch { got: digests.size, declared }));
        }
        self.md5.as_deref().map_or(Ok(()), |md5| declared::match_md5(md5, digests))?;
        let trailers = self.trailers.take().and_then(|trailers| trailers.take()).unwrap_or_default();
        let sent = trailer_sums(&trailers);
        declared::came(self.announced.iter().copied(), &sent)?;
        declared::match_sums(self.sums.iter().chain(&sent), digests)
    }
}

impl Operations {
    /// Receives a body and verifies it.
    pub(super) async fn receive(&self, body: Option<StreamingBlob>, declared: Declared) -> S3Result<Staged> {
        let too_large = |length: i64| u64::try_from(length).is_ok_and(|length| length > declared.max_bytes);
        if declared.length.is_some_and(too_large) {
            return Err(refused(Refusal::TooLarge(declared.max_bytes)));
        }
        let body = body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
        let staged = self.store.stage(body, &declared.algorithms(), declared.max_bytes).await.map_err(refused)?;
        declared.verify(staged.digests())?;
        Ok(staged)
    }

    pub(super) async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let store = self.store_of(request.credentials.as_ref());
        let mut input = request.input;
        refuse_unsupported(&input)?;
        Self::require_owner(input.expected_bucket_owner.as_ref())?;
        self.require_bucket(&input.bucket)?;
        let description = described!(input, request.extensions).check(&self.limits)?;
        let max_bytes = self.limits.object_max_bytes;
        let trailers = request.extensions.get::<Trailers>().cloned();
        let mut declared = Declared::new(&request.headers, trailers, sums_of!(input), max_bytes)?;
        declared.length = input.content_length;
        declared.md5 = input.content_md5;
        if let Some(named) = &input.checksum_algorithm {
            declared.algorithm = Some(algorithm(named.as_str())?);
        }
        let conditions = WriteConditions {
            if_match: input.if_match.map(tag),
            if_none_match: input.if_none_match.map(tag),
            ..WriteConditions::default()
        };
        let staged = self.receive(input.body, declared).await?;
        let checksums = Checksums { sums: staged.digests().sums.clone(), composite: false };
        let object = NewObject { bucket: input.bucket, key: input.key, description, checksums, conditions };
        let object = store.put(staged, object).await.map_err(refused)?;
        let mut output = PutObjectOutput {
            e_tag: Some(etag(&object.etag)),
            checksum_type: checksum_type(&object.checksums),
            ..PutObjectOutput::default()
        };
        set_sums!(output, object.checksums.sums);
        Ok(S3Response::new(output))
    }
}

/// Refuses what would be kept differently from how the client believes.
fn refuse_unsupported(input: &PutObjectInput) -> S3Result<()> {
    if input.sse_customer_algorithm.is_some() || input.server_side_encryption.is_some() {
        return Err(unsupported("server-side encryption"));
    }
    if input.tagging.is_some() {
        return Err(unsupported("tags"));
    }
    if input.write_offset_bytes.is_some() {
        return Err(unsupported("appending to objects"));
    }
    require_standard(input.storage_class.as_ref())
}

/// Refuses storage classes beside the only one.
pub(super) fn require_standard(class: Option<&StorageClass>) -> S3Result<()> {
    match class {
        Some(class) if class.as_str() != StorageClass::STANDARD => {
            Err(s3_error!(InvalidStorageClass, "The only storage class is STANDARD."))
        }
        _ => Ok(()),
    }
}
