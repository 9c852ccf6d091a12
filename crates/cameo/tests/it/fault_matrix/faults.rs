//! The rows of the matrix: components × ways to fail, and what each leaves behind.
//!
//! A row names calls by their beginnings, what they must be about, how they end, and the expectation. Rows that mend a finding name
//! it.

use std::time::Duration;

use cameo::model::error::Kind::{self, Corrupt, Denied, Malformed, Misconfigured, Refused, Unavailable, Unlisted};

use self::Leaves::{DeadLetter, Lie, Nothing};
use super::world::{VICTIM, VICTIM_BODY};
use crate::refusing::{How, Refusal};

/// A slow call takes so long: a third of a visibility timeout.
const SLOW: How = How::Slow(Duration::from_secs(20));
const STORE_WRITES: &[&str] = &["store.put", "store.copy", "store.delete"];

/// What is left when the fault is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Nothing: everything went through.
    Nothing,
    /// A dead letter of the one photo, with the true cause, where the fault struck.
    DeadLetter,
    /// Something that was not done although it was acknowledged, or an original that was rejected: to be seen by verifying, and
    /// right after everything was sent again.
    Lie,
}

/// A way to fail.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) rules: Vec<Refusal>,
    pub(super) leaves: Leaves,
}

fn fault(name: &'static str, calls: &'static [&'static str], about: &'static str, how: How, leaves: Leaves) -> Fault {
    Fault { name, rules: vec![Refusal { calls, about, how, times: u64::MAX }], leaves }
}

impl Fault {
    /// The same, a few times alone: fewer than a message is received.
    fn a_few_times(mut self) -> Self {
        self.rules.iter_mut().for_each(|rule| rule.times = 3);
        self
    }
}
/// Components × ways to fail.
pub(super) fn faults() -> Vec<Fault> {
    [of_the_store(), of_the_queues(), of_the_catalog(), of_the_engine(), of_the_disk()].into_iter().flatten().collect()
}

/// The buckets.
fn of_the_store() -> Vec<Fault> {
    vec![
        // flow.md 3: writes are refused and every ping succeeds.
        fault("store away", &["store."], "", How::Error(Unavailable), Nothing),
        fault("store denies writes", STORE_WRITES, "", How::Error(Denied), Nothing),
        fault("store is overloaded by writes", STORE_WRITES, "", How::Error(Unavailable), Nothing),
        fault(
            "store denies everything but a ping",
            &["store.get", "store.head", "store.put", "store.copy", "store.delete"],
            "",
            How::Error(Denied),
            Nothing,
        ),
        fault("store does not take one photo", &["store.put"], "/2_", How::Error(Refused), DeadLetter),
        fault("store never agrees on a condition", STORE_WRITES, "", How::Error(Kind::Conflict), Nothing),
        fault("store slow", &["store."], "", SLOW, Nothing),
        fault("original damaged", &["store.get"], VICTIM, How::Error(Corrupt), DeadLetter),
        fault("store says yes and wrote nothing", &["store.put"], "/2_", How::NothingDone, Lie),
        fault("store says yes and copied nothing", &["store.copy"], "/2.jpg", How::NothingDone, Lie),
        // flow.md 8: a take-down that did not happen is found and repeated.
        fault("store says yes and deleted nothing", &["store.delete"], "/2", How::NothingDone, Lie),
        fault("store answers an old value for one rendition", &["store.head"], "2_sq_0", How::Outdated, Lie)
            .a_few_times(),
    ]
}

/// The two queues.
fn of_the_queues() -> Vec<Fault> {
    vec![
        fault("events away", &["events."], "", How::Error(Unavailable), Nothing),
        fault("events denied", &["events."], "", How::Error(Denied), Nothing),
        fault("events cannot be deleted", &["events.delete"], "", How::Error(Denied), Nothing),
        fault("events slow", &["events."], "", SLOW, Nothing),
        fault("events say yes and deleted nothing", &["events.delete"], "", How::NothingDone, Nothing).a_few_times(),
        fault("events are received empty", &["events.receive"], "", How::Outdated, Nothing),
        fault("registrations away", &["registrations."], "", How::Error(Unavailable), Nothing),
        fault("registrations take nothing", &["registrations.send"], "", How::Error(Denied), Nothing),
        fault(
            "registrations do not take one message",
            &["registrations.send"],
            VICTIM,
            How::Error(Refused),
            DeadLetter,
        ),
        fault("registrations slow", &["registrations."], "", SLOW, Nothing),
        fault("registrations say yes and deleted nothing", &["registrations.delete"], "", How::NothingDone, Nothing)
            .a_few_times(),
    ]
}

/// Ledger and rows.
fn of_the_catalog() -> Vec<Fault> {
    vec![
        // flow.md 3: read-only, a revoked right. flow.md 18: a table that is away for a moment.
        fault("catalog away", &["catalog."], "", How::Error(Unavailable), Nothing),
        fault("catalog denies writes", &["catalog.register"], "", How::Error(Denied), Nothing),
        fault("table renamed", &["catalog.register", "catalog.entity_rows"], "", How::Error(Misconfigured), Nothing),
        fault("table locked", &["catalog.register"], "", How::Error(Kind::Conflict), Nothing),
        // flow.md 10: an error that nobody listed, of all rows, is no fault of theirs.
        fault("catalog fails in a way that nobody listed", &["catalog.register"], "", How::Error(Unlisted), Nothing),
        // flow.md 2: one row that the database refuses.
        fault("catalog refuses one row", &["catalog.register"], VICTIM, How::Error(Refused), DeadLetter),
        fault(
            "catalog refuses one row in a way that nobody listed",
            &["catalog.register"],
            VICTIM,
            How::Error(Unlisted),
            DeadLetter,
        ),
        // flow.md 11: a row of the entity that cannot be read.
        fault("catalog cannot read one entity", &["catalog.entity_rows"], "/2_", How::Error(Malformed), DeadLetter),
        fault("catalog slow", &["catalog."], "", SLOW, Nothing),
        fault("catalog answers old rows", &["catalog.entity_rows"], "/2_", How::Outdated, Lie),
    ]
}

/// The engine.
fn of_the_engine() -> Vec<Fault> {
    vec![
        // An engine that cannot run is no fault of the message.
        fault("engine away", &["engine."], "", How::Error(Unavailable), Nothing),
        fault("engine slow", &["engine."], "", SLOW, Nothing),
        fault("engine rejects one photo", &["engine."], VICTIM_BODY, How::Rejected, Lie),
    ]
}

/// The disk below all of an embedded server.
fn of_the_disk() -> Vec<Fault> {
    vec![
        fault(
            "disk full",
            &["store.put", "store.copy", "events.send", "registrations.send", "catalog.register"],
            "",
            How::Error(Unavailable),
            Nothing,
        ),
        fault(
            "disk read-only",
            &[
                "store.put",
                "store.copy",
                "store.delete",
                "events.send",
                "events.receive",
                "events.delete",
                "registrations.",
                "catalog.register",
            ],
            "",
            How::Error(Denied),
            Nothing,
        ),
    ]
}
