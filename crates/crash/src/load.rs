//! The clients: each owns its keys, does one thing after the other, and writes down what it was told.
//!
//! They never try again: what was not answered stays open, and the client goes on at the server's next life.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use object_store::{
    ClientOptions, MultipartUpload, ObjectStoreExt, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::{RwLock, watch},
    task::JoinSet,
};

use crate::{
    journal::{Change, Journal},
    originals::{BADS, GOODS, Photo, Pool},
    server::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, UPLOAD_BUCKET},
};

pub use crate::size_sets::VERTICAL;
/// How long a request may take. Nothing is expected to take that long: it would count as unanswered.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// `cd_idx` of photos that the harness makes impossible begin here.
const IMPOSSIBLE_FROM: u64 = 999_000_000;
/// `cd_idx` of photos that tell whether a server is healed begin here.
const PROBES_FROM: u64 = 998_000_000;
/// `cd_idx` of one client's entities start at a multiple of this.
const ENTITIES_PER_CLIENT: u64 = 1_000_000;

/// One life of the server.
#[derive(Debug)]
pub struct Life {
    number: u64,
    bucket: AmazonS3,
}

/// What clients and the run share.
#[derive(Debug)]
pub struct Shared {
    /// The originals.
    pub pool: Pool,
    /// What was acknowledged.
    pub journal: Journal,
    /// Held for reading during a request, and for writing while nobody may work.
    pub gate: RwLock<()>,
    life: watch::Sender<Option<Arc<Life>>>,
    number: std::sync::atomic::AtomicU64,
}

/// What clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habits {
    /// Everything that people do.
    All,
    /// Everything but bad originals in the place of good ones: the good one is gone then, and cannot be rendered for another size
    /// set.
    NoBadReplacements,
}

/// The running clients.
#[derive(Debug)]
pub struct Load {
    clients: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Shared {
    /// Nothing yet.
    pub fn new() -> Result<Arc<Self>> {
        let (life, number) = (watch::Sender::new(None), 0.into());
        Ok(Arc::new(Self { pool: Pool::draw()?, journal: Journal::default(), gate: RwLock::new(()), life, number }))
    }

    /// Tells the clients of a new life of the server.
    pub fn announce(&self, endpoint: &str) -> Result<()> {
        let number = self.number.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        let life = Life { number, bucket: bucket(endpoint)? };
        self.life.send_replace(Some(Arc::new(life)));
        Ok(())
    }
}

/// The upload bucket, as a client that never tries again sees it.
pub fn bucket(endpoint: &str) -> Result<AmazonS3> {
    let retry = RetryConfig { max_retries: 0, retry_timeout: Duration::ZERO, ..RetryConfig::default() };
    let options = ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_allow_http(true);
    AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_client_options(options)
        .with_region("us-east-1")
        .with_bucket_name(UPLOAD_BUCKET)
        .with_access_key_id(ACCESS_KEY_ID)
        .with_secret_access_key(SECRET_ACCESS_KEY)
        .with_retry(retry)
        .build()
        .context("failed to set up the S3 client")
}

impl Load {
    /// Starts clients.
    pub fn start(shared: &Arc<Shared>, clients: u64, seed: u64, habits: Habits) -> Self {
        let stop = watch::Sender::new(false);
        let mut running = JoinSet::new();
        for number in 0..clients {
            let rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number));
            let client = Client { shared: shared.clone(), rng, habits, number, entities: 0, photos: Vec::new() };
            running.spawn(client.run(shared.life.subscribe(), stop.subscribe()));
        }
        Self { clients: running, stop }
    }

    /// Lets every client finish what it does, and ends.
    pub async fn end(mut self) {
        self.stop.send_replace(true);
        while self.clients.join_next().await.is_some() {}
    }
}

struct Client {
    shared: Arc<Shared>,
    rng: StdRng,
    habits: Habits,
    number: u64,
    entities: u64,
    /// Keys that were uploaded to, with the content that was sent last.
    photos: Vec<(String, Photo)>,
}

/// What a client does next.
enum Request {
    Put(String, Photo),
    PutInParts(String, Photo),
    Delete(String),
}

impl Client {
    async fn run(mut self, mut life: watch::Receiver<Option<Arc<Life>>>, mut stop: watch::Receiver<bool>) {
        let mut failed_in = 0;
        loop {
            let is_new = |life: &Option<Arc<Life>>| life.as_ref().is_some_and(|life| life.number > failed_in);
            let current = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                life = life.wait_for(is_new) => life.ok().and_then(|life| life.clone()),
            };
            let Some(current) = current else { return };
            let shared = self.shared.clone();
            let _working = shared.gate.read().await;
            for request in self.choose() {
                if !self.send(&current.bucket, request).await {
                    failed_in = current.number;
                    break;
                }
            }
        }
    }

    /// Sends a request and writes down its answer; false when it failed.
    async fn send(&mut self, bucket: &AmazonS3, request: Request) -> bool {
        let pool = &self.shared.pool;
        let (key, change, acknowledged) = match request {
            Request::Put(key, content) => {
                let done = put(bucket, &key, pool.bytes(content)).await;
                (key, Change::Put(content), done)
            }
            Request::PutInParts(key, content) => {
                let done = put_in_parts(bucket, &key, pool.bytes(content)).await;
                (key, Change::Put(content), done)
            }
            Request::Delete(key) => {
                let done = delete(bucket, &key).await;
                (key, Change::Delete, done)
            }
        };
        self.shared.journal.record(&key, change, acknowledged);
        acknowledged
    }

    fn choose(&mut self) -> Vec<Request> {
        let (good, bad) = (Photo::Good(self.rng.random_range(0..GOODS)), Photo::Bad(self.rng.random_range(0..BADS)));
        match self.rng.random_range(0..100) {
            0..50 => vec![Request::Put(self.new_photo(good), good)],
            50..55 => vec![Request::PutInParts(self.new_photo(good), good)],
            55..60 => vec![Request::Put(self.new_photo(bad), bad)],
            60..62 => vec![Request::Put(self.litter(".DS_Store"), bad)],
            62..64 => vec![Request::Put(self.litter("notes.txt"), bad)],
            roll => self.on_an_old_photo(roll, good, bad),
        }
    }

    /// Something about a photo that was uploaded before.
    fn on_an_old_photo(&mut self, roll: u32, good: Photo, bad: Photo) -> Vec<Request> {
        if self.photos.is_empty() {
            return vec![Request::Put(self.new_photo(good), good)];
        }
        // Mostly a recent one, whose turn in the queues may not have come.
        let newest = self.photos.len();
        let oldest = if roll.is_multiple_of(3) { 0 } else { newest.saturating_sub(4) };
        let bad = if self.habits == Habits::All { bad } else { good };
        let (key, last) = &mut self.photos[self.rng.random_range(oldest..newest)];
        let key = key.clone();
        let mut put = |content| {
            *last = content;
            Request::Put(key.clone(), content)
        };
        match roll {
            64..74 => vec![put(good)],
            74..82 => vec![put(bad)],
            82..86 => {
                let same = self.photos.iter().find(|(k, _)| *k == key).map_or(good, |(_, last)| *last);
                vec![Request::Put(key, same)]
            }
            86..90 => {
                let same = self.photos.iter().find(|(k, _)| *k == key).map_or(good, |(_, last)| *last);
                vec![Request::Delete(key.clone()), Request::Put(key, same)]
            }
            90..93 => vec![put(good), put(bad)],
            _ => vec![Request::Delete(key)],
        }
    }

    /// A key that is new: often the next photo of the same entity.
    fn new_photo(&mut self, content: Photo) -> String {
        if self.entities == 0 || self.rng.random_bool(0.7) {
            self.entities += 1;
        }
        let cd_idx = self.number * ENTITIES_PER_CLIENT + self.entities;
        let taken = |sequence: &u16| {
            let key = photo_key(cd_idx, *sequence);
            self.photos.iter().any(|(other, _)| *other == key)
        };
        let sequence = (0..u16::MAX).find(|sequence| !taken(sequence)).unwrap_or(0);
        let key = photo_key(cd_idx, sequence);
        self.photos.push((key.clone(), content));
        key
    }

    fn litter(&mut self, name: &str) -> String {
        format!("origin/{VERTICAL}{}/{name}", self.number)
    }
}

/// The key of a photo that the harness makes impossible: it may be a dead letter, and nothing else may.
pub(crate) fn impossible_photo(number: u64) -> String {
    photo_key(impossible_cd_idx(number), 0)
}

/// Its entity.
pub(crate) fn impossible_cd_idx(number: u64) -> u64 {
    IMPOSSIBLE_FROM + number
}

/// Whether a text names such a photo.
pub(crate) fn names_an_impossible_photo(text: &str) -> bool {
    // Numbers of six digits that follow a prefix of three: see `IMPOSSIBLE_FROM`.
    text.match_indices("999").any(|(at, _)| {
        let rest = &text.as_bytes()[at..];
        rest.len() > 9 && rest[..9].iter().all(u8::is_ascii_digit) && rest[9] == b'_'
    })
}

/// The key of a photo that is uploaded to see whether uploads are accepted.
pub(crate) fn probe_photo(number: u64) -> String {
    photo_key(PROBES_FROM + number, 0)
}

fn photo_key(cd_idx: u64, sequence: u16) -> String {
    format!("origin/{VERTICAL}/{cd_idx}_{sequence}.jpg")
}

fn path(key: &str) -> Path {
    Path::parse(key).unwrap_or_default()
}

/// Uploads in one piece; true when it was acknowledged.
pub async fn put(bucket: &AmazonS3, key: &str, bytes: Vec<u8>) -> bool {
    bucket.put(&path(key), PutPayload::from(bytes)).await.is_ok()
}

async fn put_in_parts(bucket: &AmazonS3, key: &str, bytes: Vec<u8>) -> bool {
    let Ok(mut upload) = bucket.put_multipart(&path(key)).await else { return false };
    upload.put_part(PutPayload::from(bytes)).await.is_ok() && upload.complete().await.is_ok()
}

async fn delete(bucket: &AmazonS3, key: &str) -> bool {
    bucket.delete(&path(key)).await.is_ok()
}
