//! The engine of a process that renders nothing: registering needs none, so no render children are started.

use async_trait::async_trait;
use cameo_image::{Rendered, SizeSet};

use super::{Rejection, Render};
use crate::model::{
    content::Content,
    error::{Error, Kind, Place, Result},
};

/// No engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnusedEngine;

#[async_trait]
impl Render for UnusedEngine {
    async fn render(&self, _: Content, _: &SizeSet) -> Result<Result<Rendered, Rejection>> {
        Err(Error::new(Place::Engine, Kind::Misconfigured, "render: this process only registers, it has no engine"))
    }
}
