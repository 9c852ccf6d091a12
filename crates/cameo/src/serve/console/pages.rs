//! The pages: what is asked of the places, and the templates that show it.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use cameo_image::ImageSize;

use super::{stored_images::StoredImages, text::Language};
use crate::{
    ledger::{Count, LedgerEntry, Scope, State},
    model::{
        error::{Error, Kind, Place, Result},
        key::{EntityId, Misplaced, PhotoId, UploadKey, Vertical},
        reason::ReasonCode,
    },
    proof::verify::{self, Cell, EntityReport, EntityState, Look, PlaceState, Question, UnexpectedFile},
    queue::{DeadLetter, Depth},
    serve::site::Site,
    store::ObjectInfo,
};

/// Originals on one page.
const PAGE_ORIGINALS: usize = 50;
/// Rejected originals shown at most; `cameo status` shows all.
const REJECTED_SHOWN: usize = 100;
/// Dead letters of a queue that are looked at for a page.
const DEAD_LOOKED_AT: usize = 1000;
/// Keys outside of `origin/` that a page looks at, at most; `cameo verify` looks at more.
const OUTSIDE_LOOKED_AT_MAX: usize = 2000;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    language: Language,
    verticals: BTreeMap<String, VerticalCounts>,
    queues: Vec<(String, Depth)>,
    /// When what waits is registered, while the window is closed.
    registers_at: Option<String>,
    dead: Vec<RejectedView>,
}

#[derive(Debug, Default)]
struct VerticalCounts {
    serving: u64,
    rejected: u64,
    ignored: u64,
    reasons: Vec<(String, u64)>,
}

#[derive(Template)]
#[template(path = "vertical.html")]
struct VerticalPage<'p> {
    language: Language,
    vertical: &'p Vertical,
    cd_idx: &'p str,
    after: &'p str,
    /// The columns; every photo has its images in this order.
    image_sizes: Vec<String>,
    entities: Vec<EntityView>,
    rejected: Vec<RejectedView>,
    next: Option<String>,
}

struct EntityView {
    cd_idx: u64,
    state: EntityState,
    photos: Vec<PhotoView>,
    findings: Vec<String>,
}

struct PhotoView {
    sequence: u16,
    reason: Option<ReasonCode>,
    images: Vec<ImageView>,
}

struct ImageView {
    image_size: String,
    url: String,
    shown: bool,
    missing: bool,
}

struct RejectedView {
    name: String,
    reason: ReasonCode,
    detail: String,
}

/// The verticals and the queues.
pub(super) async fn overview(site: &Site, language: Language) -> Result<String> {
    let mut verticals = BTreeMap::<String, VerticalCounts>::new();
    for count in site.flow.catalog.counts().await? {
        let vertical = count.vertical.clone().unwrap_or_default();
        verticals.entry(vertical).or_default().add(count);
    }
    let flow = &site.flow;
    let bucket = &flow.settings.upload_bucket;
    for file in verify::misplaced(&*flow.store, bucket, &Scope::All, OUTSIDE_LOOKED_AT_MAX).await? {
        let vertical = Misplaced::parse(&file.key).and_then(|misplaced| misplaced.vertical);
        let vertical = vertical.map(String::from).unwrap_or_default();
        verticals.entry(vertical).or_default().add_misplaced();
    }
    let mut queues = Vec::new();
    for queue in [&site.events, &site.registrations] {
        queues.push((queue.name().to_owned(), queue.depth().await?));
    }
    let dead =
        dead_letters(site).await.into_iter().map(|(key, letter)| RejectedView::dead(key, letter)).take(REJECTED_SHOWN);
    let dead = dead.collect();
    let registers_at = site.window.as_ref().and_then(|window| window.closed_until(site.clock.now()));
    render(&Overview { language, verticals, queues, registers_at, dead })
}

/// Dead letters of both queues, each with a photo that it is about; of those that name none, the queue's message. Where they may not be looked at
/// the page does without.
async fn dead_letters(site: &Site) -> Vec<(String, DeadLetter)> {
    let mut found = Vec::new();
    for queue in [&site.events, &site.registrations] {
        let letters = queue.dead_letters(DEAD_LOOKED_AT).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the console cannot show dead letters");
            Vec::new()
        });
        for letter in letters {
            let nameless = || vec![format!("{} / {}", queue.name(), letter.id)];
            let keys = if letter.keys.is_empty() { nameless() } else { letter.keys.clone() };
            found.extend(keys.into_iter().map(|key| (key, letter.clone())));
        }
    }
    found
}

impl VerticalCounts {
    /// Counts a photo that was uploaded outside of `origin/`.
    fn add_misplaced(&mut self) {
        let code = ReasonCode::NameUnparseable.code();
        self.rejected += 1;
        match self.reasons.iter_mut().find(|(reason, _)| reason == code) {
            Some((_, originals)) => *originals += 1,
            None => self.reasons.push((code.to_owned(), 1)),
        }
    }

    fn add(&mut self, count: Count) {
        match (count.state.as_str(), count.reason) {
            ("serving", _) => self.serving += count.originals,
            ("ignored", _) => self.ignored += count.originals,
            ("rejected", reason) => {
                self.rejected += count.originals;
                self.reasons.extend(reason.map(|reason| (reason, count.originals)));
            }
            _ => {}
        }
    }
}

/// The entities of a vertical, from the key `after` on, or the one that is asked for.
pub(super) async fn vertical(
    site: &Site,
    vertical: &Vertical,
    after: &str,
    cd_idx: &str,
    language: Language,
) -> Result<String> {
    let (ids, next) = match cd_idx.trim().parse() {
        Ok(id) => (vec![id], None),
        Err(_) => entities_after(site, vertical, after).await?,
    };
    let flow = &site.flow;
    let mut rejected: Vec<RejectedView> = Vec::new();
    let scope = Scope::Vertical(vertical.clone());
    let misplaced =
        verify::misplaced(&*flow.store, &flow.settings.upload_bucket, &scope, OUTSIDE_LOOKED_AT_MAX).await?;
    rejected.extend(misplaced.into_iter().take(REJECTED_SHOWN).filter_map(RejectedView::of_file));
    let in_ledger = flow.catalog.rejected(Some(vertical), REJECTED_SHOWN).await?;
    rejected.extend(in_ledger.into_iter().filter_map(RejectedView::of));
    let dead = dead_letters(site).await.into_iter();
    let dead = dead.filter(|(key, _)| UploadKey::vertical(key).as_ref() == Some(vertical)).take(REJECTED_SHOWN);
    rejected.extend(dead.map(|(key, letter)| RejectedView::dead(name_of(&key).to_owned(), letter)));
    let mut entities = judge(site, vertical, ids, language).await?;
    let image_sizes = in_columns(&mut entities, site.flow.settings.size_sets.of(vertical).sizes.sizes());
    render(&VerticalPage { language, vertical, cd_idx: cd_idx.trim(), after, image_sizes, entities, rejected, next })
}

/// The entities whose originals follow a key, and the key from which the next page goes on.
async fn entities_after(site: &Site, vertical: &Vertical, after: &str) -> Result<(Vec<u64>, Option<String>)> {
    let prefix = format!("{}{vertical}/", crate::model::key::ORIGIN_PREFIX);
    let bucket = &site.flow.settings.upload_bucket;
    let page = site.flow.store.list(bucket, &prefix, after, PAGE_ORIGINALS).await?;
    let mut ids: Vec<u64> = page.iter().filter_map(cd_idx_of).collect();
    ids.dedup();
    let next = page.last().filter(|_| page.len() == PAGE_ORIGINALS).map(|info| info.key.clone());
    Ok((ids, next))
}

fn cd_idx_of(info: &ObjectInfo) -> Option<u64> {
    match UploadKey::parse(&info.key) {
        UploadKey::Photo(photo) => Some(photo.entity.cd_idx),
        _ => None,
    }
}

async fn judge(site: &Site, vertical: &Vertical, cd_idx: Vec<u64>, language: Language) -> Result<Vec<EntityView>> {
    if cd_idx.is_empty() {
        return Ok(Vec::new());
    }
    let flow = &site.flow;
    let served = StoredImages { store: &*flow.store, bucket: &flow.settings.image_bucket };
    let places = verify::Places {
        store: &*flow.store,
        catalog: &*flow.catalog,
        served: &served,
        queues: Some(verify::Queues { events: &*site.events, registrations: &*site.registrations }),
        urls: Some(&site.images_url),
        settings: &flow.settings,
        clock: &*site.clock,
    };
    let question =
        Question { look: Look::Entities, ..Question::of(Scope::Ids { vertical: Some(vertical.clone()), cd_idx }) };
    let mut entities = Vec::new();
    verify::verify(places, &question, &mut |report: &EntityReport| entities.push(site.view(report, language))).await?;
    Ok(entities)
}

/// Puts the images of every photo in the order of the size set, and after them what rows of older size sets name;
/// returns that order.
fn in_columns(entities: &mut [EntityView], sizes: &[ImageSize]) -> Vec<String> {
    let mut columns: Vec<String> = sizes.iter().map(|size| size.name.clone()).collect();
    let photos = || entities.iter().flat_map(|entity| &entity.photos);
    let others: BTreeSet<String> =
        photos().flat_map(|photo| &photo.images).map(|image| image.image_size.clone()).collect();
    columns.extend(others.into_iter().filter(|name| !sizes.iter().any(|size| size.name == *name)));
    for photo in entities.iter_mut().flat_map(|entity| &mut entity.photos) {
        let mut images: BTreeMap<_, _> =
            photo.images.drain(..).map(|image| (image.image_size.clone(), image)).collect();
        photo.images =
            columns.iter().map(|name| images.remove(name).unwrap_or_else(|| ImageView::none(name))).collect();
    }
    columns
}

impl ImageView {
    /// Nothing stands in this column, and nothing should.
    fn none(image_size: &str) -> Self {
        Self { image_size: image_size.to_owned(), url: String::new(), shown: false, missing: false }
    }
}

impl Site {
    fn view(&self, report: &EntityReport, language: Language) -> EntityView {
        let entity = EntityId { vertical: report.vertical.clone(), cd_idx: report.cd_idx };
        let mut photos = BTreeMap::<u16, PhotoView>::new();
        for cell in &report.cells {
            let photo = photos.entry(cell.sequence).or_insert_with(|| PhotoView {
                sequence: cell.sequence,
                reason: cell.reason,
                images: Vec::new(),
            });
            photo.images.push(self.image(&entity, cell));
        }
        EntityView {
            cd_idx: report.cd_idx,
            state: report.state,
            photos: photos.into_values().collect(),
            findings: report.findings.iter().map(|finding| language.of_text(finding)).collect(),
        }
    }

    fn image(&self, entity: &EntityId, cell: &Cell) -> ImageView {
        let photo = PhotoId { entity: entity.clone(), sequence: cell.sequence };
        ImageView {
            image_size: cell.image_size.clone(),
            url: self.images_url.of(&photo, &cell.image_size),
            shown: matches!(cell.rendition, PlaceState::Present | PlaceState::Different),
            missing: cell.rendition == PlaceState::Missing,
        }
    }
}

/// A key without its prefix and vertical.
fn name_of(key: &str) -> &str {
    key.splitn(3, '/').nth(2).unwrap_or(key)
}

impl RejectedView {
    fn of(entry: LedgerEntry) -> Option<Self> {
        let State::Rejected { reason, detail } = entry.state else { return None };
        Some(Self { name: name_of(&entry.key).to_owned(), reason, detail })
    }

    fn dead(name: String, letter: DeadLetter) -> Self {
        Self { name, reason: ReasonCode::SystemDeadLetter, detail: letter.error }
    }

    /// A photo outside of `origin/`, by its whole key.
    fn of_file(file: UnexpectedFile) -> Option<Self> {
        let Some(State::Rejected { reason, detail }) = file.state else { return None };
        Some(Self { name: file.key, reason, detail })
    }
}

impl EntityView {
    /// What is wrong; of rejected originals the reason stands beside each photo already, in the page's language.
    fn findings_shown(&self) -> &[String] {
        if self.state == EntityState::Rejected { &[] } else { &self.findings }
    }

    /// The name of the state in style sheets and tests.
    fn class(&self) -> &'static str {
        match self.state {
            EntityState::Complete => "complete",
            EntityState::Rejected => "rejected",
            EntityState::Pending => "pending",
            EntityState::Different => "different",
        }
    }
}

fn render(template: &impl Template) -> Result<String> {
    template.render().map_err(|error| Error::new(Place::System, Kind::Unavailable, "render a page").because(error))
}
