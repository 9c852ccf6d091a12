//! Whether the server could do its work now: what `GET /api/health` answers to a monitor.
//!
//! A look that only asks whether a place answers says yes on a full disk. So each place is made to do what an upload needs of it: the store
//! takes and removes a little content, the database is told the statements that register on no rows, the engine renders a picture of a few
//! pixels. That costs some fsyncs, so an answer holds for a few seconds however many ask, and only one look is under way at a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cameo_image::encode_rgb;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::{
    flow::Flow,
    model::error::{Error, Kind, Result},
    serve::host::Host,
};

/// How long an answer holds.
const HOLDS_FOR: Duration = Duration::from_secs(3);
/// How long one place may take: a disk or a database that takes longer does no uploads either.
const PLACE_TIMEOUT: Duration = Duration::from_secs(10);
/// Side of the picture that the engine is asked to render, pixels.
const SIDE: u32 = 8;

/// The state of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The place.
    pub what: &'static str,
    /// Whether it can do its work.
    pub ok: bool,
    /// What it failed at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The certificate of the listeners that speak TLS. One that is about to end, or that a broken one was to replace, still does its work.
pub(super) fn certificate_check(host: &Host, now: Timestamp) -> Option<Check> {
    let certificate = host.certificate.as_ref()?;
    let error = certificate.warning(now).filter(|_| certificate.has_expired(now)).map(|warning| warning.english);
    Some(Check { what: "certificate", ok: error.is_none(), error })
}

/// What was found, and when.
type Found = (Instant, Vec<Check>);

/// Looks at the places of a flow, and remembers what it found for a moment. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    last: Arc<Mutex<Option<Found>>>,
}

impl Health {
    /// The state of each place, as of a few seconds ago at most.
    pub async fn of(&self, flow: &Flow) -> Vec<Check> {
        let mut last = self.last.lock().await;
        if let Some((at, checks)) = last.as_ref()
            && at.elapsed() < HOLDS_FOR
        {
            return checks.clone();
        }
        let checks = probe(flow).await;
        *last = Some((Instant::now(), checks.clone()));
        checks
    }
}

/// Makes every place do a little of its work, one beside the other.
pub async fn probe(flow: &Flow) -> Vec<Check> {
    let (store, catalog, engine) = tokio::join!(
        check("store", flow.store.probe()),
        check("catalog", flow.catalog.probe()),
        check("engine", render_a_little(flow)),
    );
    vec![store, catalog, engine]
}

async fn check(what: &'static str, work: impl Future<Output = Result<()>>) -> Check {
    let error = match tokio::time::timeout(PLACE_TIMEOUT, work).await {
        Ok(result) => result.err().map(|error: Error| error.to_string()),
        // An engine that is busy with large originals lets this one wait: that is work, not an outage.
        Err(_) if what == "engine" => None,
        Err(_) => Some(format!("no answer within {} s", PLACE_TIMEOUT.as_secs())),
    };
    Check { what, ok: error.is_none(), error }
}

async fn render_a_little(flow: &Flow) -> Result<()> {
    let grey = vec![128; (SIDE * SIDE * 3) as usize];
    let original = Bytes::from(encode_rgb(&grey, SIDE, SIDE, 80));
    let size_set = &flow.settings.size_sets.default;
    match flow.render.render(original.into(), &size_set.sizes).await {
        // A process that has no engine needs none.
        Err(error) if error.kind() != Kind::Misconfigured => Err(error),
        // A rejection, such as of a picture this small, is an answer of an engine that works.
        _ => Ok(()),
    }
}
