//! A removal that is told again after a crash, on a store that names what it holds by content alone, as S3 does.
//!
//! The same bytes have one `ETag`, so a delete that was under way when a later upload published them anew takes that
//! upload's rendition down, and whoever handles the removal next must see to it that the original is rendered once more.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use cameo::{
    catalog::{
        Catalog,
        contract::{rendered, rules},
        memory::MemoryCatalog,
    },
    clock::SystemClock,
    error::Result,
    flow::{Flow, register::register},
    message::{Fate, Outcome},
    store::{Attributes, Condition, Object, ObjectInfo, Store, Written, memory::MemoryStore},
};

use crate::flow_crash::{Transcript, settings};

const KEY: &str = "origin/v/1_0.jpg";

/// A store without generations of its own.
#[derive(Debug)]
pub(crate) struct NamedByContent(pub(crate) MemoryStore);

fn stripped(info: ObjectInfo) -> ObjectInfo {
    ObjectInfo { write_generation: None, ..info }
}

#[async_trait]
impl Store for NamedByContent {
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        let found = self.0.get(bucket, key, max_bytes).await?;
        Ok(found.map(|object| Object { info: stripped(object.info), ..object }))
    }
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        Ok(self.0.head(bucket, key).await?.map(stripped))
    }
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written> {
        self.0.put(bucket, key, body, attributes, condition).await
    }
    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        self.0.copy(bucket, from, to, attributes, condition).await
    }
    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool> {
        self.0.delete(bucket, key, etag).await
    }
    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>> {
        Ok(self.0.list(bucket, prefix, after, max).await?.into_iter().map(stripped).collect())
    }
    async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }
}

fn told(generation: u64, fate: Fate) -> Outcome {
    Outcome { fate, ..rendered(KEY, generation, &["sq"]) }
}

/// A photo that was uploaded, deleted and uploaded again; the second upload is registered before `again` is told again.
/// Returns what is to be rendered once more.
async fn mended(store: Arc<dyn Store>, again: &Outcome) -> BTreeSet<String> {
    let catalog: Arc<dyn Catalog> = Arc::new(MemoryCatalog::new(rules(), Arc::new(SystemClock)));
    let flow = Flow { store, catalog, render: Arc::new(Transcript), settings: Arc::new(settings()) };
    let attributes = Attributes::default();
    flow.store.put("up", KEY, Bytes::from_static(b"photo"), &attributes, Condition::Always).await.unwrap();
    for message in [told(2, Fate::Removed), again.clone(), rendered(KEY, 3, &["sq"])] {
        flow.catalog.register(&[message]).await.unwrap();
    }
    register(&flow, std::slice::from_ref(again)).await.unwrap().mend
}

#[tokio::test]
async fn what_was_taken_down_before_a_crash_is_rendered_once_more_although_a_later_upload_serves() {
    let memory = || MemoryStore::new(Arc::new(SystemClock));
    let by_content = || Arc::new(NamedByContent(memory()));
    let late = rendered(KEY, 1, &["sq"]);
    for taking_down in [told(2, Fate::Removed), late.clone()] {
        assert_eq!(mended(by_content(), &taking_down).await, BTreeSet::from([KEY.to_owned()]), "{taking_down:?}");
        // Where each write has a generation nothing can have been hit.
        assert_eq!(mended(Arc::new(memory()), &taking_down).await, BTreeSet::new());
    }
    assert_eq!(mended(by_content(), &told(1, Fate::Ignored)).await, BTreeSet::new());
}
