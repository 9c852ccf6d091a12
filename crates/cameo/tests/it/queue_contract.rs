//! Every queue passes the one contract.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cameo::{
    clock::ManualClock,
    queue::{
        Queue,
        contract::{Fixture, MAX_RECEIVES, check_all},
        memory::MemoryQueue,
        sqlite::SqliteQueue,
    },
    sqlite::Sqlite,
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

#[tokio::test]
async fn memory_passes() {
    check_all(&Memory(clock())).await;
}

#[tokio::test]
async fn sqlite_passes() {
    check_all(&InSqlite { folder: tempfile::tempdir().unwrap(), clock: clock() }).await;
}
