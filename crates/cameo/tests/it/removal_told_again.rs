//! A removal that is told again after a crash, on a store that names what it holds by content alone, as S3 does.
//!
//! The same bytes have one `ETag`, so a delete that was under way when a later upload published them anew takes that
//! upload's rendition down, and whoever handles the removal next must see to it that the original is rendered once more.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use cameo::{
    catalog::{
        Catalog,
        contract::{rendered, rules},
        memory::MemoryCatalog,
    },
    clock::SystemClock,
    flow::{Flow, register::register},
    model::{
        error::Result,
        generation::Generation,
        outcome::{Fate, Outcome},
        reason::ReasonCode,
    },
    store::{Attributes, Condition, GENERATION_METADATA, Object, ObjectInfo, Store, Written, memory::MemoryStore},
};
use futures::{FutureExt, future::BoxFuture};

use crate::flow_crash::{Transcript, settings};

const KEY: &str = "origin/v/1_0.jpg";
const IMAGE: &str = "v/sq/1_sq_0.jpg";

/// A store without generations of its own.
pub(crate) struct NamedByContent {
    pub(crate) inner: MemoryStore,
    /// What happens just before the next deletion, once.
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl NamedByContent {
    pub(crate) fn new(inner: MemoryStore) -> Self {
        Self { inner, meanwhile: Mutex::default() }
    }
}

impl std::fmt::Debug for NamedByContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedByContent").finish_non_exhaustive()
    }
}

fn stripped(info: ObjectInfo) -> ObjectInfo {
    ObjectInfo { write_generation: None, ..info }
}

fn stripped_of(written: Written) -> Written {
    match written {
        Written::Done(info) => Written::Done(stripped(info)),
        Written::ConditionFailed => Written::ConditionFailed,
    }
}

#[async_trait]
impl Store for NamedByContent {
    fn writes_first(&self) -> bool {
        true
    }
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        let found = self.inner.get(bucket, key, max_bytes).await?;
        Ok(found.map(|object| Object { info: stripped(object.info), ..object }))
    }
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        Ok(self.inner.head(bucket, key).await?.map(stripped))
    }
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written> {
        Ok(stripped_of(self.inner.put(bucket, key, body, attributes, condition).await?))
    }
    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        Ok(self.inner.copy(bucket, from, to, attributes, condition).await?.map(stripped_of))
    }
    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        self.inner.delete(bucket, key, etag).await
    }
    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>> {
        Ok(self.inner.list(bucket, prefix, after, max).await?.into_iter().map(stripped).collect())
    }
    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
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
    let by_content = || Arc::new(NamedByContent::new(memory()));
    let late = rendered(KEY, 1, &["sq"]);
    for taking_down in [told(2, Fate::Removed), late.clone()] {
        assert_eq!(mended(by_content(), &taking_down).await, BTreeSet::from([KEY.to_owned()]), "{taking_down:?}");
        // Where each write has a generation nothing can have been hit.
        assert_eq!(mended(Arc::new(memory()), &taking_down).await, BTreeSet::new());
    }
    assert_eq!(mended(by_content(), &told(1, Fate::Ignored)).await, BTreeSet::new());
}

/// A removal that is slow to delete what it has looked at meets what a later upload of the same bytes published. Then that original is gone
/// too, under a bad file, so nobody can render it: what its rows name is put back, and what no row names is not.
#[tokio::test]
async fn what_a_slow_removal_took_from_a_later_upload_is_put_back() {
    for uploaded_again in [true, false] {
        let store = Arc::new(NamedByContent::new(MemoryStore::new(Arc::new(SystemClock))));
        let catalog: Arc<dyn Catalog> = Arc::new(MemoryCatalog::new(rules(), Arc::new(SystemClock)));
        let flow = Flow { store: store.clone(), catalog, render: Arc::new(Transcript), settings: Arc::new(settings()) };
        let published = async |flow: &Flow, generation: u64| {
            let (bytes, body) = (Bytes::from_static(b"photo"), Bytes::from_static(b"rendition"));
            flow.store.put("up", KEY, bytes, &Attributes::default(), Condition::Always).await.unwrap();
            let mut outcome = rendered(KEY, generation, &["sq"]);
            let metadata = [(GENERATION_METADATA.to_owned(), outcome.generation.as_str().to_owned())].into();
            let attributes = Attributes { content_type: Some("image/jpeg".into()), metadata, ..Attributes::default() };
            flow.store.put("images", IMAGE, body, &attributes, Condition::Always).await.unwrap();
            let etag = flow.store.head("images", IMAGE).await.unwrap().unwrap().etag;
            let Fate::Rendered { renditions, .. } = &mut outcome.fate else { unreachable!() };
            renditions[0].etag = etag;
            flow.catalog.register(&[outcome]).await.unwrap();
        };
        published(&flow, 1).await;
        let removed = told(2, Fate::Removed);
        flow.store.delete("up", KEY, &flow.store.head("up", KEY).await.unwrap().unwrap().etag).await.unwrap();
        let later = flow.clone();
        *store.meanwhile.lock().unwrap() = Some(
            async move {
                if uploaded_again {
                    published(&later, 3).await;
                }
                let bad = Bytes::from_static(b"bad");
                later.store.put("up", KEY, bad, &Attributes::default(), Condition::Always).await.unwrap();
                let reason = Fate::Rejected { reason: ReasonCode::FileTruncated, detail: "ends at byte 7".into() };
                later.catalog.register(&[told(4, reason)]).await.unwrap();
            }
            .boxed(),
        );
        register(&flow, &[removed]).await.unwrap();
        let image = flow.store.get("images", IMAGE, 100).await.unwrap();
        let expected = uploaded_again.then(|| (Bytes::from_static(b"rendition"), Some("image/jpeg".to_owned())));
        assert_eq!(image.as_ref().map(|image| (image.body.clone(), image.info.content_type.clone())), expected);
        let made_from = image.and_then(|image| image.info.made_from());
        assert_eq!(made_from, uploaded_again.then(|| Generation::from_counter(3)));
    }
}
