//! The entities of a vertical: every photo with its renditions as they are served, what is missing or rejected, and the way through all of them.
//!
//! Images are addressed with their `ETag`, so that one that was replaced is never shown from a cache. The page does not fetch them: the browser
//! does, and the script says where one does not come.

use std::collections::BTreeSet;

use askama::Template;
use axum::{extract::Path, response::Response};
use cameo::{
    client::wire::{
        Attention, AttentionItem, CellView, EntitiesPage, EntitySummary, EntityView, Page, PhotoView, VerticalView,
    },
    model::{
        key::Vertical,
        lang::{Lang, Text},
    },
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{
    address::{and, part},
    ask::Ask,
    failure::{Answer, Failure},
    form::Fields,
    layout::{Chrome, html},
    show::{Badge, Tone, day_begins, day_ends, thousands},
    words::Here,
};

/// Entities on a page.
const ENTITIES: usize = 24;
/// Entities that are asked for side by side.
const SIDE_BY_SIDE: usize = 8;
/// Filters of the list besides `state`, and the way through it.
const FILTERS: [&str; 6] = ["after", "before", "reason", "missing", "stale", "delivery"];
/// What of a query is a filter.
const FILTERED: [&str; 7] = ["state", "reason", "missing", "stale", "delivery", "from", "to"];
/// Those of them that are chips alone.
const KEPT: [&str; 4] = ["state", "reason", "missing", "stale"];
/// Other verticals that are a click away.
const OTHERS: usize = 12;
/// States that the list knows.
const STATES: [&str; 3] = ["serving", "rejected", "dark"];
/// Rejected files that are listed below; all of them are on the page of the work list.
const REJECTED: usize = 50;

#[derive(Template)]
#[template(path = "vertical.html")]
struct VerticalPage {
    c: Chrome,
    vertical: String,
    size_set: String,
    sizes: Vec<String>,
    cd_idx: String,
    entities: Vec<Entity>,
    previous: Option<String>,
    next: Option<String>,
    facets: Vec<Facet>,
    /// Other verticals.
    others: Vec<String>,
    /// Filters that the form of the others keeps.
    kept: Vec<(&'static str, String)>,
    delivery: String,
    from: String,
    to: String,
    rejected: Vec<AttentionItem>,
    rejected_total: u64,
}

/// An entity on the page.
pub(super) struct Entity {
    pub(super) cd_idx: u64,
    pub(super) badge: Badge,
    pub(super) photos: Vec<Photo>,
}

/// A photo: a cell for each column.
pub(super) struct Photo {
    pub(super) it: PhotoView,
    pub(super) badges: Vec<Badge>,
    pub(super) cells: Vec<Cell>,
}

/// A rendition, or where one is not.
pub(super) enum Cell {
    Shown(CellView),
    Missing,
    Empty,
}

/// The address of this very content: one that was replaced is another address, so that no cache shows it.
pub(super) fn address(cell: &CellView) -> String {
    let sign = if cell.image_url.contains('?') { '&' } else { '?' };
    format!("{}{sign}v={}", cell.image_url, part(cell.etag.trim_matches('"')))
}

/// The page.
pub(crate) async fn page(ask: Ask, Path(name): Path<String>) -> Answer<Response> {
    let vertical: Vertical = name.parse().map_err(|_| Failure::NotFound)?;
    let vertical = vertical.as_str();
    let known = "/api/v1/verticals?limit=1000";
    let work = format!("/api/v1/attention?limit={REJECTED}&vertical={}", part(vertical));
    let (c, known, (list, views), work) = futures::try_join!(
        Chrome::of(&ask, Here::Entities),
        ask.get::<Page<VerticalView>>(known),
        entities(&ask, vertical),
        ask.find::<Attention>(&work),
    )?;
    let (known, others): (Vec<_>, Vec<_>) = known.items.into_iter().partition(|it| it.name == vertical);
    let known = known.into_iter().next();
    if known.is_none() && views.is_empty() {
        return Err(Failure::NotFound);
    }
    let (size_set, mut sizes) = known.as_ref().map_or_else(Default::default, |it| {
        (it.size_set.clone(), it.image_sizes.iter().map(|size| size.name.clone()).collect::<Vec<_>>())
    });
    add_sizes(&mut sizes, &views);
    let lang = c.lang;
    let page = VerticalPage {
        vertical: vertical.to_owned(),
        size_set,
        cd_idx: ask.query.text("cd_idx").trim().to_owned(),
        entities: views.into_iter().map(|view| Entity::of(view, &sizes, lang)).collect(),
        previous: list.previous.map(|before| around(&ask, "before", &before)),
        next: list.next.map(|after| around(&ask, "after", &after)),
        facets: facets(known.as_ref(), &sizes, &ask.query, lang),
        others: others.into_iter().map(|it| it.name).take(OTHERS).collect(),
        kept: KEPT.into_iter().filter_map(|name| Some((name, ask.query.get(name)?.to_owned()))).collect(),
        delivery: ask.query.text("delivery").to_owned(),
        from: ask.query.text("from").to_owned(),
        to: ask.query.text("to").to_owned(),
        rejected_total: work.as_ref().map_or(0, |work| work.total),
        rejected: work.map(|work| work.items).unwrap_or_default(),
        sizes,
        c,
    };
    Ok(html(&page))
}

/// What entities can be filtered by in one respect.
struct Facet {
    name: &'static str,
    chips: Vec<Chip>,
}

/// A filter to choose, or to take away again.
struct Chip {
    query: String,
    name: String,
    n: Option<u64>,
    on: bool,
}

/// This page with a filter changed, and the others as they are; from its beginning.
fn with(query: &Fields, changes: &[(&str, Option<&str>)]) -> String {
    let mut left_out = vec!["after", "before", "cd_idx", "lang", "theme"];
    left_out.extend(changes.iter().map(|(name, _)| *name));
    let kept = query.query_without(&left_out);
    let added = changes.iter().filter_map(|(name, value)| Some(format!("{name}={}", part((*value)?))));
    let parts: Vec<String> = (!kept.is_empty()).then_some(kept).into_iter().chain(added).collect();
    format!("?{}", parts.join("&"))
}

/// The filters: each stays as it is while another one is chosen.
fn facets(known: Option<&VerticalView>, sizes: &[String], query: &Fields, lang: Lang) -> Vec<Facet> {
    let text = |english: &str, korean: &str| lang.pick(english, korean).to_owned();
    let chip = |field: &'static str, value: &str, name: String, n: Option<u64>| {
        let on = query.get(field) == Some(value);
        Chip { query: with(query, &[(field, (!on).then_some(value))]), name, n, on }
    };
    let mut states = vec![
        chip("state", "serving", text("complete", "완료"), None),
        chip("state", "rejected", text("rejected", "거부됨"), None),
        chip("state", "dark", text("nothing live", "게시된 것 없음"), None),
    ];
    let is_filtered = FILTERED.iter().any(|name| query.get(name).is_some());
    states.insert(0, Chip { query: "?".to_owned(), name: text("all", "모두"), n: None, on: !is_filtered });
    let counted = known.into_iter().flat_map(|known| &known.reasons).map(|(code, n)| (code.as_str(), Some(*n)));
    let asked = query.get("reason").filter(|asked| known.is_none_or(|known| !known.reasons.contains_key(*asked)));
    let reasons = counted.chain(asked.map(|asked| (asked, None)));
    let reasons = reasons.map(|(code, n)| chip("reason", code, code.to_owned(), n)).collect();
    let missing = |size: &String| chip("missing", size, format!("{} {size}", text("missing", "없음:")), None);
    let mut of_sizes: Vec<Chip> = sizes.iter().map(missing).collect();
    of_sizes.push(chip("stale", "true", text("older size set", "이전 크기 설정"), None));
    let mut handed_over: Vec<Chip> = Vec::new();
    handed_over.extend(query.get("delivery").map(|name| chip("delivery", name, name.to_owned(), None)));
    let (from, to) = (query.get("from").unwrap_or("…"), query.get("to").unwrap_or("…"));
    if (from, to) != ("…", "…") {
        let query = with(query, &[("from", None), ("to", None)]);
        handed_over.push(Chip { query, name: format!("{from} – {to}"), n: None, on: true });
    }
    let facet = |name, chips| Facet { name, chips };
    let facets = [
        facet(lang.pick("State", "상태"), states),
        facet(lang.pick("Reason", "사유"), reasons),
        facet(lang.pick("Size", "크기"), of_sizes),
        facet(lang.pick("Chosen", "선택한 조건"), handed_over),
    ];
    facets.into_iter().filter(|facet| !facet.chips.is_empty()).collect()
}

/// The dates of the filter as times: from the beginning of the one to the end of the other, in Seoul.
fn times(query: &Fields) -> Answer<Vec<(&'static str, String)>> {
    let read = |name: &str, time: fn(&str) -> Option<Timestamp>| {
        query.get(name).map(|day| time(day).ok_or_else(no_day)).transpose()
    };
    let (since, until) = (read("from", day_begins)?, read("to", day_ends)?);
    let named = [("since", since), ("until", until)];
    Ok(named.into_iter().filter_map(|(name, time)| Some((name, time?.to_string()))).collect())
}

fn no_day() -> Failure {
    Failure::Invalid(Text::new("Write a date as 2026-11-26.", "날짜는 2026-11-26 처럼 적어 주세요."))
}

/// The same page further on, or before.
fn around(ask: &Ask, name: &str, key: &str) -> String {
    let kept = ask.query.query_without(&["after", "before", "cd_idx", "lang", "theme"]);
    format!("?{kept}{}{name}={}", if kept.is_empty() { "" } else { "&" }, part(key))
}

/// The entities that are asked for: one by its number, or a part of the list.
async fn entities(ask: &Ask, vertical: &str) -> Answer<(EntitiesPage, Vec<EntityView>)> {
    let none = EntitiesPage { items: Vec::new(), next: None, previous: None };
    let of = |cd_idx: u64| format!("/api/v1/verticals/{}/entities/{cd_idx}", part(vertical));
    if let Some(asked) = ask.query.get("cd_idx") {
        let Ok(cd_idx) = asked.parse::<u64>() else { return Ok((none, Vec::new())) };
        return Ok((none, ask.find::<EntityView>(&of(cd_idx)).await?.into_iter().collect()));
    }
    let state = ask.query.get("state").filter(|state| STATES.contains(state)).map(|state| ("state", state));
    let times = times(&ask.query)?;
    let times = times.iter().map(|(name, time)| (*name, time.as_str()));
    let filters = FILTERS.into_iter().filter_map(|name| Some((name, ask.query.get(name)?)));
    let asked = and(filters.chain(state).chain(times));
    let list: EntitiesPage =
        ask.get(&format!("/api/v1/entities?vertical={}&limit={ENTITIES}{asked}", part(vertical))).await?;
    let paths: Vec<String> = list.items.iter().map(|EntitySummary { cd_idx, .. }| of(*cd_idx)).collect();
    let views = stream::iter(paths).map(|path| async move { ask.find::<EntityView>(&path).await });
    let views: Vec<Option<EntityView>> = views.buffered(SIDE_BY_SIDE).try_collect().await?;
    Ok((list, views.into_iter().flatten().collect()))
}

/// Columns for what rows of older size sets name, behind those of the size set of now.
fn add_sizes(sizes: &mut Vec<String>, views: &[EntityView]) {
    let cells = views.iter().flat_map(|view| &view.photos).flat_map(|photo| &photo.cells);
    let others: BTreeSet<String> = cells.map(|cell| cell.image_size.clone()).collect();
    let others: Vec<String> = others.into_iter().filter(|name| !sizes.contains(name)).collect();
    sizes.extend(others);
}

impl Entity {
    pub(super) fn of(view: EntityView, sizes: &[String], lang: Lang) -> Self {
        let photos: Vec<Photo> = view.photos.into_iter().map(|it| Photo::of(it, sizes, lang)).collect();
        let any = |is: fn(&Photo) -> bool| photos.iter().any(is);
        let badge = if any(|photo| photo.it.state == "rejected") {
            Badge::new(Tone::Bad, lang.pick("rejected", "거부됨"))
        } else if any(Photo::lacks) {
            Badge::new(Tone::Bad, lang.pick("mismatch", "불일치"))
        } else if any(|photo| photo.it.original.as_ref().is_some_and(|original| original.pending)) {
            Badge::new(Tone::Waits, lang.pick("in progress", "처리 중"))
        } else if photos.iter().all(|photo| photo.it.state == "removed") {
            Badge::new(Tone::Quiet, lang.pick("removed", "삭제됨"))
        } else {
            Badge::new(Tone::Good, lang.pick("complete", "완료"))
        };
        Self { cd_idx: view.cd_idx, badge, photos }
    }
}

impl Photo {
    fn of(mut it: PhotoView, sizes: &[String], lang: Lang) -> Self {
        let mut cells = std::mem::take(&mut it.cells);
        let is_served = it.serving_generation.is_some();
        let cells = sizes.iter().map(|size| match cells.iter().position(|cell| cell.image_size == *size) {
            Some(at) => Cell::Shown(cells.swap_remove(at)),
            None if it.missing.contains(size) && is_served => Cell::Missing,
            None => Cell::Empty,
        });
        let cells = cells.collect();
        let badges = [
            (it.state == "rejected" && is_served).then(|| {
                Badge::new(Tone::Warns, lang.pick("rejected, last good one is live", "거부됨, 이전 사진 게시 중"))
            }),
            (it.state == "rejected" && !is_served).then(|| Badge::new(Tone::Bad, lang.pick("rejected", "거부됨"))),
            (it.state == "removed").then(|| Badge::new(Tone::Quiet, lang.pick("removed", "삭제됨"))),
            it.stale.then(|| Badge::new(Tone::Warns, lang.pick("older size set", "이전 크기 설정"))),
            it.original
                .as_ref()
                .is_some_and(|original| original.pending)
                .then(|| Badge::new(Tone::Waits, lang.pick("being replaced", "교체 처리 중"))),
        ];
        Self { badges: badges.into_iter().flatten().collect(), it, cells }
    }

    /// Whether its badges say how it is: what is rejected or removed says so itself.
    pub(super) fn says_state(&self) -> bool {
        matches!(self.it.state.as_str(), "rejected" | "removed")
    }

    /// Whether an image that should be there has no row.
    fn lacks(&self) -> bool {
        self.cells.iter().any(|cell| matches!(cell, Cell::Missing))
    }
}

impl VerticalPage {
    /// Where another vertical has its page.
    fn vertical(&self, name: &str) -> String {
        format!("/verticals/{}", part(name))
    }

    /// What a file is called: the file, else its key; of what a delivery lacks and has no file its number, and how many more there are.
    fn file(&self, item: &AttentionItem) -> String {
        let named = item.file.as_deref().or(item.key.as_deref());
        match (named, item.cd_idx) {
            (Some(name), _) => name.to_owned(),
            (None, Some(cd_idx)) => cd_idx.to_string(),
            (None, None) if item.more > 0 => format!("+{}", thousands(item.more)),
            (None, None) => item.id.clone(),
        }
    }

    /// The badges of a photo, without the one that its row has for the whole entity already.
    fn badges(&self, photo: &Photo, entity: &Entity) -> Vec<Badge> {
        let is_only = entity.photos.len() == 1;
        photo.badges.iter().copied().filter(|badge| !is_only || *badge != entity.badge).collect()
    }

    fn address(&self, cell: &CellView) -> String {
        address(cell)
    }

    fn n(&self, n: &u64) -> String {
        thousands(*n)
    }

    fn path(&self) -> String {
        format!("/verticals/{}", part(&self.vertical))
    }
}
