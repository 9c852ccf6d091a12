//! Reading originals to prove that they are what was handed over: their SHA-256 is the one that the delivery's record has.
//!
//! Everything else compares lengths and MD5s that the store has anyway; this reads content, so it is done of those originals alone that
//! were asked for, piece by piece.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use super::{
    Delivery, HandedOver, Look, Places, Question,
    report::Hashes,
    sample::{Sample, lot},
};
use crate::model::{
    error::{Kind, Result},
    key::PhotoId,
};

/// Of which originals the SHA-256 is compared.
#[derive(Debug)]
pub(super) enum Hashed {
    /// Of none.
    Nothing,
    /// Of all that were handed over with one.
    All,
    /// Of these.
    Some(BTreeSet<PhotoId>),
}

impl Hashed {
    /// What a question asks for, and the counts to begin with; none where nothing with a SHA-256 was handed over.
    pub(super) fn of(question: &Question) -> (Self, Option<Hashes>) {
        let photos = question.delivery.iter().flat_map(with_sha256);
        let of = photos.clone().count() as u64;
        let counts = (of > 0).then_some(Hashes { checked: 0, of });
        let hashed = match question.sample {
            _ if counts.is_none() => Self::Nothing,
            _ if question.hashes || question.look == Look::Deep => Self::All,
            Some(Sample { images, seed }) => {
                let mut lowest = BTreeSet::new();
                for photo in photos {
                    lowest.insert((lot(seed, &photo.origin_key()), photo));
                    if lowest.len() > images {
                        lowest.pop_last();
                    }
                }
                Self::Some(lowest.into_iter().map(|(_, photo)| photo.clone()).collect())
            }
            None => Self::Nothing,
        };
        (hashed, counts)
    }

    /// Whether an original's content has the SHA-256 that it was handed over with; none where it was not read, or is damaged, which is
    /// found elsewhere.
    pub(super) async fn is_same(
        &self,
        places: Places<'_>,
        photo: &PhotoId,
        handed_over: &HandedOver,
    ) -> Result<Option<bool>> {
        let Some(expected) = handed_over.sha256.as_deref().filter(|_| self.includes(photo)) else { return Ok(None) };
        match sha256(places, photo).await {
            Ok(found) => Ok(found.map(|found| found.eq_ignore_ascii_case(expected))),
            Err(error) if error.kind() == Kind::Corrupt => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn includes(&self, photo: &PhotoId) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Some(photos) => photos.contains(photo),
        }
    }
}

fn with_sha256(delivery: &Delivery) -> impl Iterator<Item = &PhotoId> + Clone {
    delivery.originals.iter().filter(|(_, handed_over)| handed_over.sha256.is_some()).map(|(photo, _)| photo)
}

async fn sha256(places: Places<'_>, photo: &PhotoId) -> Result<Option<String>> {
    let bucket = &places.settings.upload_bucket;
    let Some(mut reading) = places.store.read(bucket, &photo.origin_key(), None).await? else { return Ok(None) };
    let mut digest = Sha256::new();
    while let Some(piece) = reading.pieces.try_next().await? {
        digest.update(&piece);
    }
    Ok(Some(hex::encode(digest.finalize())))
}
