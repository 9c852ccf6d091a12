//! The engine in this process, on blocking threads: for tests and for platforms without a way to guard a child.

use std::io;

use async_trait::async_trait;
use cameo_image::{Limits, Rendered, SizeSet};
use tokio::sync::Semaphore;

use super::{Rejection, Render};
use crate::model::{
    content::Content,
    error::{Error, Kind, Place, Result},
};

/// Renders in this process.
#[derive(Debug)]
pub struct InProcess {
    limits: Limits,
    places: Semaphore,
}

impl InProcess {
    /// Renders at most `concurrency` originals at a time.
    pub fn new(limits: Limits, concurrency: usize) -> Self {
        Self { limits, places: Semaphore::new(concurrency.max(1)) }
    }
}

#[async_trait]
impl Render for InProcess {
    async fn render(&self, original: Content, size_set: &SizeSet) -> Result<Result<Rendered, Rejection>> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(Place::Engine, Kind::Unavailable, "render an original").because(error.to_string())
        };
        let _place = self.places.acquire().await.map_err(|error| failed(&error))?;
        let (limits, size_set) = (self.limits.clone(), size_set.clone());
        let rendering = tokio::task::spawn_blocking(move || {
            let original = original.into_bytes()?;
            Ok::<_, io::Error>(cameo_image::render(&original, &size_set, &limits))
        });
        match rendering.await {
            Ok(Ok(result)) => Ok(result.map_err(Rejection::from)),
            Ok(Err(error)) => Err(failed(&error)),
            // A panic of the engine is the original's doing: trying again would end alike.
            Err(error) if error.is_panic() => Ok(Err(Rejection {
                reason: crate::model::reason::ReasonCode::RenderCrashed,
                detail: "the rendition engine panicked".to_owned(),
                size: None,
            })),
            Err(error) => Err(failed(&error)),
        }
    }
}
