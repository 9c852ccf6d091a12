//! A store in memory: the reference meaning of [`Store`], for tests of the flow.
//!
//! It forgets everything at the end, tells nobody of changes, and takes any bucket to exist.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Attributes, Condition, Object, ObjectInfo, Store, Written};
use crate::{
    clock::Clock,
    model::{error::Result, generation::Generation},
};

/// A store in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<Objects>>,
}

#[derive(Debug, Default)]
struct Objects {
    counter: u64,
    objects: BTreeMap<(String, String), Object>,
}

impl Objects {
    fn holds(&self, at: &(String, String), condition: &Condition) -> bool {
        match (condition, self.objects.get(at)) {
            (Condition::Always, _) | (Condition::Absent, None) => true,
            (Condition::Absent, Some(_)) | (Condition::Matches(_), None) => false,
            (Condition::Matches(etag), Some(object)) => object.info.is_named_by(etag),
        }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, at: (String, String), body: Bytes, attributes: &Attributes, condition: &Condition) -> Written {
        let mut state = self.lock();
        if !state.holds(&at, condition) {
            return Written::ConditionFailed;
        }
        state.counter += 1;
        let info = ObjectInfo {
            key: at.1.clone(),
            size: body.len() as u64,
            etag: hex::encode(fast_md5::digest(&body)),
            last_modified: self.clock.now(),
            content_type: attributes.content_type.clone(),
            metadata: attributes.metadata.clone(),
            write_generation: Some(Generation::from_counter(state.counter)),
        };
        state.objects.insert(at, Object { info: info.clone(), body });
        Written::Done(info)
    }
}

fn at(bucket: &str, key: &str) -> (String, String) {
    (bucket.to_owned(), key.to_owned())
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        let mut object = self.lock().objects.get(&at(bucket, key)).cloned();
        if let Some(object) = object.as_mut().filter(|object| object.info.size > max_bytes) {
            object.body = Bytes::new();
        }
        Ok(object)
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        Ok(self.lock().objects.get(&at(bucket, key)).map(|object| object.info.clone()))
    }

    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written> {
        Ok(self.write(at(bucket, key), body, attributes, &condition))
    }

    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        let source = self.lock().objects.get(&at(bucket, from)).map(|object| object.body.clone());
        Ok(source.map(|body| self.write(at(bucket, to), body, attributes, &condition)))
    }

    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool> {
        let mut state = self.lock();
        let at = at(bucket, key);
        if state.objects.get(&at).is_some_and(|object| !object.info.is_named_by(etag)) {
            return Ok(false);
        }
        state.objects.remove(&at);
        Ok(true)
    }

    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>> {
        let state = self.lock();
        let from =
            if after >= prefix { Bound::Excluded(at(bucket, after)) } else { Bound::Included(at(bucket, prefix)) };
        let objects = state.objects.range((from, Bound::Unbounded));
        let under = objects.take_while(|((b, key), _)| b == bucket && key.starts_with(prefix));
        Ok(under.filter(|((_, key), _)| !key.is_empty()).take(max).map(|(_, object)| object.info.clone()).collect())
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::SystemClock, store::contract};

    #[tokio::test]
    async fn keeps_the_contract() {
        contract::all(&MemoryStore::new(Arc::new(SystemClock)), "bucket").await;
    }
}
