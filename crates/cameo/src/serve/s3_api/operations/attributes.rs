//! `GetObjectAttributes`.

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        Checksum, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts, ObjectAttributes,
        ObjectPart, StorageClass,
    },
};

use super::{Operations, download::refuse_version};
use crate::{
    serve::s3_api::{
        errors::refused,
        translate::{checksum_type, count, etag, length, page_size, set_sums, time, unsigned},
    },
    store::embedded::{self, StoredObject},
};

impl Operations {
    pub(super) async fn get_object_attributes(
        &self,
        request: S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let input = request.input;
        refuse_version(input.version_id.as_deref())?;
        let object = self.store.look_up(&input.bucket, &input.key).map_err(refused)?;
        // The service does not split what clients send in one header.
        let asked: Vec<&str> = input.object_attributes.iter().flat_map(|list| list.as_str().split(',')).collect();
        let asked = |name: &str| asked.iter().any(|attribute| attribute.trim() == name);
        let parts = if asked(ObjectAttributes::OBJECT_PARTS) {
            let max = page_size(input.max_parts, &self.limits, "x-amz-max-parts")?;
            let after = unsigned(input.part_number_marker.unwrap_or(0), "x-amz-part-number-marker")?;
            object_parts(&object, after, max)
        } else {
            None
        };
        let output = GetObjectAttributesOutput {
            checksum: checksum(&object).filter(|_| asked(ObjectAttributes::CHECKSUM)),
            e_tag: Some(etag(&object.etag)).filter(|_| asked(ObjectAttributes::ETAG)),
            last_modified: Some(time(object.modified_at)),
            object_parts: parts,
            object_size: Some(length(object.size)).filter(|_| asked(ObjectAttributes::OBJECT_SIZE)),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD))
                .filter(|_| asked(ObjectAttributes::STORAGE_CLASS)),
            ..GetObjectAttributesOutput::default()
        };
        Ok(S3Response::new(output))
    }
}

fn checksum(object: &StoredObject) -> Option<Checksum> {
    let mut checksum = Checksum { checksum_type: checksum_type(&object.checksums), ..Checksum::default() };
    set_sums!(checksum, object.checksums.sums);
    (!object.checksums.sums.is_empty()).then_some(checksum)
}

/// A page of the parts; none where the object was uploaded in one piece.
fn object_parts(object: &StoredObject, after: u64, max: usize) -> Option<GetObjectAttributesParts> {
    if object.parts.is_empty() {
        return None;
    }
    let rest: Vec<_> = object.parts.iter().filter(|part| u64::from(part.number) > after).collect();
    let page: Vec<ObjectPart> = rest.iter().take(max).map(|part| told(part)).collect();
    let marker = |number: u64| i32::try_from(number).unwrap_or(i32::MAX);
    Some(GetObjectAttributesParts {
        is_truncated: Some(rest.len() > max),
        max_parts: Some(count(max)),
        next_part_number_marker: page.last().and_then(|part| part.part_number),
        part_number_marker: Some(marker(after)),
        total_parts_count: Some(count(object.parts.len())),
        parts: Some(page),
    })
}

fn told(part: &embedded::ObjectPart) -> ObjectPart {
    let mut told = ObjectPart {
        part_number: i32::try_from(part.number).ok(),
        size: Some(length(part.size)),
        ..ObjectPart::default()
    };
    set_sums!(told, part.sums);
    told
}
