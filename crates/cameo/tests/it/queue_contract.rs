//! Every queue passes the one contract.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cameo::{
    clock::ManualClock,
    db::Sqlite,
    queue::{
        Queue,
        contract::{Fixture, MAX_RECEIVES, check_all, does_what_memory_does},
        memory::MemoryQueue,
        sqlite::SqliteQueue,
    },
};
use jiff::Timestamp;

#[derive(Debug)]
struct Memory(Arc<ManualClock>);

#[async_trait]
impl Fixture for Memory {
    async fn empty_queue(&self) -> Box<dyn Queue> {
        Box::new(MemoryQueue::new("q", MAX_RECEIVES, self.0.clone()))
    }

    async fn pass(&self, by: Duration) {
        self.0.advance(by);
    }
}

#[derive(Debug)]
struct InSqlite {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl Fixture for InSqlite {
    async fn empty_queue(&self) -> Box<dyn Queue> {
        let file = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        let db = Sqlite::open(&file.path().with_extension("db")).await.unwrap();
        Box::new(SqliteQueue::new(db, "q", MAX_RECEIVES, self.clock.clone()))
    }

    async fn pass(&self, by: Duration) {
        self.clock.advance(by);
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH))
}

/// flow.md 16: what waited was hidden for as long as the clock was set back, and so was what was put off.
async fn a_clock_that_is_set_back_hides_nothing(fixture: &dyn Fixture, clock: &ManualClock) {
    const VISIBILITY: Duration = Duration::from_secs(30);
    clock.set("2026-11-25T12:00:00Z".parse().unwrap());
    let queue = fixture.empty_queue().await;
    let bodies = ["waits", "put off", "held"].map(str::to_owned);
    queue.send(&bodies[1..]).await.unwrap();
    for message in queue.receive(10, VISIBILITY, Duration::ZERO).await.unwrap() {
        if message.body == "put off" {
            queue.retry_later(&message.receipt, VISIBILITY, "not yet").await.unwrap();
        }
    }
    queue.send(&bodies[..1]).await.unwrap();
    clock.set("2026-11-25T09:00:00Z".parse().unwrap());
    let received = async || {
        let messages = queue.receive(10, VISIBILITY, Duration::ZERO).await.unwrap();
        let mut bodies: Vec<_> = messages.into_iter().map(|message| message.body).collect();
        bodies.sort();
        bodies
    };
    assert_eq!(received().await, ["waits"]);
    clock.advance(VISIBILITY);
    assert_eq!(received().await, ["held", "put off", "waits"], "hidden for as long as they were to be");
}

#[tokio::test]
async fn the_embedded_queue_follows_a_clock_that_is_set_back() {
    let clock = clock();
    let fixture = InSqlite { folder: tempfile::tempdir().unwrap(), clock: clock.clone() };
    a_clock_that_is_set_back_hides_nothing(&fixture, &clock).await;
}

/// flow.md 22: worn-out messages lost their error.
#[tokio::test]
async fn a_worn_out_message_keeps_its_last_error() {
    let clock = clock();
    let in_sqlite = InSqlite { folder: tempfile::tempdir().unwrap(), clock: clock.clone() };
    for fixture in [&Memory(clock.clone()) as &dyn Fixture, &in_sqlite] {
        let queue = fixture.empty_queue().await;
        queue.send(&["a".to_owned()]).await.unwrap();
        for at in 0..MAX_RECEIVES {
            let minute = Duration::from_mins(1);
            let message = queue.receive(1, minute, Duration::ZERO).await.unwrap().remove(0);
            queue.retry_later(&message.receipt, minute, &format!("error {at}")).await.unwrap();
            clock.advance(minute * 2);
        }
        assert_eq!(queue.receive(1, Duration::ZERO, Duration::ZERO).await.unwrap(), []);
        assert_eq!(queue.dead_letters(1).await.unwrap()[0].error, format!("error {}", MAX_RECEIVES - 1));
    }
}

#[tokio::test]
async fn memory_passes() {
    check_all(&Memory(clock())).await;
}

#[tokio::test]
async fn sqlite_passes() {
    check_all(&InSqlite { folder: tempfile::tempdir().unwrap(), clock: clock() }).await;
}

#[tokio::test]
async fn sqlite_does_whatever_is_asked_as_memory_does() {
    does_what_memory_does(&InSqlite { folder: tempfile::tempdir().unwrap(), clock: clock() }).await;
}
