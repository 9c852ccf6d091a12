//! Deliveries from end to end: recorded, uploaded, worked on, spoilt, and reported, on the embedded system and in memory.

use std::{sync::Arc, time::Instant};

use cameo::{
    catalog::{Catalog, Registry, contract::rendered},
    clock::{Clock, ManualClock, SystemClock},
    model::{
        actor::Actor,
        key::{DeliveryKey, DeliveryName, UploadKey, Vertical},
        lang::Lang,
        outcome::Outcome,
        token::Verticals,
    },
    proof::{
        deliveries::{
            self, DeliveredFile, Expected, NewRecord, Record, Report, SkippedFile, Standing, create,
            day::days,
            list::{find, list, page, read},
            state::{Item, ItemState, Places, items},
        },
        verify::{EntityState, Look, Question, Queues},
    },
    store::{Attributes, Condition, NewObject, Store, memory::MemoryStore},
    worker::Worker,
};
use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use crate::whole_system::{System, UPLOADS};

fn v() -> Vertical {
    "v".parse().unwrap()
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Seoul").unwrap()
}

fn file(name: &str, content: &str) -> DeliveredFile {
    let (md5, sha256) = (hex::encode(fast_md5::digest(content.as_bytes())), hex::encode(Sha256::digest(content)));
    DeliveredFile { name: name.into(), size: content.len() as u64, md5, sha256 }
}

fn of(files: Vec<DeliveredFile>) -> NewRecord {
    NewRecord { by: "김 operator".into(), from: "사진 폴더".into(), files, ..NewRecord::default() }
}

/// What every store must do with records.
pub(crate) async fn records_are_kept(store: &dyn Store, bucket: &str) {
    let first: Timestamp = "2026-11-25T14:59:59Z".parse().unwrap();
    let second: Timestamp = "2026-11-25T15:00:00Z".parse().unwrap();
    let (w, zone) = ("w".parse().unwrap(), zone());
    let one = create(store, bucket, &v(), of(vec![file("1_0.jpg", "a")]), (first, &zone)).await.unwrap();
    let two = create(store, bucket, &v(), of(vec![file("2_0.jpg", "b")]), (second, &zone)).await.unwrap();
    let three = create(store, bucket, &w, of(vec![]), (first, &zone)).await.unwrap();
    assert!(
        one.id.as_str().starts_with("20261125-") && two.id.as_str().starts_with("20261126-"),
        "{} {}",
        one.id,
        two.id
    );
    assert_eq!(read(store, bucket, &one.key()).await.unwrap(), Some(one.clone()));
    let key = one.key().key();
    assert_eq!(UploadKey::parse(&key), UploadKey::Plain);
    let again = store.put(bucket, &key, "x".into(), &Attributes::default(), Condition::Absent).await.unwrap();
    assert_eq!(again, cameo::store::Written::ConditionFailed, "a record is written once");
    assert_eq!(find(store, bucket, None, &two.id).await.unwrap(), Some(two.key()));
    assert_eq!(find(store, bucket, Some(&w), &two.id).await.unwrap(), None);
    lists_are_newest_first(store, bucket, [&one, &two, &three]).await;
    // A copy of the bucket that lost the metadata is listed all the same, and the same id twice is not guessed at.
    let copy = DeliveryKey { vertical: w.clone(), id: two.id.clone() };
    let body = serde_json::to_string(&Record { vertical: w.clone(), ..two.clone() }).unwrap();
    store.put(bucket, &copy.key(), body.into(), &Attributes::default(), Condition::Absent).await.unwrap();
    let of_w = list(store, bucket, Some(&w), None, 10).await.unwrap();
    assert_eq!((of_w[0].delivery.clone(), of_w[0].files, of_w[0].by.as_str()), (two.id.clone(), 1, "김 operator"));
    let error = find(store, bucket, None, &two.id).await.unwrap_err();
    assert!(error.to_string().contains(&format!("v/{}", two.id)), "{error}");
}

async fn lists_are_newest_first(store: &dyn Store, bucket: &str, [one, two, three]: [&Record; 3]) {
    let all = list(store, bucket, None, None, 10).await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!((&all[0].delivery, all[0].bytes, all[0].by.as_str()), (&two.id, 1, "김 operator"));
    assert_eq!(all[0].digest, two.content.digest());
    let rest: Vec<_> = all[1..].iter().map(|listed| &listed.delivery).collect();
    assert!(rest.contains(&&one.id) && rest.contains(&&three.id), "{rest:?}");
    let (mut before, mut paged) = (None, Vec::new());
    loop {
        let page = list(store, bucket, None, before.as_ref(), 1).await.unwrap();
        let Some(listed) = page.into_iter().next() else { break };
        before = Some(DeliveryKey { vertical: listed.vertical.clone(), id: listed.delivery.clone() });
        paged.push(listed);
    }
    assert_eq!(paged, all);
    assert_eq!(list(store, bucket, Some(&v()), None, 10).await.unwrap().len(), 2);
    // Whoever sees one vertical gets whole pages of it, and no name of another to go on from.
    let only_v = Verticals::Only([v()].into());
    let (first, next) = page(store, bucket, (None, &only_v), None, 1).await.unwrap();
    let next = next.expect("there is another of v");
    assert_eq!((first.len(), &first[0].vertical, &next.vertical), (1, &v(), &v()));
    let (second, end) = page(store, bucket, (None, &only_v), Some(&next), 1).await.unwrap();
    assert_eq!((second.len(), &second[0].vertical, end), (1, &v(), None));
}

#[tokio::test]
async fn records_are_kept_in_memory_and_embedded() {
    records_are_kept(&MemoryStore::new(Arc::new(SystemClock)), UPLOADS).await;
    let system = System::start().await;
    records_are_kept(&*system.store, UPLOADS).await;
    let Worker { events, .. } = system.worker();
    assert_eq!(events.depth().await.unwrap().visible, 0, "a record causes no event");
}

/// Uploads as somebody.
async fn put_as(system: &System, actor: &str, name: &str, content: &str) {
    let store = system.embedded.acting_for(Actor::new(actor));
    let (key, body) = (format!("origin/v/{name}"), content.to_owned().into());
    Store::put(&store, UPLOADS, &key, body, &Attributes::default(), Condition::Always).await.unwrap();
}

async fn standing(system: &System, name: &DeliveryName) -> Standing {
    let Worker { flow, events, registrations, .. } = system.worker();
    let queues = Some(Queues { events: &*events, registrations: &*registrations });
    let places = Places { store: &*flow.store, upload_bucket: UPLOADS, catalog: &*flow.catalog, queues };
    deliveries::standing(places, name, &zone()).await.unwrap().expect("a delivery")
}

fn named(record: &Record) -> DeliveryName {
    record.id.as_str().parse().unwrap()
}

fn states(standing: &Standing) -> Vec<(&str, ItemState)> {
    standing.items.iter().map(|item| (item.file.as_str(), item.state)).collect()
}

fn item<'s>(standing: &'s Standing, file: &str) -> &'s Item {
    standing.items.iter().find(|item| item.file == file).expect("an item")
}

/// The story of a bad day: every fate that the bytes of a delivery can have, with who did it.
#[tokio::test]
async fn each_file_has_the_state_that_its_bytes_reached() {
    use ItemState::{Missing, Received, Registered, Rejected, Removed, Rendered, Replaced};
    let system = System::start().await;
    put_as(&system, "before", "9_0.jpg", "other bytes of before").await;
    system.drain().await;
    // The store gives times as they are; bytes of more than two seconds ago are not those of this delivery.
    let created = SystemClock.now() + jiff::SignedDuration::from_secs(3);
    let contents = [
        ("1_0.jpg", "good 1"),
        ("2_0.jpg", "bad 2"),
        ("3_0.jpg", "good 3"),
        ("4_0.jpg", "good 4"),
        ("5_0.jpg", "good 5"),
        ("6.jpg", "good 6"),
        ("9_0.jpg", "good 9"),
    ];
    let skipped = SkippedFile {
        file: "10_0 (1).jpg".into(),
        code: "name.unparseable".into(),
        cd_idx: None,
        sequence: None,
        detail: "the name".into(),
    };
    let files = contents.iter().map(|(name, content)| file(name, content)).collect();
    let expected = Some(Expected { ids: vec![1, 2, 3, 4, 5, 6, 9, 10, 11], files: vec![] });
    let content = NewRecord { skipped: vec![skipped], expected, ..of(files) };
    let record = create(&*system.store, UPLOADS, &v(), content, (created, &zone())).await.unwrap();
    let record_as_of_now = standing(&system, &named(&record)).await;
    assert!(record_as_of_now.items.iter().all(|item| item.state == Missing), "{record_as_of_now:#?}");
    assert!(record_as_of_now.summary().is_final());
    // From here on the delivery is one of before, so that what is uploaded now came after it.
    let earlier =
        Record { created: "2020-01-01T00:00:00Z".parse().unwrap(), id: "20200101-aaaa".parse().unwrap(), ..record };
    let body = earlier.to_json().unwrap();
    let key = earlier.key().key();
    system.store.put(UPLOADS, &key, body.into(), &Attributes::default(), Condition::Absent).await.unwrap();
    for (name, content) in contents.iter().filter(|(name, _)| *name != "3_0.jpg" && *name != "9_0.jpg") {
        put_as(&system, "kim", name, content).await;
    }
    let now = standing(&system, &named(&earlier)).await;
    assert_eq!(item(&now, "1_0.jpg").state, Received);
    assert_eq!(item(&now, "9_0.jpg").state, Replaced, "other bytes that came after the record");
    let worker = system.worker();
    while worker.resize_once(std::time::Duration::ZERO).await.unwrap() > 0 {}
    assert_eq!(item(&standing(&system, &named(&earlier)).await, "1_0.jpg").state, Rendered);
    assert_eq!(standing(&system, &named(&earlier)).await.summary().pending, 5);
    system.drain().await;
    put_as(&system, "lee", "4_0.jpg", "good, and of somebody else").await;
    let store = system.embedded.acting_for(Actor::new("park"));
    let etag = store.head(UPLOADS, "origin/v/5_0.jpg").await.unwrap().unwrap().etag;
    assert!(store.delete(UPLOADS, "origin/v/5_0.jpg", &etag).await.unwrap());
    system.drain().await;
    let now = standing(&system, &named(&earlier)).await;
    let expected = [
        ("1_0.jpg", Registered),
        ("2_0.jpg", Rejected),
        ("3_0.jpg", Missing),
        ("4_0.jpg", Replaced),
        ("5_0.jpg", Removed),
        ("6.jpg", Rejected),
        ("9_0.jpg", Replaced),
    ];
    assert_eq!(states(&now), expected);
    let by = |file| item(&now, file).later.as_ref().and_then(|later| later.by.clone());
    assert_eq!(
        (by("4_0.jpg"), by("5_0.jpg"), by("9_0.jpg")),
        (Actor::new("lee"), Actor::new("park"), Actor::new("before"))
    );
    let summary = now.summary();
    assert_eq!((summary.entities, summary.photos, summary.failed_entities), (9, 9, 8));
    assert_eq!((summary.live, summary.failed, summary.pending), (1, 8, 0));
    let report = Report::of(&now, Lang::En);
    let codes: Vec<_> = report.lines.iter().map(|line| (line.cd_idx, line.code.as_str())).collect();
    assert_eq!(
        codes,
        [
            (Some(2), "file.corrupt"),
            (Some(11), "list.missing"),
            (Some(6), "name.unparseable"),
            (Some(10), "name.unparseable"),
            (Some(3), "upload.missing"),
            (Some(5), "upload.removed"),
            (Some(4), "upload.replaced"),
            (Some(9), "upload.replaced"),
        ]
    );
    assert!(report.text().contains("this result is final"), "{}", report.text());
}

/// A dead message is a failure with its cause, and a delivery of `verify` finds what the record's state does not look at.
#[tokio::test]
async fn dead_messages_fail_and_a_record_is_a_question_for_verify() {
    let system = System::start().await;
    let files = vec![file("1_0.jpg", "good 1"), file("2_0.jpg", "good 2")];
    let record = create(&*system.store, UPLOADS, &v(), of(files), (SystemClock.now(), &zone())).await.unwrap();
    put_as(&system, "kim", "1_0.jpg", "good 1").await;
    system.kill_message("poison").await;
    put_as(&system, "kim", "2_0.jpg", "good 2").await;
    system.drain().await;
    let now = standing(&system, &named(&record)).await;
    assert_eq!(states(&now), [("1_0.jpg", ItemState::Rejected), ("2_0.jpg", ItemState::Registered)]);
    assert_eq!(item(&now, "1_0.jpg").detail.as_deref(), Some("poison"));
    let question = Question {
        delivery: Some(record.to_verify()),
        look: Look::Entities,
        ..Question::of(cameo::ledger::Scope::Vertical(v()))
    };
    let found = system.verify_question(&question).await;
    assert_eq!(found.summary.photos, 2);
    system.delete(crate::whole_system::IMAGES, "v/sq/2_sq_0.jpg").await;
    assert_eq!(standing(&system, &named(&record)).await.summary().live, 1);
    assert_eq!(system.verify_question(&question).await.state(), EntityState::Different);
}

/// What plain aws-cli uploads belongs to the vertical and day, and what a record names does not.
#[tokio::test]
async fn uploads_that_no_delivery_names_belong_to_their_day() {
    let system = System::start().await;
    let today = SystemClock.now().to_zoned(zone()).date();
    let name = DeliveryName::Day { vertical: v(), date: today };
    create(
        &*system.store,
        UPLOADS,
        &v(),
        of(vec![file("1_0.jpg", "good 1"), file("2_0.jpg", "good 2")]),
        (SystemClock.now(), &zone()),
    )
    .await
    .unwrap();
    for (file, content) in
        [("1_0.jpg", "good 1"), ("2_0.jpg", "other"), ("3_0.jpg", "bad 3"), ("4.jpg", "x"), ("5_0.jpg", "good 5")]
    {
        put_as(&system, "kim", file, content).await;
    }
    system.drain().await;
    put_as(&system, "kim", "6_0.jpg", "good 6").await;
    put_as(&system, "kim", "5_0.jpg", "good, but later").await;
    system
        .store
        .put(UPLOADS, "origin/w/1_0.jpg", "good".into(), &Attributes::default(), Condition::Always)
        .await
        .unwrap();
    let now = standing(&system, &name).await;
    let expected = [
        ("2_0.jpg", ItemState::Registered),
        ("3_0.jpg", ItemState::Rejected),
        ("4.jpg", ItemState::Rejected),
        ("5_0.jpg", ItemState::Received),
        ("6_0.jpg", ItemState::Received),
    ];
    assert_eq!(states(&now), expected);
    assert_eq!(now.delivery, name.to_string());
    let catalog = system.worker().flow.catalog;
    assert_eq!(days(&*catalog, &v(), None, 10, &zone()).await.unwrap(), [name]);
    assert_eq!(days(&*catalog, &v(), Some(today), 10, &zone()).await.unwrap(), []);
}

/// Days are found by hopping, and a delivery of one day does not show what another one registered.
#[tokio::test]
async fn days_are_listed_newest_first_by_the_clock_of_the_zone() {
    let clock = Arc::new(ManualClock::new("2026-11-24T14:00:00Z".parse().unwrap()));
    let catalog = cameo::catalog::memory::MemoryCatalog::new(cameo::catalog::contract::rules(), clock.clone());
    let store = MemoryStore::new(clock.clone());
    for (at, id) in [("2026-11-24T14:59:59Z", 1), ("2026-11-24T15:00:00Z", 2), ("2026-11-26T03:00:00Z", 3)] {
        clock.set(at.parse().unwrap());
        catalog.register(&[rendered(&format!("origin/v/{id}_0.jpg"), 1, &["sq"])]).await.unwrap();
    }
    let told = |days: Vec<DeliveryName>| days.iter().map(ToString::to_string).collect::<Vec<_>>();
    let all = days(&catalog, &v(), None, 10, &zone()).await.unwrap();
    assert_eq!(told(all), ["20261126-day-v", "20261125-day-v", "20261124-day-v"]);
    let before = days(&catalog, &v(), Some("2026-11-26".parse().unwrap()), 1, &zone()).await.unwrap();
    assert_eq!(told(before), ["20261125-day-v"]);
    let places = Places { store: &store, upload_bucket: "up", catalog: &catalog, queues: None };
    let of_day = Standing::of_day(places, &v(), "2026-11-25".parse().unwrap(), &zone()).await.unwrap();
    assert_eq!(states(&of_day), [("2_0.jpg", ItemState::Registered)]);
}

/// `manifest-sha256.txt` is what `sha256sum -c` reads in the folder.
#[test]
fn the_manifest_is_checked_by_sha256sum() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["1_0.jpg", "사진 2.jpg", "a%20b\\c.jpg"];
    for name in names {
        std::fs::write(folder.path().join(name), name).unwrap();
    }
    let content = of(names.iter().map(|name| file(name, name)).collect());
    content.check().unwrap();
    let record = Record {
        version: 1,
        id: "20261126-k3f9".parse().unwrap(),
        vertical: v(),
        created: Timestamp::UNIX_EPOCH,
        content,
    };
    std::fs::write(folder.path().join("manifest-sha256.txt"), record.manifest()).unwrap();
    let check = || {
        let mut sha256sum = std::process::Command::new("sha256sum");
        sha256sum.args(["--strict", "-c", "manifest-sha256.txt"]).current_dir(folder.path()).output().unwrap().status
    };
    assert!(check().success());
    std::fs::write(folder.path().join("1_0.jpg"), "other").unwrap();
    assert!(!check().success());
}

/// A measurement, not a test: the state of 10,000 files.
#[tokio::test]
#[ignore = "a measurement"]
async fn the_state_of_ten_thousand_files() {
    const FILES: usize = 10_000;
    let system = System::start().await;
    let names: Vec<_> = (1..=FILES).map(|id| format!("{id}_0.jpg")).collect();
    let files: Vec<_> = names.iter().map(|name| file(name, name)).collect();
    for some in files.chunks(500) {
        let object = |file: &DeliveredFile| NewObject {
            key: format!("origin/v/{}", file.name),
            body: file.name.clone().into(),
            attributes: Attributes::default(),
            condition: Condition::Always,
        };
        system.store.put_all(UPLOADS, some.iter().map(object).collect()).await.unwrap();
    }
    let Worker { flow, events, registrations, .. } = system.worker();
    let outcomes: Vec<_> = files
        .iter()
        .map(|file| Outcome {
            etag: file.md5.clone(),
            ..rendered(&format!("origin/v/{}", file.name), 9, &["sq", "ve", "ho", "or"])
        })
        .collect();
    for some in outcomes.chunks(100) {
        flow.catalog.register(some).await.unwrap();
    }
    let content = of(files);
    let record = create(&*system.store, UPLOADS, &v(), content, (SystemClock.now(), &zone())).await.unwrap();
    let queues = Some(Queues { events: &*events, registrations: &*registrations });
    let catalog: &dyn Catalog = &*flow.catalog;
    let places = Places { store: &*flow.store, upload_bucket: UPLOADS, catalog, queues };
    let begun = Instant::now();
    let found = items(places, &v(), &record.wanted()).await.unwrap();
    eprintln!("the state of {FILES} files: {:?}", begun.elapsed());
    assert!(found.iter().all(|item| item.state == ItemState::Registered));
    let begun = Instant::now();
    let standing = deliveries::standing(places, &named(&record), &zone()).await.unwrap().unwrap();
    eprintln!("read and counted: {:?}, {:?}", begun.elapsed(), standing.summary());
}
