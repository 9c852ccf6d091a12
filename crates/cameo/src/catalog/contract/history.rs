//! What the history of every catalog must do.

use jiff::{Timestamp, ToSpan as _};

use super::{Catalog, Fixture, Outcome, outcome, photo, rejected, removed, rendered};
use crate::{
    catalog::{HistoryEnds, history::forget_old},
    ledger::history::{ChangeKind, HistoryChange, HistoryLine},
    model::{actor::Actor, key::Vertical, outcome::Fate, reason::ReasonCode},
};

/// Lines that a test asks for at once.
const ALL: usize = 1000;

/// Runs every check.
pub(super) async fn check_all(fixture: &dyn Fixture) {
    lines_are_written_with_what_they_are_about(fixture).await;
    a_batch_that_fails_leaves_no_line(fixture).await;
    photos_and_entities_have_their_own_lines(fixture).await;
    the_feed_goes_on_where_it_was_left(fixture).await;
    the_newest_changes_come_first_backwards(fixture).await;
    a_period_is_read_page_by_page(fixture).await;
    what_is_old_is_forgotten_in_steps(fixture).await;
    positions_follow_commits(fixture).await;
}

/// Every line, without times and positions.
pub(super) async fn all_but_times(catalog: &dyn Catalog) -> Vec<HistoryChange> {
    let lines = all(catalog).await;
    lines.into_iter().map(|line| HistoryChange { at: Timestamp::UNIX_EPOCH, ..line.change }).collect()
}

async fn all(catalog: &dyn Catalog) -> Vec<HistoryLine> {
    catalog.changes(0, None, ALL).await.expect("the history")
}

fn key(id: u64) -> String {
    format!("origin/v/{id}_0.jpg")
}

async fn registered(catalog: &dyn Catalog, ids: std::ops::RangeInclusive<u64>) {
    let outcomes: Vec<_> = ids.map(|id| rendered(&key(id), 1, &["sq"])).collect();
    catalog.register(&outcomes).await.expect("a registration");
}

fn ids(lines: &[HistoryLine]) -> Vec<u64> {
    lines.iter().filter_map(|line| line.change.cd_idx).collect()
}

fn positions(lines: &[HistoryLine]) -> Vec<u64> {
    lines.iter().map(|line| line.position).collect()
}

/// A line has all that the message has, and one batch may hold several of one photo.
async fn lines_are_written_with_what_they_are_about(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let detail = "it's \\ \"bad\" at 가\nbyte 7";
    let fate = Fate::Rejected { reason: ReasonCode::FileTruncated, detail: detail.into() };
    let bad = Outcome { actor: Actor::new("kim's \\ key"), size: Some(7_000_000_000), ..outcome(&key(1), 2, fate) };
    let nameless = Outcome { actor: None, size: None, ..outcome("origin/가나/7.jpg", 1, bad.fate.clone()) };
    let batch = [rendered(&key(1), 1, &["ve", "sq"]), bad.clone(), nameless, bad.clone(), removed(&key(1), 3)];
    catalog.register(&batch).await.expect("a registration");
    catalog.register(&[bad]).await.expect("a registration");
    let lines = all(&*catalog).await;
    let kinds: Vec<_> = lines.iter().map(|line| line.change.change).collect();
    assert_eq!(kinds, [ChangeKind::Registered, ChangeKind::Rejected, ChangeKind::Rejected, ChangeKind::Removed]);
    let [good, bad, nameless, gone] = &lines[..] else { panic!("{lines:#?}") };
    assert!(positions(&lines).is_sorted_by(|a, b| a < b) && good.position > 0, "{lines:#?}");
    assert_eq!((good.change.key.as_str(), good.change.etag.as_str()), (key(1).as_str(), "e1"));
    assert_eq!((good.change.sequence, good.change.size), (Some(0), Some(1)));
    assert_eq!((good.change.image_sizes.as_slice()), ["ve", "sq"]);
    assert_eq!((bad.change.detail.as_deref(), bad.change.size), (Some(detail), Some(7_000_000_000)));
    assert_eq!(bad.change.actor.as_ref().map(Actor::as_str), Some("kim's \\ key"));
    assert_eq!(bad.change.reason, Some(ReasonCode::FileTruncated));
    let named = (nameless.change.vertical.as_ref().map(Vertical::as_str), nameless.change.cd_idx);
    assert_eq!((named, nameless.change.sequence), ((Some("가나"), Some(7)), None));
    assert_eq!((&nameless.change.actor, nameless.change.size), (&None, None));
    assert_eq!((gone.change.etag.as_str(), gone.change.image_sizes.len()), ("e2", 2));
}

/// What PostgreSQL or a lock refuses takes the lines with it, and the next one goes on above.
async fn a_batch_that_fails_leaves_no_line(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    registered(&*catalog, 1..=1).await;
    let too_long = format!("origin/v/{}.jpg", "9".repeat(4000));
    let refused = catalog.register(&[rendered(&key(2), 1, &["sq"]), rejected(&too_long, 1)]).await;
    let expected = if refused.is_ok() { vec![1, 2] } else { vec![1] };
    assert_eq!(ids(&all(&*catalog).await)[..expected.len()], expected[..]);
    registered(&*catalog, 3..=3).await;
    let lines = all(&*catalog).await;
    assert_eq!(ids(&lines).last(), Some(&3));
    let follow = |pair: &[u64]| pair[0] + 1 == pair[1];
    assert!(positions(&lines).windows(2).all(follow), "a batch that fails leaves no gap: {lines:#?}");
}

async fn photos_and_entities_have_their_own_lines(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let second = "origin/v/1_1.jpg";
    let misnamed = outcome("origin/v/1_0 (1).jpg", 1, rejected("x", 1).fate);
    let other = rendered("origin/w/1_0.jpg", 1, &["sq"]);
    let batch = [rendered(&key(1), 1, &["sq"]), rendered(second, 1, &["sq"]), misnamed, other];
    catalog.register(&batch).await.expect("a registration");
    registered(&*catalog, 2..=2).await;
    catalog.register(&[rendered(&key(1), 2, &["sq"])]).await.expect("a registration");
    let entity = photo(second).entity;
    let keys = |lines: &[HistoryLine]| lines.iter().map(|line| line.change.key.clone()).collect::<Vec<_>>();
    let of_entity = catalog.history_of(&entity, None, None, ALL).await.expect("the history");
    assert_eq!(keys(&of_entity), [key(1), "origin/v/1_0 (1).jpg".to_owned(), second.to_owned(), key(1)]);
    let newest = catalog.history_of(&entity, Some(0), None, 1).await.expect("the history");
    assert_eq!(newest[0].change.generation.counter(), Some(2));
    let before = catalog.history_of(&entity, Some(0), Some(newest[0].position), ALL).await.expect("the history");
    assert_eq!((before.len(), before[0].change.generation.counter()), (1, Some(1)));
}

async fn the_feed_goes_on_where_it_was_left(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    registered(&*catalog, 1..=7).await;
    catalog.register(&[rendered("origin/w/9_0.jpg", 1, &["sq"])]).await.expect("a registration");
    registered(&*catalog, 8..=9).await;
    let (mut since, mut seen) = (0, Vec::new());
    loop {
        let page = catalog.changes(since, None, 4).await.expect("the feed");
        let Some(last) = page.last() else { break };
        since = last.position;
        seen.extend(ids(&page));
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 9, 8, 9]);
    let of_v = catalog.changes(since - 3, Some(&"v".parse().expect("a vertical")), ALL).await.expect("the feed");
    assert_eq!(ids(&of_v), [8, 9]);
    assert_eq!(catalog.changes(u64::MAX, None, ALL).await.expect("the feed"), []);
}

async fn the_newest_changes_come_first_backwards(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    registered(&*catalog, 1..=4).await;
    catalog.register(&[rendered("origin/w/9_0.jpg", 1, &["sq"])]).await.expect("a registration");
    let v = "v".parse().expect("a vertical");
    let page = catalog.changes_before(None, None, 2).await.expect("changes");
    assert_eq!(ids(&page), [9, 4]);
    let before = page.last().map(|line| line.position);
    assert_eq!(ids(&catalog.changes_before(before, None, ALL).await.expect("changes")), [3, 2, 1]);
    assert_eq!(ids(&catalog.changes_before(None, Some(&v), ALL).await.expect("changes")), [4, 3, 2, 1]);
}

async fn a_period_is_read_page_by_page(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    registered(&*catalog, 1..=9).await;
    let v = "v".parse().expect("a vertical");
    let lines = all(&*catalog).await;
    let (first, end) = (lines[0].change.at, lines[8].change.at + 1.second());
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = catalog.changes_on(&v, first..end, after.as_ref(), 4).await.expect("a period");
        let Some(last) = page.last() else { break };
        seen.extend(positions(&page));
        after = Some(last.clone());
    }
    assert_eq!(seen, positions(&lines));
    assert_eq!(catalog.changes_on(&v, end..end + 1.hour(), None, ALL).await.expect("a period"), []);
    let last = catalog.last_change_before(&v, end).await.expect("a line").map(|line| line.position);
    assert_eq!(last, Some(lines[8].position));
    assert_eq!(catalog.last_change_before(&v, first).await.expect("no line"), None);
    assert_eq!(catalog.last_change_before(&"w".parse().expect("a vertical"), end).await.expect("no line"), None);
}

async fn what_is_old_is_forgotten_in_steps(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let none = catalog.history_ends().await.expect("the ends");
    assert_eq!(none, HistoryEnds { first: None, last: 0 });
    registered(&*catalog, 1..=5).await;
    let lines = all(&*catalog).await;
    let (keep, later) = (std::time::Duration::from_mins(1), lines[4].change.at + 1.hour());
    let forget = async |now| forget_old(&*catalog, now, keep, 3).await.expect("forgotten");
    let ends = async || catalog.history_ends().await.expect("the ends");
    let last = lines[4].position;
    assert_eq!(forget(lines[0].change.at).await, 0);
    assert_eq!(ends().await, HistoryEnds { first: Some(lines[0].position), last });
    assert_eq!((forget(later).await, ids(&all(&*catalog).await)), (3, vec![4, 5]));
    assert_eq!(ends().await, HistoryEnds { first: Some(lines[3].position), last });
    assert_eq!((forget(later).await, forget(later).await), (2, 0));
    assert_eq!(ends().await, HistoryEnds { first: None, last }, "what was given out is known without its line");
    registered(&*catalog, 6..=6).await;
    let next = all(&*catalog).await;
    assert_eq!(ends().await, HistoryEnds { first: Some(last + 1), last: last + 1 }, "positions have no gaps");
    assert!(next.len() == 1 && next[0].position > lines[4].position, "positions are not given out twice: {next:?}");
}

/// Messages that each of the writers registers, and how many writers there are.
const EACH: u64 = 25;
const WRITERS: u64 = 4;

/// Whoever reads on from the last position misses no line, although writers commit side by side.
async fn positions_follow_commits(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let catalog = &*catalog;
    let write = async |writer: u64| {
        for n in 1..=EACH {
            let id = writer * 1000 + n;
            let batch = [rendered(&key(id), 1, &["sq", "ve"]), rendered(&key(500_000 + n), writer + 1, &["sq"])];
            catalog.register(&batch).await.expect("a registration");
        }
    };
    let writing = futures::future::join_all((1..=WRITERS).map(write));
    let reading = async {
        let (mut since, mut seen) = (0, Vec::new());
        while seen.iter().filter(|id| **id < 500_000).count() < usize::try_from(EACH * WRITERS).expect("few") {
            let page = catalog.changes(since, None, 7).await.expect("the feed");
            since = page.last().map_or(since, |line| line.position);
            seen.extend(ids(&page));
            tokio::task::yield_now().await;
        }
        (since, seen)
    };
    let timed = tokio::time::timeout(std::time::Duration::from_mins(2), reading);
    let (_, read) = futures::future::join(writing, timed).await;
    let (since, mut seen) =
        read.expect("the reader has seen every line, or one was committed below a position that it had seen");
    seen.extend(ids(&catalog.changes(since, None, ALL).await.expect("the feed")));
    assert_eq!(seen, ids(&all(catalog).await));
}
