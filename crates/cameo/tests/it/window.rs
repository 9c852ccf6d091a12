//! A worker with a window, by a clock that the test moves: what comes outside it waits, and is registered at its opening.
//!
//! The runtime's time is paused, so that the worker's looks at the clock take none.

use std::{sync::Arc, time::Duration};

use cameo::{
    catalog::{
        LedgerReader,
        contract::{rendered, rules},
        memory::MemoryCatalog,
    },
    clock::ManualClock,
    config::{Register, When},
    flow::{Flow, Settings, SizeSets},
    ledger::Scope,
    queue::{Queue, memory::MemoryQueue},
    render::unused::UnusedEngine,
    store::memory::MemoryStore,
    worker::{Worker, outage::Outages},
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

/// Longer than a worker takes to look at the clock.
const A_WHILE: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_mins(1);

struct Office {
    clock: Arc<ManualClock>,
    catalog: Arc<MemoryCatalog>,
    registrations: Arc<MemoryQueue>,
    sent: std::cell::Cell<u64>,
    receive_wait: std::cell::Cell<Duration>,
}

impl Office {
    /// It is this time, in UTC.
    fn at(time: &str) -> Self {
        let clock = Arc::new(ManualClock::new(time.parse::<Timestamp>().unwrap()));
        Self {
            catalog: Arc::new(MemoryCatalog::new(rules(), clock.clone())),
            registrations: Arc::new(MemoryQueue::new("registrations", 5, clock.clone())),
            clock,
            sent: std::cell::Cell::new(0),
            receive_wait: std::cell::Cell::new(Duration::ZERO),
        }
    }

    fn worker(&self) -> Worker {
        let settings = Settings {
            upload_bucket: "up".into(),
            image_bucket: "images".into(),
            size_sets: SizeSets::default(),
            max_original_bytes: 1000,
            cache_control: String::new(),
            publish_alias: false,
            delete_unpublishes: true,
        };
        let flow = Flow {
            store: Arc::new(MemoryStore::new(self.clock.clone())),
            catalog: self.catalog.clone(),
            render: Arc::new(UnusedEngine),
            settings: Arc::new(settings),
        };
        Worker {
            flow,
            events: Arc::new(MemoryQueue::new("events", 5, self.clock.clone())),
            registrations: self.registrations.clone(),
            visibility_timeout: MINUTE,
            receive_wait: self.receive_wait.get(),
            window: Register { when: When::Window, ..Register::default() }.window().unwrap(),
            clock: self.clock.clone(),
            outages: Outages::default(),
        }
    }

    async fn send(&self) {
        let id = self.sent.get() + 1;
        self.sent.set(id);
        let message = rendered(&format!("origin/v/{id}_0.jpg"), 1, &["sq"]).to_json();
        self.registrations.send(&[message]).await.unwrap();
    }

    /// How many are registered, once the worker has had time to notice.
    async fn registered(&self) -> usize {
        tokio::time::sleep(A_WHILE).await;
        self.catalog.rows(&Scope::All, None, 100).await.unwrap().len()
    }
}

/// Runs the worker beside what happens.
async fn beside(office: &Office, what_happens: impl Future<Output = ()>) {
    let stop = CancellationToken::new();
    let worker = office.worker();
    let happening = async {
        what_happens.await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(worker.register_until(&stop), happening);
    ended.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_comes_at_night_is_registered_at_seven_and_then_each_minute() {
    // 06:58 in Korea, of the next day.
    let office = Office::at("2026-11-22T21:58:00Z");
    beside(&office, async {
        office.send().await;
        assert_eq!(office.registered().await, 0, "06:58");
        office.clock.advance(MINUTE + Duration::from_secs(59));
        assert_eq!(office.registered().await, 0, "06:59:59");
        office.clock.advance(Duration::from_secs(1));
        assert_eq!(office.registered().await, 1, "07:00");
        office.send().await;
        assert_eq!(office.registered().await, 1, "still 07:00: once a minute");
        office.clock.advance(MINUTE);
        assert_eq!(office.registered().await, 2, "07:01");
    })
    .await;
}

/// flow.md 15: a run went on for as long as uploads kept coming.
#[tokio::test(start_paused = true)]
async fn a_run_ends_with_the_window_however_much_keeps_coming() {
    // 21:00:30 in Korea.
    let office = Office::at("2026-12-31T12:00:30Z");
    // A run ends when nothing came for so long.
    office.receive_wait.set(Duration::from_secs(1));
    let steadily = async || {
        for _ in 0..60 {
            office.send().await;
            office.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    beside(&office, async {
        steadily().await;
        let at_the_end = office.registered().await;
        assert!((20..40).contains(&at_the_end), "{at_the_end} of 60 came before 21:01");
        steadily().await;
        assert_eq!(office.registered().await, at_the_end, "21:02");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nine_in_the_evening_is_the_last_run_of_the_day() {
    // 20:59 in Korea.
    let office = Office::at("2026-12-31T11:59:00Z");
    office.send().await;
    beside(&office, async {
        assert_eq!(office.registered().await, 1, "a worker that starts in the window begins at once");
        office.send().await;
        office.clock.advance(MINUTE);
        assert_eq!(office.registered().await, 2, "21:00");
        office.send().await;
        office.clock.advance(MINUTE);
        assert_eq!(office.registered().await, 2, "21:01");
        office.clock.advance(Duration::from_hours(3));
        assert_eq!(office.registered().await, 2, "past midnight, into the new year");
        office.clock.advance(Duration::from_hours(7));
        assert_eq!(office.registered().await, 3, "07:01 of the next day");
    })
    .await;
}
