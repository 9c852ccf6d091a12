//! An index can be written again from the content, and a restored one can be taken as it is. Neither deletes anything.

use super::*;

fn recovery(side: Side) -> Recovery {
    Recovery {
        side,
        with_quarantine: false,
        dry_run: false,
        upload_bucket: "uploads".into(),
        image_bucket: "images".into(),
        events: "events".into(),
        keep_old: Duration::from_hours(1),
        keep_removed: Duration::from_hours(48),
    }
}

/// What the index says of every object.
async fn index(house: &House) -> Vec<StoredObject> {
    let mut all = Vec::new();
    for bucket in ["images", "uploads"] {
        let page = house.store.list_page(bucket, &Query { max: 1000, ..Query::default() }).await.expect("a page");
        all.extend(page.entries.into_iter().filter_map(|entry| match entry {
            Entry::Object(object) => house.store.find(bucket, &object.key).expect("an answer"),
            Entry::CommonPrefix(_) => None,
        }));
    }
    all
}

/// Ends a server, recovers its folder, and starts it again.
async fn recovered(house: House, side: Side, damage: impl FnOnce(&Path)) -> (House, Recovered) {
    let House { folder, clock, events, store } = house;
    store.inner.db.fold_log().await.expect("folded");
    drop((events, store));
    damage(folder.path());
    let mut planned = recovery(side);
    planned.dry_run = true;
    let before = files_below(folder.path());
    let planned = recover(folder.path(), &planned, clock.now(), &mut |_| {}).expect("a plan");
    assert_eq!(files_below(folder.path()), before, "a dry run changes nothing");
    let done = recover(folder.path(), &recovery(side), clock.now(), &mut |_| {}).expect("a recovery");
    assert_eq!(Recovered { quarantine: None, ..done.clone() }, planned, "a dry run says what would be done");
    let (events, store) = open(folder.path(), &clock).await;
    (House { folder, clock, events, store }, done)
}

fn lose_database(data: &Path) {
    for file in ["cameo.db", "cameo.db-wal", "cameo.db-shm"] {
        let _ = std::fs::remove_file(data.join(file));
    }
}

fn rendition(key: &str, made_from: u64, body: &'static str) -> NewObject {
    let generation = Generation::from_counter(made_from).as_str().to_owned();
    NewObject {
        key: key.into(),
        body: Bytes::from_static(body.as_bytes()),
        attributes: Attributes {
            content_type: Some("image/jpeg".into()),
            metadata: [(crate::store::GENERATION_METADATA.to_owned(), generation)].into(),
            ..Attributes::default()
        },
        condition: Condition::Always,
    }
}

/// flow.md 1: cameo.db is gone, and everything that was acknowledged is there again with its keys.
#[tokio::test]
async fn the_index_is_written_again_from_the_content() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "replaced").await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.put("uploads", "origin/v/한글 키_0.jpg", "second").await;
    house.put("uploads", "origin/v/3_0.jpg", "deleted").await;
    house.put("uploads", "instructions/v/1_0.json", "{}").await;
    house.store.delete_object("uploads", "origin/v/3_0.jpg", WriteConditions::default()).await.expect("a delete");
    let description = Description {
        content_type: Some("image/jpeg".into()),
        headers: Headers { cache_control: Some("no-cache".into()), ..Headers::default() },
        metadata: [("by".to_owned(), "somebody".to_owned())].into(),
    };
    let new = super::super::NewObject {
        bucket: "uploads".into(),
        key: "origin/v/4_0.jpg".into(),
        description,
        checksums: Checksums { sums: [(Algorithm::Crc32, checksum_of("described"))].into(), composite: false },
        conditions: WriteConditions::default(),
    };
    house.store.put(house.staged("described").await, new).await.expect("a put");
    let of = |key: &str| house.store.look_up("uploads", key).expect("an object").generation;
    let (live, dead) = (of("origin/v/1_0.jpg"), 4);
    let pair = [rendition("v/sq/1_0.jpg", live, "sq"), rendition("v/ve/1_0.jpg", live, "ve")];
    house.store.put_all("images", pair.to_vec()).await.expect("renditions");
    house.store.put_all("images", vec![rendition("v/sq/3_0.jpg", dead, "of a deleted one")]).await.expect("one");
    let before: Vec<_> = index(&house).await.into_iter().filter(|object| object.key != "v/sq/3_0.jpg").collect();

    let (house, done) = recovered(house, Side::Content, lose_database).await;
    assert_eq!(index(&house).await, before);
    let told = (done.originals, done.others, done.events, done.quarantined, done.without_content, done.database_read);
    assert_eq!(told, (4, 2, 4, 0, 0, false), "a deletion is an event too: a ledger elsewhere may not have seen it");
    let events = house.events().await.into_iter().filter(|(_, _, change)| *change != Change::Removed);
    let mut keys: Vec<_> = events.map(|(key, generation, _)| (key, generation)).collect();
    keys.sort();
    let expected = before.iter().filter(|object| object.key.starts_with("origin/"));
    assert_eq!(keys, expected.map(|o| (o.key.clone(), Generation::from_counter(o.generation))).collect::<Vec<_>>());
    let read = house.store.get("uploads", "origin/v/1_0.jpg", 10).await.expect("an answer").expect("an object");
    assert_eq!(read.body, "first");
    house.clock.advance(Duration::from_hours(3));
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    assert_eq!(
        house.files("objects"),
        8,
        "what was replaced and deleted can be restored, and that it was deleted is known"
    );
    for hours in [24 * 31, 3] {
        house.clock.advance(Duration::from_hours(hours));
        house.store.sweep(house.clock.now()).await.expect("a sweep");
    }
    assert_eq!(house.files("objects"), 5, "then it is swept as ever");
}

/// The restored state was taken, and that was a mistake: what it moved aside comes back with its keys.
#[tokio::test]
async fn what_was_moved_aside_can_be_taken_back() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.store.inner.db.fold_log().await.expect("folded");
    let (folder, old) = (house.folder.path().to_owned(), house.folder.path().join("old.db"));
    std::fs::copy(folder.join("cameo.db"), &old).expect("a copy");
    house.put("uploads", "origin/v/2_0.jpg", "second").await;
    house.store.delete_object("uploads", "origin/v/1_0.jpg", WriteConditions::default()).await.expect("a delete");
    let restore = |data: &Path| {
        lose_database(data);
        std::fs::rename(&old, data.join("cameo.db")).expect("put back");
    };
    let (house, done) = recovered(house, Side::Database, restore).await;
    assert_eq!((done.quarantined, index(&house).await.len()), (2, 1));

    let House { folder, clock, events, store } = house;
    store.inner.db.fold_log().await.expect("folded");
    drop((events, store));
    std::fs::write(folder.path().join("quarantine/0000000000000001"), "beside the folders").expect("a file");
    let mut wanted = Recovery { with_quarantine: true, dry_run: true, ..recovery(Side::Content) };
    let before = files_below(folder.path());
    let planned = recover(folder.path(), &wanted, clock.now(), &mut |_| {}).expect("a plan");
    assert_eq!((planned.taken_back, files_below(folder.path()) == before), (2, true), "a dry run changes nothing");
    wanted.dry_run = false;
    let done = recover(folder.path(), &wanted, clock.now(), &mut |_| {}).expect("a recovery");
    assert_eq!((done.taken_back, done.originals, done.deletions, done.quarantined), (2, 1, 1, 0));
    let (events, store) = open(folder.path(), &clock).await;
    let house = House { folder, clock, events, store };
    let keys: Vec<_> = index(&house).await.into_iter().map(|object| object.key).collect();
    assert_eq!(keys, ["origin/v/2_0.jpg"], "and what was deleted in between is deleted");
}

/// Of a photo whose newer original was rejected nothing says that the older one's renditions were served: that is told.
#[tokio::test]
async fn renditions_of_an_original_that_was_replaced_are_counted() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "good").await;
    let made_from = house.store.look_up("uploads", "origin/v/1_0.jpg").expect("an object").generation;
    house.store.put_all("images", vec![rendition("v/sq/1_sq_0.jpg", made_from, "sq")]).await.expect("a rendition");
    let (house, done) = recovered(house, Side::Content, lose_database).await;
    assert_eq!((done.others, done.images_of_replaced), (1, 0));
    house.put("uploads", "origin/v/1_0.jpg", "bad").await;
    let (_house, done) = recovered(house, Side::Content, lose_database).await;
    assert_eq!((done.others, done.images_of_replaced), (0, 1));
}

/// An older copy was put back: what the content knows better goes over it, deletions too.
#[tokio::test]
async fn an_older_index_is_brought_up_to_date_from_the_content() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.put("uploads", "origin/v/2_0.jpg", "second").await;
    house.put("uploads", "origin/v/4_0.jpg", "fourth").await;
    house.store.inner.db.fold_log().await.expect("folded");
    std::fs::copy(house.folder.path().join("cameo.db"), house.folder.path().join("backup.db")).expect("a copy");
    house.put("uploads", "origin/v/1_0.jpg", "first again").await;
    house.put("uploads", "origin/v/3_0.jpg", "third").await;
    house.store.delete_object("uploads", "origin/v/2_0.jpg", WriteConditions::default()).await.expect("a delete");
    house.events().await;
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    let before = index(&house).await;
    let (house, done) = recovered(house, Side::Content, |data| {
        lose_database(data);
        std::fs::rename(data.join("backup.db"), data.join("cameo.db")).expect("put back");
    })
    .await;
    assert_eq!(index(&house).await, before);
    assert_eq!((done.originals, done.deletions, done.events, done.quarantined), (2, 1, 3, 0));
    assert!(done.quarantine.expect("a folder").join("cameo.db").exists(), "the database that was there is kept");
    let changes = house.events().await;
    assert!(
        changes.iter().any(|(key, _, change)| key == "origin/v/2_0.jpg" && *change == Change::Removed),
        "{changes:?}"
    );
    assert_eq!(house.files("quarantine"), 1);
}

/// flow.md 1: the index of another folder counts its files from one too, and names ours for its own objects. What a file says that it holds
/// counts, and nothing of ours is taken for older than what is not there.
#[tokio::test]
async fn the_index_of_another_folder_is_not_believed() {
    let other = house().await;
    for (key, content) in [("2_0", "other two"), ("9_0", "not ours"), ("1_0", "x"), ("1_0", "y"), ("1_0", "other one")]
    {
        other.put("uploads", &format!("origin/v/{key}.jpg"), content).await;
    }
    other.store.inner.db.fold_log().await.expect("folded");
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.put("uploads", "origin/v/2_0.jpg", "second").await;
    let before = index(&house).await;
    let foreign = other.folder.path().join("cameo.db");
    let (house, done) = recovered(house, Side::Content, |data| {
        lose_database(data);
        std::fs::copy(foreign, data.join("cameo.db")).expect("put in its place");
    })
    .await;
    assert_eq!(index(&house).await, before);
    assert_eq!((done.originals, done.deletions, done.without_content), (2, 1, 0), "{done:?}");
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    assert_eq!(house.files("objects"), 2, "nothing of ours became old content");
}

#[tokio::test]
async fn a_restored_index_is_taken_as_it_is() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.put("uploads", "origin/v/5_0.jpg", "gone").await;
    let gone = house.store.look_up("uploads", "origin/v/5_0.jpg").expect("an object").position.file;
    let before = index(&house).await;
    house.store.inner.db.fold_log().await.expect("folded");
    std::fs::copy(house.folder.path().join("cameo.db"), house.folder.path().join("backup.db")).expect("a copy");
    house.put("uploads", "origin/v/2_0.jpg", "second").await;
    let newest = house.store.look_up("uploads", "origin/v/2_0.jpg").expect("an object").generation;
    let path = house.store.inner.files.object_path(gone);
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    let (house, done) = recovered(house, Side::Database, |data| {
        lose_database(data);
        std::fs::rename(data.join("backup.db"), data.join("cameo.db")).expect("put back");
        std::fs::remove_file(path).expect("removed");
    })
    .await;
    assert_eq!(index(&house).await, before);
    assert_eq!((done.quarantined, done.without_content), (1, 1));
    assert_eq!(done.named, ["uploads/origin/v/5_0.jpg"]);
    house.put("uploads", "origin/v/1_0.jpg", "after").await;
    assert!(house.store.look_up("uploads", "origin/v/1_0.jpg").expect("an object").generation > newest);
}

#[tokio::test]
async fn a_damaged_database_is_kept_aside_and_written_again() {
    let house = house().await;
    for number in 0..200 {
        house.put("uploads", &format!("origin/v/{number}_0.jpg"), "content").await;
    }
    let before = index(&house).await;
    let (house, done) = recovered(house, Side::Content, |data| {
        let mut bytes = std::fs::read(data.join("cameo.db")).expect("a database");
        let length = bytes.len();
        bytes[length / 4..].fill(0x55);
        std::fs::write(data.join("cameo.db"), bytes).expect("damaged");
        // A file of an older version, and parts of an upload that nobody knows any more.
        std::fs::write(data.join("objects/0/00000000000003ff"), "without a record").expect("a file");
        std::fs::create_dir_all(data.join("parts/upload")).expect("a folder");
        std::fs::write(data.join("parts/upload/1"), "part").expect("a part");
    })
    .await;
    assert_eq!(index(&house).await, before);
    assert_eq!((done.database_read, done.originals, done.quarantined), (false, 200, 2));
    let refused = {
        let House { folder, clock, events, store } = house;
        drop((events, store));
        std::fs::write(folder.path().join("cameo.db"), "no database at all, whatever it is".repeat(100))
            .expect("damaged");
        recover(folder.path(), &recovery(Side::Database), clock.now(), &mut |_| {}).expect_err("a refusal")
    };
    assert!(refused.to_string().contains("missing, empty or damaged"), "{refused}");
}

/// An object of its own file has a record with its own key, whatever it was copied from.
#[tokio::test]
async fn copies_of_originals_come_back_and_moved_ones_do_not_return() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "content").await;
    let none = Attributes::default();
    let copied = house.store.copy("uploads", "origin/v/1_0.jpg", "origin/v/2_0.jpg", &none, Condition::Absent);
    assert!(matches!(copied.await.expect("an answer"), Some(Written::Done(_))));
    house.store.delete_object("uploads", "origin/v/1_0.jpg", WriteConditions::default()).await.expect("a delete");
    house.upload_in_parts("whole", &["one", "three"]).await;
    let before = index(&house).await;
    assert_eq!(before.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), ["whole", "origin/v/2_0.jpg"]);
    let (house, _) = recovered(house, Side::Content, lose_database).await;
    assert_eq!(index(&house).await, before);
    let read = house.store.get("uploads", "origin/v/2_0.jpg", 10).await.expect("an answer").expect("an object");
    assert_eq!(read.body, "content");
}

/// Content of a version that wrote no records gets them by and by, so that its index can be written again too.
#[tokio::test]
async fn content_of_an_older_version_gets_its_records() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.put("uploads", "origin/v/2_0.jpg", "second").await;
    let before = index(&house).await;
    for object in &before {
        let path = house.store.inner.files.object_path(object.position.file);
        let file = std::fs::OpenOptions::new().write(true).open(path).expect("a file");
        file.set_len(object.size).expect("without its record");
    }
    let House { folder, clock, events, store } = house;
    store.inner.db.fold_log().await.expect("folded");
    drop((events, store));
    let old = "DELETE FROM cameo_store WHERE name IN ('stamp', 'next_stamp', 'reserved')";
    rusqlite::Connection::open(folder.path().join("cameo.db")).expect("a database").execute_batch(old).expect("old");
    let objects =
        std::fs::read_dir(folder.path().join("objects")).expect("a folder").map(|entry| entry.expect("one").path());
    objects.filter(|path| path.to_string_lossy().contains("session-")).for_each(|stamp| {
        std::fs::remove_dir(stamp).expect("removed");
    });
    let (events, store) = open(folder.path(), &clock).await;
    let house = House { folder, clock, events, store };
    house.put("uploads", "origin/v/3_0.jpg", "third").await;
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    let before = index(&house).await;
    let (house, done) = recovered(house, Side::Content, lose_database).await;
    assert_eq!((index(&house).await, done.quarantined), (before, 0));
}

/// What an index says of the quarantine follows from the records too: who deleted a photo by mistake loses it to no second mishap.
#[tokio::test]
async fn what_was_removed_can_still_be_restored_from_an_index_that_was_written_again() {
    use crate::store::quarantine::{Why, kept};
    let house = house().await;
    for body in ["first", "second"] {
        house.put("uploads", "origin/v/1_0.jpg", body).await;
    }
    house.put("uploads", "origin/v/2_0.jpg", "deleted").await;
    house.store.delete_object("uploads", "origin/v/2_0.jpg", WriteConditions::default()).await.expect("a delete");
    let listed = async |house: &House| {
        let kept = kept(&house.store, "uploads", "", 10).await.expect("what is kept");
        kept.into_iter().map(|kept| (kept.key, kept.why, kept.generation)).collect::<Vec<_>>()
    };
    let before = listed(&house).await;
    assert_eq!(before.iter().map(|(_, why, _)| *why).collect::<Vec<_>>(), [Why::Replaced, Why::Deleted]);
    let (house, _) = recovered(house, Side::Content, lose_database).await;
    assert_eq!(listed(&house).await, before);
    // Old content is swept after an hour; what is in quarantine only after its time.
    house.clock.advance(Duration::from_hours(24 * 29));
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    let kept = kept(&house.store, "uploads", "", 10).await.expect("what is kept");
    let id = kept[1].id.parse().expect("an id");
    let back = house.store.bring_back("uploads", &id, Condition::Absent).await.expect("an answer");
    assert!(matches!(back, Some(Written::Done(_))), "{back:?}");
    let read = house.store.get("uploads", "origin/v/2_0.jpg", 10).await.expect("an answer").expect("an object");
    assert_eq!(read.body, "deleted");
    house.clock.advance(Duration::from_hours(24 * 2));
    for _ in 0..2 {
        house.store.sweep(house.clock.now()).await.expect("a sweep");
        house.clock.advance(Duration::from_hours(24 * 33));
    }
    assert_eq!(listed(&house).await, []);
    assert_eq!(house.files("objects"), 2, "those of the two that are there");
}
