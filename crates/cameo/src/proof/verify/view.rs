//! What judging looks at, beside the facts.

use super::{Look, Places, hashes::Hashed, in_work::InWork};

/// What judging looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'v> {
    pub(super) places: Places<'v>,
    pub(super) in_work: &'v InWork,
    pub(super) look: Look,
    /// Of which originals the SHA-256 is compared.
    pub(super) hashed: &'v Hashed,
}
