//! The home page in one answer, made of counts that are kept.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State};

use super::{
    super::{
        rights::{Caller, Viewer},
        worklist::{Filter, Letters, Worklist, letters_of, worklist},
    },
    problems::Problems,
};
use crate::{
    client::wire::{AttentionCounts, Overview, OverviewCounts, QueueView, VerticalOverview},
    ledger::counts::{CountKey, KeptCount},
    model::{
        key::{UploadKey, Vertical},
        reason::Owner,
        token::Verticals,
    },
    queue::{Depth, Queue, dead_letter::keys_of_body},
    serve::{problem::Answer, site::Site},
};

/// Messages of a queue that are looked into for what is pending of each vertical; beyond them nobody says.
const LOOKED_INTO_MAX: usize = 2000;

/// How much is where, what waits, and how much somebody must act on.
#[utoipa::path(
    get,
    path = "/api/v1/overview",
    operation_id = "get_overview",
    tag = "console",
    responses((status = 200, description = "The overview.", body = Overview), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn overview(State(site): State<Site>, Viewer(caller): Viewer) -> Answer<Json<Overview>> {
    let kept = site.flow.catalog.kept_counts().await?;
    let work = worklist(&site, &caller, &Filter::default(), &kept, Letters::Counted).await?;
    let queues = queues(&site, &caller).await?;
    let pending = pending(&site).await?;
    let verticals = verticals(&site, &caller, &kept, pending.as_ref());
    let mut total = OverviewCounts { pending: pending.is_some().then_some(0), ..OverviewCounts::default() };
    for vertical in &verticals {
        add(&mut total, &vertical.counts);
    }
    let now = site.clock.now();
    Ok(Json(Overview {
        at: now,
        verticals,
        total,
        queues,
        registers_at: site.window.as_ref().and_then(|window| window.closed_until(now)),
        attention: attention(&work),
    }))
}

/// The queues of a site as the caller may see them: of somebody who is limited to verticals what is about those alone.
pub(in crate::serve::api) async fn queues(site: &Site, caller: &Caller) -> Answer<Vec<QueueView>> {
    let mut views = Vec::new();
    for (queue, step) in [(&*site.events, "resize"), (&*site.registrations, "register")] {
        if caller.verticals == Verticals::All {
            views.push(queue_view(queue, step, queue.depth().await?));
        } else if let Some(own) = own_depth(queue, caller).await? {
            views.push(queue_view(queue, step, own));
        }
    }
    Ok(views)
}

/// How many messages of a queue are about what a caller may see; none where it cannot be looked into.
async fn own_depth(queue: &dyn Queue, caller: &Caller) -> Answer<Option<Depth>> {
    let Some(bodies) = queue.bodies(LOOKED_INTO_MAX).await? else { return Ok(None) };
    let is_own = |key: &String| caller.verticals.include_of(UploadKey::vertical(key).as_ref());
    let own = bodies.iter().filter(|body| keys_of_body(body).iter().any(is_own)).count() as u64;
    let dead = letters_of(queue, caller, &Filter::default()).await?.0.len() as u64;
    Ok(Some(Depth { visible: own, dead, ..Depth::default() }))
}

fn queue_view(queue: &dyn Queue, step: &str, depth: Depth) -> QueueView {
    let Depth { visible, in_flight, dead, oldest } = depth;
    QueueView { name: queue.name().to_owned(), step: step.to_owned(), waiting: visible, in_flight, dead, oldest }
}

/// How many originals of each vertical wait.
pub(super) type Pending = BTreeMap<Option<Vertical>, u64>;

/// How many originals of each vertical a message is about; none where nobody can say.
pub(super) async fn pending(site: &Site) -> Answer<Option<Pending>> {
    let mut keys = BTreeSet::new();
    for queue in [&*site.events, &*site.registrations] {
        let Some(bodies) = queue.bodies(LOOKED_INTO_MAX).await? else { return Ok(None) };
        keys.extend(bodies.iter().flat_map(|body| keys_of_body(body)));
    }
    let mut pending = Pending::new();
    for key in keys {
        *pending.entry(UploadKey::vertical(&key)).or_default() += 1;
    }
    Ok(Some(pending))
}

fn attention(work: &Worklist) -> AttentionCounts {
    let owners: BTreeMap<String, u64> =
        Owner::ALL.iter().map(|owner| (owner.code().to_owned(), work.by_owner(*owner))).collect();
    AttentionCounts { total: owners.values().sum(), owners, unknown_deliveries: work.unknown_deliveries }
}

/// The verticals that somebody knows and the caller may see, and what belongs to none for those who may see all.
fn verticals(site: &Site, caller: &Caller, kept: &[KeptCount], pending: Option<&Pending>) -> Vec<VerticalOverview> {
    let parse = |name: &Option<String>| name.as_deref().and_then(|name| name.parse::<Vertical>().ok());
    let mut names: BTreeSet<Option<Vertical>> = kept.iter().map(|count| parse(&count.key.vertical)).collect();
    names.extend(site.flow.settings.size_sets.by_vertical.keys().cloned().map(Some));
    names.extend(pending.iter().flat_map(|pending| pending.keys().cloned()));
    let is_seen = |vertical: &Option<Vertical>| caller.verticals.include_of(vertical.as_ref());
    let (of_none, named): (Vec<_>, Vec<_>) = names.into_iter().filter(is_seen).partition(Option::is_none);
    let view = |vertical: Option<Vertical>| {
        let of_it = kept.iter().filter(|count| parse(&count.key.vertical) == vertical);
        let (mut counts, reasons) = counted(of_it);
        counts.pending = pending.map(|pending| pending.get(&vertical).copied().unwrap_or(0));
        let size_set = vertical.as_ref().map(|vertical| site.flow.settings.size_sets.of(vertical).label.clone());
        VerticalOverview { name: vertical.map(String::from), size_set, counts, reasons }
    };
    let of_none = of_none.into_iter().filter(|_| caller.verticals == Verticals::All);
    named.into_iter().chain(of_none).map(view).collect()
}

fn counted<'k>(kept: impl Iterator<Item = &'k KeptCount>) -> (OverviewCounts, BTreeMap<String, u64>) {
    let (mut counts, mut reasons) = (OverviewCounts::default(), BTreeMap::new());
    for KeptCount { key: CountKey { state, reason, serves, .. }, originals } in kept {
        match state.as_str() {
            "serving" => counts.serving += originals,
            "rejected" => counts.rejected += originals,
            "ignored" => counts.ignored += originals,
            _ => counts.removed += originals,
        }
        if *serves {
            counts.live += originals;
            counts.serving_older += if state == "rejected" { *originals } else { 0 };
        }
        if let Some(reason) = reason {
            *reasons.entry(reason.clone()).or_default() += originals;
        }
    }
    (counts, reasons)
}

fn add(total: &mut OverviewCounts, counts: &OverviewCounts) {
    total.live += counts.live;
    total.serving += counts.serving;
    total.rejected += counts.rejected;
    total.serving_older += counts.serving_older;
    total.ignored += counts.ignored;
    total.removed += counts.removed;
    total.pending = total.pending.zip(counts.pending).map(|(sum, more)| sum + more);
}
