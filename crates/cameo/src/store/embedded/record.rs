//! What a file of `objects/` says of itself: behind its content is a record of the objects that it holds.
//!
//! The index can be lost, and so can the minutes between a backup of it and an accident. With the record a file is enough to know
//! bucket, key, generation and all that a client said of an object, so that `cameo recover --rebuild-index` can write the index again.
//! A deletion leaves a file too, of a record alone, for as long as the content that it deleted may still be there.
//!
//! ```text
//! content … │ record (JSON) │ length of the record │ its CRC-64/NVME │ MAGIC      the last three have 8 bytes each, little-endian
//! ```
//!
//! Readers never see it: the index says where content begins and how long it is. Files of older versions have none.

use std::{collections::BTreeMap, fs::File, io, os::unix::fs::FileExt};

use crc_fast::CrcAlgorithm::Crc64Nvme;
use serde::{Deserialize, Serialize};

use super::{
    checksum::{Checksums, is_default},
    object::{Description, Headers, ObjectPart, Position, StoredObject},
    refusal::{Refusal, StoreResult},
};
use crate::clock::{from_millis, to_millis};

/// The end of a file that has a record.
const MAGIC: [u8; 8] = *b"CAMEOv1\n";
/// Length, checksum and [`MAGIC`].
const FOOTER_BYTES: usize = 24;
/// A record, at most: 2 KiB of metadata and a thousand bytes of key for each of some hundred objects, or ten thousand parts of one.
const RECORD_MAX_BYTES: u64 = 16 << 20;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The objects whose content is before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    objects: Vec<Recorded>,
    /// Of a deletion: which object, and when; none where the record is of content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed: Option<Removed>,
}

/// A key that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Removed {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) generation: u64,
}

/// An object, in the names that stay: they may be added to, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Recorded {
    bucket: String,
    key: String,
    generation: u64,
    #[serde(default)]
    offset: u64,
    size: u64,
    etag: String,
    modified_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(default)]
    headers: Headers,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "is_default")]
    checksums: Checksums,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<ObjectPart>,
}

impl From<&StoredObject> for Recorded {
    fn from(object: &StoredObject) -> Self {
        Self {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            generation: object.generation,
            offset: object.position.offset,
            size: object.size,
            etag: object.etag.clone(),
            modified_at_ms: to_millis(object.modified_at),
            content_type: object.description.content_type.clone(),
            headers: object.description.headers.clone(),
            metadata: object.description.metadata.clone(),
            checksums: object.checksums.clone(),
            parts: object.parts.clone(),
        }
    }
}

impl Recorded {
    fn into_object(self, file: u64) -> StoredObject {
        let Self { bucket, key, generation, offset, size, etag, checksums, parts, .. } = self;
        let description =
            Description { content_type: self.content_type, headers: self.headers, metadata: self.metadata };
        let (position, modified_at) = (Position { file, offset }, from_millis(self.modified_at_ms));
        StoredObject { bucket, key, generation, position, size, etag, modified_at, description, checksums, parts }
    }
}

impl Record {
    /// The record of objects that share a file.
    pub(super) fn of<'o>(objects: impl IntoIterator<Item = &'o StoredObject>) -> Self {
        Self { objects: objects.into_iter().map(Recorded::from).collect(), removed: None }
    }

    /// The record of a deletion.
    pub(super) fn of_removal(bucket: &str, key: &str, generation: u64) -> Self {
        let removed = Removed { bucket: bucket.to_owned(), key: key.to_owned(), generation };
        Self { objects: Vec::new(), removed: Some(removed) }
    }

    /// What is written behind the content.
    pub(super) fn to_bytes(&self) -> StoreResult<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| Refusal::io("write a record", error.into()))?;
        let (length, sum) = (bytes.len() as u64, crc_fast::checksum(Crc64Nvme, &bytes));
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes.extend_from_slice(&MAGIC);
        Ok(bytes)
    }

    /// The record of the file `number`; none where it has none, or not all of what its record says.
    pub(super) fn read(file: &File, number: u64) -> io::Result<Option<Self>> {
        let Some((record, begins_at)) = read_behind(file)? else { return Ok(None) };
        let named_after_it = record.objects.first().map(|first| first.generation);
        let named_after_it = named_after_it.or(record.removed.as_ref().map(|removed| removed.generation));
        let whole = record.objects.iter().all(|object| object.offset.saturating_add(object.size) <= begins_at);
        Ok((named_after_it == Some(number) && whole).then_some(record))
    }

    /// Whether it names an object of this place, length and `ETag`.
    pub(super) fn names(&self, at: Position, size: u64, etag: &str) -> bool {
        let is_same = |object: &Recorded| (object.offset, object.size, object.etag.as_str()) == (at.offset, size, etag);
        self.objects.iter().any(is_same)
    }

    /// The objects of the file `number`, and the deletion that it stands for.
    pub(super) fn into_parts(self, number: u64) -> (Vec<StoredObject>, Option<Removed>) {
        (self.objects.into_iter().map(|object| object.into_object(number)).collect(), self.removed)
    }
}

/// The record at the end of a file, and where it begins.
fn read_behind(file: &File) -> io::Result<Option<(Record, u64)>> {
    let length = file.metadata()?.len();
    let Some(footer_at) = length.checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
    let mut footer = [[0; 8]; 3];
    file.read_exact_at(footer.as_flattened_mut(), footer_at)?;
    let [record_bytes, sum, magic] = footer;
    let (record_bytes, sum) = (u64::from_le_bytes(record_bytes), u64::from_le_bytes(sum));
    let begins_at = footer_at.checked_sub(record_bytes).filter(|_| magic == MAGIC && record_bytes <= RECORD_MAX_BYTES);
    let Some(begins_at) = begins_at else { return Ok(None) };
    let mut bytes = vec![0; usize::try_from(record_bytes).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, begins_at)?;
    if crc_fast::checksum(Crc64Nvme, &bytes) != sum {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&bytes).ok().map(|record| (record, begins_at)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use jiff::Timestamp;

    use super::*;

    fn object(offset: u64, size: u64) -> StoredObject {
        StoredObject {
            bucket: "uploads".into(),
            key: "origin/v/한글_0.jpg".into(),
            generation: 7,
            position: Position { file: 7, offset },
            size,
            etag: "e".into(),
            modified_at: Timestamp::from_millisecond(12345).unwrap(),
            description: Description {
                content_type: Some("image/jpeg".into()),
                headers: Headers { cache_control: Some("no-cache".into()), ..Headers::default() },
                metadata: BTreeMap::from([("by".into(), "누구".into())]),
            },
            checksums: Checksums::default(),
            parts: vec![ObjectPart { number: 1, size, sums: BTreeMap::new() }],
        }
    }

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn with_record(content: &[u8], record: &Record) -> Vec<u8> {
        [content, &record.to_bytes().unwrap()].concat()
    }

    #[test]
    fn a_file_says_what_it_holds() {
        let record = Record::of([&object(0, 3), &object(3, 4)]);
        let read = Record::read(&file(&with_record(b"content", &record)), 7).unwrap().expect("a record");
        assert_eq!(read.into_parts(7), (vec![object(0, 3), object(3, 4)], None));
        let removal = Record::of_removal("uploads", "origin/v/1_0.jpg", 9);
        let read = Record::read(&file(&with_record(b"", &removal)), 9).unwrap().expect("a record");
        assert_eq!(read, removal);
    }

    #[test]
    fn what_is_not_whole_or_not_its_own_is_not_believed() {
        let record = Record::of([&object(0, 7)]);
        let whole = with_record(b"content", &record);
        let read = |content: &[u8], number| Record::read(&file(content), number).unwrap();
        assert!(read(&whole, 7).is_some());
        assert_eq!(read(&whole, 8), None, "that of another file");
        assert_eq!(read(&whole[1..], 7), None, "content is missing");
        assert_eq!(read(b"", 7), None);
        assert_eq!(read(b"content of a file without a record", 7), None);
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length], 7), None, "cut to {length}");
        }
        let mut flipped = whole.clone();
        flipped[10] ^= 1;
        assert_eq!(read(&flipped, 7), None);
    }
}
