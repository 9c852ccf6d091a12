//! How far the bytes of a delivery came: computed from the upload bucket, the ledger and the queues, never stored.
//!
//! An item is its bytes, told apart by size and MD5 (as the `ETag` has it); an object that was uploaded in parts has no MD5
//! there, so its size alone decides. Rows and served images are not looked at: proving those is what `verify` is for.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    dismissed::{self, Dismissal, Settlement},
    history::{add_later, lines_of},
    item::origin_key,
    places::SLACK,
};
pub use super::{
    item::{Item, ItemState, Wanted},
    places::Places,
};
use crate::{
    catalog::{Catalog, LedgerPages},
    ledger::{LedgerEntry, Scope, State, history::ChangeKind},
    model::{
        error::Result,
        key::{UploadKey, Vertical},
        outcome::Outcome,
        reason::ReasonCode,
    },
    proof::{
        last_good::{self, is_served_still},
        verify::Queues,
    },
    queue::dead_letter::causes,
    store::ObjectInfo,
};

/// Items that are looked at together.
const CHUNK: usize = 500;
/// Keys fetched at a time.
const PAGE: usize = 1000;
/// Of so many objects of a listing at least one is asked for, or the rest of a chunk is looked at one by one.
const LISTED_PER_HIT: usize = 10;
/// Messages of the registration queue that are looked at, at most.
const MESSAGES_MAX: usize = 20_000;

/// The state of each file, in their order.
pub async fn items(places: Places<'_>, vertical: &Vertical, wanted: &[Wanted]) -> Result<Vec<Item>> {
    let work = Work::look(places.queues).await?;
    let mut by_key: Vec<&Wanted> = wanted.iter().collect();
    by_key.sort_by(|a, b| a.key.cmp(&b.key));
    let (mut states, mut gone) = (BTreeMap::new(), Vec::new());
    let mut beside = BTreeMap::<&str, LedgerEntry>::new();
    for chunk in by_key.chunks(CHUNK) {
        let keys: Vec<&str> = chunk.iter().map(|file| file.key.as_str()).collect();
        let objects = originals(places, vertical, &keys).await?;
        let entries = entries(places.catalog, vertical, &keys).await?;
        for file in chunk {
            let key = &file.key;
            let facts = Facts { object: objects.get(key), entry: entries.get(key), dead: work.dead.get(key) };
            gone.extend(facts.object.is_none().then_some(key.as_str()));
            let of_beside = facts.entry.filter(|entry| last_good::beside(entry).is_some() || facts.dead.is_some());
            beside.extend(of_beside.map(|entry| (key.as_str(), entry.clone())));
            states.insert(key.as_str(), judge(file, &facts, |etag| work.is_rendered(key, etag)));
        }
    }
    let mut settled = dismissed::read(places.store, places.upload_bucket, vertical, gone.into_iter()).await?;
    let mut items = Vec::with_capacity(wanted.len());
    for file in wanted {
        let key = file.key.as_str();
        let (state, reason, detail) = states.remove(key).unwrap_or((ItemState::Missing, None, None));
        let mut item = Item { reason, detail, ..Item::new(vertical, &file.file, state) };
        if let Some(entry) = beside.get(key) {
            item.last_good_served = is_last_good_served(places, file, state, entry).await?;
        }
        let note = settled.remove(key).filter(|note| is_settled(file, state, note));
        if let Some(note) = note
            && !is_stale(places, &note).await?
        {
            item.settle(note);
        }
        items.push(item);
    }
    add_later(places, wanted, &mut items).await?;
    Ok(items)
}

/// Whether a good photo is served beside a rejected upload: an older one beside this file, or this one beside a later upload.
async fn is_last_good_served(places: Places<'_>, file: &Wanted, state: ItemState, entry: &LedgerEntry) -> Result<bool> {
    match state {
        ItemState::Rejected => Ok(entry.serving.is_some()),
        ItemState::Replaced => match UploadKey::photo_of(&file.key) {
            Some(photo) => is_served_still(places.catalog, &photo, entry, (file.size, &file.md5)).await,
            None => Ok(false),
        },
        _ => Ok(false),
    }
}

/// Whether the key was uploaded again after a note that its photo was moved or taken down: that upload is another matter.
async fn is_stale(places: Places<'_>, note: &Dismissal) -> Result<bool> {
    if note.settlement == Settlement::Dismissed {
        return Ok(false);
    }
    let lines = lines_of(places, &note.key).await?;
    let upload = lines.iter().find(|line| line.change.change != ChangeKind::Removed);
    let after = note.dismissed.at.saturating_add(SLACK).unwrap_or(note.dismissed.at);
    Ok(upload.is_some_and(|line| match &note.generation {
        Some(generation) => line.change.generation > *generation,
        None => line.change.at > after,
    }))
}

/// What the queues hold: outcomes that wait for being registered, and the causes of dead letters.
#[derive(Debug, Default)]
struct Work {
    rendered: BTreeSet<(String, String)>,
    dead: BTreeMap<String, String>,
}

impl Work {
    async fn look(queues: Option<Queues<'_>>) -> Result<Self> {
        let Some(Queues { events, registrations }) = queues else { return Ok(Self::default()) };
        let bodies = registrations.bodies(MESSAGES_MAX).await?.unwrap_or_default();
        let outcomes = bodies.iter().filter_map(|body| Outcome::from_json(body).ok());
        let rendered = outcomes.map(|outcome| (outcome.key, outcome.etag)).collect();
        let letters = causes(&[registrations, events]).await?;
        Ok(Self { rendered, dead: letters.into_iter().map(|(key, letter)| (key, letter.error)).collect() })
    }

    fn is_rendered(&self, key: &str, etag: &str) -> bool {
        self.rendered.contains(&(key.to_owned(), etag.to_owned()))
    }
}

/// The originals at these keys, which are in order. Where they lie close together they are listed, a thousand a request; else
/// each is asked for.
pub(super) async fn originals(
    places: Places<'_>,
    vertical: &Vertical,
    keys: &[&str],
) -> Result<BTreeMap<String, ObjectInfo>> {
    let (mut found, mut left) = (BTreeMap::new(), keys);
    let prefix = origin_key(vertical, "");
    while let Some(first) = left.first() {
        let asked: BTreeSet<&str> = left.iter().copied().collect();
        let page = places.store.list(places.upload_bucket, &prefix, &just_before(first), PAGE).await?;
        let (listed, end) = (page.len(), page.last().map(|info| info.key.clone()));
        let hits: Vec<_> = page.into_iter().filter(|info| asked.contains(info.key.as_str())).collect();
        let (hit, is_last) = (hits.len(), listed < PAGE);
        found.extend(hits.into_iter().map(|info| (info.key.clone(), info)));
        let end = end.filter(|_| !is_last);
        left = end.map_or(&[][..], |end| &left[left.partition_point(|key| *key <= end.as_str())..]);
        if hit * LISTED_PER_HIT < listed && !left.is_empty() {
            let infos = places.store.head_all(places.upload_bucket, left).await?;
            found.extend(infos.into_iter().flatten().map(|info| (info.key.clone(), info)));
            break;
        }
    }
    Ok(found)
}

/// A text below a key with nothing of its folder in between: its last character is lowered by one, and what may follow it is
/// above everything that begins so.
fn just_before(key: &str) -> String {
    let mut before = key.to_owned();
    // There are no characters between U+D7FF and U+E000.
    let lower = |last: char| char::from_u32((last as u32).checked_sub(1)?).or(Some('\u{d7ff}'));
    let last = before.pop().and_then(lower);
    before.extend(last);
    before.push(char::MAX);
    before
}

/// What the ledger has of these keys.
pub(super) async fn entries(
    catalog: &dyn Catalog,
    vertical: &Vertical,
    keys: &[&str],
) -> Result<BTreeMap<String, LedgerEntry>> {
    let asked: BTreeSet<&str> = keys.iter().copied().collect();
    let (mut ids, mut found) = (BTreeSet::new(), BTreeMap::new());
    for key in keys {
        if let UploadKey::Photo(photo) = UploadKey::parse(key) {
            ids.insert(photo.entity.cd_idx);
        } else if let Some(entry) = catalog.entry(key).await? {
            found.insert((*key).to_owned(), entry);
        }
    }
    if ids.is_empty() {
        return Ok(found);
    }
    let scope = Scope::Ids { vertical: Some(vertical.clone()), cd_idx: ids.into_iter().collect() };
    let mut pages = LedgerPages::new(catalog, &scope);
    while let Some(page) = pages.next().await? {
        let wanted = page.into_iter().filter(|entry| asked.contains(entry.key.as_str()));
        found.extend(wanted.map(|entry| (entry.key.clone(), entry)));
    }
    Ok(found)
}

/// What the places hold of a key.
struct Facts<'f> {
    object: Option<&'f ObjectInfo>,
    entry: Option<&'f LedgerEntry>,
    dead: Option<&'f String>,
}

type Judged = (ItemState, Option<ReasonCode>, Option<String>);

/// Judges the bytes of one file.
fn judge(wanted: &Wanted, facts: &Facts<'_>, is_rendered: impl Fn(&str) -> bool) -> Judged {
    let since = wanted.since.checked_sub(SLACK).unwrap_or(wanted.since);
    let plain = |state| (state, None, None);
    match facts.object {
        Some(object) if is_content(wanted, object) => match decided(facts.entry, &object.etag) {
            Some(decided) => decided,
            None => match facts.dead {
                Some(error) => (ItemState::Rejected, Some(ReasonCode::SystemDeadLetter), Some(error.clone())),
                None if is_rendered(&object.etag) => plain(ItemState::Rendered),
                None => plain(ItemState::Received),
            },
        },
        // These were deleted before, and what came then is served nowhere.
        Some(object)
            if object.last_modified >= since && facts.entry.is_some_and(|entry| is_bad_anew(entry, object)) =>
        {
            plain(ItemState::Removed)
        }
        // Whatever became of those other bytes, and whether these are served on: the state of a file is about its own bytes.
        Some(object) if object.last_modified >= since => plain(ItemState::Replaced),
        // Other bytes that were there before: these never came.
        Some(_) => plain(ItemState::Missing),
        None => match facts.entry {
            Some(entry) if entry.state == State::Removed && entry.updated_at >= since => plain(ItemState::Removed),
            // Deleted, and nobody has registered that yet: outside of the window it may take hours.
            entry => match decided(entry, &wanted.md5) {
                Some((ItemState::Registered, ..)) => plain(ItemState::Removed),
                Some(decided) => decided,
                None if is_rendered(&wanted.md5) => plain(ItemState::Removed),
                None => plain(ItemState::Missing),
            },
        },
    }
}

/// Whether an object was rejected where nothing was any more: a bad upload over a photo that is served takes nothing away.
fn is_bad_anew(entry: &LedgerEntry, object: &ObjectInfo) -> bool {
    let is_rejected = matches!(entry.state, State::Rejected { .. }) && entry.etag == object.etag;
    is_rejected && entry.serving.is_none() && entry.removed.is_some()
}

/// Whether an object has the bytes. One that was uploaded in parts has no MD5, but `{digest}-{parts}`.
pub(super) fn is_content(wanted: &Wanted, object: &ObjectInfo) -> bool {
    let same_size = wanted.size.is_none_or(|size| size == object.size);
    same_size && (object.etag == wanted.md5 || (wanted.size.is_some() && object.etag.contains('-')))
}

/// Whether it was these bytes that somebody dismissed. What the ledger serves is live, whatever was noted.
fn is_settled(wanted: &Wanted, state: ItemState, dismissal: &Dismissal) -> bool {
    let same_size = wanted.size.is_none_or(|size| size == dismissal.size);
    let same = dismissal.etag == wanted.md5 || (wanted.size.is_some() && dismissal.etag.contains('-'));
    state != ItemState::Registered && same_size && same
}

/// What the ledger decided of the original with this `ETag`, if it did.
fn decided(entry: Option<&LedgerEntry>, etag: &str) -> Option<Judged> {
    let entry = entry.filter(|entry| entry.etag == etag)?;
    match &entry.state {
        State::Serving => Some((ItemState::Registered, None, None)),
        State::Rejected { reason, detail } => Some((ItemState::Rejected, Some(*reason), Some(detail.clone()))),
        State::Ignored => {
            let detail = "a file that operating systems leave in folders".to_owned();
            Some((ItemState::Rejected, Some(ReasonCode::NameUnparseable), Some(detail)))
        }
        State::Removed => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::generation::Generation;

    fn wanted() -> Wanted {
        Wanted {
            key: "origin/v/1_0.jpg".into(),
            file: "1_0.jpg".into(),
            size: Some(3),
            md5: "ours".into(),
            since: time(100),
        }
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn object(etag: &str, size: u64, second: i64) -> ObjectInfo {
        ObjectInfo {
            key: "origin/v/1_0.jpg".into(),
            size,
            etag: etag.into(),
            last_modified: time(second),
            content_type: None,
            metadata: BTreeMap::new(),
            write_generation: None,
        }
    }

    fn entry(etag: &str, state: State, second: i64) -> LedgerEntry {
        LedgerEntry {
            key: "origin/v/1_0.jpg".into(),
            generation: Generation::from_counter(1),
            etag: etag.into(),
            state,
            serving: None,
            removed: None,
            size_set: None,
            size_set_digest: None,
            engine: None,
            published: BTreeSet::new(),
            updated_at: time(second),
            misfiled: false,
        }
    }

    #[test]
    fn the_furthest_that_the_bytes_came_is_found() {
        use ItemState::{Missing, Received, Registered, Rejected, Removed, Rendered, Replaced};
        let rejected = || State::Rejected { reason: ReasonCode::FileTruncated, detail: "x".into() };
        let ours = || Some(object("ours", 3, 101));
        let other = |second| Some(object("theirs", 3, second));
        for (n, (object, entry, state)) in [
            (None, None, Missing),
            (other(50), None, Missing),
            (other(99), None, Replaced),
            (other(150), Some(entry("ours", State::Serving, 120)), Replaced),
            (other(150), Some(entry("theirs", rejected(), 150)), Replaced),
            (
                other(150),
                Some(LedgerEntry { removed: Some(Generation::from_counter(2)), ..entry("theirs", rejected(), 150) }),
                Removed,
            ),
            (
                other(150),
                Some(LedgerEntry {
                    removed: Some(Generation::from_counter(2)),
                    ..entry("theirs", State::Serving, 150)
                }),
                Replaced,
            ),
            (Some(object("ours", 4, 101)), None, Replaced),
            (ours(), None, Received),
            (ours(), Some(entry("theirs", State::Serving, 50)), Received),
            (ours(), Some(entry("", State::Removed, 101)), Received),
            (ours(), Some(entry("ours", State::Serving, 110)), Registered),
            (ours(), Some(entry("ours", rejected(), 110)), Rejected),
            (ours(), Some(entry("ours", State::Ignored, 110)), Rejected),
            (Some(object("abc-2", 3, 101)), Some(entry("abc-2", State::Serving, 110)), Registered),
            (Some(object("abc-2", 4, 101)), Some(entry("abc-2", State::Serving, 110)), Replaced),
            (None, Some(entry("ours", State::Serving, 110)), Removed),
            (None, Some(entry("ours", rejected(), 110)), Rejected),
            (None, Some(entry("", State::Removed, 110)), Removed),
            (None, Some(entry("", State::Removed, 50)), Missing),
        ]
        .into_iter()
        .enumerate()
        {
            let facts = Facts { object: object.as_ref(), entry: entry.as_ref(), dead: None };
            assert_eq!(judge(&wanted(), &facts, |_| false).0, state, "{n}");
        }
        let gone = Facts { object: None, entry: None, dead: None };
        assert_eq!(
            judge(&wanted(), &gone, |etag| etag == "ours").0,
            Removed,
            "it was rendered, and deleted before it was registered"
        );
        let ours = object("ours", 3, 101);
        let error = "poison".to_owned();
        let facts = Facts { object: Some(&ours), entry: None, dead: Some(&error) };
        assert_eq!(
            judge(&wanted(), &facts, |_| true),
            (Rejected, Some(ReasonCode::SystemDeadLetter), Some(error.clone()))
        );
        assert_eq!(judge(&wanted(), &Facts { dead: None, ..facts }, |etag| etag == "ours").0, Rendered);
    }

    #[test]
    fn nothing_of_a_folder_is_between_a_key_and_the_text_before_it() {
        for key in ["origin/v/1_0.jpg", "origin/v/가", "origin/v/\u{e000}"] {
            let before = just_before(key);
            assert!(before.as_str() < key && !before.starts_with(key), "{key:?} {before:?}");
        }
    }
}
