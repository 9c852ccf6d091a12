//! What the door of the API remembers between requests: whether there was ever a token, and who sent wrong ones.

use std::sync::{Arc, atomic::AtomicBool};

use crate::serve::failures::Failures;

/// What the door remembers. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Door(pub(super) Arc<Remembered>);

#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// A token was seen: they are never deleted, so it is not looked again.
    pub(super) has_tokens: AtomicBool,
    /// Wrong tokens, by client.
    pub(super) failures: Failures,
}
