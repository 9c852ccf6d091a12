//! What the history of a photo says of the bytes that were delivered: who took their place or deleted them, and with which delivery.
//!
//! Only so many items of a delivery, and so many lines of each, are looked at.

use super::{
    came_with::KnownRecords,
    item::{Item, ItemState, Wanted},
    later::{LATER_MAX, Later},
    places::{Places, SLACK},
};
use crate::{
    ledger::history::{ChangeKind, HistoryLine, named_by},
    model::{error::Result, key::EntityId},
    proof::last_good::LINES,
};

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
