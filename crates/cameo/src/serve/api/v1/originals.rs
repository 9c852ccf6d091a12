//! Changes of originals: another try, settled ones to quarantine, photos taken down, and everything brought back.
//!
//! What is asked for was seen on a page, and may be stale: each act looks again at the moment it acts, and the answer says what it left.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    super::{
        changes::require_own_letters,
        input,
        rights::{Caller, Operator},
        worklist::vertical_outside,
    },
    problems::Problems,
};
use crate::{
    client::wire::{
        KEYS_MAX, LettersRetried, LettersToRetry, OriginalsRestored, OriginalsRetried, OriginalsToDismiss,
        OriginalsToRestore, OriginalsToRetry, SetAside, Undo, Unpublish,
    },
    flow::requeue,
    ledger::{Scope, history::named_by},
    model::{
        actor::Actor,
        key::{CD_IDX_MAX, EntityId, UploadKey, Vertical},
    },
    proof::{
        dismiss::{Settling, dismiss_one},
        restore::{self, Asked, Restore, Side, Verdict, restore_one},
        unpublish::{self, PHOTOS_MAX},
    },
    queue::Queue,
    serve::{
        audited::{Named, Note},
        problem::{Answer, Problem},
        site::Site,
    },
    store::quarantine::{KeptId, NOTE_MAX_CHARS},
};

/// How far before the request the first of what it removes may be noted: clocks of several machines differ.
const UNDO_BEFORE: Duration = Duration::from_secs(1);

/// Sends the events of originals again: they are rendered and registered once more.
#[utoipa::path(
    post,
    path = "/api/v1/originals/retry",
    operation_id = "retry_originals",
    tag = "console",
    request_body = OriginalsToRetry,
    responses((status = 200, description = "How many were sent.", body = OriginalsRetried), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn retry(
    State(site): State<Site>,
    Operator(caller): Operator,
    input::Json(OriginalsToRetry { keys }): input::Json<OriginalsToRetry>,
) -> Answer<Response> {
    own_keys(&caller, &keys)?;
    let sent = requeue::requeue(&site.flow, &*site.events, &keys, site.clock.now()).await?;
    Ok(noted(keys, None, &OriginalsRetried { retried: sent.requeued, gone: sent.gone }))
}

/// Sends dead letters again.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/retry",
    operation_id = "retry_dead_letters",
    tag = "console",
    request_body = LettersToRetry,
    responses((status = 200, description = "How many were sent.", body = LettersRetried), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn retry_letters(
    State(site): State<Site>,
    Operator(caller): Operator,
    input::Json(LettersToRetry { queue, letters }): input::Json<LettersToRetry>,
) -> Answer<Response> {
    at_most(letters.len(), "letters")?;
    none_is_empty(&letters, "letters")?;
    let queues: [&dyn Queue; 2] = [&*site.events, &*site.registrations];
    let queue =
        queues.into_iter().find(|known| known.name() == queue).ok_or_else(|| Problem::not_found("such queue"))?;
    require_own_letters(&caller, queue, &letters).await?;
    let retried = queue.redrive(&letters).await?;
    Ok(noted(letters, None, &LettersRetried { retried }))
}

/// Moves rejected and misplaced files to quarantine that are settled. One beside which an older upload is served stays.
#[utoipa::path(
    post,
    path = "/api/v1/originals/dismiss",
    operation_id = "dismiss_originals",
    tag = "console",
    request_body = OriginalsToDismiss,
    responses((status = 200, description = "What was moved, and what was left.", body = SetAside), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn dismiss(
    State(site): State<Site>,
    Operator(caller): Operator,
    input::Json(OriginalsToDismiss { keys, note }): input::Json<OriginalsToDismiss>,
) -> Answer<Response> {
    own_keys(&caller, &keys)?;
    let note = a_note(note, false)?;
    let now = site.clock.now();
    let noted = Some(note.as_str()).filter(|note| !note.is_empty());
    let settling = Settling { by: Actor::new(&caller.name), note: noted, at: now };
    let flow = site.flow.acting_for(settling.by.as_ref());
    let mut acted = Acted::default();
    let mut keys = keys.into_iter();
    while let Some(key) = keys.next() {
        let moved = dismiss_one(&flow, &key, &settling).await;
        if !acted.note(key, moved)? {
            acted.left.extend(keys);
            break;
        }
    }
    site.outside.forget().await;
    site.open.forget().await;
    Ok(acted.answer(note, now))
}

/// Takes down an entity, or one photo of it: its originals go to quarantine, and everything that was made from them goes.
#[utoipa::path(
    post,
    path = "/api/v1/originals/unpublish",
    operation_id = "unpublish",
    tag = "console",
    request_body = Unpublish,
    responses((status = 200, description = "What was moved, and what was left.", body = SetAside), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn unpublish(
    State(site): State<Site>,
    Operator(caller): Operator,
    input::Json(asked): input::Json<Unpublish>,
) -> Answer<Response> {
    let vertical = caller.vertical(&asked.vertical)?;
    if !(1..=CD_IDX_MAX).contains(&asked.cd_idx) {
        return Err(Problem::not_found("such entity"));
    }
    if !site.host.delete_unpublishes {
        let detail = "register.delete_unpublishes is off: what was made from an original stays when it goes, so nothing was moved";
        return Err(Problem::invalid(detail));
    }
    let note = a_note(asked.note, true)?;
    let entity = EntityId { vertical, cd_idx: asked.cd_idx };
    let keys = unpublish::originals(&site.flow, &entity, asked.sequence).await?;
    if keys.is_empty() {
        return Err(Problem::not_found("such entity"));
    }
    if keys.len() > PHOTOS_MAX {
        return Err(Problem::invalid(format!(
            "the entity has more than {PHOTOS_MAX} photos: name one by its sequence"
        )));
    }
    let now = site.clock.now();
    let settling = Settling { by: Actor::new(&caller.name), note: Some(&note), at: now };
    let flow = site.flow.acting_for(settling.by.as_ref());
    let mut acted = Acted::default();
    let mut keys = keys.into_iter();
    while let Some(key) = keys.next() {
        let moved = unpublish::unpublish_one(&flow, &key, &settling).await;
        if !acted.note(key, moved)? {
            acted.left.extend(keys);
            break;
        }
    }
    Ok(acted.answer(note, now))
}

/// Brings back what was removed of some keys since a time; of each key the newest, and never over what has its key now.
#[utoipa::path(
    post,
    path = "/api/v1/originals/undo",
    operation_id = "undo",
    tag = "console",
    request_body = Undo,
    responses((status = 200, description = "What came back, and what did not.", body = OriginalsRestored), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn undo(
    State(site): State<Site>,
    Operator(caller): Operator,
    input::Json(Undo { keys, since }): input::Json<Undo>,
) -> Answer<Response> {
    own_keys(&caller, &keys)?;
    let asked = Asked { scope: Scope::All, keys: keys.into_iter().collect(), since: Some(since), generation: None };
    let (found, _) = restore::find(&*site.flow.store, &site.flow.settings, &asked).await?;
    let found = found.into_iter().filter(|found| found.bucket == Side::Originals);
    let ids = found.filter(|found| found.verdict == Verdict::Restore).map(|found| found.kept.id);
    bring_back(&site, &caller, ids.collect(), false).await
}

/// Brings originals back from quarantine by their ids.
#[utoipa::path(
    post,
    path = "/api/v1/originals/restore",
    operation_id = "restore_originals",
    tag = "console",
    request_body = OriginalsToRestore,
    responses((status = 200, description = "What came back, and what did not.", body = OriginalsRestored), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn restore_by_id(
    State(site): State<Site>,
    Operator(caller): Operator,
    input::Json(OriginalsToRestore { ids, over, vertical, cd_idx }): input::Json<OriginalsToRestore>,
) -> Answer<Response> {
    at_most(ids.len(), "ids")?;
    let parsed: Result<Vec<KeptId>, _> = ids.iter().map(|id| id.parse::<KeptId>()).collect();
    let parsed = parsed.map_err(|error| Problem::invalid(format!("ids: {error}")))?;
    // An id ends with the key.
    caller.change(parsed.iter().map(|id| vertical_of(&id.key)))?;
    let entity = match (vertical, cd_idx) {
        (Some(vertical), Some(cd_idx)) => Some((Some(caller.vertical(&vertical)?), Some(cd_idx))),
        (None, None) => None,
        _ => return Err(Problem::invalid("name both vertical and cd_idx, or neither")),
    };
    let is_of_it = |id: &KeptId| {
        let (vertical, cd_idx, _) = named_by(&id.key);
        entity.as_ref().is_none_or(|entity| *entity == (vertical, cd_idx))
    };
    if !parsed.iter().all(is_of_it) {
        return Err(Problem::not_found("such original of this entity in quarantine"));
    }
    bring_back(&site, &caller, ids, over).await
}

async fn bring_back(site: &Site, caller: &Caller, ids: Vec<String>, over: bool) -> Answer<Response> {
    let flow = site.flow.acting_for(Actor::new(&caller.name).as_ref());
    let mut done = OriginalsRestored { restored: Vec::new(), left: Vec::new() };
    for id in ids {
        let restore = Restore { bucket: Side::Originals, id: id.clone(), over };
        match restore_one(&flow, &restore).await {
            Ok(true) => done.restored.push(id),
            Ok(false) => done.left.push(id),
            // What came back before stays back, and the answer says so.
            Err(error) if done.restored.is_empty() => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, id, "an original could not be restored");
                done.left.push(id);
            }
        }
    }
    site.outside.forget().await;
    site.open.forget().await;
    Ok(noted(done.restored.clone(), None, &done))
}

/// What became of files that were to go to quarantine.
#[derive(Debug, Default)]
struct Acted {
    moved: Vec<String>,
    left: Vec<String>,
}

impl Acted {
    /// Notes what became of a key; whether to go on. A failure after something was moved does not hide that.
    fn note(&mut self, key: String, moved: crate::model::error::Result<bool>) -> Answer<bool> {
        match moved {
            Ok(true) => self.moved.push(key),
            Ok(false) => self.left.push(key),
            Err(error) if self.moved.is_empty() => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, key, "a file could not be moved to quarantine");
                self.left.push(key);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn answer(self, note: String, now: Timestamp) -> Response {
        let since = now.checked_sub(UNDO_BEFORE).unwrap_or(now);
        let undo = (!self.moved.is_empty()).then(|| Undo { keys: self.moved.clone(), since });
        let named = self.moved.clone();
        noted(named, Some(note), &SetAside { moved: self.moved, left: self.left, undo })
    }
}

/// The answer of a change, which names for the audit trail what it was about, and why.
pub(super) fn noted(named: Vec<String>, note: Option<String>, value: &impl Serialize) -> Response {
    let mut response = Json(value).into_response();
    response.extensions_mut().insert(Named(named));
    if let Some(note) = note.filter(|note| !note.is_empty()) {
        response.extensions_mut().insert(Note(note));
    }
    response
}

fn at_most(len: usize, what: &str) -> Answer<()> {
    if len > KEYS_MAX {
        return Err(Problem::invalid(format!("{what}: at most {KEYS_MAX} at a time")));
    }
    Ok(())
}

/// What is empty names nothing, and whoever sends it meant something else.
fn none_is_empty(names: &[String], what: &str) -> Answer<()> {
    if names.iter().any(String::is_empty) {
        return Err(Problem::invalid(format!("{what}: one of them is empty")));
    }
    Ok(())
}

fn own_keys(caller: &Caller, keys: &[String]) -> Answer<()> {
    at_most(keys.len(), "keys")?;
    none_is_empty(keys, "keys")?;
    caller.change(keys.iter().map(|key| vertical_of(key)))
}

/// The vertical that a key names, or that a file outside of `origin/` evidently belongs to.
fn vertical_of(key: &str) -> Option<Vertical> {
    UploadKey::vertical(key).or_else(|| vertical_outside(key))
}

/// A note that says why.
pub(super) fn a_note(note: String, is_needed: bool) -> Answer<String> {
    let note = note.trim().to_owned();
    let length = note.chars().count();
    if length > NOTE_MAX_CHARS || (is_needed && length == 0) {
        return Err(Problem::invalid(format!("note: say why, in at most {NOTE_MAX_CHARS} characters")));
    }
    Ok(note)
}
