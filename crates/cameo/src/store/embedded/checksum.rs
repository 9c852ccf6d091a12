//! Digests of content: the MD5 that S3 makes its `ETag` from, and the additional checksums that clients declare.
//!
//! Values are kept as they are sent: base64 of the digest's bytes, CRCs in network order. Multipart uploads have two
//! kinds of checksum: of the whole object, or of the parts' checksums (*composite*, with `-N` behind it).

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use crc_fast::CrcAlgorithm;
use fast_md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// An additional checksum algorithm of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// CRC-32 of ISO-HDLC.
    Crc32,
    /// CRC-32C of iSCSI.
    Crc32c,
    /// CRC-64/NVME.
    Crc64nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64nvme, Self::Sha1, Self::Sha256];

    /// Its name in S3.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header and the trailer that carry it.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The algorithm of this name, in either case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The algorithm whose header this is.
    pub fn from_header(header: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// The CRC, and its length in bytes, where it is one.
    fn crc(self) -> Option<(CrcAlgorithm, usize)> {
        match self {
            Self::Crc32 => Some((CrcAlgorithm::Crc32IsoHdlc, 4)),
            Self::Crc32c => Some((CrcAlgorithm::Crc32Iscsi, 4)),
            Self::Crc64nvme => Some((CrcAlgorithm::Crc64Nvme, 8)),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

/// Checksums by algorithm, base64.
pub type Sums = BTreeMap<Algorithm, String>;

/// The additional checksums of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checksums {
    /// A value for each algorithm; none where the client sent none and asked for none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sums: Sums,
    /// Whether they are checksums of the parts' checksums.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub composite: bool,
}

/// Whether there are none.
pub(super) fn is_default(checksums: &Checksums) -> bool {
    *checksums == Checksums::default()
}

/// What was computed of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// Length of the body, bytes.
    pub size: u64,
    /// MD5 of the body, which is its `ETag`.
    pub md5: [u8; 16],
    /// The additional checksums that were asked for.
    pub sums: Sums,
}

impl Digests {
    /// The MD5 and these checksums of a content that is here as a whole.
    pub fn of(content: &[u8], algorithms: &[Algorithm]) -> Self {
        let mut hasher = Hasher::new(algorithms);
        hasher.update(content);
        hasher.finish()
    }
}

enum Digester {
    Crc(crc_fast::Digest, usize),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Digester {
    fn new(algorithm: Algorithm) -> Self {
        match (algorithm, algorithm.crc()) {
            (_, Some((crc, length))) => Self::Crc(crc_fast::Digest::new(crc), length),
            (Algorithm::Sha1, None) => Self::Sha1(Sha1::new()),
            (_, None) => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(digest, _) => digest.update(bytes),
            Self::Sha1(digest) => digest.update(bytes),
            Self::Sha256(digest) => digest.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Crc(digest, length) => encode_crc(digest.finalize(), length),
            Self::Sha1(digest) => BASE64_STANDARD.encode(digest.finalize()),
            Self::Sha256(digest) => BASE64_STANDARD.encode(digest.finalize()),
        }
    }
}

fn encode_crc(value: u64, length: usize) -> String {
    BASE64_STANDARD.encode(&value.to_be_bytes()[8 - length..])
}

fn decode_crc(text: &str, length: usize) -> Option<u64> {
    let bytes = BASE64_STANDARD.decode(text).ok().filter(|bytes| bytes.len() == length)?;
    Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// Computes digests as content passes.
pub(super) struct Hasher {
    size: u64,
    md5: Md5,
    sums: Vec<(Algorithm, Digester)>,
}

impl Hasher {
    /// Computes the MD5 and these checksums.
    pub(super) fn new(algorithms: &[Algorithm]) -> Self {
        let sums = algorithms.iter().map(|&algorithm| (algorithm, Digester::new(algorithm))).collect();
        Self { size: 0, md5: Md5::new(), sums }
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        self.sums.iter_mut().for_each(|(_, state)| state.update(bytes));
    }

    /// The digests of all bytes.
    pub(super) fn finish(self) -> Digests {
        let sums = self.sums.into_iter().map(|(algorithm, state)| (algorithm, state.finish())).collect();
        Digests { size: self.size, md5: self.md5.finalize(), sums }
    }
}

/// The checksum of an object, from those of its parts and their sizes. `None` where a part's value is no checksum, or
/// the algorithm cannot be combined.
pub(super) fn full_object(algorithm: Algorithm, parts: &[(&str, u64)]) -> Option<String> {
    let (crc, length) = algorithm.crc()?;
    let mut whole = 0;
    for (index, (text, size)) in parts.iter().enumerate() {
        let value = decode_crc(text, length)?;
        whole = if index == 0 { value } else { crc_fast::checksum_combine(crc, whole, value, *size) };
    }
    Some(encode_crc(whole, length))
}

/// The checksum of the parts' checksums, with their number. `None` where a part's value is not base64.
pub(super) fn composite(algorithm: Algorithm, parts: &[&str]) -> Option<String> {
    let mut state = Digester::new(algorithm);
    for text in parts {
        state.update(&BASE64_STANDARD.decode(text).ok()?);
    }
    Some(format!("{}-{}", state.finish(), parts.len()))
}

/// The `ETag` of an object of several parts: the MD5 of the parts' MD5s, with their number.
pub(super) fn multipart_etag(part_etags: &[&str]) -> Option<String> {
    let mut md5 = Md5::new();
    for etag in part_etags {
        md5.update(&hex::decode(etag).ok()?);
    }
    Some(format!("{}-{}", hex::encode(md5.finalize()), part_etags.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(bytes: &[u8]) -> Digests {
        let mut hasher = Hasher::new(&Algorithm::ALL);
        bytes.chunks(7).for_each(|chunk| hasher.update(chunk));
        hasher.finish()
    }

    /// Check values of "123456789" from the CRC catalogue and FIPS 180.
    #[test]
    fn check_values_are_right() {
        let digests = digests(b"123456789");
        let hex = |algorithm| hex::encode(BASE64_STANDARD.decode(&digests.sums[&algorithm]).unwrap());
        assert_eq!(digests.size, 9);
        assert_eq!(hex::encode(digests.md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(hex(Algorithm::Crc32), "cbf43926");
        assert_eq!(hex(Algorithm::Crc32c), "e3069283");
        assert_eq!(hex(Algorithm::Crc64nvme), "ae8b14860a799888");
        assert_eq!(hex(Algorithm::Sha1), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
    }

    /// The fast implementation against an independent one, whole and in pieces that end anywhere in a block.
    #[test]
    fn md5_is_that_of_another_implementation() {
        let content: Vec<u8> = (0..400_u32).map(|n| (n * n % 251) as u8).collect();
        for length in 0..content.len() {
            let ours = digests(&content[..length]).md5;
            assert_eq!(ours, *md5::Md5::digest(&content[..length]), "{length} bytes");
        }
    }

    #[test]
    fn crcs_of_parts_combine_to_that_of_the_whole() {
        let (first, second) = (vec![3; 70_000], vec![9; 1234]);
        let whole = digests(&[first.clone(), second.clone()].concat());
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64nvme] {
            let (a, b) = (digests(&first), digests(&second));
            let parts = [(a.sums[&algorithm].as_str(), a.size), (b.sums[&algorithm].as_str(), b.size)];
            assert_eq!(full_object(algorithm, &parts).as_ref(), whole.sums.get(&algorithm), "{algorithm:?}");
        }
        assert_eq!(full_object(Algorithm::Sha256, &[]), None);
    }

    #[test]
    fn etags_of_several_parts_end_in_their_number() {
        let etag = multipart_etag(&["25f9e794323b453885f5181f1b624d0b", "25f9e794323b453885f5181f1b624d0b"]).unwrap();
        assert!(etag.ends_with("-2") && etag.len() == 34, "{etag}");
    }
}
