//! What an attendant does with each original: at most three attempts, and a judgement.
//!
//! Only a child that died of an original is tried again; a limit that was broken is an answer. A child that has rendered before may have used up
//! some of its memory, so for want of memory only a fresh one counts: the same original gets the same answer, whoever came before.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{atomic::Ordering, mpsc::SyncSender},
};

use cameo_image::Rendered;

use super::{
    Assignment, Shared,
    process::{Attempt, RenderChild},
    unavailable,
};
use crate::{
    model::{
        error::{Error, Kind, Place, Result},
        reason::ReasonCode,
    },
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
    while let Some(Assignment { original, size_set, reply }) = shared.next() {
        // Nobody waits any more, for instance because the host is ending.
        if !reply.is_closed() {
            drop(reply.send(unless_it_panics(&mut child, |child| {
                attempt(shared, child, |child| child.render(&original, &size_set))
            })));
        }
    }
}

/// An attempt that panics is a fault of this program, met with one original: it must not cost the pool one of its threads. The child may be
/// in any state by then, so it goes.
fn unless_it_panics(
    child: &mut Option<RenderChild>,
    attempt: impl FnOnce(&mut Option<RenderChild>) -> Result<Result<Rendered, Rejection>>,
) -> Result<Result<Rendered, Rejection>> {
    panic::catch_unwind(AssertUnwindSafe(|| attempt(child))).unwrap_or_else(|_| {
        *child = None;
        Err(Error::new(Place::Engine, Kind::Unlisted, "render an original: its attendant panicked"))
    })
}

/// Whose failure it is that an original cannot be read: one object's, or the machine's.
fn unread(error: io::Error) -> Error {
    // EIO, and a file that ends before its recorded length.
    let is_damaged = error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
        || error.kind() == io::ErrorKind::UnexpectedEof;
    let kind = if is_damaged { Kind::Corrupt } else { Kind::Unavailable };
    Error::new(Place::Store, kind, "read an original").because(error)
}

fn attempt(
    shared: &Shared,
    place: &mut Option<RenderChild>,
    mut render: impl FnMut(&mut RenderChild) -> Attempt,
) -> Result<Result<Rendered, Rejection>> {
    let mut crashes = Vec::new();
    while crashes.len() < ATTEMPTS as usize {
        // Before each attempt: a host that is ending would else wait for up to three fresh children.
        if shared.stopping.load(Ordering::Relaxed) {
            return Err(unavailable("render an original: the host is ending"));
        }
        // Taken, and put back only where it is as good as before: a child that broke a limit or died is dropped, which ends its process.
        let mut child = match place.take() {
            Some(child) => child,
            None => RenderChild::start(&shared.config, &shared.stopping)?,
        };
        let fresh = child.is_fresh();
        match render(&mut child) {
            Attempt::Answered(result) => {
                *place = Some(child).filter(|child| !child.is_worn());
                return Ok(result);
            }
            Attempt::OverTime(detail) => return Ok(Err(Rejection::new(ReasonCode::RenderTimeout, detail))),
            Attempt::OverMemory(detail) if fresh => {
                return Ok(Err(Rejection::new(ReasonCode::RenderMemory, detail)));
            }
            // Not counted as a crash. The next child is a fresh one, so this is met once at most.
            Attempt::OverMemory(_) => {}
            Attempt::Crashed(detail) => crashes.push(detail),
            Attempt::Unread(error) => {
                // Nothing was asked of the child, so it keeps its place.
                *place = Some(child);
                return Err(unread(error));
            }
            Attempt::Stopped => return Err(unavailable("render an original: the host is ending")),
        }
    }
    crashes.dedup();
    Ok(Err(Rejection::new(ReasonCode::RenderCrashed, crashes.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From reading: an attendant's thread that panicked was not replaced, and its place in the pool was lost.
    #[test]
    fn a_panic_is_an_error_of_one_original_and_the_attendant_goes_on() {
        let error = unless_it_panics(&mut None, |_| panic!("a fault of ours")).unwrap_err();
        assert_eq!((error.place(), error.kind()), (Place::Engine, Kind::Unlisted));
        let rejected = Rejection::new(ReasonCode::FileCorrupt, "bad");
        let answered = unless_it_panics(&mut None, |_| Ok(Err(rejected.clone()))).unwrap();
        assert_eq!(answered.unwrap_err(), rejected);
    }

    #[test]
    fn an_original_that_is_damaged_is_told_from_a_machine_that_lacks_something() {
        let kinds = [rustix::io::Errno::IO, rustix::io::Errno::MFILE].map(|errno| unread(errno.into()).kind());
        assert_eq!(kinds, [Kind::Corrupt, Kind::Unavailable]);
        assert_eq!(unread(io::ErrorKind::UnexpectedEof.into()).kind(), Kind::Corrupt);
    }
}
