//! Sending files, to presigned addresses or straight to the bucket: several side by side, each tried again where the way there fails.
//!
//! A file is hashed as it is read: one that was changed since it was checked is not sent. An address that has ended is asked for anew. What
//! could not be sent is reported, and the next run sends it.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use rand::Rng;

use super::{
    direct::Direct,
    failed::Failed,
    plan::{Asked, uploads_of},
};
use crate::{
    client::{
        Client, Sender,
        wire::{Upload, UploadState},
    },
    clock::Clock,
    model::{
        error::{Error, Kind, Result},
        key::Vertical,
    },
    presign::SignedPut,
};

/// Files that are sent side by side: more do not fill an office's line better, and a server has others to serve.
pub const SIDE_BY_SIDE: usize = 6;
/// How often a file is tried.
const TRIES_MAX: u32 = 6;
/// The wait before the second try; it doubles.
pub const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Files that fail one after the other for want of a server: then it is gone, and trying the others would only take long.
const FAILED_IN_A_ROW_MAX: usize = 2 * SIDE_BY_SIDE;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The server has it.
    Done,
    /// The server has it, in place of other content that had its name.
    Replaced,
    /// It had it before.
    Present,
    /// It was not sent: why.
    Failed(String),
}

/// Gives the content of a file, by its place in the list.
pub trait Contents: Sync {
    /// All of it.
    fn read(&self, place: usize) -> impl Future<Output = std::io::Result<Bytes>> + Send;
}

/// What sending needs.
#[derive(Debug)]
pub struct Sending<'s, C> {
    /// The server.
    pub client: &'s Client,
    /// Where the files belong.
    pub vertical: &'s Vertical,
    /// The files.
    pub files: &'s [Asked],
    /// Their content.
    pub contents: &'s C,
    /// The bucket, where files go straight to it and not to addresses of the server's.
    pub direct: Option<&'s Direct>,
    /// The time, which a signature carries.
    pub clock: &'s dyn Clock,
    /// The wait before a file's second try: [`FIRST_WAIT`].
    pub first_wait: Duration,
    /// Ends the sending once it is true; files that are under way are finished.
    pub stop: &'s AtomicBool,
}

/// What all files that are sent side by side share.
#[derive(Debug)]
struct Shared {
    sender: Sender,
    failed_in_a_row: AtomicUsize,
    /// The fault that no other file would fare better with.
    ended: OnceLock<Error>,
}

impl<C: Contents> Sending<'_, C> {
    /// Sends what the server lacks; `heard` is told of each file. The states are in the order of the files. What would keep every file from
    /// being sent is an error, and the next run goes on.
    pub async fn run(&self, heard: impl Fn(&Asked, &Sent)) -> Result<Vec<Sent>> {
        let shared = Shared { sender: Sender::new()?, failed_in_a_row: AtomicUsize::new(0), ended: OnceLock::new() };
        let uploads = uploads_of(self.client, self.vertical, self.files, self.direct.is_none()).await?;
        let send = |(place, upload): (usize, Upload)| {
            let (shared, heard) = (&shared, &heard);
            async move {
                let sent = self.one(shared, place, upload).await;
                heard(&self.files[place], &sent);
                sent
            }
        };
        let sent = futures::stream::iter(uploads.into_iter().enumerate()).map(send).buffered(SIDE_BY_SIDE);
        let sent = sent.collect().await;
        shared.ended.into_inner().map_or(Ok(sent), Err)
    }

    async fn one(&self, shared: &Shared, place: usize, upload: Upload) -> Sent {
        match upload.state {
            UploadState::Present => return Sent::Present,
            UploadState::Refused => {
                return Sent::Failed(upload.hint.unwrap_or_else(|| "the server refuses the name".to_owned()));
            }
            UploadState::Upload => {}
        }
        if self.stop.load(Ordering::Relaxed) {
            return Sent::Failed("not sent: the push was interrupted".to_owned());
        }
        if shared.ended.get().is_some() {
            return Sent::Failed("not sent: the push had ended".to_owned());
        }
        let in_a_row = &shared.failed_in_a_row;
        if in_a_row.load(Ordering::Relaxed) >= FAILED_IN_A_ROW_MAX {
            return Sent::Failed("not sent: the server could not be reached for the files before it".to_owned());
        }
        let replaces = upload.replaces;
        let sent = self.with_retries(shared, place, upload).await;
        match &sent {
            Sent::Failed(_) => in_a_row.fetch_add(1, Ordering::Relaxed),
            Sent::Done | Sent::Replaced | Sent::Present => in_a_row.swap(0, Ordering::Relaxed),
        };
        if sent == Sent::Done && replaces { Sent::Replaced } else { sent }
    }

    async fn with_retries(&self, shared: &Shared, place: usize, mut upload: Upload) -> Sent {
        let file = &self.files[place];
        let content = match self.contents.read(place).await {
            Ok(content) => content,
            Err(error) => return Sent::Failed(format!("it cannot be read: {error}")),
        };
        if fast_md5::digest(&content) != file.hashes.md5 {
            return Sent::Failed("it was changed while it was being pushed; run the push again".to_owned());
        }
        let mut wait = self.first_wait;
        for attempt in 1.. {
            let failed = match self.attempt(&shared.sender, file, &upload, content.clone()).await {
                Ok(()) => return Sent::Done,
                Err(failed) => failed,
            };
            if attempt == TRIES_MAX || !failed.may_pass || self.stop.load(Ordering::Relaxed) {
                if let Some(error) = failed.then {
                    // The first one is as good as any.
                    let _ = shared.ended.set(error);
                }
                return Sent::Failed(failed.why);
            }
            // Somewhere between half and all of it, so that files do not come back all at once.
            tokio::time::sleep(wait.mul_f64(rand::rng().random_range(0.5..1.0))).await;
            wait *= 2;
            match self.anew(file).await {
                Ok(again) if again.state == UploadState::Present => return Sent::Present,
                Ok(again) if again.state == UploadState::Upload => upload = again,
                // The server is away: the old address is as good as any.
                _ => {}
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn anew(&self, file: &Asked) -> Result<Upload> {
        let mut uploads =
            uploads_of(self.client, self.vertical, std::slice::from_ref(file), self.direct.is_none()).await?;
        uploads
            .pop()
            .ok_or_else(|| Error::new(crate::model::error::Place::System, Kind::Unlisted, "ask for an address"))
    }

    async fn attempt(&self, sender: &Sender, file: &Asked, upload: &Upload, content: Bytes) -> Result<(), Failed> {
        let SignedPut { url, headers } = self.address(file, upload).await?;
        match (sender.put(&url, &headers, content).await, self.direct) {
            (Ok(answer), _) if answer.status.is_success() => Ok(()),
            (Ok(answer), Some(direct)) => Err(direct.failed(&answer, self.clock.now())),
            (Ok(answer), None) => Err(Failed::of(answer.status)),
            (Err(error), Some(direct)) => Err(direct.unreachable(&error)),
            (Err(error), None) => Err(Failed { why: error.to_string(), may_pass: true, then: None }),
        }
    }

    /// Where a file is sent: signed here, or by the server.
    async fn address(&self, file: &Asked, upload: &Upload) -> Result<SignedPut, Failed> {
        match (self.direct, &upload.url) {
            (Some(direct), _) => {
                let signed = direct.address(self.vertical, &file.name, &file.hashes.md5).await;
                signed.map_err(Failed::for_all)
            }
            (None, Some(url)) => Ok(SignedPut { url: url.clone(), headers: upload.headers.clone() }),
            (None, None) => {
                let why = "the server gave no address for it".to_owned();
                Err(Failed { why, may_pass: false, then: None })
            }
        }
    }
}
