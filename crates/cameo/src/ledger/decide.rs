//! What a message does to the ledger and the rows: one pure function for every backend.
//!
//! The rules: a newer generation replaces an older one; a message seen again changes nothing further; a rejected
//! original leaves what is being served alone; a tombstone is passed only by a newer upload. What is to be taken down
//! follows from the entry, which forgets no image size, never from rows that the same transaction deletes: a message
//! that is redelivered finds the same work again.

use std::{cmp::Ordering, collections::BTreeSet};

use jiff::Timestamp;

use super::{
    Effect, LedgerEntry, Registered, Row, State, TakeDown,
    before::{Before, RowChange},
    history::{self, HistoryChange},
    image_urls::ImageUrls,
};
use crate::model::{
    error::{Error, Kind, Place, Result},
    generation::Generation,
    key::{PhotoId, UploadKey},
    outcome::{Fate, Outcome, PublishedRendition},
    reason::ReasonCode,
};

/// Image sizes that an entry remembers, at most: eight size sets that share none.
pub const PUBLISHED_MAX: usize = 256;

/// Settings of registering.
#[derive(Debug, Clone)]
pub struct RegisterRules {
    /// Where renditions are served.
    pub urls: ImageUrls,
    /// Whether the deletion of an original removes its rows and renditions.
    pub delete_unpublishes: bool,
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The photo, where the key is one's.
    pub photo: Option<PhotoId>,
    /// The entry to write; none leaves the ledger alone.
    pub entry: Option<LedgerEntry>,
    /// What to do with the photo's rows.
    pub rows: RowChange,
    /// Renditions that no row names afterwards.
    pub take_down: Option<TakeDown>,
    /// Whether rows of another recipe of the same original are replaced.
    pub other_recipe: bool,
    /// The line of the history; none where nothing changed.
    pub history: Option<HistoryChange>,
}

impl Decision {
    /// What was done. `first` says whether these are the entity's first rows.
    pub fn registered(self, first: bool) -> Registered {
        let effect = match &self.rows {
            RowChange::Replace(_) => Effect::Rows,
            RowChange::Remove => Effect::Unpublished,
            RowChange::Keep if self.entry.is_some() => Effect::Noted,
            RowChange::Keep => Effect::Stale,
        };
        let Self { photo, take_down, other_recipe, .. } = self;
        Registered { photo, effect, take_down, other_recipe, first: first && effect == Effect::Rows }
    }
}

/// A rendered outcome, as far as it decides anything.
#[derive(Clone, Copy)]
struct Rendered<'m> {
    generation: &'m Generation,
    size_set: &'m str,
    size_set_digest: Option<&'m str>,
    engine: &'m str,
    renditions: &'m [PublishedRendition],
    earlier_sizes: &'m [String],
}

/// Decides what a message does, given what is known of its key.
pub fn decide(before: Before<'_>, outcome: &Outcome, rules: &RegisterRules, now: Timestamp) -> Decision {
    let photo = UploadKey::photo_of(&outcome.key);
    let decision = match before.entry {
        Some(entry) if entry.generation > outcome.generation => decide_late(before, entry, outcome, photo, rules, now),
        _ => decide_newest(before, outcome, photo, rules, now),
    };
    let history = history::change(before, outcome, (decision.entry.as_ref(), &decision.rows), now);
    Decision { history, ..decision }
}

fn decide_newest(
    before: Before<'_>,
    outcome: &Outcome,
    photo: Option<PhotoId>,
    rules: &RegisterRules,
    now: Timestamp,
) -> Decision {
    let current = before.entry;
    let kept = LedgerEntry {
        key: outcome.key.clone(),
        generation: outcome.generation.clone(),
        etag: outcome.etag.clone(),
        state: State::Ignored,
        serving: current.and_then(|entry| entry.serving.clone()),
        removed: current.and_then(|entry| entry.removed.clone()),
        size_set: current.and_then(|entry| entry.size_set.clone()),
        size_set_digest: current.and_then(|entry| entry.size_set_digest.clone()),
        engine: current.and_then(|entry| entry.engine.clone()),
        published: current.map(|entry| entry.published.clone()).unwrap_or_default(),
        updated_at: now,
        misfiled: false,
    };
    let noted = |photo, entry| Decision { entry: Some(entry), ..nothing(photo) };
    match &outcome.fate {
        Fate::Rendered { .. } => {
            let Some(made) = Rendered::of(outcome) else { return noted(photo, kept) };
            if let Some(entry) = current.filter(|entry| made.is_older_recipe_than(entry)) {
                return leave_alone(before, entry, made, photo);
            }
            let other_recipe = current.is_some_and(|entry| made.is_other_recipe_than(entry));
            let decision = serve(before, LedgerEntry { state: State::Serving, ..kept }, made, photo, rules);
            Decision { other_recipe, ..decision }
        }
        Fate::Rejected { reason, detail } => {
            let state = State::Rejected { reason: *reason, detail: detail.clone() };
            noted(photo, LedgerEntry { state, ..kept })
        }
        Fate::Ignored => noted(photo, kept),
        Fate::Removed if rules.delete_unpublishes && photo.is_some() => {
            let gone = gone(before, LedgerEntry { state: State::Removed, ..kept }, &outcome.generation);
            take_down_all(before, Some(gone), &outcome.generation, photo)
        }
        Fate::Removed => noted(photo, LedgerEntry { state: State::Removed, ..kept }),
    }
}

/// A message that comes after a newer one of the same key was decided.
fn decide_late(
    before: Before<'_>,
    entry: &LedgerEntry,
    outcome: &Outcome,
    photo: Option<PhotoId>,
    rules: &RegisterRules,
    now: Timestamp,
) -> Decision {
    let Some(made) = Rendered::of(outcome) else {
        let removes = outcome.fate == Fate::Removed && rules.delete_unpublishes && photo.is_some();
        return if removes { decide_late_removal(before, entry, outcome, photo, now) } else { nothing(photo) };
    };
    if let Some(removed) = entry.removed.clone().filter(|removed| *removed > outcome.generation) {
        // It was published after its removal: it is taken down again, but for what a newer upload is being served of.
        if entry.serving.is_some() {
            return leave_alone(before, entry, made, photo);
        }
        let image_sizes = made.sizes().chain(entry.published.iter().cloned()).collect();
        let take_down = Some(TakeDown { image_sizes, up_to: removed });
        return Decision { rows: RowChange::Remove, take_down, ..nothing(photo) };
    }
    match entry.state {
        // The original may be gone by now, so a worker of an older size set that comes late must not take its place.
        _ if made.is_older_recipe_than(entry) => leave_alone(before, entry, made, photo),
        // The last good original before a bad one, or before a removal that unpublishes nothing: it serves, and what came
        // after it remains beside it.
        State::Rejected { .. } | State::Removed
            if entry.serving.as_ref().is_none_or(|serving| *serving <= outcome.generation) =>
        {
            let other_recipe = made.is_other_recipe_than(entry);
            let decision = serve(before, LedgerEntry { updated_at: now, ..entry.clone() }, made, photo, rules);
            Decision { other_recipe, ..decision }
        }
        _ => leave_alone(before, entry, made, photo),
    }
}

/// A removal that comes after a newer change was decided: what it removed may be being served beside that change's
/// rejection, or may still come. Redelivered, it changes no row, but what followed from it may not have been done.
fn decide_late_removal(
    before: Before<'_>,
    entry: &LedgerEntry,
    outcome: &Outcome,
    photo: Option<PhotoId>,
    now: Timestamp,
) -> Decision {
    if entry.serving.as_ref().is_some_and(|serving| *serving >= outcome.generation) {
        return nothing(photo);
    }
    match entry.removed.as_ref().map(|removed| removed.cmp(&outcome.generation)) {
        Some(Ordering::Greater) => nothing(photo),
        Some(Ordering::Equal) => take_down_all(before, None, &outcome.generation, photo),
        Some(Ordering::Less) | None => {
            let gone = gone(before, LedgerEntry { updated_at: now, ..entry.clone() }, &outcome.generation);
            take_down_all(before, Some(gone), &outcome.generation, photo)
        }
    }
}

fn nothing(photo: Option<PhotoId>) -> Decision {
    Decision { photo, entry: None, rows: RowChange::Keep, take_down: None, other_recipe: false, history: None }
}

/// The message changes neither ledger nor rows; but of what it published, nobody else would take down what no row names.
fn leave_alone(before: Before<'_>, entry: &LedgerEntry, made: Rendered<'_>, photo: Option<PhotoId>) -> Decision {
    let left: BTreeSet<_> = made.sizes().filter(|size| !before.rows.contains(size)).collect();
    let take_down = entry.serving.clone().filter(|_| !left.is_empty() && photo.is_some());
    Decision { take_down: take_down.map(|up_to| TakeDown { image_sizes: left, up_to }), ..nothing(photo) }
}

/// The message's renditions are the photo's rows, and all others that were ever published go.
fn serve(
    before: Before<'_>,
    entry: LedgerEntry,
    made: Rendered<'_>,
    photo: Option<PhotoId>,
    rules: &RegisterRules,
) -> Decision {
    let current = made.renditions.iter().map(|rendition| rendition.image_size.as_str()).collect::<BTreeSet<_>>();
    let published = remember(&current, &entry.published, before.rows, made.earlier_sizes);
    let dropped: BTreeSet<_> = published.iter().filter(|size| !current.contains(size.as_str())).cloned().collect();
    let entry = LedgerEntry {
        serving: Some(made.generation.clone()),
        size_set: Some(made.size_set.to_owned()),
        size_set_digest: made.size_set_digest.map(str::to_owned),
        engine: Some(made.engine.to_owned()),
        published,
        ..entry
    };
    let rows = photo.as_ref().map_or(RowChange::Keep, |photo| replace(photo, made.renditions, rules));
    let take_down = (!dropped.is_empty() && photo.is_some())
        .then(|| TakeDown { image_sizes: dropped, up_to: made.generation.clone() });
    Decision { entry: Some(entry), rows, take_down, ..nothing(photo) }
}

/// The entry after a removal of this generation.
fn gone(before: Before<'_>, entry: LedgerEntry, removed: &Generation) -> LedgerEntry {
    let published = remember(&BTreeSet::new(), &entry.published, before.rows, &[]);
    let removed = Some(removed.clone());
    LedgerEntry { serving: None, removed, size_set: None, size_set_digest: None, engine: None, published, ..entry }
}

fn take_down_all(
    before: Before<'_>,
    entry: Option<LedgerEntry>,
    up_to: &Generation,
    photo: Option<PhotoId>,
) -> Decision {
    let published = entry.as_ref().or(before.entry).map(|entry| entry.published.clone()).unwrap_or_default();
    let take_down = Some(TakeDown { image_sizes: published, up_to: up_to.clone() });
    Decision { entry, rows: RowChange::Remove, take_down, ..nothing(photo) }
}

/// Everything that was ever published. Beyond the limit the oldest are forgotten, never the current ones.
fn remember(
    current: &BTreeSet<&str>,
    published: &BTreeSet<String>,
    rows: &BTreeSet<String>,
    earlier: &[String],
) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = current.iter().map(|size| (*size).to_owned()).collect();
    for size in rows.iter().chain(earlier).chain(published) {
        if all.len() < PUBLISHED_MAX {
            all.insert(size.clone());
        }
    }
    all
}

impl<'m> Rendered<'m> {
    fn of(outcome: &'m Outcome) -> Option<Self> {
        let Fate::Rendered { size_set, size_set_digest, engine, renditions, earlier_sizes } = &outcome.fate else {
            return None;
        };
        Some(Self {
            generation: &outcome.generation,
            size_set,
            size_set_digest: size_set_digest.as_deref(),
            engine,
            renditions,
            earlier_sizes,
        })
    }

    /// Every image size that it may have published.
    fn sizes(self) -> impl Iterator<Item = String> {
        let published = self.renditions.iter().map(|rendition| &rendition.image_size);
        published.chain(self.earlier_sizes).cloned()
    }

    /// Whether the entry serves the same original, made into a newer version of the same size set or by a newer engine.
    fn is_older_recipe_than(self, entry: &LedgerEntry) -> bool {
        let served = entry.serving.as_ref() == Some(self.generation);
        let older_set = entry.size_set.as_deref().is_some_and(|served| is_older_size_set(self.size_set, served));
        let older_engine = entry.engine.as_deref().is_some_and(|served| is_older_engine(self.engine, served));
        served && (older_set || older_engine)
    }

    /// Whether the entry serves the same original, made into another size set.
    fn is_other_recipe_than(self, entry: &LedgerEntry) -> bool {
        let served = entry.serving.as_ref() == Some(self.generation);
        let same_set = entry.size_set.as_deref() == Some(self.size_set)
            && entry.size_set_digest.as_deref() == self.size_set_digest;
        served && !same_set
    }
}

/// Whether `label` (`{name}/{version}`) is an older version of the size set of `than`. Sets of different names have no order.
pub fn is_older_size_set(label: &str, than: &str) -> bool {
    let parts = |label: &str| {
        let (name, version) = label.rsplit_once('/')?;
        Some((name.to_owned(), version.parse::<u32>().ok()?))
    };
    parts(label).zip(parts(than)).is_some_and(|((name, version), (of, newer))| name == of && version < newer)
}

/// Whether an engine version is older than another. What is no number, as the engine of adopted photos, has no order.
pub fn is_older_engine(version: &str, than: &str) -> bool {
    version.parse::<u32>().ok().zip(than.parse::<u32>().ok()).is_some_and(|(version, than)| version < than)
}

fn replace(photo: &PhotoId, renditions: &[PublishedRendition], rules: &RegisterRules) -> RowChange {
    let row = |rendition: &PublishedRendition| Row {
        photo: photo.clone(),
        image_size: rendition.image_size.clone(),
        image_url: rules.urls.of(photo, &rendition.image_size),
        width: rendition.width,
        height: rendition.height,
        bytes: rendition.bytes,
        etag: rendition.etag.clone(),
    };
    RowChange::Replace(renditions.iter().map(row).collect())
}

/// Reads a state from the ledger's columns; text that is none names table, column and row.
pub fn state_from_columns(key: &str, state: &str, reason: Option<&str>, detail: Option<String>) -> Result<State> {
    let malformed = |column: &str, found: &str| {
        let doing = format!("read the ledger: cameo_originals.{column} is {found:?} for object_key {key:?}");
        Error::new(Place::Catalog, Kind::Malformed, doing)
    };
    match state {
        "serving" => Ok(State::Serving),
        "ignored" => Ok(State::Ignored),
        "removed" => Ok(State::Removed),
        "rejected" => {
            let (code, detail) = (reason.unwrap_or(""), detail.unwrap_or_default());
            // Of a newer version, or of somebody's hand: one entry must not keep every other one from being read.
            Ok(match code.parse() {
                Ok(reason) => State::Rejected { reason, detail },
                Err(_) => {
                    State::Rejected { reason: ReasonCode::SystemUnknownReason, detail: format!("{code:?}: {detail}") }
                }
            })
        }
        other => Err(malformed("state", other)),
    }
}

/// Whether an entry's columns are not those of its key, where that is a photo's.
pub fn is_misfiled(key: &str, vertical: Option<&str>, cd_idx: Option<i64>, sequence: Option<i64>) -> bool {
    let UploadKey::Photo(photo) = UploadKey::parse(key) else { return false };
    let PhotoId { entity, sequence: of_key } = photo;
    vertical != Some(entity.vertical.as_str())
        || cd_idx != i64::try_from(entity.cd_idx).ok()
        || sequence != Some(i64::from(of_key))
}

/// Published image sizes as the ledger stores them: their names have no spaces. None where there are none, as in entries of
/// older versions.
pub fn published_to_column(published: &BTreeSet<String>) -> Option<String> {
    (!published.is_empty()).then(|| published.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
}

/// Published image sizes as they were stored.
pub fn published_from_column(stored: Option<&str>) -> BTreeSet<String> {
    stored.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::contract::{outcome, removed, rendered, rules};

    const KEY: &str = "origin/v/1_0.jpg";

    fn sizes(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn decided(entry: Option<&LedgerEntry>, rows: &[&str], outcome: &Outcome) -> Decision {
        decide(Before { entry, rows: &sizes(rows) }, outcome, &rules(), Timestamp::UNIX_EPOCH)
    }

    fn entry(outcome: &Outcome) -> LedgerEntry {
        decided(None, &[], outcome).entry.unwrap()
    }

    /// An entry of an older version of Cameo, which does not know what was published: the rows tell.
    #[test]
    fn rows_tell_what_an_old_entry_does_not_know() {
        let old = LedgerEntry { published: BTreeSet::new(), ..entry(&rendered(KEY, 1, &["sq", "ve"])) };
        for change in [rendered(KEY, 2, &["sq"]), removed(KEY, 2)] {
            let decision = decided(Some(&old), &["sq", "ve"], &change);
            assert_eq!(decision.entry.unwrap().published, sizes(&["sq", "ve"]));
            assert!(decision.take_down.unwrap().image_sizes.contains("ve"));
        }
    }

    #[test]
    fn a_late_original_leaves_no_rendition_that_no_row_names() {
        let newer = entry(&rendered(KEY, 2, &["sq"]));
        let decision = decided(Some(&newer), &["sq"], &rendered(KEY, 1, &["sq", "ve"]));
        assert_eq!(decision.rows, RowChange::Keep);
        let up_to = Generation::from_counter(2);
        assert_eq!(decision.take_down, Some(TakeDown { image_sizes: sizes(&["ve"]), up_to }));
    }

    /// flow.md 23.
    #[test]
    fn an_older_recipe_of_the_same_generation_is_stale() {
        let made = |size_set: &str, engine: &str| {
            let mut outcome = rendered(KEY, 1, &["sq"]);
            if let Fate::Rendered { size_set: set, engine: by, .. } = &mut outcome.fate {
                (*set, *by) = (size_set.to_owned(), engine.to_owned());
            }
            outcome
        };
        let served = entry(&made("default/2", "2"));
        for older in [made("default/1", "2"), made("default/2", "1"), made("default/3", "1")] {
            let decision = decided(Some(&served), &["sq"], &older);
            assert_eq!((decision.entry, decision.rows), (None, RowChange::Keep), "{older:?}");
        }
        for applied in
            [made("default/2", "2"), made("default/10", "2"), made("other/1", "2"), made("default/2", "adopted")]
        {
            assert!(matches!(decided(Some(&served), &["sq"], &applied).rows, RowChange::Replace(_)), "{applied:?}");
        }
    }

    /// As above, after a bad original was decided: rows of the newer size set are kept, and what the older one left goes.
    #[test]
    fn an_older_recipe_of_the_same_generation_is_stale_beside_a_later_rejection_too() {
        let made = |size_set: &str, sizes: &[&str]| {
            let mut outcome = rendered(KEY, 1, sizes);
            if let Fate::Rendered { size_set: set, .. } = &mut outcome.fate {
                *set = size_set.to_owned();
            }
            outcome
        };
        let bad = Fate::Rejected { reason: crate::model::reason::ReasonCode::FileCorrupt, detail: String::new() };
        let served = LedgerEntry { size_set: Some("default/2".to_owned()), ..entry(&made("default/2", &["sq", "xl"])) };
        let beside = decided(Some(&served), &["sq", "xl"], &outcome(KEY, 2, bad)).entry.unwrap();
        let decision = decided(Some(&beside), &["sq", "xl"], &made("default/1", &["sq", "ve"]));
        assert_eq!((decision.entry, decision.rows), (None, RowChange::Keep));
        assert_eq!(decision.take_down.map(|down| down.image_sizes), Some(sizes(&["ve"])));
        let newer = decided(Some(&beside), &["sq", "xl"], &made("default/3", &["sq"]));
        assert!(matches!(newer.rows, RowChange::Replace(_)) && newer.other_recipe);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let many: Vec<String> = (0..300).map(|n| format!("s{n}")).collect();
        let mut first = rendered(KEY, 1, &["sq"]);
        if let Fate::Rendered { earlier_sizes, .. } = &mut first.fate {
            *earlier_sizes = many;
        }
        let remembered = entry(&first).published;
        assert!(remembered.len() == PUBLISHED_MAX && remembered.contains("sq"));
    }

    #[test]
    fn published_sizes_read_back() {
        for names in [&[][..], &["sq"], &["sq", "ve"]] {
            let column = published_to_column(&sizes(names));
            assert_eq!(published_from_column(column.as_deref()), sizes(names));
        }
    }

    #[test]
    fn a_late_original_serves_beside_a_removal_that_unpublishes_nothing() {
        let keeping = RegisterRules { delete_unpublishes: false, ..rules() };
        let none = BTreeSet::new();
        let decide = |entry: Option<&LedgerEntry>, outcome: &Outcome| {
            decide(Before { entry, rows: &none }, outcome, &keeping, Timestamp::UNIX_EPOCH)
        };
        let removed = decide(None, &outcome(KEY, 2, Fate::Removed)).entry.unwrap();
        let decision = decide(Some(&removed), &rendered(KEY, 1, &["sq"]));
        assert!(matches!(decision.rows, RowChange::Replace(_)));
        assert_eq!(decision.entry.unwrap().state, State::Removed);
    }
}
