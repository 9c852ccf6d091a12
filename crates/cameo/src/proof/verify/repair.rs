//! What repairs a finding. Verifying only names it; `proof::repair` does it, after another look.

use crate::model::{key::PhotoId, lang::Text};

/// What repairs a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// Send the original through the flow again.
    Render(PhotoId),
    /// Take rows and renditions down: the original is gone, and no event says so.
    Remove(PhotoId),
    /// Write the address that the row should have.
    RewriteUrl {
        /// The photo.
        photo: PhotoId,
        /// The address that the row has.
        from: String,
        /// The address that it should have.
        to: String,
    },
    /// Write the aliases of the photo's entity again, by sending this photo, the primary one, through the flow.
    Alias(PhotoId),
    /// Take an alias down whose content is lost: it is written again with [`Alias`](Self::Alias).
    DamagedAlias(String),
    /// Nothing that Cameo may do: who must act, and how.
    Person(Text),
    /// Nothing: it is in work.
    Wait,
}
