//! Where deliveries are looked at, and by how much the clocks of those places may differ.

use jiff::SignedDuration;

use crate::{catalog::Catalog, proof::verify::Queues, store::Store};

/// Stores give times to the second, and no two clocks agree.
pub(super) const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// The places that are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The buckets.
    pub store: &'a dyn Store,
    /// The bucket of originals and records.
    pub upload_bucket: &'a str,
    /// The ledger and its history.
    pub catalog: &'a dyn Catalog,
    /// The queues; none where they cannot be reached. Looking at the dead letters of SQS hides them from others for a while, so
    /// whoever asks again and again leaves the queues out of most rounds.
    pub queues: Option<Queues<'a>>,
}
