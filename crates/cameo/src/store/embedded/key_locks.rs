//! Locks that keep the changes of a key in the order of their generations.

use std::{
    collections::{BTreeSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::Arc,
};

use tokio::sync::{Mutex, OwnedMutexGuard};

/// Locks for keys: a fixed number, so that they cost no more with more keys. Two keys may share one.
const LOCKS: usize = 1024;

/// Locks that keep the changes of a key in the order of their generations.
#[derive(Debug)]
pub(super) struct KeyLocks {
    hasher: RandomState,
    locks: Vec<Arc<Mutex<()>>>,
}

impl Default for KeyLocks {
    fn default() -> Self {
        Self { hasher: RandomState::new(), locks: (0..LOCKS).map(|_| Arc::default()).collect() }
    }
}

impl KeyLocks {
    #[expect(clippy::cast_possible_truncation, reason = "any index will do")]
    fn index(&self, bucket: &str, key: &str) -> usize {
        self.hasher.hash_one((bucket, key)) as usize % self.locks.len()
    }

    pub(super) async fn lock(&self, bucket: &str, key: &str) -> OwnedMutexGuard<()> {
        self.locks[self.index(bucket, key)].clone().lock_owned().await
    }

    /// Locks several keys, in an order that all who do so share: nobody waits for somebody who waits for him.
    pub(super) async fn lock_all(&self, bucket: &str, keys: impl Iterator<Item = &str>) -> Vec<OwnedMutexGuard<()>> {
        let indices: BTreeSet<usize> = keys.map(|key| self.index(bucket, key)).collect();
        let mut held = Vec::with_capacity(indices.len());
        for index in indices {
            held.push(self.locks[index].clone().lock_owned().await);
        }
        held
    }
}
