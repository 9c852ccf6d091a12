//! What changed just now, as Server-Sent Events: pages ask again for what an event names, instead of asking all the time.
//!
//! An event says that something changed, not what, and only of what its listener may see. Changes are gathered for a second. At each look,
//! and so before each event, it is asked whether the listener may still be here: a stream ends with its session, account or token. Every
//! few minutes it ends by itself, and browsers come back.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures::stream;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{
    super::rights::{Caller, Viewer},
    overview::{Pending, pending},
    problems::Problems,
};
use crate::{
    client::wire::Changed,
    ledger::counts::KeptCount,
    model::{key::Vertical, token::Verticals},
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Streams side by side; more are refused.
const LISTENERS_MAX: usize = 64;
/// How often it is looked whether something changed, and whether the listener may still be here.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After this without an event a comment keeps the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a stream lasts: then whoever listens comes back, and is let in anew.
const LASTS: Duration = Duration::from_mins(2);
/// Verticals of a listener who is limited to some whose histories are looked at; of more the counts alone are.
const HISTORIES_MAX: usize = 32;
/// How the stream begins: when to come back, in milliseconds, and that it is there.
const HELLO: &str = "retry: 2000\nevent: hello\ndata: {}\n\n";

/// What is looked at for changes, as of a moment ago, and places for those who listen. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    last: Kept<Seen>,
    /// What waits of each vertical, where somebody listens who is limited to some.
    pending: Kept<Option<Pending>>,
    places: Arc<Semaphore>,
}

/// What was seen last, and when.
type Kept<T> = Arc<Mutex<Option<(Instant, T)>>>;

impl Default for Watched {
    fn default() -> Self {
        Self { last: Arc::default(), pending: Arc::default(), places: Arc::new(Semaphore::new(LISTENERS_MAX)) }
    }
}

/// What changes when something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    kept: Vec<KeptCount>,
    /// What waits.
    waiting: Vec<u64>,
    /// Dead letters; of those who are limited to verticals what waits says when one became one.
    dead: Vec<u64>,
    /// The last positions of the histories.
    positions: Vec<Option<u64>>,
}

impl Watched {
    /// What is to be seen now of everything: one look a second, however many listen.
    async fn all(&self, site: &Site) -> Answer<Seen> {
        remembered(&self.last, async {
            let newest = site.flow.catalog.changes_before(None, None, 1).await?;
            let depths = [site.events.depth().await?, site.registrations.depth().await?];
            Ok(Seen {
                kept: site.flow.catalog.kept_counts().await?,
                waiting: depths.iter().flat_map(|depth| [depth.visible, depth.in_flight]).collect(),
                dead: depths.iter().map(|depth| depth.dead).collect(),
                positions: vec![newest.first().map(|line| line.position)],
            })
        })
        .await
    }

    /// What is to be seen by somebody who may see these verticals.
    async fn of(&self, site: &Site, verticals: &Verticals) -> Answer<Seen> {
        let all = self.all(site).await?;
        let Verticals::Only(own) = verticals else { return Ok(all) };
        let pending = remembered(&self.pending, async { pending(site).await }).await?;
        let mut positions = Vec::new();
        for vertical in own.iter().take(HISTORIES_MAX) {
            let newest = site.flow.catalog.changes_before(None, Some(vertical), 1).await?;
            positions.push(newest.first().map(|line| line.position));
        }
        Ok(all.only(verticals, pending.as_ref(), positions))
    }
}

/// What was seen a moment ago, else what is seen now.
async fn remembered<T: Clone>(kept: &Kept<T>, look: impl Future<Output = Answer<T>>) -> Answer<T> {
    let mut last = kept.lock().await;
    if let Some((at, seen)) = last.as_ref()
        && at.elapsed() < LOOK_EVERY / 2
    {
        return Ok(seen.clone());
    }
    let seen = look.await?;
    *last = Some((Instant::now(), seen.clone()));
    Ok(seen)
}

impl Seen {
    /// The part of it that is of these verticals. What all queues hold together would tell of others.
    fn only(mut self, verticals: &Verticals, pending: Option<&Pending>, positions: Vec<Option<u64>>) -> Self {
        self.kept.retain(|count| {
            let vertical: Option<Vertical> = count.key.vertical.as_deref().and_then(|name| name.parse().ok());
            verticals.include_of(vertical.as_ref())
        });
        let own: BTreeMap<_, _> =
            pending.into_iter().flatten().filter(|(vertical, _)| verticals.include_of((*vertical).as_ref())).collect();
        let waiting = own.into_values().copied().collect();
        Self { kept: self.kept, waiting, dead: Vec::new(), positions }
    }

    fn changed(&self, before: &Self) -> Option<Changed> {
        let rejected = |seen: &Self| -> Vec<KeptCount> {
            seen.kept.iter().filter(|count| count.key.reason.is_some()).cloned().collect()
        };
        let (waits_otherwise, died) = (self.waiting != before.waiting, self.dead != before.dead);
        // Of few verticals nobody counts the dead letters: one that is theirs waits no more.
        let may_have_died = died || (self.dead.is_empty() && waits_otherwise);
        let changed = Changed {
            at: None,
            overview: self.kept != before.kept || waits_otherwise || died,
            attention: rejected(self) != rejected(before) || may_have_died,
            deliveries: self.kept != before.kept || self.positions != before.positions || waits_otherwise,
        };
        (changed.overview || changed.attention || changed.deliveries).then_some(changed)
    }
}

/// Says when counts, queues, work list or deliveries changed: at most one event a second.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "listen",
    tag = "console",
    responses(
        // A schema here would be one of every event.
        (status = 200, description = "Events: `hello`, whose data are empty, and `changed`, whose data are a `Changed` and say what to ask for \
            again.", content_type = "text/event-stream"),
        Problems
    ),
    security(("token" = ["viewer"]))
)]
pub(super) async fn listen(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Extension(watched): Extension<Watched>,
) -> Answer<Response> {
    let place = watched.places.clone().try_acquire_owned().map_err(|_| Problem::busy())?;
    let seen = watched.of(&site, &caller.verticals).await?;
    let listener = Listener { site, caller, watched, seen, began: Instant::now(), quiet_since: None, _place: place };
    let events = stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok::<_, Infallible>(text), listener))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies hold answers back otherwise.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// Somebody who listens.
struct Listener {
    site: Site,
    caller: Caller,
    watched: Watched,
    seen: Seen,
    began: Instant,
    /// When something was sent last; nothing yet where it is none.
    quiet_since: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// What to send next, once there is something; none where the stream ends.
    async fn next(&mut self) -> Option<String> {
        if self.quiet_since.is_none() {
            self.quiet_since = Some(Instant::now());
            return Some(HELLO.to_owned());
        }
        loop {
            let ending = self.site.ending.clone();
            if tokio::time::timeout(LOOK_EVERY, ending.cancelled()).await.is_ok() || self.began.elapsed() >= LASTS {
                return None;
            }
            let changed = match self.look().await {
                Ok(Looked::Changed(changed)) => Some(changed),
                Ok(Looked::Ended) => return None,
                // A place that is away changes nothing that could be shown, and nobody knows who may see it: the next look tries again.
                Ok(Looked::Nothing) | Err(_) => None,
            };
            if let Some(changed) = changed {
                self.quiet_since = Some(Instant::now());
                let changed = Changed { at: Some(self.site.clock.now()), ..changed };
                let data = serde_json::to_string(&changed).unwrap_or_default();
                return Some(format!("event: changed\ndata: {data}\n\n"));
            }
            if self.quiet_since.is_none_or(|since| since.elapsed() >= HEARTBEAT) {
                self.quiet_since = Some(Instant::now());
                return Some(": still here\n\n".to_owned());
            }
        }
    }

    async fn look(&mut self) -> Answer<Looked> {
        let Some(caller) = self.caller.still(&self.site).await? else { return Ok(Looked::Ended) };
        self.caller = caller;
        let seen = self.watched.of(&self.site, &self.caller.verticals).await?;
        let changed = seen.changed(&self.seen);
        self.seen = seen;
        Ok(changed.map_or(Looked::Nothing, Looked::Changed))
    }
}

/// What a look found.
enum Looked {
    Changed(Changed),
    Nothing,
    /// The listener may see nothing any more.
    Ended,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::counts::CountKey;

    fn seen(rejected: u64, waiting: u64, position: u64) -> Seen {
        let count = |vertical: &str, reason: Option<&str>, originals| KeptCount {
            key: CountKey {
                vertical: Some(vertical.into()),
                state: if reason.is_some() { "rejected" } else { "serving" }.into(),
                reason: reason.map(str::to_owned),
                serves: reason.is_none(),
            },
            originals,
        };
        let kept = vec![count("eye", Some("file.truncated"), rejected), count("nose", None, 3)];
        Seen { kept, waiting: vec![waiting, 0, 0, 0], dead: vec![0, 0], positions: vec![Some(position)] }
    }

    #[test]
    fn an_event_says_what_to_ask_for_again() {
        let told = |after: Seen| {
            let changed = after.changed(&seen(1, 0, 1));
            changed.map(|changed| (changed.overview, changed.attention, changed.deliveries))
        };
        assert_eq!(told(seen(1, 0, 1)), None);
        assert_eq!(told(seen(2, 0, 1)), Some((true, true, true)));
        assert_eq!(told(seen(1, 5, 1)), Some((true, false, true)));
        assert_eq!(told(seen(1, 0, 2)), Some((false, false, true)));
    }

    #[test]
    fn who_is_limited_to_verticals_hears_of_no_others() {
        let own = Verticals::only_or_all(["nose".parse().unwrap()]);
        let waits = |eye: u64, nose: u64| {
            Pending::from([(Some("eye".parse().unwrap()), eye), (Some("nose".parse().unwrap()), nose)])
        };
        let of = |all: Seen, pending: Pending| all.only(&own, Some(&pending), vec![Some(7)]);
        assert_eq!(of(seen(2, 9, 2), waits(9, 1)).changed(&of(seen(1, 0, 1), waits(0, 1))), None);
        assert!(of(seen(1, 1, 1), waits(0, 2)).changed(&of(seen(1, 0, 1), waits(0, 1))).is_some_and(|it| it.overview));
    }
}
