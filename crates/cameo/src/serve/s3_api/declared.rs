//! What a client declares of a body, compared with what came: of content and of texts alike.

use base64::{Engine, prelude::BASE64_STANDARD};
use s3s::{S3Result, s3_error};

use super::errors::refused;
use crate::store::embedded::{Algorithm, Digests, Refusal, Sums};

/// The checksums that `x-amz-trailer` announces.
pub(super) fn announced(header: &str) -> impl Iterator<Item = Algorithm> {
    header.split(',').map(str::trim).filter_map(Algorithm::from_header)
}

/// Refuses where an announced checksum did not come.
pub(super) fn came(announced: impl IntoIterator<Item = Algorithm>, sent: &Sums) -> S3Result<()> {
    match announced.into_iter().find(|algorithm| !sent.contains_key(algorithm)) {
        Some(missing) => {
            Err(s3_error!(InvalidRequest, "The trailer {} was announced and did not come.", missing.header()))
        }
        None => Ok(()),
    }
}

/// Refuses where a declared `Content-MD5` is none, or another.
pub(super) fn match_md5(declared: &str, digests: &Digests) -> S3Result<()> {
    let sum = BASE64_STANDARD.decode(declared).ok().filter(|sum| sum.len() == digests.md5.len());
    match sum.ok_or_else(|| s3_error!(InvalidDigest, "Content-MD5 is not the base64 of an MD5."))? {
        sum if sum == digests.md5 => Ok(()),
        _ => Err(refused(Refusal::DigestMismatch("Content-MD5"))),
    }
}

/// Refuses where a declared checksum is another.
pub(super) fn match_sums<'s>(
    declared: impl IntoIterator<Item = (&'s Algorithm, &'s String)>,
    digests: &Digests,
) -> S3Result<()> {
    match declared.into_iter().find(|(algorithm, sum)| digests.sums.get(algorithm) != Some(sum)) {
        Some((algorithm, _)) => Err(refused(Refusal::DigestMismatch(algorithm.name()))),
        None => Ok(()),
    }
}
