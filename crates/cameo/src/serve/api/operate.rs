//! Questions that are answered in frames: what is asked is checked here, `operate` does it, and what it writes is sent as it comes.
//!
//! The answer begins at once, with how far the work is, since a long look may take minutes. Few of them run side by side; the others
//! are refused before their bodies are read. What is changed is noted in the audit trail key by key, by whoever changes it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    lines::{self, LineSender},
    rights::Caller,
};
use crate::{
    client::wire::{Ended, Frame, Part, ProgressView, StepView},
    ledger::image_urls::ImageUrls,
    model::{actor::Actor, error::Result, key::DeliveryKey, lang::Lang, token::Verticals},
    operate::{
        Output, System,
        act::{Act, Direct},
        dismiss, exit_code, reconcile, relocate, restore, retry, status, verify,
    },
    proof::{
        deliveries::dismissed_lines::DismissedLine,
        relocate::{Relocation, Staged},
        repair::Acted,
        restore::Restore,
        verify::{Places, Progress, Queues, Step},
    },
    serve::{
        audit::Event,
        audited::{Named, NotesItself, Trail},
        images::client::HttpImages,
        problem::{Answer, Problem},
        request_id::RequestId,
        site::Site,
    },
};

/// Questions that are worked on side by side: each holds a page of everything, and asks every place.
const OPERATIONS_MAX: usize = 8;
/// Bytes that are sent at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Places for questions that are worked on.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(OPERATIONS_MAX)))
    }
}

/// A question that has its place: with what it is worked on.
#[derive(Debug)]
pub(super) struct Asking {
    site: Site,
    id: RequestId,
    trail: Trail,
    /// Held until the answer has ended.
    _place: OwnedSemaphorePermit,
}

impl FromRequestParts<Site> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Answer<Self> {
        let extensions = &parts.extensions;
        let (room, id, trail) = (extensions.get::<Room>(), extensions.get::<RequestId>(), extensions.get::<Trail>());
        let (Some(room), Some(id), Some(trail)) = (room, id, trail) else {
            return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request came past its door"));
        };
        let place = room.0.clone().try_acquire_owned().map_err(|_| Problem::busy())?;
        Ok(Self { site: site.clone(), id: id.clone(), trail: trail.clone(), _place: place })
    }
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Question {
    /// Whether everything is there.
    Verify(verify::Verify),
    /// How things are.
    Status(status::Status),
    /// To try again.
    Retry(retry::Retry),
    /// To settle.
    Dismiss(dismiss::Dismiss),
    /// To bring back.
    Restore(restore::Restoring),
    /// To move to another vertical.
    Move(relocate::Move),
    /// To repair.
    Reconcile(reconcile::Reconcile),
}

impl Asking {
    /// The answer, frame by frame, with text for people in their language.
    pub(super) fn answer(self, caller: &Caller, lang: Lang, question: Question) -> Response {
        let (id, verticals, by) = (self.id.clone(), caller.verticals.clone(), Actor::new(&caller.name));
        let response = lines::respond(&id, |lines| async move {
            let mut frames = Frames { to: lines, lang, held: BytesMut::new(), failed: None };
            // The first word, before anything is looked at.
            frames.progress(Progress { entities: 0, step: Step::Entities });
            frames.ready().await;
            let images = self.site.public_images.open()?;
            let state = self.work(&images, (&verticals, by), question, &mut frames).await?;
            frames.ready().await;
            match frames.failed {
                Some(error) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())),
                None => Ok(Ended { exit_code: exit_code(state), state }),
            }
        });
        (axum::Extension(NotesItself), response).into_response()
    }

    async fn work(
        &self,
        images: &HttpImages,
        (verticals, by): (&Verticals, Option<Actor>),
        question: Question,
        frames: &mut Frames,
    ) -> Result<crate::proof::verify::EntityState> {
        let site = &self.site;
        let urls = site.row_urls();
        let queues = [&*site.events, &*site.registrations];
        let direct = Direct { flow: &site.flow, queues: Some(queues), urls, now: site.clock.now(), by };
        let act = Noted { direct, trail: &self.trail };
        let system = System {
            places: site.to_verify(images),
            window: site.window.as_ref(),
            zone: &site.zone,
            verticals,
            act: &act,
        };
        match question {
            Question::Verify(asked) => verify::run(&system, asked, frames).await,
            Question::Status(asked) => status::run(&system, &asked, frames).await,
            Question::Retry(asked) => retry::run(&system, &asked, frames).await,
            Question::Dismiss(asked) => {
                let state = dismiss::run(&system, &asked, frames).await;
                site.outside.forget().await;
                site.open.forget().await;
                state
            }
            Question::Restore(asked) => restore::run(&system, &asked, frames).await,
            Question::Move(asked) => relocate::run(&system, &asked, frames).await,
            Question::Reconcile(asked) => reconcile::run(&system, &asked, frames).await,
        }
    }
}

impl Site {
    /// The base that rows must have; none where nobody knows it.
    fn row_urls(&self) -> Option<&ImageUrls> {
        Some(&self.images_url).filter(|_| !self.public_images.base.is_empty())
    }

    /// The places as verifying takes them.
    fn to_verify<'s>(&'s self, images: &'s HttpImages) -> Places<'s> {
        Places {
            store: &*self.flow.store,
            catalog: &*self.flow.catalog,
            served: images,
            queues: Some(Queues { events: &*self.events, registrations: &*self.registrations }),
            urls: self.row_urls(),
            settings: &self.flow.settings,
            clock: &*self.clock,
        }
    }
}

/// Frames on their way to the client.
#[derive(Debug)]
struct Frames {
    to: LineSender,
    lang: Lang,
    held: BytesMut,
    failed: Option<serde_json::Error>,
}

impl Frames {
    fn write(&mut self, frame: &impl Serialize) {
        match serde_json::to_vec(frame) {
            Ok(line) => {
                self.held.extend_from_slice(&line);
                self.held.extend_from_slice(b"\n");
            }
            Err(error) => drop(self.failed.get_or_insert(error)),
        }
    }
}

impl Output for Frames {
    fn lang(&self) -> Lang {
        self.lang
    }

    fn item<J: Serialize + ?Sized>(&mut self, json: Option<&J>, text: impl FnOnce() -> Vec<String>) {
        let text = text();
        if json.is_some() || !text.is_empty() {
            self.write(&Part { json, text });
        }
    }

    fn note(&mut self, text: &str) {
        self.write(&Frame { note: Some(text.to_owned()), ..Frame::default() });
    }

    fn progress(&mut self, Progress { entities, step }: Progress) {
        let step = match step {
            Step::Entities => StepView::Entities,
            Step::Objects => StepView::Objects,
            Step::Sample => StepView::Sample,
        };
        self.write(&Frame { progress: Some(ProgressView { entities, step }), ..Frame::default() });
    }

    async fn ready(&mut self) {
        while !self.held.is_empty() {
            let piece = self.held.split_to(PIECE_BYTES.min(self.held.len()));
            self.to.written(piece.freeze()).await;
        }
    }
}

/// Changes the system, and notes each key in the audit trail.
#[derive(Debug)]
struct Noted<'n> {
    direct: Direct<'n>,
    trail: &'n Trail,
}

impl Noted<'_> {
    /// Notes what `change` changes: as broken off where it is dropped midway.
    async fn noting<T>(&self, keys: &[String], change: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.noting_why(keys, None, change).await
    }

    async fn noting_why<T>(
        &self,
        keys: &[String],
        why: Option<&str>,
        change: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if keys.is_empty() {
            return change.await;
        }
        let open = self.trail.open(Named(keys.to_vec()), why);
        let done = change.await;
        match &done {
            Ok(_) => open.end(Event::Change, StatusCode::OK),
            Err(_) => open.end(Event::Refusal, StatusCode::SERVICE_UNAVAILABLE),
        }
        done
    }
}

#[async_trait]
impl Act for Noted<'_> {
    async fn requeue(&self, keys: &[String]) -> Result<Vec<String>> {
        self.noting(keys, self.direct.requeue(keys)).await
    }

    async fn redrive(&self, queue: &str, ids: &[String]) -> Result<()> {
        self.noting(ids, self.direct.redrive(queue, ids)).await
    }

    async fn remove_absent(&self, keys: &[String]) -> Result<Acted> {
        self.noting(keys, self.direct.remove_absent(keys)).await
    }

    async fn take_down(&self, keys: &[String]) -> Result<Acted> {
        self.noting(keys, self.direct.take_down(keys)).await
    }

    async fn rewrite_urls(&self, keys: &[String]) -> Result<u64> {
        self.noting(keys, self.direct.rewrite_urls(keys)).await
    }

    async fn dismiss(&self, keys: &[String], note: Option<&str>) -> Result<Acted> {
        self.noting_why(keys, note, self.direct.dismiss(keys, note)).await
    }

    async fn restore(&self, restores: &[Restore]) -> Result<Acted> {
        let ids: Vec<String> = restores.iter().map(|restore| restore.id.clone()).collect();
        self.noting(&ids, self.direct.restore(restores)).await
    }

    async fn relocate(&self, photos: &[Relocation]) -> Result<Vec<Staged>> {
        let keys: Vec<String> = photos.iter().flat_map(|photo| [photo.from.clone(), photo.to.clone()]).collect();
        self.noting(&keys, self.direct.relocate(photos)).await
    }

    async fn dismiss_lines(&self, delivery: &DeliveryKey, lines: &[DismissedLine], note: Option<&str>) -> Result<()> {
        // In the trail the delivery stands for its lines.
        self.noting_why(&[delivery.key()], note, self.direct.dismiss_lines(delivery, lines, note)).await
    }
}
