//! Locks on entities within one process, for backends that a single process owns.

use std::{
    any::Any,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::Arc,
};

use tokio::sync::Mutex;

use crate::model::key::EntityId;

/// Locks that entities share. Two entities of one stripe wait for each other, which is harmless.
const STRIPES: usize = 256;

/// Holds an entity until it is dropped.
pub struct EntityLock(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send>);

impl EntityLock {
    /// A lock that is released when `guard` is dropped.
    pub fn new(guard: impl Any + Send) -> Self {
        Self(Box::new(guard))
    }
}

/// A fixed number of locks, shared by all entities.
#[derive(Debug)]
pub struct EntityLocks(Vec<Arc<Mutex<()>>>);

impl Default for EntityLocks {
    fn default() -> Self {
        Self((0..STRIPES).map(|_| Arc::default()).collect())
    }
}

impl EntityLocks {
    /// Waits for the entity.
    pub async fn lock(&self, entity: &EntityId) -> EntityLock {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(entity);
        let stripe = usize::try_from(hash % STRIPES as u64).unwrap_or(0);
        EntityLock::new(self.0[stripe].clone().lock_owned().await)
    }
}
