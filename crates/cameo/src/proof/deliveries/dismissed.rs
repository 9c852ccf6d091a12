//! What was noted of files that somebody settled: dismissed, moved to another vertical, or taken down; who, when, and why.
//!
//! The quarantine that such a file goes to expires, and so does the history, so this is an object of the upload bucket of its own,
//! one a file, written before the file goes. It is about certain bytes: whatever else comes under the name is not settled by it, nor are
//! the same bytes that somebody uploads again.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    model::{
        actor::Actor,
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::{DismissalKey, UploadKey, Vertical},
        lang::Lang,
        reason::ReasonCode,
        when,
    },
    store::{Attributes, Condition, ObjectInfo, Store, quarantine::Removal},
};

/// The version that is written.
const VERSION: u32 = 1;
/// Length of a note's object in bytes, at most.
const NOTE_MAX_BYTES: u64 = 64 << 10;
/// Characters of what somebody noted; what is longer is cut.
const TEXT_MAX_CHARS: usize = 4000;
/// Notes of a vertical that are listed, at most.
const LISTED_MAX: usize = 200_000;
/// Keys fetched at a time.
const PAGE: usize = 1000;
/// Notes that are read side by side.
const READ_AT_ONCE: usize = 32;

/// Who settled a file, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub struct Dismissed {
    /// When.
    pub at: Timestamp,
    /// Who: an access key or the name of a token, where that is known.
    #[serde(default)]
    #[cfg_attr(feature = "client", schema(value_type = Option<String>))]
    pub by: Option<Actor>,
    /// What they noted.
    #[serde(default)]
    pub note: Option<String>,
    /// Why it had been rejected; a newer version may have more codes. Null of one that was moved or taken down.
    #[serde(default)]
    pub reason: Option<String>,
    /// The key that it was moved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
}

/// What somebody did with a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It was rejected, and that is settled: `cameo dismiss`.
    #[default]
    Dismissed,
    /// It is under another vertical: `cameo move`.
    Moved,
    /// Its photo was taken down.
    Unpublished,
}

impl Settlement {
    /// Its stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Dismissed => "dismissed",
            Self::Moved => "moved",
            Self::Unpublished => "unpublished",
        }
    }
}

impl Dismissed {
    /// By somebody at this time, with what they noted; of nothing yet.
    pub fn new(at: Timestamp, by: Option<Actor>, note: Option<&str>) -> Self {
        let note = note.map(|note| note.chars().take(TEXT_MAX_CHARS).collect());
        Self { at, by, note, reason: None, moved_to: None }
    }

    /// That it is dismissed, when, by whom, and what they noted, for people.
    pub fn text(&self, lang: Lang, zone: &TimeZone) -> String {
        self.text_of(Settlement::Dismissed, lang, zone)
    }

    /// That it is settled and how, when, by whom, and what they noted, for people.
    pub fn text_of(&self, settlement: Settlement, lang: Lang, zone: &TimeZone) -> String {
        let Self { at, by, note, moved_to, .. } = self;
        let at = when::local(*at, zone);
        let (by, note) = (by.as_ref().map(Actor::as_str), note.as_deref());
        let note = note.map(|note| format!(": {note}")).unwrap_or_default();
        let to = moved_to.as_deref().map(place_of);
        let done = match (settlement, lang, to) {
            (Settlement::Dismissed, Lang::En, _) => "dismissed".to_owned(),
            (Settlement::Dismissed, Lang::Ko, _) => "정리됨".to_owned(),
            (Settlement::Moved, Lang::En, Some(to)) => format!("moved to {to}"),
            (Settlement::Moved, Lang::Ko, Some(to)) => format!("{to} 버티컬로 옮겨짐"),
            (Settlement::Moved, Lang::En, None) => "moved".to_owned(),
            (Settlement::Moved, Lang::Ko, None) => "옮겨짐".to_owned(),
            (Settlement::Unpublished, Lang::En, _) => "taken down".to_owned(),
            (Settlement::Unpublished, Lang::Ko, _) => "게시 중단됨".to_owned(),
        };
        match (lang, by) {
            (Lang::En, Some(by)) => format!("{done} at {at} by {by}{note}"),
            (Lang::En, None) => format!("{done} at {at}{note}"),
            (Lang::Ko, Some(by)) => format!("{done}({at}, {by}){note}"),
            (Lang::Ko, None) => format!("{done}({at}){note}"),
        }
    }
}

/// The vertical of a key; the key where it names none.
fn place_of(key: &str) -> String {
    UploadKey::vertical(key).map_or_else(|| key.to_owned(), String::from)
}

/// The object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    version: u32,
    /// The file's key in the upload bucket.
    pub key: String,
    /// Its `ETag`.
    pub etag: String,
    /// Its length in bytes.
    pub size: u64,
    /// What was done with it.
    #[serde(default)]
    pub settlement: Settlement,
    /// Which upload of the key it was, where that is known: what was uploaded later is not settled by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// Whether the file came back, so that it is not settled any more: the history still tells by it who had settled it, and why.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_taken_back: bool,
    /// Who settled it.
    #[serde(flatten)]
    pub dismissed: Dismissed,
}

impl Dismissal {
    /// Of a file that was rejected for a reason.
    pub fn new((key, etag, size): (&str, &str, u64), reason: ReasonCode, by: Option<Actor>, at: Timestamp) -> Self {
        let dismissed = Dismissed { at, by, note: None, reason: Some(reason.code().to_owned()), moved_to: None };
        let (key, etag, settlement) = (key.to_owned(), etag.to_owned(), Settlement::Dismissed);
        Self { version: VERSION, key, etag, size, settlement, generation: None, is_taken_back: false, dismissed }
    }

    /// Of an original that is under another key now, or that somebody took down.
    pub fn of_original(info: &ObjectInfo, moved_to: Option<&str>, by: Option<Actor>, at: Timestamp) -> Self {
        let settlement = if moved_to.is_some() { Settlement::Moved } else { Settlement::Unpublished };
        let (key, etag, generation) = (info.key.clone(), info.etag.clone(), info.write_generation.clone());
        let dismissed = Dismissed { at, by, note: None, reason: None, moved_to: moved_to.map(str::to_owned) };
        Self { version: VERSION, key, etag, size: info.size, settlement, generation, is_taken_back: false, dismissed }
    }

    /// With what somebody noted.
    #[must_use]
    pub fn with_note(mut self, note: Option<&str>) -> Self {
        self.dismissed.note = note.map(|note| note.chars().take(TEXT_MAX_CHARS).collect());
        self
    }
}

/// Notes that a file is settled, whatever was done with it; durable when this returns. Of a file that no delivery can have nothing is noted.
pub async fn write(store: &dyn Store, bucket: &str, dismissal: &Dismissal) -> Result<()> {
    let Some(at) = DismissalKey::of(&dismissal.key) else { return Ok(()) };
    let doing = || format!("note that {} is settled", dismissal.key);
    let failed = |error| Error::new(Place::Store, Kind::Refused, doing()).because(error);
    let body = serde_json::to_vec(dismissal).map_err(failed)?;
    let attributes = Attributes { content_type: Some("application/json".to_owned()), ..Attributes::default() };
    store.put(bucket, &at.key(), body.into(), &attributes, Condition::Always).await.map(drop)
}

/// Moves a file to quarantine, and notes before it that it is settled: ended in between, the file is there and counts as what it is. False
/// where it is another by now.
pub async fn set_aside(
    store: &dyn Store,
    bucket: &str,
    info: &ObjectInfo,
    (note, removal): (&Dismissal, &Removal),
) -> Result<bool> {
    write(store, bucket, note).await?;
    let is_gone = store.set_aside(bucket, &info.key, &info.validator(), removal).await?;
    if !is_gone {
        take_back(store, bucket, &info.key).await?;
    }
    Ok(is_gone)
}

/// Takes back the note on a file that is not settled after all, or any more.
pub async fn take_back(store: &dyn Store, bucket: &str, key: &str) -> Result<()> {
    let Some(at) = DismissalKey::of(key).map(|at| at.key()) else { return Ok(()) };
    if let Some(info) = store.head(bucket, &at).await? {
        store.delete(bucket, &at, &info.validator()).await?;
    }
    Ok(())
}

/// Notes that a file came back from quarantine: it is not settled any more.
pub async fn reopen(store: &dyn Store, bucket: &str, key: &str) -> Result<()> {
    let Some(at) = DismissalKey::of(key).map(|at| at.key()) else { return Ok(()) };
    match read_one(store, bucket, &at).await {
        Ok(Some(note)) if !note.is_taken_back => write(store, bucket, &Dismissal { is_taken_back: true, ..note }).await,
        Ok(_) => Ok(()),
        // What nobody can read settles nothing, and must not stay.
        Err(_) => take_back(store, bucket, key).await,
    }
}

/// The note at a key of the upload bucket; none where there is none.
pub(super) async fn read_one(store: &dyn Store, bucket: &str, at: &str) -> Result<Option<Dismissal>> {
    let Some(object) = store.get(bucket, at, NOTE_MAX_BYTES).await? else { return Ok(None) };
    let note = serde_json::from_slice(&object.body).map_err(|error| {
        let doing = format!("read {at}, the note that a file is settled; delete it, and dismiss the file again");
        Error::new(Place::Store, Kind::Corrupt, doing).because(error)
    })?;
    Ok(Some(note))
}

/// The notes on files of a vertical that are settled, by their keys. One listing tells which of them have any, so that a delivery of which
/// nothing was dismissed costs no more.
pub(super) async fn read<'k>(
    store: &dyn Store,
    bucket: &str,
    vertical: &Vertical,
    keys: impl Iterator<Item = &'k str>,
) -> Result<BTreeMap<&'k str, Dismissal>> {
    let mut noted: Vec<_> = keys.filter_map(|key| Some((key, DismissalKey::of(key)?.key()))).collect();
    if noted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (listed, is_all) = listed(store, bucket, vertical).await?;
    // Of a vertical with more notes than are listed the rest is asked for one by one.
    noted.retain(|(_, at)| !is_all || listed.contains(at));
    let mut found = BTreeMap::new();
    for some in noted.chunks(READ_AT_ONCE) {
        let reading = some.iter().map(|(_, at)| read_one(store, bucket, at));
        let read = some.iter().zip(try_join_all(reading).await?);
        found.extend(read.filter_map(|((key, _), note)| Some((*key, note.filter(|note| !note.is_taken_back)?))));
    }
    Ok(found)
}

/// Keys of notes, and whether they are all.
async fn listed(store: &dyn Store, bucket: &str, vertical: &Vertical) -> Result<(BTreeSet<String>, bool)> {
    let (prefix, mut after, mut listed) = (DismissalKey::prefix(vertical), String::new(), BTreeSet::new());
    while listed.len() < LISTED_MAX {
        let page = store.list(bucket, &prefix, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok((listed, true)) };
        after.clone_from(&last.key);
        listed.extend(page.into_iter().map(|info| info.key));
    }
    Ok((listed, false))
}
