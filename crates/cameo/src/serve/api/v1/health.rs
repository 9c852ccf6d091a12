//! How the server is, for those who run it: whether an upload would go all the way, how long things wait, and what is left of disk and memory.

use std::fs;

use axum::{Extension, Json, extract::State};
use jiff::SignedDuration;

use super::{
    super::{
        health::{Health, certificate_check},
        rights::{Caller, Viewer},
        worklist::failing,
    },
    overview::queues,
    problems::Problems,
};
use crate::{
    client::wire::{CertificateView, CheckView, DiskView, HealthView, MemoryView},
    model::{key::UploadKey, token::Role},
    queue::dead_letter::keys_of_body,
    serve::{certificate::Certificate, host::Host, problem::Answer, site::Site},
};

/// How far back registrations are counted.
const RATE_OVER: SignedDuration = SignedDuration::from_mins(5);
/// Changes that are counted, at most, and at a time.
const COUNTED_MAX: u64 = 10_000;
const COUNTED_AT_ONCE: usize = 1000;
/// Messages of a queue that are looked into for the oldest.
const LOOKED_INTO_MAX: usize = 2000;
/// Bytes of a page of memory, as `/proc/self/statm` counts.
const PAGE_BYTES: u64 = 4096;

/// How the server is.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "get_health",
    tag = "console",
    responses((status = 200, description = "How it is.", body = HealthView), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn health(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Extension(health): Extension<Health>,
) -> Answer<Json<HealthView>> {
    let now = site.clock.now();
    let checks: Vec<CheckView> = health
        .of(&site.flow)
        .await
        .into_iter()
        .chain(certificate_check(&site.host, now))
        .map(|check| CheckView { what: check.what.to_owned(), ok: check.ok, error: check.error })
        .collect();
    let queues = queues(&site, &caller).await?;
    let oldest = queues.iter().filter_map(|queue| queue.oldest).min();
    let waited = oldest.map(|oldest| u64::try_from(now.duration_since(oldest).as_secs()).unwrap_or(0));
    Ok(Json(HealthView {
        at: now,
        ok: checks.iter().all(|check| check.ok),
        checks,
        queues,
        oldest_seconds: waited,
        oldest_key: oldest_key(&site, &caller).await?,
        registered_5m: registered(&site, &caller).await?,
        registers_at: site.window.as_ref().and_then(|window| window.closed_until(now)),
        // Those who may repair them; for others they are work of an engineer, in the work list.
        webhooks: if caller.role >= Role::Admin { failing(&site, &caller).await? } else { Vec::new() },
        disk: disk(&site.host, now),
        memory: memory(),
        workers: site.host.rendered_side_by_side.map(|many| many as u64),
        last_backup: site.host.last_backup(now),
        certificate: site.host.certificate.as_ref().map(|certificate| of_certificate(certificate, now)),
        started_at: site.host.started_at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

fn of_certificate(certificate: &Certificate, now: jiff::Timestamp) -> CertificateView {
    let facts = certificate.facts();
    let is_warned_of = facts.warning(now).is_some();
    CertificateView {
        names: facts.names,
        begins: facts.begins,
        ends: facts.ends,
        is_warned_of,
        fault: certificate.fault(),
    }
}

/// The first original that a message of a queue is about and the caller may see.
async fn oldest_key(site: &Site, caller: &Caller) -> Answer<Option<String>> {
    for queue in [&*site.events, &*site.registrations] {
        let Some(bodies) = queue.bodies(LOOKED_INTO_MAX).await? else { continue };
        let mut keys = bodies.iter().flat_map(|body| keys_of_body(body));
        if let Some(key) = keys.find(|key| caller.verticals.include_of(UploadKey::vertical(key).as_ref())) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// How many changes of what the caller may see were registered within the last minutes.
async fn registered(site: &Site, caller: &Caller) -> Answer<u64> {
    let since = site.clock.now() - RATE_OVER;
    let (mut before, mut counted) = (None, 0);
    while counted < COUNTED_MAX {
        let page = site.flow.catalog.changes_before(before, None, COUNTED_AT_ONCE).await?;
        let recent = page.iter().filter(|line| line.change.at >= since);
        counted += recent.filter(|line| caller.verticals.include_of(line.change.vertical.as_ref())).count() as u64;
        let Some(last) = page.last().filter(|last| last.change.at >= since && page.len() == COUNTED_AT_ONCE) else {
            break;
        };
        before = Some(last.position);
    }
    Ok(counted)
}

fn disk(host: &Host, now: jiff::Timestamp) -> Option<DiskView> {
    let (free, total) = host.disk()?;
    let bytes_per_day = host.filling(now, total.saturating_sub(free));
    let days = bytes_per_day.filter(|rate| *rate > 0).map(|rate| free / rate);
    Some(DiskView { free_bytes: free, total_bytes: total, bytes_per_day, days_until_full: days })
}

/// As Linux tells it; none elsewhere.
fn memory() -> Option<MemoryView> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    let available = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?.to_owned();
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    });
    Some(MemoryView { resident_bytes: pages * PAGE_BYTES, available_bytes: available })
}
