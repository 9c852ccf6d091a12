//! Where the engine runs. The flow hands bytes over and gets renditions or a reason back; whether that happens in this
//! process or in a guarded child is the host's choice, behind [`Render`].

use async_trait::async_trait;
use cameo_image::{Rendered, SizeSet};

use crate::model::{content::Content, error::Result, reason::ReasonCode};

pub mod child;
pub mod children;
pub mod frame;
pub mod in_process;
mod protection;
mod shared_memory;
pub mod unused;
mod wire;

pub use protection::Protection;

/// Why an original has no renditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Which code names the fault, for the ledger and for people.
    pub reason: ReasonCode,
    /// What was found and where, in English.
    pub detail: String,
    /// Width and height of the upright original in pixels, where its header could be read.
    pub size: Option<(u32, u32)>,
}

impl Rejection {
    /// A rejection of an original of which nothing else is known.
    pub(crate) fn new(reason: ReasonCode, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), size: None }
    }
}

impl From<cameo_image::Rejection> for Rejection {
    fn from(rejection: cameo_image::Rejection) -> Self {
        Self { reason: rejection.reason.into(), detail: rejection.detail, size: rejection.size }
    }
}

/// Makes renditions.
#[async_trait]
pub trait Render: Send + Sync + std::fmt::Debug {
    /// Renders one original. A rejection is a result; an error means that the engine's host failed, not the original.
    async fn render(&self, original: Content, size_set: &SizeSet) -> Result<Result<Rendered, Rejection>>;
}
