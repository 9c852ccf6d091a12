//! A whole system in this process on real files and a real database, whose images are served over HTTP: what verifying is tried
//! on. Everything of it can be changed behind its back.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use cameo::{
    catalog::{contract::rules, sqlite::SqliteCatalog, table::Table},
    clock::{Clock, SystemClock},
    db::Sqlite,
    flow::{Flow, NamedSizeSet, Settings, SizeSets, requeue::requeue},
    ledger::{Scope, decide::RegisterRules, image_urls::ImageUrls},
    model::{content::Content, error::Result, lang::Text},
    proof::{
        repair::{Plan, remove_absent, rewrite_urls, take_down},
        verify::{self, EntityReport, EntityState, Listen, Look, Question, Repair, Summary, Unowned},
    },
    queue::sqlite::SqliteQueue,
    render::{Rejection, Render},
    serve::{
        http::ConnectionLimits,
        images::{self, Images, client::HttpImages},
    },
    store::{
        Attributes, Condition, Store, Written,
        embedded::{Embedded, EmbeddedOptions},
    },
    worker::Worker,
};
use cameo_image::{Fit, ImageSize, Rendered, Rendition, SizeSet};

pub(crate) const UPLOADS: &str = "up";
pub(crate) const IMAGES: &str = "images";
const VISIBILITY: Duration = Duration::from_mins(1);

/// Paints a JPEG of one colour, which the original decides.
#[derive(Debug)]
struct Painter;

#[async_trait]
impl Render for Painter {
    async fn render(&self, original: Content, size_set: &SizeSet) -> Result<Result<Rendered, Rejection>> {
        let original = original.into_bytes().expect("an original");
        if original.starts_with(b"bad") {
            let reason = cameo::model::reason::ReasonCode::FileCorrupt;
            return Ok(Err(Rejection { reason, detail: "bad".into(), size: None }));
        }
        let colour: [u8; 3] = fast_md5::digest(&original)[..3].try_into().expect("three bytes");
        let rendition = |size: &ImageSize| Rendition {
            image_size: size.name.clone(),
            width: size.width,
            height: size.height,
            jpeg: cameo_image::encode_rgb(
                &colour.repeat((size.width * size.height) as usize),
                size.width,
                size.height,
                90,
            ),
        };
        let renditions = size_set.sizes().iter().map(rendition).collect();
        Ok(Ok(Rendered { width: 1, height: 1, renditions }))
    }
}

/// A size set of small boxes.
pub(crate) fn size_set(label: &str, boxes: &[(&str, u32, u32)]) -> SizeSets {
    let size = |(name, width, height): &(&str, u32, u32)| ImageSize {
        name: (*name).to_owned(),
        width: *width,
        height: *height,
        fit: Fit::Cover,
        quality: 90,
        enlarge: true,
        optimize_coding: false,
    };
    let sizes = SizeSet::new(boxes.iter().map(size).collect()).expect("a size set");
    SizeSets { default: Arc::new(NamedSizeSet::new(label, sizes)), by_vertical: [].into() }
}

/// What verifying found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) reports: Vec<EntityReport>,
    pub(crate) unowned: Vec<Unowned>,
    pub(crate) summary: Summary,
    pub(crate) plan: Plan,
}

impl Listen for Found {
    fn entity(&mut self, report: &EntityReport) {
        report.findings.iter().for_each(is_in_both_languages);
        for repair in &report.repairs {
            if let Repair::Person(who) = repair {
                is_in_both_languages(who);
            }
        }
        self.plan.add(report);
        self.reports.push(report.clone());
    }
    fn unowned(&mut self, unowned: &Unowned) {
        is_in_both_languages(&unowned.why);
        self.plan.add_unowned(unowned);
        self.unowned.push(unowned.clone());
    }
}

/// Whatever any test of the whole system finds is there in Korean.
fn is_in_both_languages(text: &Text) {
    let is_korean = text.korean.chars().any(|c| ('가'..='힣').contains(&c));
    assert!(is_korean && !text.english.is_empty(), "{text:?}");
}

impl Found {
    /// Everything that was named, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let entities = self.reports.iter().flat_map(|report| report.findings.iter().map(ToString::to_string));
        let objects = self.unowned.iter().map(|unowned| format!("{}: {}", unowned.key, unowned.why));
        let files = self.summary.strays.iter().map(|stray| format!("{}: {:?}", stray.key, stray.state));
        let unreachable = self.summary.not_fetched.iter().cloned();
        entities.chain(objects).chain(files).chain(unreachable).collect()
    }

    pub(crate) fn state(&self) -> EntityState {
        self.summary.state()
    }
}

/// The system.
pub(crate) struct System {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) embedded: Embedded,
    pub(crate) worker: Mutex<Worker>,
    pub(crate) urls: Mutex<ImageUrls>,
    pub(crate) served: Mutex<Arc<HttpImages>>,
    pub(crate) base: String,
    clock: Arc<dyn Clock>,
    listener: tokio::task::JoinHandle<()>,
}

impl Drop for System {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl System {
    /// An empty one, with an images listener at a port of its own.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let db = Sqlite::open(&folder.path().join("cameo.db")).await.unwrap();
        let queue = |name: &str| SqliteQueue::new(db.clone(), name, 5, clock.clone());
        let (events, registrations) = (queue("events"), queue("registrations"));
        let options = EmbeddedOptions::new(UPLOADS, IMAGES, events.clone());
        let embedded = Embedded::open(folder.path(), db.clone(), clock.clone(), options).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(embedded.clone());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", socket.local_addr().unwrap());
        let settings = Settings {
            upload_bucket: UPLOADS.into(),
            image_bucket: IMAGES.into(),
            size_sets: size_set("small/1", &[("sq", 8, 8), ("ve", 8, 16)]),
            max_original_bytes: 1 << 20,
            cache_control: "public, max-age=60".into(),
            publish_alias: true,
            delete_unpublishes: true,
        };
        let served = Images::new(store.clone(), &settings);
        let listener = tokio::spawn(async move {
            images::serve(socket, served, ConnectionLimits::default(), Vec::new(), std::future::pending())
                .await
                .unwrap();
        });
        let rules = RegisterRules { urls: ImageUrls::new(&base), ..rules() };
        let catalog = SqliteCatalog::open(db, &Table::default(), rules, clock.clone()).await.unwrap();
        let flow = Flow {
            store: store.clone(),
            catalog: Arc::new(catalog),
            render: Arc::new(Painter),
            settings: Arc::new(settings),
        };
        let worker = Worker {
            flow,
            events: Arc::new(events),
            registrations: Arc::new(registrations),
            visibility_timeout: VISIBILITY,
            receive_wait: Duration::ZERO,
            window: None,
            clock: clock.clone(),
            outages: cameo::worker::outage::Outages::default(),
        };
        Self {
            folder,
            store,
            embedded,
            worker: Mutex::new(worker),
            urls: Mutex::new(ImageUrls::new(&base)),
            served: Mutex::new(Arc::new(HttpImages::new(&base).unwrap())),
            base,
            clock,
            listener,
        }
    }

    pub(crate) fn worker(&self) -> Worker {
        self.worker.lock().unwrap().clone()
    }

    /// The system with other settings from now on.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(&mut Settings)) {
        let mut worker = self.worker.lock().unwrap();
        let mut settings = (*worker.flow.settings).clone();
        change(&mut settings);
        worker.flow.settings = Arc::new(settings);
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) {
        self.put_with(bucket, key, body, &Attributes::default()).await;
    }

    pub(crate) async fn put_with(&self, bucket: &str, key: &str, body: impl Into<Bytes>, attributes: &Attributes) {
        let written = self.store.put(bucket, key, body.into(), attributes, Condition::Always).await.unwrap();
        assert!(matches!(written, Written::Done(_)));
    }

    pub(crate) async fn delete(&self, bucket: &str, key: &str) {
        let info = self.store.head(bucket, key).await.unwrap().expect("an object");
        assert!(self.store.delete(bucket, key, &info.validator()).await.unwrap());
    }

    /// Gives the object at `from` a second key, with the metadata of the first.
    pub(crate) async fn copy(&self, from: &str, to: &str) {
        let info = self.store.head(IMAGES, from).await.unwrap().expect("an object");
        let attributes = Attributes { content_type: info.content_type, cache_control: None, metadata: info.metadata };
        self.store.copy(IMAGES, from, to, &attributes, Condition::Always).await.unwrap().expect("a copy");
    }

    /// Changes the database behind everybody's back; returns how many rows changed.
    pub(crate) fn sql(&self, statement: &str) -> usize {
        let db = rusqlite::Connection::open(self.folder.path().join("cameo.db")).unwrap();
        db.busy_timeout(Duration::from_secs(20)).unwrap();
        let changed = db.execute(statement, []).unwrap();
        assert!(changed > 0, "{statement}");
        changed
    }

    /// The file that holds an object's content, and where in it the content begins.
    pub(crate) fn file_of(&self, bucket: &str, key: &str) -> (PathBuf, u64) {
        let db = rusqlite::Connection::open(self.folder.path().join("cameo.db")).unwrap();
        let sql = "SELECT file, file_offset FROM cameo_objects WHERE bucket = ?1 AND object_key = ?2";
        let (file, offset): (i64, i64) =
            db.query_row(sql, [bucket, key], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let path = self.folder.path().join(format!("objects/{:x}/{file:016x}", file >> 10));
        assert!(path.is_file(), "{}", path.display());
        (path, offset.unsigned_abs())
    }

    /// Flips a bit in the middle of an object's content.
    pub(crate) async fn rot(&self, bucket: &str, key: &str) {
        let size = self.store.head(bucket, key).await.unwrap().expect("an object").size;
        let (path, offset) = self.file_of(bucket, key);
        let mut content = std::fs::read(&path).unwrap();
        content[usize::try_from(offset + size / 2).unwrap()] ^= 1;
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, content).unwrap();
    }

    /// Works until nothing waits.
    pub(crate) async fn drain(&self) {
        let worker = self.worker();
        while worker.resize_once(Duration::ZERO).await.unwrap() + worker.register_once(Duration::ZERO).await.unwrap()
            > 0
        {}
    }

    pub(crate) async fn verify(&self, look: Look) -> Found {
        self.verify_question(&Question { look, ..Question::of(Scope::All) }).await
    }

    pub(crate) async fn verify_question(&self, question: &Question) -> Found {
        let mut found = Found::default();
        found.summary = self.verify_listening(question, &mut found).await;
        found
    }

    pub(crate) async fn verify_listening(&self, question: &Question, listen: &mut impl Listen) -> Summary {
        let Worker { flow, events, registrations, .. } = self.worker();
        let (urls, served) = (self.urls.lock().unwrap().clone(), self.served.lock().unwrap().clone());
        let places = verify::Places {
            store: &*flow.store,
            catalog: &*flow.catalog,
            served: &*served,
            queues: Some(verify::Queues { events: &*events, registrations: &*registrations }),
            urls: Some(&urls),
            settings: &flow.settings,
            clock: &*self.clock,
        };
        verify::verify(places, question, listen).await.unwrap()
    }

    /// Does what `cameo reconcile --apply` does with what was found.
    pub(crate) async fn reconcile(&self, plan: &Plan) {
        let Worker { flow, events, .. } = self.worker();
        let urls = self.urls.lock().unwrap().clone();
        let list = |keys: &std::collections::BTreeSet<String>| keys.iter().cloned().collect::<Vec<_>>();
        let now = self.clock.now();
        take_down(&flow, &list(&plan.take_down), now).await.unwrap();
        remove_absent(&flow, &*events, &list(&plan.remove), now).await.unwrap();
        let addresses: Vec<_> = plan.addresses.keys().cloned().collect();
        rewrite_urls(&flow, &urls, &addresses).await.unwrap();
        requeue(&flow, &*events, &list(&plan.render), now).await.unwrap();
    }

    /// Sets the message of an original's event aside, as one that nobody can handle.
    pub(crate) async fn kill_message(&self, error: &str) {
        let events = self.worker().events;
        let messages = events.receive(1, VISIBILITY, Duration::ZERO).await.unwrap();
        events.dead_letter(&messages[0].receipt, error).await.unwrap();
    }
}
