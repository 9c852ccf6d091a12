//! What the facts mean: how each photo stands, its image sizes, and from them the entity.

use futures::{FutureExt, StreamExt, TryStreamExt};

use super::{
    EntityFacts, HandedOver, Look, PhotoFacts, aliases,
    cells::{self, Expected, Judged, MayShow, Primaries},
    collect::{Facts, OriginalFacts},
    in_work::Work,
    repair::Repair,
    report::{Cell, EntityReport, EntityState, PlaceState},
    view::View,
    words::{self, AS_BEFORE, UNKNOWN_SET},
};
use crate::{
    ledger::{LedgerEntry, State},
    model::{
        error::Result,
        generation::Generation,
        key::{EntityId, PhotoId},
        lang::Text,
        outcome::ADOPTED,
        reason::ReasonCode,
    },
    proof::last_good::is_served_still,
    store::ContentState,
};

/// Entities that are judged side by side.
const CONCURRENCY: usize = 8;

/// Judges an entity; none when nothing of it is left and nothing was expected.
pub(super) async fn entity(view: View<'_>, entity: &EntityId, facts: &EntityFacts) -> Result<Option<EntityReport>> {
    let mut report = EntityReport::new(entity);
    let mut primaries = Primaries::new();
    for (sequence, facts) in facts.iter().filter(|(_, facts)| !is_gone(facts)) {
        let photo = PhotoId { entity: entity.clone(), sequence: *sequence };
        self::photo(view, &photo, facts, &mut report, &mut primaries).await?;
    }
    if report.cells.is_empty() {
        return Ok(None);
    }
    let in_work = facts.keys().any(|sequence| {
        let photo = PhotoId { entity: entity.clone(), sequence: *sequence };
        view.in_work.of(&photo.origin_key()) == Work::Busy
    });
    aliases::judge(view, entity, &primaries, in_work, &mut report).await?;
    Ok(Some(report))
}

/// Judges entities side by side; their reports in order, without those of which nothing is left.
pub(super) async fn judge_all(view: View<'_>, facts: &Facts) -> Result<Vec<EntityReport>> {
    // Boxed, because the compiler cannot prove the bare futures to be `Send`.
    let judged: Vec<_> = facts.iter().map(|(entity, facts)| self::entity(view, entity, facts).boxed()).collect();
    let reports = futures::stream::iter(judged).buffered(CONCURRENCY);
    reports.try_filter_map(|report| async move { Ok(report) }).try_collect().await
}

/// Deleted, and nothing is left of it.
fn is_gone(facts: &PhotoFacts) -> bool {
    let removed = facts.ledger.as_ref().is_none_or(|entry| entry.state == State::Removed && entry.serving.is_none());
    removed && facts.original.is_none() && facts.handed_over.is_none() && facts.rows.is_empty()
}

/// How a photo as a whole stands, before its places are looked at.
enum Standing {
    /// It is to be served, made from this generation.
    Serving(Generation),
    /// It is rejected; what was made from an older generation, if any, is being served.
    Rejected { reason: ReasonCode, detail: String, serving: Option<Generation> },
    /// Its newest change is in work.
    Pending,
    /// The message of its newest change is a dead letter, with this error.
    Dead(String),
    /// Something contradicts.
    Differs(Text, Repair),
}

impl Standing {
    /// The generation that is to be served, whatever else is said of the photo.
    fn served(&self) -> Option<&Generation> {
        match self {
            Self::Serving(generation) => Some(generation),
            Self::Rejected { serving, .. } => serving.as_ref(),
            Self::Pending | Self::Dead(_) | Self::Differs(..) => None,
        }
    }

    fn reason(&self) -> Option<ReasonCode> {
        match self {
            Self::Rejected { reason, .. } => Some(*reason),
            Self::Dead(_) => Some(ReasonCode::SystemDeadLetter),
            Self::Serving(_) | Self::Pending | Self::Differs(..) => None,
        }
    }
}

async fn photo(
    view: View<'_>,
    photo: &PhotoId,
    facts: &PhotoFacts,
    report: &mut EntityReport,
    primaries: &mut Primaries,
) -> Result<()> {
    let (contradiction, hashed) = contradiction_with_delivery(view, photo, facts).await?;
    let contradicts = contradiction.is_some();
    let standing = match contradiction {
        Some(finding) => Standing::Differs(finding, Repair::Person(words::upload_again(&photo.file_name()))),
        None => standing(view, photo, facts),
    };
    let entry = facts.ledger.as_ref();
    let set = view.places.settings.size_sets.of(&photo.entity.vertical);
    let outdated = entry.filter(|entry| entry.serving.is_some() && !set.made(entry));
    let expected = Expected {
        generation: standing.served(),
        original: named_by_content(facts),
        adopted: entry.and_then(|entry| entry.engine.as_deref()).is_none_or(|engine| engine == ADOPTED),
        current: outdated.is_none(),
    };
    let mut of_photo = EntityReport::new(&photo.entity);
    of_photo.hashed = u64::from(hashed);
    let damage = damage_of_original(view, photo, facts).await?;
    let original = original_state(facts, contradicts, damage.is_some());
    let judged = cells::judge(view, photo, facts, expected).await?;
    let is_served = expected.generation.is_some();
    note(&standing, photo, view.in_work.is_dark(), &mut of_photo);
    for Judged { mut cell, findings, waits, follows_size_set, alias } in judged {
        cell.original = original;
        cell.reason = standing.reason();
        if is_served || cell.row != PlaceState::Missing {
            // Of a photo that is not served now nobody knows what the alias may show.
            let alias = if is_served { alias } else { MayShow::default() };
            primaries.entry(cell.image_size.clone()).or_insert_with(|| (photo.clone(), alias));
        }
        if is_served {
            of_photo.not_fetched |= cell.served == PlaceState::Unknown;
            // Of a photo that another size set made that is said once.
            for (finding, repair) in findings.into_iter().filter(|_| outdated.is_none() || !follows_size_set) {
                of_photo.differs(finding, repair);
            }
            if let Some(waits) = waits {
                of_photo.note(EntityState::Pending, waits);
            }
        } else {
            expect_nothing(&mut cell, &standing);
        }
        of_photo.cells.push(cell);
    }
    if let Some(entry) = outdated.filter(|_| is_served) {
        note_outdated(photo, entry, &set.label, &mut of_photo);
    }
    if entry.is_some_and(|entry| entry.misfiled) {
        of_photo.differs(words::about(photo, &words::misfiled()), Repair::Render(photo.clone()));
    }
    note_rows_of_rejected(&standing, photo, facts, &mut of_photo);
    leave_what_cannot_be_rendered(&standing, photo, &mut of_photo);
    if facts.original.is_none() {
        leave_what_has_no_source(photo, &mut of_photo);
    }
    if let Some((damage, who)) = damage {
        // Nothing can be rendered from it.
        of_photo.repairs.clear();
        of_photo.differs(damage, Repair::Person(who));
    }
    if of_photo.not_fetched {
        of_photo.state = of_photo.state.max(EntityState::Pending);
    }
    soften(view, photo, &mut of_photo);
    merge(report, of_photo);
    Ok(())
}

fn merge(report: &mut EntityReport, photo: EntityReport) {
    report.state = report.state.max(photo.state);
    report.cells.extend(photo.cells);
    report.findings.extend(photo.findings);
    report.outdated.extend(photo.outdated);
    report.not_fetched |= photo.not_fetched;
    report.hashed += photo.hashed;
    for repair in photo.repairs {
        report.repair(repair);
    }
}

fn note_outdated(photo: &PhotoId, entry: &LedgerEntry, label: &str, report: &mut EntityReport) {
    let made_by = match entry.size_set.as_deref() {
        // Its image sizes were changed, and nobody raised the version.
        Some(same) if same == label => format!("{same}{AS_BEFORE}"),
        other => other.unwrap_or(UNKNOWN_SET).to_owned(),
    };
    for cell in report.cells.iter_mut().filter(|cell| cell.rendition == PlaceState::Present) {
        cell.rendition = PlaceState::Different;
    }
    report.differs(words::about(photo, &words::outdated(&made_by, label)), Repair::Render(photo.clone()));
    report.outdated.push((made_by, label.to_owned()));
}

/// What is served was made from content that is replaced or deleted: sending the original again would reject it again, without end.
fn leave_what_has_no_source(photo: &PhotoId, report: &mut EntityReport) {
    let repairs = std::mem::take(&mut report.repairs);
    for repair in repairs {
        let file = photo.file_name();
        report.repair(match repair {
            Repair::Render(_) => Repair::Person(words::upload_lost_again(&file)),
            other => other,
        });
    }
}

fn note_rows_of_rejected(standing: &Standing, photo: &PhotoId, facts: &PhotoFacts, report: &mut EntityReport) {
    if matches!(standing, Standing::Rejected { serving: None, .. }) && !facts.rows.is_empty() {
        let sizes: Vec<&str> = facts.rows.keys().map(String::as_str).collect();
        let finding = words::about(photo, &words::rows_of_rejected(&sizes.join(", ")));
        report.differs(finding, Repair::Person(words::delete_rows()));
    }
}

/// `ETag` of the original, where the ledger serves it and its store does not tell one write from another.
fn named_by_content(facts: &PhotoFacts) -> Option<&str> {
    let (original, entry) = (facts.original.as_ref()?, facts.ledger.as_ref()?);
    let is_served = entry.serving.as_ref() == Some(&entry.generation) && entry.etag == original.etag;
    (original.generation.is_none() && is_served).then_some(original.etag.as_str())
}

/// What is served was made from an original that is no more, and its successor is rejected: sending that one again changes nothing.
fn leave_what_cannot_be_rendered(standing: &Standing, photo: &PhotoId, report: &mut EntityReport) {
    let Standing::Rejected { reason, serving: Some(_), .. } = standing else { return };
    let before = report.repairs.len();
    report.repairs.retain(|repair| !matches!(repair, Repair::Render(_)));
    if report.repairs.len() < before {
        report.outdated.clear();
        report.repair(Repair::Person(words::upload_a_good_one(&photo.file_name(), *reason)));
    }
}

/// What is in work is never different.
fn soften(view: View<'_>, photo: &PhotoId, report: &mut EntityReport) {
    if report.state != EntityState::Different || view.in_work.of(&photo.origin_key()) != Work::Busy {
        return;
    }
    let repairs = std::mem::take(&mut report.repairs);
    soften_all(report);
    if view.in_work.is_dark() {
        report.repairs = repairs;
    }
    report.findings = vec![words::pending(photo)];
}

/// Makes everything that is different pending.
pub(super) fn soften_all(report: &mut EntityReport) {
    for cell in &mut report.cells {
        for place in [&mut cell.original, &mut cell.rendition, &mut cell.row, &mut cell.served] {
            if place.is_wrong() {
                *place = PlaceState::Pending;
            }
        }
    }
    if report.alias.is_wrong() {
        report.alias = PlaceState::Pending;
    }
    report.state = EntityState::Pending;
    report.outdated.clear();
    report.repairs = vec![Repair::Wait];
}

fn standing(view: View<'_>, photo: &PhotoId, facts: &PhotoFacts) -> Standing {
    let standing = match (&facts.original, &facts.ledger) {
        (Some(original), Some(entry)) if is_newer(original, entry) => return waiting(view, photo),
        (Some(_), None) => return waiting(view, photo),
        (Some(original), Some(entry)) => with_original(photo, original, entry),
        (None, Some(entry)) => without_original(view, photo, entry),
        (None, None) => nobodys(view, photo, facts),
    };
    match (&standing, view.in_work.dead(&photo.origin_key())) {
        (Standing::Differs(..), Some(error)) => Standing::Dead(error.to_owned()),
        _ => standing,
    }
}

/// The original is newer than what the ledger knows: some message must be about it.
fn waiting(view: View<'_>, photo: &PhotoId) -> Standing {
    let key = photo.origin_key();
    match (view.in_work.of(&key), view.in_work.dead(&key)) {
        (Work::Busy, _) | (Work::Unknown, None) => Standing::Pending,
        (_, Some(error)) => Standing::Dead(error.to_owned()),
        (Work::Idle, None) => Standing::Differs(words::event_lost(), Repair::Render(photo.clone())),
    }
}

fn with_original(photo: &PhotoId, original: &OriginalFacts, entry: &LedgerEntry) -> Standing {
    let again = |finding: Text| Standing::Differs(finding, Repair::Render(photo.clone()));
    match (&entry.state, &entry.serving) {
        (State::Serving | State::Rejected { .. }, _) if entry.etag != original.etag => again(words::other_original()),
        (State::Rejected { reason, detail }, serving) => {
            Standing::Rejected { reason: *reason, detail: detail.clone(), serving: serving.clone() }
        }
        (State::Serving, Some(serving)) => Standing::Serving(serving.clone()),
        (state, _) => again(words::ledger_says(state)),
    }
}

fn without_original(view: View<'_>, photo: &PhotoId, entry: &LedgerEntry) -> Standing {
    let remove = |finding: Text| Standing::Differs(finding, Repair::Remove(photo.clone()));
    match (&entry.state, &entry.serving) {
        // Configured to keep serving what was deleted; what was kept so before that was changed outlives its original.
        (State::Removed, Some(serving)) if !view.places.settings.delete_unpublishes => {
            Standing::Serving(serving.clone())
        }
        (State::Removed, Some(_)) => remove(words::images_of_deleted()),
        (State::Removed, None) => remove(words::rows_of_deleted()),
        _ => remove(words::original_lost()),
    }
}

/// Rows without an original and without a ledger entry: ours only if they have the very addresses that Cameo writes.
fn nobodys(view: View<'_>, photo: &PhotoId, facts: &PhotoFacts) -> Standing {
    let is_ours = |urls: &crate::ledger::image_urls::ImageUrls| {
        facts.rows.values().all(|row| row.image_url == urls.of(photo, &row.image_size))
    };
    let repair = if view.places.urls.is_some_and(is_ours) {
        Repair::Remove(photo.clone())
    } else {
        Repair::Person(words::delete_rows_or_upload())
    };
    Standing::Differs(words::rows_of_nobody(), repair)
}

/// Whether the store holds a newer original than the ledger knows.
fn is_newer(original: &OriginalFacts, entry: &LedgerEntry) -> bool {
    match &original.generation {
        Some(generation) => *generation > entry.generation,
        None => original.etag != entry.etag,
    }
}

/// In what the original differs from what was handed over, and whether its content was read for its SHA-256.
async fn contradiction_with_delivery(
    view: View<'_>,
    photo: &PhotoId,
    facts: &PhotoFacts,
) -> Result<(Option<Text>, bool)> {
    let Some(handed_over @ HandedOver { size, md5, .. }) = &facts.handed_over else { return Ok((None, false)) };
    let Some(original) = &facts.original else {
        return Ok((Some(words::never_arrived()), false));
    };
    // A later upload that was rejected took nobody's place: what was handed over is what is served, and the rejection is what is open.
    if let Some(entry) = facts.ledger.as_ref().filter(|entry| entry.etag == original.etag && original.etag != *md5)
        && is_served_still(view.places.catalog, photo, entry, (Some(*size), md5)).await?
    {
        return Ok((None, false));
    }
    if original.size != *size {
        return Ok((Some(words::arrived_shorter(*size, original.size)), false));
    }
    // The ETag of an upload in parts is no MD5 (it has a '-'): its content is read.
    let same = if original.etag.contains('-') && !original.content.is_damaged() {
        let bucket = &view.places.settings.upload_bucket;
        let digest = view.places.store.hash(bucket, &photo.origin_key()).await?;
        digest.is_none_or(|digest| digest.md5 == *md5)
    } else {
        original.etag.contains('-') || original.etag == *md5
    };
    if !same {
        return Ok((Some(words::arrived_otherwise()), false));
    }
    if original.content.is_damaged() {
        return Ok((None, false));
    }
    let same = view.hashed.is_same(view.places, photo, handed_over).await?;
    Ok(((same == Some(false)).then(words::arrived_with_other_sha256), same.is_some()))
}

/// What is wrong with the content of the original, and who must act.
async fn damage_of_original(view: View<'_>, photo: &PhotoId, facts: &PhotoFacts) -> Result<Option<(Text, Text)>> {
    let Some(original) = &facts.original else { return Ok(None) };
    let key = photo.origin_key();
    let damage = match original.content {
        ContentState::Missing => Some(words::lost_content()),
        ContentState::Short { expected_bytes, found_bytes } => Some(words::short(found_bytes, expected_bytes)),
        ContentState::Present | ContentState::NoObject if view.look == Look::Deep => {
            let bucket = &view.places.settings.upload_bucket;
            match view.places.store.head(bucket, &key).await? {
                Some(info) => cells::rotted(view.places, bucket, &key, &info).await?,
                None => None,
            }
        }
        ContentState::Present | ContentState::NoObject => None,
    };
    Ok(damage.map(|damage| (words::of_original(photo, &damage), words::restore_from_backup(&key))))
}

fn original_state(facts: &PhotoFacts, contradicts: bool, damaged: bool) -> PlaceState {
    match &facts.original {
        None if facts.handed_over.is_none()
            && facts.ledger.as_ref().is_none_or(|entry| entry.state == State::Removed) =>
        {
            PlaceState::Unexpected
        }
        None => PlaceState::Missing,
        Some(original) if original.content == ContentState::Missing => PlaceState::Missing,
        Some(_) if contradicts || damaged => PlaceState::Different,
        Some(_) => PlaceState::Present,
    }
}

/// Where nothing is expected, its absence is no fault.
fn expect_nothing(cell: &mut Cell, standing: &Standing) {
    let (absent, differs) = match standing {
        Standing::Pending => (PlaceState::Pending, PlaceState::Pending),
        Standing::Dead(_) => (PlaceState::Unexpected, PlaceState::Pending),
        Standing::Rejected { .. } => (PlaceState::Unexpected, PlaceState::Different),
        _ => return,
    };
    for place in [&mut cell.rendition, &mut cell.row, &mut cell.served] {
        match *place {
            PlaceState::Missing | PlaceState::Unexpected => *place = absent,
            PlaceState::Different => *place = differs,
            PlaceState::Present | PlaceState::Pending | PlaceState::Unknown => {}
        }
    }
}

fn note(standing: &Standing, photo: &PhotoId, in_the_dark: bool, report: &mut EntityReport) {
    match standing {
        Standing::Serving(_) => {}
        Standing::Pending => {
            report.note(EntityState::Pending, words::pending(photo));
            // An event that is sent twice does no harm; one that was lost is never missed where nobody can look.
            report.repair(if in_the_dark { Repair::Render(photo.clone()) } else { Repair::Wait });
        }
        Standing::Differs(finding, repair) => report.differs(words::about(photo, finding), repair.clone()),
        Standing::Dead(error) => {
            report.note(EntityState::Rejected, words::about(photo, &words::dead_letter(error)));
            report.repair(Repair::Person(words::retry_dead_letters()));
        }
        Standing::Rejected { reason, detail, serving } => {
            let finding = words::rejected(*reason, detail, serving.is_some());
            report.note(EntityState::Rejected, words::about(photo, &finding));
        }
    }
}
