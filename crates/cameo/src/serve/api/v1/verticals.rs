//! Verticals: which there are, what is made of their originals, and how many are in which state.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use cameo_image::Fit;

use super::{
    super::{
        input::{Paging, Query},
        rights::Viewer,
    },
    problems::Problems,
};
use crate::{
    client::wire::{ImageSizeView, Page, VerticalCounts, VerticalView},
    ledger::Count,
    model::key::Vertical,
    serve::{problem::Answer, site::Site},
};

/// The verticals that the ledger knows or the configuration names.
#[utoipa::path(
    get,
    path = "/api/v1/verticals",
    operation_id = "list_verticals",
    tag = "photos",
    params(Paging),
    responses((status = 200, description = "Verticals in the order of their names.", body = Page<VerticalView>), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<VerticalView>>> {
    let (limit, after) = (paging.limit()?, paging.after()?);
    let mut counted = BTreeMap::<Vertical, Vec<Count>>::new();
    for vertical in site.flow.settings.size_sets.by_vertical.keys() {
        counted.entry(vertical.clone()).or_default();
    }
    for count in site.flow.catalog.counts().await? {
        // What belongs to no vertical has no name to be listed by.
        if let Some(vertical) = count.vertical.as_deref().and_then(|name| name.parse().ok()) {
            counted.entry(vertical).or_default().push(count);
        }
    }
    let mut wanted =
        counted.into_iter().filter(|(vertical, _)| vertical.as_str() > after && caller.verticals.include(vertical));
    let items: Vec<_> = wanted.by_ref().take(limit).map(|(vertical, counts)| view(&site, &vertical, counts)).collect();
    let next = wanted.next().and(items.last().map(|last: &VerticalView| last.name.clone()));
    Ok(Json(Page { items, next }))
}

fn view(site: &Site, vertical: &Vertical, counted: Vec<Count>) -> VerticalView {
    let set = site.flow.settings.size_sets.of(vertical);
    let (mut counts, mut reasons) = (VerticalCounts::default(), BTreeMap::new());
    for Count { state, reason, originals, .. } in counted {
        match state.as_str() {
            "serving" => counts.serving += originals,
            "rejected" => counts.rejected += originals,
            "ignored" => counts.ignored += originals,
            _ => counts.removed += originals,
        }
        if let Some(reason) = reason {
            *reasons.entry(reason).or_default() += originals;
        }
    }
    let image_sizes = set.sizes.sizes().iter().map(|size| ImageSizeView {
        name: size.name.clone(),
        width: size.width,
        height: size.height,
        fit: match size.fit {
            Fit::Cover => "cover",
            Fit::Inside => "inside",
        }
        .to_owned(),
    });
    VerticalView {
        name: vertical.as_str().to_owned(),
        size_set: set.label.clone(),
        image_sizes: image_sizes.collect(),
        counts,
        reasons,
    }
}
