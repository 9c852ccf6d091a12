//! Addresses that let somebody without keys upload one object: a PUT signed in the query, bound to the content's MD5 and ended by the clock.
//!
//! The `object_store` crate signs. Whoever gets such an address can do with it what it says and nothing else, and knows no secret.

#[cfg(any(feature = "client", feature = "s3"))]
mod signer;

use std::{collections::BTreeMap, fmt, time::Duration};

#[cfg(any(feature = "client", feature = "s3"))]
pub use signer::{PutSigner, SigningKeys};

/// How long an address may hold, at most.
pub const HOLDS_MAX: Duration = Duration::from_hours(1);

/// A PUT that may be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedPut {
    /// Where to.
    pub url: String,
    /// The headers that must be sent with it.
    pub headers: BTreeMap<String, String>,
}

impl fmt::Debug for SignedPut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedPut").field("headers", &self.headers).finish_non_exhaustive()
    }
}
