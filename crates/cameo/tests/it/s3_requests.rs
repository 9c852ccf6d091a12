//! What a photo costs at S3, where every request is paid for: counted by a proxy in front of the real S3 client, by method.
//!
//! On the endpoint of ours, which keeps conditions of copies as S3 does, and on emulators, which ignore them: there aliases are written from
//! memory, or read first by a process that has not written them itself. `docs/aws.md` names these figures.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use cameo::{
    aws::{AccessKeys, AwsAccess},
    flow::Settings,
    model::{
        event::{Change, Event},
        generation::Generation,
    },
    serve::s3_api,
    store::{
        Attributes, Condition, Written,
        s3::{KeptConditions, S3Limits, S3Store},
    },
    worker::Worker,
};
use cameo_testbed::{
    emulators::Emulator,
    http_proxy::{COPY, HttpProxy},
};

use crate::{
    flow_crash::{Durable, drain, settings},
    store_s3::{endpoint, make_bucket},
};

const UPLOADS: &str = "uploads";
const IMAGES: &str = "images";
const BUCKETS: [&str; 2] = [UPLOADS, IMAGES];

/// A deployment behind a proxy that counts.
struct Counted {
    proxy: HttpProxy,
    durable: Durable,
    worker: Worker,
    conditions: KeptConditions,
}

impl Counted {
    async fn start(server: &str) -> Self {
        let proxy = HttpProxy::start(server);
        let (store, conditions) = store(&proxy).await;
        let durable = Durable { store: Arc::new(store), ..Durable::new() };
        let settings = Settings { upload_bucket: UPLOADS.into(), ..settings() };
        let worker = durable.worker_with(&Arc::default(), settings);
        let mut counted = Self { proxy, durable, worker, conditions };
        counted.restart().await;
        counted
    }

    /// Another process goes on, which has written nothing yet.
    async fn restart(&mut self) {
        let (store, _) = store(&self.proxy).await;
        // Without the wrapper that makes calls fail: it knows nothing of what S3 does for several keys at once.
        self.worker.flow.store = Arc::new(store);
    }

    /// Somebody uploads.
    async fn put(&self, key: &str, body: &'static str, counter: u64) -> Event {
        let (attributes, body) = (Attributes::default(), Bytes::from(body));
        let written = self.durable.store.put(UPLOADS, key, body, &attributes, Condition::Always).await.unwrap();
        let Written::Done(info) = written else { panic!("no condition") };
        let (bucket, key, generation) = (UPLOADS.to_owned(), key.to_owned(), Generation::from_counter(counter));
        let change = Change::Created { etag: info.etag, size: info.size };
        Event { bucket, key, generation, change, actor: None }
    }

    /// What is asked of S3 until these events are done with.
    async fn cost_of(&self, events: &[Event]) -> BTreeMap<String, u64> {
        self.durable.tell(events).await;
        self.proxy.take_requests();
        drain(&self.durable, &self.worker).await.unwrap();
        self.proxy.take_requests()
    }

    async fn served(&self, key: &str) -> String {
        let object = self.durable.store.get(IMAGES, key, 1000).await.unwrap();
        object.map(|object| String::from_utf8_lossy(&object.body).into_owned()).unwrap_or_default()
    }
}

async fn store(proxy: &HttpProxy) -> (S3Store, KeptConditions) {
    let keys = Some(AccessKeys { id: "id".into(), secret: "secret".into() });
    let access = AwsAccess { endpoint: Some(proxy.url.clone()), region: Some("us-east-1".into()), keys };
    let mut store = S3Store::new(&access, BUCKETS.map(str::to_owned).into(), S3Limits::default()).unwrap();
    let conditions = store.learn_conditions(IMAGES).await.unwrap();
    (store, conditions)
}

fn requests<const N: usize>(requests: [(&str, u64); N]) -> BTreeMap<String, u64> {
    requests.into_iter().map(|(method, count)| (method.to_owned(), count)).collect()
}

/// The aliases of four image sizes: copied by S3, or written.
fn with_aliases(mut requests: BTreeMap<String, u64>, conditions: KeptConditions) -> BTreeMap<String, u64> {
    *requests.entry(if conditions.copies { COPY } else { "PUT" }.to_owned()).or_default() += 4;
    requests
}

/// Four image sizes, with aliases.
async fn photos_cost_what_the_page_says(mut counted: Counted) {
    let key = "origin/v/1_0.jpg";
    let conditions = counted.conditions;
    let first = counted.put(key, "first", 1).await;
    let cost = counted.cost_of(std::slice::from_ref(&first)).await;
    println!("first photo of an entity: {cost:?}");
    assert_eq!(cost, with_aliases(requests([("GET", 1), ("PUT", 4)]), conditions));

    let cost = counted.cost_of(&[first]).await;
    println!("its event again: {cost:?}");
    assert_eq!(cost, requests([("GET", 1), ("HEAD", 4 + 4), ("PUT", 1 + 4)]));

    let second = counted.put("origin/v/1_1.jpg", "second", 2).await;
    let cost = counted.cost_of(&[second]).await;
    println!("a further photo: {cost:?}");
    assert_eq!(cost, requests([("GET", 1), ("HEAD", 4), ("PUT", 4)]));

    let replacement = counted.put(key, "replaced", 3).await;
    let cost = counted.cost_of(&[replacement]).await;
    println!("a replacement: {cost:?}");
    assert_eq!(cost, with_aliases(requests([("GET", 1), ("HEAD", 4 + 4), ("PUT", 1 + 4)]), conditions));
    for key in ["v/sq/1.jpg", "v/sq/1_sq_0.jpg"] {
        assert_eq!(counted.served(key).await, "sq of replaced");
    }

    let other = counted.put("origin/v/2_0.jpg", "other", 4).await;
    counted.durable.tell(&[other]).await;
    assert_eq!(counted.worker.resize_once(Duration::ZERO).await.unwrap(), 1);
    counted.restart().await;
    let cost = counted.cost_of(&[]).await;
    println!("aliases of an entity by a process that did not render: {cost:?}");
    let reads = if conditions.copies { requests([]) } else { requests([("GET", 4)]) };
    assert_eq!(cost, with_aliases(reads, conditions));
    assert_eq!(counted.served("v/ho/2.jpg").await, "ho of other");
}

async fn on_an_emulator(emulator: Option<Emulator>) {
    let Some(emulator) = emulator else { return };
    for bucket in BUCKETS {
        make_bucket(&emulator, bucket).await;
    }
    let counted = Counted::start(emulator.url()).await;
    assert_eq!(counted.conditions, KeptConditions { writes: true, copies: false });
    photos_cost_what_the_page_says(counted).await;
}

#[tokio::test]
async fn photos_cost_what_the_page_says_on_moto() {
    on_an_emulator(Emulator::moto()).await;
}

#[tokio::test]
async fn photos_cost_what_the_page_says_on_ministack() {
    on_an_emulator(Emulator::ministack()).await;
}

#[tokio::test]
async fn photos_cost_what_the_page_says_where_copies_have_conditions() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, _, served, _) = endpoint(folder.path(), BUCKETS).await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let checks = async {
        let counted = Counted::start(&url).await;
        assert_eq!(counted.conditions, KeptConditions { writes: true, copies: true });
        photos_cost_what_the_page_says(counted).await;
    };
    tokio::select! {
        () = checks => {}
        ended = s3_api::serve(listener, served, std::future::pending()) => panic!("the endpoint ended: {ended:?}"),
    }
}
