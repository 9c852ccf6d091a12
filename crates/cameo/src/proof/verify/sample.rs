//! Fetching some of the served images instead of all: which ones, chosen by chance, so that the same seed chooses the same.
//!
//! While the entities are walked nothing is fetched; each image that would have been is drawn for, by a hash of seed and key, and the
//! lowest stay. So the choice does not depend on the order in which images come, and memory holds the sample alone.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{
    report::Sampled,
    served::{Fetched, Served},
};
use crate::model::error::Result;

/// Images of a sample, at most.
pub const SAMPLE_MAX: usize = 100_000;

/// Which served images are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// How many, of all; at most [`SAMPLE_MAX`].
    pub images: usize,
    /// What the choice follows from.
    pub seed: u64,
}

/// Draws: it is asked for images, fetches none, and remembers which it would fetch.
#[derive(Debug)]
pub(super) struct Draw {
    sample: Sample,
    drawn: Mutex<Drawn>,
}

#[derive(Debug, Default)]
struct Drawn {
    lowest: BTreeSet<(u64, String)>,
    of: u64,
}

impl Draw {
    pub(super) fn new(sample: Sample) -> Self {
        let sample = Sample { images: sample.images.min(SAMPLE_MAX), ..sample };
        Self { sample, drawn: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an image, once each.
    fn note(&self, key: &str) {
        let mut drawn = self.lock();
        drawn.of += 1;
        drawn.lowest.insert((lot(self.sample.seed, key), key.to_owned()));
        if drawn.lowest.len() > self.sample.images {
            drawn.lowest.pop_last();
        }
    }

    /// The keys that were drawn, in their order, and of how many.
    pub(super) fn finish(&self) -> (BTreeSet<String>, Sampled) {
        let drawn = std::mem::take(&mut *self.lock());
        let keys: BTreeSet<String> = drawn.lowest.into_iter().map(|(_, key)| key).collect();
        let sampled = Sampled { fetched: keys.len() as u64, of: drawn.of, seed: self.sample.seed };
        (keys, sampled)
    }
}

/// The lot of a key: the same on every machine.
pub(super) fn lot(seed: u64, key: &str) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(key).finalize();
    digest.iter().take(8).fold(0, |lot, byte| lot << 8 | u64::from(*byte))
}

#[async_trait]
impl Served for Draw {
    async fn fetch(&self, key: &str) -> Result<Fetched> {
        self.note(key);
        Ok(Fetched::NotAsked)
    }
}

/// Fetches nothing: what was drawn for already is looked at again.
#[derive(Debug)]
pub(super) struct Nothing;

#[async_trait]
impl Served for Nothing {
    async fn fetch(&self, _: &str) -> Result<Fetched> {
        Ok(Fetched::NotAsked)
    }
}

/// Fetches what was drawn, and nothing else.
#[derive(Debug)]
pub(super) struct Only<'o> {
    pub(super) served: &'o dyn Served,
    pub(super) keys: &'o BTreeSet<String>,
}

#[async_trait]
impl Served for Only<'_> {
    async fn fetch(&self, key: &str) -> Result<Fetched> {
        if self.keys.contains(key) { self.served.fetch(key).await } else { Ok(Fetched::NotAsked) }
    }

    async fn fetch_behind(&self, key: &str) -> Result<Fetched> {
        self.served.fetch_behind(key).await
    }

    fn why_not(&self) -> Option<String> {
        self.served.why_not()
    }

    fn address(&self, key: &str) -> String {
        self.served.address(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn draw(seed: u64, order: impl Iterator<Item = u32>) -> (BTreeSet<String>, Sampled) {
        let draw = Draw::new(Sample { images: 10, seed });
        for n in order {
            draw.fetch(&format!("v/sq/{n}_sq_0.jpg")).await.unwrap();
        }
        draw.finish()
    }

    #[tokio::test]
    async fn a_seed_chooses_the_same_images_in_any_order_and_another_seed_others() {
        let (keys, sampled) = draw(7, 1..=1000).await;
        assert_eq!((keys.len(), sampled), (10, Sampled { fetched: 10, of: 1000, seed: 7 }));
        assert_eq!(draw(7, (1..=1000).rev()).await.0, keys);
        assert_ne!(draw(8, 1..=1000).await.0, keys);
        assert_eq!(draw(7, 1..=3).await.1, Sampled { fetched: 3, of: 3, seed: 7 });
    }
}
