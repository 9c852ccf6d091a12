//! The content of the files: hashes, and what the engine says of each one. On all cores, a file in memory for each.
//!
//! A verdict is the server's own: the same engine decodes all of the file under the same limits; only nothing is made of
//! it. What the caller knows already is neither read nor decoded again.

use std::{
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use cameo_image::{Inspected, Limits, Reason, Rejection};
use sha2::{Digest, Sha256};

use super::{entry::Entry, source::Source};
use crate::model::{
    cause,
    lang::Text,
    plain::{not_a_jpeg, plain},
    reason::ReasonCode,
};

/// A decision is made on this much of a file's beginning, bytes.
const BEGINNING_BYTES: usize = 16;
/// Room that a thread keeps for the next file, at most. 16 MiB.
const KEPT_ROOM_BYTES: usize = 16 << 20;

/// Hashes of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hashes {
    /// Its MD5, as an `ETag` has it.
    pub md5: [u8; 16],
    /// Its SHA-256, as a hand-over is proven by.
    pub sha256: [u8; 32],
}

/// What a caller knows of files before they are looked at.
pub trait Known: Sync {
    /// The hashes of a file that is known to be as it was when they were taken: it is not read.
    fn hashes(&self, _entry: &Entry) -> Option<Hashes> {
        None
    }

    /// Whether the server has accepted this content already: it is not decoded.
    fn is_accepted(&self, _entry: &Entry, _hashes: &Hashes) -> bool {
        false
    }
}

/// Nothing is known: every file is read and decoded.
#[derive(Debug, Clone, Copy)]
pub struct NothingKnown;

impl Known for NothingKnown {}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Files that were looked at.
    pub files: u64,
    /// Files that are to be looked at.
    pub of_files: u64,
    /// Bytes of those that were looked at.
    pub bytes: u64,
}

/// What the content of a file is.
#[derive(Debug, Clone, Default)]
pub(super) struct Looked {
    /// Its hashes, unless it could not be read or was too large to be.
    pub(super) hashes: Option<Hashes>,
    /// Why it cannot be uploaded.
    pub(super) fault: Option<Box<(ReasonCode, Text)>>,
    /// What it shows, where it was decoded.
    pub(super) picture: Option<Inspected>,
}

/// What looking needs.
pub(super) struct Look<'a> {
    pub(super) source: &'a Source,
    pub(super) limits: &'a Limits,
    pub(super) known: &'a dyn Known,
    pub(super) threads: usize,
    pub(super) stop: &'a AtomicBool,
    pub(super) progress: &'a (dyn Fn(Progress) + Sync),
}

impl Look<'_> {
    /// Looks at the entries of these places. None where it was stopped.
    pub(super) fn at_all(&self, places: &[usize]) -> Option<Vec<(usize, Looked)>> {
        let (next, done, bytes) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let work = || {
            let (mut found, mut room) = (Vec::new(), Vec::new());
            while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
                let entry = &self.source.entries()[*place];
                found.push((*place, self.at(entry, &mut room)));
                let files = done.fetch_add(1, Ordering::Relaxed) + 1;
                let bytes = bytes.fetch_add(entry.size, Ordering::Relaxed) + entry.size;
                (self.progress)(Progress { files, of_files: places.len() as u64, bytes });
            }
            found
        };
        let threads = self.threads.clamp(1, places.len().max(1));
        let mut found: Vec<(usize, Looked)> = std::thread::scope(|scope| {
            let working: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            working.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        });
        found.sort_unstable_by_key(|(place, _)| *place);
        (!self.stop.load(Ordering::Relaxed)).then_some(found)
    }

    fn at(&self, entry: &Entry, room: &mut Vec<u8>) -> Looked {
        if let Some(hashes) = self.known.hashes(entry)
            && self.known.is_accepted(entry, &hashes)
        {
            return Looked { hashes: Some(hashes), ..Looked::default() };
        }
        if entry.size > self.limits.max_bytes {
            return too_large(entry.size, self.limits.max_bytes);
        }
        room.clear();
        room.shrink_to(KEPT_ROOM_BYTES);
        if let Err(error) = self.read(entry, room) {
            let korean = format!("읽을 수 없습니다: {}", cause::in_korean(&error));
            let why = Text::new(format!("it cannot be read: {error}"), korean);
            return Looked::faulty(ReasonCode::FileUnreadable, why);
        }
        if room.len() as u64 > self.limits.max_bytes {
            return too_large(room.len() as u64, self.limits.max_bytes);
        }
        let hashes = Hashes { md5: fast_md5::digest(room), sha256: Sha256::digest(&*room).into() };
        if self.known.is_accepted(entry, &hashes) {
            return Looked { hashes: Some(hashes), ..Looked::default() };
        }
        Looked { hashes: Some(hashes), ..judge(room, self.limits) }
    }

    /// All of an entry, up to one byte more than is allowed.
    fn read(&self, entry: &Entry, room: &mut Vec<u8>) -> io::Result<()> {
        self.source.read(entry, |content| {
            room.reserve(usize::try_from(entry.size).unwrap_or(0).saturating_add(1));
            content.take(self.limits.max_bytes.saturating_add(1)).read_to_end(room).map(drop)
        })
    }
}

impl Looked {
    fn faulty(code: ReasonCode, why: Text) -> Self {
        Self { fault: Some(Box::new((code, why))), ..Self::default() }
    }
}

/// What the engine says of a file.
fn judge(content: &[u8], limits: &Limits) -> Looked {
    match catch_unwind(AssertUnwindSafe(|| cameo_image::inspect(content, limits))) {
        Ok(Ok(picture)) => Looked { picture: Some(picture), ..Looked::default() },
        Ok(Err(rejection)) => {
            let text = explained(content, &rejection);
            Looked::faulty(rejection.reason.into(), text)
        }
        Err(_) => Looked::faulty(ReasonCode::RenderCrashed, plain(ReasonCode::RenderCrashed, "")),
    }
}

/// What it means, with the engine's own words for an engineer behind it.
fn explained(content: &[u8], rejection: &Rejection) -> Text {
    let text = if rejection.reason == Reason::NotJpeg {
        not_a_jpeg(&content[..content.len().min(BEGINNING_BYTES)])
    } else {
        plain(rejection.reason.into(), &rejection.detail)
    };
    Text { technical: Some(rejection.detail.clone()), ..text }
}

fn too_large(size: u64, max_bytes: u64) -> Looked {
    let text = Text::new(
        format!("{size} bytes; at most {max_bytes} are allowed"),
        format!("{size}바이트입니다. 최대 {max_bytes}바이트까지 올릴 수 있습니다"),
    );
    Looked::faulty(ReasonCode::FileTooLarge, text)
}
