//! What the facts mean: each photo at each image size, and from them the entity.

use std::collections::BTreeSet;

use super::report::{Cell, EntityReport, EntityState, PlaceState};
use super::{EntityFacts, HandedOver, PhotoFacts, Places, collect::OriginalFacts};
use crate::{
    catalog::{LedgerEntry, Row, State, image_urls::ImageUrls},
    error::Result,
    generation::Generation,
    key::{EntityId, PhotoId},
    reason::ReasonCode,
    store::ObjectInfo,
};

/// Judges an entity; none when nothing of it is left and nothing was expected.
pub(super) async fn entity(places: Places<'_>, entity: &EntityId, facts: &EntityFacts) -> Result<Option<EntityReport>> {
    let mut report = EntityReport {
        vertical: entity.vertical.clone(),
        cd_idx: entity.cd_idx,
        state: EntityState::Complete,
        cells: Vec::new(),
        alias: PlaceState::Unexpected,
        findings: Vec::new(),
    };
    for (sequence, facts) in facts.iter().filter(|(_, facts)| !is_gone(facts)) {
        let photo = PhotoId { entity: entity.clone(), sequence: *sequence };
        judge_photo(places, &photo, facts, &mut report).await?;
    }
    if report.cells.is_empty() {
        return Ok(None);
    }
    judge_aliases(places, entity, facts, &mut report).await?;
    Ok(Some(report))
}

/// Deleted, and nothing is left of it.
fn is_gone(facts: &PhotoFacts) -> bool {
    let removed = facts.ledger.as_ref().is_none_or(|entry| entry.state == State::Removed);
    removed && facts.original.is_none() && facts.handed_over.is_none() && facts.rows.is_empty()
}

/// How a photo as a whole stands, before its places are looked at.
enum Standing {
    /// It is to be served, made from this generation.
    Serving(Generation),
    /// It stands rejected; what was made from an older generation, if any, is being served.
    Rejected(ReasonCode, Option<Generation>),
    /// On its way.
    Pending,
    /// Something contradicts.
    Contradiction(String),
}

fn standing(facts: &PhotoFacts) -> Standing {
    if let Some(finding) = contradiction_with_delivery(facts) {
        return Standing::Contradiction(finding);
    }
    match (&facts.original, &facts.ledger) {
        (Some(original), Some(entry)) if is_newer(original, entry) => Standing::Pending,
        (Some(_), None) => Standing::Pending,
        (_, Some(entry)) => standing_of_entry(entry, facts.original.is_some()),
        (None, None) => Standing::Contradiction("rows without an original and without a ledger entry".to_owned()),
    }
}

fn standing_of_entry(entry: &LedgerEntry, has_original: bool) -> Standing {
    match (&entry.state, &entry.serving) {
        (State::Rejected { reason, .. }, serving) if has_original => Standing::Rejected(*reason, serving.clone()),
        (State::Serving, Some(serving)) if has_original => Standing::Serving(serving.clone()),
        // Configured to keep serving what was deleted.
        (State::Removed, Some(serving)) => Standing::Serving(serving.clone()),
        (State::Serving | State::Rejected { .. }, _) if !has_original => {
            Standing::Contradiction("the ledger has an original that the upload bucket does not have".to_owned())
        }
        (state, _) => {
            Standing::Contradiction(format!("the ledger says {} of an original that is there", state.as_str()))
        }
    }
}

/// Whether the store holds a newer original than the ledger knows.
fn is_newer(original: &OriginalFacts, entry: &LedgerEntry) -> bool {
    match &original.generation {
        Some(generation) => *generation > entry.generation,
        None => original.etag != entry.etag,
    }
}

fn contradiction_with_delivery(facts: &PhotoFacts) -> Option<String> {
    let HandedOver { size, md5 } = facts.handed_over.as_ref()?;
    match &facts.original {
        None => Some("handed over, but not in the upload bucket".to_owned()),
        Some(original) if original.size != *size => {
            Some(format!("handed over with {size} bytes, but the original has {}", original.size))
        }
        // The ETag of an upload in parts is no MD5 (it has a '-').
        Some(original) if !original.etag.contains('-') && original.etag != *md5 => {
            Some("the original's content is not that of the file handed over".to_owned())
        }
        Some(_) => None,
    }
}

async fn judge_photo(places: Places<'_>, photo: &PhotoId, facts: &PhotoFacts, report: &mut EntityReport) -> Result<()> {
    let standing = standing(facts);
    let (expected, reason) = match &standing {
        Standing::Serving(generation) => (Some(generation), None),
        Standing::Rejected(reason, serving) => (serving.as_ref(), Some(*reason)),
        Standing::Pending | Standing::Contradiction(_) => (None, None),
    };
    let original = original_state(facts, &standing);
    for image_size in sizes(places, photo, facts) {
        let mut cell = judge_cell(places, photo, &image_size, facts.rows.get(&image_size), expected).await?;
        cell.original = original;
        cell.reason = reason;
        settle(&mut cell, &standing);
        note_differences(&cell, photo, report);
        report.cells.push(cell);
    }
    note_standing(&standing, photo, facts, report);
    Ok(())
}

/// The image sizes that should be there and those that are.
fn sizes(places: Places<'_>, photo: &PhotoId, facts: &PhotoFacts) -> BTreeSet<String> {
    let set = places.settings.size_sets.of(&photo.entity.vertical);
    let configured = set.sizes.sizes().iter().map(|size| size.name.clone());
    configured.chain(facts.rows.keys().cloned()).collect()
}

fn original_state(facts: &PhotoFacts, standing: &Standing) -> PlaceState {
    match (&facts.original, standing) {
        (None, _) => PlaceState::Missing,
        (Some(_), Standing::Contradiction(_)) if contradiction_with_delivery(facts).is_some() => PlaceState::Different,
        (Some(_), _) => PlaceState::Present,
    }
}

/// Looks at rendition, row and served image of one image size.
async fn judge_cell(
    places: Places<'_>,
    photo: &PhotoId,
    image_size: &str,
    row: Option<&Row>,
    expected: Option<&Generation>,
) -> Result<Cell> {
    let key = photo.rendition_key(image_size);
    let rendition = places.store.head(&places.settings.image_bucket, &key).await?;
    let served = match (row, expected) {
        (None, None) => None,
        _ => places.served.fetch(&key).await?,
    };
    Ok(Cell {
        sequence: photo.sequence,
        image_size: image_size.to_owned(),
        original: PlaceState::Present,
        rendition: rendition_state(rendition.as_ref(), row, expected),
        row: row_state(row, &key),
        served: served_state(served.as_ref(), row.map(|row| row.etag.as_str())),
        reason: None,
    })
}

/// A row must point at its own rendition. The base of the address is the business of `images.public_url`.
fn row_state(row: Option<&Row>, key: &str) -> PlaceState {
    let path = ImageUrls::new("").of_key(key);
    match row {
        None => PlaceState::Missing,
        Some(row) if row.image_url.ends_with(&path) => PlaceState::Present,
        Some(_) => PlaceState::Different,
    }
}

fn rendition_state(rendition: Option<&ObjectInfo>, row: Option<&Row>, expected: Option<&Generation>) -> PlaceState {
    let Some(info) = rendition else { return PlaceState::Missing };
    let row_agrees = row.is_none_or(|row| row.etag == info.etag && row.bytes == info.size);
    let generation_agrees =
        expected.is_none_or(|expected| info.made_from().is_none_or(|made_from| made_from == *expected));
    if row_agrees && generation_agrees { PlaceState::Present } else { PlaceState::Different }
}

fn served_state(served: Option<&super::ServedImage>, etag: Option<&str>) -> PlaceState {
    match (served, etag) {
        (None, _) => PlaceState::Missing,
        (Some(image), Some(etag)) => {
            let named = image.etag.as_deref() == Some(etag);
            let same = etag.contains('-') || image.md5 == etag;
            if named && same { PlaceState::Present } else { PlaceState::Different }
        }
        (Some(_), None) => PlaceState::Present,
    }
}

/// Where nothing is expected, its absence is no fault.
fn settle(cell: &mut Cell, standing: &Standing) {
    let absent = match standing {
        Standing::Pending => PlaceState::Pending,
        Standing::Rejected(_, None) => PlaceState::Unexpected,
        _ => return,
    };
    for place in [&mut cell.rendition, &mut cell.row, &mut cell.served] {
        let pending = matches!(standing, Standing::Pending);
        if *place == PlaceState::Missing || (pending && *place == PlaceState::Different) {
            *place = absent;
        }
    }
}

fn note_differences(cell: &Cell, photo: &PhotoId, report: &mut EntityReport) {
    for (place, state) in [("rendition", cell.rendition), ("row", cell.row), ("served image", cell.served)] {
        let what = match state {
            PlaceState::Missing => "is missing",
            PlaceState::Different => "differs",
            _ => continue,
        };
        report.state = EntityState::Different;
        report.findings.push(format!("{photo} {}: the {place} {what}", cell.image_size));
    }
}

fn note_standing(standing: &Standing, photo: &PhotoId, facts: &PhotoFacts, report: &mut EntityReport) {
    let (state, finding) = match standing {
        Standing::Serving(_) => return,
        Standing::Pending => (EntityState::Pending, format!("{photo}: on its way")),
        Standing::Contradiction(finding) => (EntityState::Different, format!("{photo}: {finding}")),
        Standing::Rejected(reason, serving) => {
            let detail = match facts.ledger.as_ref().map(|entry| &entry.state) {
                Some(State::Rejected { detail, .. }) => detail.as_str(),
                _ => "",
            };
            let beside = if serving.is_some() { " (the last good original is being served)" } else { "" };
            (EntityState::Rejected, format!("{photo}: {reason}: {detail}{beside}"))
        }
    };
    report.state = report.state.max(state);
    report.findings.push(finding);
}

async fn judge_aliases(
    places: Places<'_>,
    entity: &EntityId,
    facts: &EntityFacts,
    report: &mut EntityReport,
) -> Result<()> {
    let settled = matches!(report.state, EntityState::Complete | EntityState::Rejected);
    if !places.settings.publish_alias || !settled {
        return Ok(());
    }
    let sizes: BTreeSet<&String> = facts.values().flat_map(|photo| photo.rows.keys()).collect();
    for image_size in sizes {
        let primary = facts.values().find_map(|photo| photo.rows.get(image_size));
        let alias = places.store.head(&places.settings.image_bucket, &entity.alias_key(image_size)).await?;
        let state = match (&alias, primary) {
            (Some(info), Some(row)) if info.etag == row.etag => PlaceState::Present,
            (Some(_), _) => PlaceState::Different,
            (None, _) => PlaceState::Missing,
        };
        if report.alias == PlaceState::Unexpected || state != PlaceState::Present {
            report.alias = state;
        }
        if state != PlaceState::Present {
            report.state = EntityState::Different;
            report
                .findings
                .push(format!("{}: the alias is not that of the primary photo", entity.alias_key(image_size)));
        }
    }
    Ok(())
}
