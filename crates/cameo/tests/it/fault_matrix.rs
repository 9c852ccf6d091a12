//! The fault matrix: component × how it fails × the step under way. A component that answers *no* is another fault than a crash: the
//! loops must go on, hold what they have, and lose nothing.
//!
//! Each case: the loops run on a component that refuses for ten minutes, which is longer than a message is received often enough for
//! a dead letter; then it is healed. Within five minutes everything must be as if nothing had been: 0 lost, 0 twice, 0 orphans, no
//! loop ended, and dead letters only of the photo that is refused alone, with its own cause. Those are sent again, and then
//! everything must be right. Time is tokio's paused clock; nothing waits.

use std::time::Duration;

use cameo::queue::DeadLetter;

use self::{
    faults::{Fault, Leaves, faults},
    loops::Loops,
    world::{Durable, KINDS, Kind, STEPS, Step, VICTIM, World},
};
use crate::refusing::Refusals;

mod faults;
mod loops;
mod world;

/// How long a fault lasts: twice as long as the receives of a message would.
const FAULT: Duration = Duration::from_mins(10);
/// What is told of a case that ends wrongly, lines.
const TOLD_OF_A_CASE: usize = 3;

/// Runs a case; returns what was wrong, and how many calls were refused.
async fn run(fault: &Fault, step: Step, kind: Kind) -> (Vec<String>, u64) {
    let mut world = World::new(kind);
    world.begin(step).await;
    let refusals = Refusals::new(fault.rules.clone());
    let loops = Loops::start(&world.durable, &refusals);
    tokio::time::sleep(FAULT).await;
    refusals.heal();
    if let Err(wrong) = loops.end_when_quiet(&world.durable).await {
        return (vec![wrong], refusals.struck());
    }
    let dead = world.durable.dead_letters().await;
    let mut wrongs = wrong_letters(&dead, fault.leaves);
    let but = match fault.leaves {
        Leaves::DeadLetter if !dead.is_empty() => Some(VICTIM),
        Leaves::Lie => Some(VICTIM),
        _ => None,
    };
    wrongs.extend(world.wrongs(but).await);
    // What a person does next: dead letters are sent again, and after a lie everything is.
    send_letters_again(&world.durable).await;
    if fault.leaves == Leaves::Lie {
        world.send_everything_again().await;
    }
    world.settle().await;
    wrongs.extend(world.wrongs(None).await.into_iter().map(|wrong| format!("sent again, and still {wrong}")));
    (wrongs, refusals.struck())
}

/// Dead letters that must not be, and causes that are not told.
fn wrong_letters(dead: &[DeadLetter], leaves: Leaves) -> Vec<String> {
    let wrong = |letter: &DeadLetter| {
        let (is_the_victim, cause_is_told) =
            (letter.body.contains(VICTIM), letter.error.contains("refused by the test"));
        match leaves {
            Leaves::DeadLetter if is_the_victim && cause_is_told => None,
            Leaves::DeadLetter if is_the_victim => Some(format!("a dead letter without its cause: {}", letter.error)),
            _ => Some(format!("a dead letter: {}: {}", letter.error, letter.body)),
        }
    };
    dead.iter().filter_map(wrong).collect()
}

async fn send_letters_again(durable: &Durable) {
    for queue in [&durable.events, &durable.registrations] {
        let bodies: Vec<_> = queue.dead_letters(100).await.unwrap().into_iter().map(|letter| letter.body).collect();
        if !bodies.is_empty() {
            queue.send(&bodies).await.unwrap();
        }
    }
}

/// Runs the faults whose names begin with one of these words, at every step.
async fn nothing_is_lost_when(components: &[&str]) {
    let mut wrongs = Vec::new();
    let mut cases = 0;
    for fault in faults().iter().filter(|fault| components.iter().any(|name| fault.name.starts_with(name))) {
        let mut struck = 0;
        for (step, kind) in STEPS.into_iter().flat_map(|step| KINDS.map(|kind| (step, kind))) {
            let (found, times) = run(fault, step, kind).await;
            let (case, more) =
                (format!("{} × {step:?} × {kind:?}", fault.name), found.len().saturating_sub(TOLD_OF_A_CASE));
            wrongs.extend(found.into_iter().take(TOLD_OF_A_CASE).map(|wrong| format!("{case}: {wrong}")));
            wrongs.extend((more > 0).then(|| format!("{case}: and {more} more")));
            struck += times;
            cases += 1;
        }
        assert!(struck > 0, "no call was refused at any step: {}", fault.name);
    }
    assert!(cases > 0, "no fault is of {components:?}");
    assert!(wrongs.is_empty(), "in {cases} cases:\n{}", wrongs.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_loses_nothing() {
    nothing_is_lost_when(&["store", "original"]).await;
}

#[tokio::test(start_paused = true)]
async fn queues_that_refuse_lose_nothing() {
    nothing_is_lost_when(&["events", "registrations"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_catalog_that_refuses_loses_nothing() {
    nothing_is_lost_when(&["catalog", "table"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_refuses_loses_nothing() {
    nothing_is_lost_when(&["engine"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_refuses_loses_nothing() {
    nothing_is_lost_when(&["disk"]).await;
}
