//! What an attendant does with each original: at most three attempts, and a judgement.
//!
//! Only a child that died of an original is tried again; a limit that was broken is an answer. A child that has rendered before may have used up
//! some of its memory, so for want of memory only a fresh one counts: the same original gets the same answer, whoever came before.

use std::sync::{atomic::Ordering, mpsc::SyncSender};

use cameo_image::Rendered;

use super::{
    Job, Shared,
    process::{Outcome, RenderChild},
    unavailable,
};
use crate::{
    error::Result,
    reason::ReasonCode,
    render::{Protection, Rejection},
};

/// Fresh starts that an original gets.
const ATTEMPTS: u32 = 3;

/// Takes originals until no more can come. The first child is started at once where somebody waits for it.
pub(super) fn attend(shared: &Shared, started: Option<SyncSender<Result<Vec<Protection>>>>) {
    let mut child = None;
    if let Some(started) = started {
        let result = RenderChild::start(&shared.config, &shared.stopping);
        let protections = result.map(|fresh| child.insert(fresh).protections().to_vec());
        // Whoever waited and gave up drops the pool, which ends this thread too.
        drop(started.send(protections));
    }
    while let Some(Job { original, size_set, reply }) = shared.next() {
        // Nobody waits any more, for instance because the host is ending.
        if !reply.is_closed() {
            drop(reply.send(attempt(shared, &mut child, |child| child.render(&original, &size_set))));
        }
    }
}

fn attempt(
    shared: &Shared,
    place: &mut Option<RenderChild>,
    mut render: impl FnMut(&mut RenderChild) -> Outcome,
) -> Result<Result<Rendered, Rejection>> {
    let mut crashes = Vec::new();
    while crashes.len() < ATTEMPTS as usize {
        if shared.stopping.load(Ordering::Relaxed) {
            return Err(unavailable("render an original: the host is ending"));
        }
        let mut child = match place.take() {
            Some(child) => child,
            None => RenderChild::start(&shared.config, &shared.stopping)?,
        };
        let fresh = child.is_fresh();
        match render(&mut child) {
            Outcome::Answered(result) => {
                *place = Some(child).filter(|child| !child.is_worn());
                return Ok(result);
            }
            Outcome::OverTime(detail) => return Ok(Err(Rejection::new(ReasonCode::RenderTimeout, detail))),
            Outcome::OverMemory(detail) if fresh => {
                return Ok(Err(Rejection::new(ReasonCode::RenderMemory, detail)));
            }
            Outcome::OverMemory(_) => {}
            Outcome::Crashed(detail) => crashes.push(detail),
            Outcome::Unread(error) => {
                *place = Some(child);
                return Err(unavailable("read an original").because(error));
            }
            Outcome::Stopped => return Err(unavailable("render an original: the host is ending")),
        }
    }
    crashes.dedup();
    Ok(Err(Rejection::new(ReasonCode::RenderCrashed, crashes.join("; "))))
}
