//! What happened to a photo after its bytes were delivered, as the history has it: what took their place or deleted them, and whether they
//! are being served all the same.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{
    came_with::KnownRecords,
    state::{Item, ItemState, Places, Wanted},
};
use crate::{
    catalog::Catalog,
    ledger::{
        LedgerEntry, State,
        history::{ChangeKind, HistoryLine, named_by},
    },
    model::{
        actor::Actor,
        error::Result,
        generation::Generation,
        key::{EntityId, PhotoId},
        lang::Text,
        plain,
        reason::ReasonCode,
        when,
    },
};

/// Items of which the history says who replaced or deleted them, at most.
pub const LATER_MAX: usize = 1000;
/// Lines of a photo's history that are looked at for that, and fetched at a time.
pub(super) const LINES: usize = 50;
/// Times that more of them are fetched to find the one that is being served.
const PAGES_MAX: usize = 20;
/// Stores give times to the second, and no two clocks agree.
pub(super) const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// What happened to a photo after its bytes were delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Later {
    /// When.
    pub at: Timestamp,
    /// Who did it, where that is known.
    pub by: Option<Actor>,
    /// What happened.
    pub change: ChangeKind,
    /// The recorded delivery that it came with; null of a deletion, and of an upload that nobody recorded.
    pub delivery: Option<String>,
    /// Why that later upload was rejected, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonCode>,
    /// What was found of it and where, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Later {
    /// It in words, with the time of a zone.
    pub fn text(&self, zone: &TimeZone) -> Text {
        self.text_at(&when::local(self.at, zone))
    }

    /// It in words for scripts.
    pub fn detail(&self) -> String {
        self.text_at(&self.at.to_string()).to_string()
    }

    fn text_at(&self, at: &str) -> Text {
        let by = |nobody: &str| self.by.as_ref().map_or_else(|| nobody.to_owned(), ToString::to_string);
        let (done, korean) = match self.change {
            ChangeKind::Registered => ("registered", "등록"),
            ChangeKind::Replaced | ChangeKind::Rejected => ("replaced", "교체"),
            ChangeKind::Repeated => ("repeated", "같은 내용으로 다시 처리"),
            ChangeKind::Removed => ("removed", "삭제"),
        };
        let with = self.delivery.as_deref();
        let (with, with_korean) =
            with.map(|delivery| (format!(", delivery {delivery}"), format!(", 전달 {delivery}"))).unwrap_or_default();
        let rejected = self.rejection();
        let text = Text::new(
            format!("{done} by {} at {at}{with}{}", by("somebody"), rejected.english),
            format!("{at}에 {korean}됨({}{with_korean}){}", by("누가 했는지 모름"), rejected.korean),
        );
        Text { technical: rejected.technical, ..text }
    }

    /// That the later upload was itself rejected, where it was; to follow what is said of it.
    pub fn rejection(&self) -> Text {
        let Some(reason) = self.reason.filter(|_| self.change == ChangeKind::Rejected) else { return Text::default() };
        let found = plain::found(reason, self.detail.as_deref().unwrap_or_default());
        let text = Text::new(
            format!("; that one was rejected: {reason}: {}", found.english),
            format!("; 나중 파일은 거부됨: {reason}: {}", found.korean),
        );
        Text { technical: found.technical, ..text }
    }
}

/// The change whose bytes are served beside a rejection.
pub(super) fn beside(entry: &LedgerEntry) -> Option<&Generation> {
    entry.serving.as_ref().filter(|_| matches!(entry.state, State::Rejected { .. }))
}

/// Whether these bytes (their length and MD5) are what is served of a photo of which a later upload was rejected. The ledger knows only the
/// generation, so the history says it; a photo from before the history is served on, and nobody can say whose bytes it shows.
pub async fn is_served_still(
    catalog: &dyn Catalog,
    photo: &PhotoId,
    entry: &LedgerEntry,
    (size, md5): (Option<u64>, &str),
) -> Result<bool> {
    let Some(serving) = beside(entry) else { return Ok(false) };
    let mut before = None;
    for _ in 0..PAGES_MAX {
        let lines = catalog.history_of(&photo.entity, Some(photo.sequence), before, LINES).await?;
        let Some(last) = lines.last() else { return Ok(false) };
        before = Some(last.position);
        let of_served = |line: &&HistoryLine| {
            let change = &line.change;
            change.generation == *serving && !matches!(change.change, ChangeKind::Rejected | ChangeKind::Removed)
        };
        if let Some(HistoryLine { change, .. }) = lines.iter().find(of_served) {
            // An upload in parts has no MD5.
            let same_length = size.is_some() && change.size == size;
            return Ok(change.etag == md5 || (change.etag.contains('-') && same_length));
        }
    }
    Ok(false)
}

/// The newest lines of the history about a key.
pub(super) async fn lines_of(places: Places<'_>, key: &str) -> Result<Vec<HistoryLine>> {
    let (Some(vertical), Some(cd_idx), sequence) = named_by(key) else { return Ok(Vec::new()) };
    let mut lines = places.catalog.history_of(&EntityId { vertical, cd_idx }, sequence, None, LINES).await?;
    // Several misnamed files may be of one entity.
    lines.retain(|line| line.change.key == key);
    Ok(lines)
}

/// Says of replaced and removed items who did it and when, as far as the history goes back.
pub(super) async fn add_later(places: Places<'_>, wanted: &[Wanted], items: &mut [Item]) -> Result<()> {
    let gone = |item: &Item| matches!(item.state, ItemState::Replaced | ItemState::Removed);
    let (mut of_items, mut ended_by) = (Vec::new(), Vec::new());
    for (item, wanted) in items.iter_mut().zip(wanted).filter(|(item, _)| gone(item)).take(LATER_MAX) {
        let lines = lines_of(places, &wanted.key).await?;
        let Some(line) = later(item.state, wanted, &lines) else { continue };
        ended_by.push(line.clone());
        of_items.push(item);
    }
    let deliveries = KnownRecords::default().recorded(places, &ended_by).await?;
    for ((item, line), delivery) in of_items.into_iter().zip(ended_by).zip(deliveries) {
        let change = line.change;
        item.later = Some(Later {
            at: change.at,
            by: change.actor,
            change: change.change,
            delivery,
            reason: change.reason,
            detail: change.detail,
        });
    }
    Ok(())
}

/// Of the lines of a photo, newest first, that which ended the item: the deletion, or the first other bytes after these.
fn later<'l>(state: ItemState, wanted: &Wanted, lines: &'l [HistoryLine]) -> Option<&'l HistoryLine> {
    let since = wanted.since.checked_sub(SLACK).unwrap_or(wanted.since);
    let is_removal = |line: &&'l HistoryLine| line.change.change == ChangeKind::Removed;
    // What a removal took away has its ETag.
    let is_ours = |line: &HistoryLine| line.change.etag == wanted.md5 && line.change.change != ChangeKind::Removed;
    let after = lines.iter().take_while(|line| line.change.at >= since && !is_ours(line));
    match state {
        // Not that of what somebody uploaded in its place later.
        ItemState::Removed => after.filter(is_removal).last().or_else(|| lines.iter().find(is_removal)),
        _ => after.filter(|line| !is_removal(line)).last(),
    }
}
