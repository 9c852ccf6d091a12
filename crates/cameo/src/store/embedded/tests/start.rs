//! A start deletes nothing that may be a photo, and says how to go on where index and content do not belong together.

use super::*;
use crate::model::error::Result;

/// Opens the store of a folder again, as a start does.
async fn try_open(data: &Path, clock: &Arc<ManualClock>) -> Result<(SqliteQueue, Embedded)> {
    check_database_file(data, &data.join("cameo.db"))?;
    let db = Sqlite::open(&data.join("cameo.db")).await?;
    let events = SqliteQueue::new(db.clone(), "events", 5, clock.clone());
    let options = EmbeddedOptions::new("uploads", "images", events.clone());
    let store = Embedded::open(data, db, clock.clone(), options).await?;
    Ok((events, store))
}

/// Ends a server without a word, and puts its log into the database file, so that the file can be copied.
async fn ended(house: House) -> (TempDir, Arc<ManualClock>) {
    let House { folder, clock, events, store } = house;
    store.changes_ended().await;
    store.inner.db.fold_log().await.expect("folded");
    drop((events, store));
    (folder, clock)
}

fn copy_database(data: &Path, name: &str) {
    std::fs::copy(data.join("cameo.db"), data.join(name)).expect("a copy");
}

fn put_back(data: &Path, name: &str) {
    for file in ["cameo.db", "cameo.db-wal", "cameo.db-shm"] {
        let _ = std::fs::remove_file(data.join(file));
    }
    std::fs::copy(data.join(name), data.join("cameo.db")).expect("put back");
}

async fn assert_stops(data: &Path, clock: &Arc<ManualClock>, what: &str) {
    let before = files_below(&data.join("objects"));
    for attempt in ["first", "second"] {
        let error = try_open(data, clock).await.map(|_| ()).expect_err("the start stops").to_string();
        assert!(error.contains(what), "{attempt}: {error}");
        assert!(error.contains("cameo recover --data") && error.contains("--rebuild-index"), "{error}");
    }
    assert_eq!(files_below(&data.join("objects")), before, "nothing was changed");
}

/// flow.md 1, users.md 16: a database put back from before the last start, or lost, made every newer original go at INFO.
#[tokio::test]
async fn a_database_that_is_older_or_gone_stops_the_start_and_no_file_is_touched() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    let (folder, clock) = ended(house).await;
    copy_database(folder.path(), "backup.db");
    let (events, store) = try_open(folder.path(), &clock).await.expect("a start");
    let house = House { folder, clock, events, store };
    house.put("uploads", "origin/v/2_0.jpg", "second").await;
    let (folder, clock) = ended(house).await;
    let data = folder.path();
    copy_database(data, "newest.db");

    put_back(data, "backup.db");
    assert_stops(data, &clock, "is not the one that objects/ was last used with").await;
    for file in ["cameo.db", "cameo.db-wal", "cameo.db-shm"] {
        let _ = std::fs::remove_file(data.join(file));
    }
    assert_stops(data, &clock, "cameo.db is missing or empty").await;
    assert!(!data.join("cameo.db").exists(), "not even an empty database");
    std::fs::write(data.join("cameo.db"), "").expect("an empty file");
    assert_stops(data, &clock, "cameo.db is missing or empty").await;
    put_back(data, "newest.db");
    assert!(try_open(data, &clock).await.is_ok(), "with its own database it starts");
}

/// The same, of a copy from within one run of the server: the sweep draws a new stamp whenever something was written.
#[tokio::test]
async fn a_hot_copy_from_before_the_last_sweep_is_known_for_what_it_is() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.store.inner.db.fold_log().await.expect("folded");
    copy_database(house.folder.path(), "backup.db");
    house.put("uploads", "origin/v/2_0.jpg", "second").await;
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    let (folder, clock) = ended(house).await;
    put_back(folder.path(), "backup.db");
    assert_stops(folder.path(), &clock, "is not the one that objects/ was last used with").await;
}

/// The same, of a copy that is one change old, and carries the stamp of `objects/`: whatever the change was.
#[tokio::test]
async fn a_copy_that_lacks_the_last_change_stops_the_start() {
    for change in ["put", "replace", "delete", "copy", "rendition", "multipart"] {
        let house = house().await;
        house.put("uploads", "origin/v/1_0.jpg", "first").await;
        house.store.inner.db.fold_log().await.expect("folded");
        copy_database(house.folder.path(), "backup.db");
        match change {
            "put" => house.put("uploads", "origin/v/2_0.jpg", "second").await,
            "replace" => house.put("uploads", "origin/v/1_0.jpg", "second").await,
            "delete" => {
                let deleted =
                    house.store.delete_object("uploads", "origin/v/1_0.jpg", WriteConditions::default()).await;
                assert!(deleted.expect("a delete"));
            }
            "copy" => {
                let (attributes, to) = (Attributes::default(), "origin/v/2_0.jpg");
                let copy = house.store.copy("uploads", "origin/v/1_0.jpg", to, &attributes, Condition::Always);
                assert!(matches!(copy.await.expect("a copy"), Some(Written::Done(_))));
            }
            "rendition" => house.put("images", "v/1_0_list.jpg", "image").await,
            _ => drop(house.upload_in_parts("big", &["one", "two"]).await),
        }
        let (folder, clock) = ended(house).await;
        put_back(folder.path(), "backup.db");
        assert_stops(folder.path(), &clock, "it is an older copy, or lost the end of its log").await;
    }
}

/// A log that was cut off, by a file system check for example: the database goes on with what is left of it.
#[tokio::test]
async fn a_database_whose_log_lost_its_end_stops_the_start() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    house.store.inner.db.fold_log().await.expect("folded");
    house.put("uploads", "origin/v/2_0.jpg", "second").await;
    house.store.delete_object("uploads", "origin/v/1_0.jpg", WriteConditions::default()).await.expect("a delete");
    let log = house.folder.path().join("cameo.db-wal");
    copy_database(house.folder.path(), "backup.db");
    let bytes = std::fs::read(&log).expect("a log");
    let (folder, clock) = ended(house).await;
    put_back(folder.path(), "backup.db");
    std::fs::write(&log, &bytes[..bytes.len() - 100]).expect("cut off");
    assert_stops(folder.path(), &clock, "lost the end of its log").await;
}

/// What a crash leaves between the content and its row is kept aside, for a time.
#[tokio::test]
async fn what_looks_like_a_crash_is_moved_aside_and_kept_for_a_time() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    let in_flight = house.store.next_generation().await.expect("a generation");
    let record = record::Record::of_removal("uploads", "key", in_flight.number());
    let placed = house.store.inner.files.place_record(&record, in_flight).expect("placed");
    std::mem::forget(placed);
    let (folder, clock) = ended(house).await;
    let (events, store) = try_open(folder.path(), &clock).await.expect("a start");
    let house = House { folder, clock, events, store };
    assert_eq!((house.files("objects"), house.files("quarantine")), (1, 1));
    house.clock.advance(Duration::from_hours(29 * 24));
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    assert_eq!(house.files("quarantine"), 1);
    house.clock.advance(Duration::from_hours(2 * 24));
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    assert_eq!(house.files("quarantine"), 0);
}

#[tokio::test]
async fn a_file_above_what_was_reserved_is_not_of_this_database() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    let (folder, clock) = ended(house).await;
    let far = folder.path().join("objects/3fff/0000000000fffc01");
    std::fs::create_dir_all(far.parent().expect("a parent")).expect("a folder");
    std::fs::write(&far, "newer").expect("a file");
    assert_stops(folder.path(), &clock, "newer than cameo.db").await;
}

#[tokio::test]
async fn content_that_is_not_mounted_stops_the_start() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    let (folder, clock) = ended(house).await;
    std::fs::rename(folder.path().join("objects"), folder.path().join("elsewhere")).expect("moved");
    assert_stops(folder.path(), &clock, "is a disk not mounted?").await;
    std::fs::remove_dir(folder.path().join("objects")).expect("an empty folder");
    std::fs::rename(folder.path().join("elsewhere"), folder.path().join("objects")).expect("moved back");
    assert!(try_open(folder.path(), &clock).await.is_ok());
}

/// Some ways to copy a folder leave empty ones out, and the stamp is one.
#[tokio::test]
async fn a_copy_without_empty_folders_starts_and_so_does_one_of_an_older_version() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    let (folder, clock) = ended(house).await;
    let stamp = || {
        let names = std::fs::read_dir(folder.path().join("objects")).expect("a folder");
        names.map(|entry| entry.expect("an entry").path()).find(|path| path.to_string_lossy().contains("session-"))
    };
    std::fs::remove_dir(stamp().expect("a stamp")).expect("removed");
    drop(try_open(folder.path(), &clock).await.expect("a start"));
    std::fs::remove_dir(stamp().expect("a stamp")).expect("removed");
    let old = "DELETE FROM cameo_store WHERE name IN ('stamp', 'next_stamp', 'reserved')";
    rusqlite::Connection::open(folder.path().join("cameo.db")).expect("a database").execute_batch(old).expect("old");
    // As an older version left it at a crash.
    std::fs::write(folder.path().join("objects/0/0000000000000003"), "left").expect("a file");
    let (events, store) = try_open(folder.path(), &clock).await.expect("a start");
    let house = House { folder, clock, events, store };
    assert_eq!((house.files("objects"), house.files("quarantine")), (1, 1));
}

/// flow.md 4: generations that begin lower than what another place has seen.
#[tokio::test]
async fn no_generation_is_given_out_twice_and_none_below_what_is_known_elsewhere() {
    let house = house().await;
    house.put("uploads", "origin/v/1_0.jpg", "first").await;
    let reserved = house.store.inner.generations().expect("generations").reserved();
    let (folder, clock) = ended(house).await;
    let (events, store) = try_open(folder.path(), &clock).await.expect("a start");
    let house = House { folder, clock, events, store };
    house.put("uploads", "origin/v/1_0.jpg", "second").await;
    house.store.count_above(0x7_0000).await.expect("raised");
    house.store.count_above(5).await.expect("never lowered");
    house.put("uploads", "origin/v/1_0.jpg", "third").await;
    let generations: Vec<_> =
        house.events().await.into_iter().map(|event| event.1.counter().expect("a counter")).collect();
    assert_eq!(generations, [1, reserved + 1, 0x7_0001]);
    assert!(house.store.inner.generations().expect("generations").reserved() > 0x7_0001);
}

/// What a failed commit left in doubt is settled by the sweep, and does not wait for a start.
#[tokio::test]
async fn a_change_in_doubt_is_settled() {
    let house = house().await;
    let in_flight = house.store.next_generation().await.expect("a generation");
    let record = record::Record::of_removal("uploads", "key", in_flight.number());
    house.store.inner.files.place_record(&record, in_flight).expect("placed").doubt();
    assert_eq!(house.files("objects"), 1);
    house.store.sweep(house.clock.now()).await.expect("a sweep");
    assert_eq!(house.files("objects"), 0);
    let generations = house.store.inner.generations().expect("generations");
    assert_eq!((generations.in_doubt(1), generations.oldest_in_flight()), (vec![], 2));
}

/// What changes that fail leave behind is bounded, and goes while the server lives.
#[tokio::test]
async fn the_content_of_changes_that_failed_does_not_wait_for_a_start() {
    let house = house().await;
    let run = |sql: &'static str| {
        house.store.inner.db.write(Place::Store, "test", move |connection| Ok(connection.execute_batch(sql)?))
    };
    let refusing = "CREATE TRIGGER no BEFORE INSERT ON cameo_objects BEGIN SELECT RAISE(ABORT, 'no'); END";
    run(refusing).await.expect("a trigger");
    for number in 0..300 {
        let (key, body) = (format!("origin/v/{number}_0.jpg"), Bytes::from_static(b"photo"));
        let put = Store::put(&house.store, "uploads", &key, body, &Attributes::default(), Condition::Always).await;
        put.expect_err("the row was refused");
    }
    assert!(house.files("objects") <= 256, "{} files", house.files("objects"));
    run("DROP TRIGGER no").await.expect("no trigger");
    house.put("uploads", "origin/v/1_0.jpg", "photo").await;
    house.store.settle().await.expect("settled");
    assert_eq!(house.files("objects"), 1);
}

/// A file whose removal is refused, as on a disk that may only be read, is removed once that is possible, and a start knows to look there.
#[tokio::test]
async fn a_file_whose_removal_was_refused_does_not_wait_for_a_start() {
    let house = house().await;
    let files = &house.store.inner.files;
    let in_flight = house.store.next_generation().await.expect("a generation");
    let number = in_flight.number();
    let (_, placed) = files.create_in_place(in_flight).expect("a file");
    let temp = files.create_temp().expect("a file");
    let paths = [files.object_path(number), files_below(&files.tmp())[0].clone()];
    // A folder in its place cannot be removed as a file.
    for path in &paths {
        std::fs::remove_file(path).expect("removed");
        std::fs::create_dir(path).expect("a folder");
    }
    drop((placed, temp));
    house.store.settle().await.expect_err("still refused");
    assert_eq!(house.store.inner.generations().expect("generations").oldest_in_flight(), number);
    for path in &paths {
        std::fs::remove_dir(path).expect("removed");
        std::fs::write(path, b"left").expect("written");
    }
    house.store.settle().await.expect("settled");
    assert_eq!((house.files("objects"), house.files("tmp")), (0, 0));
}
