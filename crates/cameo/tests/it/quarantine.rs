//! What was removed is kept and comes back: deleted, replaced, superfluous, dismissed and moved; and events that were lost are sent again.

use std::{collections::BTreeSet, time::Duration};

use cameo::{
    clock::{Clock, SystemClock},
    ledger::{Scope, State},
    model::reason::ReasonCode,
    proof::{
        dismiss::{Settling, dismiss, dismissible},
        heal::{Bounds, Healed, heal},
        relocate::{Relocation, Stage, advance, photos, stages},
        repair::Acted,
        restore::{Asked, Everything, Found, Restore, Verdict, find, find_all, restore},
        verify::{EntityState, Look, Queues},
    },
    store::quarantine::Why,
};

use crate::whole_system::{IMAGES, System, UPLOADS};

const KEY: &str = "origin/v/1_0.jpg";

fn now() -> jiff::Timestamp {
    SystemClock.now()
}

fn done(done: u64) -> Acted {
    Acted { done, passed_over: 0 }
}

fn asked(key: &str) -> Asked {
    Asked { scope: Scope::All, keys: BTreeSet::from([key.to_owned()]), since: None, generation: None }
}

async fn found(system: &System, asked: &Asked) -> Vec<Found> {
    let flow = system.worker().flow;
    let (found, more) = find(&*flow.store, &flow.settings, asked).await.unwrap();
    assert!(!more);
    found
}

async fn bring_back(system: &System, asked: &Asked) -> Acted {
    let wanted = found(system, asked).await.into_iter().filter(|found| found.verdict == Verdict::Restore);
    let over = asked.generation.is_some();
    let restores: Vec<_> = wanted.map(|found| Restore { bucket: found.bucket, id: found.kept.id, over }).collect();
    restore(&system.worker().flow, &restores).await.unwrap()
}

async fn body(system: &System, bucket: &str, key: &str) -> Option<String> {
    let object = system.store.get(bucket, key, 1 << 20).await.unwrap()?;
    Some(String::from_utf8_lossy(&object.body).into_owned())
}

async fn system_with(bodies: &[&'static str]) -> System {
    let system = System::start().await;
    for body in bodies {
        system.put(UPLOADS, KEY, *body).await;
        system.drain().await;
    }
    system
}

/// users.md 17: deleted by mistake, kept for an hour, and reached by no command.
#[tokio::test]
async fn a_deleted_original_comes_back_and_is_served_again() {
    let system = system_with(&["good"]).await;
    system.delete(UPLOADS, KEY).await;
    system.drain().await;
    assert!(system.store.head(IMAGES, "v/sq/1_sq_0.jpg").await.unwrap().is_none(), "it is unpublished");
    let kept = found(&system, &asked(KEY)).await;
    assert_eq!(
        kept.iter().map(|found| (found.kept.why, found.verdict)).collect::<Vec<_>>(),
        [(Why::Deleted, Verdict::Restore)]
    );
    assert_eq!(bring_back(&system, &asked(KEY)).await, done(1));
    system.drain().await;
    assert_eq!(body(&system, UPLOADS, KEY).await.as_deref(), Some("good"));
    let all = system.verify(Look::Deep).await;
    assert_eq!((all.lines(), all.state(), all.summary.complete), (vec![], EntityState::Complete, 1));
    assert!(found(&system, &asked(KEY)).await.is_empty(), "it is there once");
}

/// Of a key that has an object again nothing is written over, unless a generation is named.
#[tokio::test]
async fn a_replaced_original_comes_back_on_demand_alone() {
    let system = system_with(&["first", "second", "second", "third"]).await;
    let kept = found(&system, &asked(KEY)).await;
    let listed: Vec<_> = kept.iter().map(|found| (found.kept.why, found.kept.size, found.verdict)).collect();
    assert_eq!(
        listed,
        [(Why::Replaced, 5, Verdict::OnDemand), (Why::Replaced, 6, Verdict::OnDemand)],
        "the same again is no version"
    );
    let first = Asked { generation: Some(kept[0].kept.generation.clone()), ..asked(KEY) };
    assert_eq!(bring_back(&system, &first).await, done(1));
    system.drain().await;
    assert_eq!(body(&system, UPLOADS, KEY).await.as_deref(), Some("first"));
    let kept = found(&system, &asked(KEY)).await;
    assert_eq!(kept.len(), 2, "the third took its place: {kept:?}");
    system.delete(UPLOADS, KEY).await;
    system.put(UPLOADS, KEY, "other").await;
    let occupied = found(&system, &asked(KEY)).await;
    assert_eq!(occupied.last().map(|found| found.verdict), Some(Verdict::Occupied));
    let stale = Restore { bucket: occupied[2].bucket, id: occupied[2].kept.id.clone(), over: false };
    let acted = restore(&system.worker().flow, &[stale]).await.unwrap();
    assert_eq!(
        (acted, body(&system, UPLOADS, KEY).await.as_deref()),
        (Acted { done: 0, passed_over: 1 }, Some("other"))
    );
}

#[tokio::test]
async fn what_reconciling_takes_down_comes_back() {
    let system = system_with(&["good"]).await;
    system.copy("v/sq/1_sq_0.jpg", "v/sq/5_sq_0.jpg").await;
    let before = body(&system, IMAGES, "v/sq/5_sq_0.jpg").await;
    let plan = system.verify(Look::Everything).await.plan;
    assert_eq!(plan.take_down.len(), 1);
    system.reconcile(&plan).await;
    assert_eq!(system.verify(Look::Deep).await.state(), EntityState::Complete);
    let asked = asked("v/sq/5_sq_0.jpg");
    assert_eq!(found(&system, &asked).await[0].kept.why, Why::Superfluous);
    assert_eq!(bring_back(&system, &asked).await, done(1));
    assert_eq!(body(&system, IMAGES, "v/sq/5_sq_0.jpg").await, before);
    assert_eq!(system.verify(Look::Everything).await.unowned.len(), 1, "and nobody owns it, as before");
}

#[tokio::test]
async fn only_what_was_asked_for_is_found() {
    let system = System::start().await;
    for key in ["origin/v/1_0.jpg", "origin/v/2_0.jpg", "origin/w/1_0.jpg"] {
        system.put(UPLOADS, key, key).await;
        system.delete(UPLOADS, key).await;
    }
    let count = async |scope: Scope, since: Option<jiff::Timestamp>| {
        found(&system, &Asked { scope, keys: BTreeSet::new(), since, generation: None }).await.len()
    };
    let ids = |vertical: Option<&str>| Scope::Ids { vertical: vertical.map(|v| v.parse().unwrap()), cd_idx: vec![1] };
    let later = now().checked_add(Duration::from_mins(1)).unwrap();
    assert_eq!(count(Scope::All, None).await, 3);
    assert_eq!(count(Scope::Vertical("v".parse().unwrap()), None).await, 2);
    assert_eq!((count(ids(None), None).await, count(ids(Some("w")), None).await), (2, 1));
    assert_eq!(
        (count(Scope::All, Some(jiff::Timestamp::UNIX_EPOCH)).await, count(Scope::All, Some(later)).await),
        (3, 0)
    );
}

fn settling(note: Option<&str>) -> Settling<'_> {
    Settling { by: None, note, at: now() }
}

/// users.md 34: misnamed files cannot be removed but one by one, and quoting breaks.
#[tokio::test]
async fn rejected_files_that_are_settled_are_listed_no_more_and_come_back() {
    let system = system_with(&["good"]).await;
    for (key, body) in [("origin/v/2_0.jpg", "bad"), ("origin/v/3 (1).jpg", "x"), ("v/4_0.jpg", "x"), (KEY, "bad too")]
    {
        system.put(UPLOADS, key, body).await;
    }
    system.drain().await;
    let flow = system.worker().flow;
    let uploads = (&*flow.store, flow.settings.upload_bucket.as_str());
    let files = dismissible(uploads, &*flow.catalog, &Scope::All, None).await.unwrap();
    let listed: Vec<_> = files.iter().map(|file| (file.key.as_str(), file.serves_older)).collect();
    assert_eq!(listed, [(KEY, true), ("origin/v/2_0.jpg", false), ("origin/v/3 (1).jpg", false), ("v/4_0.jpg", false)]);
    let misnamed = dismissible(uploads, &*flow.catalog, &Scope::All, Some(ReasonCode::NameUnparseable)).await.unwrap();
    assert_eq!(misnamed.len(), 2);
    let keys: Vec<_> = files.into_iter().map(|file| file.key).collect();
    let acted = dismiss(&flow, &keys, &settling(Some("합의됨"))).await.unwrap();
    assert_eq!(acted, Acted { done: 3, passed_over: 1 }, "what serves an older original stays");
    system.drain().await;
    let left = system.verify(Look::Deep).await;
    assert_eq!(
        (left.summary.unexpected_files, left.summary.rejected, left.summary.different),
        (0, 1, 0),
        "{:?}",
        left.lines()
    );
    let kept = found(&system, &asked("origin/v/2_0.jpg")).await;
    assert_eq!((kept[0].kept.why, kept[0].kept.note.as_deref()), (Why::Dismissed, Some("합의됨")));
    assert_eq!(bring_back(&system, &asked("origin/v/2_0.jpg")).await, done(1));
    system.drain().await;
    let entry = flow.catalog.entry("origin/v/2_0.jpg").await.unwrap().unwrap();
    assert!(matches!(entry.state, State::Rejected { reason: ReasonCode::FileCorrupt, .. }), "{entry:?}");
    // A good one is no file to dismiss, whatever a stale list says.
    system.put(UPLOADS, "origin/v/2_0.jpg", "good").await;
    assert_eq!(dismiss(&flow, &["origin/v/2_0.jpg".to_owned()], &settling(None)).await.unwrap().done, 0);
    system.drain().await;
    assert_eq!(dismiss(&flow, &["origin/v/2_0.jpg".to_owned()], &settling(None)).await.unwrap().done, 0);
}

/// Of what was outside of the folder of originals a vertical is asked for by what its folders name; what names none is counted.
#[tokio::test]
async fn what_was_outside_of_origin_is_found_by_the_vertical_that_it_evidently_is_of() {
    let system = System::start().await;
    let keys = ["v/9_0.jpg", "Origin/v/9_1.JPG", "9_2.jpg", "w/9_3.jpg", "origin/v/9.jpg"].map(str::to_owned);
    for key in &keys {
        system.put(UPLOADS, key, "x").await;
    }
    system.drain().await;
    let flow = system.worker().flow;
    assert_eq!(dismiss(&flow, &keys, &settling(None)).await.unwrap(), done(5));
    let v: cameo::model::key::Vertical = "v".parse().unwrap();
    let of = async |scope: Scope| {
        let asked = Asked { scope, keys: BTreeSet::new(), since: None, generation: None };
        let Everything { found, without_vertical, .. } = find_all(&*flow.store, &flow.settings, &asked).await.unwrap();
        let mut keys: Vec<_> = found.into_iter().map(|found| found.kept.key).collect();
        keys.sort();
        (keys, without_vertical)
    };
    let of_v = ["Origin/v/9_1.JPG", "origin/v/9.jpg", "v/9_0.jpg"].map(str::to_owned).to_vec();
    assert_eq!(of(Scope::Vertical(v.clone())).await, (of_v.clone(), 1));
    assert_eq!(of(Scope::Ids { vertical: Some(v.clone()), cd_idx: vec![9] }).await, (of_v, 1));
    assert_eq!(of(Scope::Ids { vertical: Some(v), cd_idx: vec![8] }).await, (vec![], 0));
    assert_eq!(of(Scope::All).await.0.len(), 5);
}

/// Takes steps as the command does, working in between, until nothing goes on; at most so many.
async fn moved(system: &System, photos: &[Relocation], steps: usize) -> Vec<Stage> {
    let mut reached = Vec::new();
    for _ in 0..steps {
        let staged = advance(None, &system.worker().flow, photos, now()).await.unwrap();
        reached = staged.into_iter().map(|photo| photo.stage).collect();
        system.drain().await;
    }
    reached
}

#[tokio::test]
async fn photos_move_to_another_vertical_and_back_by_the_road_of_every_upload() {
    let system = System::start().await;
    for (key, body) in [("a/1_0", "one"), ("a/1_1", "two"), ("a/2_0", "three"), ("b/2_0", "another"), ("a/3_0", "bad")]
    {
        system.put(UPLOADS, &format!("origin/{key}.jpg"), body).await;
    }
    system.drain().await;
    let flow = system.worker().flow;
    let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
    let plan = photos(&*flow.store, UPLOADS, &a, &b, None).await.unwrap();
    assert_eq!(plan.len(), 4);
    assert_eq!(photos(&*flow.store, UPLOADS, &a, &b, Some(&[1])).await.unwrap().len(), 2);
    let before: Vec<_> = stages(&*flow.store, &flow.settings.upload_bucket, &*flow.catalog, &plan)
        .await
        .unwrap()
        .into_iter()
        .map(|photo| photo.stage)
        .collect();
    assert_eq!(before, [Stage::ToCopy, Stage::ToCopy, Stage::Conflict, Stage::ToCopy]);

    let copied = advance(None, &flow, &plan, now()).await.unwrap();
    assert_eq!(copied[0].stage, Stage::Copied);
    assert_eq!(
        advance(None, &flow, &plan, now()).await.unwrap()[0].stage,
        Stage::Copied,
        "not before it is registered"
    );
    assert!(system.store.head(UPLOADS, "origin/a/1_0.jpg").await.unwrap().is_some());
    system.drain().await;
    assert_eq!(moved(&system, &plan, 1).await, [Stage::Moved, Stage::Moved, Stage::Conflict, Stage::Moved]);
    assert_eq!(body(&system, UPLOADS, "origin/b/1_1.jpg").await.as_deref(), Some("two"));
    assert!(system.store.head(UPLOADS, "origin/a/1_0.jpg").await.unwrap().is_none());
    let all = system.verify(Look::Deep).await;
    assert_eq!((all.summary.different, all.summary.unowned_objects), (0, 0), "{:?}", all.lines());
    assert_eq!(
        (
            body(&system, UPLOADS, "origin/a/2_0.jpg").await.as_deref(),
            body(&system, UPLOADS, "origin/b/2_0.jpg").await.as_deref()
        ),
        (Some("three"), Some("another"))
    );

    let back: Vec<_> = plan
        .iter()
        .filter(|photo| !photo.from.contains("2_0"))
        .map(|photo| Relocation { from: photo.to.clone(), to: photo.from.clone() })
        .collect();
    assert_eq!(moved(&system, &back, 2).await, [Stage::Moved; 3]);
    assert_eq!(body(&system, UPLOADS, "origin/a/1_0.jpg").await.as_deref(), Some("one"));
    let all = system.verify(Look::Deep).await;
    assert_eq!((all.summary.different, all.summary.unowned_objects), (0, 0), "{:?}", all.lines());
}

/// What is uploaded under the old key while its copy is on the way is not lost.
#[tokio::test]
async fn a_photo_that_is_replaced_while_it_moves_stays() {
    let system = System::start().await;
    system.put(UPLOADS, "origin/a/1_0.jpg", "one").await;
    system.drain().await;
    let plan = [Relocation { from: "origin/a/1_0.jpg".into(), to: "origin/b/1_0.jpg".into() }];
    moved(&system, &plan, 1).await;
    system.put(UPLOADS, "origin/a/1_0.jpg", "newer").await;
    assert_eq!(moved(&system, &plan, 2).await, [Stage::Conflict]);
    assert_eq!(body(&system, UPLOADS, "origin/a/1_0.jpg").await.as_deref(), Some("newer"));
    let nonsense = [Relocation { from: "origin/a/x.jpg".into(), to: "b/1_0.jpg".into() }];
    assert_eq!(moved(&system, &nonsense, 1).await, [Stage::Gone]);
}

async fn healed(system: &System, least_age: Duration, events_max: usize) -> Healed {
    let worker = system.worker();
    let queues = Queues { events: &*worker.events, registrations: &*worker.registrations };
    let bounds = Bounds { least_age, events_max, pause: Duration::ZERO };
    heal(&worker.flow, queues, bounds, now()).await.unwrap()
}

#[tokio::test]
async fn lost_events_are_sent_again_and_nothing_else() {
    let system = system_with(&["good"]).await;
    for key in ["origin/v/2_0.jpg", "origin/v/3_0.jpg", "origin/v/4 (1).jpg", "origin/v/.DS_Store", "origin/v/5_0.jpg"]
    {
        system.put(UPLOADS, key, "good").await;
    }
    system.put(UPLOADS, KEY, "newer").await;
    assert_eq!(healed(&system, Duration::ZERO, 10).await.events, 0, "their messages wait");
    system.kill_message("made impossible").await;
    system.sql("DELETE FROM cameo_messages");
    assert_eq!(healed(&system, Duration::from_mins(15), 10).await.events, 0, "their messages may be under way");
    let first = healed(&system, Duration::ZERO, 2).await;
    assert_eq!((first.events, first.left, first.originals), (2, 2, 6), "a dead letter is for a person");
    let rest = healed(&system, Duration::ZERO, 10).await;
    assert_eq!((rest.events, rest.left), (2, 0));
    system.drain().await;
    assert_eq!(healed(&system, Duration::ZERO, 10).await.events, 0);
    assert_eq!(body(&system, UPLOADS, KEY).await.as_deref(), Some("newer"));
    // An original that is gone without an event is none of the timer's business.
    system.sql(&format!("DELETE FROM cameo_objects WHERE object_key = '{KEY}' AND bucket = '{UPLOADS}'"));
    assert_eq!(healed(&system, Duration::ZERO, 10).await.events, 0);
    system.drain().await;
    assert!(system.store.head(IMAGES, "v/sq/1_sq_0.jpg").await.unwrap().is_some());
}
