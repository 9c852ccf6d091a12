//! The embedded store keeps the contract, and its own promises: nothing half done stays, events go with changes.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::TryStreamExt;
use tempfile::TempDir;

use super::*;
use crate::{
    clock::ManualClock,
    model::{
        event::{self, Change},
        generation::Generation,
    },
    queue::Queue,
    store::{Attributes, Condition, ContentState, NewObject, Store, Written, contract},
};

mod damage;
mod recovery;
mod start;

struct House {
    folder: TempDir,
    clock: Arc<ManualClock>,
    events: SqliteQueue,
    store: Embedded,
}

async fn open(data: &Path, clock: &Arc<ManualClock>) -> (SqliteQueue, Embedded) {
    let db = Sqlite::open(&data.join("cameo.db")).await.expect("a database");
    let events = SqliteQueue::new(db.clone(), "events", 5, clock.clone());
    let options = EmbeddedOptions::new("uploads", "images", events.clone());
    let store = Embedded::open(data, db, clock.clone(), options).await.expect("a store");
    (events, store)
}

async fn house() -> House {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let (events, store) = open(folder.path(), &clock).await;
    House { folder, clock, events, store }
}

impl House {
    async fn put(&self, bucket: &str, key: &str, body: &'static str) {
        let body = Bytes::from_static(body.as_bytes());
        let written = Store::put(&self.store, bucket, key, body, &Attributes::default(), Condition::Always).await;
        assert!(matches!(written.expect("a put"), Written::Done(_)));
    }

    async fn staged(&self, body: &'static str) -> Staged {
        let body = futures::stream::iter([Ok(Bytes::from_static(body.as_bytes()))]);
        self.store.stage(body, &[Algorithm::Crc32], 100).await.expect("content")
    }

    /// Uploads an object of the image bucket in parts; returns its `ETag`.
    async fn upload_in_parts(&self, key: &str, bodies: &[&'static str]) -> String {
        let upload = NewUpload {
            bucket: "images".into(),
            key: key.into(),
            description: Description::default(),
            algorithm: None,
            full_object: false,
        };
        let id = self.store.create_upload(upload).await.expect("an upload");
        let upload = self.store.upload("images", key, &id).expect("an upload");
        let mut parts = Vec::new();
        for (number, body) in (1..).zip(bodies) {
            let part = self.store.put_part(&upload, number, self.staged(body).await).await.expect("a part");
            parts.push(NamedPart { number, etag: part.etag, sums: part.sums });
        }
        let completion = Completion {
            parts,
            part_min_bytes: 1,
            declared_size: None,
            declared_sums: Sums::new(),
            conditions: WriteConditions::default(),
        };
        self.store.complete_upload(&upload, completion).await.expect("an object").etag
    }

    async fn events(&self) -> Vec<(String, Generation, Change)> {
        let messages = self.events.receive(10, Duration::from_mins(1), Duration::ZERO).await.expect("messages");
        let events = messages.iter().flat_map(|message| event::parse(&message.body).expect("an event"));
        events.map(|event| (event.key, event.generation, event.change)).collect()
    }

    fn files(&self, folder: &str) -> usize {
        files_below(&self.folder.path().join(folder)).len()
    }
}

/// The files in a folder and below it, but for the note of the highest generation; those of the locks and logs of a database come and go.
fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    let comes_and_goes = |path: &Path| ["-wal", "-shm"].iter().any(|end| path.to_string_lossy().ends_with(end));
    files.retain(|path| !comes_and_goes(path) && !path.ends_with(watermark::NAME));
    files.sort();
    files
}

#[tokio::test]
async fn keeps_the_contract() {
    let house = house().await;
    contract::all(&house.store, "images").await;
    assert_eq!(house.files("tmp"), 0);
}

#[tokio::test]
async fn a_change_of_an_original_is_told_once_in_order() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.put("uploads", "origin/v/1_0.jpg", "second").await;
    house.put("uploads", "elsewhere/1_0.jpg", "silent").await;
    house.put("images", "origin/v/1_0.jpg", "silent").await;
    house.store.delete_object("uploads", "origin/v/1_0.jpg", WriteConditions::default()).await.expect("a delete");
    house.store.delete_object("uploads", "origin/v/1_0.jpg", WriteConditions::default()).await.expect("nothing");
    let events = house.events().await;
    let created = |change: &Change| matches!(change, Change::Created { .. });
    assert_eq!(events.iter().map(|(_, _, change)| created(change)).collect::<Vec<_>>(), [true, true, false]);
    assert!(events.is_sorted_by(|a, b| a.1 < b.1), "{events:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    let pieces = [Ok(Bytes::from(vec![0; 2 * BUFFER_BYTES])), Err(BodyError::from("gone"))];
    let staged = house.store.stage(futures::stream::iter(pieces), &[], u64::MAX).await;
    assert!(matches!(staged, Err(Refusal::Body(_))));
    let long = futures::stream::iter([Ok(Bytes::from_static(b"12345"))]);
    assert!(matches!(house.store.stage(long, &[], 4).await, Err(Refusal::TooLarge(4))));
    assert_eq!((house.files("tmp"), house.files("objects")), (0, 1));
    let kept = house.store.get("uploads", "origin/v/1_0.jpg", 10).await.expect("an answer").expect("an object");
    assert_eq!(kept.body, "first");
}

#[tokio::test]
async fn a_failed_condition_leaves_no_file() {
    let house = house().await;
    house.put("images", "key", "first").await;
    let body = Bytes::from_static(b"second");
    let written = Store::put(&house.store, "images", "key", body, &Attributes::default(), Condition::Absent).await;
    assert_eq!(written.expect("an answer"), Written::ConditionFailed);
    assert_eq!((house.files("tmp"), house.files("objects")), (0, 1));
}

#[tokio::test]
async fn replaced_content_is_swept_when_nothing_refers_to_it() {
    let house = house().await;
    let sweep = || house.store.sweep(house.clock.now());
    house.put("images", "photo", "first").await;
    let copy = house.store.copy("images", "photo", "alias", &Attributes::default(), Condition::Absent).await;
    assert!(matches!(copy.expect("an answer"), Some(Written::Done(_))));
    house.put("images", "photo", "second").await;
    assert_eq!(house.files("objects"), 2, "the copy shares a file");
    house.clock.advance(Duration::from_hours(2));
    assert_eq!(sweep().await.expect("a sweep").files, 0, "the alias still refers to it");
    house.store.delete_object("images", "alias", WriteConditions::default()).await.expect("a delete");
    assert_eq!(sweep().await.expect("a sweep").files, 0, "it is kept for a while");
    let open = house.store.open_object("images", "photo").expect("an object");
    house.put("images", "photo", "third").await;
    house.clock.advance(Duration::from_hours(2));
    assert_eq!(sweep().await.expect("a sweep").files, 2);
    assert_eq!(house.files("objects"), 1);
    assert_eq!(
        open.stream(0..6).map_ok(|bytes| bytes.to_vec()).try_concat().await.expect("content"),
        b"second",
        "who has it open can read it"
    );
}

#[tokio::test]
async fn a_shared_file_stays_until_the_last_of_its_objects_is_gone() {
    let house = house().await;
    let object = |key: &str, condition| NewObject {
        key: key.into(),
        body: Bytes::from(format!("content of {key}")),
        attributes: Attributes::default(),
        condition,
    };
    let both = ["sq", "ve"].map(|key| object(key, Condition::Always));
    house.store.put_all("images", both.to_vec()).await.expect("an answer");
    assert_eq!((house.files("tmp"), house.files("objects")), (0, 1));
    let refused = ["sq", "ve"].map(|key| object(key, Condition::Absent));
    house.store.put_all("images", refused.to_vec()).await.expect("an answer");
    assert_eq!((house.files("tmp"), house.files("objects")), (0, 1), "nothing is left of what was refused");
    house.put("images", "sq", "replaced").await;
    house.clock.advance(Duration::from_hours(2));
    assert_eq!(house.store.sweep(house.clock.now()).await.expect("a sweep").files, 0);
    // Found by kills: the note that it lost a reference stayed until something else was to be removed.
    let notes = |connection: &rusqlite::Connection| {
        Ok(connection.query_row("SELECT count(*) FROM cameo_garbage", (), |row| row.get::<_, i64>(0))?)
    };
    assert_eq!(house.store.inner.db.look_up(Place::Store, "count notes", notes).expect("an answer"), 0);
    let open = house.store.open_object("images", "ve").expect("an object");
    assert_eq!(open.stream(8..13).map_ok(|bytes| bytes.to_vec()).try_concat().await.expect("a range"), b"of ve");
    house.put("images", "ve", "replaced").await;
    house.clock.advance(Duration::from_hours(2));
    assert_eq!(house.store.sweep(house.clock.now()).await.expect("a sweep").files, 1);
    assert_eq!(house.files("objects"), 2);
}

#[tokio::test]
async fn a_start_moves_aside_what_was_left_and_goes_on_counting() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    let House { folder, clock, events, store } = house;
    drop((events, store));
    for left in ["tmp/9", "objects/0/0000000000000007", "parts/strange/1"] {
        let path = folder.path().join(left);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, "left").expect("a file");
    }
    let (events, store) = open(folder.path(), &clock).await;
    let house = House { folder, clock, events, store };
    assert_eq!((house.files("tmp"), house.files("objects"), house.files("parts")), (0, 1, 0));
    assert_eq!(house.files("quarantine"), 1);
    house.put("uploads", "origin/v/1_0.jpg", "second").await;
    let generations: Vec<_> =
        house.events().await.into_iter().map(|event| event.1.counter().expect("a counter")).collect();
    assert!(generations[0] == 1 && generations[1] > 1024, "above everything that was ever reserved: {generations:?}");
}

#[tokio::test]
async fn uploads_in_parts_leave_nothing_behind() {
    let house = house().await;
    let new = |key: &str| NewUpload {
        bucket: "images".into(),
        key: key.into(),
        description: Description::default(),
        algorithm: Some(Algorithm::Crc32),
        full_object: true,
    };
    let id = house.store.create_upload(new("whole")).await.expect("an upload");
    let upload = house.store.upload("images", "whole", &id).expect("an upload");
    let mut named = Vec::new();
    for (number, body) in [(1, "again"), (1, "one"), (3, "three")] {
        let part = house.store.put_part(&upload, number, house.staged(body).await).await.expect("a part");
        named.retain(|part: &NamedPart| part.number != number);
        named.push(NamedPart { number, etag: part.etag, sums: part.sums });
    }
    let completion = |parts| Completion {
        parts,
        part_min_bytes: 1,
        declared_size: Some(8),
        declared_sums: Sums::new(),
        conditions: WriteConditions::default(),
    };
    let mut swapped = named.clone();
    swapped.reverse();
    let refused = house.store.complete_upload(&upload, completion(swapped)).await;
    assert!(matches!(refused, Err(Refusal::InvalidPartOrder)));
    let object = house.store.complete_upload(&upload, completion(named.clone())).await.expect("an object");
    let whole = house.store.get("images", "whole", 100).await.expect("an answer").expect("an object");
    assert_eq!(whole.body, "onethree");
    assert_eq!(object.checksums.sums[&Algorithm::Crc32], checksum_of("onethree"));
    let again = house.store.upload("images", "whole", &id).expect("it is remembered");
    assert_eq!(house.store.complete_upload(&again, completion(named)).await.expect("the same").etag, object.etag);
    let aborted = house.store.create_upload(new("aborted")).await.expect("an upload");
    let aborted = house.store.upload("images", "aborted", &aborted).expect("an upload");
    house.store.abort_upload(&aborted).await.expect("aborted");
    // A part that was under way while its upload was aborted.
    let late = house.store.put_part(&aborted, 1, house.staged("late").await).await;
    assert!(matches!(late, Err(Refusal::NoSuchUpload)));
    let forgotten = house.store.create_upload(new("forgotten")).await.expect("an upload");
    let forgotten = house.store.upload("images", "forgotten", &forgotten).expect("an upload");
    house.store.put_part(&forgotten, 1, house.staged("forgotten").await).await.expect("a part");
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    assert_eq!(house.files("parts"), 1, "an upload that is under way keeps its parts");
    house.clock.advance(Duration::from_hours(25));
    assert_eq!(house.store.sweep(house.clock.now()).await.expect("a sweep").uploads, 2);
    assert_eq!(house.store.uploads("images", "", ("", ""), 10).await.expect("uploads"), []);
    let left = std::fs::read_dir(house.folder.path().join("parts")).expect("a folder").count();
    assert_eq!((left, house.files("tmp")), (0, 0), "not even a folder");
}

fn checksum_of(text: &str) -> String {
    let mut hasher = checksum::Hasher::new(&[Algorithm::Crc32]);
    hasher.update(text.as_bytes());
    hasher.finish().sums.remove(&Algorithm::Crc32).expect("a checksum")
}

#[tokio::test]
async fn common_prefixes_are_told_once_over_many_pages() {
    let house = house().await;
    for key in ["a/1", "a/2", "b", "c/1", "c/2/3", "d"] {
        house.put("images", key, "x").await;
    }
    let mut seen = Vec::new();
    let mut query = Query { delimiter: "/".into(), max: 1, ..Query::default() };
    loop {
        let page = house.store.list_page("images", &query).await.expect("a page");
        seen.extend(page.entries.iter().map(|entry| entry.marker().to_owned()));
        query.after = seen.last().expect("an entry").clone();
        if !page.truncated {
            break;
        }
    }
    assert_eq!(seen, ["a/", "b", "c/", "d"]);
}

#[tokio::test]
async fn a_reader_beside_the_server_sees_what_is_committed_and_changes_nothing() {
    let house = house().await;
    house.put("images", "photo", "first").await;
    let db = Sqlite::open_read_only(&house.folder.path().join("cameo.db")).await.expect("a database");
    let reader = Embedded::read_only(house.folder.path(), db);
    assert_eq!(reader.get("images", "photo", 10).await.expect("an answer").expect("an object").body, "first");
    let body = Bytes::from_static(b"second");
    let refused = Store::put(&reader, "images", "photo", body, &Attributes::default(), Condition::Always).await;
    assert_eq!(refused.expect_err("a refusal").kind(), Kind::Misconfigured);
    assert_eq!(house.files("tmp"), 0);
}

fn one_upload(bucket: &str, key: &str) -> NewUpload {
    NewUpload {
        bucket: bucket.into(),
        key: key.into(),
        description: Description::default(),
        algorithm: Some(Algorithm::Crc32),
        full_object: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_is_repeated_while_the_first_runs_gets_its_answer() {
    let house = house().await;
    for round in 0..20 {
        let key = format!("s3-endpoint.md F11 {round}");
        let id = house.store.create_upload(one_upload("images", &key)).await.expect("an upload");
        let upload = house.store.upload("images", &key, &id).expect("an upload");
        let mut named = Vec::new();
        for number in 1..=3 {
            let part = house.store.put_part(&upload, number, house.staged("part").await).await.expect("a part");
            named.push(NamedPart { number, etag: part.etag, sums: part.sums });
        }
        let completion = Completion {
            parts: named,
            part_min_bytes: 1,
            declared_size: None,
            declared_sums: Sums::new(),
            conditions: WriteConditions { if_none_match: Some(Tag::Any), ..WriteConditions::default() },
        };
        let completions = (0..4).map(|_| house.store.complete_upload(&upload, completion.clone()));
        let objects = futures::future::try_join_all(completions).await.expect("the same answer for all");
        assert!(objects.iter().all(|object| *object == objects[0]));
    }
    assert_eq!(std::fs::read_dir(house.folder.path().join("parts")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_deleted_bucket_takes_its_parts_along() {
    let house = house().await;
    house.store.create_bucket("other", "").await.expect("a bucket");
    let id = house.store.create_upload(one_upload("other", "s3-endpoint.md F19")).await.expect("an upload");
    let upload = house.store.upload("other", "s3-endpoint.md F19", &id).expect("an upload");
    house.store.put_part(&upload, 1, house.staged("part").await).await.expect("a part");
    let folders = || std::fs::read_dir(house.folder.path().join("parts")).expect("a folder").count();
    assert_eq!(folders(), 1);
    house.store.delete_bucket("other").await.expect("deleted");
    assert_eq!(folders(), 0, "before it is answered, not by the next sweep");
    assert!(matches!(house.store.upload("other", "s3-endpoint.md F19", &id), Err(Refusal::NoSuchUpload)));
}
