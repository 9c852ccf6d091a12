//! What a client's build has here: nothing. It opens no data folder and no backend, so whatever is not asked of a server is refused.
//!
//! It stands in for `here.rs`, with a type that has no values.

use std::{convert::Infallible, marker::PhantomData};

use cameo::operate::System;

use super::{Context, places::PlacesArgs, server::no_server_named};

/// The system here, which there is none of.
#[derive(Debug)]
pub(crate) struct Here<'h>(Infallible, PhantomData<&'h Context>);

impl<'h> Here<'h> {
    /// Refuses: a server must be named.
    #[expect(clippy::unused_async, reason = "as the one of a whole build")]
    pub(crate) async fn open(_: &'h Context, _: &PlacesArgs) -> anyhow::Result<Self> {
        Err(no_server_named().into())
    }

    /// Whether no server runs on it.
    pub(crate) fn is_stopped(&self) -> bool {
        match self.0 {}
    }

    /// As operations take it.
    pub(crate) fn system(&self) -> System<'_> {
        match self.0 {}
    }
}
