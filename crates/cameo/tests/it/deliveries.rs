//! Deliveries from end to end: recorded, uploaded, worked on, spoilt, and reported, on the embedded system and in memory.

use std::{sync::Arc, time::Instant};

use cameo::{
    catalog::{
        Catalog, History, Registry,
        contract::{removed, rendered},
    },
    clock::{Clock, ManualClock, SystemClock},
    ledger::Scope,
    model::{
        actor::Actor,
        generation::Generation,
        key::{DeliveryKey, DeliveryName, UploadKey, Vertical},
        lang::Lang,
        outcome::{Fate, Outcome},
        reason::{Owner, ReasonCode},
        token::Verticals,
    },
    proof::{
        deliveries::{
            self, DeliveredFile, Expected, KnownRecords, NewRecord, Record, Report, SkippedFile, Standing, create,
            day::days,
            dismissed::{self, Dismissal},
            list::{find, list, page, read},
            state::{Item, ItemState, Places, Wanted, items},
        },
        dismiss::{Settling, dismiss},
        repair::Acted,
        restore::{Restore, Side, restore},
        verify::{EntityState, Hashes, Look, Question, Queues, Sample},
    },
    store::{Attributes, Condition, NewObject, Store, memory::MemoryStore, quarantine},
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
    dismissals_are_noted(&MemoryStore::new(Arc::new(SystemClock)), UPLOADS).await;
    let system = System::start().await;
    records_are_kept(&*system.store, UPLOADS).await;
    dismissals_are_noted(&*system.store, UPLOADS).await;
    let Worker { events, .. } = system.worker();
    assert_eq!(events.depth().await.unwrap().visible, 0, "neither a record nor a note causes an event");
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
        detail_korean: None,
        ..SkippedFile::default()
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
    let report = Report::of(&now, Lang::En, &jiff::tz::TimeZone::UTC);
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
    let question =
        Question { delivery: Some(record.to_verify()), look: Look::Entities, ..Question::of(Scope::Vertical(v())) };
    let found = system.verify_question(&question).await;
    assert_eq!(found.summary.photos, 2);
    system.delete(crate::whole_system::IMAGES, "v/sq/2_sq_0.jpg").await;
    assert_eq!(standing(&system, &named(&record)).await.summary().live, 1);
    assert_eq!(system.verify_question(&question).await.state(), EntityState::Different);
}

/// The promise of the hand-over: an original whose MD5 is that of the record, and whose SHA-256 is not, is a difference, once it is read.
#[tokio::test]
async fn a_sha256_that_was_recorded_is_proven_by_reading_the_original() {
    let system = System::start().await;
    let mut wrong = file("2_0.jpg", "good 2");
    wrong.sha256 = file("2_0.jpg", "another").sha256;
    let files = vec![file("1_0.jpg", "good 1"), wrong, file("3_0.jpg", "good 3")];
    let record = create(&*system.store, UPLOADS, &v(), of(files), (SystemClock.now(), &zone())).await.unwrap();
    for id in 1..=3 {
        put_as(&system, "kim", &format!("{id}_0.jpg"), &format!("good {id}")).await;
    }
    system.drain().await;
    let question = Question { delivery: Some(record.to_verify()), ..Question::of(Scope::Vertical(v())) };
    let unread = system.verify_question(&question).await;
    assert_eq!((unread.state(), unread.summary.hashes), (EntityState::Complete, Some(Hashes { checked: 0, of: 3 })));
    for look in [Look::Everything, Look::Deep] {
        let read = Question { hashes: look == Look::Everything, look, ..question.clone() };
        let found = system.verify_question(&read).await;
        assert_eq!((found.summary.complete, found.summary.different), (2, 1), "{:?}", found.lines());
        assert_eq!(found.summary.hashes, Some(Hashes { checked: 3, of: 3 }));
        let lines = found.lines().join("\n");
        assert!(lines.contains("v/2_0: the original's SHA-256 is not the one that was recorded"), "{lines}");
    }
    let sampled = |seed| Question { sample: Some(Sample { images: 1, seed }), ..question.clone() };
    let mut found_by_chance = 0;
    for seed in 0..20 {
        let found = system.verify_question(&sampled(seed)).await;
        assert_eq!(found.summary.hashes, Some(Hashes { checked: 1, of: 3 }));
        found_by_chance += found.summary.different;
    }
    assert!((1..20).contains(&found_by_chance), "one of three is read each time, by chance: {found_by_chance}");
    // A folder has no recorded SHA-256.
    let mut folder = record.to_verify();
    folder.originals.values_mut().for_each(|file| file.sha256 = None);
    let found = system.verify_question(&Question { delivery: Some(folder), hashes: true, ..question }).await;
    assert_eq!((found.state(), found.summary.hashes), (EntityState::Complete, None));
}

/// A rejected file that somebody settled is neither live nor failed, for as long as the delivery is asked about, and open again once it is
/// restored.
#[tokio::test]
async fn a_dismissed_file_is_settled_for_its_delivery() {
    use ItemState::{Dismissed, Registered, Rejected, Replaced};
    let system = System::start().await;
    let contents = [("1_0.jpg", "good 1"), ("2_0.jpg", "bad 2"), ("3_0.jpg", "bad 3"), ("4.jpg", "good 4")];
    let files = contents.iter().map(|(name, content)| file(name, content)).collect();
    let record = create(&*system.store, UPLOADS, &v(), of(files), (SystemClock.now(), &zone())).await.unwrap();
    for (name, content) in contents {
        put_as(&system, "kim", name, content).await;
    }
    system.drain().await;
    let flow = system.worker().flow;
    let settling = Settling { by: Actor::new("lee"), note: Some("판매 종료"), at: SystemClock.now() };
    let keys = ["origin/v/1_0.jpg", "origin/v/2_0.jpg", "origin/v/4.jpg"].map(str::to_owned);
    assert_eq!(dismiss(&flow, &keys, &settling).await.unwrap(), Acted { done: 2, passed_over: 1 });
    // Before and after the ledger hears of it.
    for _ in 0..2 {
        let now = standing(&system, &named(&record)).await;
        let expected = [("1_0.jpg", Registered), ("2_0.jpg", Dismissed), ("3_0.jpg", Rejected), ("4.jpg", Dismissed)];
        assert_eq!(states(&now), expected);
        let summary = now.summary();
        assert_eq!((summary.photos, summary.live, summary.failed, summary.pending), (4, 1, 1, 0));
        assert_eq!((summary.dismissed, summary.failed_entities, summary.is_complete()), (2, 1, false));
        system.drain().await;
    }
    let now = standing(&system, &named(&record)).await;
    let settled = item(&now, "2_0.jpg").dismissed.clone().expect("who settled it");
    assert_eq!((settled.by, settled.note.as_deref()), (Actor::new("lee"), Some("판매 종료")));
    assert_eq!(settled.reason.as_deref(), Some("file.corrupt"));
    let report = Report::of(&now, Lang::Ko, &zone());
    let line = report.lines.iter().find(|line| line.cd_idx == Some(2)).expect("its line");
    assert_eq!((line.code.as_str(), line.owner), ("upload.dismissed", Owner::Nobody));
    let detail = line.detail.as_deref().unwrap();
    assert!(detail.starts_with("file.corrupt: dismissed at ") && detail.ends_with(" by lee: 판매 종료"), "{detail}");
    assert_eq!(line.dismissed, item(&now, "2_0.jpg").dismissed);
    let (text, csv) = (report.text(), report.csv());
    assert!(
        text.contains("정리됨 2장")
            && text.contains("2_0.jpg: file.corrupt: 정리됨(")
            && text.contains(", lee): 판매 종료"),
        "{text}"
    );
    assert!(csv.contains(",upload.dismissed,") && csv.contains("file.corrupt: 정리됨("), "{csv}");
    let english = Report::of(&now, Lang::En, &zone()).text();
    assert!(english.contains("; dismissed: 2\n") && english.contains(" by lee: 판매 종료\n"), "{english}");
    assert!(!report.is_settled());
    // The quarantine ends, and what was settled stays so.
    quarantine::expire_until(&*flow.store, UPLOADS, Timestamp::MAX).await.unwrap();
    assert_eq!(standing(&system, &named(&record)).await.summary().dismissed, 2);
    assert_eq!(dismiss(&flow, &["origin/v/3_0.jpg".to_owned()], &settling).await.unwrap().done, 1);
    system.drain().await;
    let all = standing(&system, &named(&record)).await;
    assert!(all.summary().is_complete() && Report::of(&all, Lang::En, &zone()).is_settled(), "{all:#?}");
    // Restored it is open again, and other bytes are not settled by what was noted of these.
    let kept = quarantine::kept(&*flow.store, UPLOADS, "", 10).await.unwrap();
    let back = Restore { bucket: Side::Originals, id: kept[0].id.clone(), over: false };
    assert_eq!(restore(&flow, &[back]).await.unwrap().done, 1);
    put_as(&system, "kim", "2_0.jpg", "good, and later").await;
    system.drain().await;
    let now = standing(&system, &named(&record)).await;
    assert_eq!((item(&now, "3_0.jpg").state, item(&now, "2_0.jpg").state), (Rejected, Replaced));
}

/// What every store must do with the notes on dismissed files.
pub(crate) async fn dismissals_are_noted(store: &dyn Store, bucket: &str) {
    let vertical: Vertical = "w".parse().unwrap();
    let contents = [("1_0.jpg", "one"), ("2_0.jpg", "two"), ("3_0.jpg", "three")];
    let files = contents.iter().map(|(name, content)| file(name, content)).collect();
    let record = create(store, bucket, &vertical, of(files), (SystemClock.now(), &zone())).await.unwrap();
    let note = "가".repeat(1000);
    for DeliveredFile { name, size, md5, .. } in &record.content.files[..2] {
        let (key, by) = (format!("origin/w/{name}"), Actor::new("lee"));
        let dismissal =
            Dismissal::new((&key, md5, *size), ReasonCode::FileCorrupt, by, SystemClock.now()).with_note(Some(&note));
        dismissed::write(store, bucket, &dismissal).await.unwrap();
    }
    let catalog = cameo::catalog::memory::MemoryCatalog::new(cameo::catalog::contract::rules(), Arc::new(SystemClock));
    let places = Places { store, upload_bucket: bucket, catalog: &catalog, queues: None };
    let dismissed_files = async || {
        let found = items(places, &vertical, &record.wanted()).await.unwrap();
        found.into_iter().filter_map(|item| Some((item.file, item.dismissed?.note?))).collect::<Vec<_>>()
    };
    assert_eq!(dismissed_files().await, [("1_0.jpg".to_owned(), note.clone()), ("2_0.jpg".to_owned(), note.clone())]);
    dismissed::take_back(store, bucket, "origin/w/1_0.jpg").await.unwrap();
    dismissed::take_back(store, bucket, "origin/w/1_0.jpg").await.unwrap();
    assert_eq!(dismissed_files().await, [("2_0.jpg".to_owned(), note)]);
}

/// Over every catalog: a bad upload over a good photo is its own rejection, and the good one is served still; what was taken down or moved
/// is settled until it is uploaded again.
pub(crate) async fn states_are_those_of_the_bytes(catalog: &dyn Catalog) {
    use ItemState::{Moved, Registered, Rejected, Removed, Replaced, Unpublished};
    let store = MemoryStore::new(Arc::new(SystemClock));
    let places = Places { store: &store, upload_bucket: "up", catalog, queues: None };
    let put = async |content: &str| {
        let body = content.to_owned().into();
        store.put("up", "origin/v/1_0.jpg", body, &Attributes::default(), Condition::Always).await.unwrap();
        store.head("up", "origin/v/1_0.jpg").await.unwrap().unwrap()
    };
    let message = |content: &str, generation: u64| Outcome {
        etag: file("1_0.jpg", content).md5,
        size: Some(content.len() as u64),
        ..rendered("origin/v/1_0.jpg", generation, &["sq"])
    };
    let register = async |outcome: Outcome| drop(catalog.register(&[outcome]).await.unwrap());
    let contents = ["first", "second", "bad"];
    let wanted = contents.map(|content| Wanted {
        key: "origin/v/1_0.jpg".into(),
        file: "1_0.jpg".into(),
        size: Some(content.len() as u64),
        md5: file("1_0.jpg", content).md5,
        since: Timestamp::UNIX_EPOCH,
    });
    let states = async || {
        let mut found = Vec::new();
        for wanted in &wanted {
            let item = items(places, &v(), std::slice::from_ref(wanted)).await.unwrap().remove(0);
            found.push((item.state, item.last_good_served));
        }
        found
    };
    for (content, generation) in [("first", 1), ("second", 2)] {
        put(content).await;
        register(message(content, generation)).await;
    }
    put("bad").await;
    let fate = Fate::Rejected { reason: ReasonCode::FileTruncated, detail: "cut".into() };
    register(Outcome { fate, ..message("bad", 3) }).await;
    assert_eq!(states().await, [(Replaced, false), (Replaced, true), (Rejected, true)]);
    let later = items(places, &v(), &wanted[1..2]).await.unwrap().remove(0).later.expect("what replaced it");
    assert_eq!((later.reason, later.detail.as_deref()), (Some(ReasonCode::FileTruncated), Some("cut")));

    let delete = async || {
        let info = store.head("up", "origin/v/1_0.jpg").await.unwrap().unwrap();
        assert!(store.delete("up", "origin/v/1_0.jpg", &info.validator()).await.unwrap());
    };
    for (generation, moved_to, state) in [(4, Some("origin/w/1_0.jpg"), Moved), (6, None, Unpublished)] {
        let info = put("second").await;
        register(message("second", generation)).await;
        let mut note = Dismissal::of_original(&info, moved_to, Actor::new("lee"), SystemClock.now());
        note.generation = Some(Generation::from_counter(generation));
        dismissed::write(&store, "up", &note).await.unwrap();
        assert_eq!(states().await[1], (Registered, false), "it is there still");
        delete().await;
        register(removed("origin/v/1_0.jpg", generation + 1)).await;
        assert_eq!(states().await[1], (state, false));
    }
    // The same bytes once more, and deleted by somebody: nobody settled that.
    put("second").await;
    register(message("second", 8)).await;
    delete().await;
    register(removed("origin/v/1_0.jpg", 9)).await;
    assert_eq!(states().await[1], (Removed, false));
}

#[tokio::test]
async fn states_are_those_of_the_bytes_in_memory() {
    let catalog = cameo::catalog::memory::MemoryCatalog::new(cameo::catalog::contract::rules(), Arc::new(SystemClock));
    states_are_those_of_the_bytes(&catalog).await;
}

/// Which delivery a change came with, of uploads with and without a record, in every order.
#[tokio::test]
async fn a_line_of_the_history_says_the_delivery_that_its_upload_came_with() {
    let clock = Arc::new(ManualClock::new("2026-11-24T01:00:00Z".parse().unwrap()));
    let catalog = cameo::catalog::memory::MemoryCatalog::new(cameo::catalog::contract::rules(), clock.clone());
    let store = MemoryStore::new(clock.clone());
    let places = Places { store: &store, upload_bucket: "up", catalog: &catalog, queues: None };
    let at = |time: &str| clock.set(time.parse().unwrap());
    let deliver = async |files: Vec<DeliveredFile>| {
        let record = create(&store, "up", &v(), of(files), (clock.now(), &zone())).await.unwrap();
        record.id.to_string()
    };
    let message = |name: &str, content: &str, generation: u64, sizes: &[&str]| Outcome {
        etag: file(name, content).md5,
        size: Some(content.len() as u64),
        ..rendered(&format!("origin/v/{name}"), generation, sizes)
    };
    let register = async |outcome: Outcome| drop(catalog.register(&[outcome]).await.unwrap());
    let first = deliver(vec![file("1_0.jpg", "a"), file("2_0.jpg", "b"), file("3_0.jpg", "parts")]).await;
    at("2026-11-24T02:00:00Z");
    register(message("1_0.jpg", "a", 1, &["sq"])).await;
    register(message("2_0.jpg", "other", 1, &["sq"])).await;
    register(Outcome { etag: "0123-2".into(), ..message("3_0.jpg", "parts", 1, &["sq"]) }).await;
    // Sent by aws-cli, and recorded a moment later: no other day's delivery lists it.
    register(message("4_0.jpg", "d", 1, &["sq"])).await;
    at("2026-11-24T03:00:00Z");
    let second = deliver(vec![file("1_0.jpg", "a"), file("4_0.jpg", "d")]).await;
    at("2026-11-25T15:30:00Z");
    register(message("1_0.jpg", "a", 2, &["sq"])).await;
    register(removed("origin/v/1_0.jpg", 3)).await;
    register(message("5_0.jpg", "e", 1, &["sq"])).await;
    // A month later everything is rendered again: nothing was uploaded on that day.
    at("2026-12-24T03:00:00Z");
    register(message("2_0.jpg", "other", 1, &["sq", "ve"])).await;
    register(Outcome { etag: "0123-2".into(), ..message("3_0.jpg", "parts", 1, &["sq", "ve"]) }).await;
    let fate = Fate::Rejected { reason: ReasonCode::NameUnparseable, detail: "x".into() };
    register(Outcome { fate: fate.clone(), ..message("1.jpg", "misnamed", 1, &[]) }).await;
    register(Outcome { fate, key: "origin/nobody.jpg".into(), ..message("x", "x", 1, &[]) }).await;
    let lines = catalog.changes(0, None, 100).await.unwrap();
    let records = KnownRecords::default();
    let expected = [
        Some(first.as_str()),
        Some("20261124-day-v"),
        Some(first.as_str()),
        Some(second.as_str()),
        Some(second.as_str()),
        None,
        Some("20261126-day-v"),
        Some("20261124-day-v"),
        Some(first.as_str()),
        Some("20261224-day-v"),
        None,
    ];
    // What is remembered is right the second time, too.
    for _ in 0..2 {
        let found = records.of_lines(places, &zone(), &lines).await.unwrap();
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, expected, "{lines:#?}");
    }
    // What took the place of a delivered photo names its delivery.
    let third = deliver(vec![file("5_0.jpg", "f")]).await;
    register(message("5_0.jpg", "f", 2, &["sq"])).await;
    let body = "f".to_owned().into();
    store.put("up", "origin/v/5_0.jpg", body, &Attributes::default(), Condition::Always).await.unwrap();
    let wanted = Wanted {
        key: "origin/v/5_0.jpg".into(),
        file: "5_0.jpg".into(),
        size: Some(1),
        md5: file("5_0.jpg", "e").md5,
        since: Timestamp::UNIX_EPOCH,
    };
    let found = items(places, &v(), &[wanted]).await.unwrap();
    assert_eq!(
        (found[0].state, found[0].later.as_ref().and_then(|later| later.delivery.clone())),
        (ItemState::Replaced, Some(third))
    );
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
    // Nothing is in the bucket.
    assert_eq!(states(&of_day), [("2_0.jpg", ItemState::Removed)]);
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
